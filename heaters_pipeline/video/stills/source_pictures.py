"""Pictures of many frames of a video in one decode, whatever they are for."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path

import numpy as np

from heaters_pipeline.video.media.frame_spans import read_frames
from heaters_pipeline.video.media.frames import Frame
from heaters_pipeline.video.media.packet_index import index_packets
from heaters_pipeline.video.media.parallel_scan import (
    PartScanner,
    PresentationOrder,
    UnexpectedFramesError,
    worker_count,
)
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.media.shown_pictures import ShownPictures
from heaters_pipeline.video.media.still_pictures import read_together
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline.video.stills.picture_files import encoded_picture
from heaters_pipeline.video.stills.picture_shelf import MadePicture, WantedPicture

# Reading all packets of a file pays where it saves decoding: where there are more frames than this
# from one that is wanted to the next, a few seeks are cheaper.
_FRAMES_A_SEEK = 125

_Pictures = list[tuple[WantedPicture, MadePicture]]


def make_pictures(
    path: Path,
    info: VideoInfo,
    timeline: Timeline,
    wanted: Collection[WantedPicture],
    on_picture: Callable[[WantedPicture, MadePicture], None],
) -> None:
    """Decode the frames of which pictures are wanted, each once, and hand out the pictures.

    Where many are wanted, parts of the file are decoded at the same time, each from a random access
    point to the last frame in it that is wanted; where few are, it seeks.

    Args:
        path: The file.
        info: From ``probe``.
        timeline: Of the whole file.
        wanted: The pictures, all of frames inside the timeline.
        on_picture: Given each picture, in the calling thread.
    Raises:
        SourceChangedError: The file does not give these frames again.
        InvalidVideoError: The file cannot be read.
        StoreUnavailableError: The disk failed.
    """
    left: dict[int, list[WantedPicture]] = {}
    for one in wanted:
        left.setdefault(one.frame, []).append(one)

    def keep_all(pictures: _Pictures) -> None:
        for one, made in pictures:
            on_picture(one, made)
            left.pop(one.frame, None)

    if len(left) * _FRAMES_A_SEEK >= timeline.frames:
        _scan(path, info, timeline, dict(left), keep_all)
    if not left:
        return
    maker = _PictureMaker(path, info, dict(left))
    for group in read_together(sorted(left), timeline):
        for frame in read_frames(path, info, timeline, group):
            keep_all(maker.sample(frame))


def _scan(
    path: Path,
    info: VideoInfo,
    timeline: Timeline,
    wanted: dict[int, Sequence[WantedPicture]],
    keep_all: Callable[[_Pictures], None],
) -> None:
    """Decode in parts, as far as packets tell the frames."""
    index = index_packets(path, info)
    if index is None or index.timeline(info).pts != timeline.pts:
        return
    order = PresentationOrder(index)
    frames = sorted(wanted)
    is_wanted = np.zeros(order.frames, np.bool_)
    is_wanted[frames] = True
    makers = [_PictureMaker(path, info, wanted) for _ in range(worker_count())]
    scanner = PartScanner(path, info, index, order, makers)
    parts = order.parts_around(Span(frame, frame + 1) for frame in frames)
    try:
        for batch in scanner.scan(parts, is_wanted):
            for pictures in batch:
                keep_all(pictures)
    except UnexpectedFramesError:
        # The others are read one by one, which patches damage up as players do.
        return


class _PictureMaker:
    """Makes the wanted pictures of a frame; for one thread."""

    def __init__(
        self, path: Path, info: VideoInfo, wanted: dict[int, Sequence[WantedPicture]]
    ) -> None:
        self._shown = ShownPictures(path, info)
        self._wanted = wanted

    def sample(self, frame: Frame) -> _Pictures:
        """The pictures that are wanted of a frame."""
        return [(one, self._made(frame, one)) for one in self._wanted[frame.index]]

    def _made(self, frame: Frame, wanted: WantedPicture) -> MadePicture:
        picture = self._shown.picture(frame, (wanted.max_side_px, wanted.max_side_px))
        height_px, width_px = picture.shape[:2]
        coding, name = wanted.coding, f"frame {wanted.frame}"
        data = encoded_picture(picture, coding, name) if coding else picture.tobytes()
        return MadePicture(data, width_px, height_px)
