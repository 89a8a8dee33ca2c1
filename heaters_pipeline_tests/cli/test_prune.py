"""``heaters prune``: what other settings left goes, what is current never does."""

import shutil
from datetime import UTC, timedelta
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


def stored(store: DirectoryObjectStore) -> dict[str, str]:
    """All objects but what prune notes for itself."""
    return {
        found.key: found.version for found in store.list("") if found.key != keys.UNNAMED_OBJECTS
    }


def test_what_other_settings_left_is_listed_and_goes_only_with_delete(
    store: DirectoryObjectStore, heaters: Heaters
) -> None:
    old = {found.key for found in store.list("clips/")}
    heaters("process", "film", "--clips", "reencode", "--preset", "ultrafast")
    before = stored(store)
    first = heaters("prune")
    assert (first.code, first.err) == (0, "")
    today = store.now().astimezone(UTC)
    said = f"named by nothing any more, 0.2 MB, first seen so on {today:%Y-%m-%d}; what stays so"
    assert said in first.out
    assert f"can go from {today + timedelta(days=30):%Y-%m-%d} on" in first.out
    assert first.out.endswith("nothing to remove: no object has gone unnamed for 30 days\n")
    listed = heaters("prune", "--older-than", "0")
    assert (listed.code, listed.err) == (0, "")
    assert "can go: nothing has named them for 0 days; --delete removes them" in listed.out
    document = heaters("prune", "film", "--older-than", "0", "--json").document
    assert old <= set(document["videos"][0]["objects"])
    assert stored(store) == before
    deleted = heaters("prune", "--older-than", "0", "--delete", "--json").document
    (video,) = deleted["videos"]
    assert video["removed"] == len(video["objects"]) == len(document["videos"][0]["objects"])
    left = stored(store)
    assert left == {key: before[key] for key in before.keys() - set(video["objects"])}
    assert heaters("verify", "--deep").code == 0
    assert heaters("prune", "--older-than", "0", "--delete").code == 0


def test_of_a_video_without_its_manifest_nothing_goes(
    store: DirectoryObjectStore, heaters: Heaters
) -> None:
    store.delete(keys.video_manifest_key("film"))
    before = stored(store)
    ended = heaters("prune", "--older-than", "0", "--delete")
    assert ended.code == 1
    assert "run heaters process film with its options, which adopts what is stored" in ended.err
    assert stored(store) == before


def test_a_video_that_there_is_not_is_refused(
    store: DirectoryObjectStore, heaters: Heaters
) -> None:
    ended = heaters("prune", "film", "holiday", "--older-than", "0")
    assert (ended.code, ended.out) == (1, "")
    assert "nothing is stored of holiday; heaters status lists all videos" in ended.err
    # One of which nothing was made yet is known.
    store.write_bytes("source_videos/new.mp4", b"video", content_type="video/mp4")
    ended = heaters("prune", "new", "--older-than", "0")
    assert (ended.code, ended.err) == (0, "")


def test_what_the_catalog_names_is_kept_until_it_is_another(
    store: DirectoryObjectStore, heaters: Heaters, film: Path
) -> None:
    old = {found.key for found in store.list("clips/")}
    assert heaters("process", "film", "--min-duration", "0.3").code == 0
    stale = store.read_bytes(keys.CATALOG_CLIPS)
    assert heaters("process", "film", "--clips", "reencode", "--preset", "ultrafast").code == 0
    store.write_bytes(keys.CATALOG_CLIPS, stale, content_type="x")
    assert heaters("prune", "--older-than", "0", "--delete").code == 0
    assert old <= {found.key for found in store.list("clips/")}
    assert heaters("process", "film", "--clips", "reencode", "--preset", "fast").code == 0
    assert heaters("prune", "--older-than", "0", "--delete").code == 0
    assert not old & {found.key for found in store.list("clips/")}


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
