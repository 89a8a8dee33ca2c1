"""Decode the frames that are asked for, in parts of the file that several threads work on at once.

Every part starts at a random access point, so its pictures are those of a decode from the
beginning, bit for bit. Frames that no other refers to are not even given to the decoder unless
they are asked for. Decoders of one thread each take less time, on the whole and by the clock, than
one decoder that spreads over all cores.

Which frames are asked for, and what is made of them, is not known here.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, compress, dropwhile
from pathlib import Path
from queue import Full, Queue, SimpleQueue
from threading import Event
from typing import Generic, Protocol, TypeVar

import av
import av.container
import av.video.stream
import numpy as np

from heaters_pipeline.errors import HeatersError
from heaters_pipeline.video.arrays import BoolArray, Int64Array
from heaters_pipeline.video.media.frames import Frame, decode_packet, video_stream
from heaters_pipeline.video.media.packet_index import PacketIndex
from heaters_pipeline.video.media.probe import VideoInfo, open_input, reading
from heaters_pipeline.video.media.pyav import Packet, packets_of
from heaters_pipeline.video.media.seeking import packets_from_i_frame
from heaters_pipeline.video.media.timing import Span

Sample = TypeVar("Sample")
Sample_co = TypeVar("Sample_co", covariant=True)

MOST_WORKERS = 8
_PART_FRAMES = 250
_BATCH_FRAMES = 125
_BATCHES_AHEAD = 8
_POLL_SECONDS = 0.5


class UnexpectedFramesError(HeatersError):
    """Packets do not decode to the frames that their PTS tell: the whole file has to be decoded."""


class FrameTaker(Protocol[Sample_co]):
    """Makes something of a frame; one for each thread."""

    def sample(self, frame: Frame) -> Sample_co:
        """Take a frame, which is not kept."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """Packets that are decoded together, and the frames that they give.

    Attributes:
        first_packet: Where decoding starts.
        end_packet: First packet that is no longer needed; those of frames that are shown before
            the next part but lie behind its beginning are.
        frames: In order of presentation.
    """

    first_packet: int
    end_packet: int
    frames: Span


class PresentationOrder:
    """The packets of an index in the order of presentation, and the parts that they fall into.

    Attributes:
        frame_of_packet: (packets,) number of the frame that each packet holds.
        packet_of_frame: (frames,) the packet that holds each frame.
        references: (frames,) whether other frames may be decoded from this one.
        start_frames: Random access points, increasing.
    """

    def __init__(self, index: PacketIndex) -> None:
        order = np.argsort(index.pts)
        self.frame_of_packet: Int64Array = np.argsort(order)
        self.packet_of_frame: Int64Array = order
        self.references: BoolArray = index.references[order]
        # No frame from a random access point on needs a packet before it; packets of frames that
        # are shown before it may still come after it.
        self.start_frames: Int64Array = self.frame_of_packet[np.flatnonzero(index.random_access)]

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.packet_of_frame)

    def parts(self, least_frames: int | None = None) -> list[Part]:
        """The whole video in parts of at least so many frames, as random access points allow."""
        least_frames = least_frames or _PART_FRAMES
        edges = [0]
        for frame in self.start_frames.tolist():
            if frame - edges[-1] >= least_frames and self.frames - frame >= least_frames // 2:
                edges.append(frame)
        ends = [*edges[1:], self.frames]
        return [self._part(Span(start, end)) for start, end in zip(edges, ends, strict=True)]

    def parts_around(self, spans: Iterable[Span]) -> list[Part]:
        """The parts that have to be decoded for these spans, which come in order."""
        ends: dict[int, int] = {}
        for span in spans:
            at = int(np.searchsorted(self.start_frames, span.start, side="right")) - 1
            ends[int(self.start_frames[at])] = span.end
        return [self._part(Span(start, end)) for start, end in ends.items()]

    def _part(self, frames: Span) -> Part:
        packets = self.packet_of_frame[frames.start : frames.end]
        return Part(int(self.packet_of_frame[frames.start]), int(packets.max()) + 1, frames)


@dataclass(frozen=True, slots=True)
class _DecodePlan:
    """How a part is decoded.

    Attributes:
        first_pts: PTS of the packet that decoding starts with.
        fed: For each packet from that one on, whether the decoder is given it.
        frames: Number of each frame that is sampled, by its PTS, in order of presentation.
    """

    first_pts: int
    fed: Sequence[bool]
    frames: Mapping[int, int]


class PartScanner(Generic[Sample]):
    """Decode parts of a file and take samples of the frames that are wanted.

    Args:
        path: The file.
        info: From ``probe``.
        index: From ``index_packets``.
        order: Of the index.
        takers: One for each thread.
    """

    def __init__(
        self,
        path: Path,
        info: VideoInfo,
        index: PacketIndex,
        order: PresentationOrder,
        takers: Sequence[FrameTaker[Sample]],
    ) -> None:
        self._path = path
        self._info = info
        self._pts = index.pts
        self._order = order
        self._takers = takers

    def scan(self, parts: Sequence[Part], wanted: BoolArray) -> Iterator[list[Sample]]:
        """Samples of the wanted frames of all parts, in order, some at a time.

        Args:
            parts: What to decode, in order.
            wanted: (frames,) which frames to take; reference frames are decoded anyway.
        Raises (while iterating):
            UnexpectedFramesError: The packets do not decode to the frames that their PTS tell.
            InvalidVideoError: The file cannot be read.
            SourceChangedError: It is no longer the one that was probed.
            StoreUnavailableError: The disk failed.
        """
        workers = min(len(self._takers), len(parts))
        stop = Event()
        with ExitStack() as stack:
            idle: SimpleQueue[_Decoder[Sample]] = SimpleQueue()
            for taker in self._takers[:workers]:
                idle.put(stack.enter_context(self._decoder(taker, alone=workers == 1)))
            pool = stack.enter_context(ThreadPoolExecutor(max(1, workers), "decode"))
            stack.callback(stop.set)
            under_way: deque[_Running[Sample]] = deque()
            left = iter(parts)
            while True:
                # Few are under way at once, so that memory does not grow with the video.
                while len(under_way) <= workers and (part := next(left, None)) is not None:
                    running = _Running[Sample](stop)
                    work = partial(self._decode, idle, self._plan(part, wanted), running)
                    under_way.append(running.started(pool, work))
                if not under_way:
                    return
                yield from under_way.popleft().batches()

    @contextmanager
    def _decoder(self, taker: FrameTaker[Sample], *, alone: bool) -> Iterator["_Decoder[Sample]"]:
        with open_input(self._path) as container, reading(self._path):
            stream = video_stream(container, self._path, self._info)
            if not alone:
                stream.codec_context.thread_count = 1
            yield _Decoder(container, stream, self._info, taker, int(self._pts[0]))

    def _plan(self, part: Part, wanted: BoolArray) -> _DecodePlan:
        order = self._order
        of_packets = order.frame_of_packet[part.first_packet : part.end_packet]
        sampled = np.flatnonzero(wanted[part.frames.start : part.frames.end]) + part.frames.start
        pts = self._pts[order.packet_of_frame[sampled]]
        return _DecodePlan(
            first_pts=int(self._pts[part.first_packet]),
            fed=(order.references | wanted)[of_packets].tolist(),
            frames=dict(zip(pts.tolist(), sampled.tolist(), strict=True)),
        )

    def _decode(
        self,
        idle: "SimpleQueue[_Decoder[Sample]]",
        plan: _DecodePlan,
        running: "_Running[Sample]",
    ) -> None:
        decoder = idle.get()
        try:
            batch: list[Sample] = []
            expected = iter(plan.frames.values())
            for decoded in decoder.frames(plan):
                running.require_wanted()
                pts = decoded.pts
                if pts is None or (frame := plan.frames.get(pts)) is None:
                    continue
                if decoded.is_corrupt or frame != next(expected, None):
                    raise _unexpected(frame)
                batch.append(decoder.taker.sample(Frame(frame, pts, 1, decoded)))
                if len(batch) == _BATCH_FRAMES:
                    running.put(batch)
                    batch = []
            if (missing := next(expected, None)) is not None:
                raise _unexpected(missing)
            running.put(batch)
        finally:
            idle.put(decoder)


class _Decoder(Generic[Sample]):
    """An opened file, for one thread at a time."""

    def __init__(
        self,
        container: av.container.InputContainer,
        stream: av.video.stream.VideoStream,
        info: VideoInfo,
        taker: FrameTaker[Sample],
        first_pts: int,
    ) -> None:
        self.taker = taker
        self._container = container
        self._stream = stream
        self._info = info
        self._first_pts = first_pts
        self._is_at_start = True

    def frames(self, plan: _DecodePlan) -> Iterator[av.VideoFrame]:
        """All frames that the packets of a plan decode to."""
        first_pts = plan.first_pts
        from_first = dropwhile(lambda packet: packet.pts != first_pts, self._packets(first_pts))
        fed = compress(from_first, plan.fed)
        for packet in chain(fed, [None]):
            frames, is_damaged = decode_packet(self._stream, packet)
            if is_damaged:
                raise UnexpectedFramesError(f"a packet near {first_pts} cannot be decoded")
            yield from frames

    def _packets(self, first_pts: int) -> Iterator[Packet]:
        # Not every container can seek; the first part needs none.
        is_at_start, self._is_at_start = self._is_at_start, False
        if is_at_start and first_pts == self._first_pts:
            return packets_of(self._container, self._stream)
        self._stream.codec_context.flush_buffers()
        return packets_from_i_frame(self._container, self._stream, self._info.time_base, first_pts)


class _Running(Generic[Sample]):
    """A part that is being decoded: its batches, handed from one thread to another."""

    def __init__(self, stop: Event) -> None:
        self._stop = stop
        self._batches: Queue[list[Sample] | None] = Queue(_BATCHES_AHEAD)
        self._future: Future[None] | None = None

    def started(self, pool: ThreadPoolExecutor, work: Callable[[], None]) -> "_Running[Sample]":
        """Let the pool do the work, which calls ``put``."""
        self._future = pool.submit(self._run, work)
        return self

    def put(self, batch: list[Sample] | None) -> None:
        """Hand over a batch; waits while many are not taken yet.

        Raises:
            CancelledError: Nobody wants it any more.
        """
        while True:
            self.require_wanted()
            try:
                return self._batches.put(batch, timeout=_POLL_SECONDS)
            except Full:
                continue

    def require_wanted(self) -> None:
        """Stop the work where nobody waits for it any more.

        Raises:
            CancelledError: Nobody does.
        """
        if self._stop.is_set():
            raise CancelledError

    def batches(self) -> Iterator[list[Sample]]:
        """What was put, until the work has ended.

        Raises (while iterating): What the work raised.
        """
        while (batch := self._batches.get()) is not None:
            yield batch
        if self._future is not None:
            self._future.result()

    def _run(self, work: Callable[[], None]) -> None:
        try:
            work()
        finally:
            if not self._stop.is_set():
                self.put(None)


def worker_count() -> int:
    """How many decoders this process may run at once."""
    affinity = getattr(os, "sched_getaffinity", None)
    cores = len(affinity(0)) if affinity else os.cpu_count() or 1
    return min(cores, MOST_WORKERS)


def _unexpected(frame: int) -> UnexpectedFramesError:
    return UnexpectedFramesError(f"frame {frame} is damaged or does not come out in its place")
