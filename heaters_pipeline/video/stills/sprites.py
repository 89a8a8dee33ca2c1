"""A clip becomes sprite sheets: pages with a grid of small pictures, and an index of them.

Which frames stand where is decided in ``sprite_layout``.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import repeat
from pathlib import Path

import cv2
import numpy as np

from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.stills.clip_reader import probe_clip, read_clip_frames, shown_pictures
from heaters_pipeline.video.stills.picture_files import PictureFiles
from heaters_pipeline.video.stills.sprite_layout import SpriteLayout, SpritePage

INDEX_FORMAT = "heaters_pipeline/sprite_sheet"
INDEX_FORMAT_VERSION = 3
"""Raised when the same settings would give other sheets, or their index has other fields."""

Json = None | bool | int | float | str | list["Json"] | dict[str, "Json"]


@dataclass(frozen=True, slots=True)
class SpriteSheet:
    """One page as it was written.

    Attributes:
        path: The file.
        page: Its grid and tiles.
        width_px: Width of the picture.
        height_px: Height of the picture.
        size_bytes: Length of the file.
    """

    path: Path
    page: SpritePage
    width_px: int
    height_px: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class SpriteSet:
    """All sprite sheets of a clip.

    Attributes:
        layout: Which frames stand where.
        sheets: The pages in order.
    """

    layout: SpriteLayout
    sheets: tuple[SpriteSheet, ...]

    @property
    def tile_size_px(self) -> tuple[int, int]:
        """``(width, height)`` of every tile on every page."""
        first = self.sheets[0]
        return first.width_px // first.page.columns, first.height_px // first.page.rows

    def index(self, page_keys: Sequence[str]) -> dict[str, Json]:
        """What a player needs to show the tiles; it is stored as JSON beside the pages.

        Args:
            page_keys: The key (or file name) of each page.
        """
        tile_width_px, tile_height_px = self.tile_size_px
        # The first page is the largest: all others have its grid, or less of it.
        page = self.sheets[0].page
        tiles_per_second = float(1 / self.layout.interval_seconds)
        duration_seconds = float(self.layout.duration_seconds)
        frames_per_second = float(self.layout.frames / self.layout.duration_seconds)
        return {
            "format": INDEX_FORMAT,
            "format_version": INDEX_FORMAT_VERSION,
            "columns": page.columns,
            "rows": page.rows,
            "tile_width_px": tile_width_px,
            "tile_height_px": tile_height_px,
            "fps": tiles_per_second,
            "tile_count": self.layout.tile_count,
            "duration_seconds": duration_seconds,
            # The names that players of the system before this one read.
            "cols": page.columns,
            "grid_dimensions": f"{page.columns}x{page.rows}",
            "tile_width": tile_width_px,
            "tile_height_calculated": tile_height_px,
            "total_sprite_frames": self.layout.tile_count,
            "num_frames": self.layout.tile_count,
            "clip_fps": tiles_per_second,
            "effective_fps": tiles_per_second,
            "clip_fps_source": frames_per_second,
            "video_fps": frames_per_second,
            "clip_total_frames_source": self.layout.frames,
            "video_duration": duration_seconds,
            "pages": [
                _page_row(key, sheet) for key, sheet in zip(page_keys, self.sheets, strict=True)
            ],
            "tiles": [row for number in range(len(self.sheets)) for row in self._tile_rows(number)],
        }

    def _tile_rows(self, number: int) -> Iterator[dict[str, Json]]:
        page = self.sheets[number].page
        tile_width_px, tile_height_px = self.tile_size_px
        times_seconds = self.layout.tile_times_seconds
        for place in range(page.tile_count):
            row, column = divmod(place, page.columns)
            tile = page.first_tile + place
            yield {
                "page": number,
                "column": column,
                "row": row,
                "x": column * tile_width_px,
                "y": row * tile_height_px,
                "frame": self.layout.tile_frames[tile],
                "time_seconds": float(times_seconds[tile]),
                "frame_seconds": float(self.layout.frame_seconds[tile]),
            }


def write_sprites(clip: Path, layout: SpriteLayout, page_paths: Sequence[Path]) -> SpriteSet:
    """Decode a clip once and write its sprite sheets, holding one page in memory.

    Args:
        clip: The clip's file.
        layout: From ``plan_sprites``.
        page_paths: Where each page goes, in folders that exist. All pages appear, or none.
    Raises:
        ClipError: The clip cannot be decoded or does not hold the layout's frames.
        OSError: The disk is full, or cannot be written.
        ValueError: There are not as many paths as pages.
    """
    tiles = tile_pictures(_clip_pictures(clip, layout), layout)
    return write_pages(tiles, layout, page_paths)


def write_pages(
    tiles: Iterator[Picture], layout: SpriteLayout, page_paths: Sequence[Path]
) -> SpriteSet:
    """Write sprite sheets of pictures that were made, holding one page in memory.

    Args:
        tiles: From ``tile_pictures``.
        layout: From ``plan_sprites``.
        page_paths: As ``write_sprites``.
    Raises:
        OSError: The disk is full, or cannot be written.
        ValueError: There are not as many paths as pages.
    """
    if len(page_paths) != layout.page_count:
        raise ValueError(f"{len(page_paths)} paths for {layout.page_count} pages")
    sheets: list[SpriteSheet] = []
    with PictureFiles() as files:
        for page, picture in _page_pictures(tiles, layout):
            path = page_paths[len(sheets)]
            size_bytes = files.add(path, picture, layout.settings.coding)
            height_px, width_px = picture.shape[:2]
            sheets.append(SpriteSheet(path, page, width_px, height_px, size_bytes))
    return SpriteSet(layout, tuple(sheets))


def _clip_pictures(clip: Path, layout: SpriteLayout) -> Iterator[Picture]:
    """The pictures of the frames that become tiles, of a clip's file."""
    info = probe_clip(clip)
    shown = shown_pictures(clip, info)
    side_px = layout.settings.tile_width_px
    for frame, _ in read_clip_frames(clip, info, layout.frames, layout.shown_frames):
        yield shown.picture(frame, (side_px, side_px))


