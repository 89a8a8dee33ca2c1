"""A set of pictures appears as a whole."""

from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.stills.picture_files import (
    PictureFiles,
    decoded_picture,
    encoded_picture,
    picture_size_px,
)
from heaters_pipeline.video.stills.settings import PictureCoding, PictureFormat
from heaters_pipeline_tests.videos import make_picture

JPEG = PictureCoding(90)
GREY = np.full((16, 24, 3), 128, np.uint8)


def test_nothing_appears_before_the_set_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"an older picture")
    with PictureFiles() as files:
        size_bytes = files.add(path, GREY, JPEG)
        assert path.read_bytes() == b"an older picture"
    assert path.read_bytes().startswith(b"\xff\xd8\xff")
    assert path.stat().st_size == size_bytes
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("format", get_args(PictureFormat))
def test_a_picture_is_of_the_format_that_is_asked_for(format: PictureFormat) -> None:
    data = encoded_picture(GREY, PictureCoding(90, format), "a picture")
    assert (data[:3] == b"\xff\xd8\xff") == (format == "jpg")
    assert (data[:4] + data[8:12] == b"RIFFWEBP") == (format == "webp")
    assert picture_size_px(data) == (24, 16)
    assert np.abs(decoded_picture(data).astype(int) - 128).max() <= 2


@pytest.mark.parametrize("format", get_args(PictureFormat))
def test_quality_decides_the_size(format: PictureFormat) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    small, large = (
        len(encoded_picture(noise, PictureCoding(quality, format), "noise")) for quality in (20, 90)
    )
    assert small < large / 2


def test_webp_is_smaller_at_the_same_quality() -> None:
    picture = make_picture(0)
    jpeg, webp = (
        encoded_picture(picture, PictureCoding(80, format), "a picture")
        for format in get_args(PictureFormat)
    )
    assert len(webp) < len(jpeg)


@pytest.mark.parametrize(
    ("format", "name", "side_px"), [("jpg", "JPEG", 65_500), ("webp", "WebP", 16_383)]
)
def test_a_picture_that_is_too_large_for_the_format_leaves_nothing(
    tmp_path: Path, format: PictureFormat, name: str, side_px: int
) -> None:
    widest = np.zeros((1, side_px, 3), np.uint8)
    assert picture_size_px(encoded_picture(widest, PictureCoding(90, format), "a")) == (side_px, 1)
    too_wide = np.zeros((1, 70_000, 3), np.uint8)
    said = rf"cannot make a {name} of \(1, 70000, 3\) pixels for b\.{format}; .* {side_px:,} px at"
    with pytest.raises(ClipError, match=said):
        _write(tmp_path, PictureCoding(90, format), a=GREY, b=too_wide)
    assert list(tmp_path.iterdir()) == []


def _write(folder: Path, coding: PictureCoding, **pictures: Picture) -> None:
    with PictureFiles() as files:
        for name, picture in pictures.items():
            files.add(folder / f"{name}.{coding.format}", picture, coding)
