"""Where fades may be: on both sides of what is black or white. Pure."""

import numpy as np

from heaters_pipeline.video.detection.gradual.curves import Bools, GradualCurves, Ints

_DEEP = 1.0  # luma from the blackest frame of a stretch that is still as black
_LEAST_FADE_FRAMES = 5
_MOST_FADE_FRAMES = 96
_LEAST_STRENGTH = 2.5  # of what fades, above black; noise stays below
_MOST_SEEN = 1.5  # times that strength
_MOST_UNEVEN = 0.1  # of that strength, root mean square from an even ramp


def blank_cores(curves: GradualCurves) -> tuple[Ints, Ints]:
    """First and last frames of the blackest, or whitest, part of each blank stretch."""
    firsts, lasts = [], []
    shown = np.sqrt(curves.energy)
    for blank, darkness in (
        (curves.black, curves.luma + shown),
        (curves.white, shown - curves.luma),
    ):
        starts, ends = _runs(blank, curves.scene_numbers)
        if not len(starts):
            continue
        number = np.repeat(np.arange(len(starts)), ends - starts)
        deepest = np.minimum.reduceat(darkness[blank], np.cumsum(ends - starts) - (ends - starts))
        deep = np.flatnonzero(blank)[darkness[blank] <= deepest[number] + _DEEP]
        number = np.searchsorted(starts, deep, side="right")
        first = np.flatnonzero(np.diff(number, prepend=0))
        firsts.append(deep[first])
        lasts.append(deep[np.append(first[1:], len(deep)) - 1])
    if not firsts:
        return np.empty(0, np.int64), np.empty(0, np.int64)
    return np.concatenate(firsts), np.concatenate(lasts)


def _runs(which: Bools, scenes: Ints) -> tuple[Ints, Ints]:
    """Starts and ends of stretches of frames that are marked and lie in one scene."""
    change = np.diff(np.where(which, scenes, 0), prepend=0, append=0)
    edges = np.flatnonzero(change)
    marked = np.append(which, False)
    starts = edges[marked[edges]]
    ends = edges[np.append(False, which)[edges]]
    return starts, ends


def ramp_length(curves: GradualCurves, core: int, limit: int) -> int | None:
    """How many frames before or after a blank frame an even fade begins or ends, if there is one.

    Everything a fade shows grows with the same factor, brightness as well as the root of the
    energy of detail, so their sum is a ramp however dark the picture is.

    Args:
        core: First blank frame, or the last one.
        limit: The farthest frame to look at; before or after ``core``.
    """
    least = _LEAST_FADE_FRAMES * curves.frame_step
    most = min(abs(limit - core), _MOST_FADE_FRAMES * curves.frame_step * 3 // 2)
    if most < least:
        return None
    frames = core + np.sign(limit - core) * np.arange(most + 1)
    strength = np.abs(curves.luma[frames] - curves.luma[core])
    strength = strength + np.sqrt(curves.energy[frames]) - np.sqrt(curves.energy[core])
    best: tuple[float, int] | None = None
    for length in range(least, min(most, _MOST_FADE_FRAMES * curves.frame_step) + 1):
        if strength[length] < _LEAST_STRENGTH:
            continue
        # What follows the ramp must not go on rising: that belongs to a longer one.
        seen = strength[: length + max(least, length // 2) + 1] / strength[length]
        seen = np.minimum(seen, _MOST_SEEN)  # whatever comes next may be a flash
        even = np.minimum(np.arange(len(seen)) / length, 1)
        uneven = float(np.sqrt(np.square(seen - even).mean()))
        if uneven <= _MOST_UNEVEN and (best is None or uneven < best[0]):
            best = uneven, length
    return best and best[1]
