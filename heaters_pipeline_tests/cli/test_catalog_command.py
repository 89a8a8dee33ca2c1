"""When ``heaters process`` makes the catalog, and ``heaters catalog``."""

import io
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from heaters_pipeline.due_catalog import costs_little
from heaters_pipeline.report.catalog_record import look_at_catalog
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.cli.heaters_command import Heaters


def test_a_large_catalog_is_left_to_others_and_heaters_catalog_makes_it(
    home: Path, film: Path, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DirectoryObjectStore(home / "data")
    # An empty catalog, and then one that counts as large.
    assert heaters("catalog").out == "catalog: 0 videos, 0 clips\n"
    asked = []

    def never(clips: int, cpu_seconds: float) -> bool:
        asked.append((clips, cpu_seconds))
        return False

    monkeypatch.setattr("heaters_pipeline.cli.processing.costs_little", never)
    ended = heaters("process", film)
    assert ended.code == 0
    assert "heaters catalog at once" in ended.err
    ((clips, cpu_seconds),) = asked
    assert (clips, cpu_seconds > 0.1) == (0, True)
    table = pq.read_table(io.BytesIO(store.read_bytes(keys.CATALOG_VIDEOS)))
    assert table.num_rows == 0
    assert [note.video_id for note in look_at_catalog(store).changes] == ["film"]
    assert heaters("catalog").out == "catalog: 1 videos, 4 clips\n"
    assert look_at_catalog(store).changes == []


@pytest.mark.parametrize(
    ("clips", "cpu_seconds", "is_made"),
    [
        (0, 0, True),
        (100_000, 1, True),
        (1_000_000, 6, False),
        (1_000_000, 60, True),
    ],
)
def test_a_catalog_is_made_at_once_if_that_is_little_beside_the_videos(
    clips: int, cpu_seconds: float, is_made: bool
) -> None:
    assert costs_little(clips, cpu_seconds) is is_made
