"""Representative pictures of a clip ("key frames" to its users; no I-frames of a codec).

Reading a clip is ``clip_reader``'s, writing the files ``picture_files``'.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.media.shown_pictures import ShownPictures
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.stills.clip_reader import (
    probe_clip,
    read_clip_frames,
    shown_pictures,
)
from heaters_pipeline.video.stills.picture_files import PictureFiles
from heaters_pipeline.video.stills.settings import KeyframeSettings, KeyframeStrategy
from heaters_pipeline.video.stills.sharpest import JUDGED_SIDE_PX, candidates, goodness

FORMAT_VERSION = 2
"""Raised when the same settings would give other pictures: 2 brought thumbnails."""

_POSITIONS: dict[KeyframeStrategy, tuple[int, ...]] = {"midpoint": (50,), "multi": (25, 50, 75)}


@dataclass(frozen=True, slots=True)
class KeyframePicture:
    """One key frame as it was written.

    Attributes:
        path: The file.
        frame: The clip's frame that it shows.
        time_seconds: When the frame is shown, from the start of the clip.
        width_px: Width of the picture.
        height_px: Height of the picture.
        size_bytes: Length of the file.
    """

    path: Path
    frame: int
    time_seconds: Fraction
    width_px: int
    height_px: int
    size_bytes: int


def keyframe_positions(settings: KeyframeSettings) -> tuple[int, ...]:
    """Where key frames are taken, in percent of the clip's frames, rising; of ``sharpest`` none."""
    return _POSITIONS.get(settings.strategy, ())


def keyframe_names(settings: KeyframeSettings) -> tuple[str, ...]:
    """What the key frames of a clip are called, in order: by their positions, if they have any."""
    return tuple(map(str, keyframe_positions(settings))) or (settings.strategy,)


def keyframe_frame(frames: int, percent: int) -> int:
    """The frame at a position: ``frames * percent / 100`` rounded down, at most the last one.

    Args:
        frames: Frames of the clip, at least 1.
        percent: 0 to 100.
    """
    return min(frames * percent // 100, frames - 1)


def write_keyframes(
    clip: Path,
    frames: int,
    settings: KeyframeSettings,
    paths: Sequence[Path],
    spans: Sequence[Span] = (),
) -> list[KeyframePicture]:
    """Write the key frames of a clip.

    Args:
        clip: The clip's file.
        frames: Number of frames that the clip shows.
        settings: Which and how large.
        paths: A file for each of ``keyframe_names``, in folders that exist. All appear, or none.
        spans: Where to look for the sharpest frame, in the clip; nowhere for all of it.
    Returns:
        One a path, in order. A very short clip has the same frame at several positions.
    Raises:
        ClipError: The clip cannot be decoded or does not hold ``frames`` frames.
        OSError: The disk is full, or cannot be written.
    """
    info = probe_clip(clip)
    shown = shown_pictures(clip, info)
    at = [keyframe_frame(frames, percent) for percent in keyframe_positions(settings)]
    if not at:
        at = [_sharpest(clip, info, frames, spans or (Span(0, frames),), shown)]
    max_size_px = (settings.max_side_px, settings.max_side_px)
    written: list[KeyframePicture] = []
    with PictureFiles() as files:
        for frame, time_seconds in read_clip_frames(clip, info, frames, sorted(set(at))):
            picture = shown.picture(frame, max_size_px)
            height_px, width_px = picture.shape[:2]
            for path in (path for path, one in zip(paths, at, strict=True) if one == frame.index):
                size_bytes = files.add(path, picture, settings.coding)
                written.append(
                    KeyframePicture(
                        path, frame.index, time_seconds, width_px, height_px, size_bytes
                    )
                )
    return written


def _sharpest(
    clip: Path, info: VideoInfo, frames: int, spans: Sequence[Span], shown: ShownPictures
) -> int:
    judged_px = (JUDGED_SIDE_PX, JUDGED_SIDE_PX)
    ranks = (
        (goodness(shown.picture(frame, judged_px)), -frame.index)
        for frame, _ in read_clip_frames(clip, info, frames, candidates(spans))
    )
    return -max(ranks)[1]


def middle_picture(clip: Path, frames: int, max_side_px: int) -> Picture:
    """The picture in the middle of a clip as a person sees it, at most so large on each side.

    Raises:
        ClipError: The clip cannot be decoded or does not hold ``frames`` frames.
    """
    info = probe_clip(clip)
    wanted = [keyframe_frame(frames, 50)]
    ((frame, _),) = read_clip_frames(clip, info, frames, wanted)
    return shown_pictures(clip, info).picture(frame, (max_side_px, max_side_px))
