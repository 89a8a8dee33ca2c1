"""Representative pictures of a clip ("key frames" to its users; no I-frames of a codec).

Reading a clip is ``clip_reader``'s, writing the files ``picture_files``'.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.stills.clip_reader import (
    probe_clip,
    read_clip_frames,
    shown_pictures,
)
from heaters_pipeline.video.stills.picture_files import PictureFiles
from heaters_pipeline.video.stills.settings import KeyframeSettings, KeyframeStrategy

FORMAT_VERSION = 1
"""Raised when the same settings would give other pictures."""

_POSITIONS: dict[KeyframeStrategy, tuple[int, ...]] = {"midpoint": (50,), "multi": (25, 50, 75)}


@dataclass(frozen=True, slots=True)
class KeyframePicture:
    """One key frame as it was written.

    Attributes:
        path: The file.
        percent: The position that was asked for.
        frame: The clip's frame that stands there.
        time_seconds: When the frame is shown, from the start of the clip.
        width_px: Width of the picture.
        height_px: Height of the picture.
        size_bytes: Length of the file.
    """

    path: Path
    percent: int
    frame: int
    time_seconds: Fraction
    width_px: int
    height_px: int
    size_bytes: int


def keyframe_positions(settings: KeyframeSettings) -> tuple[int, ...]:
    """Where key frames are taken, in percent of the clip's frames, rising."""
    return _POSITIONS[settings.strategy]


def keyframe_frame(frames: int, percent: int) -> int:
    """The frame at a position: ``frames * percent / 100`` rounded down, at most the last one.

    Args:
        frames: Frames of the clip, at least 1.
        percent: 0 to 100.
    """
    return min(frames * percent // 100, frames - 1)


def write_keyframes(
    clip: Path, frames: int, settings: KeyframeSettings, target_for: Callable[[int], Path]
) -> list[KeyframePicture]:
    """Write the key frames of a clip.

    Args:
        clip: The clip's file.
        frames: Number of frames that the clip shows.
        settings: Which and how large.
        target_for: Gives the file for a percentage, in a folder that exists. All appear, or none.
    Returns:
        One a position, in order. A very short clip has the same frame at several positions.
    Raises:
        ClipError: The clip cannot be decoded or does not hold ``frames`` frames.
        OSError: The disk is full, or cannot be written.
    """
    info = probe_clip(clip)
    positions = keyframe_positions(settings)
    wanted = sorted({keyframe_frame(frames, percent) for percent in positions})
    max_size_px = (settings.max_side_px, settings.max_side_px)
    shown = shown_pictures(clip, info)
    written: list[KeyframePicture] = []
    with PictureFiles() as files:
        for frame, time_seconds in read_clip_frames(clip, info, frames, wanted):
            picture = shown.picture(frame, max_size_px)
            height_px, width_px = picture.shape[:2]
            for percent in positions:
                if keyframe_frame(frames, percent) != frame.index:
                    continue
                path = target_for(percent)
                size_bytes = files.add(path, picture, settings.coding)
                written.append(
                    KeyframePicture(
                        path, percent, frame.index, time_seconds, width_px, height_px, size_bytes
                    )
                )
    return written


def middle_picture(clip: Path, frames: int, max_side_px: int) -> Picture:
    """The picture in the middle of a clip as a person sees it, at most so large on each side.

    Raises:
        ClipError: The clip cannot be decoded or does not hold ``frames`` frames.
    """
    info = probe_clip(clip)
    wanted = [keyframe_frame(frames, 50)]
    ((frame, _),) = read_clip_frames(clip, info, frames, wanted)
    return shown_pictures(clip, info).picture(frame, (max_side_px, max_side_px))
