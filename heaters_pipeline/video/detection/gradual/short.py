"""Gradual transitions of a few frames: smears, light leaks, fast dissolves and wipes. Pure.

They are too short for the shape of a ramp or the loss of detail to tell them by, as those of
``search`` are. What tells them: for a moment before and after, pictures hardly change, both differ
far, and the frames between are like neither. Of the way from one to the other a cut takes all but
some motion in one step. Here no step takes it all; or what is between is brighter all over than
both sides, as when light falls into the lens.

Only analysed frames are looked at, so that a fast and a full scan find the same.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import cv2
import numpy as np

from heaters_pipeline.video.arrays import Float32Array, Int64Array, UInt8Array
from heaters_pipeline.video.detection.blank import are_blank
from heaters_pipeline.video.detection.gradual.curves import correlation
from heaters_pipeline.video.detection.gradual.find import left_by_motion
from heaters_pipeline.video.detection.gradual.measures import LEAST_SPREAD, step_and_spread
from heaters_pipeline.video.detection.gradual.search import Stretch
from heaters_pipeline.video.detection.score_track import ScoreTrack

# Cells differ by 0 to 255. Frames are at 25 a second.
_MOST_FRAMES = 9
_SIDE_FRAMES = 4  # before and after, in which pictures hardly change
_LEAST_FRAMES = 3  # from side to side, so that two are between: one is in a cut of woven fields
_LEAST_DIFFERENCE = 8.0  # mean of both sides
_MOST_CHANGE = 0.25  # of that, before and after
_LEAST_MIXED = 0.12  # of that, from either side of each frame between
_MOST_AT_ONCE = 0.75  # of that, in one step; a cut in motion has 0.95 and more
_MOST_AT_ONCE_FADING = 0.5
"""To or from a plain colour, which a fade of three frames does in thirds."""
_LEAST_MIXED_ALONE, _MOST_DETOUR = 0.3, 1.15
"""The same, and most of all steps together, where one frame between is analysed."""
_LEAST_BETWEEN = 0.1
"""Of the way, beside its first and its last step; in a short shot between two cuts it is less."""
_LEAST_PROGRESS = 0.05  # of that, in each step from one side to the other
_LEAST_GLARE = 0.5  # of that, from either side; less is light on one of them that comes and goes
_GLARE_CELLS = 0.95  # that are brighter than on both sides
_SAME_LUMA = 4  # by which such a cell may be darker
_LEAST_LEFT = 0.45
"""Share of the change on the way that no motion of the whole picture explains."""
_SAME_PICTURE = 0.9  # correlation of both sides' brightness, from which on only the light changed
_MOST_BETWEEN = 0.5
"""Of what evenly mixed cells would have: how far each cell is from both sides at once. In a wipe a
cell is on one side or the other."""
_BLOCK = 4096


@dataclass(frozen=True, slots=True)
class _Window:
    """From the last frame of one scene to the first of the next, as numbers of analysed frames."""

    first: int
    last: int
    difference: float
    change: float

    @property
    def rank(self) -> float:
        """How far the sides differ beyond what they change by themselves."""
        return self.difference - self.change


def find_short(track: ScoreTrack, cuts: Sequence[int]) -> list[Stretch]:
    """Gradual transitions of at most a third of a second, in order, not overlapping.

    Args:
        track: Of the video.
        cuts: What was taken for hard cuts; one may be a part of what is found here.
    """
    found: list[Stretch] = []
    for window in sorted(_windows(track), key=lambda window: -window.rank):
        stretch = _judged(track, window, cuts)
        if stretch and all(
            stretch.end <= other.start or other.end <= stretch.start for other in found
        ):
            found.append(stretch)
    return sorted(found, key=lambda stretch: stretch.start)


def _windows(track: ScoreTrack) -> Iterator[_Window]:
    """Windows whose sides differ far, and hardly change by themselves."""
    step, count = track.frame_step, len(track.analysed_frames)
    margin = _MOST_FRAMES * step
    for low in range(0, count, _BLOCK):
        first, last = max(0, low - margin), min(count, low + _BLOCK + 2 * margin)
        frames = track.analysed_frames[first:last]
        cells = track.signatures[frames].reshape(len(frames), -1)
        differences = {
            steps: _differences(cells, steps) for steps in range(1, min(margin, len(cells) - 1) + 1)
        }
        before, after = _changes_beside(frames, differences, _SIDE_FRAMES * step)
        for steps in range(2, len(differences) + 1):
            difference = differences[steps]
            change = np.maximum(before[:-steps], after[steps:])
            length = frames[steps:] - frames[:-steps]
            fits = (length >= _LEAST_FRAMES * step) & (length <= margin)
            fits &= (difference >= _LEAST_DIFFERENCE) & (change <= _MOST_CHANGE * difference)
            for at in np.flatnonzero(fits).tolist():
                if low <= first + at < low + _BLOCK:
                    yield _Window(
                        first + at, first + at + steps, float(difference[at]), float(change[at])
                    )


def _differences(cells: UInt8Array, steps: int) -> Float32Array:
    """Mean difference of each picture and the one so many steps later: (pictures - steps,)."""
    apart = cv2.absdiff(cells[steps:], cells[:-steps])
    return np.asarray(cv2.reduce(apart, 1, cv2.REDUCE_AVG, dtype=cv2.CV_32F), np.float32)[:, 0]


def _changes_beside(
    frames: Int64Array, differences: Mapping[int, Float32Array], reach: int
) -> tuple[Float32Array, Float32Array]:
    """How far the pictures just before, and just after, are from each at most: (pictures,) each.

    Of the neighbour it is known in any case; infinite where there is none.
    """
    before, after = (np.full(len(frames), np.inf, np.float32) for _ in range(2))
    for steps, difference in differences.items():
        if steps > reach:
            break
        near = (frames[steps:] - frames[:-steps] <= reach) | (steps == 1)
        for side, own in ((before, slice(steps, None)), (after, slice(None, -steps))):
            known = side[own]
            largest = difference if steps == 1 else np.maximum(known, difference)
            side[own] = np.where(near, largest, known)
    return before, after


def _judged(track: ScoreTrack, window: _Window, cuts: Sequence[int]) -> Stretch | None:
    """What happens in a window, None if it is no gradual transition."""
    frames = track.analysed_frames[window.first : window.last + 1]
    start, end = int(frames[0]), int(frames[-1])
    pictures = track.signatures[frames].astype(np.float32)
    first, last = pictures[0], pictures[-1]
    between = pictures[1:-1]
    from_sides = np.minimum(_apart(between, first), _apart(between, last)) / window.difference
    least = _LEAST_MIXED if len(between) > 1 else _LEAST_MIXED_ALONE
    if from_sides.min() < least or correlation(first[..., 0], last[..., 0]) > _SAME_PICTURE:
        return None
    _, spread = step_and_spread((last - first).reshape(1, -1))
    if spread[0] < LEAST_SPREAD or left_by_motion(track, start, end) < _LEAST_LEFT:
        return None
    steps = _apart(pictures[1:], pictures[:-1]) / window.difference
    glares = from_sides.max() >= _LEAST_GLARE and _is_glare(first, last, between)
    inside = bisect_right(cuts, end) - bisect_right(cuts, start)
    if len(steps) == 2:
        is_one = steps.sum() <= _MOST_DETOUR
    elif steps[1:-1].sum() < _LEAST_BETWEEN * steps.sum():
        is_one = False
    else:
        # Of several cuts each begins a shot, unless all goes from one side to the other.
        is_one = inside < 2 + glares or _goes_across(pictures, window.difference)
    fades = are_blank(pictures[[0, -1]], track.detail[[start, end]]).any()
    most = _MOST_AT_ONCE_FADING if fades else _MOST_AT_ONCE
    if not is_one or (steps.max() > most and not glares):
        return None
    return Stretch(start, end, wipe=not (glares or _is_mix(first, last, between)))


def _goes_across(pictures: Float32Array, difference: float) -> bool:
    """Whether each picture is farther from the first one, and nearer to the last, than before."""
    gone, left = (_apart(pictures, pictures[side]) / difference for side in (0, -1))
    return bool(min(np.diff(gone).min(), -np.diff(left).max()) >= _LEAST_PROGRESS)


def _apart(pictures: Float32Array, others: Float32Array) -> Float32Array:
    """Mean difference of the cells: (pictures,)."""
    return np.asarray(np.abs(pictures - others).mean(axis=(1, 2, 3)))


def _luma(pictures: Float32Array) -> Float32Array:
    """Mean brightness of a picture, or of several."""
    return np.asarray(pictures[..., 0].mean(axis=(-2, -1)))


def _is_glare(first: Float32Array, last: Float32Array, between: Float32Array) -> bool:
    """Whether the brightest picture between is brighter all over than both sides."""
    brightest = between[np.argmax(_luma(between))]
    above = brightest[..., 0] - np.maximum(first, last)[..., 0]
    return float((above >= -_SAME_LUMA).mean()) >= _GLARE_CELLS


def _is_mix(first: Float32Array, last: Float32Array, between: Float32Array) -> bool:
    """Whether all cells change together; in a wipe, one after the other."""
    way = last - first
    weight = np.square(way)
    progress = ((between - first) * way / np.maximum(weight, 1)).clip(0, 1)
    together = (weight * progress).sum(axis=(1, 2, 3)) / weight.sum()
    of_cells = (weight * progress * (1 - progress)).sum(axis=(1, 2, 3)) / weight.sum()
    evenly = together * (1 - together)
    return bool(of_cells.sum() >= _MOST_BETWEEN * evenly.sum())
