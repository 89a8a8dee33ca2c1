"""How a long picture over time is broken into rows, and which pictures have room in them. Pure."""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from math import ceil

MOST_ROWS = 12
_ROW_SECONDS = 45.0
_LEAST_ROW_SECONDS = 2.0
_NICE_SECONDS = (
    *(2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 300, 600, 900, 1200, 1800),
    *(3600, 7200, 10_800, 14_400),
)


@dataclass(frozen=True, slots=True)
class TimeRows:
    """The rows of a picture.

    Attributes:
        duration_seconds: Of the video, > 0.
        row_seconds: Of each row; the last one may be shorter.
        count: How many there are, at least 1.
    """

    duration_seconds: float
    row_seconds: float
    count: int

    def start_of(self, row: int) -> float:
        """When a row begins, in seconds."""
        return row * self.row_seconds

    def end_of(self, row: int) -> float:
        """When it ends."""
        is_last = row == self.count - 1
        return self.duration_seconds if is_last else (row + 1) * self.row_seconds

    def row_of(self, seconds: float) -> int:
        """The row in which a time is drawn."""
        return max(0, min(int(seconds / self.row_seconds), self.count - 1))


def time_rows(
    duration_seconds: float, marks: int, marks_in_a_row: int, most_rows: int = MOST_ROWS
) -> TimeRows:
    """Rows for a video: few for a short one, more where there is much to show.

    Args:
        duration_seconds: Of the video.
        marks: How many things are to be shown.
        marks_in_a_row: How many of them have room beside each other.
        most_rows: No more than so many, at least 1.
    """
    duration_seconds = max(duration_seconds, 0.04)
    wanted = max(ceil(duration_seconds / _ROW_SECONDS), ceil(marks / marks_in_a_row))
    rows = min(wanted, most_rows, int(duration_seconds / _LEAST_ROW_SECONDS))
    if rows <= 1:
        return TimeRows(duration_seconds, duration_seconds, 1)
    least = duration_seconds / rows
    shorter = [one for one in _NICE_SECONDS if one <= least and duration_seconds / one <= most_rows]
    longer = [one for one in _NICE_SECONDS if least <= one < duration_seconds]
    row_seconds = float(max(shorter, default=0) or min(longer, default=0) or least)
    return TimeRows(duration_seconds, row_seconds, ceil(duration_seconds / row_seconds))


def choose_evenly(
    seconds: Sequence[float], rows: TimeRows, in_a_row: int, most: int
) -> tuple[int, ...]:
    """Which of many times get a picture: all, or as many a row as there is room for.

    Args:
        seconds: Rising.
        rows: Where they are drawn.
        in_a_row: Room in a row.
        most: Room in all.
    Returns:
        Positions in ``seconds``, rising.
    """
    by_row: list[list[int]] = [[] for _ in range(rows.count)]
    for position, time in enumerate(seconds):
        by_row[rows.row_of(time)].append(position)
    lengths = sorted(min(len(row), in_a_row) for row in by_row)
    # The largest share that can be given to each row without passing the limit.
    room, left = in_a_row, most
    for number, length in enumerate(lengths):
        rest = len(lengths) - number
        if length * rest > left:
            room = left // rest
            break
        left -= length
    return tuple(
        row[at] for row in by_row if row and room for at in _middles(len(row), min(len(row), room))
    )


def without_overlap(
    wanted: Sequence[float], width: float, left: float, right: float
) -> list[float]:
    """Centres as near to the wanted ones as possible, none over another, all in bounds.

    Least squares: what would overlap is moved apart as a group.

    Args:
        wanted: Rising.
        width: Of each, with its gap.
        left: Least edge.
        right: Greatest edge; there must be room for all.
    """
    groups: list[list[float]] = []
    for position, centre in enumerate(wanted):
        # Apart from its place in the row, each wants to stand here; equal places are one group.
        groups.append([centre - position * width, 1.0])
        while len(groups) > 1 and groups[-2][0] >= groups[-1][0]:
            place, count = groups.pop()
            before, members = groups[-1]
            total = members + count
            groups[-1] = [(before * members + place * count) / total, total]
    ends = list(accumulate(int(count) for _, count in groups))
    lowest, highest = left + width / 2, right - width / 2 - (len(wanted) - 1) * width
    return [
        min(max(groups[bisect_right(ends, position)][0], lowest), highest) + position * width
        for position in range(len(wanted))
    ]


def _middles(count: int, parts: int) -> list[int]:
    """The position in the middle of each of so many equal parts."""
    return [(2 * part + 1) * count // (2 * parts) for part in range(parts)]
