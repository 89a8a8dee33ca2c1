"""What the pictures over time share: colours, clocks, and curves thinned to their pixels. Pure.

How time is broken into rows is in ``time_rows``.
"""

from functools import partial

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator, MultipleLocator, NullLocator

from heaters_pipeline.video.arrays import Float64Array
from heaters_pipeline.video.media.timing import Timeline

CURVE = "#4a78a3"
CUT = "#d1495b"
GRADUAL = "#edae49"
THRESHOLD = "#222222"
GRADUAL_COLOURS = {
    "dissolve": GRADUAL,
    "wipe": "#5aa789",
    "fade_in": "#a99be0",
    "fade_out": "#b3a94f",
    "fade_through_black": "#6d6d86",
    "fade_through_white": "#c3bcd6",
}

_MINUTE, _HOUR = 60, 3600
_TICK_SECONDS = (
    *(0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30),
    *(_MINUTE, 2 * _MINUTE, 5 * _MINUTE, 10 * _MINUTE, 15 * _MINUTE, 30 * _MINUTE),
    *(_HOUR, 2 * _HOUR, 3 * _HOUR, 6 * _HOUR, 12 * _HOUR),
)


def decimated(
    times: Float64Array, values: Float64Array, columns: int
) -> tuple[Float64Array, Float64Array]:
    """The lowest and the highest value of each column of pixels, in the order of time.

    Args:
        times: Rising.
        values: As many, all finite.
        columns: Of pixels, at least 1.
    """
    if len(times) <= 2 * columns:
        return times, values
    seconds = max(np.ptp(times), np.finfo(np.float64).tiny)
    column = np.minimum((times - times[0]) / seconds * columns, columns - 1).astype(np.intp)
    by_value = np.lexsort((values, column))
    lowest = np.flatnonzero(np.diff(column[by_value], prepend=-1))
    highest = np.append(lowest[1:], len(times)) - 1
    kept = np.union1d(by_value[lowest], by_value[highest])
    return times[kept], values[kept]


def draw_clock(axes: Axes, span_seconds: float, most_ticks: int = 10) -> None:
    """Let the horizontal axis tell times, at steps that people count in."""
    steps = (step for step in _TICK_SECONDS if span_seconds <= most_ticks * step)
    step = next(steps, _TICK_SECONDS[-1])
    axes.xaxis.set_major_locator(MultipleLocator(step))
    axes.xaxis.set_major_formatter(
        FuncFormatter(partial(_tick, decimals=1 if step < 1 else 0)),
    )


def draw_logarithmic(axes: Axes) -> None:
    """Let the vertical axis grow by factors, and name its numbers plainly."""
    axes.set_yscale("log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1.0, 3.0)))
    axes.yaxis.set_minor_locator(NullLocator())
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def clock(seconds: float, decimals: int = 0) -> str:
    """``m:ss``, ``h:mm:ss`` from an hour on."""
    minutes, rest = divmod(round(seconds, decimals), 60)
    hours, minutes = divmod(int(minutes), 60)
    width = 2 + (1 + decimals) * bool(decimals)
    text = f"{minutes:02d}:{rest:0{width}.{decimals}f}"
    return f"{hours}:{text}" if hours else text.removeprefix("0")


def length_of(timeline: Timeline) -> str:
    """``250 frames in 0:10.00``."""
    return f"{timeline.frames} frames in {clock(float(timeline.seconds_at(timeline.frames)), 2)}"


def counted(count: int, noun: str) -> str:
    """``1 cut``, ``2 cuts``."""
    return f"{count} {noun}" if count == 1 else f"{count} {noun}s"


def _tick(seconds: float, _: int, *, decimals: int) -> str:
    return clock(seconds, decimals)
