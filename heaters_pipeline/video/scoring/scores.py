"""The one expensive pass over a video: frames in, ``ScoreTrack`` out.

A ``full`` scan decodes every frame. A ``fast`` one decodes the analysed frames, which is about half
of the work where a video has frames that no other refers to, and then only those stretches between
two of them where a cut may lie. Both give the same transitions, since ``adaptive`` asks for nothing
else of a full scan; the histogram methods need all frames.

Here is decided what is decoded, and in which way; how is in ``parallel_scan``.
"""

import logging
from collections.abc import Callable, Container, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain
from pathlib import Path
from typing import Any, Protocol, TypeVar, get_args

import numpy as np

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.arrays import BoolArray, Int64Array
from heaters_pipeline.video.detection.cuts import gaps_to_decode
from heaters_pipeline.video.detection.score_track import Scan, ScoreTrack
from heaters_pipeline.video.media.frames import Frame, FrameReader
from heaters_pipeline.video.media.packet_index import PacketIndex, index_packets
from heaters_pipeline.video.media.parallel_scan import (
    FrameTaker,
    Part,
    PartScanner,
    PresentationOrder,
    UnexpectedFramesError,
    worker_count,
)
from heaters_pipeline.video.media.probe import VideoInfo, open_input, require_readable, shown_name
from heaters_pipeline.video.media.timing import Timeline
from heaters_pipeline.video.media.video_streams import others_left_out
from heaters_pipeline.video.scoring.analysed_frames import (
    MEASURED_STEPS,
    choose_analysed,
    choose_measured_frames,
    choose_tile_frames,
    frame_step_of,
)
from heaters_pipeline.video.scoring.ignored_region import IgnoredRegion, require_picture_left
from heaters_pipeline.video.scoring.sampling import FrameSample, Sampler
from heaters_pipeline.video.scoring.track_builder import TrackBuilder, closer_track

ALGORITHM_VERSION = 4
"""Raised with each change of what a track holds for the same video."""

_LEAST_LEFT_OUT = 0.1
"""Share of frames that a fast scan must leave out; for less, a full one is worth more. That decides
what a scan costs and what its track can answer, not what ``adaptive`` finds."""

_REPORT_EVERY_FRAMES = 100
_NO_END = 2**62

_logger = logging.getLogger(__name__)


OnProgress = Callable[[int], None]
"""Called with the number of frames that are done, now and then and at the end."""

Picture_co = TypeVar("Picture_co", covariant=True)


class PicturesAside(Protocol[Picture_co]):
    """Makes pictures of analysed frames while they are decoded anyway. Can be pickled."""

    def makers(
        self,
        path: Path,
        info: VideoInfo,
        timeline: Timeline,
        tile_frames: Int64Array,
        count: int,
    ) -> Sequence[FrameTaker[Sequence[Picture_co]]]:
        """Whatever makes the pictures of each frame, of most of them none; one for each thread."""
        ...


@dataclass(frozen=True, slots=True)
class ScoreSettings:
    """What decides a track, apart from the video and ``ALGORITHM_VERSION``.

    Attributes:
        scan: ``fast`` decodes only what ``adaptive`` asks for, where that saves something; ``full``
            decodes every frame, which the histogram methods need.
        ignored: Parts of the picture that count for nothing.
        video_stream: Index in the file of the video stream that is taken, for who probes it; None
            for the largest.
    """

    scan: Scan = "fast"
    ignored: tuple[IgnoredRegion, ...] = ()
    video_stream: int | None = None

    def __post_init__(self) -> None:
        if self.scan not in get_args(Scan):
            raise SettingsError(f"scan {self.scan!r} is none of {', '.join(get_args(Scan))}")
        if self.video_stream is not None and self.video_stream < 0:
            raise SettingsError(f"video_stream must be 0 or more, got {self.video_stream}")
        require_picture_left(self.ignored)


def score_frames(
    path: Path,
    info: VideoInfo,
    settings: ScoreSettings | None = None,
    *,
    on_progress: OnProgress | None = None,
    aside: PicturesAside[Any] | None = None,
    on_picture: Callable[[Any], None] | None = None,
    on_restart: Callable[[], None] | None = None,
) -> ScoreTrack:
    """Score the frames of a video.

    Args:
        path: The file.
        info: From ``probe``.
        settings: What decides the track.
        on_progress: Told how many frames are done.
        aside: Makes pictures of frames that are decoded; of a file that has to be decoded from its
            start, whose timeline is known at the end, none are made.
        on_picture: Given each picture.
        on_restart: Called where the pictures that were given are none of this video after all,
            since the file turned out not to hold what its packets tell.
    Raises:
        InvalidVideoError: The file cannot be decoded to its end.
        SourceChangedError: It is no longer the one that was probed.
        StoreUnavailableError: The disk failed.
    """
    pictures = _Pictures(aside, on_picture or (lambda _: None), on_restart or (lambda: None))
    one = _Pass(path, info, settings or ScoreSettings(), on_progress, pictures)
    track = _scored(one, path, info)
    with open_input(path) as container:
        others = others_left_out(container, info.stream_index)
    track = replace(track, faults=(*track.faults, *filter(None, [others])))
    for fault in track.faults:
        _logger.warning("%s %s", shown_name(path), fault)
    return track


def _scored(pass_: "_Pass", path: Path, info: VideoInfo) -> ScoreTrack:
    index = index_packets(path, info)
    if index is not None:
        try:
            return pass_.in_parts(index)
        except UnexpectedFramesError as error:
            _logger.info("%s is decoded from its start: %s", shown_name(path), error)
            pass_.pictures.on_restart()
    return pass_.from_start(index)


