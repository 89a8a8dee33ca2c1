"""Encoders share the threads that there are, as far as memory allows."""

from dataclasses import replace

import pytest

from heaters_pipeline.video.clip_record import ClipSettings
from heaters_pipeline.video.encoder_memory import encoders_and_threads
from heaters_pipeline.video.probe import VideoInfo, probe
from heaters_pipeline_tests.videos import make_video


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    return probe(make_video(tmp_path_factory.mktemp("source") / "a.mp4", [5]))


@pytest.mark.parametrize(
    ("size_px", "preset", "clips", "workers", "expected"),
    [
        ((640, 360), "fast", 50, 2, (2, 1)),
        ((640, 360), "fast", 50, 8, (8, 1)),
        ((640, 360), "fast", 1, 8, (1, 8)),
        ((640, 360), "fast", 3, 8, (2, 4)),
        ((1920, 1080), "veryfast", 50, 2, (2, 1)),
        ((1920, 1080), "veryfast", 50, 8, (1, 8)),
        ((1920, 1080), "fast", 50, 2, (1, 2)),
        ((1920, 1080), "fast", 50, 64, (1, 4)),
        ((1920, 1080), "placebo", 50, 64, (1, 4)),
        ((1920, 1080), "placebo", 50, 1, (1, 1)),
        ((3840, 2160), "veryfast", 50, 2, (2, 1)),
    ],
)
def test_threads_are_shared_within_memory(
    info: VideoInfo,
    size_px: tuple[int, int],
    preset: str,
    clips: int,
    workers: int,
    expected: tuple[int, int],
) -> None:
    sized = replace(info, width_px=size_px[0], height_px=size_px[1])
    settings = ClipSettings("reencode", preset=preset)
    assert encoders_and_threads(sized, settings, clips=clips, workers=workers) == expected
