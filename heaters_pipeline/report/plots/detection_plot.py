"""Why a video was cut where it was, as a large picture. Pure: arrays in, PNG bytes out.

The value by which the method decides is drawn over time with its threshold; cuts and gradual
transitions stand in it, and above them what the scenes that begin there look like. A long
video takes several rows.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from heaters_pipeline.report.plots.canvas import Canvas, shortened
from heaters_pipeline.report.plots.curve_drawing import (
    CURVE,
    CUT,
    GRADUAL_COLOURS,
    THRESHOLD,
    clock,
    counted,
    decimated,
    draw_clock,
    draw_logarithmic,
)
from heaters_pipeline.report.plots.decision_curve import DecisionCurve
from heaters_pipeline.report.plots.scaled_pictures import scaled_to_fit
from heaters_pipeline.report.plots.time_rows import (
    TimeRows,
    choose_evenly,
    time_rows,
    without_overlap,
)
from heaters_pipeline.video.arrays import Float64Array, Picture

PICTURE_SIDE_PX = 140

_WIDTH_PX = 1600
_LEFT_PX, _RIGHT_PX = 84, 24
_ROOM_PX = _WIDTH_PX - _LEFT_PX - _RIGHT_PX
_STEP_PX = PICTURE_SIDE_PX + 8
_PICTURES_IN_A_ROW = _ROOM_PX // _STEP_PX
_HEADER_PX, _FOOTER_PX = 104, 14
_PICTURE_HEIGHT_PX, _CAPTION_PX, _LEADER_PX = 100, 34, 24
_CURVE_PX, _CLOCK_PX, _GAP_PX = 150, 26, 22
_LABEL_LETTER_PX, _LABEL_HEIGHT_PX, _LABEL_LANES = 6.6, 15, 2
_TITLE_LETTERS = 110
_OTHER = "#8d8d8d"
_START = "#555555"
_MANY_CUTS = 40
_VALUE_WIDTH_PX = 40


@dataclass(frozen=True, slots=True)
class Mark:
    """A transition, as it is drawn.

    Attributes:
        kind: ``cut``, or what a gradual one looks like.
        start_seconds: When it begins.
        end_seconds: When it ends; as its start for a cut.
    """

    kind: str
    start_seconds: float
    end_seconds: float


@dataclass(frozen=True, slots=True)
class Opening:
    """Where a scene begins to be seen alone, and so has a picture of its own.

    Attributes:
        frame: The frame.
        seconds: When it is shown.
        kind: The transition before it; empty for the first scene.
    """

    frame: int
    seconds: float
    kind: str


@dataclass(frozen=True, slots=True)
class Layout:
    """Rows of a picture, and the openings that have a picture in them, by position."""

    rows: TimeRows
    pictured: tuple[int, ...]


def lay_out(duration_seconds: float, openings: Sequence[Opening], most_pictures: int) -> Layout:
    """Decide on rows and pictures before anything is decoded.

    Args:
        duration_seconds: Of the video.
        openings: Of all scenes, in order.
        most_pictures: No more than so many; they are then chosen evenly.
    """
    rows = time_rows(duration_seconds, min(len(openings), most_pictures), _PICTURES_IN_A_ROW)
    seconds = [opening.seconds for opening in openings]
    return Layout(rows, choose_evenly(seconds, rows, _PICTURES_IN_A_ROW, most_pictures))


def detection_plot_png(
    times_seconds: Float64Array,
    curve: DecisionCurve,
    marks: Sequence[Mark],
    openings: Sequence[Opening],
    pictures: Mapping[int, Picture],
    layout: Layout,
    *,
    title: str,
    subtitle: str = "",
) -> bytes:
    """Draw the picture.

    Args:
        times_seconds: When the frame of each value of the curve is shown, rising.
        curve: What the method decides by.
        marks: All transitions, in order.
        openings: Of all scenes, in order.
        pictures: What the pictured openings show, by frame; they may be missing.
        layout: From ``lay_out``.
        title: Taken literally; shortened if it is too long.
        subtitle: A line under it.
    Raises:
        ValueError: There are not as many times as values.
    """
    if times_seconds.shape != curve.values.shape:
        raise ValueError(f"{times_seconds.shape} times do not belong to {curve.values.shape}")
    shown = [at for at in layout.pictured if openings[at].frame in pictures]
    places = _Places(layout.rows, has_pictures=bool(shown))
    canvas = Canvas(_WIDTH_PX, places.height_px)
    _draw_header(canvas, curve, marks, title, subtitle)
    if len(shown) < len(openings):
        note = _choice(len(shown), len(openings))
        canvas.write(_WIDTH_PX - _RIGHT_PX, 24, note, align="right", colour=_START)
    limits = _limits(curve, has_labels=any(mark.kind != "cut" for mark in marks))
    for row in range(layout.rows.count):
        # A last row ends where the video does.
        width_px = max(places.x_of(row, layout.rows.end_of(row)) - _LEFT_PX, 4)
        axes = canvas.add_axes(_LEFT_PX, places.curve_top(row), width_px, _CURVE_PX)
        _draw_row(axes, places, row, times_seconds, curve, marks, limits)
        _draw_gradual(axes, canvas, places, row, marks)
        here = [openings[at] for at in shown if layout.rows.row_of(openings[at].seconds) == row]
        _draw_pictures(canvas, places, row, here, pictures)
    return canvas.png()


class _Places:
    """Where the rows lie: above, pictures with their captions; below, the curve and its clock."""

    def __init__(self, rows: TimeRows, *, has_pictures: bool) -> None:
        strip_px = _PICTURE_HEIGHT_PX + _CAPTION_PX + _LEADER_PX if has_pictures else 0
        self.rows = rows
        self._strip_px = strip_px
        self._row_px = strip_px + _CURVE_PX + _CLOCK_PX + _GAP_PX

    @property
    def height_px(self) -> float:
        """Of all rows with header and footer."""
        return _HEADER_PX + self.rows.count * self._row_px + _FOOTER_PX

    def strip_top(self, row: int) -> float:
        """Where the pictures of a row begin."""
        return _HEADER_PX + row * self._row_px

    def curve_top(self, row: int) -> float:
        """Where its curve begins."""
        return self.strip_top(row) + self._strip_px

    def x_of(self, row: int, seconds: float) -> float:
        """Where a time lies in its row."""
        return _LEFT_PX + _ROOM_PX * (seconds - self.rows.start_of(row)) / self.rows.row_seconds


def _draw_header(
    canvas: Canvas, curve: DecisionCurve, marks: Sequence[Mark], title: str, subtitle: str
) -> None:
    canvas.write(_LEFT_PX, 24, shortened(title, _TITLE_LETTERS), size=14, bold=True)
    canvas.write(_LEFT_PX, 50, subtitle, size=10.5, colour="#444444")
    kinds = [mark.kind for mark in marks]
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=CURVE, label=curve.name),
        Line2D([], [], color=THRESHOLD, linestyle="--", label=f"threshold {curve.threshold:g}"),
        Line2D([], [], color=CUT, label=counted(kinds.count("cut"), "cut")),
    ]
    handles += [
        Patch(color=_colour(kind), alpha=0.55, label=f"{kinds.count(kind)} {_words(kind)}")
        for kind in sorted(set(kinds) - {"cut"})
    ]
    canvas.legend(_LEFT_PX, 78, handles)


def _choice(shown: int, total: int) -> str:
    if not shown:
        return f"no pictures of the {total} scenes: the video is not at hand"
    return f"pictures of {shown} of {total} scenes, evenly chosen"


def _draw_row(
    axes: Axes,
    places: _Places,
    row: int,
    times: Float64Array,
    curve: DecisionCurve,
    marks: Sequence[Mark],
    limits: tuple[float, float],
) -> None:
    start, end = places.rows.start_of(row), places.rows.end_of(row)
    first, last = np.searchsorted(times, [start, end])
    # One more on each side, so that the curve goes on into the next row.
    part = slice(max(0, int(first) - 1), int(last) + 1)
    x, y = times[part], curve.values[part]
    finite = np.isfinite(y)
    if finite.any():
        thin_x, thin_y = decimated(x[finite], y[finite], _ROOM_PX)
        marker = "." if finite.sum() == 1 else None
        axes.plot(thin_x, thin_y, color=CURVE, linewidth=1.1, marker=marker, zorder=3)
    axes.axhline(curve.threshold, color=THRESHOLD, linewidth=1, linestyle="--", zorder=2.5)
    if curve.logarithmic:
        draw_logarithmic(axes)
    axes.set_ylim(limits)
    axes.set_xlim(start, end)
    axes.set_ylabel(curve.name, fontsize=10)
    axes.tick_params(labelsize=9.5)
    axes.spines[["top", "right"]].set_visible(False)
    draw_clock(axes, places.rows.row_seconds, 15)
    cuts = [mark.start_seconds for mark in marks if mark.kind == "cut"]
    _draw_cuts(axes, [seconds for seconds in cuts if start <= seconds < end], x, y)
    if not np.isfinite(curve.values).any():
        message = f"the video was scored without {curve.name}"
        axes.text(0.5, 0.5, message, ha="center", transform=axes.transAxes, fontsize=11)


def _draw_cuts(
    axes: Axes, seconds: Collection[float], times: Float64Array, values: Float64Array
) -> None:
    is_cut = np.isin(times, list(seconds))
    few = len(seconds) <= _MANY_CUTS
    axes.vlines(
        list(seconds),
        0 if few else 0.94,
        1,
        transform=axes.get_xaxis_transform(),
        color=CUT,
        linewidth=1.2 if few else 0.8,
        alpha=0.55,
        zorder=2,
    )
    axes.plot(
        times[is_cut],
        values[is_cut],
        linestyle="none",
        marker="o",
        markersize=5 if few else 3,
        color=CUT,
        zorder=4,
    )
    if few:
        _name_values(axes, times[is_cut], values[is_cut])


def _name_values(axes: Axes, times: Float64Array, values: Float64Array) -> None:
    """Write the value beside each cut that has room for it on its right."""
    start, end = axes.get_xlim()
    seconds_a_px = (end - start) / (axes.get_window_extent().width)
    following = [*times[1:], end]
    for at, value, after in zip(times, values, following, strict=False):
        if after - at > _VALUE_WIDTH_PX * seconds_a_px and np.isfinite(value):
            axes.annotate(
                f"{value:.3g}",
                (at, value),
                (6, -1),
                textcoords="offset points",
                va="center",
                fontsize=9,
                color=CUT,
                zorder=5,
            )


def _draw_gradual(
    axes: Axes, canvas: Canvas, places: _Places, row: int, marks: Sequence[Mark]
) -> None:
    start, end = places.rows.start_of(row), places.rows.end_of(row)
    taken_until = [0.0] * _LABEL_LANES
    for mark in marks:
        if mark.kind == "cut" or mark.start_seconds >= end or mark.end_seconds <= start:
            continue
        left, right = max(mark.start_seconds, start), min(mark.end_seconds, end)
        axes.axvspan(left, right, color=_colour(mark.kind), alpha=0.4, linewidth=0, zorder=1)
        text = _words(mark.kind)
        width = len(text) * _LABEL_LETTER_PX
        middle = (places.x_of(row, left) + places.x_of(row, right)) / 2
        at = min(max(middle - width / 2, _LEFT_PX + 3), _WIDTH_PX - _RIGHT_PX - width)
        lane = next((lane for lane, taken in enumerate(taken_until) if taken <= at), None)
        # Where there is no room, the colour alone tells the kind.
        if lane is not None:
            taken_until[lane] = at + width + 8
            y = places.curve_top(row) + 18 + lane * _LABEL_HEIGHT_PX
            canvas.write(at, y, text, size=9, colour="#333333")


def _draw_pictures(
    canvas: Canvas,
    places: _Places,
    row: int,
    openings: Sequence[Opening],
    pictures: Mapping[int, Picture],
) -> None:
    wanted = [places.x_of(row, opening.seconds) for opening in openings]
    centres = without_overlap(wanted, _STEP_PX, _LEFT_PX - 8, _WIDTH_PX - _RIGHT_PX + 8)
    bottom = places.strip_top(row) + _PICTURE_HEIGHT_PX
    for opening, at, place in zip(openings, wanted, centres, strict=True):
        colour = CUT if opening.kind == "cut" else _colour(opening.kind)
        colour = colour if opening.kind else _START
        picture = scaled_to_fit(pictures[opening.frame], PICTURE_SIDE_PX, _PICTURE_HEIGHT_PX)
        canvas.paste(picture, place, bottom, colour)
        canvas.write(place, bottom + 11, clock(opening.seconds, 2), align="center", bold=True)
        canvas.write(place, bottom + 26, f"frame {opening.frame}", size=9, align="center")
        top = places.curve_top(row)
        canvas.line([place, at, at], [bottom + _CAPTION_PX + 2, top - 4, top], colour)


def _limits(curve: DecisionCurve, *, has_labels: bool) -> tuple[float, float]:
    """From the least to the greatest value, with room above for the labels."""
    above = 0.32 if has_labels else 0.16
    finite = curve.values[np.isfinite(curve.values)]
    low = min(float(finite.min(initial=curve.threshold)), curve.threshold)
    high = max(float(finite.max(initial=curve.threshold)), curve.threshold)
    if curve.logarithmic:
        high = max(high, 3 * curve.threshold)
        return low / 1.15, high * (high / low) ** above
    room = (high - low) or 1.0
    return low - 0.06 * room, high + above * room


def _colour(kind: str) -> str:
    return GRADUAL_COLOURS.get(kind, _OTHER)


def _words(kind: str) -> str:
    return kind.replace("_", " ")
