"""``heaters prune``: what other settings left goes, what is current never does."""

import shutil
from datetime import timedelta
from pathlib import Path

import pytest

from heaters_pipeline.assets import clip_work, clips
from heaters_pipeline.assets.stage_work import StageWork
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.claims import Claims
from heaters_pipeline.storage.records.pruning import Pruner
from heaters_pipeline_tests.cli.heaters_command import Heaters
from heaters_pipeline_tests.pipeline import Pipeline


@pytest.fixture
def store(home: Path, processed_folder: Path) -> DirectoryObjectStore:
    """The commands' store, in which the film was processed."""
    shutil.copytree(processed_folder, home / "data")
    return DirectoryObjectStore(home / "data")


def test_what_other_settings_left_is_listed_and_goes_only_with_delete(
    store: DirectoryObjectStore, heaters: Heaters
) -> None:
    old = {found.key for found in store.list("clips/")}
    heaters("process", "film", "--clips", "reencode", "--preset", "ultrafast")
    before = {found.key: found.version for found in store.list("")}
    assert heaters("prune").out == "nothing older than 30 days that no manifest names\n"
    listed = heaters("prune", "--older-than", "0")
    assert (listed.code, listed.err) == (0, "")
    assert "are older than 0 days and named by no manifest; --delete removes them" in listed.out
    document = heaters("prune", "film", "--older-than", "0", "--json").document
    assert old <= set(document["videos"][0]["objects"])
    assert {found.key: found.version for found in store.list("")} == before
    deleted = heaters("prune", "--older-than", "0", "--delete", "--json").document
    (video,) = deleted["videos"]
    assert video["removed"] == len(video["objects"]) == len(document["videos"][0]["objects"])
    left = {found.key: found.version for found in store.list("")}
    assert left == {key: before[key] for key in before.keys() - set(video["objects"])}
    assert heaters("verify", "--deep").code == 0
    assert heaters("prune", "--older-than", "0", "--delete").code == 0


def test_of_a_video_without_its_manifest_nothing_goes(
    store: DirectoryObjectStore, heaters: Heaters
) -> None:
    store.delete(keys.video_manifest_key("film"))
    before = {found.key: found.version for found in store.list("")}
    ended = heaters("prune", "--older-than", "0", "--delete")
    assert ended.code == 1
    assert "run heaters process film with its options, which adopts what is stored" in ended.err
    assert {found.key: found.version for found in store.list("")} == before


def test_a_video_that_there_is_not_has_nothing(
    store: DirectoryObjectStore, heaters: Heaters
) -> None:
    ended = heaters("prune", "holiday", "--older-than", "0")
    assert (ended.code, ended.out) == (0, "nothing older than 0 days that no manifest names\n")


def test_what_a_run_adopts_is_not_removed_under_its_hands(
    processed: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    processed.forget("clips")
    kept: list[str | None] = []

    def adopt_and_prune(work: StageWork) -> None:
        clip_work.adopt_clips(work)
        # Another machine, at the very moment when the clips are adopted and not yet recorded.
        claims = Claims(processed.store, tmp_path / "other machine")
        pruner = Pruner(processed.store, claims, timedelta(days=-1))
        for removal in pruner.look():
            pruner.remove(removal)
            kept.append(removal.kept)

    monkeypatch.setattr(clips, "adopt_clips", adopt_and_prune)
    before = processed.versions("clips/")
    outcome = processed.process()
    assert outcome.success, outcome.error
    assert kept
    assert all("works on it" in str(why) for why in kept)
    assert outcome.metadata["clips"]["made"] == 0
    assert processed.versions("clips/") == before
