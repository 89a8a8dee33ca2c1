"""Even parts are no longer than the longest and no shorter than the shortest, in exact time."""

from fractions import Fraction
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from heaters_pipeline.video.detection.even_parts import even_parts
from heaters_pipeline.video.media.timing import Span, Timeline

TICK = Fraction(1, 100)


def timeline_of(durations: list[int]) -> Timeline:
    """Frames shown for so many ticks each."""
    starts = [sum(durations[:number]) for number in range(len(durations))]
    return Timeline(tuple(starts), sum(durations), TICK)


def parts_of(
    durations: list[int],
    longest: int | Fraction,
    shortest: int | Fraction = 0,
    span: Span | None = None,
) -> list[int]:
    """The lengths of the parts in frames; the parts tile the span."""
    span = span or Span(0, len(durations))
    parts = even_parts(timeline_of(durations), span, shortest * TICK, longest * TICK)
    assert (parts[0].start, parts[-1].end) == (span.start, span.end)
    assert all(before.end == after.start for before, after in pairwise(parts))
    return [len(part) for part in parts]


def ticks_of(durations: list[int], lengths: list[int]) -> list[int]:
    """How long parts of these lengths are shown."""
    edges = [sum(lengths[:number]) for number in range(len(lengths) + 1)]
    return [sum(durations[start:end]) for start, end in pairwise(edges)]


def fewest_of(durations: list[int], longest: int) -> int:
    """Filling each part up as far as it goes."""
    parts, filled = 0, longest
    for ticks in durations:
        if filled + ticks > longest:
            parts, filled = parts + 1, 0
        filled += ticks
    return parts


@given(
    frames=st.integers(1, 400),
    ticks=st.integers(1, 5),
    longest=st.integers(1, 300),
    share=st.integers(0, 100),
)
@settings(max_examples=400)
def test_at_a_constant_rate_parts_differ_by_one_frame_at_most(
    frames: int, ticks: int, longest: int, share: int
) -> None:
    shortest = longest * share // 100
    lengths = parts_of([ticks] * frames, longest, shortest)
    assert max(lengths) - min(lengths) <= 1
    fewest = fewest_of([ticks] * frames, longest)
    assert len(lengths) <= fewest
    assert len(lengths) == 1 or min(lengths) * ticks >= shortest
    if len(lengths) < fewest:
        # One part more would have been too short.
        assert frames // (len(lengths) + 1) * ticks < shortest
    else:
        assert max(lengths) * ticks <= max(longest, ticks)


@given(durations=st.lists(st.integers(1, 60), min_size=1, max_size=80), longest=st.integers(1, 200))
@settings(max_examples=400)
def test_no_part_is_too_long_unless_one_frame_is(durations: list[int], longest: int) -> None:
    lengths = parts_of(durations, longest)
    assert len(lengths) == fewest_of(durations, longest)
    for length, ticks in zip(lengths, ticks_of(durations, lengths), strict=True):
        assert ticks <= longest or length == 1


@given(
    durations=st.lists(st.integers(1, 60), min_size=1, max_size=80),
    longest=st.integers(1, 200),
    share=st.integers(0, 100),
)
@settings(max_examples=400)
def test_no_part_is_too_short_unless_the_whole_is(
    durations: list[int], longest: int, share: int
) -> None:
    shortest = longest * share // 100
    lengths = parts_of(durations, longest, shortest)
    assert len(lengths) <= fewest_of(durations, longest)
    assert len(lengths) == 1 or min(ticks_of(durations, lengths)) >= shortest


def test_parts_are_even_in_time_not_in_frames() -> None:
    # Sixty frames in the first second, ten in the next.
    assert parts_of([1] * 60 + [6] * 10, 60) == [60, 10]
    assert parts_of([1] * 60 + [6] * 10, 42) == [40, 23, 7]


def test_a_frame_that_is_too_long_is_a_part_of_its_own() -> None:
    assert parts_of([5, 5, 90, 5, 5], 20) == [2, 1, 2]


def test_the_shortest_goes_before_the_longest() -> None:
    assert parts_of([1] * 22, 10, 8) == [11, 11]
    assert parts_of([1] * 15, 10, 8) == [15]
    assert parts_of([5, 90, 20, 20], 20, 10) == [2, 1, 1]


def test_bounds_between_two_ticks_are_not_rounded_away() -> None:
    assert parts_of([10] * 6, 30) == [3, 3]
    assert parts_of([10] * 6, Fraction(299, 10)) == [2, 2, 2]
    assert parts_of([1] * 31, 20, 15) == [16, 15]
    assert parts_of([1] * 31, 20, Fraction(31, 2)) == [31]


def test_what_is_not_too_long_is_one_part() -> None:
    assert parts_of([4] * 25, 100) == [25]
    assert parts_of([4] * 25, 99) == [13, 12]
    assert parts_of([4] * 50, 20, span=Span(10, 22)) == [4, 4, 4]
