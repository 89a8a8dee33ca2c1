"""Methods side by side over time, a row each, labels above them. Pure.

Draws lanes with marks; that they come of methods and labels is known to ``comparison_picture``.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from heaters_pipeline.report.plots.canvas import Canvas, shortened
from heaters_pipeline.report.plots.curve_drawing import GRADUAL, draw_clock
from heaters_pipeline.report.plots.time_rows import MOST_ROWS, TimeRows, time_rows

Verdict = Literal[
    "labelled", "right", "wrong", "unjudged", "missed", "by all", "by some", "by it alone"
]

VERDICTS: dict[Verdict, tuple[str, str]] = {
    "labelled": ("#222222", "labelled cut"),
    "right": ("#2e8b57", "right"),
    "wrong": ("#d1495b", "wrong"),
    "missed": ("#d1495b", "missed"),
    "unjudged": ("#9a9a9a", "not judged"),
    "by all": ("#2e8b57", "found by all"),
    "by some": ("#4a78a3", "found by some"),
    "by it alone": ("#e07b28", "found by it alone"),
}

_WIDTH_PX = 1600
_LEFT_PX = 30
_HEADER_PX, _FOOTER_PX = 92, 16
_LANE_PX, _CLOCK_PX, _GAP_PX = 30, 26, 18
_LETTER_PX = 8.2
_NAME_LETTERS = 24
_TITLE_LETTERS = 110
_CUTS_IN_A_ROW = 60
_BAR = 0.38
_GREY = "#444444"
_UNJUDGED: Mapping[str, Any] = {"facecolor": "#dddddd", "hatch": "///", "edgecolor": "#999999"}


@dataclass(frozen=True, slots=True)
class CutMark:
    """A cut of a lane: when, and what is to be said of it."""

    seconds: float
    verdict: Verdict


@dataclass(frozen=True, slots=True)
class Lane:
    """One row of the picture.

    Attributes:
        name: What it is called.
        facts: Written at its right end.
        cuts: In order.
        gradual_seconds: ``(start, end)`` of each gradual transition.
        unjudged_seconds: ``(start, end)`` of each interval that is not judged.
    """

    name: str
    facts: str
    cuts: Sequence[CutMark]
    gradual_seconds: Sequence[tuple[float, float]]
    unjudged_seconds: Sequence[tuple[float, float]] = ()


def draw_comparison(
    duration_seconds: float,
    lanes: Sequence[Lane],
    *,
    title: str,
    subtitle: str = "",
    most_rows: int = MOST_ROWS,
) -> Canvas:
    """Draw the lanes one under the other, in as many rows of time as the video needs.

    Args:
        duration_seconds: Of the video.
        lanes: From top to bottom, at least one.
        title: Taken literally; shortened if it is too long.
        subtitle: A line under it.
        most_rows: No more than so many.
    """
    marks = max(len(lane.cuts) for lane in lanes)
    rows = time_rows(duration_seconds, marks, _CUTS_IN_A_ROW, most_rows)
    lanes_px = len(lanes) * _LANE_PX
    row_px = lanes_px + _CLOCK_PX + _GAP_PX
    canvas = Canvas(_WIDTH_PX, _HEADER_PX + rows.count * row_px + _FOOTER_PX)
    canvas.write(_LEFT_PX, 22, shortened(title, _TITLE_LETTERS), size=14, bold=True)
    canvas.write(_LEFT_PX, 46, subtitle, size=10.5, colour=_GREY)
    canvas.legend(_LEFT_PX, 70, _handles(lanes))
    names = [shortened(lane.name, _NAME_LETTERS) for lane in lanes]
    left_px = _LEFT_PX + max(len(name) for name in names) * _LETTER_PX
    facts_px = 20 + max(len(lane.facts) for lane in lanes) * _LETTER_PX
    room_px = _WIDTH_PX - left_px - facts_px - _LEFT_PX
    for row in range(rows.count):
        share = (rows.end_of(row) - rows.start_of(row)) / rows.row_seconds
        top_px = _HEADER_PX + row * row_px
        axes = canvas.add_axes(left_px, top_px, max(room_px * share, 4), lanes_px)
        _draw_row(axes, rows, row, lanes, names)
        for number, lane in enumerate(lanes if row == 0 else ()):
            y = top_px + (number + 0.5) * _LANE_PX
            canvas.write(left_px + room_px + 16, y, lane.facts, colour=_GREY)
    return canvas


def _handles(lanes: Sequence[Lane]) -> list[Artist]:
    """One of each thing that is drawn, for the legend."""
    verdicts = {cut.verdict for lane in lanes for cut in lane.cuts}
    handles: list[Artist] = [
        Line2D([], [], color=colour, linewidth=3, linestyle=_style(verdict), label=words)
        for verdict, (colour, words) in VERDICTS.items()
        if verdict in verdicts
    ]
    if any(lane.gradual_seconds for lane in lanes):
        handles.append(Patch(color=GRADUAL, alpha=0.6, label="gradual transition"))
    if any(lane.unjudged_seconds for lane in lanes):
        handles.append(Patch(**_UNJUDGED, label="left open"))
    return handles


def _draw_row(
    axes: Axes, rows: TimeRows, row: int, lanes: Sequence[Lane], names: Sequence[str]
) -> None:
    start, end = rows.start_of(row), rows.end_of(row)
    for number, lane in enumerate(lanes):
        if number % 2 == 0:
            axes.axhspan(number - 0.5, number + 0.5, color="#f4f4f4", linewidth=0, zorder=0)
        _draw_spans(axes, number, lane)
        for verdict, (colour, _) in VERDICTS.items():
            here = [
                cut.seconds
                for cut in lane.cuts
                if cut.verdict == verdict and start <= cut.seconds <= end
            ]
            if here:
                low, high, style = number - _BAR, number + _BAR, _style(verdict)
                axes.vlines(here, low, high, color=colour, linewidth=2, linestyle=style, zorder=3)
    axes.set_xlim(start, end)
    axes.set_ylim(len(lanes) - 0.5, -0.5)
    axes.set_yticks(range(len(lanes)), names, fontsize=10.5, parse_math=False)
    axes.tick_params(axis="y", length=0)
    axes.tick_params(axis="x", labelsize=9.5)
    axes.spines[["top", "right", "left"]].set_visible(False)
    draw_clock(axes, rows.row_seconds, 15)


def _draw_spans(axes: Axes, number: int, lane: Lane) -> None:
    for spans, look in (
        (lane.unjudged_seconds, _UNJUDGED),
        (lane.gradual_seconds, {"facecolor": GRADUAL, "alpha": 0.6}),
    ):
        lengths = [(start, end - start) for start, end in spans]
        axes.broken_barh(lengths, (number - _BAR, 2 * _BAR), linewidth=0, zorder=2, **look)


def _style(verdict: Verdict) -> tuple[float, tuple[float, ...]] | Literal["solid"]:
    return (0, (1.2, 1.0)) if verdict == "missed" else "solid"
