"""Make clips: one MP4 file for a span of frames, exact to the frame, checked before it has a name.

``copy`` takes the source's packets as they are; ``reencode`` makes H.264 or HEVC, and AAC. A clip
that cannot be made by the method that was asked for, or fails its check, is tried by the other one.
A clip starts at instant 0 and ends with its last frame; players that ignore edit lists show a
copied clip from the I-frame before it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from heaters_pipeline.errors import ClipError, InvalidVideoError
from heaters_pipeline.video.clips.batch import ClipFailure, copied, encoded
from heaters_pipeline.video.clips.check import inspect_clip
from heaters_pipeline.video.clips.maker import ClipMaker
from heaters_pipeline.video.clips.settings import (
    DEFAULT_VERIFY,
    ClipFacts,
    ClipFile,
    ClipSettings,
    Method,
    Verify,
)
from heaters_pipeline.video.clips.subtitles import SourceSubtitles
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.probe import VideoInfo, shown_name
from heaters_pipeline.video.media.timing import Span, Timeline

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

FORMAT_VERSION = 2
"""Raised when the same settings would give other files."""

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
    verify: Verify = DEFAULT_VERIFY,
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
        verify: ``full`` decodes all of the clip before it gets its name.
    Raises:
        ClipError: The clip cannot be made.
        InvalidVideoError: The source cannot be read.
        SourceChangedError: It is no longer the file that was probed.
        StoreUnavailableError: The disk failed or is full.
    """
    maker = ClipMaker(
        *(source, info, timeline, settings, tags, verify),
        subtitles=SourceSubtitles(source, info),
        known_digest={span.start: first_picture_digest}.get,
    )

    def make(method: Method, reason: str | None) -> ClipFile:
        if method == "reencode":
            return maker.encode(reader, maker.frames_of(span), span, target, reason)
        if maker.copy_refusal:
            raise ClipError(maker.copy_refusal)
        return maker.copy(reader, span, target, reason)

    first, second = _methods(settings)
    with SourceReader(source, info) as reader:
        try:
            return make(first, None)
        except (ClipError, InvalidVideoError) as error:
            reason = _reason_for_other(first, error)
        _note_other(maker, second, [span], reason)
        try:
            return make(second, reason)
        except ClipError as error:
            raise _neither(reason, second, error) from error


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
    verify: Verify = DEFAULT_VERIFY,
) -> None:
    """Make many clips of one video; one that fails does not keep the others from being made.

    Clips are made side by side, in no certain order. Where they are encoded, the video is decoded
    once for all of them, in as many parts as there are encoders.

    Args:
        source: The video.
        info: Of the video, from ``probe``.
        timeline: Of the video, from ``FrameReader``.
        spans: Frames that the clips show, inside the timeline.
        target_for: Gives each clip's file.
        settings: How to make them.
        picture_digests: ``Frame.digest`` of each frame of the video, None where it is not known.
        workers: How many threads to use; >= 1.
        on_clip: Called by the calling thread, once a span. While it lasts, few more are made.
        tags: Written into each file, for ``inspect_clip``.
        verify: ``full`` decodes all of each clip before it gets its name.
    Raises:
        SourceChangedError: The source is no longer the file that was probed. As after the next,
            the remaining clips are not made.
        StoreUnavailableError: The disk failed or is full.
    """
    maker = ClipMaker(
        *(source, info, timeline, settings, tags, verify),
        subtitles=SourceSubtitles(source, info),
        known_digest=(lambda _: None) if picture_digests is None else picture_digests.__getitem__,
    )

    def make(method: Method, reasons: Mapping[Span, str | None]) -> dict[Span, ClipFailure]:
        make_all = copied if method == "copy" else encoded
        failures: dict[Span, ClipFailure] = {}
        if not reasons:
            return failures
        with make_all(maker, reasons, target_for, workers) as outcomes:
            for span, outcome in outcomes:
                if isinstance(outcome, ClipFile):
                    on_clip(span, outcome)
                else:
                    failures[span] = outcome
        return failures

    first, second = _methods(settings)
    failed = make(first, dict.fromkeys(spans))
    reasons = {}
    for span, error in failed.items():
        try:
            reasons[span] = _reason_for_other(first, error)
        except InvalidVideoError as invalid:
            on_clip(span, ClipError(str(invalid)))
    for reason in dict.fromkeys(reasons.values()):
        _note_other(maker, second, [at for at in reasons if reasons[at] == reason], reason)
    for span, error in make(second, reasons).items():
        on_clip(span, _neither(reasons[span], second, error))


def _methods(settings: ClipSettings) -> tuple[Method, Method]:
    """The method that is asked for, and the one for clips that it cannot make."""
    return ("copy", "reencode") if settings.mode == "copy" else ("reencode", "copy")


def _reason_for_other(method: Method, error: ClipFailure) -> str:
    if method == "reencode" and isinstance(error, InvalidVideoError):
        # What cannot be decoded would be copied with its damage.
        raise error
    return str(error)


def _note_other(maker: ClipMaker, method: Method, spans: Sequence[Span], reason: str) -> None:
    logger.warning(
        "%d clips of %s, from frame %d on, are made by the method %s: %s",
        *(len(spans), shown_name(maker.source), min(span.start for span in spans), method, reason),
    )


def _neither(reason: str, method: Method, error: ClipFailure) -> ClipError:
    tried = "copied" if method == "copy" else "encoded"
    return ClipError(f"{error} (it was {tried} because: {reason})")
