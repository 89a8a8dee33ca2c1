"""Rows hold the whole video, pictures are spread over it, and nothing lies over another."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.report.plots.time_rows import choose_evenly, time_rows, without_overlap


@pytest.mark.parametrize(
    ("duration_seconds", "marks", "rows", "row_seconds"),
    [
        (10, 6, 1, 10),
        (10, 30, 4, 3),
        (180, 4, 4, 45),
        (180, 50, 6, 30),
        (7200, 60, 12, 600),
        (0, 0, 1, 0.04),
        (48 * 3600, 60, 12, 14_400),
    ],
)
def test_rows_are_few_for_a_short_video_and_more_where_there_is_much_to_show(
    duration_seconds: float, marks: int, rows: int, row_seconds: float
) -> None:
    found = time_rows(duration_seconds, marks, 10)
    assert (found.count, found.row_seconds) == (rows, row_seconds)


@given(st.floats(0, 48 * 3600), st.integers(0, 1000))
def test_rows_tile_the_video(duration_seconds: float, marks: int) -> None:
    rows = time_rows(duration_seconds, marks, 10)
    assert 1 <= rows.count <= 12
    ends = [rows.end_of(row) for row in range(rows.count)]
    assert [0.0, *ends[:-1]] == [rows.start_of(row) for row in range(rows.count)]
    assert ends[-1] == rows.duration_seconds >= duration_seconds
    assert all(rows.start_of(row) < rows.end_of(row) for row in range(rows.count))
    assert rows.row_of(0) == 0
    assert rows.row_of(duration_seconds) == rows.count - 1


@given(
    st.lists(st.floats(0, 600), max_size=200).map(sorted), st.integers(1, 10), st.integers(1, 60)
)
def test_a_choice_is_even_and_never_passes_the_room(
    seconds: list[float], in_a_row: int, most: int
) -> None:
    rows = time_rows(600, len(seconds), in_a_row)
    chosen = choose_evenly(seconds, rows, in_a_row, most)
    assert len(chosen) <= most
    assert list(chosen) == sorted(set(chosen))
    counts = [sum(rows.row_of(seconds[at]) == row for at in chosen) for row in range(rows.count)]
    there = [sum(rows.row_of(one) == row for one in seconds) for row in range(rows.count)]
    assert max(counts) <= in_a_row
    # A row has fewer pictures than another only if it has no more scenes.
    for count, scenes in zip(counts, there, strict=True):
        assert count == min(scenes, max(counts))


def test_all_are_shown_where_there_is_room() -> None:
    rows = time_rows(10, 3, 10)
    assert choose_evenly([0, 4, 4.1], rows, 10, 60) == (0, 1, 2)


@given(st.lists(st.floats(0, 1000), max_size=10).map(sorted))
def test_pictures_stand_without_overlap_in_order(wanted: list[float]) -> None:
    placed = without_overlap(wanted, 100, 0, 1000)
    assert len(placed) == len(wanted)
    assert all(after - before > 100 - 1e-6 for before, after in pairwise(placed))
    assert all(50 - 1e-6 <= place <= 950 + 1e-6 for place in placed)


def test_pictures_stand_where_they_belong_if_they_can() -> None:
    assert without_overlap([100, 300, 500], 100, 0, 1000) == [100, 300, 500]
    assert without_overlap([500, 500], 100, 0, 1000) == [450, 550]
    assert without_overlap([0, 500], 100, 0, 1000) == [50, 500]
