"""Which frames become tiles, and where they stand."""

from fractions import Fraction
from itertools import accumulate, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline.video.stills.settings import (
    MAX_PAGE_SIDE_PX,
    MOST_SIDE_PX,
    SpriteSettings,
)
from heaters_pipeline.video.stills.sprite_layout import plan_sprites


def constant_rate(frames: int, rate: int = 25) -> Timeline:
    return Timeline(range(frames), frames, Fraction(1, rate))


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    durations = draw(st.lists(st.integers(1, 5000), min_size=1, max_size=80))
    first = draw(st.integers(-10_000, 10_000))
    pts = list(accumulate(durations, initial=first))
    time_base = draw(
        st.sampled_from([Fraction(1, 1000), Fraction(1, 90_000), Fraction(1001, 24000)])
    )
    return Timeline(pts[:-1], pts[-1], time_base)


@st.composite
def spans(draw: st.DrawFn, frames: int) -> Span:
    start = draw(st.integers(0, frames - 1))
    return Span(start, draw(st.integers(start + 1, frames)))


settings_of_any_kind = st.builds(
    SpriteSettings,
    tiles_per_second=st.one_of(st.sampled_from([0.001, 0.1, 1, 2, 1000]), st.floats(0.001, 1000)),
    columns=st.integers(1, 7),
    rows=st.integers(1, 7),
    max_tiles=st.integers(1, 200),
)


@given(data=st.data(), timeline=timelines(), settings=settings_of_any_kind)
def test_each_tile_shows_what_is_on_screen_at_its_instant(
    data: st.DataObject, timeline: Timeline, settings: SpriteSettings
) -> None:
    span = data.draw(spans(timeline.frames))
    layout = plan_sprites(timeline, span, settings)
    times = layout.tile_times_seconds
    assert 1 <= layout.tile_count == len(layout.tile_frames) == len(times) <= settings.max_tiles
    assert times[0] == 0
    assert all(before < after for before, after in pairwise(times))
    assert times[-1] < layout.duration_seconds == timeline.duration_of(span)
    assert layout.tile_frames[0] == 0
    if settings.max_tiles > 1:
        assert layout.tile_frames[-1] == len(span) - 1
        assert times[-1] == timeline.seconds_at(span.end - 1) - timeline.seconds_at(span.start)
    if layout.tile_count > 2:
        assert layout.interval_seconds >= settings.interval_seconds
    for frame, time_seconds in zip(layout.tile_frames, times, strict=True):
        assert 0 <= frame < len(span) == layout.frames
        seconds = timeline.seconds_at(span.start) + time_seconds
        shown_from = timeline.seconds_at(span.start + frame)
        assert shown_from <= seconds < timeline.seconds_at(span.start + frame + 1)


@given(data=st.data(), timeline=timelines(), settings=settings_of_any_kind)
def test_tiles_stand_on_the_nearest_kept_frame_if_one_is_near(
    data: st.DataObject, timeline: Timeline, settings: SpriteSettings
) -> None:
    span = data.draw(spans(timeline.frames))
    kept = sorted(data.draw(st.sets(st.integers(0, timeline.frames - 1))))
    exact = plan_sprites(timeline, span, settings)
    layout = plan_sprites(timeline, span, settings, kept)
    assert layout.interval_seconds == exact.interval_seconds
    assert list(layout.tile_frames) == sorted(layout.tile_frames)
    start = timeline.seconds_at(span.start)
    for frame, wanted, seconds in zip(
        layout.tile_frames, exact.tile_frames, layout.frame_seconds, strict=True
    ):
        assert seconds == timeline.seconds_at(span.start + frame) - start
        away = [
            abs(timeline.seconds_at(one) - timeline.seconds_at(span.start + wanted))
            for one in kept
            if span.start <= one < span.end
        ]
        if min(away, default=Fraction(10**9)) * 4 <= layout.interval_seconds:
            assert span.start + frame in kept
            assert abs(seconds - exact.frame_seconds[exact.tile_frames.index(wanted)]) == min(away)
        else:
            assert frame == wanted


@given(data=st.data(), timeline=timelines(), settings=settings_of_any_kind)
def test_the_pages_hold_every_tile_once_and_no_row_is_empty(
    data: st.DataObject, timeline: Timeline, settings: SpriteSettings
) -> None:
    layout = plan_sprites(timeline, data.draw(spans(timeline.frames)), settings)
    assert layout.page_count == len(layout.pages)
    following = 0
    for page in layout.pages:
        assert page.first_tile == following
        following += page.tile_count
        assert page.columns <= settings.columns
        assert page.rows <= settings.rows
        assert page.columns * (page.rows - 1) < page.tile_count <= page.columns * page.rows
    assert following == layout.tile_count
    assert all(page.tile_count == settings.columns * settings.rows for page in layout.pages[:-1])


@given(data=st.data(), timeline=timelines(), settings=settings_of_any_kind)
def test_a_clip_has_the_layout_of_its_span(
    data: st.DataObject, timeline: Timeline, settings: SpriteSettings
) -> None:
    span = data.draw(spans(timeline.frames))
    start = timeline.pts[span.start]
    of_clip = Timeline(
        [pts - start for pts in timeline.pts[span.start : span.end]],
        timeline.boundary_pts(span.end) - start,
        timeline.time_base,
    )
    assert plan_sprites(of_clip, Span(0, len(span)), settings) == plan_sprites(
        timeline, span, settings
    )


