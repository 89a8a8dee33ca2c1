"""One threshold means the same for all methods: a similarity from 0 to 1, lower at a cut."""

from pathlib import Path

import pytest

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.detection.settings import METHODS, DetectionSettings, Method
from heaters_pipeline.video.detection.transitions import find_transitions, full_scan_reason
from heaters_pipeline_tests.video.detection.moving_shots import score, shot, write


@pytest.mark.parametrize("method", METHODS)
def test_a_cut_is_where_the_similarity_is_low(tmp_path: Path, method: Method) -> None:
    path = write(tmp_path / "video.mp4", shot(1, 20) + shot(2, 20, brightness=0.3))
    track = score(path, scan="full")

    def cuts(threshold: float | None) -> list[int]:
        settings = DetectionSettings(method, threshold, scale="unit")
        return [one.start for one in find_transitions(track, settings)]

    assert cuts(None) == [20]
    assert cuts(0) == []
    assert set(cuts(0.3)) <= set(cuts(0.6))


def test_a_unit_threshold_is_a_similarity() -> None:
    with pytest.raises(SettingsError, match="from 0 to 1"):
        DetectionSettings("chisqr", 20, scale="unit")
    assert DetectionSettings("adaptive", scale="unit").effective_threshold == 0.5
    # 0.5 is the default strength of 4.3; weaker cuts lie between frames that are not decoded.
    assert full_scan_reason(DetectionSettings("adaptive", 0.5, scale="unit")) is None
    assert full_scan_reason(DetectionSettings("adaptive", 0.7, scale="unit"))
