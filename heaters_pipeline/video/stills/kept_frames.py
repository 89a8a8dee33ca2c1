"""The frames of a video of which a scan keeps small pictures, since it decodes them anyway. Pure.

Tiles stand on these frames, near the instants that they are for, so that they cost no decode of
their own. Which frames they are follows from the track of a video alone: whoever makes a tile
later, from the source, makes the same.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from fractions import Fraction

from heaters_pipeline.video.media.timing import Span, Timeline


def kept_frames(analysed_frames: Iterable[int], frame_step: int) -> tuple[int, ...]:
    """Those of the analysed frames that are kept: about every 2/25 of a second or less often.

    Args:
        analysed_frames: Of a track, increasing.
        frame_step: Of the same: frames that pass in about 1/25 of a second.
    """
    kept: list[int] = []
    for frame in analysed_frames:
        if not kept or frame - kept[-1] >= 2 * frame_step:
            kept.append(int(frame))
    return tuple(kept)


def kept_near(
    timeline: Timeline, span: Span, kept: Sequence[int], frame: int, most_seconds: Fraction
) -> int:
    """The kept frame of a span that is nearest to a frame of it; the frame itself if none is near.

    Args:
        timeline: Of the video.
        span: No frame outside is taken.
        kept: From ``kept_frames``.
        frame: Of the span.
        most_seconds: How far away is near.
    """
    at = bisect_left(kept, frame)
    near = [one for one in kept[max(at - 1, 0) : at + 1] if span.start <= one < span.end]
    wanted_seconds = timeline.seconds_at(frame)
    distances = [(abs(timeline.seconds_at(one) - wanted_seconds), one) for one in near]
    distance, nearest = min(distances, default=(most_seconds, frame))
    return nearest if distance <= most_seconds else frame
