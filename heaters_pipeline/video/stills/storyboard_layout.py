"""Which frames of a video become the tiles of its storyboard, and when each is shown. Pure."""

from collections.abc import Sequence
from fractions import Fraction
from math import ceil

from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline.video.stills.kept_frames import frames_of_tiles
from heaters_pipeline.video.stills.settings import AUTO_TILES, StoryboardSettings
from heaters_pipeline.video.stills.sprite_layout import SpriteLayout


def plan_storyboard(
    timeline: Timeline, settings: StoryboardSettings, kept: Sequence[int] = ()
) -> SpriteLayout:
    """Choose the tiles of a video: at 0, and at each full interval before its end.

    Args:
        timeline: Of the video.
        settings: Interval and grid.
        kept: Frames of which a scan kept pictures, as its track says.
    Returns:
        The layout; each tile shows the frame of its time, or a kept one near it.
    """
    whole = Span(0, timeline.frames)
    duration_seconds = timeline.duration_of(whole)
    shown_ms = milliseconds(duration_seconds)
    interval_seconds = settings.interval_seconds or ceil(Fraction(shown_ms, AUTO_TILES * 1000))
    # As times are written, so that none is empty.
    tiles = ceil(Fraction(shown_ms, interval_seconds * 1000))
    frames = frames_of_tiles(timeline, whole, kept, Fraction(interval_seconds), tiles)
    return SpriteLayout(
        settings=settings.sheets,
        frames=timeline.frames,
        duration_seconds=duration_seconds,
        interval_seconds=Fraction(interval_seconds),
        tile_frames=frames,
        frame_seconds=tuple(timeline.seconds_at(frame) for frame in frames),
        # Shaka takes the size of the first sheet for that of all when it reads the HLS playlist.
        pages_are_alike=True,
    )


def milliseconds(duration_seconds: Fraction) -> int:
    """A duration as players are told it: rounded, at least 1, since no cue may be empty."""
    return max(1, round(duration_seconds * 1000))
