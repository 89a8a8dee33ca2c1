"""A table of the scenes with frames, timecodes and seconds, for spreadsheets and scripts."""

import csv
import io
from bisect import bisect_left, bisect_right
from fractions import Fraction

from heaters_pipeline.exchange.edit_list import EditList

COLUMNS = (
    "scene",
    "clip_identifier",
    "start_frame",
    "end_frame",
    "start_timecode",
    "end_timecode",
    "start_seconds",
    "end_seconds",
    "duration_seconds",
    "frame_rate",
    "is_constant_rate",
    "gradual_transitions",
    "review",
    "tags",
)
"""``end_frame``, ``end_timecode`` and ``end_seconds`` are those of the first frame behind it."""

# What spreadsheets take for the beginning of a formula.
_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def csv_table(edits: EditList) -> bytes:
    """The list as CSV, UTF-8: a header, and a line a scene."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    starts = [each.span.start for each in edits.transitions]
    ends = [each.span.end for each in edits.transitions]
    for number, scene in enumerate(edits.scenes, start=1):
        start = edits.at(scene.span.start, scene.start_seconds)
        end = edits.at(scene.span.end, scene.end_seconds)
        first, behind = bisect_right(ends, scene.span.start), bisect_left(starts, scene.span.end)
        gradual = [
            f"{each.kind} {each.span.start}-{each.span.end}"
            for each in edits.transitions[first:behind]
        ]
        writer.writerow(
            [
                number,
                scene.name,
                scene.span.start,
                scene.span.end,
                edits.timecode(start),
                edits.timecode(end),
                _decimal(scene.start_seconds),
                _decimal(scene.end_seconds),
                _decimal(scene.end_seconds - scene.start_seconds),
                edits.rate_said,
                str(edits.is_constant).lower(),
                "; ".join(gradual),
                scene.review,
                _plain("; ".join(scene.tags)),
            ]
        )
    return text.getvalue().encode()


def _decimal(seconds: Fraction) -> str:
    microseconds = round(seconds * 1_000_000)
    return f"{microseconds // 1_000_000}.{microseconds % 1_000_000:06d}"


def _plain(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text
