"""Make clips: one MP4 file for a span of frames, exact to the frame, checked before it has a name.

``copy`` takes the source's packets as they are; ``reencode`` makes H.264 and AAC, and is the
fallback where copying is impossible or its check fails. A clip starts at instant 0 and ends with
its last frame; players that ignore edit lists show a copied clip from the I-frame before it.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor, as_completed
from contextlib import ExitStack
from pathlib import Path
from queue import SimpleQueue
from types import MappingProxyType

from heaters_pipeline.errors import ClipError, InvalidVideoError
from heaters_pipeline.video.clip_check import inspect_clip
from heaters_pipeline.video.clip_maker import ClipMaker
from heaters_pipeline.video.clip_record import ClipFacts, ClipFile, ClipSettings
from heaters_pipeline.video.clip_source import SourceReader
from heaters_pipeline.video.frames import Frame
from heaters_pipeline.video.probe import VideoInfo
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
    maker = ClipMaker(source, info, timeline, settings, tags, encoder_threads=0)
    with SourceReader(source, info) as reader:
        if maker.copies:
            return maker.copy(reader, span, target, first_picture_digest)
        return maker.encode(reader, maker.frames_of(span), span, target, maker.refusal)


def write_clips(
    source: Path,
    info: VideoInfo,
    timeline: Timeline,
    spans: Sequence[Span],
    target_for: Callable[[Span], Path],
    settings: ClipSettings,
    *,
    picture_digests: Sequence[int] | None,
    workers: int,
    on_clip: OnClip,
    tags: Mapping[str, str] = _NO_TAGS,
) -> None:
    """Make many clips of one video; one that fails does not keep the others from being made.

    Copies are made side by side. For encoding the video is decoded once, in order.

    Args:
        source: The video.
        info: Of the video, from ``probe``.
        timeline: Of the video, from ``FrameReader``.
        spans: Frames that the clips show, inside the timeline.
        target_for: Gives each clip's file.
        settings: How to make them.
        picture_digests: ``Frame.digest`` of each frame of the video, if known.
        workers: How many clips are copied at once, and how many threads encoding may use; >= 1.
        on_clip: Called by the calling thread, once a span.
        tags: Written into each file, for ``inspect_clip``.
    Raises:
        SourceChangedError: The source is no longer the file that was probed. As after the next,
            the remaining clips are not made.
        StoreUnavailableError: The disk failed or is full.
    """
    maker = ClipMaker(source, info, timeline, settings, tags, encoder_threads=workers)
    if maker.copies:
        _copy_all(maker, spans, target_for, picture_digests, workers, on_clip)
    else:
        _encode_all(maker, spans, target_for, on_clip)


def _copy_all(
    maker: ClipMaker,
    spans: Sequence[Span],
    target_for: Callable[[Span], Path],
    picture_digests: Sequence[int] | None,
    workers: int,
    on_clip: OnClip,
) -> None:
    idle: SimpleQueue[SourceReader] = SimpleQueue()

    def make(span: Span) -> ClipFile:
        digest = None if picture_digests is None else picture_digests[span.start]
        reader = idle.get()
        try:
            return maker.copy(reader, span, target_for(span), digest)
        finally:
            idle.put(reader)

    with ExitStack() as opened, ThreadPoolExecutor(workers, "clip") as pool:
        for _ in range(workers):
            idle.put(opened.enter_context(SourceReader(maker.source, maker.info)))
        made = {pool.submit(make, span): span for span in spans}
        try:
            for future in as_completed(made):
                on_clip(made[future], _outcome(future))
        except BaseException:
            pool.shutdown(cancel_futures=True)
            raise


def _outcome(future: "Future[ClipFile]") -> ClipFile | ClipError:
    try:
        return future.result()
    except ClipError as error:
        return error
    except InvalidVideoError as error:
        return ClipError(str(error))


def _encode_all(
    maker: ClipMaker,
    spans: Sequence[Span],
    target_for: Callable[[Span], Path],
    on_clip: OnClip,
) -> None:
    decoded = _DecodedOnce(maker, max((span.end for span in spans), default=0))
    with SourceReader(maker.source, maker.info) as reader:
        for span in sorted(spans):
            try:
                outcome: ClipFile | ClipError = maker.encode(
                    reader, decoded.frames_of(span), span, target_for(span), maker.refusal
                )
            except ClipError as error:
                outcome = error
            except InvalidVideoError as error:
                outcome = ClipError(str(error))
            on_clip(span, outcome)


class _DecodedOnce:
    """Gives the frames of one span after the other from one pass over the video.

    Starts anew where a span lies before the last one, or far behind it, or where decoding failed.
    """

    def __init__(self, maker: ClipMaker, end: int) -> None:
        self._maker = maker
        self._end = end
        self._frames: Iterator[Frame] = iter(())
        self._next: int | None = None

    def frames_of(self, span: Span) -> Iterator[Frame]:
        if not self._is_near(span.start):
            self._frames = self._maker.frames_of(Span(span.start, self._end))
        self._next = None
        for frame in self._frames:
            if frame.index >= span.start:
                yield frame
            self._next = frame.index + 1
            if self._next == span.end:
                return

    def _is_near(self, start: int) -> bool:
        if self._next is None or start < self._next:
            return False
        gap_seconds = self._maker.timeline.duration_of(Span(self._next, start + 1))
        return gap_seconds <= _GAP_DECODED_SECONDS
