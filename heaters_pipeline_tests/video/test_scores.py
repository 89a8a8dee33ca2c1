"""Scores are OpenCV's, of the frames in order, from one decode."""

from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from heaters_pipeline.errors import InvalidVideoError, SettingsError
from heaters_pipeline.video.frames import FrameReader
from heaters_pipeline.video.probe import probe
from heaters_pipeline.video.scores import ScoreSettings, score_frames
from heaters_pipeline_tests.video.moving_shots import black, score, shot, write

COMPARISONS = {
    "correl": cv2.HISTCMP_CORREL,
    "chisqr": cv2.HISTCMP_CHISQR,
    "intersect": cv2.HISTCMP_INTERSECT,
    "bhattacharyya": cv2.HISTCMP_BHATTACHARYYA,
}


@pytest.fixture
def two_shots(tmp_path: Path) -> Path:
    return write(tmp_path / "video.mp4", shot(1, 15) + shot(2, 15))


def sampled(path: Path, size_px: tuple[int, int]) -> list[npt.NDArray[np.uint8]]:
    """All pictures by single points, without any of the code under test."""
    with av.open(str(path)) as container:
        return [
            frame.to_ndarray(
                width=size_px[0], height=size_px[1], format="bgr24", interpolation="POINT"
            )
            for frame in container.decode(video=0)
        ]


def reference_histogram(picture: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    """The old system's histogram: ``split``, 3 x ``calcHist``, concatenated, ``normalize``."""
    parts = [cv2.calcHist([plane], [0], None, [256], [0, 256]) for plane in cv2.split(picture)]
    histogram = np.concatenate(parts)
    return cv2.normalize(histogram, histogram)


@pytest.mark.parametrize("size_px", [ScoreSettings().sampled_size_px, (64, 36), (320, 180)])
def test_similarities_are_those_of_opencv(two_shots: Path, size_px: tuple[int, int]) -> None:
    track = score_frames(two_shots, probe(two_shots), ScoreSettings(sampled_size_px=size_px))
    histograms = [reference_histogram(picture) for picture in sampled(two_shots, size_px)]
    assert len(histograms) == track.frames == 30
    for name, comparison in COMPARISONS.items():
        expected = [
            cv2.compareHist(histograms[number - 1], histograms[number], comparison)
            for number in range(1, 30)
        ]
        assert np.isnan(track.similarities[name][0])
        np.testing.assert_allclose(track.similarities[name][1:], expected, rtol=1e-6, atol=1e-6)


def test_a_track_holds_timeline_and_digests_of_all_frames(two_shots: Path) -> None:
    track = score(two_shots)
    reader = FrameReader(two_shots, probe(two_shots))
    digests = [frame.digest for frame in reader]
    assert track.timeline == reader.timeline
    assert track.picture_digests.tolist() == digests


def test_distances_look_back_by_each_lag(two_shots: Path) -> None:
    track = score(two_shots)
    assert track.lags == (1, 2, 3, 4, 5, 6, 7)
    for position, lag in enumerate(track.lags):
        column = track.distances[:, position]
        assert np.isnan(column[:lag]).all()
        across = (np.arange(30) >= 15) & (np.arange(30) - lag < 15) & (np.arange(30) >= lag)
        within = ~across & (np.arange(30) >= lag)
        assert column[across].min() > 5 * column[within].max()
    assert np.nanmax(track.distances) <= 32


@pytest.mark.parametrize(("rate", "step"), [(12, 1), (25, 1), (30, 1), (50, 2), (60, 2), (120, 5)])
def test_lags_grow_with_the_frame_rate(tmp_path: Path, rate: int, step: int) -> None:
    track = score(write(tmp_path / "video.mp4", black(3), frame_rate=Fraction(rate)))
    assert track.frame_step == step
    assert track.lags == tuple(1 + step * position for position in range(7))


def test_a_small_bright_thing_counts_by_its_area_alone(tmp_path: Path) -> None:
    grey = [np.full((180, 320, 3), 40, np.uint8) for _ in range(20)]
    for picture in grey[10:]:
        picture[80:98, 100:132] = 255
    track = score(write(tmp_path / "video.mp4", grey))
    # 1 % of the picture, with its rim at most 2 %, of which each pixel counts 32 at most.
    assert 0 < track.distances[10, 0] <= 0.02 * 32


def test_motion_by_a_pixel_of_the_reduced_picture_is_no_distance(tmp_path: Path) -> None:
    moving = shot(1, 10, speed_px=5)
    track = score(write(tmp_path / "video.mp4", moving + shot(2, 1), options={"crf": "12"}))
    assert track.distances[1:10, 0].max() < 0.3
    assert track.distances[10, 0] > 5


def test_signatures_are_the_mean_colours_of_cells(tmp_path: Path) -> None:
    picture = np.zeros((180, 320, 3), np.uint8)
    picture[:30, :40] = 255
    picture[150:, 280:] = (0, 0, 255)
    track = score(write(tmp_path / "video.mp4", [picture] * 3))
    signature = track.signatures[0].astype(int)
    expected = cv2.cvtColor(np.uint8([[[255] * 3, [0, 0, 255], [0] * 3]]), cv2.COLOR_BGR2YCrCb)[0]
    for found, wanted in zip(
        (signature[0, 0], signature[5, 7], signature[3, 3]), expected, strict=True
    ):
        assert abs(found - wanted.astype(int)).max() <= 4


def test_a_blurred_picture_has_less_detail(tmp_path: Path) -> None:
    sharp = shot(1, 5)
    blurred = [cv2.GaussianBlur(picture, (0, 0), 12) for picture in sharp]
    track = score(write(tmp_path / "video.mp4", sharp + blurred))
    assert track.detail[5:].max() < 0.5 * track.detail[:5].min()


def test_progress_ends_with_all_frames(two_shots: Path) -> None:
    seen: list[int] = []
    score_frames(two_shots, probe(two_shots), on_progress=seen.append)
    assert seen[-1] == 30
    assert seen == sorted(seen)


def test_a_truncated_file_gives_no_track(two_shots: Path, tmp_path: Path) -> None:
    cut_short = write(tmp_path / "whole.mkv", shot(1, 60))
    content = cut_short.read_bytes()
    cut_short.write_bytes(content[: len(content) // 2])
    with pytest.raises(InvalidVideoError):
        score(cut_short)


@pytest.mark.parametrize("size_px", [(63, 36), (64, 35), (4097, 100), (100, 4097)])
def test_a_size_outside_its_bounds_is_refused(size_px: tuple[int, int]) -> None:
    with pytest.raises(SettingsError):
        ScoreSettings(sampled_size_px=size_px)
