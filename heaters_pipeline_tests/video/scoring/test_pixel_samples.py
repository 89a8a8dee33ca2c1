"""Sampled pixels are those of the full-size picture, of every pixel format and size."""

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from heaters_pipeline.video.scoring.pixel_samples import PixelSampler
from heaters_pipeline_tests.video.detection.moving_shots import shot

Picture = npt.NDArray[np.uint8]


def frame(width_px: int, height_px: int, pixel_format: str, seed: int = 1) -> av.VideoFrame:
    picture = cv2.resize(shot(seed, 1)[0], (width_px, height_px), interpolation=cv2.INTER_CUBIC)
    noise = np.random.default_rng(seed).integers(0, 60, picture.shape, np.uint8)
    noisy = av.VideoFrame.from_ndarray(np.asarray(cv2.add(picture, noise), np.uint8), "bgr24")
    return noisy.reformat(format=pixel_format)


def full_size(source: av.VideoFrame) -> Picture:
    """As OpenCV's own reader of video converts it: bicubic where colours are interpolated."""
    return np.asarray(source.to_ndarray(format="bgr24", interpolation="BICUBIC"), np.uint8)


def every_block(picture: Picture, block_px: tuple[int, int], step: int) -> Picture:
    """Every ``step``-th block of a picture, put together block by block."""
    width, height = block_px
    rows = range(step // 2, picture.shape[0] // height, step)
    columns = range(step // 2, picture.shape[1] // width, step)
    return np.concatenate(
        [
            np.concatenate(
                [
                    picture[height * y : height * (y + 1), width * x : width * (x + 1)]
                    for x in columns
                ],
                axis=1,
            )
            for y in rows
        ]
    )


@pytest.mark.parametrize(
    ("pixel_format", "block_px"),
    [
        ("yuv420p", (2, 2)),
        ("yuvj420p", (2, 2)),
        ("yuva420p", (2, 2)),
        ("yuv422p", (2, 1)),
        ("yuv444p", (1, 1)),
        ("gray", (1, 1)),
        ("gray10le", (1, 1)),
        ("gbrp", (1, 1)),
        ("rgb24", (1, 1)),
        ("nv12", (2, 2)),
        ("yuyv422", (2, 1)),
    ],
)
@pytest.mark.parametrize("step", [2, 3, 5])
def test_whole_blocks_of_the_full_size_picture_are_taken(
    pixel_format: str, block_px: tuple[int, int], step: int
) -> None:
    source = frame(480, 270, pixel_format)
    sampled = PixelSampler(480 * 270 // step**2).picture(source)
    expected = every_block(full_size(source), block_px, step)
    assert expected.shape[0] - sampled.shape[0] in (0, 1)
    np.testing.assert_array_equal(sampled, expected[: sampled.shape[0]])


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "yuv422p10le", "yuv420p12le"])
def test_deeper_colours_are_off_by_their_interpolation_alone(pixel_format: str) -> None:
    source = frame(480, 270, pixel_format)
    block_px = (2, 2) if "420" in pixel_format else (2, 1)
    sampled = PixelSampler(480 * 270 // 9).picture(source)
    expected = every_block(full_size(source), block_px, 3)
    difference = np.abs(sampled.astype(int) - expected.astype(int))
    assert difference.mean() < 5


@pytest.mark.parametrize("size_px", [(1, 5000), (5000, 1), (3, 2), (480, 270), (321, 181)])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv410p", "nv12"])
def test_a_picture_of_few_pixels_or_one_block_across_is_taken_whole(
    size_px: tuple[int, int], pixel_format: str
) -> None:
    source = frame(*size_px, pixel_format)
    thin = min(size_px) == 1
    sampler = PixelSampler(1000 if thin else 480 * 270 // 2)
    np.testing.assert_array_equal(sampler.picture(source), full_size(source))


def test_a_sampler_follows_frames_that_change_size_and_format() -> None:
    sampler = PixelSampler(10_000)
    for size_px, pixel_format in [((480, 270), "yuv420p"), ((640, 360), "yuv420p")] * 2 + [
        ((640, 360), "yuv444p"),
        ((640, 360), "yuv420p"),
    ]:
        source = frame(*size_px, pixel_format, seed=size_px[0])
        alone = PixelSampler(10_000).picture(source)
        np.testing.assert_array_equal(sampler.picture(source), alone)
        assert 10_000 <= alone.shape[0] * alone.shape[1] < 40_000


def test_an_earlier_picture_stays_when_the_next_is_taken() -> None:
    sampler = PixelSampler(10_000)
    first = sampler.picture(frame(480, 270, "yuv420p", seed=1))
    kept = first.copy()
    sampler.picture(frame(480, 270, "yuv420p", seed=2))
    np.testing.assert_array_equal(first, kept)


@pytest.mark.parametrize("level", [16, 77, 200, 235])
def test_a_flat_picture_stays_flat(level: int) -> None:
    source = av.VideoFrame(480, 320, "yuv420p")
    for plane, value in zip(source.planes, (level, 128, 128), strict=True):
        plane.update(bytes([value]) * plane.buffer_size)
    sampled = PixelSampler(5_000).picture(source)
    assert len(np.unique(sampled)) == 1
    assert sampled[0, 0, 0] == full_size(source)[0, 0, 0]
