"""Small pictures of single frames of a video, as a person sees them.

For plots and reports; of clips see ``stills``.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.media.frame_spans import read_frames
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.media.shown_pictures import ShownPictures
from heaters_pipeline.video.media.timing import Timeline, grouped

# A seek opens the file again and decodes from the I-frame before. Encoders set one every 250 frames
# at most by default and at cuts, so it is near where scenes begin.
_SEEK_COSTS_FRAMES = 25


def pictures_at(
    path: Path, info: VideoInfo, timeline: Timeline, frames: Iterable[int], max_side_px: int
) -> Mapping[int, Picture]:
    """Decode single frames: (height, width, 3) uint8 BGR each, turned for display.

    Frames that are near each other are read in one go; between others it seeks.

    Args:
        path: The file.
        info: From ``probe``.
        timeline: Of the whole file.
        frames: Which ones, in any order, all inside the timeline.
        max_side_px: Most pixels of the longer side; smaller videos are not enlarged.
    Returns:
        The picture of each frame that was asked for.
    Raises:
        SourceChangedError: The file does not give these frames again.
        InvalidVideoError: The file cannot be read.
        StoreUnavailableError: The disk failed.
    """
    wanted_frames = sorted(set(frames))
    if not wanted_frames:
        return {}
    shown = ShownPictures(path, info)
    pictures: dict[int, Picture] = {}
    for group in read_together(wanted_frames, timeline):
        for frame in read_frames(path, info, timeline, group):
            pictures[frame.index] = shown.picture(frame, (max_side_px, max_side_px))
    return pictures


def read_together(frames: Sequence[int], timeline: Timeline) -> list[list[int]]:
    """Frames of a video in groups: those of one are read in one go, without a seek between them.

    Args:
        frames: Strictly increasing.
        timeline: Of the whole file.
    """
    # Without timestamps in the file, every seek begins at its first frame.
    return grouped(
        frames,
        lambda frame, following: (
            following - frame <= _SEEK_COSTS_FRAMES or not timeline.from_stream
        ),
    )