def test_half_a_minute_has_two_tiles_a_second_on_three_pages() -> None:
    layout = plan_sprites(constant_rate(900), Span(75, 825), SpriteSettings())
    assert layout.tile_count == 60
    assert [page.tile_count for page in layout.pages] == [25, 25, 10]
    assert [(page.columns, page.rows) for page in layout.pages] == [(5, 5), (5, 5), (5, 2)]
    assert layout.tile_frames[:5] == (0, 12, 25, 38, 50)
    assert layout.tile_frames[-2:] == (736, 749)
    assert layout.interval_seconds == Fraction(749, 25 * 59)
    assert layout.tile_times_seconds[:2] == (Fraction(0), Fraction(749, 25 * 59))


def test_few_tiles_make_a_narrow_page() -> None:
    page = plan_sprites(constant_rate(35), Span(0, 35), SpriteSettings()).pages[0]
    assert (page.columns, page.rows) == (3, 1)


def test_no_frame_is_shown_twice_where_frames_are_rarer_than_tiles() -> None:
    settings = SpriteSettings(tiles_per_second=100)
    layout = plan_sprites(constant_rate(12), Span(2, 12), settings)
    assert layout.tile_frames == tuple(range(10))
    assert layout.interval_seconds == Fraction(1, 25)


def test_a_picture_that_stands_for_long_fills_several_tiles() -> None:
    slides = Timeline([0, 1000, 1100], 3000, Fraction(1, 1000))
    layout = plan_sprites(slides, Span(0, 3), SpriteSettings(tiles_per_second=4))
    assert layout.tile_frames == (0, 0, 0, 0, 2)
    assert layout.tile_times_seconds[-1] == Fraction(11, 10)


def test_one_frame_has_one_tile_however_long_it_is_shown() -> None:
    layout = plan_sprites(Timeline([7], 7_000_000, Fraction(1, 1000)), Span(0, 1), SpriteSettings())
    assert layout.tile_frames == (0,)
    assert [(page.columns, page.rows) for page in layout.pages] == [(1, 1)]


def test_a_long_clip_gets_its_most_tiles_spread_over_all_of_it() -> None:
    layout = plan_sprites(constant_rate(25_000), Span(0, 25_000), SpriteSettings(max_tiles=10))
    assert layout.tile_frames == tuple(24_999 * tile // 9 for tile in range(10))


def test_one_tile_alone_shows_the_first_frame() -> None:
    layout = plan_sprites(constant_rate(50), Span(0, 50), SpriteSettings(max_tiles=1))
    assert layout.tile_frames == (0,)
    assert layout.interval_seconds == layout.duration_seconds == 2


@pytest.mark.parametrize("frames", [2, 3, 11])
def test_a_clip_shorter_than_an_interval_has_its_first_and_its_last_frame(frames: int) -> None:
    layout = plan_sprites(constant_rate(frames), Span(0, frames), SpriteSettings())
    assert layout.tile_frames == (0, frames - 1)


@pytest.mark.parametrize("frame_seconds", [Fraction(1, 24), Fraction(1001, 24_000)])
def test_a_minute_at_24_tiles_a_second_has_each_frame_on_pages_that_are_bounded(
    frame_seconds: Fraction,
) -> None:
    settings = SpriteSettings(tiles_per_second=24, max_tiles=1440, columns=10, rows=10)
    layout = plan_sprites(Timeline(range(1440), 1440, frame_seconds), Span(0, 1440), settings)
    assert layout.tile_frames == tuple(range(1440))
    assert layout.page_count == 15
    for page in layout.pages:
        sides_px = (page.columns * settings.tile_width_px, page.rows * settings.tile_width_px)
        assert max(sides_px) <= MAX_PAGE_SIDE_PX < min(MOST_SIDE_PX.values())


def test_the_rate_is_taken_as_it_is_written() -> None:
    layout = plan_sprites(constant_rate(500), Span(0, 500), SpriteSettings(tiles_per_second=0.1))
    assert layout.tile_times_seconds == (Fraction(0), Fraction(499, 25))
    layout = plan_sprites(constant_rate(501), Span(0, 501), SpriteSettings(tiles_per_second=0.1))
    assert layout.tile_times_seconds == (Fraction(0), Fraction(10), Fraction(20))


def test_a_span_outside_the_video_is_refused() -> None:
    with pytest.raises(ValueError, match=r"\[5, 11\) is not inside 10 frames"):
        plan_sprites(constant_rate(10), Span(5, 11), SpriteSettings())


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("tiles_per_second", 0),
        ("tiles_per_second", -1),
        ("tiles_per_second", 1001),
        ("tiles_per_second", float("nan")),
        ("tile_width_px", 15),
        ("columns", 0),
        ("columns", 52),
        ("rows", 0),
        ("rows", 52),
        ("jpeg_quality", 0),
        ("jpeg_quality", 101),
        ("max_tiles", 0),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is {value}, it must"):
        SpriteSettings(**{name: value})  # type: ignore[arg-type]
