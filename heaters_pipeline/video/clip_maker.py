"""Make one clip by one method or the other, check it, and only then give it its name."""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clip_check import check_clip, check_first_picture
from heaters_pipeline.video.clip_copy import copy_span, why_not_copied
from heaters_pipeline.video.clip_encode import encode_span
from heaters_pipeline.video.clip_file import ClipWriter, open_clip
from heaters_pipeline.video.clip_record import ClipFile, ClipNote, ClipSettings
from heaters_pipeline.video.clip_source import SourceReader
from heaters_pipeline.video.frames import Frame, read_span
from heaters_pipeline.video.probe import VideoInfo, shown_name
from heaters_pipeline.video.timing import Span, Timeline

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ClipMaker:
    """All that the clips of one video have in common.

    Attributes:
        source: The video.
        info: Of the video.
        timeline: Of the video.
        settings: How its clips are made.
        tags: Written into each clip.
        encoder_threads: How many threads an encoder may use; 0 for as many as there are cores.
    """

    source: Path
    info: VideoInfo
    timeline: Timeline
    settings: ClipSettings
    tags: Mapping[str, str]
    encoder_threads: int

    @property
    def refusal(self) -> str | None:
        """Why nothing of the video can be copied although that is asked for, or None."""
        if self.settings.mode == "reencode":
            return None
        return why_not_copied(self.info, self.timeline)

    @property
    def copies(self) -> bool:
        """Whether clips are to be made by copying."""
        return self.settings.mode == "copy" and self.refusal is None

    def copy(
        self, reader: SourceReader, span: Span, target: Path, picture_digest: int | None
    ) -> ClipFile:
        """Make a clip by copying; where that is not exact, by encoding.

        Args:
            reader: The open source.
            span: Frames that the clip shows.
            target: File to write.
            picture_digest: ``Frame.digest`` of the first frame, if known.
        Raises:
            ClipError: Neither gave the clip.
            InvalidVideoError: The source cannot be read.
            SourceChangedError: It is no longer what it was.
            StoreUnavailableError: The disk failed.
        """
        try:
            return self._copied(reader, span, target, picture_digest)
        except ClipError as error:
            logger.warning(
                "frames [%d, %d) of %s are encoded: %s",
                *(span.start, span.end, shown_name(self.source), error),
            )
            return self.encode(reader, self.frames_of(span), span, target, str(error))

    def encode(
        self,
        reader: SourceReader,
        frames: Iterator[Frame],
        span: Span,
        target: Path,
        fallback_reason: str | None,
    ) -> ClipFile:
        """Make a clip by encoding.

        Args:
            reader: The open source.
            frames: Gives the frames of the span; read no further.
            span: Frames that the clip shows.
            target: File to write.
            fallback_reason: Why it is not copied although that was asked for.
        Raises:
            ClipError: It could not be made.
            InvalidVideoError: The source cannot be read.
            SourceChangedError: It is no longer what it was.
            StoreUnavailableError: The disk failed.
        """
        note = ClipNote("reencode", fallback_reason, span, self.tags)
        with open_clip(target, note.encode()) as writer:
            video = encode_span(
                *(frames, reader, self.timeline, span, writer, self.settings),
                threads=self.encoder_threads,
            )
            return self._finished(writer, video.index, span, target, None)

    def frames_of(self, span: Span) -> Iterator[Frame]:
        """Decode the frames of a span."""
        return read_span(self.source, self.info, self.timeline, span)

    def _copied(
        self, reader: SourceReader, span: Span, target: Path, picture_digest: int | None
    ) -> ClipFile:
        if picture_digest is None:
            picture_digest = next(self.frames_of(Span(span.start, span.start + 1))).digest
        note = ClipNote("copy", None, span, self.tags)
        with open_clip(target, note.encode()) as writer:
            video = copy_span(reader, self.timeline, span, writer, self.settings)
            return self._finished(writer, video.index, span, target, picture_digest)

    def _finished(
        self,
        writer: ClipWriter,
        video_index: int,
        span: Span,
        target: Path,
        picture_digest: int | None,
    ) -> ClipFile:
        path = writer.finish(video_index, self.timeline.duration_of(span))
        facts = check_clip(path, self.timeline, span)
        if picture_digest is not None:
            check_first_picture(path, picture_digest)
        writer.publish(target)
        return ClipFile(**{field.name: getattr(facts, field.name) for field in fields(ClipFile)})
