"""Cuts that were made elsewhere, read from a table. Pure."""

import csv
import io
from fractions import Fraction

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.media.timing import Timeline

COLUMN = "start_frame"


def read_cuts(
    data: bytes, name: str, timeline: Timeline, rate: Fraction, start_frame: int
) -> tuple[int, ...]:
    """The first frames of new scenes, as a table names them: rising, without 0.

    The table has a column ``start_frame`` with the first frame of each scene, as ``heaters detect
    --csv`` writes it; other columns are notes.

    Args:
        data: Content of the file.
        name: Of the file, for messages; its extension says what it is.
        timeline: Of the video.
        rate: Frames a second that its header names.
        start_frame: That the timecode of its first frame names.
    Raises:
        SettingsError: It cannot be read, or names a frame that the video has not. Names the line.
    """
    if not name.lower().endswith(".csv"):
        raise SettingsError(f"the cuts {name} are no table: give a .csv with a column {COLUMN}")
    try:
        rows = csv.DictReader(io.StringIO(data.decode("utf-8-sig"), newline=""), strict=True)
        if COLUMN not in (rows.fieldnames or ()):
            raise SettingsError(f"the cuts {name} have no column {COLUMN} in their first line")
        frames = [(rows.line_num, row[COLUMN]) for row in rows]
    except UnicodeDecodeError as error:
        raise SettingsError(f"the cuts {name} are no text in UTF-8") from error
    except csv.Error as error:
        raise SettingsError(f"the cuts {name} are no table: {error}") from error
    return tuple(sorted({_frame(name, timeline.frames, *each) for each in frames} - {0}))


def _frame(name: str, frames: int, line: int, cell: str | None) -> int:
    if cell is None or not (cell.isascii() and cell.isdecimal()) or not int(cell[:12]) < frames:
        raise SettingsError(
            f"the cuts {name}, line {line}: {COLUMN} must be a frame of the video, 0 to "
            f"{frames - 1}, not {cell!r:.40}"
        )
    return int(cell)
