"""Hard cuts of the ``adaptive`` method. Pure.

A cut is where all of the 4 frames before it differ from all of the 4 after it, and far more
than neighbouring frames do thereabouts. The first rejects flashes and single bad frames, after
which the picture returns; the second adapts to motion, noise and dark scenes.
"""

import numpy as np
import numpy.typing as npt

from heaters_pipeline.video.score_track import ScoreTrack

Floats = npt.NDArray[np.float64]

_FLOOR = 0.3
"""Distance that noise and compression alone can cause; keeps still pictures from cutting."""

_NEAR_FRAMES = 6
_SPIKE_RATIO = 3.0
_SPIKE_GAP_FRAMES = 3


def cut_strengths(track: ScoreTrack) -> Floats:
    """How many times over a change is larger than what is usual around it: (frames,), >= 0."""
    step = track.frame_step
    distances = track.distances.astype(np.float64)
    return _across(distances, step) / (_usual(np.nan_to_num(distances[:, 0]), step) + _FLOOR)


def find_cuts(track: ScoreTrack, threshold: float) -> list[int]:
    """First frames of new scenes, increasing, without 0.

    Args:
        track: Scores of the video.
        threshold: Least strength of a cut.
    """
    change = np.nan_to_num(track.distances[:, 0])
    padded = np.pad(change, 2)
    frames = len(change)
    neighbours = [padded[offset : offset + frames] for offset in (0, 1, 3, 4)]
    largest = (change > neighbours[0]) & (change > neighbours[1])
    largest &= (change >= neighbours[2]) & (change >= neighbours[3])
    strong = cut_strengths(track) >= threshold
    return [int(frame) for frame in np.flatnonzero(strong & largest) if frame > 0]


def _across(distances: Floats, step: int) -> Floats:
    """Least distance of the frames before to the frames from each frame on."""
    frames, lags = distances.shape
    reach = (lags + 1) // 2
    known = np.where(np.isnan(distances), np.inf, distances)
    least = np.full(frames, np.inf)
    for after in range(reach):
        nearest = known[:, after : after + reach].min(axis=1)
        shift = after * step
        if shift >= frames:
            break
        least[: frames - shift] = np.minimum(least[: frames - shift], nearest[shift:])
    return np.where(np.isinf(least), 0.0, least)


def _usual(change: Floats, step: int) -> Floats:
    """Mean change of the frames around each frame, other cuts left out."""
    near, gap = _NEAR_FRAMES * step, _SPIKE_GAP_FRAMES * step
    spikes = _spikes(change)
    exists = np.ones(len(change))
    exists[0] = 0
    total = _sum_around(change, near) - change
    count = _sum_around(exists, near) - exists
    # Cuts that follow each other within a second must not hide each other.
    for values, target in ((change * spikes, total), (spikes.astype(np.float64), count)):
        target -= _sum_around(values, near) - _sum_around(values, gap - 1)
    return np.where(count > 0, np.maximum(total, 0) / np.maximum(count, 1), 0.0)


def _spikes(change: Floats) -> npt.NDArray[np.bool_]:
    padded = np.pad(change, 2)
    frames = len(change)
    around = np.max([padded[offset : offset + frames] for offset in (0, 1, 3, 4)], axis=0)
    return np.asarray(change > _SPIKE_RATIO * (around + _FLOOR))


def _sum_around(values: Floats, reach: int) -> Floats:
    sums = np.concatenate([[0.0], np.cumsum(values)])
    frames = np.arange(len(values))
    last = np.minimum(frames + reach + 1, len(values))
    return np.asarray(sums[last] - sums[np.maximum(frames - reach, 0)])
