"""Make clips: one MP4 file for a span of frames, exact to the frame, checked before it has a name.

``copy`` takes the source's packets as they are; ``reencode`` makes H.264 and AAC, and is the
fallback where copying is impossible or its check fails. A clip starts at instant 0 and ends with
its last frame; players that ignore edit lists show a copied clip from the I-frame before it.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from contextlib import ExitStack
from itertools import islice
from pathlib import Path
from queue import SimpleQueue
from types import MappingProxyType

from heaters_pipeline.errors import ClipError, InvalidVideoError
from heaters_pipeline.video.clip_check import inspect_clip
from heaters_pipeline.video.clip_maker import ClipMaker
from heaters_pipeline.video.clip_record import ClipFacts, ClipFile, ClipSettings
from heaters_pipeline.video.clip_source import SourceReader
from heaters_pipeline.video.frames import Frame
from heaters_pipeline.video.probe import VideoInfo, shown_name
from heaters_pipeline.video.timing import Span, Timeline

__all__ = [
    "FORMAT_VERSION",
    "ClipFacts",
    "ClipFile",
    "ClipSettings",
    "inspect_clip",
    "write_clip",
    "write_clips",
]

logger = logging.getLogger(__name__)

FORMAT_VERSION = 1
"""Raised when the same settings would give other files."""

# Up to here decoding what nobody asked for is cheaper than finding the next I-frame.
_GAP_DECODED_SECONDS = 5
_NO_TAGS: Mapping[str, str] = MappingProxyType({})

OnClip = Callable[[Span, ClipFile | ClipError], None]
"""Takes what became of a clip."""


def write_clip(
    source: Path,
    info: VideoInfo,
    timeline: Timeline,
    span: Span,
    target: Path,
    settings: ClipSettings,
    *,
    first_picture_digest: int | None = None,
    tags: Mapping[str, str] = _NO_TAGS,
) -> ClipFile:
    """Make one clip.

    Args:
        source: The video.
        info: Of the video, from ``probe``.
        timeline: Of the video, from ``FrameReader``.
        span: Frames that the clip shows, inside the timeline.
        target: MP4 file to write; its folder exists. Complete or not there, whatever happens.
        settings: How to make it.
        first_picture_digest: ``Frame.digest`` of the span's first frame; found by decoding it
            where it is needed and not given.
        tags: Written into the file, for ``inspect_clip``.
    Raises:
        ClipError: The clip cannot be made.
        InvalidVideoError: The source cannot be read.
        SourceChangedError: It is no longer the file that was probed.
        StoreUnavailableError: The disk failed or is full.
    """
    maker = ClipMaker(
        *(source, info, timeline, settings, tags),
        known_digest={span.start: first_picture_digest}.get,
        encoder_threads=0,
    )
    reason = maker.refusal
    with SourceReader(source, info) as reader:
        if maker.copies:
            try:
                return maker.copy(reader, span, target)
            except (ClipError, InvalidVideoError) as error:
                reason = _noted(source, span, error)
        return maker.encode(reader, maker.frames_of(span), span, target, reason)


def write_clips(
    source: Path,
    info: VideoInfo,
    timeline: Timeline,
    spans: Sequence[Span],
    target_for: Callable[[Span], Path],
    settings: ClipSettings,
    *,
    picture_digests: Sequence[int | None] | None,
    workers: int,
    on_clip: OnClip,
    tags: Mapping[str, str] = _NO_TAGS,
) -> None:
    """Make many clips of one video; one that fails does not keep the others from being made.

    Copies are made side by side. What has to be encoded comes after them, in the order of the
    video, which is decoded once for it.

    Args:
        source: The video.
        info: Of the video, from ``probe``.
        timeline: Of the video, from ``FrameReader``.
        spans: Frames that the clips show, inside the timeline.
        target_for: Gives each clip's file.
        settings: How to make them.
        picture_digests: ``Frame.digest`` of each frame of the video, None where it is not known.
        workers: How many clips are copied at once, and how many threads encoding may use; >= 1.
        on_clip: Called by the calling thread, once a span. While it lasts, few more are made.
        tags: Written into each file, for ``inspect_clip``.
    Raises:
        SourceChangedError: The source is no longer the file that was probed. As after the next,
            the remaining clips are not made.
        StoreUnavailableError: The disk failed or is full.
    """
    maker = ClipMaker(
        *(source, info, timeline, settings, tags),
        known_digest=(lambda _: None) if picture_digests is None else picture_digests.__getitem__,
        encoder_threads=workers,
    )
    reasons = dict.fromkeys(spans, maker.refusal)
    if maker.copies:
        reasons = _copy_all(maker, spans, target_for, workers, on_clip)
    _encode_all(maker, reasons, target_for, on_clip)


def _noted(source: Path, span: Span, error: ClipError | InvalidVideoError) -> str:
    logger.warning(
        "frames [%d, %d) of %s are encoded: %s", span.start, span.end, shown_name(source), error
    )
    return str(error)


def _copy_all(
    maker: ClipMaker,
    spans: Sequence[Span],
    target_for: Callable[[Span], Path],
    workers: int,
    on_clip: OnClip,
) -> dict[Span, str | None]:
    """Copy what can be copied; give the other spans with the reasons."""
    idle: SimpleQueue[SourceReader] = SimpleQueue()
    refused: dict[Span, str | None] = {}

    def make(span: Span) -> ClipFile:
        reader = idle.get()
        try:
            return maker.copy(reader, span, target_for(span))
        finally:
            idle.put(reader)

    with ExitStack() as opened, ThreadPoolExecutor(workers, "clip") as pool:
        for _ in range(workers):
            idle.put(opened.enter_context(SourceReader(maker.source, maker.info)))
        ahead = iter(spans)
        running = {pool.submit(make, span): span for span in islice(ahead, 2 * workers)}
        try:
            while running:
                for future in wait(running, return_when=FIRST_COMPLETED).done:
                    span = running.pop(future)
                    try:
                        clip = future.result()
                    except (ClipError, InvalidVideoError) as error:
                        refused[span] = _noted(maker.source, span, error)
                    else:
                        on_clip(span, clip)
                    # Only now, so that clips do not pile up where the caller is slow.
                    running.update({pool.submit(make, span): span for span in islice(ahead, 1)})
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise
    return refused


def _encode_all(
    maker: ClipMaker,
    reasons: Mapping[Span, str | None],
    target_for: Callable[[Span], Path],
    on_clip: OnClip,
) -> None:
    """Encode spans, each with the reason why it is not copied although that was asked for."""
    decoded = _DecodedOnce(maker, max((span.end for span in reasons), default=0))
    with SourceReader(maker.source, maker.info) as reader:
        for span in sorted(reasons):
            outcome: ClipFile | ClipError
            try:
                frames = decoded.frames_of(span)
                outcome = maker.encode(reader, frames, span, target_for(span), reasons[span])
            except (ClipError, InvalidVideoError) as error:
                decoded.start_anew()
                outcome = error if isinstance(error, ClipError) else ClipError(str(error))
            on_clip(span, outcome)


class _DecodedOnce:
    """Gives the frames of one span after the other from one pass over the video.

    Seeks only where a span lies before the last one, or far behind it.
    """

    def __init__(self, maker: ClipMaker, end: int) -> None:
        self._maker = maker
        self._end = end
        self._frames: Iterator[Frame] = iter(())
        self._next: int | None = None

    def start_anew(self) -> None:
        """Forget the pass; after an error it gives nothing more."""
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
