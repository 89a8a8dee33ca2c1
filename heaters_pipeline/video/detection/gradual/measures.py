"""How well stretches of a video pass for a mix of their two ends. Pure.

All functions take many stretches at once: from frame ``starts[i]``, the last of the scene before,
to ``ends[i]``, the first of the scene after. Measures of wipes are in ``wipes``.
"""

from dataclasses import dataclass

import numpy as np

from heaters_pipeline.video.arrays import BoolArray, Float32Array, Float64Array, Int64Array
from heaters_pipeline.video.detection.gradual.curves import GradualCurves

# Cells differ by 0 to 255. Ranges in which results stay the same are of threshold_ranges, see
# ``cuts``. On edited videos (benchmarks/detection_accuracy.py), recall and precision moved by at
# most 0.03 with LEAST_MIX from 0.08 to 0.09 and _LEAST_EXPLAINED from 0.75 to 0.85.
LEAST_STEP = 4.0  # mean difference of two scenes; noise and quality pulses stay below; same to 5
_MOST_BEND = 0.25  # of progress from even, at the quarters; same from 0.227
LEAST_MIX = 0.08
"""Share of detail lost x straightness x evenness x root of spread. At 0.073 two more are wrong, at
0.088 one is missed and two fewer are wrong."""
LEAST_SPREAD = 0.2  # about 0.6 times the share of the picture that changes; same from 0.05 to 0.3
_LEAST_EXPLAINED = 0.85
"""By a dip; 5/8 where a thing appears at once in the last frame. Same from 0.77."""
_SAMPLES = 24
NO_DETAIL = 4.0  # energy below which there is none; same from 2 to 16
NO_DETAIL_LOST = 0.5
"""Two blank pictures have none to lose; evenness alone has to convince. Same from 0.25 to 2."""


@dataclass(frozen=True, slots=True)
class Measures:
    """Of many stretches, each (stretches,).

    Attributes:
        step: Mean difference of the two end pictures.
        straightness: ``step`` over the sum of changes on the way, 0 to 1.
        bend: How far progress is from even, at the quarters.
        lost: Share of the energy of detail lost in between.
        spread: How evenly the difference is shared by the cells, 0 to 1.
        explained: Share of how energy of detail differs from an even change that is a dip of the
            shape ``p (1 - p)``, of any depth, 0 to 1; 1 for a mix of still pictures.
    """

    step: Float64Array
    straightness: Float64Array
    bend: Float64Array
    lost: Float64Array
    spread: Float64Array
    explained: Float64Array

    @property
    def mix(self) -> Float64Array:
        """How much a stretch looks like a mix of its ends."""
        return self.lost * self.straightness * (1 - self.bend)

    @property
    def mixes(self) -> BoolArray:
        """Whether a stretch is taken for a mix."""
        return self.worth_a_fit & (self.explained >= _LEAST_EXPLAINED)

    @property
    def worth_a_fit(self) -> BoolArray:
        """Whether a window may become a mix when it is moved and stretched."""
        # An object that crosses the picture, or a title, changes a part of it, a mix nearly all.
        spread = np.where(self.spread >= LEAST_SPREAD, np.sqrt(self.spread), 0)
        enough = (self.mix * spread >= LEAST_MIX) & (self.step >= LEAST_STEP)
        return np.asarray(enough & (self.bend <= _MOST_BEND))


def measured(curves: GradualCurves, starts: Int64Array, ends: Int64Array) -> Measures:
    """Measure stretches as mixes.

    Args:
        curves: Of the video.
        starts: (stretches,) first frames.
        ends: (stretches,) last frames, > ``starts``, with no cut on the way.
    """
    first = curves.cells[starts]
    way = curves.cells[ends] - first
    square = np.einsum("ij,ij->i", way, way).astype(np.float64)
    step, spread = step_and_spread(way)
    path = curves.paths[0, ends] - curves.paths[0, starts]
    bend = np.zeros(len(starts))
    for quarter in (1, 2, 3):
        offsets = np.rint(quarter * (ends - starts) / 4).astype(np.int64)
        gone = curves.cells[starts + offsets] - first
        progress = np.einsum("ij,ij->i", gone, way) / (square + 1e-6)
        bend = np.maximum(bend, np.abs(progress - offsets / (ends - starts)))
    return Measures(
        step=step,
        straightness=step / np.maximum(path, 1e-6),
        bend=bend,
        lost=detail_lost(curves, starts, ends),
        spread=spread,
        explained=_explained(curves, starts, ends),
    )


def step_and_spread(way: Float32Array) -> tuple[Float64Array, Float64Array]:
    """Mean difference of two pictures, and how evenly the cells share it, 0 to 1."""
    step = np.abs(way).mean(axis=1, dtype=np.float64)
    return step, step**2 / (np.square(way).mean(axis=1, dtype=np.float64) + 1e-6)


def detail_lost(curves: GradualCurves, starts: Int64Array, ends: Int64Array) -> Float64Array:
    """Share of the energy of detail that the middle half lacks of what it were, going evenly."""
    lengths = ends - starts
    low, high = lengths // 4, lengths - lengths // 4
    found = curves.energy_sums[starts + high + 1] - curves.energy_sums[starts + low]
    first, last = curves.energy[starts], curves.energy[ends]
    # The middle half lies evenly around the middle, so both ends count the same in it.
    even = (high - low + 1) * (first + last) / 2
    return np.where(np.maximum(first, last) < NO_DETAIL, NO_DETAIL_LOST, 1 - found / even)


def _explained(curves: GradualCurves, starts: Int64Array, ends: Int64Array) -> Float64Array:
    shares = np.arange(1, _SAMPLES) / _SAMPLES
    times = starts[:, None] + (ends - starts)[:, None] * shares
    before = times.astype(np.int64)
    energy = curves.energy[before]
    energy += (times - before) * (curves.energy[before + 1] - energy)
    first, last = curves.energy[starts][:, None], curves.energy[ends][:, None]
    # Energy of a mix is even but for p (1 - p) times the sum of that of both ends.
    below = (1 - shares) * first + shares * last - energy
    dip = shares * (1 - shares)
    alike = np.maximum(below @ dip, 0) ** 2
    explained = alike / (np.square(below).sum(axis=1) * (dip @ dip) + 1e-6)
    # Two blank pictures have no detail to tell by; evenness alone has to convince.
    return np.where(np.maximum(first, last)[:, 0] < NO_DETAIL, 1.0, explained)
