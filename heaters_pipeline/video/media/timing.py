"""Exact times: spans of frames and the timeline that maps frames to timestamps. Pure.

Frames are counted in presentation order from 0. Spans are half-open, ``[start, end)``.
Timestamps (PTS) are integers in ticks of a ``time_base``; seconds are ``Fraction`` and become
floats only where a person reads them. No module of PyAV is imported, so that detection can use it.
"""

from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise

_MOST_REORDERED_FRAMES = 16
"""How far a frame may be from its place in H.264 and HEVC, the most of all codecs."""
# Where frames last so many ticks, one more or less is how the times of an even rate are rounded.
_ROUNDED_TICKS = 10


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """Frames ``[start, end)`` of a video.

    Attributes:
        start: First frame, >= 0.
        end: First frame that no longer belongs to the span, > start.
    """

    start: int
    end: int

    def __post_init__(self) -> None:
        if not 0 <= self.start < self.end:
            raise ValueError(f"a span needs 0 <= start < end, got [{self.start}, {self.end})")

    def __len__(self) -> int:
        return self.end - self.start


@dataclass(frozen=True, slots=True)
class Window:
    """Seconds ``[start, end)`` of a file's own clock."""

    start: Fraction
    end: Fraction

    def ticks(self, ticks_per_second: int) -> int:
        """How long it is in ticks, or samples, of so many a second."""
        return round((self.end - self.start) * ticks_per_second)

    def position(self, seconds: Fraction, ticks_per_second: int) -> int:
        """A time of the same clock in ticks, or samples, from the start of the window."""
        return round((seconds - self.start) * ticks_per_second)


@dataclass(frozen=True, slots=True)
class Timeline:
    """When each frame of a video is shown.

    Attributes:
        pts: Presentation timestamp of each frame in ticks, strictly increasing, not empty.
        end_pts: When the last frame ends, > pts[-1].
        time_base: Seconds per tick.
        from_stream: The timestamps stand in the file. If False they were rebuilt from decoding
            order or the frame rate, and packets cannot be matched to frames by them.
    """

    pts: Sequence[int]
    end_pts: int
    time_base: Fraction
    from_stream: bool = True

    def __post_init__(self) -> None:
        if not self.pts:
            raise ValueError("a timeline needs at least one frame")
        for pts, following in pairwise((*self.pts, self.end_pts)):
            if following <= pts:
                raise ValueError(f"timestamps must increase, got {following} after {pts}")

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.pts)

    def boundary_pts(self, frame: int) -> int:
        """When ``frame`` starts, in ticks; for ``frames`` the end of the video.

        Raises:
            IndexError: ``frame`` is not in ``[0, frames]``.
        """
        if not 0 <= frame <= len(self.pts):
            raise IndexError(f"frame {frame} is not in [0, {len(self.pts)}]")
        return self.end_pts if frame == len(self.pts) else self.pts[frame]

    def seconds_at(self, frame: int) -> Fraction:
        """Seconds from the first frame to the start of ``frame`` (0 to ``frames``)."""
        return (self.boundary_pts(frame) - self.pts[0]) * self.time_base

    def duration_of(self, span: Span) -> Fraction:
        """Seconds that a span is shown."""
        return (self.boundary_pts(span.end) - self.boundary_pts(span.start)) * self.time_base

    def part(self, span: Span) -> "Timeline":
        """Of the frames of a span alone, at the same times."""
        pts = self.pts[span.start : span.end]
        return Timeline(pts, self.boundary_pts(span.end), self.time_base, self.from_stream)

    def window_of(self, span: Span) -> Window:
        """The time that a span is shown, on the clock of the file."""
        ticks = self.boundary_pts(span.start), self.boundary_pts(span.end)
        return Window(ticks[0] * self.time_base, ticks[1] * self.time_base)

    def is_even(self, span: Span) -> bool:
        """Whether the frames of a span follow each other evenly, but for the rounding of times."""
        pts = (*self.pts[span.start : span.end], self.boundary_pts(span.end))
        steps = {following - one for one, following in pairwise(pts)}
        least, most = min(steps), max(steps)
        return most == least or (most - least == 1 and least >= _ROUNDED_TICKS)

    def frame_at(self, seconds: Fraction) -> int:
        """The frame shown at a time, counted from the first frame; clamped to the video."""
        ticks = self.pts[0] + seconds / self.time_base
        return max(0, bisect_right(self.pts, ticks) - 1)

    def has(self, pts: int) -> bool:
        """Whether a frame begins at a timestamp."""
        at = bisect_right(self.pts, pts)
        return at > 0 and self.pts[at - 1] == pts


def grouped(frames: Sequence[int], belong_together: Callable[[int, int], bool]) -> list[list[int]]:
    """Split rising frames into groups that are read in one go.

    Args:
        frames: Strictly increasing.
        belong_together: Whether a frame and the next one stay in one group.
    """
    groups = [[frame] for frame in frames[:1]]
    for frame, following in pairwise(frames):
        if belong_together(frame, following):
            groups[-1].append(following)
        else:
            groups.append([following])
    return groups


class TimestampMender:
    """Turn the timestamps of frames, as decoded, into strictly increasing ones.

    Those that increase already stay as they are. A missing or repeated one, or one that is out of
    order, becomes the end of the frame before; a jump back by more than codecs reorder frames (two
    recordings glued) moves everything that follows.

    Attributes:
        pts: The timestamps so far.
        mended: Whether any of them does not stand in the file.
        stalled: How many frames repeat the raw timestamp of the frame before.
    """

    def __init__(self, nominal_ticks: int, *, clock_may_jump: bool = True) -> None:
        """Begin.

        Args:
            nominal_ticks: From one frame to the next at the header's rate.
            clock_may_jump: Whether a frame that is far behind others is shown by another clock;
                else it is one that comes late, as where others were lost.
        """
        self._clock_may_jump = clock_may_jump
        self.pts: list[int] = []
        self.mended = False
        self.stalled = 0
        self._nominal_ticks = nominal_ticks
        self._last_duration_ticks = nominal_ticks
        self._offset = 0
        self._last_raw: int | None = None

    @property
    def end_pts(self) -> int:
        """When the last frame ends."""
        return self.pts[-1] + self._last_duration_ticks

    def mend(self, raw_pts: int | None, duration_ticks: int, *, in_stream: bool) -> int:
        """Add the next frame in presentation order.

        Args:
            raw_pts: What the decoder gives, in ticks, or None.
            duration_ticks: How long the frame is shown; 0 where that is not known.
            in_stream: Whether that is the presentation timestamp that stands in the file.
        Returns:
            When the frame is shown, in ticks.
        """
        pts = self._next_pts(raw_pts)
        self.mended |= not in_stream or pts != raw_pts
        if self.pts and not duration_ticks:
            duration_ticks = pts - self.pts[-1]
        self._last_duration_ticks = duration_ticks or self._nominal_ticks
        self._last_raw = raw_pts
        self.pts.append(pts)
        return pts

    def _next_pts(self, raw_pts: int | None) -> int:
        expected = self.end_pts if self.pts else (raw_pts or 0)
        if raw_pts is None:
            return expected
        pts = raw_pts + self._offset
        if not self.pts or pts > self.pts[-1]:
            return pts
        self.stalled += raw_pts == self._last_raw
        if self._clock_may_jump and expected - pts > _MOST_REORDERED_FRAMES * self._nominal_ticks:
            self._offset += expected - pts
        return expected
