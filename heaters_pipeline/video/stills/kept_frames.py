"""The frame that a tile shows: one of which the scan keeps a small picture, if one is near. Pure.

So tiles cost no decode of their own. Which frames the scan keeps is written in the track of a
video: whoever makes a tile later, from the source, makes the same.
"""

from bisect import bisect_left
from collections.abc import Sequence
from fractions import Fraction

from heaters_pipeline.video.media.timing import Span, Timeline


def kept_near(
    timeline: Timeline, span: Span, kept: Sequence[int], frame: int, most_seconds: Fraction
) -> int:
    """The kept frame of a span that is nearest to a frame of it; the frame itself if none is near.

    Args:
        timeline: Of the video.
        span: No frame outside is taken.
        kept: The ``tile_frames`` of its track, increasing.
        frame: Of the span.
        most_seconds: How far away is near.
    """
    at = bisect_left(kept, frame)
    near = [one for one in kept[max(at - 1, 0) : at + 1] if span.start <= one < span.end]
    wanted_seconds = timeline.seconds_at(frame)
    distances = [(abs(timeline.seconds_at(one) - wanted_seconds), one) for one in near]
    distance, nearest = min(distances, default=(most_seconds, frame))
    return nearest if distance <= most_seconds else frame
