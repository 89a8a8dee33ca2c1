"""Settings of detection outside their bounds are refused before any work is done."""

from dataclasses import fields
from fractions import Fraction
from typing import Any

import pytest

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.detection.settings import (
    DEFAULT_THRESHOLDS,
    METHODS,
    MOST_SECONDS,
    THRESHOLD_BOUNDS,
    DetectionSettings,
    typed_seconds,
)

NOT_A_NUMBER = float("nan")


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"method": "magic"}, "method 'magic' is none of adaptive, correl, "),
        ({"threshold": 0.5}, "the threshold of adaptive must be from 1 to 100, got 0.5"),
        ({"threshold": NOT_A_NUMBER}, "the threshold of adaptive must be from 1 to 100, got nan"),
        ({"method": "correl", "threshold": 1.5}, "the threshold of correl must be from -1 to 1, "),
        ({"method": "bhattacharyya", "threshold": -0.1}, "must be from 0 to 1, got -0.1"),
        ({"method": "chisqr", "threshold": -1}, "must be from 0 to 1,000,000,000, got -1"),
        ({"gradual": "blur"}, "gradual 'blur' is none of split, exclude, before, after"),
        ({"min_duration_seconds": -1}, "min_duration_seconds must be from 0 to 3,600, got -1"),
        ({"min_duration_seconds": 3601}, "min_duration_seconds must be from 0 to 3,600, got 3601"),
        ({"short_scenes": "hide"}, "short_scenes 'hide' is none of merge, drop, keep"),
        (
            {"max_duration_seconds": 0},
            "max_duration_seconds must be above 0 and at most 1,000,000, ",
        ),
        ({"max_duration_seconds": NOT_A_NUMBER}, "max_duration_seconds must be above 0"),
        ({"max_duration_seconds": float("inf")}, "max_duration_seconds must be above 0"),
        (
            {"max_duration_seconds": 0.2},
            "max_duration_seconds must not be below min_duration_seconds, got 0.2 and 0.25",
        ),
        ({"long_scenes": "cut"}, "long_scenes 'cut' is none of split, keep"),
        ({"start_seconds": -0.1}, "start_seconds must be from 0 to 1,000,000, got -0.1"),
        ({"start_seconds": NOT_A_NUMBER}, "start_seconds must be from 0 to 1,000,000, got nan"),
        ({"end_seconds": MOST_SECONDS + 1}, "end_seconds must be from 0 to 1,000,000, got 1000001"),
        ({"end_seconds": 0}, "end_seconds must be above start_seconds, got 0 and 0.0"),
        ({"start_seconds": 5, "end_seconds": 5.0}, "end_seconds must be above start_seconds"),
    ],
)
def test_settings_outside_their_bounds_are_refused_with_the_bounds(
    wrong: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        DetectionSettings(**wrong)
    assert message in str(refused.value)


@pytest.mark.parametrize(
    "good",
    [
        {"min_duration_seconds": 0, "max_duration_seconds": 1e-3},
        {"min_duration_seconds": 3600, "max_duration_seconds": 3600},
        {"min_duration_seconds": Fraction(3, 10), "max_duration_seconds": 0.3},
        {"start_seconds": Fraction(1, 10), "end_seconds": MOST_SECONDS},
    ],
)
def test_bounds_themselves_are_taken(good: dict[str, Any]) -> None:
    settings = DetectionSettings(**good)
    assert {name: getattr(settings, name) for name in good} == good


def test_thresholds_lie_between_their_bounds() -> None:
    assert set(THRESHOLD_BOUNDS) == set(DEFAULT_THRESHOLDS) == set(METHODS)
    for method, (low, high) in THRESHOLD_BOUNDS.items():
        assert low < DEFAULT_THRESHOLDS[method] < high
        assert DetectionSettings(method=method).effective_threshold == DEFAULT_THRESHOLDS[method]
        for bound in (low, high):
            assert DetectionSettings(method=method, threshold=bound).effective_threshold == bound


def test_the_default_cuts_nothing_off_and_splits_nothing() -> None:
    shown = {field.name: field.default for field in fields(DetectionSettings)}
    assert shown == {
        "method": "adaptive",
        "threshold": None,
        "scale": "own",
        "gradual": "split",
        "min_duration_seconds": Fraction(1, 4),
        "short_scenes": "merge",
        "max_duration_seconds": None,
        "long_scenes": "split",
        "start_seconds": 0.0,
        "end_seconds": None,
    }


def test_typed_seconds_are_the_decimal_number() -> None:
    assert typed_seconds(0.04) == Fraction(1, 25) != Fraction(0.04)
    assert typed_seconds(3) == 3
    assert typed_seconds(1e-05) == Fraction(1, 100000)
    assert typed_seconds(Fraction(1001, 30000)) == Fraction(1001, 30000)
