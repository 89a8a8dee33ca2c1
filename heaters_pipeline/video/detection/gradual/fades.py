"""Where fades may be: on both sides of what is black or white. Pure.

Which frames are blank is told by ``curves``; whether a fade is taken for one, by ``search`` and
``kinds``.
"""

from itertools import pairwise

import numpy as np

from heaters_pipeline.video.arrays import BoolArray, Int64Array
from heaters_pipeline.video.detection.gradual.curves import GradualCurves

# Ranges in which results stay the same are of threshold_ranges, see ``cuts``.
_DEEP = 1.0  # luma from the blackest frame of a stretch that is still as black; same from 0.25 to 4
_LEAST_FADE_FRAMES = 5  # same from 2 to 13
_MOST_FADE_FRAMES = 96  # same from 24 to 384
_LEAST_STRENGTH = 2.5  # of what fades, above black; noise stays below; same from 0.6 to 10
_MOST_SEEN = 1.5  # times that strength; same from 0.4 to 6
_MOST_UNEVEN = 0.1
"""Of that strength, root mean square from an even ramp. Same from 0.025 to 0.2; at 0.4, ten more
transitions are wrong."""


def blank_cores(curves: GradualCurves) -> tuple[Int64Array, Int64Array]:
    """First and last frames of the blackest part of each black stretch, then of white ones."""
    shown = np.sqrt(curves.energy)
    cores = []
    for blank, darkness in (
        (curves.black, curves.luma + shown),
        (curves.white, shown - curves.luma),
    ):
        for start, end in _stretches(blank, curves.scene_numbers):
            stretch = darkness[start:end]
            deep = np.flatnonzero(stretch <= stretch.min() + _DEEP)
            cores.append((start + deep[0], start + deep[-1]))
    firsts, lasts = np.array(cores, np.int64).reshape(-1, 2).T
    return firsts, lasts


def _stretches(which: BoolArray, scene_numbers: Int64Array) -> list[tuple[int, int]]:
    """Starts and ends of the stretches of marked frames, each in one scene."""
    # Scenes are numbered from 1, so that a stretch begins or ends wherever this changes.
    numbers = np.where(which, scene_numbers, 0)
    edges = np.flatnonzero(np.diff(numbers, prepend=0, append=0)).tolist()
    return [(start, end) for start, end in pairwise(edges) if which[start]]


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
