"""Wipes: a straight front goes over the picture. Pure.

A wipe is a cut that comes to each line of the picture (a column or row of cells) at a time of its
own. So nearly all change of a line happens while the front passes it, and there is much more of
it than of motion in the two scenes. Where the camera moves or a body passes by, lines change at
other times as well, or change back, or not one after the other.

Windows to try are chosen, and wipes that lie on each other told apart, in ``search``.
"""

from dataclasses import dataclass

import numpy as np

from heaters_pipeline.video.arrays import BoolArray, Float64Array, Int64Array
from heaters_pipeline.video.detection.gradual.curves import GradualCurves
from heaters_pipeline.video.detection.gradual.measures import LEAST_STEP, step_and_spread

# Ranges in which results stay the same are of threshold_ranges, see ``cuts``.
LEAST_WIPE_FRAMES = 8
"""What crosses the picture faster is a body that passes by. At 7 two more transitions are wrong, at
9 four are missed."""
LEAST_SHARPNESS = 0.3
"""Of a window; with motion in both scenes the front has half of all change. Same to 0.33."""

_LEAST_WIPE = 0.13  # sharpness x what lasts x evenness x root of spread; same to 0.143
_LEAST_LASTING = 0.8
"""Where a body passes by, part of the picture comes back. At 0.73 three more transitions are wrong,
at 0.88 two are missed."""
_MOST_RAGGED = 0.07  # of the wipe's length, root mean square over the lines; same to 0.077
_BLUR_FRAMES = 3  # the front of a frame that was not measured lies between two others; same to 4
_MARGIN_FRAMES = 2  # of the scenes around, which a front should stand out of; same to 3
_FIT_ROUNDS = 3  # with 2, two more transitions are wrong, with 4 one


@dataclass(frozen=True, slots=True)
class WipeMeasures:
    """Of many stretches and one direction, each (stretches,).

    Attributes:
        step: Mean difference of the two end pictures.
        sharpness: Share of all change that comes with the front; 0 if change comes at any time.
        lasting: Share of the change by the front that is left at the end, and further out, 0 to 1.
        evenness: How evenly that change is shared by the lines; 1/8 if one of 8 has all.
        spread: How evenly the difference of the end pictures is shared by the cells, 0 to 1.
        ragged: How far the lines are from being passed at an even pace, over the length.
    """

    step: Float64Array
    sharpness: Float64Array
    lasting: Float64Array
    evenness: Float64Array
    spread: Float64Array
    ragged: Float64Array

    @property
    def score(self) -> Float64Array:
        """How much a stretch looks like a wipe, to 1."""
        # A body that crosses the picture changes a part of it, a wipe nearly all.
        return self.sharpness * self.lasting * self.evenness * np.sqrt(self.spread)

    @property
    def wipes(self) -> BoolArray:
        """Whether a fitted stretch is taken for a wipe."""
        return np.asarray(
            (self.step >= LEAST_STEP)
            & (self.score >= _LEAST_WIPE)
            & (self.lasting >= _LEAST_LASTING)
            & (self.ragged <= _MOST_RAGGED)
        )


def fronts(curves: GradualCurves) -> tuple[Int64Array, ...]:
    """The lines of ``paths`` that a front passes, in order, for each of four directions."""
    return curves.columns, curves.columns[::-1], curves.rows, curves.rows[::-1]


def sharpness_of_all(curves: GradualCurves, lines: Int64Array, length: int) -> Float64Array:
    """How sharp a front is that takes ``length`` frames, for each start: (frames - length,).

    0 where there is too little change, or a cut or the video's end is nearer than 2 frames.
    """
    sharpness = np.zeros(curves.frames - length)
    width = len(sharpness) - 2 * _MARGIN_FRAMES
    if width <= 0:
        return sharpness
    whole = curves.paths[0]
    total = (whole[length + 2 * _MARGIN_FRAMES :] - whole[:width]) * len(lines)
    passing = np.zeros(width)
    low, high = (_MARGIN_FRAMES + edge for edge in _passing(len(lines), np.array(length)))
    for line, since, until in zip(lines, low, high, strict=True):
        path = curves.paths[line]
        passing += path[until : until + width]
        passing -= path[since : since + width]
    share = _share_of_time(len(lines), np.array(length))
    numbers = curves.scene_numbers
    in_scene = numbers[:width] == numbers[length + 2 * _MARGIN_FRAMES :]
    enough = in_scene & (passing >= LEAST_STEP * len(lines))
    found = np.where(enough, (passing / (total + 1e-6) - share) / (1 - share), 0)
    sharpness[_MARGIN_FRAMES : _MARGIN_FRAMES + width] = found
    return sharpness


