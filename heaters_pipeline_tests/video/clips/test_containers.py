"""The table of containers, codecs and sounds in docs/formats.md says what clips become."""

import re
from pathlib import Path

import pytest

from benchmarks.container_sources import CONTAINERS, PICTURES
from benchmarks.containers import HEAD, as_row, examine, fates_of_sounds, with_sounds

FORMATS = Path(__file__).parents[3] / "docs" / "formats.md"

# Small ones, of each way in which pictures and sound are treated.
PAIRS = (
    ("3GP", "h264"),
    ("IVF", "av1"),
    ("MXF", "dnxhd"),
    ("WebM", "vp8"),
    ("GXF", "mpeg2video"),
    ("elementary stream, H.264", "h264"),
)


def documented() -> list[list[str]]:
    """The cells of each row of the table."""
    table, _, below = FORMATS.read_text().partition(HEAD)[2].partition("\n\n")
    notes = below.split("\n\n")[0]
    reasons = dict(re.findall(r"^(\d+)\. (.+)$", notes, re.MULTILINE))
    return [cells_of(as_row(line, reasons)) for line in table.strip().splitlines()]


def cells_of(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


@pytest.mark.parametrize(("container_name", "codec"), PAIRS)
def test_the_table_says_what_becomes_of_a_video(container_name: str, codec: str) -> None:
    (container,) = (each for each in CONTAINERS if each.name == container_name)
    (picture,) = (each for each in PICTURES if each.codec == codec)
    row = examine(container, picture)
    assert row is not None
    if row.clip:
        row = with_sounds(row, fates_of_sounds(container, picture, row))
    (told,) = (
        cells
        for cells in documented()
        if cells[0] == container_name and codec in cells[1].split(", ")
    )
    found = cells_of(row.line())
    assert told[2:] == found[2:]
