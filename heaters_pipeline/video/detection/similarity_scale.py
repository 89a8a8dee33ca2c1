"""One scale for the scores of all methods: 1 is the same picture, 0 nothing in common. Pure.

The scores of the methods run in different directions over different ranges, and some ranges
depend on the picture: ``intersect`` of a picture with itself is the sum of its histogram (of L2
norm 1, so the sum is from 1.7 for one colour to 27.7 for all evenly). With ``A`` and ``B`` the sums
of the histograms of two frames and ``x`` their score:

| method | unit similarity | what it means |
|---|---|---|
| correl | ``max(x, 0)`` | correlation; below 0 pictures share less than chance would give |
| chisqr | ``1 / (1 + x / min(A, B))`` | at most 0.5 for pictures without a colour in common |
| intersect | ``x / (A + B - x)`` | what both have, as a share of what either has (Jaccard) |
| bhattacharyya | ``1 - x`` | ``x`` is the Hellinger distance of the colours' shares |
| adaptive | ``4.3 / (4.3 + strength)`` | 0.5 where a change is 4.3 times the usual |

OpenCV's ``chisqr`` leaves out the bins that the first picture lacks: two pictures without a common
colour score just ``A``, and ones that share some can score more, so its scale reaches 0 in the
limit only. OpenCV's ``bhattacharyya`` divides by the sums itself and needs no more.

All maps are monotone for a given pair of pictures: comparing unit similarities with ``t`` decides
as comparing scores with ``native_threshold(method, t)`` does. The decision itself is in
``transitions``.
"""

from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
import numpy.typing as npt

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.arrays import Float64Array

ScaledMethod = Literal["adaptive", "correl", "chisqr", "intersect", "bhattacharyya"]

SUGGESTED_UNIT_THRESHOLDS: dict[ScaledMethod, float] = {
    "adaptive": 0.5,
    "correl": 0.6,
    "chisqr": 0.35,
    "intersect": 0.5,
    "bhattacharyya": 0.6,
}
"""On or near the best F1 on labelled videos, see ``docs/benchmarks.md``."""

_ADAPTIVE_MIDDLE = 4.3


@dataclass(frozen=True, slots=True, eq=False)
class PairSums:
    """Sums (L1 norms) of the L2-normalised histograms that were compared, 1 or more each.

    Attributes:
        before: Of the first picture of each pair.
        after: Of the second; broadcasts with ``before``.
    """

    before: npt.NDArray[np.floating]
    after: npt.NDArray[np.floating]

    @classmethod
    def of_neighbours(cls, sums: npt.NDArray[np.floating]) -> "PairSums":
        """The pairs of each frame and the one before it; frame 0 has none, its ``before`` is NaN.

        Args:
            sums: (frames,) sum of the histogram of each frame.
        """
        return cls(np.concatenate([[np.nan], sums[:-1]]), sums)


def unit_similarity(
    method: ScaledMethod, scores: npt.ArrayLike, sums: PairSums | None = None
) -> Float64Array:
    """How similar pictures are, from 0 to 1, by the scores of a method.

    Args:
        method: Which method gave the scores.
        scores: Of any shape: OpenCV's for the histogram methods, strengths (>= 0) for
            ``adaptive``. NaN stays NaN.
        sums: Of the histograms behind each score; ``chisqr`` and ``intersect`` need them.
    Returns:
        The shape of ``scores``, broadcast with ``sums`` where these are used.
    Raises:
        ValueError: The method needs ``sums``.
    """
    x = np.asarray(scores, np.float64)
    match method:
        case "correl":
            unit = x
        case "bhattacharyya":
            unit = 1 - x
        case "chisqr":
            unit = 1 / (1 + x / _plainer(method, sums))
        case "intersect":
            unit = x / (_both(method, sums) - x)
        case "adaptive":
            unit = _ADAPTIVE_MIDDLE / (_ADAPTIVE_MIDDLE + x)
        case _:
            assert_never(method)
    # OpenCV's scores are rounded, so the same picture may score a little above itself.
    return np.asarray(np.clip(unit, 0, 1), np.float64)


def native_threshold(
    method: ScaledMethod, unit_threshold: float, sums: PairSums | None = None
) -> Float64Array:
    """The threshold of a method's own scores that a unit threshold stands for.

    For the histogram methods a score is beyond it (below for ``correl`` and ``intersect``,
    above for ``chisqr`` and ``bhattacharyya``) where the unit similarity is below
    ``unit_threshold``; a strength of ``adaptive`` reaches it where the unit similarity is at or
    below. At 0, the thresholds are ones that no score is beyond.

    Args:
        method: Whose scores are compared.
        unit_threshold: 0 to 1.
        sums: As for ``unit_similarity``: with them the threshold differs from pair to pair.
    Returns:
        One threshold a pair for ``chisqr`` and ``intersect``, an array without dimensions else.
    Raises:
        SettingsError: The unit threshold is outside its range.
        ValueError: The method needs ``sums``.
    """
    if not 0 <= unit_threshold <= 1:
        raise SettingsError(f"a unit threshold must be from 0 to 1, got {unit_threshold}")
    t = float(unit_threshold)
    match method:
        case "correl":
            # Scores below 0 have the unit similarity 0, which is not below 0.
            native: Float64Array | float = t if t > 0 else -1.0
        case "bhattacharyya":
            native = 1 - t
        case "chisqr":
            native = _odds_against(t) * _plainer(method, sums)
        case "intersect":
            native = t / (1 + t) * _both(method, sums)
        case "adaptive":
            native = _odds_against(t) * _ADAPTIVE_MIDDLE
        case _:
            assert_never(method)
    return np.asarray(native, np.float64)


def _odds_against(unit_threshold: float) -> float:
    return 1 / unit_threshold - 1 if unit_threshold > 0 else float("inf")


def _plainer(method: ScaledMethod, sums: PairSums | None) -> Float64Array:
    known = _required(method, sums)
    return np.asarray(np.minimum(known.before, known.after), np.float64)


def _both(method: ScaledMethod, sums: PairSums | None) -> Float64Array:
    known = _required(method, sums)
    return np.asarray(known.before, np.float64) + np.asarray(known.after, np.float64)


def _required(method: ScaledMethod, sums: PairSums | None) -> PairSums:
    if sums is None:
        raise ValueError(f"the scale of {method} depends on the sums of the histograms; give them")
    return sums
