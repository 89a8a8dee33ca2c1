"""Read back the frames of a clip that the pipeline made, and verify that it has them.

A clip is known by its number of frames. What it shows starts after the pre-roll that its edit list
hides, and PyAV's decoder leaves that out. Whatever is wrong with a clip is a ``ClipError``, since
the video that it was cut from may be perfect.
"""

from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path

from heaters_pipeline.errors import ClipError, InvalidVideoError, SourceChangedError
from heaters_pipeline.video.media.frame_spans import frames_by_seek
from heaters_pipeline.video.media.frames import Frame, FrameReader, video_stream
from heaters_pipeline.video.media.probe import VideoInfo, open_input, probe, reading
from heaters_pipeline.video.media.pyav import packets_of
from heaters_pipeline.video.media.shown_pictures import ShownPictures
from heaters_pipeline.video.media.timing import Timeline, grouped


def probe_clip(clip: Path) -> VideoInfo:
    """Read the header of a clip.

    Raises:
        ClipError: It is missing or cannot be read.
    """
    with _clip_errors(clip):
        return probe(clip)


def shown_pictures(clip: Path, info: VideoInfo) -> ShownPictures:
    """What makes pictures of a clip's frames.

    Raises:
        ClipError: The clip cannot be read.
    """
    with _clip_errors(clip):
        return ShownPictures(clip, info)


def read_clip(clip: Path, info: VideoInfo, frames: int) -> Iterator[Frame]:
    """Decode all frames of a clip in order.

    Raises (while iterating):
        ClipError: It cannot be decoded, or does not hold exactly ``frames`` frames.
    """
    found = 0
    with _clip_errors(clip):
        for frame in FrameReader(clip, info):
            found += 1
            if found <= frames:
                yield frame
    if found != frames:
        raise _wrong_count(clip, found, frames)


def read_clip_frames(
    clip: Path, info: VideoInfo, frames: int, wanted: Sequence[int]
) -> Iterator[tuple[Frame, Fraction]]:
    """Decode single frames of a clip, with their seconds from its start.

    Seeks to the I-frame before a wanted frame wherever that saves decoding.

    Args:
        clip: The file.
        info: From ``probe_clip``.
        frames: Number of frames that the clip shows.
        wanted: Frames to yield, strictly increasing, all below ``frames``.
    Raises (while iterating):
        ClipError: The clip cannot be decoded, or does not hold exactly ``frames`` frames.
    """
    intra_at = _shown_packets(clip, info)
    given = 0
    # Two packets may make one picture (interlaced fields), or some are missing: then decoding
    # alone can tell.
    if len(intra_at) == frames:
        pts = sorted(intra_at)
        timeline = Timeline(pts, pts[-1] + info.nominal_ticks, info.time_base)
        intra = {index for index, at in enumerate(pts) if intra_at[at]}
        for frame in _sought(clip, info, timeline, wanted, intra):
            yield frame, timeline.seconds_at(frame.index)
            given += 1
    if given < len(wanted):
        yield from _read_through(clip, info, frames, wanted[given:])


def _sought(
    clip: Path, info: VideoInfo, timeline: Timeline, wanted: Sequence[int], intra: Set[int]
) -> Iterator[Frame]:
    """Single frames, up to the first damage; seeks wherever an I-frame lies between two."""
    for group in grouped(wanted, lambda one, other: intra.isdisjoint(range(one + 1, other + 1))):
        found = 0
        with _clip_errors(clip):
            for frame in frames_by_seek(clip, info, timeline, group):
                yield frame
                found += 1
        if found < len(group):
            return


def _read_through(
    clip: Path, info: VideoInfo, frames: int, wanted: Sequence[int]
) -> Iterator[tuple[Frame, Fraction]]:
    first_pts = 0
    for frame in read_clip(clip, info, frames):
        if frame.index == 0:
            first_pts = frame.pts
        if frame.index in wanted:
            yield frame, (frame.pts - first_pts) * info.time_base


def _shown_packets(clip: Path, info: VideoInfo) -> dict[int, bool]:
    """The PTS of all packets that are shown, and whether they are I-frames."""
    with _clip_errors(clip), open_input(clip) as container, reading(clip):
        return {
            packet.pts: packet.is_keyframe
            for packet in packets_of(container, video_stream(container, clip, info))
            if packet.pts is not None and not packet.is_discard
        }


def _wrong_count(clip: Path, found: int, expected: int) -> ClipError:
    return ClipError(
        f"{clip.name} shows {found} frames instead of {expected}; "
        "delete the clip and run its video again"
    )


@contextmanager
def _clip_errors(clip: Path) -> Iterator[None]:
    try:
        yield
    except (InvalidVideoError, SourceChangedError) as error:
        raise ClipError(
            f"{clip.name} cannot be read back ({error}); delete the clip and run its video again"
        ) from error
