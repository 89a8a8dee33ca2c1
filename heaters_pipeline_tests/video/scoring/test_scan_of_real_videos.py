"""On real videos, and on edits of real footage, a fast scan finds exactly what a full one finds."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import find_transitions
from heaters_pipeline_tests.video.detection.moving_shots import score

pytestmark = pytest.mark.skipif(
    "HEATERS_SHARED" not in os.environ, reason="HEATERS_SHARED is not set"
)

EDITS = "9"
"""One of each encoding that the tool knows."""
SHOTS = "5"


@pytest.fixture
def shared() -> Path:
    """The folder with real videos and the tool that makes edits of them."""
    return Path(os.environ["HEATERS_SHARED"])


def assert_same(path: Path) -> int:
    """The same transitions from the same pictures; gives how many there are."""
    fast, full = score(path), score(path, scan="full")
    found = find_transitions(full, DetectionSettings())
    assert find_transitions(fast, DetectionSettings()) == found, path.name
    assert fast.timeline == full.timeline, path.name
    decoded = fast.picture_digests >= 0
    np.testing.assert_array_equal(
        fast.picture_digests[decoded], full.picture_digests[decoded], path.name
    )
    return len(found)


def test_scans_agree_on_real_videos(shared: Path) -> None:
    files = [file for file in sorted((shared / "videos").rglob("*.*")) if file.suffix != ".json"]
    assert sum(assert_same(file) for file in files) > 20


def test_scans_agree_on_edited_videos(shared: Path, tmp_path: Path) -> None:
    tool, videos = shared / "tools" / "make_edits.py", shared / "videos"
    command = [sys.executable, str(tool), "--videos", str(videos)]
    command += ["--labels", str(videos / "labels.json"), "--out", str(tmp_path)]
    command += ["--seed", "7", "--count", EDITS, "--shots", SHOTS]
    subprocess.run(command, check=True, capture_output=True)
    files = [file for file in sorted(tmp_path.iterdir()) if file.suffix != ".json"]
    assert len(files) == int(EDITS)
    assert sum(assert_same(file) for file in files) > 20
