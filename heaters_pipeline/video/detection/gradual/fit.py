"""Move and stretch windows to where a mix of two pictures fits best. Pure.

Two curves tell where a mix starts and ends: progress between the two pictures, which is an even
ramp, and the energy of detail, which dips. Motion bends the first, a change of what the scenes show
the second, but seldom both at once. How far each is from an ideal mix is in ``mix_errors``; which
windows are worth a fit, and whether what was fitted is a mix, is decided in ``search``.
"""

from dataclasses import dataclass

import numpy as np

from heaters_pipeline.video.arrays import Float64Array, Int64Array
from heaters_pipeline.video.detection.gradual.curves import GradualCurves
from heaters_pipeline.video.detection.gradual.mix_errors import (
    Tried,
    energy_errors,
    progress_errors,
)

# Ranges in which results stay the same are of threshold_ranges, see ``cuts``.
_ROUNDS = 4  # with 3 or 5, one more transition is missed
_STEPS = 4  # each edge is tried at so many places to each side; with 5, one more is missed
_LEAST_LENGTH = 4  # frames; same from 1 to 6
_LEAST_SCALE = 10.0
"""Of energy, so that the noise of blank pictures does not decide. Same from 5 to 40; at 2.5, five
more transitions are wrong."""
_BATCH = 64  # keeps what is worked on in the processor's cache


@dataclass(frozen=True, slots=True)
class _Surroundings:
    """The frames that are looked at to fit each of some windows.

    Attributes:
        frames: (windows, widest) numbers of the frames; rows go on past their width, and past the
            scene that the window lies in.
        widths: (windows,) how many frames of a row count.
        lowest: (windows, 1) first frame of the scene.
        highest: (windows, 1) last frame of the scene.
    """

    frames: Int64Array
    widths: Int64Array
    lowest: Int64Array
    highest: Int64Array

    @property
    def in_scene(self) -> Int64Array:
        """(windows, widest) the frames, or the nearest ones of the scene."""
        return self.frames.clip(self.lowest, self.highest)


def fitted(
    curves: GradualCurves, starts: Int64Array, ends: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """The windows whose edges are those of the transitions they lie on.

    Each round looks half as far as the one before: a third of the length, at least 4 frames, at
    first. Edges stay between the cuts around.

    Args:
        curves: Of the video.
        starts: (windows,) last frame of the scene before, as far as it is known.
        ends: (windows,) first frame of the scene after, as far as it is known; > ``starts``.
    """
    starts, ends = starts.copy(), ends.copy()
    by_length = np.argsort(ends - starts, kind="stable")
    for first in range(0, len(by_length), _BATCH):
        batch = by_length[first : first + _BATCH]
        starts[batch], ends[batch] = _fitted_batch(curves, starts[batch], ends[batch])
    return starts, ends


def _fitted_batch(
    curves: GradualCurves, starts: Int64Array, ends: Int64Array
) -> tuple[Int64Array, Int64Array]:
    reach = (ends - starts) // 3
    for _ in range(_ROUNDS):
        reach = np.maximum(reach, _STEPS)
        starts, ends = _better(curves, starts, ends, reach)
        reach = reach // 2
    return starts, ends


def _better(
    curves: GradualCurves, starts: Int64Array, ends: Int64Array, reach: Int64Array
) -> tuple[Int64Array, Int64Array]:
    """The best of the windows whose edges are at most ``reach`` from those given."""
    around = _surroundings(curves, starts, ends, reach)
    moves = np.rint(np.arange(-_STEPS, _STEPS + 1) * reach[:, None] / _STEPS).astype(np.int64)
    new_starts = (starts[:, None] + moves).clip(around.lowest, around.highest)
    new_ends = (ends[:, None] + moves).clip(around.lowest, around.highest)
    first = around.frames[:, :1]
    tried = Tried(new_starts - first, new_ends - first, around.widths)
    errors = progress_errors(_progress(curves, around, starts - 1, ends + 1), tried)
    errors += energy_errors(_energy(curves, around), tried)
    too_short = new_ends[:, None, :] - new_starts[:, :, None] < _LEAST_LENGTH
    errors[too_short] = np.inf
    best = errors.reshape(len(starts), -1).argmin(axis=1)
    best_start, best_end = np.divmod(best, moves.shape[1])
    each = np.arange(len(starts))
    return new_starts[each, best_start], new_ends[each, best_end]


def _surroundings(
    curves: GradualCurves, starts: Int64Array, ends: Int64Array, reach: Int64Array
) -> _Surroundings:
    """The frames of each window and ``reach`` more on both sides."""
    first, widths = starts - reach, ends - starts + 2 * reach + 1
    lowest, highest = curves.frames_around(starts)
    return _Surroundings(
        frames=first[:, None] + np.arange(widths.max()),
        widths=widths,
        lowest=lowest[:, None],
        highest=highest[:, None],
    )


def _progress(
    curves: GradualCurves, around: _Surroundings, before: Int64Array, after: Int64Array
) -> Float64Array:
    """How far each frame has gone from one picture to another: the shape of ``around.frames``.

    0 before the scene that the window lies in, 1 after it.

    Args:
        before: (windows,) the frame of each window that shows the one picture.
        after: (windows,) the frame that shows the other.
    """
    lowest, highest = around.lowest, around.highest
    start = curves.cells[np.maximum(before, lowest[:, 0])]
    way = curves.cells[np.minimum(after, highest[:, 0])] - start
    cells = curves.cells[around.in_scene]
    along = (cells @ way[:, :, None])[:, :, 0] - np.einsum("ik,ik->i", start, way)[:, None]
    progress = along.astype(np.float64) / (np.einsum("ik,ik->i", way, way)[:, None] + 1e-6)
    beyond = np.where(around.frames > highest, 1.0, progress)
    return np.where(around.frames < lowest, 0.0, beyond)


def _energy(curves: GradualCurves, around: _Surroundings) -> Float64Array:
    """Energy of each frame over its mean, the outermost going on beyond the scene."""
    energy = curves.energy[around.in_scene]
    counts = np.arange(energy.shape[1]) < around.widths[:, None]
    mean = np.where(counts, energy, 0).sum(axis=1) / around.widths
    return np.asarray(energy / np.maximum(mean[:, None], _LEAST_SCALE))
