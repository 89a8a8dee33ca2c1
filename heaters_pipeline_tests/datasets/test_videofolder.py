"""VideoFolder: what Hugging Face's ``datasets`` loads is what the catalog says, with all frames."""

from fractions import Fraction
from pathlib import Path

import av
import datasets
import pyarrow.parquet as pq
import pytest

from heaters_pipeline.datasets.selecting import SAMPLE_SCHEMA
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.datasets.stores import (
    change_clips,
    copy_film,
    export,
    export_killed,
    files_in,
    marked,
)


@pytest.fixture(autouse=True)
def own_cache(tmp_path_factory: pytest.TempPathFactory, monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep what is loaded out of the user's cache."""
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path_factory.mktemp("cache"))


def loaded(folder: Path) -> datasets.Dataset:
    """All rows, with videos as files: decoding them takes a package of some GB."""
    found = datasets.load_dataset("videofolder", data_dir=str(folder))
    assert list(found) == ["train"]
    return found["train"].cast_column("video", datasets.Video(decode=False))


def frames_of(path: str) -> int:
    with av.open(path) as container:
        return sum(1 for _ in container.decode(video=0))


def test_datasets_loads_each_clip_with_its_row_and_all_of_its_frames(
    store: DirectoryObjectStore, processed_folder: Path, tmp_path: Path
) -> None:
    # Words by which others divide files into those for training and for tests.
    copy_film(DirectoryObjectStore(processed_folder), store, "test", "eval_1", "validation")
    folder = tmp_path / "test"
    done = export(store, folder, format="videofolder")
    assert (done.clips, done.videos) == (28, 7)
    rows = loaded(folder)
    assert rows.column_names == ["video", *SAMPLE_SCHEMA.names]
    assert rows.num_rows == 28
    assert len(set(rows["clip_identifier"])) == 28
    for row in rows:
        path = row["video"]["path"]
        assert Path(path).read_bytes() == store.read_bytes(row["clip_filepath"])
        assert frames_of(path) == row["end_frame"] - row["start_frame"]
        assert row["duration_seconds"] == float(Fraction(row["end_frame"] - row["start_frame"], 25))


def test_the_table_begins_with_the_name_of_the_file(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    export(store, folder, format="videofolder")
    table = pq.read_table(folder / "metadata.parquet")
    assert table.column_names == ["file_name", *SAMPLE_SCHEMA.names]
    names = table["file_name"].to_pylist()
    assert sorted(names) == sorted(name for name in files_in(folder) if name.endswith(".mp4"))


def test_only_what_changed_is_written_and_only_what_is_ours_goes(
    store: DirectoryObjectStore, processed_folder: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "out"
    export(store, folder, format="videofolder")
    before = files_in(folder)
    again = export(store, folder, format="videofolder")
    assert (again.written, again.removed, again.documents) == ([], [], [])
    assert files_in(folder) == before
    # A tag is in the table alone.
    change_clips(store, "film", marked(tags=["goal"]))
    tagged = export(store, folder, format="videofolder")
    assert (tagged.written, tagged.removed) == ([], [])
    assert tagged.documents == ["metadata.parquet", "croissant.json"]
    (folder / "data" / "mine.mp4").write_bytes(b"mine")
    change_clips(store, "holiday.mov", marked(review="rejected"))
    copy_film(DirectoryObjectStore(processed_folder), store, "come")
    changed = export(store, folder, format="videofolder")
    assert (len(changed.written), len(changed.removed), changed.kept) == (4, 4, 12)
    after = files_in(folder)
    assert {name for name in before if name not in after} == set(changed.removed)
    assert after.keys() - before.keys() == {*changed.written, "data/mine.mp4"}


def test_an_export_that_is_killed_goes_on(store: DirectoryObjectStore, tmp_path: Path) -> None:
    folder = tmp_path / "out"
    export_killed(store, folder, after=3, format="videofolder")
    before = files_in(folder)
    assert len(before) == 3
    done = export(store, folder, format="videofolder")
    assert (done.kept, len(done.written)) == (3, 13)
    assert before.items() <= files_in(folder).items()
    assert loaded(folder).num_rows == 16
