"""What a video may be at most is a setting of the environment."""

from pathlib import Path

import pytest

from heaters_pipeline.errors import InvalidVideoError, SettingsError
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.packet_index import index_packets
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline_tests.videos import make_video


@pytest.mark.parametrize(
    ("name", "refusing", "accepting", "reason"),
    [
        ("HEATERS_MAX_MEGAPIXELS", "0.0143", "0.0145", "too_many_pixels"),
        ("HEATERS_MAX_STREAMS", "1", "2", "too_many_streams"),
        ("HEATERS_MAX_HOURS", "0.0002", "0.0003", "too_long"),
        ("HEATERS_MAX_FILE_GB", "0.000001", "1", "too_large"),
    ],
)
def test_a_limit_can_be_set(
    name: str,
    refusing: str,
    accepting: str,
    reason: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path = make_video(tmp_path / "a.mp4", [25], audio="aac")
    monkeypatch.setenv(name, accepting)
    assert sum(1 for _ in FrameReader(path, probe(path))) == 25
    assert index_packets(path, probe(path)) is not None
    monkeypatch.setenv(name, refusing)
    with pytest.raises(InvalidVideoError, match=f"raise {name}") as refusal:
        list(FrameReader(path, probe(path)))
    assert refusal.value.reason == reason


@pytest.mark.parametrize("value", ["many", "0", "-3", "nan", "inf"])
def test_a_limit_that_is_none_is_named(
    value: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video(tmp_path / "a.mp4", [5])
    monkeypatch.setenv("HEATERS_MAX_HOURS", value)
    with pytest.raises(SettingsError, match="HEATERS_MAX_HOURS is"):
        list(FrameReader(path, probe(path)))
