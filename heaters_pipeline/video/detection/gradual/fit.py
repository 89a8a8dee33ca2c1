"""Move and stretch windows to where a mix of two pictures fits best. Pure.

Two curves tell where a mix starts and ends: progress between the two pictures, which is an even
ramp, and the energy of detail, which is ``(1 - p)^2 E(A) + p^2 E(B)`` at progress ``p``. Motion
bends the first, a change of what the scenes show the second, but seldom both at once.
"""

import numpy as np

from heaters_pipeline.video.detection.gradual.curves import Floats, GradualCurves, Ints

_ROUNDS = 4
_STEPS = 4  # each edge is tried at so many places to each side
_LEAST_LENGTH = 4
_LEAST_SCALE = 10.0  # of energy, so that the noise of blank pictures does not decide
_BATCH = 64  # keeps what is worked on in the processor's cache


def fitted(curves: GradualCurves, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    """The windows whose edges are those of the transitions they lie on.

    Each round looks half as far as the one before: a third of the length, at least 4 frames, at
    first. Edges stay between the cuts around.
    """
    starts, ends = starts.copy(), ends.copy()
    by_length = np.argsort(ends - starts, kind="stable")
    for first in range(0, len(by_length), _BATCH):
        batch = by_length[first : first + _BATCH]
        starts[batch], ends[batch] = _fitted_batch(curves, starts[batch], ends[batch])
    return starts, ends


def _fitted_batch(curves: GradualCurves, starts: Ints, ends: Ints) -> tuple[Ints, Ints]:
    within = curves.frames_around(starts)
    reach = (ends - starts) // 3
    for _ in range(_ROUNDS):
        reach = np.maximum(reach, _STEPS)
        starts, ends = _better(curves, starts, ends, reach, within)
        reach = reach // 2
    return starts, ends


def _better(
    curves: GradualCurves, starts: Ints, ends: Ints, reach: Ints, within: tuple[Ints, Ints]
) -> tuple[Ints, Ints]:
    """The best of the windows whose edges are at most ``reach`` from those given."""
    lowest, highest = within
    low = starts - reach
    # Windows of a batch differ in length; what lies beyond a window must not count in it.
    widths = ends + reach - low + 1
    frames = low[:, None] + np.arange(widths.max())
    first, last = np.maximum(starts - 1, lowest), np.minimum(ends + 1, highest)
    moves = np.rint(np.arange(-_STEPS, _STEPS + 1) * reach[:, None] / _STEPS).astype(np.int64)
    new_starts = (starts[:, None] + moves).clip(lowest[:, None], highest[:, None])
    new_ends = (ends[:, None] + moves).clip(lowest[:, None], highest[:, None])
    tried = (new_starts - low[:, None], new_ends - low[:, None], widths)
    errors = _progress_errors(_progress(curves, frames, first, last, within), *tried)
    errors += _energy_errors(_energy(curves, frames, widths, within), *tried)
    too_short = new_ends[:, None, :] - new_starts[:, :, None] < _LEAST_LENGTH
    errors[too_short] = np.inf
    best = errors.reshape(len(starts), -1).argmin(axis=1)
    each = np.arange(len(starts))
    return new_starts[each, best // moves.shape[1]], new_ends[each, best % moves.shape[1]]


def _progress(
    curves: GradualCurves, frames: Ints, first: Ints, last: Ints, within: tuple[Ints, Ints]
) -> Floats:
    """How far each frame has gone from one picture to the other: the shape of ``frames``.

    0 before the scene that the window starts in, 1 after the one that it ends in.
    """
    lowest, highest = (edge[:, None] for edge in within)
    before = curves.cells[first]
    way = curves.cells[last] - before
    cells = curves.cells[frames.clip(lowest, highest)]
    along = (cells @ way[:, :, None])[:, :, 0] - np.einsum("ik,ik->i", before, way)[:, None]
    progress = along.astype(np.float64) / (np.einsum("ik,ik->i", way, way)[:, None] + 1e-6)
    return np.where(frames < lowest, 0.0, np.where(frames > highest, 1.0, progress))


def _energy(curves: GradualCurves, frames: Ints, widths: Ints, within: tuple[Ints, Ints]) -> Floats:
    """Energy of each frame over its mean, the outermost going on beyond the scene."""
    lowest, highest = (edge[:, None] for edge in within)
    energy = curves.energy[frames.clip(lowest, highest)]
    mean = np.where(np.arange(energy.shape[1]) < widths[:, None], energy, 0).sum(axis=1) / widths
    return np.asarray(energy / np.maximum(mean[:, None], _LEAST_SCALE))


def _progress_errors(progress: Floats, starts: Ints, ends: Ints, widths: Ints) -> Floats:
    """Sum of squared differences of progress from each ramp: (windows, starts, ends).

    A ramp is 0 up to its start and 1 from its end on. The sum over the ramp is taken apart, so
    that running sums give it for all ramps at once.
    """
    times = np.arange(progress.shape[1])
    sums = _running(progress, progress * times, progress**2, (progress - 1) ** 2)
    (_, _, before, _), (plain, timed, squared, _), (*_, after) = _parts(sums, starts, ends, widths)
    start = starts[:, :, None]
    length = np.maximum(ends[:, None, :] - start, 1)
    ramp = (timed - start * plain) / length
    return np.asarray(before + squared - 2 * ramp + _powers(2, length) + after)


def _energy_errors(energy: Floats, starts: Ints, ends: Ints, widths: Ints) -> Floats:
    """Sum of squared differences of energy from that of each mix: (windows, starts, ends).

    Outside of a mix, energy stays what it is at its edges.
    """
    times = np.arange(energy.shape[1])
    sums = _running(energy, energy * times, energy * times**2, energy**2)
    before, (plain, timed, twice_timed, squared), after = _parts(sums, starts, ends, widths)
    start, end = starts[:, :, None], ends[:, None, :]
    length = np.maximum(end - start, 1)
    share = (timed - start * plain) / length
    share_squared = (twice_timed - 2 * start * timed + start**2 * plain) / length**2
    a = np.take_along_axis(energy, starts, 1)[:, :, None]
    b = np.take_along_axis(energy, ends, 1)[:, None, :]
    # The mix is a - 2 a p + (a + b) p^2 at progress p.
    product = a * plain - 2 * a * share + (a + b) * share_squared
    square = (
        a**2 * length
        - 4 * a**2 * _powers(1, length)
        + 2 * a * (3 * a + b) * _powers(2, length)
        - 4 * a * (a + b) * _powers(3, length)
        + (a + b) ** 2 * _powers(4, length)
    )
    outside = before[3] - 2 * a * before[0] + a**2 * start
    outside = outside + after[3] - 2 * b * after[0] + b**2 * (widths[:, None, None] - end)
    return np.asarray(outside + squared - 2 * product + square)


def _powers(exponent: int, length: Ints) -> Floats:
    """Sum of ``(k / length) ** exponent`` for k from 0 to length - 1, for exponents from 1 to 4.

    By Euler and Maclaurin, which leaves out less than 0.04 / length^3.
    """
    correction = exponent / (12 * length) if exponent > 1 else 0
    return np.asarray(length / (exponent + 1) - 0.5 + correction)


def _running(*terms: Floats) -> Floats:
    """Sums of all frames before each: (terms, windows, frames + 1)."""
    stacked = np.stack(terms)
    return np.concatenate([np.zeros((*stacked.shape[:2], 1)), np.cumsum(stacked, axis=2)], axis=2)


def _parts(sums: Floats, starts: Ints, ends: Ints, widths: Ints) -> tuple[Floats, Floats, Floats]:
    """Sums before each start, from start to end, and from the end on: (terms, windows, ...)."""
    each = np.arange(len(starts))[:, None]
    at_start = sums[:, each, starts][:, :, :, None]
    at_end = sums[:, each, ends][:, :, None, :]
    return at_start, at_end - at_start, sums[:, each, widths[:, None]][:, :, :, None] - at_end
