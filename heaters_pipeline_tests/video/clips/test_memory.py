"""As many clips are made at a time as memory allows."""

from dataclasses import replace

import pytest

from heaters_pipeline.video.clips.memory import copies_at_once, encoders_and_threads
from heaters_pipeline.video.clips.settings import ClipSettings, Verify
from heaters_pipeline.video.media.probe import VideoInfo, probe
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


def test_joins_of_hevc_take_more(info: VideoInfo) -> None:
    sized, settings = replace(info, width_px=854, height_px=480), ClipSettings("auto")
    found = encoders_and_threads(sized, settings, clips=50, workers=8)
    assert found == (4, 2)
    found = encoders_and_threads(sized, settings, clips=50, workers=8, joins_hevc=True)
    assert found == (2, 4)


@pytest.mark.parametrize(
    ("size_px", "verify", "workers", "expected"),
    [
        ((1920, 1080), "quick", 2, 2),
        ((1920, 1080), "quick", 64, 8),
        ((1920, 1080), "full", 64, 4),
        ((640, 360), "quick", 64, 64),
        ((7680, 4320), "full", 64, 4),
    ],
)
def test_so_many_copies_are_made_as_memory_allows(
    info: VideoInfo, size_px: tuple[int, int], verify: Verify, workers: int, expected: int
) -> None:
    sized = replace(info, width_px=size_px[0], height_px=size_px[1])
    assert copies_at_once(sized, verify, workers=workers) == expected
