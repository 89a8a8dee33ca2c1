"""One scale for all methods: its range, its ends, its order, and its way back."""

from typing import get_args

import cv2
import numpy as np
import numpy.typing as npt
import pytest

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.detection.settings import SUGGESTED_UNIT_THRESHOLDS
from heaters_pipeline.video.detection.similarity_scale import (
    PairSums,
    ScaledMethod,
    native_threshold,
    unit_similarity,
)

METHODS: tuple[ScaledMethod, ...] = get_args(ScaledMethod)
COMPARISONS: dict[ScaledMethod, int] = {
    "correl": cv2.HISTCMP_CORREL,
    "chisqr": cv2.HISTCMP_CHISQR,
    "intersect": cv2.HISTCMP_INTERSECT,
    "bhattacharyya": cv2.HISTCMP_BHATTACHARYYA,
}
RISES_WITH_SIMILARITY = {"correl", "intersect"}

Histogram = npt.NDArray[np.float32]
Floats = npt.NDArray[np.float64]


def histogram(counts: npt.ArrayLike) -> Histogram:
    """A histogram of 768 bins with the L2 norm 1."""
    values = np.asarray(counts, np.float32).reshape(768, 1)
    return np.asarray(cv2.normalize(values, None), np.float32)


def spread(seed: int, colours: int) -> Histogram:
    """The histogram of a picture that has so many values, chosen at random."""
    rng = np.random.default_rng(seed)
    counts = np.zeros(768)
    counts[rng.choice(768, colours, replace=False)] = rng.pareto(1.5, colours) + 1
    return histogram(counts)


def unit_of(method: ScaledMethod, before: Histogram, after: Histogram) -> float:
    score = cv2.compareHist(before, after, COMPARISONS[method])
    sums = PairSums(before.sum(keepdims=True)[0], after.sum(keepdims=True)[0])
    return float(unit_similarity(method, np.array([score]), sums)[0])


def some_scores(method: ScaledMethod) -> tuple[Floats, PairSums]:
    """Scores over the range of a method, all of one pair of sums."""
    end = {"adaptive": 100.0, "correl": 1.0, "chisqr": 1e4, "intersect": 4.0, "bhattacharyya": 1.0}
    sums = PairSums(np.array([4.0]), np.array([9.0]))
    return np.linspace(-1 if method == "correl" else 0, end[method], 401), sums


@pytest.mark.parametrize("method", COMPARISONS)
@pytest.mark.parametrize("colours", [3, 40, 768])
def test_a_picture_with_itself_is_1(method: ScaledMethod, colours: int) -> None:
    picture = spread(colours, colours)
    assert unit_of(method, picture, picture) == pytest.approx(1, abs=1e-3)


@pytest.mark.parametrize("colours", [3, 40, 384])
def test_nothing_in_common_is_0_and_at_most_a_half_for_chisqr(colours: int) -> None:
    before = histogram([*np.ones(colours), *np.zeros(768 - colours)])
    after = histogram([*np.zeros(768 - colours), *np.ones(colours)])
    plain = histogram([*np.zeros(765), 1, 1, 1])
    for method in ("correl", "intersect", "bhattacharyya"):
        assert unit_of(method, before, after) == pytest.approx(0, abs=1e-3)
        assert unit_of(method, before, plain) == pytest.approx(0, abs=1e-3)
    assert unit_of("chisqr", before, after) == pytest.approx(0.5)
    assert unit_of("chisqr", before, plain) <= 0.5
    assert unit_of("chisqr", plain, before) == pytest.approx(0.5)


@pytest.mark.parametrize("method", COMPARISONS)
def test_real_pairs_stay_in_the_range(method: ScaledMethod) -> None:
    pictures = [spread(seed, colours) for seed in range(6) for colours in (1, 3, 60, 768)]
    units = [unit_of(method, before, after) for before in pictures for after in pictures]
    assert min(units) >= 0
    assert max(units) <= 1


def test_intersect_is_the_share_of_the_union() -> None:
    before, after = spread(1, 300), spread(2, 500)
    expected = np.minimum(before, after).sum() / np.maximum(before, after).sum()
    assert unit_of("intersect", before, after) == pytest.approx(expected, rel=1e-5)


