"""Scenes in tables: ours, PySceneDetect's ``list-scenes``, and LosslessCut's CSV of seconds."""

import csv
from collections.abc import Sequence

from heaters_pipeline.exchange.reading.positions import Positions, Segment, shortened

_START, _END = "start_frame", "end_frame"
_PYSCENEDETECT_START = "Start Time (seconds)"
_HEADER_ROWS = 3
# Start, end, name and tags.
_MOST_LOSSLESSCUT_CELLS = 4

Row = tuple[str, list[str]]
"""Where it stands, and its cells."""


def csv_segments(text: str, positions: Positions) -> list[Segment]:
    """The scenes of a table.

    Raises:
        SettingsError: It is none of the three, or a row is wrong.
    """
    rows = _rows(text, positions)
    for at, (_, cells) in enumerate(rows[:_HEADER_ROWS]):
        if _START in cells:
            return [_ours(row, cells, positions) for row in rows[at + 1 :]]
        # Before its header PySceneDetect writes the times of all cuts once more.
        if _PYSCENEDETECT_START in cells:
            return [_pyscenedetect(row, cells, positions) for row in rows[at + 1 :]]
    where, cells = rows[0]
    if 2 <= len(cells) <= _MOST_LOSSLESSCUT_CELLS and all(
        not each or each[0].isdigit() for each in cells[:2]
    ):
        return [_losslesscut(row, positions) for row in rows]
    raise positions.refusal(
        where,
        f"{shortened(','.join(cells))} begins no table that is known: one of heaters export or "
        "heaters detect, with a column start_frame; PySceneDetect's list-scenes; or LosslessCut's "
        "CSV of start and end in seconds",
    )


def _rows(text: str, positions: Positions) -> list[Row]:
    head = text.lstrip().partition("\n")[0]
    delimiter = next((each for each in ("\t", ",", ";") if each in head), ",")
    reader = csv.reader(text.splitlines(), delimiter=delimiter, strict=True)
    rows = []
    try:
        for cells in reader:
            if any(cell.strip() for cell in cells):
                rows.append((f"line {reader.line_num}", [cell.strip() for cell in cells]))
    except csv.Error as error:
        raise positions.refusal(
            f"line {reader.line_num}", f"is no CSV ({error}); save it as CSV again"
        ) from error
    if not rows:
        raise positions.refusal("line 1", "the file is empty; export it again")
    return rows


def _ours(row: Row, header: Sequence[str], positions: Positions) -> Segment:
    """A scene by its frames; its end may be left out."""
    start = positions.first_of(_cell(row, header, _START, positions), row[0])
    if _END not in header:
        return Segment(start, None)
    end = positions.numbered(_cell(row, header, _END, positions), row[0])
    return _segment(start, end, row[0], positions)


def _pyscenedetect(row: Row, header: Sequence[str], positions: Positions) -> Segment:
    """A scene by its time: of a variable rate, and of another stream, the frames are not ours.

    Its scenes leave no gaps. When the last one ends is not always right.
    """
    seconds = _cell(row, header, _PYSCENEDETECT_START, positions)
    return Segment(positions.at_clock(seconds, row[0]), None)


def _losslesscut(row: Row, positions: Positions) -> Segment:
    where, cells = row
    if len(cells) < 2:
        raise positions.refusal(
            where, "a row needs a start and an end, in seconds; either may be empty"
        )
    start = positions.at_clock(cells[0], where) if cells[0] else 0
    end = positions.at_clock(cells[1], where) if cells[1] else None
    return Segment(start, None) if end is None else _segment(start, end, where, positions)


def _cell(row: Row, header: Sequence[str], name: str, positions: Positions) -> str:
    where, cells = row
    at = header.index(name)
    if at >= len(cells):
        raise positions.refusal(where, f"has no column {name}; the row is cut short")
    return cells[at]


def _segment(start: int, end: int, where: str, positions: Positions) -> Segment:
    if end < start:
        raise positions.refusal(
            where, f"the scene ends at frame {end}, before it begins at {start}"
        )
    return Segment(start, end)