def tile_pictures(pictures: Iterator[Picture], layout: SpriteLayout) -> Iterator[Picture]:
    """The picture of each tile, all of one shape.

    Args:
        pictures: Of each frame that becomes a tile, in order, once; read to their end.
        layout: Of the tiles.
    """
    tiles_of = Counter(layout.tile_frames)
    shape: tuple[int, ...] | None = None
    for frame, picture in zip(layout.shown_frames, pictures, strict=True):
        shape = shape or picture.shape
        # The size of the picture may change within a clip; a tile's may not.
        fitting = picture if picture.shape == shape else _centred(_inside(picture, shape), shape)
        yield from repeat(fitting, tiles_of[frame])


def _page_pictures(
    tiles: Iterator[Picture], layout: SpriteLayout
) -> Iterator[tuple[SpritePage, Picture]]:
    """Each page once it is full. Reads the tiles to their end."""
    pages = iter(layout.pages)
    page = next(pages)
    canvas: Picture | None = None
    for tile, picture in enumerate(tiles):
        height_px, width_px = picture.shape[:2]
        if canvas is None:
            canvas = np.zeros((page.rows * height_px, page.columns * width_px, 3), np.uint8)
        row, column = divmod(tile - page.first_tile, page.columns)
        y, x = row * height_px, column * width_px
        canvas[y : y + height_px, x : x + width_px] = picture
        if tile + 1 == page.first_tile + page.tile_count:
            yield page, canvas
            page, canvas = next(pages, page), None


def _inside(picture: Picture, shape: tuple[int, ...]) -> Picture:
    scale = min(shape[0] / picture.shape[0], shape[1] / picture.shape[1], 1)
    size_px = (max(1, round(picture.shape[1] * scale)), max(1, round(picture.shape[0] * scale)))
    return np.asarray(cv2.resize(picture, size_px, interpolation=cv2.INTER_AREA), np.uint8)


def _centred(picture: Picture, shape: tuple[int, ...]) -> Picture:
    canvas = np.zeros(shape, np.uint8)
    y, x = ((shape[axis] - picture.shape[axis]) // 2 for axis in (0, 1))
    canvas[y : y + picture.shape[0], x : x + picture.shape[1]] = picture
    return canvas


def _page_row(key: str, sheet: SpriteSheet) -> dict[str, Json]:
    return {
        "key": key,
        "width_px": sheet.width_px,
        "height_px": sheet.height_px,
        "size_bytes": sheet.size_bytes,
        "tile_count": sheet.page.tile_count,
        "columns": sheet.page.columns,
        "rows": sheet.page.rows,
    }
