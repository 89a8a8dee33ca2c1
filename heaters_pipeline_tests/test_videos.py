"""Videos made for tests leave the process as it was."""

import os
import sys
from pathlib import Path

import pytest

from heaters_pipeline_tests.videos import make_video


@pytest.mark.skipif(sys.platform != "linux", reason="schedulers are Linux's")
def test_an_encoder_that_makes_its_caller_real_time_is_not_left_so(tmp_path: Path) -> None:
    # Chromium, started by a real-time process, held both cores of a machine for minutes.
    make_video(tmp_path / "a.mkv", [4], codec="libsvtav1", options={"preset": "12"})
    assert os.sched_getscheduler(0) == os.SCHED_OTHER
