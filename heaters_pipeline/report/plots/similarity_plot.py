"""The similarity of adjacent frames over time as a small picture, with the cuts drawn in.

Made for the Dagster UI: readable at 800 pixels, and small enough to be kept in an event. Which
values are drawn is decided by ``decision_curve``; the large picture is ``detection_plot``.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from matplotlib.axes import Axes
from matplotlib.layout_engine import ConstrainedLayoutEngine
from matplotlib.transforms import Bbox

from heaters_pipeline.report.plots.canvas import shortened
from heaters_pipeline.report.plots.curve_drawing import (
    CURVE,
    CUT,
    GRADUAL,
    THRESHOLD,
    counted,
    decimated,
    draw_clock,
    draw_logarithmic,
)
from heaters_pipeline.report.plots.png_files import new_figure, palette_png, rendered
from heaters_pipeline.video.arrays import Float64Array

_MIN_WIDTH_PX = 240
_LEGEND_WIDTH_PX = 410
_TITLE_LETTER_PX = 7
_FULL_HEIGHT_CUTS = 100


def similarity_plot_png(
    times_seconds: npt.ArrayLike,
    similarities: npt.ArrayLike,
    threshold: float | None,
    cuts_seconds: Sequence[float],
    gradual_seconds: Sequence[tuple[float, float]],
    *,
    title: str,
    value_name: str = "similarity",
    logarithmic: bool = False,
    size_px: tuple[int, int] = (800, 240),
    max_bytes: int = 30_000,
) -> bytes:
    """Draw the similarity curve of a video as a PNG.

    Of many values in a column of pixels the lowest and the highest are drawn, so each dip
    stays visible however long the video is. What is not finite is left out.

    Args:
        times_seconds: When the frame of each value is shown, rising.
        similarities: The values, as many.
        threshold: Drawn as a dashed line; None where the threshold adapts.
        cuts_seconds: Drawn as vertical lines.
        gradual_seconds: ``(start, end)`` of each gradual transition, shaded.
        title: Drawn above, taken literally, shortened where it would meet the legend.
        value_name: Label of the vertical axis.
        logarithmic: Let that axis grow by factors; all values must be > 0.
        size_px: ``(width, height)``; smaller only if ``max_bytes`` asks for it.
        max_bytes: Most bytes of the PNG.
    Raises:
        ValueError: As many times as similarities are needed; or ``max_bytes`` is too small for
            any picture.
    """
    times = np.asarray(times_seconds, dtype=np.float64)
    values = np.asarray(similarities, dtype=np.float64)
    if times.shape != values.shape or times.ndim != 1:
        raise ValueError(f"{times.shape} times do not belong to {values.shape} similarities")
    finite = np.isfinite(times) & np.isfinite(values)
    times, values = times[finite], values[finite]
    ends = [*times[-1:], *cuts_seconds[-1:], *(end for _, end in gradual_seconds[-1:])]
    end_seconds = max(ends, default=0) or 1.0
    width_px, height_px = size_px
    while width_px >= _MIN_WIDTH_PX:
        figure = new_figure(width_px, height_px, ConstrainedLayoutEngine())
        axes = figure.add_subplot()
        if logarithmic:
            draw_logarithmic(axes)
        shown_times, shown_values = decimated(times, values, width_px)
        _draw_curve(axes, shown_times, shown_values, threshold)
        _draw_transitions(axes, cuts_seconds, gradual_seconds)
        _label(axes, end_seconds, value_name)
        _entitle(axes, title, width_px - _LEGEND_WIDTH_PX, height_px)
        if png := palette_png(rendered(figure), max_bytes):
            return png
        width_px, height_px = width_px * 4 // 5, height_px * 4 // 5
    raise ValueError(f"no plot fits into {max_bytes} bytes")


def _draw_curve(
    axes: Axes, times: Float64Array, values: Float64Array, threshold: float | None
) -> None:
    # A line through a single point would not be seen.
    marker = "." if len(values) == 1 else None
    axes.plot(times, values, color=CURVE, linewidth=0.9, marker=marker)
    if threshold is not None:
        label = f"threshold {threshold:g}"
        axes.axhline(threshold, color=THRESHOLD, linewidth=0.9, linestyle="--", label=label)
    if not len(values):
        axes.set_yticks([])
        axes.text(0.5, 0.5, "no frames to compare", ha="center", transform=axes.transAxes)


def _draw_transitions(
    axes: Axes,
    cuts_seconds: Sequence[float],
    gradual_seconds: Sequence[tuple[float, float]],
) -> None:
    across = axes.get_xaxis_transform()
    if len(gradual_seconds):
        axes.broken_barh(
            [(start, end - start) for start, end in gradual_seconds],
            (0, 1),
            transform=across,
            facecolor=GRADUAL,
            alpha=0.5,
            zorder=1,
            label=counted(len(gradual_seconds), "gradual transition"),
        )
    if len(cuts_seconds):
        # Many lines from top to bottom would hide the curve.
        lowest = 0.0 if len(cuts_seconds) <= _FULL_HEIGHT_CUTS else 0.94
        axes.vlines(
            cuts_seconds,
            lowest,
            1,
            transform=across,
            color=CUT,
            linewidth=0.9,
            zorder=1,
            label=counted(len(cuts_seconds), "cut"),
        )


def _label(axes: Axes, end_seconds: float, value_name: str) -> None:
    axes.set_ylabel(value_name, fontsize=8)
    axes.tick_params(labelsize=8)
    axes.margins(y=0.08)
    axes.set_xlim(0, end_seconds)
    draw_clock(axes, end_seconds)
    axes.spines[["top", "right"]].set_visible(False)
    handles, _ = axes.get_legend_handles_labels()
    axes.legend(
        handles=handles,
        loc="lower right",
        bbox_to_anchor=(1, 1),
        borderaxespad=0.1,
        ncols=3,
        fontsize=8,
        frameon=False,
    )


def _entitle(axes: Axes, title: str, room_px: int, height_px: int) -> None:
    shown = shortened(title, max(1, room_px // _TITLE_LETTER_PX))
    text = axes.set_title(shown, loc="left", fontsize=9, parse_math=False)
    # Letters are of different width: what is still too wide is cut off.
    text.set_clip_box(Bbox.from_extents(0, 0, room_px, height_px))
    text.set_clip_on(True)
