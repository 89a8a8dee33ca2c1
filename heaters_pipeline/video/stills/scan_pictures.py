"""Small pictures of a video that are made while it is scanned, for the tiles of later steps.

A scan decodes half of the frames or more, in the order of the video, before it is known where its
clips are. Pictures of the frames that may become tiles cost a fraction of decoding these once more.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from heaters_pipeline.video.arrays import Int64Array
from heaters_pipeline.video.media.frames import Frame
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.media.shown_pictures import ShownPictures
from heaters_pipeline.video.media.timing import Timeline
from heaters_pipeline.video.stills.kept_frames import kept_frames
from heaters_pipeline.video.stills.picture_shelf import MadePicture, WantedPicture, made_picture
from heaters_pipeline.video.stills.settings import (
    PictureCoding,
    SpriteSettings,
    StoryboardSettings,
)
from heaters_pipeline.video.stills.storyboard_layout import plan_storyboard

_MOST_SIDE_PX = 320
"""Larger tiles take longer to make of all frames that may become one than those take to decode."""

# Nothing is seen of it on a sheet, and two hours of video take less than a gigabyte meanwhile.
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

    def maker(
        self,
        path: Path,
        info: VideoInfo,
        timeline: Timeline,
        analysed_frames: Int64Array,
        frame_step: int,
    ) -> "_Maker":
        """Makes them, for one thread.

        Args:
            path: The file.
            info: From ``probe``.
            timeline: Of the whole file.
            analysed_frames: Those that are decoded whatever they show.
            frame_step: Frames that pass in about 1/25 of a second.
        Raises: As ``ShownPictures``.
        """
        kept = kept_frames(analysed_frames.tolist(), frame_step)
        wanted: dict[int, list[WantedPicture]] = {}
        if self.sprites is not None and self.sprites.tile_width_px <= _MOST_SIDE_PX:
            for frame in kept:
                wanted.setdefault(frame, []).append(tile_picture(frame, self.sprites))
        if self.storyboards is not None:
            for frame in plan_storyboard(timeline, self.storyboards, kept).shown_frames:
                wanted.setdefault(frame, []).append(storyboard_picture(frame, self.storyboards))
        return _Maker(ShownPictures(path, info), wanted)


class _Maker:
    def __init__(self, shown: ShownPictures, wanted: Mapping[int, Sequence[WantedPicture]]) -> None:
        self._shown = shown
        self._wanted = wanted

    def sample(self, frame: Frame) -> list[tuple[WantedPicture, MadePicture]]:
        """The pictures of a frame, of most of them none."""
        return [
            (one, made_picture(self._shown, frame, one))
            for one in self._wanted.get(frame.index, ())
        ]
