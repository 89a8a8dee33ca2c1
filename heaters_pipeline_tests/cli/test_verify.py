"""``heaters verify``: what it finds, what it says, and what it makes again."""

import shutil
from pathlib import Path

import pytest

from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.manifests import ManifestItem
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline_tests.cli.heaters_command import Heaters


@pytest.fixture
def store(
    home: Path, processed_folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> DirectoryObjectStore:
    """The store of the commands, with the film in it."""
    shutil.copytree(processed_folder, tmp_path / "store")
    monkeypatch.setenv("HEATERS_STORE", str(tmp_path / "store"))
    return DirectoryObjectStore(tmp_path / "store", settle_seconds=0)


def items(store: DirectoryObjectStore, stage: str) -> tuple[ManifestItem, ...]:
    return read_video(store, "film").stages[stage].items


def overwrite(store: DirectoryObjectStore, key: str) -> None:
    """Change the content of an object and keep its size."""
    size = len(store.read_bytes(key))
    store.write_bytes(key, b"\0" * size, content_type="video/mp4")


def test_a_good_store_is_said_to_be_as_recorded(
    store: DirectoryObjectStore, heaters: Heaters
) -> None:
    ended = heaters("verify", "--deep")
    assert ended.code == 0, ended.err
    assert ended.err == ""
    assert ended.out.splitlines()[-1] == "1 video, 0 at fault, 0 unfinished"
    document = heaters("verify", "film", "--json").document
    (video,) = document["videos"]
    assert (video["finished"], video["findings"], video["repair"]) == (True, [], None)
    assert document["stages"]["clips"] == {
        "valid": 4,
        "missing": 0,
        "damaged": 0,
        "stale": 0,
        "without_digest": 0,
    }
    assert "head" not in document["requests"]


@pytest.mark.parametrize("named", [["film"], ["source_videos/film.mp4"], []])
def test_faults_are_named_with_the_command_that_mends_them(
    store: DirectoryObjectStore, heaters: Heaters, named: list[str]
) -> None:
    lost, damaged = (item.key for item in items(store, "clips")[:2])
    store.delete(lost)
    overwrite(store, damaged)
    ended = heaters("verify", *named)
    assert ended.code == 1
    assert ended.err.splitlines() == [
        "film: 1 object is not as recorded",
        f"  {lost} is missing",
        "  to make them again: heaters verify film --repair",
    ]
    deep = heaters("verify", *named, "--deep", "--json")
    assert deep.code == 1
    (video,) = deep.document["videos"]
    assert [(one["key"], one["state"]) for one in video["findings"]] == [
        (lost, "missing"),
        (damaged, "damaged"),
    ]
    # By its size it is right, so that only a repair that reads finds it, too.
    told = heaters("verify", *named, "--deep").err.splitlines()[-1]
    assert told == "  to make them again: heaters verify film --deep --repair"


def test_a_repair_makes_what_is_lost_and_says_so(
    store: DirectoryObjectStore, heaters: Heaters
) -> None:
    damaged, lost = items(store, "clips")[0].key, items(store, "keyframes")[1].key
    whole = {key: store.read_bytes(key) for key in (damaged, lost)}
    overwrite(store, damaged)
    store.delete(lost)
    others = {found.key: found.version for found in store.list("") if found.key not in whole}
    ended = heaters("verify", "--deep", "--repair")
    assert ended.code == 0, ended.err
    assert "  repaired; made 2, reused 12" in ended.out
    assert {key: store.read_bytes(key) for key in whole} == whole
    after = {found.key: found.version for found in store.list("") if found.key not in whole}
    assert {key for key in after if after[key] != others.get(key)} <= {
        key for key in after if key.startswith(("manifests/", keys.CATALOG_CHANGE_PREFIX))
    }
    again = heaters("verify", "--deep", "--repair", "--json")
    assert again.code == 0
    (video,) = again.document["videos"]
    assert (video["findings"], video["repair"]) == ([], None)


@pytest.mark.parametrize("named", [["film"], []])
def test_a_lost_manifest_is_named_with_what_helps(
    store: DirectoryObjectStore, heaters: Heaters, named: list[str]
) -> None:
    store.delete(keys.video_manifest_key("film"))
    objects = {
        found.key: found.version
        for found in store.list("")
        # The catalog that is made at the end follows them.
        if not found.key.startswith(keys.CATALOG_CHANGE_PREFIX)
    }
    ended = heaters("verify", *named)
    assert ended.code == 1
    assert "run heaters process film with its options, which adopts what is stored" in ended.err
    repaired = heaters("verify", *named, "--repair")
    assert repaired.code == 1
    assert "the settings of film are not recorded" in repaired.err
    assert heaters("process", "film").code == 0
    assert heaters("verify", "--deep").code == 0
    after = {found.key: found.version for found in store.list("")}
    assert objects.items() <= after.items()


def test_a_lost_source_is_not_repaired(store: DirectoryObjectStore, heaters: Heaters) -> None:
    store.delete("source_videos/film.mp4")
    ended = heaters("verify", "film", "--repair", "--json")
    assert ended.code == 1
    (video,) = ended.document["videos"]
    assert "upload it again" in video["repair"]["error"]
    assert video["repair"]["made"] == {}


def test_a_video_of_which_nothing_is_recorded_is_an_error(
    store: DirectoryObjectStore, heaters: Heaters
) -> None:
    ended = heaters("verify", "other")
    assert ended.code == 1
    assert "nothing is recorded of other" in ended.err
