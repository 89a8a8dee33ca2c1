"""The storyboard of a video: sheets of small pictures, and four files that tell players of them.

Which frames stand where is decided in ``storyboard_layout``.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.stills.bif_file import BifFile
from heaters_pipeline.video.stills.picture_files import encoded_picture
from heaters_pipeline.video.stills.settings import PictureCoding
from heaters_pipeline.video.stills.sprite_layout import SpriteLayout
from heaters_pipeline.video.stills.sprites import tile_pictures, write_pages
from heaters_pipeline.video.stills.storyboard_layout import milliseconds

FORMAT_VERSION = 2
"""Raised when the same settings would give other sheets or files."""


@dataclass(frozen=True, slots=True)
class StoryboardTile:
    """A tile of a storyboard.

    Attributes:
        start_ms: From when it is shown.
        end_ms: Until when: the start of the next tile, or the end of the video.
        sheet: Number of its sheet.
        x_px: Where it begins on its sheet, from the left.
        y_px: The same from the top.
        frame: The frame of the video that it shows.
    """

    start_ms: int
    end_ms: int
    sheet: int
    x_px: int
    y_px: int
    frame: int


@dataclass(frozen=True, slots=True)
class Storyboard:
    """What players are told of a storyboard.

    Attributes:
        layout: From ``plan_storyboard``.
        tile_size_px: ``(width, height)`` of every tile.
        sheet_names: The file name of each sheet. All files of a storyboard lie in one folder, so
            that these are their addresses in each of them.
    """

    layout: SpriteLayout
    tile_size_px: tuple[int, int]
    sheet_names: tuple[str, ...]

    @property
    def interval_ms(self) -> int:
        """Milliseconds from one tile to the next."""
        return int(self.layout.interval_seconds * 1000)

    @property
    def duration_ms(self) -> int:
        """How long the video is."""
        return milliseconds(self.layout.duration_seconds)

    @property
    def tiles(self) -> Iterator[StoryboardTile]:
        """All tiles in order: no gaps between them, the first from 0, the last to the end."""
        width_px, height_px = self.tile_size_px
        for sheet, page in enumerate(self.layout.pages):
            for place in range(page.tile_count):
                tile = page.first_tile + place
                row, column = divmod(place, page.columns)
                yield StoryboardTile(
                    tile * self.interval_ms,
                    min((tile + 1) * self.interval_ms, self.duration_ms),
                    sheet,
                    column * width_px,
                    row * height_px,
                    self.layout.tile_frames[tile],
                )

    def webvtt(self) -> bytes:
        """Cues with the address of a sheet and a part of it (W3C Media Fragments, ``xywh``)."""
        width_px, height_px = self.tile_size_px
        cues = (
            f"{_clock(one.start_ms)} --> {_clock(one.end_ms)}\n{self.sheet_names[one.sheet]}"
            f"#xywh={one.x_px},{one.y_px},{width_px},{height_px}\n"
            for one in self.tiles
        )
        return "\n".join(["WEBVTT\n", *cues]).encode()

    def images_playlist(self) -> bytes:
        """An HLS playlist of pictures (Image Media Playlist, version 0.4), a segment a sheet."""
        width_px, height_px = self.tile_size_px
        interval = _seconds(self.interval_ms)
        segments, longest_ms = [], 0
        for page, name in zip(self.layout.pages, self.sheet_names, strict=True):
            start_ms = page.first_tile * self.interval_ms
            end_ms = min(start_ms + page.tile_count * self.interval_ms, self.duration_ms)
            longest_ms = max(longest_ms, end_ms - start_ms)
            segments += [
                f"#EXTINF:{_seconds(end_ms - start_ms)},",
                f"#EXT-X-TILES:RESOLUTION={width_px}x{height_px},"
                f"LAYOUT={page.columns}x{page.rows},DURATION={interval}",
                name,
            ]
        lines = [
            "#EXTM3U",
            f"#EXT-X-TARGETDURATION:{ceil(longest_ms / 1000)}",
            "#EXT-X-VERSION:7",
            "#EXT-X-MEDIA-SEQUENCE:1",
            "#EXT-X-PLAYLIST-TYPE:VOD",
            "#EXT-X-IMAGES-ONLY",
            *segments,
            "#EXT-X-ENDLIST",
        ]
        return "".join(f"{line}\n" for line in lines).encode()

    def json(self) -> bytes:
        """The form of Mux, in which each tile says its sheet, too, since there may be several."""
        width_px, height_px = self.tile_size_px
        content = {
            "url": self.sheet_names[0],
            "tile_width": width_px,
            "tile_height": height_px,
            "duration": self.duration_ms / 1000,
            "tiles": [
                {
                    "start": one.start_ms / 1000,
                    "x": one.x_px,
                    "y": one.y_px,
                    "url": self.sheet_names[one.sheet],
                    "frame": one.frame,
                }
                for one in self.tiles
            ],
        }
        return json.dumps(content, separators=(",", ":")).encode()


def write_storyboard(
    pictures: Iterable[Picture], layout: SpriteLayout, sheets: Sequence[Path], bif: Path
) -> Storyboard:
    """Write the pictures of a storyboard, holding one sheet in memory.

    Args:
        pictures: Of each frame that becomes a tile, in order, once.
        layout: From ``plan_storyboard``.
        sheets: Where each sheet goes, by its name, in folders that exist.
        bif: Where the BIF file goes.
    Raises:
        OSError: The disk is full, or cannot be written.
    """
    coding = PictureCoding(layout.settings.jpeg_quality)
    unit_ms = int(layout.interval_seconds * 1000)
    with BifFile(bif, layout.tile_count, unit_ms) as file:

        def kept(tiles: Iterator[Picture]) -> Iterator[Picture]:
            for tile in tiles:
                file.add(encoded_picture(tile, coding, bif.name))
                yield tile

        written = write_pages(kept(tile_pictures(iter(pictures), layout)), layout, sheets)
    return Storyboard(layout, written.tile_size_px, tuple(path.name for path in sheets))


def _clock(time_ms: int) -> str:
    seconds, thousandths = divmod(time_ms, 1000)
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours:02d}:{minutes:02d}:{seconds:02d}.{thousandths:03d}"


def _seconds(time_ms: int) -> str:
    return f"{time_ms // 1000}.{time_ms % 1000:03d}"
