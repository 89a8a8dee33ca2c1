"""A video with its scenes as editors count them: what all formats are written from. Pure."""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction

from heaters_pipeline.exchange.timecode import frames_a_day, timecode
from heaters_pipeline.video.media.timing import Span


@dataclass(frozen=True, slots=True)
class ListedScene:
    """A scene of the list.

    Attributes:
        name: The clip identifier.
        span: Frames of the video.
        start_seconds: Exact time of its first frame, from the video's first.
        end_seconds: Exact time at which its last frame ends.
        review: ``approved``, ``rejected``, or empty.
        tags: What a person sorted it by.
    """

    name: str
    span: Span
    start_seconds: Fraction
    end_seconds: Fraction
    review: str = ""
    tags: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class GradualTransition:
    """A dissolve, fade or wipe that is part of the picture.

    Attributes:
        kind: Its name.
        span: Frames of the video.
        start_seconds: Exact time of its first frame.
        end_seconds: Exact time at which its last frame ends.
    """

    kind: str
    span: Span
    start_seconds: Fraction
    end_seconds: Fraction


@dataclass(frozen=True, slots=True)
class Sound:
    """The first audio stream of the video."""

    channels: int
    sample_rate_hz: int


@dataclass(frozen=True, slots=True)
class Marker:
    """A gradual transition, in frames of the source at the edit rate.

    It begins in the event that has it, and may end in the next.
    """

    kind: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class Event:
    """A scene on an editor's timeline, in frames of the edit rate; spans are half-open.

    Attributes:
        scene: Which.
        source: In the source, counted from its first frame.
        record: On the timeline, counted from its beginning.
        markers: Gradual transitions of which it has the first part.
    """

    scene: ListedScene
    source: Span
    record: Span
    markers: tuple[Marker, ...]


@dataclass(frozen=True, slots=True)
class EditList:
    """What is written for editors.

    Attributes:
        name: The video's id.
        media_name: The name of its file, which others chose.
        media_uri: Where it lies, None if only its name is known.
        rate: Frames a second of the grid on which editors count.
        is_constant: Whether frame ``n`` of the video is frame ``n`` of the grid. If not, times are
            put on the nearest frame of the grid.
        frames: Of the video.
        duration_seconds: Of the video.
        start_frame: Which frame the video's first is by timecode.
        drop: Whether timecode is drop-frame.
        size_px: Width and height of the stored picture.
        sound: Its sound, None without any.
        scenes: In order.
        transitions: The gradual ones, in order.
        left_out: How many scenes are not listed, since they were rejected.
        refused_timecode: What the source says its first frame is, if that is no timecode at its
            rate.
        is_corrected: Whether the scenes are those that all corrections of people make.
    """

    name: str
    media_name: str
    media_uri: str | None
    rate: Fraction
    is_constant: bool
    frames: int
    duration_seconds: Fraction
    start_frame: int
    drop: bool
    size_px: tuple[int, int]
    sound: Sound | None
    scenes: tuple[ListedScene, ...]
    transitions: tuple[GradualTransition, ...]
    left_out: int = 0
    refused_timecode: str | None = None
    is_corrected: bool = True

    @property
    def length(self) -> int:
        """Of the video, in frames of the edit rate."""
        return max(1, self.at(self.frames, self.duration_seconds))

    @property
    def rate_said(self) -> str:
        """The edit rate, exactly: ``25`` or ``30000/1001``."""
        return str(self.rate)

    def at(self, frame: int, seconds: Fraction) -> int:
        """Where a frame of the video, which begins at a time, lies in frames of the edit rate."""
        return frame if self.is_constant else round(seconds * self.rate)

    def timecode(self, frame: int) -> str:
        """The timecode of a frame of the edit rate, counted from the video's first."""
        return timecode(self.start_frame + frame, self.rate, drop=self.drop)

    def events(self) -> tuple[Event, ...]:
        """The scenes one after the other; where some are left out, the rest moves up."""
        return tuple(self._events())

    def record_frames(self) -> int:
        """How long the timeline is."""
        events = self.events()
        return events[-1].record.end if events else 0

    def notes(self) -> tuple[str, ...]:
        """What a person should know of the list."""
        said = []
        if not self.is_constant:
            said.append(
                f"{self.name} has a variable frame rate, or one that editors do not count in: "
                f"positions are the nearest frames at {self.rate_said} frames a second; chapters "
                "and the columns of seconds have the exact times"
            )
        if self.refused_timecode is not None:
            said.append(
                f"its start timecode {self.refused_timecode} is none at {self.rate_said} frames a "
                f"second, so timecode begins with {self.timecode(0)}; give another start timecode"
            )
        if not self.is_corrected:
            said.append(
                "people corrected its scenes, and no run made that yet: heaters process "
                f"{self.name} does, then export it again"
            )
        lost = len(self.scenes) - len(self.events())
        if lost:
            said.append(f"scenes shorter than a frame at that rate are left out: {lost}")
        if self.start_frame + self.length > frames_a_day(self.rate, drop=self.drop):
            said.append("its timecode passes 24 hours, and begins again with 00:00:00:00 there")
        return tuple(said)

    def _events(self) -> Iterator[Event]:
        gone = 0
        unmarked = list(self.transitions)
        for scene in self.scenes:
            start = self.at(scene.span.start, scene.start_seconds)
            end = self.at(scene.span.end, scene.end_seconds)
            if start < end:
                source = Span(start, end)
                record = Span(gone, gone + end - start)
                yield Event(scene, source, record, tuple(self._markers(source, unmarked)))
                gone = record.end

    def _markers(self, source: Span, unmarked: list[GradualTransition]) -> Iterator[Marker]:
        """Mark the transitions of which a span has a part, and no earlier one had."""
        while unmarked and self._start(unmarked[0]) < source.end:
            each = unmarked.pop(0)
            start, end = self._start(each), self.at(each.span.end, each.end_seconds)
            if max(start, source.start) < end:
                yield Marker(each.kind, max(start, source.start), end)

    def _start(self, transition: GradualTransition) -> int:
        return self.at(transition.span.start, transition.start_seconds)
