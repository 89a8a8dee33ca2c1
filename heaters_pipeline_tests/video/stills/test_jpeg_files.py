"""A set of pictures appears as a whole."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.stills.jpeg_files import PictureFiles

GREY = np.full((16, 16, 3), 128, np.uint8)


def test_nothing_appears_before_the_set_is_complete(tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(b"an older picture")
    with PictureFiles() as files:
        size_bytes = files.add(path, GREY, 90)
        assert path.read_bytes() == b"an older picture"
    assert path.read_bytes().startswith(b"\xff\xd8\xff")
    assert path.stat().st_size == size_bytes
    assert list(tmp_path.iterdir()) == [path]


def test_quality_decides_the_size(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 64, 3), np.uint8)
    with PictureFiles() as files:
        sizes = [files.add(tmp_path / f"{quality}.jpg", noise, quality) for quality in (30, 90)]
    assert sizes[0] < sizes[1] / 2


def test_a_picture_that_is_too_large_for_a_jpeg_leaves_nothing(tmp_path: Path) -> None:
    too_wide = np.zeros((1, 70_000, 3), np.uint8)
    with pytest.raises(ClipError, match=r"cannot make a JPEG of \(1, 70000, 3\) pixels for b\.jpg"):
        _write(tmp_path, a=GREY, b=too_wide)
    assert list(tmp_path.iterdir()) == []


def _write(folder: Path, **pictures: npt.NDArray[np.uint8]) -> None:
    with PictureFiles() as files:
        for name, picture in pictures.items():
            files.add(folder / f"{name}.jpg", picture, 90)
