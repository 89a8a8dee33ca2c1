"""Make many clips of a video in several threads, in one way.

Threads and what they share. A single clip is made by ``maker`` or ``auto``; ``write`` tries others.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Literal

from heaters_pipeline.errors import ClipError, InvalidVideoError
from heaters_pipeline.video.clips.auto import AutoMaker
from heaters_pipeline.video.clips.maker import ClipMaker
from heaters_pipeline.video.clips.memory import copies_at_once, encoders_and_threads
from heaters_pipeline.video.clips.record import ClipFile
from heaters_pipeline.video.clips.splice import SpliceSource
from heaters_pipeline.video.media.ffmpeg_resources import free_memory
from heaters_pipeline.video.media.frames import Frame
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.media.worker_threads import Backpressure, run_in_threads

Way = Literal["splice", "encode", "copy"]
ClipFailure = ClipError | InvalidVideoError
_Outcomes = Iterator[tuple[Span, ClipFile | ClipFailure]]

# Up to here decoding what nobody asked for is cheaper than finding the next I-frame.
_GAP_DECODED_SECONDS = 5
# An encoder that is done still holds its last pictures, some ten to some dozen.
_FRAMES_UNTIL_FREED = 32
# Complex stretches take longer: with more parts than encoders, all have work until the end.
_PARTS_PER_ENCODER = 2


def make_clips(
    maker: ClipMaker,
    way: Way,
    reasons: Mapping[Span, str | None],
    target_for: Callable[[Span], Path],
    workers: int,
    on_clip: Callable[[Span, ClipFile], None],
    source: SpliceSource | None = None,
) -> dict[Span, ClipFailure]:
    """Make clips in one way; one that fails does not keep the others from being made.

    Args:
        maker: Of the video's clips.
        way: Encoders share one pass over the video, copies the packets that the system caches;
            ``splice`` copies what it can of each clip.
        reasons: The spans, each with the reason why another way was not taken, where that was
            asked for.
        target_for: Gives each clip's file.
        workers: Number of threads.
        on_clip: Called by the calling thread with each clip, in no certain order.
        source: What the clips have in common in the mode ``auto``, where something can be copied.
    Returns:
        Why the others could not be made.
    Raises:
        SourceChangedError: The source is no longer the file that was probed.
        StoreUnavailableError: The disk failed.
    """
    failures: dict[Span, ClipFailure] = {}
    if not reasons:
        return failures
    outcomes_of = {"copy": _copied, "encode": _encoded, "splice": _spliced}[way]
    with outcomes_of(maker, source, reasons, target_for, workers) as outcomes:
        for span, outcome in outcomes:
            if isinstance(outcome, ClipFile):
                on_clip(span, outcome)
            else:
                failures[span] = outcome
    return failures


@contextmanager
def _copied(
    maker: ClipMaker,
    source: SpliceSource | None,
    reasons: Mapping[Span, str | None],
    target_for: Callable[[Span], Path],
    workers: int,
) -> Iterator[_Outcomes]:
    def worker(spans: Iterator[Span], backpressure: Backpressure) -> _Outcomes:
        with SourceReader(maker.source, maker.info) as reader:
            yield from _one_by_one(
                spans,
                backpressure,
                lambda span: maker.copy(reader, span, target_for(span), reasons[span]),
            )

    if maker.copy_refusal:
        yield ((span, ClipError(maker.copy_refusal)) for span in reasons)
        return
    maker = replace(maker, threads=1)
    copiers = min(copies_at_once(maker.info, maker.verify, workers=workers), len(reasons))
    with run_in_threads(reasons, worker, workers=copiers, ahead=2 * copiers) as outcomes:
        yield outcomes


@contextmanager
def _spliced(
    maker: ClipMaker,
    source: SpliceSource | None,
    reasons: Mapping[Span, str | None],
    target_for: Callable[[Span], Path],
    workers: int,
) -> Iterator[_Outcomes]:
    if source is None:
        raise ValueError("what the clips have in common has to be known")
    encoders, threads = encoders_and_threads(
        maker.info, maker.settings, clips=len(reasons), workers=workers
    )
    auto = AutoMaker(replace(maker, threads=threads), source)

    def worker(spans: Iterator[Span], backpressure: Backpressure) -> _Outcomes:
        with (
            SourceReader(maker.source, maker.info) as reader,
            SourceReader(maker.source, maker.info) as pictures,
        ):
            yield from _one_by_one(
                spans,
                backpressure,
                lambda span: auto.splice(reader, pictures, source.plans[span], target_for(span)),
            )

    with run_in_threads(reasons, worker, workers=encoders, ahead=2 * encoders) as outcomes:
        yield outcomes


def _one_by_one(
    spans: Iterable[Span], backpressure: Backpressure, make: Callable[[Span], ClipFile]
) -> _Outcomes:
    for span in spans:
        backpressure.wait_for_room()
        try:
            yield span, make(span)
        except (ClipError, InvalidVideoError) as error:
            yield span, error


@contextmanager
def _encoded(
    maker: ClipMaker,
    source: SpliceSource | None,
    reasons: Mapping[Span, str | None],
    target_for: Callable[[Span], Path],
    workers: int,
) -> Iterator[_Outcomes]:
    encoders, threads = encoders_and_threads(
        maker.info, maker.settings, clips=len(reasons), workers=workers
    )
    maker = replace(maker, threads=threads)
    is_auto = maker.settings.mode == "auto"
    encode = AutoMaker(maker, source).encode if is_auto else maker.encode

    def worker(parts: Iterator[Sequence[Span]], backpressure: Backpressure) -> _Outcomes:
        frames_encoded = 0
        with SourceReader(maker.source, maker.info) as reader:
            for part in parts:
                decoded = _SharedPass(maker, max(span.end for span in part))
                for span in part:
                    backpressure.wait_for_room()
                    try:
                        frames = _while_wanted(decoded.frames_of(span), backpressure)
                        target, reason = target_for(span), reasons[span]
                        clip = encode(reader, frames, span, target, reason)
                        frames_encoded += len(span)
                        if frames_encoded >= _FRAMES_UNTIL_FREED:
                            free_memory()
                            frames_encoded = 0
                        yield span, clip
                    except (ClipError, InvalidVideoError) as error:
                        decoded.reset()
                        yield span, error

    parts = _parts(sorted(reasons), encoders * _PARTS_PER_ENCODER if encoders > 1 else 1)
    with run_in_threads(parts, worker, workers=encoders, ahead=2 * workers) as outcomes:
        yield outcomes


def _parts(spans: Sequence[Span], wanted: int) -> list[list[Span]]:
    """Spans that follow each other, in at most so many parts of about as many frames each."""
    parts: list[list[Span]] = [[]]
    most = math.ceil(sum(map(len, spans)) / wanted)
    frames = 0
    for span in spans:
        if parts[-1] and frames >= most * len(parts):
            parts.append([])
        parts[-1].append(span)
        frames += len(span)
    return parts


def _while_wanted(frames: Iterator[Frame], backpressure: Backpressure) -> Iterator[Frame]:
    for frame in frames:
        backpressure.raise_if_stopped()
        yield frame


class _SharedPass:
    """Gives the frames of one span after the other from one pass over a part of the video.

    Seeks only where a span lies before the last one, or far behind it.
    """

    def __init__(self, maker: ClipMaker, end: int) -> None:
        self._maker = maker
        self._end = end
        self._frames: Iterator[Frame] = iter(())
        self._next: int | None = None

    def reset(self) -> None:
        """Begin another pass with the next span; after an error this one gives nothing more."""
        self._next = None

    def frames_of(self, span: Span) -> Iterator[Frame]:
        if self._next is None or not self._is_near(self._next, span.start):
            self._frames = self._maker.frames_of(Span(span.start, self._end))
        for frame in self._frames:
            self._next = frame.index + 1
            if frame.index >= span.start:
                yield frame
            if self._next == span.end:
                return

    def _is_near(self, place: int, start: int) -> bool:
        if start < place:
            return False
        timeline = self._maker.timeline
        return timeline.seconds_at(start) - timeline.seconds_at(place) <= _GAP_DECODED_SECONDS
