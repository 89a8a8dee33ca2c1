"""Choose the stretches of a video that are gradual transitions. Pure.

A coarse search, which looks at sums alone, gives windows of a few lengths; the best of those that
overlap is fitted, and the next best if that one fails. How good a window is, is measured in
``measures`` and ``wipes``; what a stretch is called is decided in ``kinds``.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from heaters_pipeline.video.arrays import BoolArray, Float64Array, Int64Array
from heaters_pipeline.video.detection.gradual.curves import GradualCurves
from heaters_pipeline.video.detection.gradual.fades import blank_cores
from heaters_pipeline.video.detection.gradual.fit import fitted
from heaters_pipeline.video.detection.gradual.measures import (
    LEAST_MIX,
    LEAST_STEP,
    NO_DETAIL,
    NO_DETAIL_LOST,
    measured,
)
from heaters_pipeline.video.detection.gradual.wipes import (
    LEAST_SHARPNESS,
    LEAST_WIPE_FRAMES,
    fitted_front,
    fronts,
    sharpness_of_all,
    wipe_measures,
)

_LENGTHS = (6, 8, 11, 15, 20, 27, 36, 48, 64)
"""In frames at 25 a second; a factor of 4/3 apart, which the fit then makes up for."""

_LEAST_FRAMES = 6
"""A faster change is a cut, or motion between two frames that were measured. With 5, two more
transitions are wrong, with 7 one fewer (threshold_ranges, see ``cuts``)."""
_NEIGHBOURS = 8  # windows closer than 1/8 of their length fit the same ramp; same from 6 to 16


@dataclass(frozen=True, slots=True)
class Stretch:
    """From the last frame of one scene to the first of the next."""

    start: int
    end: int
    wipe: bool


@dataclass(frozen=True, slots=True)
class _Stretches:
    """Many of them, each array (stretches,).

    ``ranks`` say how well they fit times how far they go, so that the whole of a transition comes
    before its parts.
    """

    starts: Int64Array
    ends: Int64Array
    ranks: Float64Array

    def __len__(self) -> int:
        return len(self.starts)

    def only(self, which: BoolArray) -> "_Stretches":
        return _Stretches(self.starts[which], self.ends[which], self.ranks[which])

    def numbered(self) -> Iterator[tuple[int, int, int]]:
        """(number, start, end) from the best on."""
        order = np.lexsort((self.starts, -self.ranks))
        starts, ends = self.starts[order], self.ends[order]
        return zip(order.tolist(), starts.tolist(), ends.tolist(), strict=True)


def chosen_stretches(curves: GradualCurves) -> list[Stretch]:
    """Stretches that are gradual transitions, in order; none has a frame of another inside."""
    taken = np.zeros(curves.frames, np.bool_)
    chosen = _chosen_mixes(curves, _fade_windows(curves), taken)
    found = _apart(_wipes(curves), taken)
    chosen += [Stretch(start, end, True) for _, start, end in found.numbered()]
    chosen += _chosen_mixes(curves, _mix_windows(curves), taken)
    return sorted(chosen, key=lambda stretch: stretch.start)


def _chosen_mixes(curves: GradualCurves, windows: _Stretches, taken: BoolArray) -> list[Stretch]:
    """The windows that are mixes when fitted, best first; their frames become taken."""
    chosen = []
    while len(windows):
        windows = windows.only(_free(windows, taken))
        best = _free(windows, taken.copy(), claim=True)
        found = _apart(_mixes(curves, windows.only(best)), taken)
        chosen += [Stretch(start, end, False) for _, start, end in found.numbered()]
        windows = windows.only(~best)
    return chosen


def _free(stretches: _Stretches, taken: BoolArray, *, claim: bool = False) -> BoolArray:
    """Which stretches have no taken frame inside; each that has none may take its own, in turn."""
    free = np.zeros(len(stretches), np.bool_)
    for number, start, end in stretches.numbered():
        if not taken[start + 1 : end].any():
            free[number] = True
            taken[start + 1 : end] |= claim
    return free


def _apart(stretches: _Stretches, taken: BoolArray) -> _Stretches:
    return stretches.only(_free(stretches, taken, claim=True))


def _mixes(curves: GradualCurves, windows: _Stretches) -> _Stretches:
    """Those of the windows that are mixes of two pictures once they are fitted."""
    starts, ends = fitted(curves, windows.starts, windows.ends)
    measures = measured(curves, starts, ends)
    mixes = measures.mixes & (ends - starts > _LEAST_FRAMES * curves.frame_step)
    return _Stretches(starts, ends, windows.ranks).only(mixes)


def _mix_windows(curves: GradualCurves) -> _Stretches:
    starts, ends = _all_lengths(
        (length, _best_nearby(_most_rank(curves, length), length)) for length in _lengths(curves)
    )
    measures = measured(curves, starts, ends)
    return _Stretches(starts, ends, measures.mix * measures.step).only(measures.worth_a_fit)


def _fade_windows(curves: GradualCurves) -> _Stretches:
    """Windows of all lengths that end where it gets black or white, or start there."""
    first, last = blank_cores(curves)
    lowest, highest = curves.frames_around(first)
    found = []
    for length in _lengths(curves):
        found.append((length, first[first - length >= lowest] - length))
        found.append((length, last[last + length <= highest]))
    starts, ends = _all_lengths(found)
    measures = measured(curves, starts, ends)
    return _Stretches(starts, ends, measures.mix * measures.step).only(measures.worth_a_fit)


def _most_rank(curves: GradualCurves, length: int) -> Float64Array:
    """What the rank of a mix that starts at each frame can be at most: (frames - length,)."""
    path = curves.paths[0, length:] - curves.paths[0, :-length]
    first, last = curves.energy[:-length], curves.energy[length:]
    low, high = length // 4, length - length // 4
    sums = curves.energy_sums
    found = sums[high + 1 :][: len(path)] - sums[low:][: len(path)]
    lost = 1 - found / ((high - low + 1) / 2 * (first + last))
    lost[np.maximum(first, last) < NO_DETAIL] = NO_DETAIL_LOST
    usable = (lost >= LEAST_MIX) & (path >= LEAST_STEP) & _within_scene(curves, length)
    return np.where(usable, lost * path, 0)


def _wipes(curves: GradualCurves) -> _Stretches:
    """Fitted wipes of all directions; many lie on one another."""
    directions = []
    for lines in fronts(curves):
        starts, ends = _wipe_windows(curves, lines)
        starts, ends = fitted_front(curves, lines, starts, ends)
        measures = wipe_measures(curves, lines, starts, ends)
        slow_enough = ends - starts > LEAST_WIPE_FRAMES * curves.frame_step
        found = _Stretches(starts, ends, measures.score * measures.step)
        directions.append(found.only(measures.wipes & slow_enough))
    return _Stretches(
        np.concatenate([found.starts for found in directions]),
        np.concatenate([found.ends for found in directions]),
        np.concatenate([found.ranks for found in directions]),
    )


def _wipe_windows(curves: GradualCurves, lines: Int64Array) -> tuple[Int64Array, Int64Array]:
    found = []
    for length in _lengths(curves):
        if length >= LEAST_WIPE_FRAMES * curves.frame_step:
            sharpness = sharpness_of_all(curves, lines, length)
            sharpness[sharpness < LEAST_SHARPNESS] = 0
            found.append((length, _best_nearby(sharpness, length)))
    return _all_lengths(found)


def _lengths(curves: GradualCurves) -> list[int]:
    lengths = [length * curves.frame_step for length in _LENGTHS]
    return [length for length in lengths if length < curves.frames]


def _all_lengths(found: Iterable[tuple[int, Int64Array]]) -> tuple[Int64Array, Int64Array]:
    """Starts and ends of the windows that start at these frames, by length."""
    starts, ends = [np.empty(0, np.int64)], [np.empty(0, np.int64)]
    for length, frames in found:
        starts.append(frames)
        ends.append(frames + length)
    return np.concatenate(starts), np.concatenate(ends)


def _within_scene(curves: GradualCurves, length: int) -> BoolArray:
    """Whether no cut lies in the window that starts at each frame: (frames - length,)."""
    return np.asarray(curves.scene_numbers[length:] == curves.scene_numbers[:-length])


def _best_nearby(values: Float64Array, length: int) -> Int64Array:
    """Where positive values are the largest of those around."""
    reach = max(1, length // _NEIGHBOURS)
    row = values.astype(np.float32)[None]
    largest = np.asarray(cv2.dilate(row, np.ones((1, 2 * reach + 1), np.uint8)))
    return np.flatnonzero((row[0] > 0) & (row[0] == largest[0]))
