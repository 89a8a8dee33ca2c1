"""Make clips: an MP4 file for a span of frames, exact to the frame, verified, then published.

What other packages use of clips is here; the modules beside this one do the work.
``auto`` copies what it can without hiding a frame, and encodes the rest; ``copy`` takes the
source's packets as they are; ``reencode`` makes H.264 or HEVC, and AAC. A clip that cannot be made
by the method that was asked for, or fails its check, is tried by another one. A clip starts at
timestamp 0 and ends with its last frame; players that ignore edit lists show what ``copy`` hides.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from types import MappingProxyType

from heaters_pipeline.errors import ClipError, InvalidVideoError
from heaters_pipeline.video.clips.batch import ClipFailure, Way, make_clips
from heaters_pipeline.video.clips.check import inspect_clip
from heaters_pipeline.video.clips.left_out import left_out
from heaters_pipeline.video.clips.maker import ClipMaker
from heaters_pipeline.video.clips.record import ClipFacts, ClipFile
from heaters_pipeline.video.clips.settings import DEFAULT_VERIFY, ClipSettings, Verify
from heaters_pipeline.video.clips.sound_levels import with_levels
from heaters_pipeline.video.clips.splice import SpliceSource, splice_source
from heaters_pipeline.video.clips.subtitles import SourceSubtitles
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.probe import VideoInfo, shown_name
from heaters_pipeline.video.media.sound_times import SourceSound
from heaters_pipeline.video.media.timing import Span, Timeline

__all__ = [
    "FORMAT_VERSION",
    "ClipFacts",
    "ClipFile",
    "ClipSettings",
    "inspect_clip",
    "inspect_whole_clip",
    "left_out",
    "write_clips",
]

logger = logging.getLogger(__name__)

FORMAT_VERSION = 2
"""Raised when the same settings would give other files."""

_NO_TAGS: Mapping[str, str] = MappingProxyType({})

_DONE: Mapping[Way, str] = {"splice": "joined", "encode": "encoded", "copy": "copied"}


def inspect_whole_clip(path: Path) -> ClipFacts:
    """Read what a clip file shows and says of itself, and decode its sound to know how loud it is.

    Raises:
        ClipError: It is no readable clip.
    """
    facts = inspect_clip(path)
    return replace(facts, sound=with_levels(facts.sound, path))


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
        sound=SourceSound(source, info, settings.audio_languages),
        known_digest=(lambda _: None) if picture_digests is None else picture_digests.__getitem__,
    )

    run = _Run(maker, target_for, workers, on_clip)
    if settings.mode == "auto":
        run.auto(spans)
    elif settings.mode == "copy":
        run.one_or_other("copy", "encode", spans)
    else:
        run.one_or_other("encode", "copy", spans)


@dataclass(frozen=True, slots=True)
class _Run:
    """The ways in which clips are made, one after the other."""

    maker: ClipMaker
    target_for: Callable[[Span], Path]
    workers: int
    on_clip: OnClip

    def auto(self, spans: Sequence[Span]) -> None:
        """Copy what can be copied without hiding a frame, and encode the rest."""
        source, planned = self._plan(spans)
        # Nothing is wrong with these.
        self._log("encode", planned, logging.INFO)
        copied = dict.fromkeys(span for span in spans if span not in planned)
        failed = {span: str(error) for span, error in self._make("splice", copied, source).items()}
        self._log("encode", failed)
        failures = self._make("encode", planned | failed, source)
        # A clip that hides frames is better than none.
        self._last_resort("copy", failures)

    def one_or_other(self, first: Way, second: Way, spans: Sequence[Span]) -> None:
        """Make clips in one way, and in the other where that fails."""
        self._last_resort(second, self._make(first, dict.fromkeys(spans)))

    def _plan(self, spans: Sequence[Span]) -> tuple[SpliceSource | None, dict[Span, str]]:
        """What the clips have in common, and which have to be encoded whole, each with why."""
        maker = self.maker
        try:
            if maker.copy_refusal:
                raise ClipError(maker.copy_refusal)
            with SourceReader(maker.source, maker.info) as reader:
                source = splice_source(reader, maker.timeline, maker.settings.preset, spans)
        except ClipError as error:
            return None, dict.fromkeys(spans, str(error))
        return source, {span: plan.reason for span, plan in source.plans.items() if plan.reason}

    def _make(
        self, way: Way, reasons: Mapping[Span, str | None], source: SpliceSource | None = None
    ) -> dict[Span, ClipFailure]:
        return make_clips(
            self.maker, way, reasons, self.target_for, self.workers, self.on_clip, source
        )

    def _log(self, way: Way, reasons: Mapping[Span, str], level: int = logging.WARNING) -> None:
        for reason in dict.fromkeys(reasons.values()):
            starts = [span.start for span in reasons if reasons[span] == reason]
            logger.log(
                level,
                "%d clips of %s, from frame %d on, are %s: %s",
                len(starts),
                shown_name(self.maker.source),
                min(starts),
                _DONE[way],
                reason,
            )

    def _last_resort(self, way: Way, failures: Mapping[Span, ClipFailure]) -> None:
        reasons: dict[Span, str] = {}
        for span, error in failures.items():
            if way == "copy" and isinstance(error, InvalidVideoError):
                # What cannot be decoded would be copied with its damage.
                self.on_clip(span, ClipError(str(error)))
            else:
                reasons[span] = str(error)
        self._log(way, reasons)
        for span, error in self._make(way, reasons).items():
            self.on_clip(span, ClipError(f"{error} (it was {_DONE[way]} because: {reasons[span]})"))
