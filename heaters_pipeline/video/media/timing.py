"""Exact times: spans of frames and the timeline that maps frames to instants. Pure.

Frames are counted in presentation order from 0. Spans are half-open, ``[start, end)``. Instants
are integers in ticks of a ``time_base``; seconds are ``Fraction`` and become floats only where
a person reads them.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise


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
class Timeline:
    """When each frame of a video is shown.

    Attributes:
        pts: Presentation timestamp of each frame in ticks, strictly increasing, not empty.
        end_pts: Instant at which the last frame ends, > pts[-1].
        time_base: Seconds per tick.
        from_stream: The stamps stand in the file. If False they were rebuilt from decoding
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
                raise ValueError(f"instants must increase, got {following} after {pts}")

    @property
    def frames(self) -> int:
        """Number of frames."""
        return len(self.pts)

    def boundary_pts(self, frame: int) -> int:
        """Instant in ticks at which ``frame`` starts; for ``frames`` the end of the video.

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

    def frame_at(self, seconds: Fraction) -> int:
        """The frame shown at an instant, counted from the first frame; clamped to the video."""
        ticks = self.pts[0] + seconds / self.time_base
        return max(0, bisect_right(self.pts, ticks) - 1)


class StampMender:
    """Turn the stamps of frames, as decoded, into strictly increasing ones.

    Stamps that increase already stay as they are. A missing or repeated one becomes the end of the
    frame before; a jump back (two recordings glued) moves everything that follows.

    Attributes:
        pts: The stamps so far.
        mended: Whether any of them does not stand in the file.
        stalled: How many frames repeat the raw stamp of the frame before.
    """

    def __init__(self, nominal_ticks: int) -> None:
        self.pts: list[int] = []
        self.mended = False
        self.stalled = 0
        self._nominal_ticks = nominal_ticks
        self._last_duration_ticks = nominal_ticks
        self._offset = 0
        self._last_raw: int | None = None

    @property
    def end_pts(self) -> int:
        """Instant at which the last frame ends."""
        return self.pts[-1] + self._last_duration_ticks

    def mend(self, stamp: int | None, duration_ticks: int, *, in_stream: bool) -> int:
        """Add the next frame in presentation order.

        Args:
            stamp: What the decoder gives, in ticks, or None.
            duration_ticks: How long the frame is shown; 0 where that is not known.
            in_stream: Whether the stamp is the presentation timestamp that stands in the file.
        Returns:
            The instant at which the frame is shown, in ticks.
        """
        pts = self._next_pts(stamp)
        self.mended |= not in_stream or pts != stamp
        if self.pts and not duration_ticks:
            duration_ticks = pts - self.pts[-1]
        self._last_duration_ticks = duration_ticks or self._nominal_ticks
        self._last_raw = stamp
        self.pts.append(pts)
        return pts

    def _next_pts(self, stamp: int | None) -> int:
        expected = self.end_pts if self.pts else (stamp or 0)
        if stamp is None:
            return expected
        pts = stamp + self._offset
        if not self.pts or pts > self.pts[-1]:
            return pts
        self.stalled += stamp == self._last_raw
        self._offset += expected - pts
        return expected
