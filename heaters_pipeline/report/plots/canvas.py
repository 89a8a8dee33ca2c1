"""A figure in pixels, x from the left and y from the top, on which things are placed exactly.

For the large pictures, which are put together from many parts. It knows nothing of what they show;
plots that consist of one pair of axes take ``png_files`` alone.
"""

from collections.abc import Sequence

import cv2
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle
from matplotlib.transforms import IdentityTransform
from PIL import Image

from heaters_pipeline.report.plots.png_files import new_figure, palette_png, png_of, rendered
from heaters_pipeline.video.arrays import Picture

_INK = "#222222"


class Canvas:
    """An empty figure.

    Args:
        width_px: Its width, > 0.
        height_px: Its height, > 0.
    """

    def __init__(self, width_px: float, height_px: float) -> None:
        self.width_px = width_px
        self.height_px = height_px
        self._figure = new_figure(width_px, height_px)

    def add_axes(self, x: float, y: float, width: float, height: float) -> Axes:
        """Axes of a size in pixels, whose upper left corner is at ``(x, y)``."""
        left, bottom = x / self.width_px, 1 - (y + height) / self.height_px
        return self._figure.add_axes((left, bottom, width / self.width_px, height / self.height_px))

    def write(
        self,
        x: float,
        y: float,
        text: str,
        *,
        size: float = 10.0,
        colour: str = _INK,
        align: str = "left",
        bold: bool = False,
    ) -> None:
        """Write a line of text.

        Args:
            x: Where it begins, ends or has its middle, as ``align`` says.
            y: Its middle.
            text: Taken literally.
            size: Of the letters, in points.
            colour: ``#rrggbb``.
            align: ``left``, ``right`` or ``center``.
            bold: Whether the letters are.
        """
        self._figure.text(
            x / self.width_px,
            1 - y / self.height_px,
            text,
            fontsize=size,
            color=colour,
            ha=align,
            va="center",
            fontweight="bold" if bold else "normal",
            parse_math=False,
        )

    def legend(self, x: float, y: float, handles: Sequence[Artist]) -> None:
        """Explain the handles in one line, which begins at ``x`` and whose middle is at ``y``."""
        self._figure.legend(
            handles=list(handles),
            loc="center left",
            bbox_to_anchor=(x / self.width_px, 1 - y / self.height_px),
            borderaxespad=0,
            borderpad=0,
            ncols=max(1, len(handles)),
            fontsize=10,
            frameon=False,
        )

    def line(self, xs: Sequence[float], ys: Sequence[float], colour: str) -> None:
        """Draw a thin line through points."""
        self._figure.add_artist(
            Line2D(
                xs,
                [self.height_px - y for y in ys],
                color=colour,
                linewidth=0.9,
                transform=IdentityTransform(),
            )
        )

    def paste(self, picture: Picture, x: float, y: float, colour: str) -> None:
        """Put a picture with a border, its middle at ``x``, its lower edge at ``y``."""
        height, width = picture.shape[:2]
        left, bottom = round(x - width / 2), round(self.height_px - y)
        colours = cv2.cvtColor(picture, cv2.COLOR_BGR2RGB)
        self._figure.figimage(colours, left, bottom, origin="upper")
        self._figure.add_artist(
            Rectangle(
                (left, bottom),
                width,
                height,
                fill=False,
                edgecolor=colour,
                linewidth=1.6,
                transform=IdentityTransform(),
            )
        )

    def png(self) -> bytes:
        """The file."""
        return png_of(self._figure)

    def small_png(self, max_bytes: int) -> bytes:
        """The file with as many colours, and then as many pixels, as fit into it.

        Raises:
            ValueError: ``max_bytes`` is too small for any picture.
        """
        whole = rendered(self._figure)
        for tenths in (10, 8, 6, 5):
            size = (whole.width * tenths // 10, whole.height * tenths // 10)
            picture = whole if tenths == 10 else whole.resize(size, Image.Resampling.LANCZOS)
            if png := palette_png(picture, max_bytes):
                return png
        raise ValueError(f"no picture fits into {max_bytes} bytes")


def shortened(text: str, letters: int) -> str:
    """The text, or as much of it as so many letters take."""
    return text if len(text) <= letters else f"{text[: letters - 1]}…"
