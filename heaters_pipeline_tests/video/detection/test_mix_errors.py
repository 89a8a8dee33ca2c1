"""Errors of many mixes at once are those that are found by looking at each mix frame by frame."""

from itertools import product

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from heaters_pipeline.video.arrays import Float64Array
from heaters_pipeline.video.detection.gradual.mix_errors import (
    Tried,
    energy_errors,
    progress_errors,
)


def ramp_error(progress: Float64Array, start: int, end: int) -> float:
    ramp = ((np.arange(len(progress)) - start) / (end - start)).clip(0, 1)
    return float(np.square(progress - ramp).sum())


def mix_error(energy: Float64Array, start: int, end: int) -> float:
    share = ((np.arange(len(energy)) - start) / (end - start)).clip(0, 1)
    mixed = (1 - share) ** 2 * energy[start] + share**2 * energy[end]
    return float(np.square(energy - mixed).sum())


@settings(deadline=None)
@given(seed=st.integers(0, 2**32 - 1), windows=st.integers(1, 5), frames=st.integers(2, 60))
def test_errors_are_those_of_each_mix_on_its_own(seed: int, windows: int, frames: int) -> None:
    rng = np.random.default_rng(seed)
    widths = rng.integers(2, frames + 1, windows)
    tried = Tried(
        rng.integers(0, widths[:, None], (windows, 4)),
        rng.integers(0, widths[:, None], (windows, 3)),
        widths,
    )
    curves = rng.uniform(0, 3, (windows, frames))
    ramps, mixes = progress_errors(curves, tried), energy_errors(curves, tried)
    assert ramps.shape == mixes.shape == (windows, 4, 3)
    for window, row, column in product(range(windows), range(4), range(3)):
        start, end = int(tried.starts[window, row]), int(tried.ends[window, column])
        if start >= end:
            continue
        curve = curves[window, : widths[window]]
        at = window, row, column
        np.testing.assert_allclose(ramps[at], ramp_error(curve, start, end), atol=1e-9)
        # The sum of fourth powers is not exact.
        most = (curve[start] + curve[end]) ** 2 * 0.04 / (end - start) ** 3
        np.testing.assert_allclose(mixes[at], mix_error(curve, start, end), atol=most + 1e-9)
