"""Settings of detection outside their bounds are refused before any work is done."""

import pytest

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.detection_settings import DetectionSettings


@pytest.mark.parametrize(
    "wrong",
    [
        {"method": "magic"},
        {"threshold": 0.5},
        {"threshold": float("nan")},
        {"method": "correl", "threshold": 1.5},
        {"method": "bhattacharyya", "threshold": -0.1},
        {"method": "chisqr", "threshold": -1},
        {"min_duration_seconds": -1},
        {"min_duration_seconds": 3601},
        {"short_scenes": "hide"},
    ],
)
def test_settings_outside_their_bounds_are_refused(wrong: dict[str, object]) -> None:
    with pytest.raises(SettingsError):
        DetectionSettings(**wrong)
