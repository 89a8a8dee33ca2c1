"""The threshold that is chosen is the one that the labels, or the cuts themselves, speak for."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.video.detection.labels import Counts, Labels
from heaters_pipeline.video.detection.settings import (
    DEFAULT_THRESHOLDS,
    METHODS,
    DetectionSettings,
    Method,
)
from heaters_pipeline.video.detection.tuning import Trial, choose, threshold_grid, try_thresholds
from heaters_pipeline_tests.video.detection.tracks import made_track

CORREL = threshold_grid("correl")


def trials_of(cuts: dict[float, int], method: Method = "adaptive") -> list[Trial]:
    """Trials on the grid, with these numbers of cuts from each threshold on."""
    trials, now = [], 0
    for threshold in threshold_grid(method):
        now = next((cuts[one] for one in sorted(cuts, reverse=True) if one <= threshold), now)
        trials.append(Trial(threshold, now, now + 1, None))
    return trials


@pytest.mark.parametrize("method", METHODS)
def test_a_grid_is_in_bounds_and_holds_the_default(method: Method) -> None:
    grid = threshold_grid(method)
    assert 25 <= len(grid) == len(set(grid)) <= 40
    assert DEFAULT_THRESHOLDS[method] in grid
    for threshold in grid:
        DetectionSettings(method, threshold)


@pytest.mark.parametrize("method", METHODS)
def test_along_a_grid_cuts_become_fewer(method: Method) -> None:
    sizes = (0.035, 0.05, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.9)
    track = made_track(400, {40 * number: size for number, size in enumerate(sizes, 1)})
    cuts = [trial.cuts for trial in try_thresholds([(track, None)], method)]
    assert cuts == sorted(cuts, reverse=True)
    assert cuts[0] > cuts[-1]


def test_trials_sum_over_the_videos_and_tell_their_progress() -> None:
    first, second = made_track(200, {50: 0.9, 100: 0.5}), made_track(200, {50: 0.9})
    told: list[tuple[int, int]] = []
    trials = try_thresholds(
        [(first, Labels(200, (50,))), (second, Labels(200, (50, 60)))],
        "correl",
        on_progress=lambda done, total: told.append((done, total)),
    )
    (trial,) = [one for one in trials if one.threshold == 0.6]
    assert (trial.cuts, trial.scenes) == (3, 5)
    assert trial.counts == Counts(right=2, wrong=1, missed=1)
    assert told == [(done, len(CORREL)) for done in range(1, len(CORREL) + 1)]


def test_labels_choose_the_middle_of_the_best_range() -> None:
    track = made_track(200, {50: 0.9, 100: 0.3})
    trials = try_thresholds([(track, Labels(200, (50,)))], "correl")
    choice = choose(trials, "correl")
    low, high = sorted((trials[choice.first].threshold, trials[choice.last].threshold))
    assert 0.1 < low < 0.2
    assert 0.65 < high < 0.7
    # By the distance from 1, from 0.3 to 0.9.
    assert 1 - choice.threshold == pytest.approx((0.31 * 0.87) ** 0.5, abs=0.03)
    assert "give the best F1, 1.000 (1 right, 0 wrong, 0 missed)" in choice.reason
    assert "The default, 0.6, gives 1.000." in choice.reason


def test_without_labels_the_widest_stable_range_is_chosen() -> None:
    choice = choose(trials_of({0: 90, 2.5: 40, 3: 12, 9: 8, 10: 2}), "adaptive")
    assert 3 <= choice.threshold <= 9
    assert choice.threshold == pytest.approx((3.05 * 8.37) ** 0.5, abs=0.1)
    assert "the number of cuts stays at 12, the widest such range" in choice.reason
    assert "The default, 4.3, lies in that range, too." in choice.reason


def test_no_cuts_at_all_are_no_stable_range_unless_the_default_finds_none() -> None:
    some = trials_of({0: 30, 3: 5, 6: 0})
    assert 3 <= choose(some, "adaptive").threshold <= 6
    none = trials_of({0: 30, 2.5: 3, 3: 0})
    choice = choose(none, "adaptive")
    assert choice.threshold > 4
    assert "stays at 0" in choice.reason


def test_of_equal_ranges_the_one_near_the_default_is_chosen() -> None:
    grid = threshold_grid("adaptive")
    steep = [Trial(one, 2 ** (40 - at), 0, None) for at, one in enumerate(grid)]
    choice = choose(steep, "adaptive")
    assert choice.threshold == 4.3
    assert choice.first == choice.last
    assert "changes with every threshold" in choice.reason


def test_one_cut_in_a_hundred_is_no_change() -> None:
    choice = choose(trials_of({0: 900, 3: 301, 5: 300, 8: 299, 12: 150}), "adaptive")
    assert "stays between 301 and 299" in choice.reason
    assert 3 <= choice.threshold <= 12


@given(st.lists(st.integers(0, 300), min_size=32, max_size=32), st.sampled_from(METHODS))
def test_the_chosen_threshold_lies_in_its_range(cuts: list[int], method: Method) -> None:
    grid = threshold_grid(method)
    falling = sorted(cuts, reverse=True)[: len(grid)]
    trials = [Trial(one, count, count, None) for one, count in zip(grid, falling, strict=False)]
    if len(trials) < len(grid):
        trials += [Trial(one, 0, 1, None) for one in grid[len(trials) :]]
    choice = choose(trials, method)
    ends = sorted((trials[choice.first].threshold, trials[choice.last].threshold))
    assert ends[0] <= choice.threshold <= ends[1]
    DetectionSettings(method, choice.threshold)
    assert f"{choice.threshold:g}" in choice.reason
