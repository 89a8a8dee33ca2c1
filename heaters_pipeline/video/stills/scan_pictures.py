"""Small pictures of a video that are made while it is scanned, for the tiles of later steps.

A scan decodes half of the frames or more, in the order of the video, before it is known where its
clips are. Pictures of the frames that may become tiles cost a fraction of decoding these once more.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heaters_pipeline.video.arrays import BoolArray, Int64Array
from heaters_pipeline.video.media.frames import Frame
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.media.shown_pictures import ShownPictures
from heaters_pipeline.video.media.timing import Timeline
from heaters_pipeline.video.stills.picture_shelf import MadePicture, WantedPicture, made_picture
from heaters_pipeline.video.stills.settings import (
    PictureCoding,
    SpriteSettings,
    StoryboardSettings,
)
from heaters_pipeline.video.stills.storyboard_layout import plan_storyboard

_MOST_SIDE_PX = 320
"""Larger tiles take longer to make of all frames that may become one than those take to decode."""

# It costs 0.4 dB on a sheet of quality 80; two hours of video take less than a gigabyte meanwhile.
_KEPT = PictureCoding(quality=95)


def tile_picture(frame: int, settings: SpriteSettings) -> WantedPicture:
    """The picture of a frame that becomes a tile of a clip's sheet."""
    return WantedPicture(frame, settings.tile_width_px, _KEPT)


def storyboard_picture(frame: int, settings: StoryboardSettings) -> WantedPicture:
    """The picture of a frame that becomes a tile of a storyboard."""
    return WantedPicture(frame, settings.tile_width_px)


@dataclass(frozen=True, slots=True)
class ScanPictures:
    """Which pictures are made while a video is scanned.

    Attributes:
        sprites: Of the sheets that will be made; None if none will.
        storyboards: The same of the storyboard.
    """

    sprites: SpriteSettings | None
    storyboards: StoryboardSettings | None

    def makers(
        self,
        path: Path,
        info: VideoInfo,
        timeline: Timeline,
        tile_frames: Int64Array,
        count: int,
    ) -> list["_Maker"]:
        """Makes them, for so many threads.

        Args:
            path: The file.
            info: From ``probe``.
            timeline: Of the whole file.
            tile_frames: Those that may become tiles of a clip, increasing.
            count: How many threads.
        Raises: As ``ShownPictures``.
        """
        is_tile = np.zeros(timeline.frames, np.bool_)
        if self.sprites is not None and self.sprites.tile_width_px <= _MOST_SIDE_PX:
            is_tile[tile_frames] = True
        on_board: frozenset[int] = frozenset()
        if self.storyboards is not None:
            on_board = frozenset(
                plan_storyboard(timeline, self.storyboards, tile_frames.tolist()).tile_frames
            )
        return [_Maker(ShownPictures(path, info), self, is_tile, on_board) for _ in range(count)]


class _Maker:
    def __init__(
        self,
        shown: ShownPictures,
        settings: ScanPictures,
        is_tile: BoolArray,
        on_board: Collection[int],
    ) -> None:
        self._shown = shown
        self._settings = settings
        self._is_tile = is_tile
        self._on_board = on_board

    def sample(self, frame: Frame) -> list[tuple[WantedPicture, MadePicture]]:
        """The pictures of a frame, of most of them none."""
        wanted = []
        if self._settings.sprites is not None and self._is_tile[frame.index]:
            wanted.append(tile_picture(frame.index, self._settings.sprites))
        if self._settings.storyboards is not None and frame.index in self._on_board:
            wanted.append(storyboard_picture(frame.index, self._settings.storyboards))
        return [(one, made_picture(self._shown, frame, one)) for one in wanted]
