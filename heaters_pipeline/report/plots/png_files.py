"""Figures of matplotlib whose size is in pixels, and the PNG files that they become.

Shared by all plots; what they show does not belong here.
"""

import io

from matplotlib.figure import Figure
from matplotlib.layout_engine import LayoutEngine
from PIL import Image

_DPI = 100
_PALETTE_COLOURS = (64, 32, 16)


def new_figure(width_px: float, height_px: float, layout: LayoutEngine | None = None) -> Figure:
    """An empty figure; without a layout everything in it stays where it is put."""
    return Figure((width_px / _DPI, height_px / _DPI), dpi=_DPI, layout=layout)


def png_of(figure: Figure) -> bytes:
    """The figure as a PNG in true colour."""
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=_DPI)
    return file.getvalue()


def rendered(figure: Figure) -> Image.Image:
    """The figure as a picture, without transparency."""
    return Image.open(io.BytesIO(png_of(figure))).convert("RGB")


def palette_png(picture: Image.Image, max_bytes: int) -> bytes | None:
    """A PNG with as many colours as ``max_bytes`` allow, which is all that a drawing needs.

    Returns:
        None if it is too large with the fewest colours that look well.
    """
    for colours in _PALETTE_COLOURS:
        file = io.BytesIO()
        picture.quantize(colours, dither=Image.Dither.NONE).save(file, "PNG", optimize=True)
        if file.tell() <= max_bytes:
            return file.getvalue()
    return None