def test_bhattacharyya_needs_no_sums_since_it_is_the_same_for_any_norm() -> None:
    before, after = spread(1, 300), spread(2, 500)
    scaled = cv2.compareHist(7 * before, 3 * after, cv2.HISTCMP_BHATTACHARYYA)
    overlap = np.sqrt(before / before.sum() * after / after.sum()).sum()
    assert 1 - scaled == pytest.approx(unit_of("bhattacharyya", before, after), abs=1e-6)
    assert 1 - scaled == pytest.approx(1 - np.sqrt(1 - overlap), abs=1e-6)


@pytest.mark.parametrize("method", METHODS)
def test_order_is_kept_and_the_range_is_0_to_1(method: ScaledMethod) -> None:
    scores, sums = some_scores(method)
    units = unit_similarity(method, scores, sums)
    steps = np.diff(units if method in RISES_WITH_SIMILARITY else units[::-1])
    assert (steps >= 0).all()
    assert units.min() >= 0
    assert units.max() <= 1
    strictly = scores[1:] > 0 if method == "correl" else np.ones(len(scores) - 1, bool)
    assert (steps[strictly] > 0).all()


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("threshold", [0, 0.05, 0.3, 0.5, 0.6, 0.95, 1])
def test_both_scales_decide_alike(method: ScaledMethod, threshold: float) -> None:
    scores, sums = some_scores(method)
    units = unit_similarity(method, scores, sums)
    native = native_threshold(method, threshold, sums)
    if method == "adaptive":
        decided, expected = scores >= native, units <= threshold
    else:
        decided = scores < native if method in RISES_WITH_SIMILARITY else scores > native
        expected = units < threshold
    # Where a score stands on the threshold, the last digit decides.
    clear = np.abs(units - threshold) > 1e-9
    if threshold == 0:
        assert not decided.any()
    np.testing.assert_array_equal(decided[clear], expected[clear])


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("threshold", [0, 0.2, 0.5, 0.8, 1])
def test_a_native_threshold_has_the_similarity_that_it_stands_for(
    method: ScaledMethod, threshold: float
) -> None:
    _, sums = some_scores(method)
    native = native_threshold(method, threshold, sums)
    np.testing.assert_allclose(unit_similarity(method, native, sums), threshold, atol=1e-12)


@pytest.mark.parametrize("method", METHODS)
def test_nan_stays_nan_and_shapes_stay(method: ScaledMethod) -> None:
    sums = PairSums.of_neighbours(np.array([5.0, 6.0, 7.0], np.float32))
    units = unit_similarity(method, np.array([np.nan, 0.5, np.nan], np.float32), sums)
    assert units.dtype == np.float64
    assert np.isnan(units).tolist() == [True, False, True]


def test_neighbours_are_a_frame_and_the_one_before() -> None:
    sums = PairSums.of_neighbours(np.array([5.0, 6.0, 7.0]))
    np.testing.assert_array_equal(sums.before, [np.nan, 5, 6])
    np.testing.assert_array_equal(sums.after, [5, 6, 7])
    np.testing.assert_allclose(native_threshold("intersect", 0.5, sums)[1:], [11 / 3, 13 / 3])


@pytest.mark.parametrize("method", ["chisqr", "intersect"])
def test_methods_whose_scale_depends_on_the_picture_need_the_sums(method: ScaledMethod) -> None:
    with pytest.raises(ValueError, match="sums of the histograms"):
        unit_similarity(method, np.array([1.0]))
    with pytest.raises(ValueError, match="sums of the histograms"):
        native_threshold(method, 0.5)


@pytest.mark.parametrize("threshold", [-0.01, 1.01, float("nan")])
def test_a_unit_threshold_outside_its_range_is_refused(threshold: float) -> None:
    with pytest.raises(SettingsError, match="from 0 to 1"):
        native_threshold("correl", threshold)


def test_each_method_has_a_suggested_threshold() -> None:
    assert set(SUGGESTED_UNIT_THRESHOLDS) == set(METHODS)
    assert all(0 < threshold < 1 for threshold in SUGGESTED_UNIT_THRESHOLDS.values())