@dataclass(frozen=True, slots=True)
class _Pictures:
    """Who makes pictures of frames that are decoded, if anybody does, and who takes them."""

    aside: PicturesAside[Any] | None
    on_picture: Callable[[Any], None]
    on_restart: Callable[[], None]


@dataclass(frozen=True, slots=True)
class _Taker:
    """Takes the sample of a frame, and its pictures."""

    sampler: Sampler
    maker: FrameTaker[Sequence[Any]] | None

    def sample(self, frame: Frame) -> tuple[FrameSample, Sequence[Any]]:
        made = self.maker.sample(frame) if self.maker is not None else ()
        return self.sampler.sample(frame), made


class _Pass:
    """One pass over a file, in parts where its packets allow that, from the start otherwise."""

    def __init__(
        self,
        path: Path,
        info: VideoInfo,
        settings: ScoreSettings,
        on_progress: OnProgress | None,
        pictures: _Pictures,
    ) -> None:
        self.pictures = pictures
        self._path = path
        self._info = info
        self._settings = settings
        self._on_progress = on_progress or (lambda _: None)
        self._step = frame_step_of(info.frame_rate)

    def in_parts(self, index: PacketIndex) -> ScoreTrack:
        timeline = index.timeline(self._info)
        end_seconds = timeline.end_pts * timeline.time_base
        if refusal := index.verdict.judge(frames=timeline.frames, end_seconds=end_seconds):
            require_readable(self._path)
            raise refusal
        order = PresentationOrder(index)
        analysed = choose_analysed(order.references, self._step)
        is_full = self._settings.scan == "full" or analysed.mean() > 1 - _LEAST_LEFT_OUT
        scan: Scan = "full" if is_full else "fast"
        tile_frames = choose_tile_frames(analysed, order.start_frames, self._step)
        measured = choose_measured_frames(tile_frames, order.start_frames, self._step)
        takers = self._takers(scan, timeline, tile_frames, measured)
        scanner = PartScanner(self._path, self._info, index, order, takers)
        wanted = np.ones(timeline.frames, np.bool_) if is_full else analysed
        builder = TrackBuilder(scan, self._step, ALGORITHM_VERSION)
        for sample in self._reported(scanner, order.parts(), wanted):
            builder.add(sample, analysed=bool(analysed[sample.frame]))
        track = replace(builder.track(timeline), tile_frames=tile_frames)
        if not is_full:
            samplers = [one.sampler for one in takers]
            closer = PartScanner(self._path, self._info, index, order, samplers)
            track = self._with_closer_look(track, order, closer)
        self._on_progress(timeline.frames)
        return track

    def from_start(self, index: PacketIndex | None) -> ScoreTrack:
        """Decode all frames, one after another; what packets say of them is used where it fits."""
        analysed_pts = None
        if index is not None:
            order = PresentationOrder(index)
            analysed = choose_analysed(order.references, self._step)
            analysed_pts = set(index.pts[order.packet_of_frame[analysed]].tolist())
        sampler = self._sampler("full", range(0, _NO_END, MEASURED_STEPS * self._step))
        builder = TrackBuilder("full", self._step, ALGORITHM_VERSION)
        reader = FrameReader(self._path, self._info)
        last: tuple[FrameSample, bool] | None = None
        for frame in reader:
            if last is not None:
                builder.add(last[0], analysed=last[1])
            # Packets are known by the times that stand in the file; a frame's may be mended.
            is_analysed = analysed_pts is None or frame.decoded.pts in analysed_pts
            last = sampler.sample(frame), is_analysed or frame.index == 0
            if (frame.index + 1) % _REPORT_EVERY_FRAMES == 0:
                self._on_progress(frame.index + 1)
        if last is not None:
            # As the first one, whatever its packet says: what is found lies between the two.
            builder.add(last[0], analysed=True)
        timeline = reader.timeline
        self._on_progress(timeline.frames)
        return replace(builder.track(timeline), faults=reader.faults)

    def _with_closer_look(
        self, track: ScoreTrack, order: PresentationOrder, scanner: PartScanner[FrameSample]
    ) -> ScoreTrack:
        """Decode the frames between two analysed frames where a cut may lie."""
        spans = gaps_to_decode(track)
        wanted = np.zeros(track.frames, np.bool_)
        for span in spans:
            wanted[span.start : span.end] = True
        batches = scanner.scan(order.parts_around(spans), wanted)
        return closer_track(track, chain.from_iterable(batches))

    def _reported(
        self,
        scanner: PartScanner[tuple[FrameSample, Sequence[Any]]],
        parts: list[Part],
        wanted: BoolArray,
    ) -> Iterator[FrameSample]:
        """The samples of the wanted frames, with pictures and progress told as they come."""
        for batch in scanner.scan(parts, wanted):
            for sample, pictures in batch:
                for picture in pictures:
                    self.pictures.on_picture(picture)
                yield sample
            if batch:
                self._on_progress(batch[-1][0].frame + 1)

    def _takers(
        self, scan: Scan, timeline: Timeline, tile_frames: Int64Array, measured: Container[int]
    ) -> list[_Taker]:
        aside, count = self.pictures.aside, worker_count()
        makers: Sequence[FrameTaker[Sequence[Any]] | None] = [None] * count
        if aside is not None:
            makers = aside.makers(self._path, self._info, timeline, tile_frames, count)
        return [_Taker(self._sampler(scan, measured), maker) for maker in makers]

    def _sampler(self, scan: Scan, measured: Container[int]) -> Sampler:
        ignored = self._settings.ignored
        return Sampler(histograms=scan == "full", ignored=ignored, measured=measured)
