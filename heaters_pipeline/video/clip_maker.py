"""Make one clip by one method or the other, check it, and only then give it its name."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path

from heaters_pipeline.video.clip_check import check_clip, check_first_picture
from heaters_pipeline.video.clip_copy import copy_span, why_not_copied
from heaters_pipeline.video.clip_encode import encode_span
from heaters_pipeline.video.clip_file import ClipWriter, open_clip
from heaters_pipeline.video.clip_record import ClipFile, ClipNote, ClipSettings
from heaters_pipeline.video.clip_source import SourceReader
from heaters_pipeline.video.frames import Frame, read_span
from heaters_pipeline.video.probe import VideoInfo
from heaters_pipeline.video.timing import Span, Timeline

_KNOWN_WITHIN_FRAMES = 32
"""How far back a frame is looked for whose picture is known; anchors are closer than that."""


@dataclass(frozen=True, slots=True)
class ClipMaker:
    """All that the clips of one video have in common.

    Attributes:
        source: The video.
        info: Of the video.
        timeline: Of the video.
        settings: How its clips are made.
        tags: Written into each clip.
        known_digest: Gives ``Frame.digest`` of a frame, or None where it is not known.
        encoder_threads: How many threads an encoder may use; 0 for as many as there are cores.
    """

    source: Path
    info: VideoInfo
    timeline: Timeline
    settings: ClipSettings
    tags: Mapping[str, str]
    known_digest: Callable[[int], int | None]
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

    def copy(self, reader: SourceReader, span: Span, target: Path) -> ClipFile:
        """Make a clip by copying.

        Args:
            reader: The open source.
            span: Frames that the clip shows.
            target: File to write.
        Raises:
            ClipError: The copy is not exact; nothing is left of it.
            InvalidVideoError: The source cannot be read.
            SourceChangedError: It is no longer what it was.
            StoreUnavailableError: The disk failed.
        """
        digest = self.known_digest(span.start)
        if digest is None:
            digest = next(self.frames_of(Span(span.start, span.start + 1))).digest
        note = ClipNote("copy", None, span, self.tags)
        with open_clip(target, note.encode()) as writer:
            video = copy_span(reader, self.timeline, span, writer, self.settings)
            return self._finished(writer, video.index, span, target, digest)

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
        """Decode the frames of a span, with the pictures that they have in the whole video.

        Some streams have no I-frames but are refreshed bit by bit, and decoders that start in
        their middle show wrong pictures for a while without a word.
        """
        next_frame = span.start
        for frame in self._decoded(Span(self._known_before(span.start), span.end)):
            if self.known_digest(frame.index) not in (None, frame.digest):
                yield from self._decoded_from_start(Span(next_frame, span.end))
                return
            if frame.index >= span.start:
                yield frame
                next_frame = frame.index + 1

    def _known_before(self, frame: int) -> int:
        """The nearest frame from here back whose picture is known, if one is near."""
        candidates = range(frame, max(frame - _KNOWN_WITHIN_FRAMES, -1), -1)
        return next((at for at in candidates if self.known_digest(at) is not None), frame)

    def _decoded(self, span: Span) -> Iterator[Frame]:
        return read_span(self.source, self.info, self.timeline, span)

    def _decoded_from_start(self, span: Span) -> Iterator[Frame]:
        for frame in self._decoded(Span(0, span.end)):
            if frame.index >= span.start:
                yield frame

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
