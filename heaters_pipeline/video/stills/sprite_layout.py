"""Where and when: the times, the grid and the pages of the tiles of a clip's sprite sheets. Pure.

Everything here follows from the timestamps of the frames and the settings, so the number of pages,
and with it their keys, is known before anything is decoded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from math import ceil

from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline.video.stills.kept_frames import frames_of_tiles
from heaters_pipeline.video.stills.settings import SpriteSettings


@dataclass(frozen=True, slots=True)
class SpritePage:
    """The grid of one page. Tiles fill it row by row; only the last page may be smaller.

    Attributes:
        first_tile: Index of its first tile, over all pages.
        tile_count: Its tiles, at least 1.
        columns: Its width in tiles.
        rows: Its height in tiles.
    """

    first_tile: int
    tile_count: int
    columns: int
    rows: int


@dataclass(frozen=True, slots=True)
class SpriteLayout:
    """Which frames of a clip become tiles, and where they stand.

    Attributes:
        settings: What the layout was made with.
        frames: Frames of the clip.
        duration_seconds: Length of the clip.
        interval_seconds: Seconds from one tile to the next, the same throughout the clip; where
            there is but one, the length of the clip.
        tile_frames: For each tile a frame of the clip, the one that is shown at its time or a kept
            one near it. Never falls; a frame that is shown for long may fill several tiles.
        frame_seconds: When each of these frames is shown, from the start of the clip.
        pages_are_alike: Where there are several pages, the last one is as large as the others,
            and black where it has no tiles.
    """

    settings: SpriteSettings
    frames: int
    duration_seconds: Fraction
    interval_seconds: Fraction
    tile_frames: tuple[int, ...]
    frame_seconds: tuple[Fraction, ...]
    pages_are_alike: bool = False

    @property
    def tile_count(self) -> int:
        """Tiles on all pages."""
        return len(self.tile_frames)

    @property
    def shown_frames(self) -> tuple[int, ...]:
        """The frames of the clip that become tiles, each once, in order."""
        return tuple(sorted(set(self.tile_frames)))

    @property
    def tile_times_seconds(self) -> tuple[Fraction, ...]:
        """The time of each tile, from the start of the clip; the first is 0."""
        return tuple(tile * self.interval_seconds for tile in range(self.tile_count))

    @property
    def page_count(self) -> int:
        """Number of pages, at least 1."""
        return ceil(self.tile_count / (self.settings.columns * self.settings.rows))

    @property
    def pages(self) -> tuple[SpritePage, ...]:
        """The pages in order; together they hold every tile once."""
        return tuple(self._page(number) for number in range(self.page_count))

    def _page(self, number: int) -> SpritePage:
        full = self.settings.columns * self.settings.rows
        first_tile = number * full
        tile_count = min(full, self.tile_count - first_tile)
        if self.pages_are_alike and self.page_count > 1:
            return SpritePage(first_tile, tile_count, self.settings.columns, self.settings.rows)
        columns = min(self.settings.columns, tile_count)
        return SpritePage(first_tile, tile_count, columns, ceil(tile_count / columns))


def plan_sprites(
    timeline: Timeline, span: Span, settings: SpriteSettings, kept: Sequence[int] = ()
) -> SpriteLayout:
    """Choose the tiles of a clip, evenly from its first frame to its last.

    They are as many as there can be without coming faster than asked for, or being more. Each shows
    a kept frame, the first and the last one, too, if one is within a quarter of the interval.

    Args:
        timeline: Of the video that the clip was cut from; or of the clip itself, with a span of
            all its frames.
        span: The frames of the clip in ``timeline``.
        settings: Rate, grid and limit.
        kept: Frames of ``timeline`` of which a scan kept pictures, as its track says.
    Returns:
        The layout, with frames counted from the start of the clip.
    Raises:
        ValueError: The span does not lie inside the timeline.
    """
    if span.end > timeline.frames:
        raise ValueError(f"[{span.start}, {span.end}) is not inside {timeline.frames} frames")
    start_seconds = timeline.seconds_at(span.start)
    last_seconds = timeline.seconds_at(span.end - 1) - start_seconds
    duration_seconds = timeline.duration_of(span)
    shortest_seconds = max(settings.interval_seconds, _shortest_frame_seconds(timeline, span))
    # At least one step, so that the last frame is among the tiles of any clip of several.
    most_steps = max(last_seconds // shortest_seconds, 1) if last_seconds else 0
    steps = min(most_steps, settings.max_tiles - 1)
    interval_seconds = last_seconds / steps if steps else duration_seconds
    frames = frames_of_tiles(timeline, span, kept, interval_seconds, steps + 1)
    return SpriteLayout(
        settings=settings,
        frames=len(span),
        duration_seconds=duration_seconds,
        interval_seconds=interval_seconds,
        tile_frames=tuple(frame - span.start for frame in frames),
        frame_seconds=tuple(timeline.seconds_at(frame) - start_seconds for frame in frames),
    )


def _shortest_frame_seconds(timeline: Timeline, span: Span) -> Fraction:
    # Sampling more densely than this would only repeat tiles.
    pts = [*timeline.pts[span.start : span.end], timeline.boundary_pts(span.end)]
    return min(after - before for before, after in pairwise(pts)) * timeline.time_base
