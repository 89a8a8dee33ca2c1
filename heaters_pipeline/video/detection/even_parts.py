"""Divide a stretch of frames evenly, between a shortest and a longest duration. Pure.

A boundary lies where the time is divided evenly, as near as frames allow. Where frames are shown
for unlike times, it gives way so far that no part is too long, and first of all that none is too
short.

Only the arithmetic: which scenes are divided is decided in ``scenes``.
"""

from bisect import bisect_left, bisect_right
from collections.abc import Callable
from fractions import Fraction
from itertools import pairwise
from math import ceil, floor

from heaters_pipeline.video.media.timing import Span, Timeline


def even_parts(
    timeline: Timeline, span: Span, shortest_seconds: Fraction, longest_seconds: Fraction
) -> tuple[Span, ...]:
    """Divide a span into the fewest parts that are not too long, none of them too short.

    Args:
        timeline: Of the whole video.
        span: What is divided.
        shortest_seconds: No part is shorter, unless the span itself is. If that and the longest
            cannot both be kept, there are as many parts as this one allows, and longer ones.
        longest_seconds: No part is longer, but for one frame that is shown for longer.
    Returns:
        Parts that tile the span. Where the frame rate is constant, they differ by one frame
        at most.
    """
    edges = _Edges(timeline, span, shortest_seconds, longest_seconds)
    parts = max(1, min(edges.fewest(), edges.most()))
    # Counted from the end: with an edge before or after these, the rest could not be divided.
    earliest = _chain(edges.earliest_start, edges.last, parts)
    latest = _chain(edges.latest_start, edges.last, parts)
    found = [0]
    for part in range(1, parts):
        before = found[-1]
        edge = edges.nearest(Fraction(part, parts))
        if earliest[part] <= edges.latest_end(before):
            edge = min(max(edge, earliest[part]), edges.latest_end(before))
        found.append(min(max(edge, edges.earliest_end(before)), latest[part]))
    found.append(edges.last)
    return tuple(Span(span.start + start, span.start + end) for start, end in pairwise(found))


class _Edges:
    """The times at which the frames of a span start, and its end, counted from 0 to ``last``."""

    def __init__(
        self, timeline: Timeline, span: Span, shortest_seconds: Fraction, longest_seconds: Fraction
    ) -> None:
        self._ticks = [timeline.boundary_pts(at) for at in range(span.start, span.end + 1)]
        self._shortest = ceil(shortest_seconds / timeline.time_base)
        self._longest = floor(longest_seconds / timeline.time_base)
        self.last = len(span)

    def nearest(self, share: Fraction) -> int:
        """The edge nearest to a share of the time, the later one of two."""
        ticks = self._ticks
        time = ticks[0] + share * (ticks[-1] - ticks[0])
        later = bisect_left(ticks, time)
        return later if ticks[later] - time <= time - ticks[later - 1] else later - 1

    def latest_end(self, start: int) -> int:
        """Where the longest part from an edge ends; it has one frame at least."""
        return max(start + 1, bisect_right(self._ticks, self._ticks[start] + self._longest) - 1)

    def earliest_end(self, start: int) -> int:
        """Where the shortest part from an edge ends; past ``last`` if there is too little left."""
        return max(start + 1, bisect_left(self._ticks, self._ticks[start] + self._shortest))

    def earliest_start(self, end: int) -> int:
        """Where the longest part up to an edge starts; it has one frame at least."""
        return min(end - 1, bisect_left(self._ticks, self._ticks[end] - self._longest))

    def latest_start(self, end: int) -> int:
        """Where the shortest part up to an edge starts."""
        return min(end - 1, bisect_right(self._ticks, self._ticks[end] - self._shortest) - 1)

    def fewest(self) -> int:
        """The fewest parts of which none is too long."""
        parts, edge = 0, 0
        while edge < self.last:
            parts, edge = parts + 1, self.latest_end(edge)
        return parts

    def most(self) -> int:
        """The most parts of which none is too short; 0 if the whole is too short."""
        parts, edge = 0, self.earliest_end(0)
        while edge < self.last:
            parts, edge = parts + 1, self.earliest_end(edge)
        return parts + (edge == self.last)


def _chain(start_of: Callable[[int], int], last: int, parts: int) -> list[int]:
    """Where each of so many parts starts if they follow each other up to ``last``; first at 0."""
    starts = [last]
    for _ in range(parts - 1):
        starts.append(start_of(starts[-1]))
    return [0, *starts[:0:-1]]
