"""The edit rate of a video is exact, whatever its header rounds and however coarse its clock is."""

from collections.abc import Callable
from fractions import Fraction

import pytest

from heaters_pipeline.exchange.rates import EditClock, constant_rate, edit_clock, edit_rate
from heaters_pipeline.video.media.timing import Timeline

MILLISECONDS = Fraction(1, 1000)
VARIABLE = (0, 33, 66, 100, 133, 250, 283, 316, 350, 383, 416, 450)


def timeline(
    rate: Fraction, frames: int, time_base: Fraction, rounded: Callable[[Fraction], int] = round
) -> Timeline:
    pts = tuple(rounded(at / rate / time_base) for at in range(frames + 1))
    return Timeline(pts[:-1], pts[-1], time_base)


@pytest.mark.parametrize("rounded", [round, int])
@pytest.mark.parametrize("time_base", [MILLISECONDS, Fraction(1, 90_000), Fraction(1, 120_000)])
@pytest.mark.parametrize(
    "rate",
    [
        *map(Fraction, (10, 24, 25, 30, 50, 60, 120)),
        *(Fraction(n * 1000, 1001) for n in (24, 30, 60)),
    ],
)
def test_a_constant_rate_is_told_exactly(
    rate: Fraction, time_base: Fraction, rounded: Callable[[Fraction], int]
) -> None:
    found = timeline(rate, 5_000, time_base, rounded)
    rounded_by_header = Fraction(round(rate * 100), 100)
    for said in (None, rate, rounded_by_header):
        assert edit_rate(found, said) == (rate, True)
        assert constant_rate(found, said) == rate


@pytest.mark.parametrize("rate", [Fraction(25, 2), Fraction(1, 3), Fraction(1000)])
def test_a_constant_rate_is_none_of_editors_alone(rate: Fraction) -> None:
    assert constant_rate(timeline(rate, 500, Fraction(1, 90_000)), None) == rate


@pytest.mark.parametrize("rate", [Fraction(25), Fraction(30_000, 1001)])
def test_a_clock_of_one_tick_a_frame_is_exact(rate: Fraction) -> None:
    assert edit_rate(timeline(rate, 100, 1 / rate), rate) == (rate, True)


def test_an_avi_that_lost_frames_is_not_taken_for_constant() -> None:
    pts = (0, 1, 2, 4, 5, 6, 7)
    assert edit_rate(Timeline(pts, 8, Fraction(1, 25)), Fraction(25)) == (Fraction(25), False)


def test_a_variable_rate_is_the_one_that_most_frames_keep_to() -> None:
    found = Timeline(VARIABLE, 483, MILLISECONDS)
    assert edit_rate(found, Fraction(1100, 45)) == (Fraction(30), False)
    assert constant_rate(found, Fraction(1100, 45)) is None


def test_what_editors_do_not_count_in_is_counted_at_a_multiple() -> None:
    rate = Fraction(25, 2)
    assert edit_rate(timeline(rate, 500, MILLISECONDS), rate) == (Fraction(25), False)


@pytest.mark.parametrize(("frames", "ticks"), [(1, 40), (2, 40)])
def test_the_shortest_videos_have_a_rate(frames: int, ticks: int) -> None:
    pts = tuple(at * ticks for at in range(frames))
    assert edit_rate(Timeline(pts, frames * ticks, MILLISECONDS), None) == (Fraction(25), True)


def test_a_slide_show_has_at_least_one_frame_a_second() -> None:
    assert edit_rate(Timeline((0, 60_000), 95_000, MILLISECONDS), None) == (Fraction(1), False)


def test_the_start_timecode_counts_at_the_edit_rate() -> None:
    ntsc = Fraction(30_000, 1001)
    found = timeline(ntsc, 100, Fraction(1, 30_000))
    assert edit_clock(found, ntsc, None) == EditClock(ntsc, True)
    assert edit_clock(found, ntsc, "01:00:00:00") == EditClock(ntsc, True, 108_000)
    assert edit_clock(found, ntsc, "01:00:00;00") == EditClock(ntsc, True, 107_892, True)


@pytest.mark.parametrize("said", ["01:00:00;00", "01:00:00:25", "\x1b[2J"])
def test_a_start_timecode_that_the_rate_has_not_is_told(said: str) -> None:
    found = timeline(Fraction(25), 100, MILLISECONDS)
    assert edit_clock(found, None, said) == EditClock(Fraction(25), True, refused=said)
