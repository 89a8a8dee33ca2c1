"""Decode the frames that are asked for, in parts of the file that several threads work on at once.

Every part starts where decoding can start afresh, so its pictures are those of a decode from the
beginning, bit for bit. Frames that no other refers to are not even given to the decoder unless
they are asked for. Decoders of one thread each take less time, on the whole and by the clock,
than one decoder that spreads over all cores.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, Future, ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import chain, dropwhile
from pathlib import Path
from queue import Full, Queue, SimpleQueue
from threading import Event
from typing import Generic, Protocol, TypeVar

import av
import av.container
import av.video.stream
import numpy as np
import numpy.typing as npt

from heaters_pipeline.errors import HeatersError
from heaters_pipeline.video.media.frames import Frame, decode_packet, video_stream
from heaters_pipeline.video.media.packet_index import PacketIndex
from heaters_pipeline.video.media.probe import VideoInfo, open_input, reading
from heaters_pipeline.video.media.pyav import Packet, packets_of
from heaters_pipeline.video.media.seeking import packets_from_i_frame
from heaters_pipeline.video.media.timing import Span

Bools = npt.NDArray[np.bool_]
Ints = npt.NDArray[np.int64]
Sample = TypeVar("Sample")
Sample_co = TypeVar("Sample_co", covariant=True)

MOST_WORKERS = 8
_PART_FRAMES = 250
_BATCH_FRAMES = 125
_BATCHES_AHEAD = 8
_POLL_SECONDS = 0.5


class UnexpectedFramesError(HeatersError):
    """The decoder gave other frames than the packets promise; the whole file has to be decoded."""


class FrameTaker(Protocol[Sample_co]):
    """Makes something of a frame; one for each thread."""

    def sample(self, frame: Frame) -> Sample_co:
        """Take a frame, which is not kept."""
        ...


@dataclass(frozen=True, slots=True)
class Part:
    """Packets that are decoded together, and the frames that this gives.

    Attributes:
        first_packet: Where decoding starts.
        end_packet: First packet that is no longer needed; those of frames that are shown before
            the next part but lie behind its beginning are.
        frames: In order of presentation.
    """

    first_packet: int
    end_packet: int
    frames: Span


class Layout:
    """The order of presentation of an index's packets, and where parts can start."""

    def __init__(self, index: PacketIndex) -> None:
        order = np.argsort(index.pts)
        self.frame_of_packet: Ints = np.argsort(order)
        self.packet_of_frame: Ints = order
        self.references: Bools = index.references[order]
        # Before a fresh start stand exactly the packets of the frames before it, and some that are
        # shown earlier but come later.
        starts = np.flatnonzero(index.random_access)
        self._start_packets: Ints = starts
        self._start_frames: Ints = self.frame_of_packet[starts]

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.packet_of_frame)

    def parts(self, least_frames: int | None = None) -> list[Part]:
        """The whole video in parts of at least so many frames, as far as there are starts."""
        least_frames = least_frames or _PART_FRAMES
        edges = [0]
        for frame in self._start_frames.tolist():
            if frame - edges[-1] >= least_frames and self.frames - frame >= least_frames // 2:
                edges.append(frame)
        ends = [*edges[1:], self.frames]
        return [self._part(Span(start, end)) for start, end in zip(edges, ends, strict=True)]

    def parts_around(self, spans: Iterable[Span]) -> list[Part]:
        """The parts that have to be decoded for these spans, which come in order."""
        ends: dict[int, int] = {}
        for span in spans:
            at = int(np.searchsorted(self._start_frames, span.start, side="right")) - 1
            ends[int(self._start_frames[at])] = span.end
        return [self._part(Span(start, end)) for start, end in ends.items()]

    def _part(self, frames: Span) -> Part:
        packets = self.packet_of_frame[frames.start : frames.end]
        return Part(int(self.packet_of_frame[frames.start]), int(packets.max()) + 1, frames)


class PartScanner(Generic[Sample]):
    """Decode parts of a file and take samples of the frames that are wanted.

    Args:
        path: The file.
        info: From ``probe``.
        index: From ``index_packets``.
        layout: Of the index.
        takers: One for each thread.
    """

    def __init__(
        self,
        path: Path,
        info: VideoInfo,
        index: PacketIndex,
        layout: Layout,
        takers: Sequence[FrameTaker[Sample]],
    ) -> None:
        self._path = path
        self._info = info
        self._pts = index.pts
        self._layout = layout
        self._takers = takers

    def scan(self, parts: Sequence[Part], wanted: Bools) -> Iterator[list[Sample]]:
        """Samples of the wanted frames of all parts, in order, some at a time.

        Args:
            parts: What to decode, in order.
            wanted: (frames,) which frames to take; reference frames are decoded anyway.
        Raises (while iterating):
            UnexpectedFramesError: The packets do not give the frames that they promise.
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
                    work = partial(self._decode, idle, part, wanted, running)
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

    def _decode(
        self,
        idle: "SimpleQueue[_Decoder[Sample]]",
        part: Part,
        wanted: Bools,
        running: "_Running[Sample]",
    ) -> None:
        layout, pts = self._layout, self._pts
        frames = layout.frame_of_packet[part.first_packet : part.end_packet]
        feed = (layout.references | wanted)[frames]
        asked = np.flatnonzero(wanted[part.frames.start : part.frames.end]) + part.frames.start
        promised = dict(
            zip(pts[layout.packet_of_frame[asked]].tolist(), asked.tolist(), strict=True)
        )
        decoder = idle.get()
        try:
            batch: list[Sample] = []
            expected = iter(asked.tolist())
            for decoded in decoder.frames(int(pts[part.first_packet]), feed.tolist()):
                running.require_wanted()
                stamp = decoded.pts
                if stamp is None or (frame := promised.get(stamp)) is None:
                    continue
                if decoded.is_corrupt or frame != next(expected, None):
                    raise _unexpected(frame)
                batch.append(decoder.taker.sample(Frame(frame, stamp, 1, decoded)))
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
        self._is_fresh = True

    def frames(self, first_pts: int, feed: Sequence[bool]) -> Iterator[av.VideoFrame]:
        """Give the decoder some of the packets from the one with ``first_pts`` on."""
        from_first = dropwhile(lambda packet: packet.pts != first_pts, self._packets(first_pts))
        fed = (packet for packet, wanted in zip(from_first, feed, strict=False) if wanted)
        for packet in chain(fed, [None]):
            frames, is_damaged = decode_packet(self._stream, packet)
            if is_damaged:
                raise UnexpectedFramesError(f"a packet near {first_pts} cannot be decoded")
            yield from frames

    def _packets(self, first_pts: int) -> Iterator[Packet]:
        # Not every container can seek; the first part needs none.
        if self._is_fresh and first_pts == self._first_pts:
            self._is_fresh = False
            return packets_of(self._container, self._stream)
        self._is_fresh = False
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
