"""A sheet with one captioned picture a clip, and pictures in Markdown. Arrays in, bytes out.

Made for the Dagster UI, which keeps its events in a database: a sheet takes the best quality that
fits into a number of bytes, and where that is not enough for all clips, it shows some of them
and says so.
"""

import base64
import re
from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil

import cv2
import numpy as np

from heaters_pipeline.report.plots.scaled_pictures import scaled_to_fit
from heaters_pipeline.video.arrays import Picture

_GAP_PX = 2
_CAPTION_HEIGHT_PX = 17
_FONT_PX = 12
_FONT_WEIGHT = 400
_BACKGROUND = (32, 32, 32)
_TEXT_COLOUR = (240, 240, 240)
_MIN_TILE_BYTES = 400
_MAX_SIDE_PX = 16_384


@dataclass(frozen=True, slots=True)
class _Quality:
    """How a sheet is drawn: share of the wanted width of a tile, and quality of the JPEG."""

    width_share: float
    jpeg_quality: int


_QUALITIES = (
    _Quality(1.0, 85),
    _Quality(1.0, 70),
    _Quality(0.85, 70),
    _Quality(0.85, 55),
    _Quality(0.7, 60),
    _Quality(0.7, 45),
)
"""From the best to the worst that is still of use."""


def contact_sheet_jpeg(
    pictures: Sequence[tuple[str, Picture]],
    *,
    columns: int,
    tile_width_px: int = 160,
    max_bytes: int = 30_000,
    total: int | None = None,
) -> bytes:
    """Draw captioned pictures in a grid, row by row, as a JPEG.

    Args:
        pictures: ``(caption, picture)`` of each clip, at least one. Captions that are wider than
            a tile are shortened.
        columns: Most tiles in a row, at least 1.
        tile_width_px: Width of a tile, and the most that a picture may be high; less if
            ``max_bytes`` asks for it.
        max_bytes: Most bytes of the JPEG. Quality and size of the tiles give way first; then
            pictures are chosen evenly, first and last among them, and a line says how many.
        total: How many clips there are, if ``pictures`` are already a choice of them.
    Raises:
        ValueError: There are no pictures; a row is wider than 16,384 pixels; or ``max_bytes`` is
            too small for a single picture.
    """
    if not pictures:
        raise ValueError("a contact sheet needs at least one picture")
    if columns * (tile_width_px + _GAP_PX) > _MAX_SIDE_PX:
        raise ValueError(f"{columns} tiles of {tile_width_px} px are wider than {_MAX_SIDE_PX} px")
    tiles = _tiles(pictures, tile_width_px)
    most_rows = _MAX_SIDE_PX // (tile_width_px + _CAPTION_HEIGHT_PX)
    most = min(len(tiles), columns * most_rows, max(1, max_bytes // _MIN_TILE_BYTES))
    # Part of a single row, whole rows, or all.
    numbers = [n for n in range(1, most + 1) if n < columns or n % columns == 0 or n == len(tiles)]
    total = max(total or 0, len(tiles))

    def drawn(shown: int, quality: _Quality) -> bytes:
        note = "" if shown == total else f"{shown} of {total} clips, evenly chosen"
        chosen = [tiles[index] for index in evenly(len(tiles), shown)]
        sheet = _sheet(chosen, columns, round(tile_width_px * quality.width_share), note)
        _, data = cv2.imencode(".jpg", sheet, [cv2.IMWRITE_JPEG_QUALITY, quality.jpeg_quality])
        return data.tobytes()

    def least_bytes(shown: int) -> int:
        return len(drawn(shown, _QUALITIES[-1]))

    # First as many clips as fit at all, then the best quality in which those fit.
    fitting = bisect_right(numbers, max_bytes, key=least_bytes)
    if fitting == 0:
        raise ValueError(f"no contact sheet fits into {max_bytes} bytes")
    sheets = (drawn(numbers[fitting - 1], quality) for quality in _QUALITIES)
    return next(sheet for sheet in sheets if len(sheet) <= max_bytes)


def markdown_image(data: bytes, mime: str, alt: str) -> str:
    """A picture inside Markdown text, as a data URI.

    Args:
        data: The file.
        mime: Its type, such as ``image/png``.
        alt: Shown where the picture is not; taken literally.
    """
    literal = re.sub(r"([!-/:-@\[-`{-~])", r"\\\1", " ".join(alt.split()))
    return f"![{literal}](data:{mime};base64,{base64.b64encode(data).decode('ascii')})"


def evenly(count: int, wanted: int) -> list[int]:
    """``wanted`` different positions out of ``count``, evenly spread, first and last included."""
    if wanted == 1:
        return [0]
    return [step * (count - 1) // (wanted - 1) for step in range(wanted)]


def _sheet(
    pictures: Sequence[tuple[str, Picture]], columns: int, tile_width_px: int, note: str
) -> Picture:
    tiles = _tiles(pictures, tile_width_px)
    columns = min(columns, len(tiles))
    rows = ceil(len(tiles) / columns)
    tile_height_px = max(tile.shape[0] for _, tile in tiles)
    step_x, step_y = tile_width_px + _GAP_PX, tile_height_px + _CAPTION_HEIGHT_PX
    note_height_px = _CAPTION_HEIGHT_PX if note else 0
    sheet = np.full(
        (rows * step_y + note_height_px, columns * step_x - _GAP_PX, 3), _BACKGROUND, np.uint8
    )
    for number, (caption, tile) in enumerate(tiles):
        row, column = divmod(number, columns)
        x, y = column * step_x, row * step_y
        _paste(sheet[y : y + tile_height_px, x : x + tile_width_px], tile)
        _write(sheet, caption, x + 2, y + tile_height_px, tile_width_px - 4)
    _write(sheet, note, 2, rows * step_y, sheet.shape[1] - 4)
    return sheet


def _tiles(pictures: Sequence[tuple[str, Picture]], side_px: int) -> list[tuple[str, Picture]]:
    """Each picture in the width of a tile, or as high as an upright one may be."""
    return [(caption, scaled_to_fit(picture, side_px, side_px)) for caption, picture in pictures]


def _paste(cell: Picture, tile: Picture) -> None:
    y = (cell.shape[0] - tile.shape[0]) // 2
    x = (cell.shape[1] - tile.shape[1]) // 2
    cell[y : y + tile.shape[0], x : x + tile.shape[1]] = tile


def _write(sheet: Picture, text: str, x: int, y: int, width_px: int) -> None:
    """Write a line below ``y``, as much of it as the width takes."""
    font = cv2.FontFace("sans")
    line = text
    while line and _text_width_px(line, font) > width_px:
        text = text[:-1]
        line = f"{text.rstrip()}…" if text else ""
    baseline = (x, y + _CAPTION_HEIGHT_PX - 5)
    cv2.putText(sheet, line, baseline, _TEXT_COLOUR, font, _FONT_PX, _FONT_WEIGHT)


def _text_width_px(text: str, font: cv2.FontFace) -> int:
    box = cv2.getTextSize((0, 0), text, (0, 0), font, _FONT_PX, _FONT_WEIGHT)
    return box[0] + box[2]
