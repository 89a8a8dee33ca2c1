"""Make one clip that hides no frame: copied where it can be, else encoded almost without loss.

What cannot be joined with copied frames is encoded whole, in the quality of the rest.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.check import check_clip
from heaters_pipeline.video.clips.encode import encode_span
from heaters_pipeline.video.clips.luma_quality import (
    QualityWatch,
    TooFarError,
    better_rate_factor,
    first_rate_factor,
)
from heaters_pipeline.video.clips.maker import ClipMaker, as_clip_file
from heaters_pipeline.video.clips.record import ClipFile
from heaters_pipeline.video.clips.settings import ClipSettings
from heaters_pipeline.video.clips.splice import FramesOf, SpliceSource, splice_span
from heaters_pipeline.video.clips.splice_check import Expected, check_all_pictures, check_splice
from heaters_pipeline.video.clips.splice_plan import SplicePlan
from heaters_pipeline.video.media.frames import Frame
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.timing import Span


@dataclass(frozen=True, slots=True)
class AutoMaker:
    """Makes the clips of a video so that none hides a frame.

    Attributes:
        maker: What they have in common with other clips.
        source: What they have in common; None where nothing of the source can be copied.
    """

    maker: ClipMaker
    source: SpliceSource | None

    def splice(
        self,
        reader: SourceReader,
        pictures: SourceReader,
        plan: SplicePlan,
        target: Path,
        frames: Iterator[Frame] | None = None,
    ) -> ClipFile:
        """Make a clip as planned.

        Args:
            reader: The open source.
            pictures: The same source, opened once more.
            plan: What is copied, and what is encoded.
            target: File to write.
            frames: Gives all frames where all are encoded, for a first try.
        Raises:
            ClipError: It cannot be done.
            InvalidVideoError: The source cannot be read.
            SourceChangedError: It is no longer what it was.
            StoreUnavailableError: The disk failed.
        """
        copied = plan.copied_span
        digest = self.maker.digest_of(copied.start) if copied else None

        def at(crf: int, frames_of: FramesOf) -> ClipFile:
            return self._splice_at(crf, reader, pictures, plan, target, frames_of, digest)

        return self._close_enough(at, frames)

    def encode(
        self,
        reader: SourceReader,
        frames: Iterator[Frame],
        span: Span,
        target: Path,
        reason: str | None,
    ) -> ClipFile:
        """Make a clip of encoded frames alone.

        Args:
            reader: The open source.
            frames: Gives the frames of the span, for a first try; read no further.
            span: Frames that the clip shows.
            target: File to write.
            reason: Why nothing is copied.
        Raises:
            ClipError: It could not be made.
            InvalidVideoError: The source cannot be read.
            SourceChangedError: It is no longer what it was.
            StoreUnavailableError: The disk failed.
        """
        maker = self.maker
        if self.source and self.source.kind:
            # With the header that all clips of the source have, so that they can be joined.
            with SourceReader(maker.source, maker.info) as pictures:
                try:
                    plan = SplicePlan(span, None, reason)
                    return self.splice(reader, pictures, plan, target, frames)
                except ClipError as error:
                    frames, reason = maker.frames_of(span), str(error)

        def at(crf: int, frames_of: FramesOf) -> ClipFile:
            return self._encode_at(crf, reader, frames_of, span, target, reason)

        return self._close_enough(at, frames)

    def _close_enough(
        self, at: Callable[[int, FramesOf], ClipFile], frames: Iterator[Frame] | None
    ) -> ClipFile:
        """Encode better and better until the pictures are close enough to the source's."""
        crf = first_rate_factor(self.maker.settings.min_psnr_db)
        frames_of = self.maker.frames_of if frames is None else lambda _: frames
        while True:
            try:
                return at(crf, frames_of)
            except TooFarError as error:
                crf, frames_of = better_rate_factor(crf, error), self.maker.frames_of

    def _splice_at(
        self,
        crf: int,
        reader: SourceReader,
        pictures: SourceReader,
        plan: SplicePlan,
        target: Path,
        frames_of: FramesOf,
        digest: int | None,
    ) -> ClipFile:
        maker, span, copied = self.maker, plan.span, plan.copied_span
        if self.source is None:
            raise ClipError("nothing of the source can be copied")
        least_db = maker.settings.min_psnr_db
        note = maker.note("auto", span, plan.reason, (copied,) if copied else ())
        with maker.opened(reader, span, target, note) as writer:
            task = maker.task(reader, span, writer)
            spliced = splice_span(
                task, self.source, plan, pictures, frames_of, crf=crf, threads=maker.threads
            )
            path = writer.finish(spliced.video.index, maker.timeline.duration_of(span))
            expected = Expected(spliced.copied, digest, spliced.first_encoded, least_db)
            facts = check_splice(path, maker.timeline, plan, expected)
            maker.check_sound(path, span)
            if maker.verify == "full":
                check_all_pictures(path, maker.frames_of(span), span, copied, least_db)
            writer.publish(target)
        return as_clip_file(facts, target)

    def _encode_at(
        self,
        crf: int,
        reader: SourceReader,
        frames_of: FramesOf,
        span: Span,
        target: Path,
        reason: str | None,
    ) -> ClipFile:
        maker = self.maker
        least_db = maker.settings.min_psnr_db
        with maker.opened(reader, span, target, maker.note("auto", span, reason)) as writer:
            task = replace(maker.task(reader, span, writer), settings=_close(maker.settings, crf))
            measured = None if task.settings.codec == "hevc" else QualityWatch(len(span), least_db)
            video = encode_span(task, frames_of(span), threads=maker.threads, watch=measured)
            path = writer.finish(video.index, maker.timeline.duration_of(span))
            facts = check_clip(path, maker.timeline, span)
            maker.check_sound(path, span)
            if maker.verify == "full" or measured is None:
                check_all_pictures(path, maker.frames_of(span), span, None, least_db)
            writer.publish(target)
        return as_clip_file(facts, target)


def _close(settings: ClipSettings, crf: int) -> ClipSettings:
    """Settings that keep pictures as they are."""
    # HEVC has no pictures of two fields.
    interlaced = settings.interlaced if settings.codec == "hevc" else "keep"
    return replace(settings, crf=crf, bit_depth="source", interlaced=interlaced)
