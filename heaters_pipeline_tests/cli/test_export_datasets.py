"""``heaters export`` of data sets: what is typed, what is said, and what is refused."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.cli.heaters_command import Heaters
from heaters_pipeline_tests.datasets.stores import change_clips, copy_film, files_in, marked


@pytest.fixture
def store(home: Path, processed_folder: Path) -> DirectoryObjectStore:
    """The commands' store, with two videos."""
    store = DirectoryObjectStore(home / "data")
    film = DirectoryObjectStore(processed_folder)
    copy_film(film, store, "film", "trip")
    for found in film.list("frame_scores/"):
        store.write_bytes(found.key, film.read_bytes(found.key), content_type="")
    return store


def test_all_videos_become_a_data_set_and_again_nothing_is_written(
    store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    out = tmp_path / "wild\x1b[2Janimals"
    command = ("export", "--format", "webdataset", "--output", out)
    ended = heaters(*command)
    assert ended.code == 0
    assert ended.out == (
        f"{tmp_path}/wild\\x1b[2Janimals: 8 clips of 2 videos\n"
        "  shards: 1 written, 0 there already, 0 removed\n"
    )
    # Nothing lies there but the data set.
    (shard,) = out.glob("*.tar")
    documents = {".heaters-dataset.json", "croissant.json", "metadata.parquet", "shards.json"}
    assert {path.name for path in out.iterdir()} == {shard.name, *documents}
    before = files_in(out)
    assert "1 there already" in heaters(*command).out
    assert files_in(out) == before
    assert json.loads((out / "croissant.json").read_bytes())["name"] == out.name


def test_json_says_what_became_of_it(
    store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    change_clips(store, "trip", marked(review="rejected"))
    store.write_bytes("manifests/videos/broken.json", b"{", content_type="")
    ended = heaters(
        *("export", "--format", "videofolder", "--output", tmp_path / "out", "--json"),
        *("--where", "start_frame > 0", "--name", "Wild animals", "--license", "CC0-1.0"),
    )
    assert ended.code == 0
    said = json.loads(ended.out)
    assert said | {"written": len(said["written"])} == {
        "format": "videofolder",
        "folder": str(tmp_path / "out"),
        "where": "start_frame > 0",
        "clips": 3,
        "videos": 1,
        "rejected": 3,
        "unfinished_videos": 0,
        "unreadable": said["unreadable"],
        "kept": 0,
        "written": 3,
        "removed": [],
        "documents": ["metadata.parquet", "croissant.json"],
    }
    assert list(said["unreadable"]) == ["broken"]
    assert "broken is left out" in ended.err
    described = json.loads((tmp_path / "out" / "croissant.json").read_bytes())
    assert (described["name"], described["license"]) == ("Wild animals", "CC0-1.0")


def test_videos_may_be_named(store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path) -> None:
    command = ("export", "--format", "webdataset", "--output", tmp_path / "out")
    assert "4 clips of 1 videos" in heaters(*command, "source_videos/trip.mp4").out
    ended = heaters(*command, "nothing")
    assert ended.code == 1
    assert "there is no video nothing whose clips are finished" in ended.err


def test_a_condition_holds_for_lists_of_scenes_as_well(
    store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    command = ("export", "film", "--format", "csv", "--output", tmp_path / "out", "--json")
    (document,) = heaters(*command, "--where", "scene_index in (1, 2)").videos
    assert (document["scenes"], document["left_out"]) == (2, 0)
    (document,) = heaters(*command, "--where", "false").videos
    assert document["error"] == "no clip of film meets the condition"
    ended = heaters(*command, "--where", "nothing")
    assert ended.code == 1
    assert "'nothing' is no condition for clips" in ended.err


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--format", "webdataset"], "a folder of its own"),
        (["--format", "webdataset", "--format", "edl", "--output", "x"], "give one format"),
        (["--format", "videofolder", "--output", "x", "--shard-size", "5"], "here each clip is"),
        (["--format", "webdataset", "--output", "x", "--start-timecode", "0"], "have no timecode"),
        (["film", "--name", "x"], "--name is of data sets"),
        (["--format", "edl"], "Missing argument"),
        (["--format", "webdataset", "--output", "x", "--shard-size", "0"], "Invalid value"),
    ],
)
def test_what_would_do_nothing_is_refused(
    home: Path, heaters: Heaters, options: list[str], said: str
) -> None:
    ended = heaters("export", *options)
    assert ended.code == 2
    assert said in ended.err


def test_the_folder_is_not_that_of_the_store(
    store: DirectoryObjectStore, home: Path, heaters: Heaters
) -> None:
    for folder in (home / "data", home / "data" / "sets", home):
        ended = heaters("export", "--format", "webdataset", "--output", folder)
        assert ended.code == 1
        assert "has the store in it, or lies in it" in ended.err


def test_two_exports_do_not_write_into_one_folder(
    store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    out.mkdir()
    lock = os.open(out / ".heaters-dataset.lock", os.O_RDWR | os.O_CREAT)
    fcntl.flock(lock, fcntl.LOCK_EX)
    command = ("export", "--format", "webdataset", "--output", out)
    ended = heaters(*command)
    os.close(lock)
    assert ended.code == 1
    assert "another export writes into" in ended.err
    assert heaters(*command).code == 0
    assert not (out / ".heaters-dataset.lock").exists()


def test_an_export_that_fails_leaves_nothing_temporary(
    store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    store.delete(next(store.list("clips/trip/")).key)
    command = ("export", "--format", "videofolder", "--output", tmp_path / "out")
    assert "is missing; heaters verify" in heaters(*command).err
    assert not (tmp_path / "out" / ".tmp").exists()


def test_a_refused_export_leaves_no_folder(
    store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    command = ("export", "--format", "webdataset", "--output", out, "--where", "nothing")
    assert heaters(*command).code == 1
    assert not out.exists()
    out.mkdir()
    assert heaters(*command).code == 1
    assert out.exists()