def fitted_front(
    curves: GradualCurves, lines: Int64Array, starts: Int64Array, ends: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """The windows moved and stretched to when the front enters and leaves the picture.

    Args:
        curves: Of the video.
        lines: One of ``fronts``.
        starts: (windows,) about when it enters.
        ends: (windows,) about when it leaves.
    """
    lowest, highest = curves.frames_around(starts)
    for _ in range(_FIT_ROUNDS):
        times, weights = _half_times(curves, lines, starts, ends)
        enters, leaves = _even_pace(times, weights)
        starts = np.rint(enters).astype(np.int64).clip(lowest, highest - 1)
        ends = np.rint(leaves).astype(np.int64).clip(starts + 1, highest)
    return starts, ends


def wipe_measures(
    curves: GradualCurves, lines: Int64Array, starts: Int64Array, ends: Int64Array
) -> WipeMeasures:
    """Measure stretches as wipes in one direction.

    Args:
        curves: Of the video.
        lines: One of ``fronts``.
        starts: (stretches,) first frames.
        ends: (stretches,) last frames, > ``starts``, with no cut on the way.
    """
    passing = _change_by_front(curves, lines, starts, ends)
    by_front = passing.sum(axis=1) + 1e-6
    lowest, highest = curves.frames_around(starts)
    first, last = starts - _MARGIN_FRAMES, ends + _MARGIN_FRAMES
    path = curves.paths[0, np.minimum(last, highest)] - curves.paths[0, np.maximum(first, lowest)]
    total = path * len(lines) + 1e-6
    share = _share_of_time(len(lines), ends - starts)
    step, spread = step_and_spread(curves.cells[ends] - curves.cells[starts])
    left = np.minimum(step, _left_for_long(curves, lines, starts, ends))
    return WipeMeasures(
        step=step,
        sharpness=(by_front / total - share) / (1 - share),
        lasting=np.minimum(1, left * len(lines) / by_front),
        evenness=by_front**2 / (len(lines) * np.square(passing).sum(axis=1) + 1e-6),
        spread=spread,
        ragged=_ragged(curves, lines, starts, ends),
    )


def _change_by_front(
    curves: GradualCurves, lines: Int64Array, starts: Int64Array, ends: Int64Array
) -> Float64Array:
    """How much each line changes while the front passes it: (stretches, lines)."""
    low, high = _frames_passing(curves, lines, starts, ends)
    return np.asarray(curves.paths[lines, high] - curves.paths[lines, low])


def _left_for_long(
    curves: GradualCurves, lines: Int64Array, starts: Int64Array, ends: Int64Array
) -> Float64Array:
    """Mean difference of each line before and after the front, half a wipe's time further out.

    By then, a body that passes by has not come to the line or has left it again, unless it is as
    large as the picture.
    """
    lowest, highest = (edge[:, None] for edge in curves.frames_around(starts))
    low, high = _frames_passing(curves, lines, starts, ends)
    half = ((ends - starts) // 2)[:, None]
    cells = curves.cells_of(lines)

    def difference(before: Int64Array, after: Int64Array) -> Float64Array:
        change = curves.cells[after[:, :, None], cells] - curves.cells[before[:, :, None], cells]
        return np.asarray(np.abs(change).mean(axis=(1, 2)), np.float64)

    earlier, later = np.maximum(low - half, lowest), np.minimum(high + half, highest)
    return np.minimum(difference(earlier, high), difference(low, later))


def _frames_passing(
    curves: GradualCurves, lines: Int64Array, starts: Int64Array, ends: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """From which to which frame the front passes each line: (stretches, lines) each."""
    lowest, highest = (edge[:, None] for edge in curves.frames_around(starts))
    low, high = _passing(len(lines), (ends - starts)[:, None])
    first = starts[:, None]
    return (first + low).clip(lowest, highest), (first + high).clip(lowest, highest)


def _ragged(
    curves: GradualCurves, lines: Int64Array, starts: Int64Array, ends: Int64Array
) -> Float64Array:
    times, weights = _half_times(curves, lines, starts, ends)
    enters, leaves = (edge[:, None] for edge in _even_pace(times, weights))
    off = times - enters - (leaves - enters) * _middles(len(lines))
    mean_square = (weights * off**2).sum(axis=1) / weights.sum(axis=1)
    return np.asarray(np.sqrt(mean_square) / (ends - starts))


def _half_times(
    curves: GradualCurves, lines: Int64Array, starts: Int64Array, ends: Int64Array
) -> tuple[Float64Array, Float64Array]:
    """When half of the change of each line has come, and how much it is: (stretches, lines).

    Only around the time at which the front should come, so that motion elsewhere counts less. Half
    of the change has come between two frames; in between, it is taken to come evenly.
    """
    low, high = _frames_around_front(curves, lines, starts, ends)  # (stretches, lines)
    offsets = np.arange(max(2, int((high - low).max(initial=0)) + 1))  # (widest,)
    frames = np.minimum(low[:, :, None] + offsets, high[:, :, None])  # (stretches, lines, widest)
    paths = curves.paths[lines[:, None], frames]  # (stretches, lines, widest), rising
    change = paths[:, :, -1] - paths[:, :, 0]  # (stretches, lines)
    half = paths[:, :, :1] + change[:, :, None] / 2  # (stretches, lines, 1)
    # Number of the first frame by which half has come, which has one before it.
    after = (paths < half).sum(axis=2, keepdims=True).clip(1, paths.shape[2] - 1)
    above = np.take_along_axis(paths, after, 2)  # (stretches, lines, 1)
    below = np.take_along_axis(paths, after - 1, 2)  # (stretches, lines, 1)
    part = (half - below) / np.maximum(above - below, 1e-9)  # (stretches, lines, 1)
    return low + (after - 1 + part)[:, :, 0], change + 1e-9


def _frames_around_front(
    curves: GradualCurves, lines: Int64Array, starts: Int64Array, ends: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """First and last frame in which to look for the front at each line: (stretches, lines)."""
    lowest, highest = (edge[:, None] for edge in curves.frames_around(starts))  # (stretches, 1)
    lengths = (ends - starts)[:, None]  # (stretches, 1)
    middles = starts[:, None] + _middles(len(lines)) * lengths  # (stretches, lines)
    reach = lengths / len(lines) / 2 + np.maximum(_BLUR_FRAMES, lengths / 8)  # (stretches, 1)
    low = np.rint(middles - reach).astype(np.int64)  # (stretches, lines)
    high = np.rint(middles + reach).astype(np.int64)  # (stretches, lines)
    return low.clip(lowest, highest), high.clip(lowest, highest)


def _even_pace(times: Float64Array, weights: Float64Array) -> tuple[Float64Array, Float64Array]:
    """When a front enters and leaves that passes the lines at the given times, by least squares."""
    weights = weights / weights.sum(axis=1, keepdims=True)
    middles = _middles(times.shape[1])
    mean_middle = weights @ middles
    mean_time = (weights * times).sum(axis=1)
    off = middles - mean_middle[:, None]
    slope = (weights * off * (times - mean_time[:, None])).sum(axis=1)
    slope /= (weights * off**2).sum(axis=1)
    enters = mean_time - slope * mean_middle
    return enters, enters + slope


def _middles(lines: int) -> Float64Array:
    """Where the middles of the lines lie in the picture, 0 to 1."""
    return np.asarray((np.arange(lines) + 0.5) / lines)


def _passing(lines: int, lengths: Int64Array) -> tuple[Int64Array, Int64Array]:
    """From which to which frame, counted from the start, the front passes each line."""
    middles = _middles(lines) * lengths
    half = (lengths / lines + _BLUR_FRAMES) / 2
    return np.rint(middles - half).astype(np.int64), np.rint(middles + half).astype(np.int64)


def _share_of_time(lines: int, lengths: Int64Array) -> Float64Array:
    """Which share of the time of a stretch the front takes to pass a line."""
    return np.asarray((lengths / lines + _BLUR_FRAMES) / (lengths + 2 * _MARGIN_FRAMES))
