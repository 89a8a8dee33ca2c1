"""Spans, timelines and the mending of timestamps: exact, and right for every input."""

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.video.media.timing import Span, Timeline, TimestampMender

TIME_BASES = st.sampled_from([Fraction(1, 1000), Fraction(1, 90_000), Fraction(1001, 30_000)])


@st.composite
def timelines(draw: st.DrawFn) -> Timeline:
    """Any strictly increasing timestamps, also before zero, with any last frame."""
    start = draw(st.integers(-(10**12), 10**12))
    steps = draw(st.lists(st.integers(1, 10**6), min_size=1, max_size=40))
    pts = [start]
    for step in steps:
        pts.append(pts[-1] + step)
    return Timeline(tuple(pts[:-1]), pts[-1], draw(TIME_BASES))


@given(timelines(), st.data())
def test_a_frame_is_shown_from_its_start_to_the_start_of_the_next(
    timeline: Timeline, data: st.DataObject
) -> None:
    frame = data.draw(st.integers(0, timeline.frames - 1))
    start, end = timeline.seconds_at(frame), timeline.seconds_at(frame + 1)
    share = data.draw(st.fractions(0, 1).filter(lambda share: share < 1))
    assert timeline.frame_at(start) == frame
    assert timeline.frame_at(start + share * (end - start)) == frame


@given(timelines(), st.fractions())
def test_pts_outside_the_video_give_its_first_and_last_frame(
    timeline: Timeline, seconds: Fraction
) -> None:
    length = timeline.seconds_at(timeline.frames)
    assert timeline.frame_at(-abs(seconds)) == 0
    assert timeline.frame_at(length + abs(seconds)) == timeline.frames - 1


@given(timelines(), st.data())
def test_durations_of_neighbouring_spans_add_up_exactly(
    timeline: Timeline, data: st.DataObject
) -> None:
    cuts = data.draw(st.sets(st.integers(1, timeline.frames), max_size=6))
    edges = sorted({0, timeline.frames, *cuts})
    spans = [Span(start, end) for start, end in pairwise(edges)]
    assert sum(timeline.duration_of(span) for span in spans) == timeline.seconds_at(timeline.frames)
    assert sum(len(span) for span in spans) == timeline.frames


def test_seconds_count_from_the_first_frame_and_are_exact() -> None:
    timeline = Timeline((3003, 4004, 5005), 6006, Fraction(1, 30_000))
    assert [timeline.seconds_at(frame) for frame in range(4)] == [
        Fraction(0),
        Fraction(1001, 30_000),
        Fraction(2002, 30_000),
        Fraction(3003, 30_000),
    ]
    assert [timeline.boundary_pts(frame) for frame in range(4)] == [3003, 4004, 5005, 6006]


@pytest.mark.parametrize("frame", [-1, 4])
def test_frames_outside_the_video_have_no_boundary(frame: int) -> None:
    with pytest.raises(IndexError, match=r"not in \[0, 3\]"):
        Timeline((0, 1, 2), 3, Fraction(1, 25)).boundary_pts(frame)


@pytest.mark.parametrize(
    ("pts", "end_pts"), [((), 1), ((0, 0), 2), ((0, 2, 1), 3), ((0, 1), 1)], ids=str
)
def test_a_timeline_without_increasing_pts_is_refused(pts: tuple[int, ...], end_pts: int) -> None:
    with pytest.raises(ValueError, match=r"at least one frame|must increase"):
        Timeline(pts, end_pts, Fraction(1, 25))


@pytest.mark.parametrize(("start", "end"), [(-1, 2), (3, 3), (4, 3)])
def test_an_empty_or_negative_span_is_refused(start: int, end: int) -> None:
    with pytest.raises(ValueError, match="0 <= start < end"):
        Span(start, end)


@given(
    st.lists(st.tuples(st.none() | st.integers(-1000, 1000), st.integers(0, 50)), min_size=1),
    st.integers(1, 50),
)
def test_mended_stamps_make_a_timeline_whatever_the_file_says(
    frames: list[tuple[int | None, int]], nominal_ticks: int
) -> None:
    mender = TimestampMender(nominal_ticks)
    for raw_pts, duration_ticks in frames:
        mender.mend(raw_pts, duration_ticks, in_stream=raw_pts is not None)
    timeline = Timeline(mender.pts, mender.end_pts, Fraction(1, 25))
    assert timeline.frames == len(frames)


@pytest.mark.parametrize(
    ("pts", "is_even"),
    [
        ([0, 512, 1024, 1536], True),
        # Of 30 frames a second in milliseconds, and in ticks that are coarser than frames.
        ([0, 33, 67, 100], True),
        ([0, 1, 3, 4], False),
        ([0, 40, 80, 160], False),
        # All that is uneven lies before the span.
        ([-7, 40, 80, 120], True),
    ],
)
def test_frames_of_an_even_rate_are_known(pts: list[int], is_even: bool) -> None:
    start = 1 if pts[0] < 0 else 0
    timeline = Timeline(pts, 2 * pts[-1] - pts[-2], Fraction(1, 1000))
    assert timeline.is_even(Span(start, 4)) == is_even


@given(st.sets(st.integers(-(10**9), 10**9), min_size=1), st.integers(1, 50))
def test_timestamps_that_increase_stay_as_they_are(all_pts: set[int], nominal_ticks: int) -> None:
    mender = TimestampMender(nominal_ticks)
    for raw_pts in sorted(all_pts):
        assert mender.mend(raw_pts, 0, in_stream=True) == raw_pts
    assert not mender.mended


def test_two_recordings_glued_follow_each_other() -> None:
    mender = TimestampMender(nominal_ticks=40)
    raw = (9000, 9040, 9080, 100, 150, 250)
    pts = [mender.mend(raw_pts, 40, in_stream=True) for raw_pts in raw]
    assert pts == [9000, 9040, 9080, 9120, 9170, 9270]
    assert mender.mended
    assert mender.stalled == 0


def test_frames_out_of_order_move_no_frame_by_more_than_they_were_out_of_place() -> None:
    mender = TimestampMender(nominal_ticks=40)
    raw = [40 * number for number in (0, 1, 3, 2, 4, 6, 5, 7, 9, 8, 10)]
    pts = [mender.mend(raw_pts, 40, in_stream=True) for raw_pts in raw]
    assert max(abs(at - 40 * place) for place, at in enumerate(pts)) <= 80
    assert mender.end_pts <= 40 * len(raw) + 80


def test_frames_without_timestamps_last_as_long_as_the_one_before() -> None:
    mender = TimestampMender(nominal_ticks=40)
    pts = [
        mender.mend(raw_pts, 0, in_stream=raw_pts is not None) for raw_pts in (0, 100, None, None)
    ]
    assert pts == [0, 100, 200, 300]
    assert mender.mended


def test_repeated_stamps_are_counted() -> None:
    mender = TimestampMender(nominal_ticks=40)
    for raw_pts in (0, 0, 0, 80):
        mender.mend(raw_pts, 0, in_stream=True)
    assert mender.stalled == 2


def test_a_frame_that_comes_late_is_no_other_clock() -> None:
    times = [0, 40, 1000, 80, 1080]
    steady = TimestampMender(nominal_ticks=40, clock_may_jump=False)
    assert [steady.mend(at, 40, in_stream=True) for at in times] == [0, 40, 1000, 1040, 1080]
    jumping = TimestampMender(nominal_ticks=40)
    assert [jumping.mend(at, 40, in_stream=True) for at in times] == [0, 40, 1000, 1040, 2040]
