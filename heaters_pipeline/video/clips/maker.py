"""Make one clip by one method or the other, verify it, and only then publish it.

Knows nothing of other clips or threads (``batch``), nor of falling back (``write``).
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, fields
from pathlib import Path

from heaters_pipeline.video.clips.chapters import chapter_box, clip_chapters
from heaters_pipeline.video.clips.check import check_clip, check_copy, check_pictures
from heaters_pipeline.video.clips.check_sound import check_sound
from heaters_pipeline.video.clips.copy import copy_span, why_not_copied
from heaters_pipeline.video.clips.encode import encode_span
from heaters_pipeline.video.clips.mp4_writer import ClipWriter, open_clip
from heaters_pipeline.video.clips.record import ClipFacts, ClipFile, ClipNote, checks_of
from heaters_pipeline.video.clips.settings import ClipContainer, ClipMethod, ClipSettings, Verify
from heaters_pipeline.video.clips.sound_levels import with_levels
from heaters_pipeline.video.clips.subtitles import SourceSubtitles
from heaters_pipeline.video.clips.task import ClipTask
from heaters_pipeline.video.clips.timecode import clip_timecode
from heaters_pipeline.video.media.frame_spans import read_span
from heaters_pipeline.video.media.frames import Frame
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.media.sound_times import SourceSound
from heaters_pipeline.video.media.timing import Span, Timeline

_KNOWN_WITHIN_FRAMES = 32
"""How far back a frame is looked for whose picture is known; two analysed ones are closer."""


@dataclass(frozen=True, slots=True)
class ClipMaker:
    """All that the clips of one video have in common.

    Attributes:
        source: The video.
        info: Of the video.
        timeline: Of the video.
        settings: How its clips are made.
        tags: Written into each clip.
        verify: ``full`` decodes all of each clip before it is published.
        subtitles: Of the video.
        sound: Of the video.
        known_digest: Gives ``Frame.digest`` of a frame, or None where it is not known.
        threads: How many the decoder and the encoder of one clip may use each; 0 for as many as
            there are cores.
    """

    source: Path
    info: VideoInfo
    timeline: Timeline
    settings: ClipSettings
    tags: Mapping[str, str]
    verify: Verify
    subtitles: SourceSubtitles
    sound: SourceSound
    known_digest: Callable[[int], int | None]
    threads: int = 0

    @property
    def container(self) -> ClipContainer:
        """What the clips are stored in."""
        return self.settings.clip_container(self.info.codec)

    @property
    def copy_refusal(self) -> str | None:
        """Why nothing of the video can be copied, or None."""
        return why_not_copied(self.info, self.timeline, self.container)

    def copy(
        self, reader: SourceReader, span: Span, target: Path, fallback_reason: str | None
    ) -> ClipFile:
        """Make a clip by copying.

        Args:
            reader: The open source.
            span: Frames that the clip shows.
            target: File to write.
            fallback_reason: Why it is not encoded although that was asked for.
        Raises:
            ClipError: The copy is not exact; nothing is left of it.
            InvalidVideoError: The source cannot be read.
            SourceChangedError: It is no longer what it was.
            StoreUnavailableError: The disk failed.
        """
        digest = self.digest_of(span.start)
        note = self.note("copy", span, fallback_reason, (span,))
        with self.opened(reader, span, target, note) as writer:
            copied = copy_span(self.task(reader, span, writer))
            path = writer.finish(copied.video.index, self.timeline.duration_of(span))
            facts = check_copy(path, self.timeline, span, copied.packets, digest, copied.seconds)
            self.check_sound(path, span)
            if self.verify == "full":
                check_pictures(path, self.frames_of(span), len(span), threads=self.threads)
            writer.publish(target)
        return as_clip_file(facts, target)

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
        note = self.note("reencode", span, fallback_reason)
        with self.opened(reader, span, target, note) as writer:
            task = self.task(reader, span, writer)
            # Rows that are cut off could change which field is the upper one.
            cropped = self.settings.interlaced == "deinterlace"
            video = encode_span(task, frames, threads=self.threads, cropped=cropped)
            path = writer.finish(video.index, self.timeline.duration_of(span))
            facts = check_clip(path, self.timeline, span)
            self.check_sound(path, span)
            if self.verify == "full":
                check_pictures(path, None, len(span), threads=self.threads)
            writer.publish(target)
        return as_clip_file(facts, target)

    def digest_of(self, frame: int) -> int:
        """``Frame.digest`` of a frame, decoded if it is not known."""
        known = self.known_digest(frame)
        return next(self.frames_of(Span(frame, frame + 1))).digest if known is None else known

    @contextmanager
    def opened(
        self, reader: SourceReader, span: Span, target: Path, note: str
    ) -> Iterator[ClipWriter]:
        """Write a clip inside, which exists only once it was published."""
        timecode = clip_timecode(reader, self.timeline, span.start)
        chapters = clip_chapters(reader, self.timeline.window_of(span))
        with open_clip(target, self.container, note, timecode) as writer:
            if chapters:
                writer.describe_file(chapter_box(chapters))
            yield writer

    def task(self, reader: SourceReader, span: Span, writer: ClipWriter) -> ClipTask:
        """What is to be written of a clip."""
        return ClipTask(
            reader, self.timeline, span, writer, self.settings, self.subtitles, self.sound
        )

    def check_sound(self, path: Path, span: Span) -> None:
        """Require that all sound of the source is in a clip."""
        check_sound(path, self.sound.within(self.timeline.window_of(span)))

    def note(
        self,
        method: ClipMethod,
        span: Span,
        fallback_reason: str | None,
        copied: tuple[Span, ...] = (),
    ) -> str:
        """What a clip says of itself."""
        # A file is published only after these checks.
        checked = checks_of(method, self.verify)
        return ClipNote(method, fallback_reason, span, checked, self.tags, copied).encode()

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
        return read_span(self.source, self.info, self.timeline, span, threads=self.threads)

    def _decoded_from_start(self, span: Span) -> Iterator[Frame]:
        for frame in self._decoded(Span(0, span.end)):
            if frame.index >= span.start:
                yield frame


def as_clip_file(facts: ClipFacts, path: Path) -> ClipFile:
    """What is recorded of a clip that was checked, and published under this name."""
    known = {field.name: getattr(facts, field.name) for field in fields(ClipFile)}
    return ClipFile(**{**known, "sound": with_levels(facts.sound, path)})
