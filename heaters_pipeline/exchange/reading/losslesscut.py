"""Scenes in projects of LosslessCut (``.llc``), whose segments have times in seconds."""

from fractions import Fraction
from typing import Any

from heaters_pipeline.exchange.reading.json_text import parsed
from heaters_pipeline.exchange.reading.positions import Positions, Segment

_MOST_SECONDS = 1e9


def losslesscut_segments(text: str, positions: Positions) -> list[Segment]:
    """The segments of a project; one without an end is a mark at its start.

    Raises:
        SettingsError: It is no project, or a segment is wrong.
    """
    project = parsed(text, positions, is_json5=True)
    segments = project.get("cutSegments") if isinstance(project, dict) else None
    if not isinstance(segments, list):
        raise positions.refusal(
            "its content", "is no project of LosslessCut: it has no cutSegments"
        )
    return [
        _segment(each, f"segment {number}", positions)
        for number, each in enumerate(segments, start=1)
    ]


def _segment(content: Any, where: str, positions: Positions) -> Segment:
    if not isinstance(content, dict):
        raise positions.refusal(where, "is no segment with a start and an end")
    start = _frame(content.get("start", 0), where, positions)
    if content.get("end") is None:
        return Segment(start, None)
    end = _frame(content["end"], where, positions)
    if end < start:
        raise positions.refusal(where, "ends before it begins")
    return Segment(start, end)


def _frame(seconds: Any, where: str, positions: Positions) -> int:
    is_number = isinstance(seconds, int | float) and not isinstance(seconds, bool)
    if not is_number or not 0 <= seconds < _MOST_SECONDS:
        raise positions.refusal(where, "has a time that is no number of seconds")
    return positions.at(Fraction(seconds), where)
