"""What tests of data sets share."""

from pathlib import Path

import pytest

from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.datasets.stores import copy_film

VIDEO_IDS = ("film", "holiday.mov", "trip-day_1.mp4.5f2a0c1122334455", "x" * 100)
"""With every form of names, and one that is too long for a plain entry of a tar file."""


@pytest.fixture
def store(processed_folder: Path, tmp_path: Path) -> DirectoryObjectStore:
    """A store with four videos of four clips each."""
    created = DirectoryObjectStore(tmp_path / "store", settle_seconds=0)
    copy_film(DirectoryObjectStore(processed_folder), created, *VIDEO_IDS)
    return created
