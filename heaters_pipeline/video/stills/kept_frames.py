"""The frame that a tile shows: one of which the scan keeps a small picture, if one is near. Pure.

So tiles cost no decode of their own. Which frames the scan keeps is written in the track of a
video: whoever makes a tile later, from the source, makes the same.
"""

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

from heaters_pipeline.video.media.timing import Span, Timeline

_NEAR_INTERVALS = 4
"""A tile shows no frame that is further from its own than the interval by this."""


def frames_of_tiles(
    timeline: Timeline, span: Span, kept: Sequence[int], interval_seconds: Fraction, tiles: int
) -> tuple[int, ...]:
    """For each tile the frame of its time or, if one is near that, the nearest kept frame.

    Args:
        timeline: Of the video.
        span: It begins with the first tile; no frame outside is taken.
        kept: The ``tile_frames`` of its track, increasing.
        interval_seconds: From one tile to the next.
        tiles: How many, all inside of the span.
    """
    start_seconds = timeline.seconds_at(span.start)
    exact = (timeline.frame_at(start_seconds + tile * interval_seconds) for tile in range(tiles))
    most_seconds = interval_seconds / _NEAR_INTERVALS
    return tuple(_kept_near(timeline, span, kept, frame, most_seconds) for frame in exact)


def _kept_near(
    timeline: Timeline, span: Span, kept: Sequence[int], frame: int, most_seconds: Fraction
) -> int:
    at = bisect_left(kept, frame)
    near = [one for one in kept[max(at - 1, 0) : at + 1] if span.start <= one < span.end]
    wanted_seconds = timeline.seconds_at(frame)
    distances = [(abs(timeline.seconds_at(one) - wanted_seconds), one) for one in near]
    distance, nearest = min(distances, default=(most_seconds, frame))
    return nearest if distance <= most_seconds else frame
