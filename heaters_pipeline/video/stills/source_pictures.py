"""Pictures of many frames of a video in one decode, whatever they are for."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heaters_pipeline.video.media.frame_spans import read_frames
from heaters_pipeline.video.media.frames import Frame
from heaters_pipeline.video.media.packet_index import PacketIndex, index_packets
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
from heaters_pipeline.video.stills.picture_shelf import (
    MadePicture,
    SharpestPicture,
    Wanted,
    WantedPicture,
    made_picture,
)
from heaters_pipeline.video.stills.sharpest import (
    JUDGED_SIDE_PX,
    Contest,
    Rank,
    Winners,
    candidates,
    goodness,
)

# Reading all packets of a file pays where it saves decoding: where there are more frames than this
# from one that is wanted to the next, a few seeks are cheaper.
_FRAMES_A_SEEK = 125


@dataclass(frozen=True, slots=True)
class _Taken:
    """What was made of a frame for one of the wanted pictures.

    Attributes:
        wanted: The picture.
        made: None for a frame that is no better than one before.
        rank: How good it is, where that is asked.
    """

    wanted: Wanted
    made: MadePicture | None
    rank: Rank = (0.0, 0)


def make_pictures(
    path: Path,
    info: VideoInfo,
    timeline: Timeline,
    wanted: Collection[Wanted],
    on_picture: Callable[[Wanted, MadePicture], None],
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
    sharpest = [one for one in wanted if isinstance(one, SharpestPicture)]
    # Which frames are looked at for those must not depend on what else is wanted.
    index = _index_of(path, info, timeline) if sharpest else None
    references = PresentationOrder(index).references if index else None
    contestants = {one: candidates(one.frames, references) for one in sharpest}
    left: dict[int, list[Wanted]] = {}
    for one in wanted:
        frames = contestants[one] if isinstance(one, SharpestPicture) else (one.frame,)
        for frame in frames:
            left.setdefault(frame, []).append(one)
    winners = Winners(contestants)

    def keep_all(frame: int, taken: Sequence[_Taken]) -> None:
        for one in taken:
            made = one.made
            if isinstance(one.wanted, SharpestPicture):
                made = winners.seen(one.wanted, one.rank, made)
            if made is not None:
                on_picture(one.wanted, made)
        left.pop(frame, None)

    if len(left) * _FRAMES_A_SEEK >= timeline.frames:
        index = index or _index_of(path, info, timeline)
        if index is not None:
            contest = Contest()
            makers = [_Maker(path, info, dict(left), contest) for _ in range(worker_count())]
            _scan(path, info, index, makers, sorted(left), keep_all)
    if not left:
        return
    # Its contest is another, since what was judged before the damage may never have come out.
    maker = _Maker(path, info, dict(left), Contest())
    for group in read_together(sorted(left), timeline):
        for read in read_frames(path, info, timeline, group):
            keep_all(*maker.sample(read))


def _index_of(path: Path, info: VideoInfo, timeline: Timeline) -> PacketIndex | None:
    """The packets, as far as they tell the frames of the timeline."""
    index = index_packets(path, info)
    return index if index is not None and index.timeline(info).pts == timeline.pts else None


def _scan(
    path: Path,
    info: VideoInfo,
    index: PacketIndex,
    makers: Sequence["_Maker"],
    frames: Sequence[int],
    keep_all: Callable[[int, Sequence[_Taken]], None],
) -> None:
    """Decode in parts, up to the first damage."""
    order = PresentationOrder(index)
    is_wanted = np.zeros(order.frames, np.bool_)
    is_wanted[frames] = True
    scanner = PartScanner(path, info, index, order, makers)
    parts = order.parts_around(Span(frame, frame + 1) for frame in frames)
    try:
        for batch in scanner.scan(parts, is_wanted):
            for frame, taken in batch:
                keep_all(frame, taken)
    except UnexpectedFramesError:
        # The others are read one by one, which patches damage up as players do.
        return


class _Maker:
    """Makes the wanted pictures of a frame; for one thread."""

    def __init__(
        self,
        path: Path,
        info: VideoInfo,
        wanted: Mapping[int, Sequence[Wanted]],
        contest: Contest,
    ) -> None:
        self._shown = ShownPictures(path, info)
        self._wanted = wanted
        self._contest = contest

    def sample(self, frame: Frame) -> tuple[int, list[_Taken]]:
        """The number of a frame, and the pictures that are wanted of it."""
        return frame.index, [self._taken(frame, one) for one in self._wanted[frame.index]]

    def _taken(self, frame: Frame, wanted: Wanted) -> _Taken:
        if isinstance(wanted, WantedPicture):
            return _Taken(wanted, made_picture(self._shown, frame, wanted))
        judged = self._shown.picture(frame, (JUDGED_SIDE_PX, JUDGED_SIDE_PX))
        rank = goodness(judged), -frame.index
        enters = self._contest.enters(wanted, rank)
        return _Taken(wanted, made_picture(self._shown, frame, wanted) if enters else None, rank)
