"""Make clips: an MP4 file for a span of frames, exact to the frame, verified, then published.

What other packages use of clips is here; the modules beside this one do the work.
``copy`` takes the source's packets as they are; ``reencode`` makes H.264 or HEVC, and AAC. A clip
that cannot be made by the method that was asked for, or fails its check, is tried by the other one.
A clip starts at timestamp 0 and ends with its last frame; players that ignore edit lists show a
copied clip from the I-frame before it.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from heaters_pipeline.errors import ClipError, InvalidVideoError
from heaters_pipeline.video.clips.batch import make_clips
from heaters_pipeline.video.clips.check import inspect_clip
from heaters_pipeline.video.clips.left_out import left_out
from heaters_pipeline.video.clips.maker import ClipMaker
from heaters_pipeline.video.clips.record import ClipFacts, ClipFile
from heaters_pipeline.video.clips.settings import DEFAULT_VERIFY, ClipMethod, ClipSettings, Verify
from heaters_pipeline.video.clips.subtitles import SourceSubtitles
from heaters_pipeline.video.media.probe import VideoInfo, shown_name
from heaters_pipeline.video.media.sound_times import SourceSound
from heaters_pipeline.video.media.timing import Span, Timeline

__all__ = [
    "FORMAT_VERSION",
    "ClipFacts",
    "ClipFile",
    "ClipSettings",
    "inspect_clip",
    "left_out",
    "write_clips",
]

logger = logging.getLogger(__name__)

FORMAT_VERSION = 2
"""Raised when the same settings would give other files."""

_NO_TAGS: Mapping[str, str] = MappingProxyType({})

OnClip = Callable[[Span, ClipFile | ClipError], None]
"""Takes what became of a clip."""


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

    They are made in several threads, in no certain order. Where they are encoded, the video is
    decoded once for all of them, in as many parts as there are encoders.

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
        verify: ``full`` decodes all of each clip before it is published.
    Raises:
        SourceChangedError: The source is no longer the file that was probed. As after the next,
            the remaining clips are not made.
        StoreUnavailableError: The disk failed or is full.
    """
    maker = ClipMaker(
        source=source,
        info=info,
        timeline=timeline,
        settings=settings,
        tags=tags,
        verify=verify,
        subtitles=SourceSubtitles(source, info),
        sound=SourceSound(source, info),
        known_digest=(lambda _: None) if picture_digests is None else picture_digests.__getitem__,
    )

    first = settings.mode
    second: ClipMethod = "reencode" if first == "copy" else "copy"
    reasons: dict[Span, str] = {}
    failures = make_clips(maker, first, dict.fromkeys(spans), target_for, workers, on_clip)
    for span, error in failures.items():
        if first == "reencode" and isinstance(error, InvalidVideoError):
            # What cannot be decoded would be copied with its damage.
            on_clip(span, ClipError(str(error)))
        else:
            reasons[span] = str(error)
    _log_fallback(shown_name(source), second, reasons)
    tried = "copied" if second == "copy" else "encoded"
    failures = make_clips(maker, second, reasons, target_for, workers, on_clip)
    for span, error in failures.items():
        on_clip(span, ClipError(f"{error} (it was {tried} because: {reasons[span]})"))


def _log_fallback(name: str, method: ClipMethod, reasons: Mapping[Span, str]) -> None:
    for reason in dict.fromkeys(reasons.values()):
        starts = [span.start for span in reasons if reasons[span] == reason]
        logger.warning(
            "%d clips of %s, from frame %d on, are made by the method %s: %s",
            len(starts),
            name,
            min(starts),
            method,
            reason,
        )
