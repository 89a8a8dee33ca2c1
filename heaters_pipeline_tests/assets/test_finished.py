"""A finished video is recognised by its combined record, and never for less than what it says."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from heaters_pipeline.storage.records.finished import FORMAT_VERSION, FinishedVideo

from heaters_pipeline.errors import StoreUnavailableError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline_tests.pipeline import SPANS, STAGES, VIDEO_ID, Outcome, Pipeline, spans

KEY = keys.finished_key(VIDEO_ID)
CLIPS_MANIFEST = keys.manifest_key("clips", VIDEO_ID)
NOTICES = keys.notice_prefix(VIDEO_ID)
FEW = {"head": 1, "read_bytes": 1, "list": 3}
FROM_CLIPS = ("sprite_sheets", "keyframes")
OTHER_PICTURES = {"strategy": "multi"}


class KilledError(BaseException):
    """Stands for a kill: nothing in the pipeline catches it."""


@pytest.fixture
def finished(processed: Pipeline) -> Pipeline:
    """The pipeline on a store in which the film is finished, with its combined record."""
    outcome = processed.process()
    assert outcome.success, outcome.error
    return processed


def test_a_finished_video_is_asked_for_little_and_nothing_is_written(finished: Pipeline) -> None:
    before = finished.versions()
    again = finished.process()
    assert_nothing_made(again)
    assert again.requests == FEW
    assert finished.versions() == before


def test_the_record_holds_the_manifests_and_the_small_pictures(finished: Pipeline) -> None:
    record = FinishedVideo.from_bytes(finished.store.read_bytes(KEY), VIDEO_ID)
    assert record.manifests == {stage: finished.manifest(stage) for stage in STAGES}
    pictures = {
        finished.manifest("scenes").summary["similarity_picture"],
        finished.manifest("clips").summary["contact_sheet"],
    }
    assert record.pictures == {key: finished.store.read_bytes(key) for key in pictures}


def test_without_a_record_it_is_written_once_and_nothing_is_made(finished: Pipeline) -> None:
    record = finished.store.read_bytes(KEY)
    finished.store.delete(KEY)
    slow = finished.process()
    assert_nothing_made(slow)
    assert finished.store.read_bytes(KEY) == record
    assert finished.process().requests == FEW


@pytest.mark.parametrize("prefix", ["clips/", "sprite_sheets/", "keyframes/"])
@pytest.mark.parametrize("lost", [True, False])
def test_an_object_that_is_lost_or_cut_short_is_seen_and_made_again_alone(
    finished: Pipeline, prefix: str, lost: bool
) -> None:
    key = next(iter(finished.versions(prefix)))
    whole = finished.store.read_bytes(key)
    if lost:
        finished.store.delete(key)
    else:
        finished.store.write_bytes(key, whole[:-1], content_type="video/mp4")
    mended = finished.process()
    assert mended.success, mended.error
    assert mended.count("made") == {**dict.fromkeys(STAGES, 0), prefix.rstrip("/"): 1}
    assert finished.store.read_bytes(key) == whole
    assert finished.process().requests == FEW


def test_other_settings_are_seen_and_recorded_anew(finished: Pipeline) -> None:
    other = finished.process(keyframes=OTHER_PICTURES)
    assert other.count("made")["keyframes"] == 4
    assert finished.process(keyframes=OTHER_PICTURES).requests == FEW
    back = finished.process()
    assert back.success, back.error
    # The settings are others again, so the manifest is, although no picture is made.
    assert back.count("skipped")["keyframes"] is False
    assert finished.process().requests == FEW


def test_of_a_single_asset_whose_settings_are_others_no_record_tells(finished: Pipeline) -> None:
    finished.materialize("scenes", scenes={"end_seconds": 2.0})
    assert not finished.versions(KEY)
    # Clips and pictures are still those of all scenes.
    finished.materialize("keyframes")
    assert not finished.versions(KEY)
    finished.process()
    assert finished.process().requests == FEW


def test_a_comparison_in_the_same_run_looks_for_its_pictures(finished: Pipeline) -> None:
    first = finished.process_and_compare()
    assert first.success, first.error
    assert first.metadata["method_comparison"]["skipped"] is False
    before = finished.versions()
    again = finished.process_and_compare()
    assert again.count("skipped") == dict.fromkeys([*STAGES, "method_comparison"], True)
    assert finished.versions() == before


@pytest.mark.parametrize("version", [FORMAT_VERSION + 1, None])
def test_a_record_that_is_newer_or_damaged_does_not_count(
    finished: Pipeline, version: int | None
) -> None:
    record = finished.store.read_bytes(KEY)
    content = {**json.loads(record), "format_version": version}
    finished.store.write_bytes(KEY, json.dumps(content).encode(), content_type="application/json")
    slow = finished.process()
    assert_nothing_made(slow)
    assert slow.requests["read_bytes"] > len(STAGES)
    assert finished.store.read_bytes(KEY) == record


def test_while_a_manifest_changes_the_record_does_not_count(finished: Pipeline) -> None:
    notice = keys.notice_key(VIDEO_ID, "other")
    finished.store.write_bytes(notice, b"{}", content_type="application/json")
    assert finished.workspace().finished(VIDEO_ID) is None
    # Nobody has the claim on the video, so that it is the notice of a run that was killed.
    assert_nothing_made(finished.process())
    assert list(finished.versions(NOTICES)) == []
    assert finished.workspace().finished(VIDEO_ID) is not None


class RecordStore(DirectoryObjectStore):
    """A folder store in which something happens before a chosen step on records.

    Steps are what is written and removed of manifests, notices and the combined record.
    """

    def __init__(self, root: Path, before_step: Callable[[int, str], None]) -> None:
        super().__init__(root, settle_seconds=0)
        self._before_step = before_step
        self._steps = 0

    def write_bytes(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
        self._step(key)
        return super().write_bytes(key, data, content_type=content_type)

    def delete(self, key: str) -> None:
        self._step(key)
        super().delete(key)

    def _step(self, key: str) -> None:
        if keys.is_notice(key) or key.startswith(keys.MANIFEST_PREFIX):
            self._before_step(self._steps, key)
            self._steps += 1


# Of four stages with other settings, and of the record: four steps a stage, clips being second.
AFTER_NOTICE, AFTER_MANIFEST, AFTER_REMOVAL, AFTER_RECORD = 5, 6, 7, 18


@pytest.mark.parametrize("step", [AFTER_NOTICE, AFTER_MANIFEST, AFTER_REMOVAL, AFTER_RECORD])
def test_wherever_a_run_is_killed_the_next_one_ends_with_its_own_results(
    finished: Pipeline, tmp_path: Path, step: int
) -> None:
    seen: list[str] = []

    def kill(number: int, key: str) -> None:
        if number >= step:
            raise KilledError
        seen.append(key)

    doomed = Pipeline(lambda: RecordStore(tmp_path / "store", kill), tmp_path / "local")
    assert not doomed.process(scenes={"end_seconds": 2.0}).success
    doomed.instance.dispose()
    if step == AFTER_RECORD:
        assert seen[-1] == KEY
    else:
        assert (CLIPS_MANIFEST in seen) is (step > AFTER_NOTICE)
    outcome = finished.process()
    assert outcome.success, outcome.error
    for stage in ("clips", *FROM_CLIPS):
        assert set(spans(finished.manifest(stage))) == set(SPANS)


def test_a_record_that_cannot_be_written_fails_nothing(
    finished: Pipeline, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(_: int, key: str) -> None:
        if key == KEY:
            raise StoreUnavailableError("the store is restarting")

    finished.store.delete(KEY)
    unlucky = Pipeline(lambda: RecordStore(tmp_path / "store", refuse), tmp_path / "local")
    outcome = unlucky.process()
    unlucky.instance.dispose()
    assert_nothing_made(outcome)
    assert (
        "film is finished and stored; its combined record is not, so that the next run reads each "
        "manifest: the store is restarting" in caplog.text
    )
    assert_nothing_made(finished.process())


def test_a_record_that_contradicts_itself_is_removed_with_the_run_that_fails(
    finished: Pipeline,
) -> None:
    scenes = finished.manifest("scenes")
    rows = scenes.summary["scenes"]
    wrong = replace(scenes, summary={**scenes.summary, "scenes": [rows[0], *rows[2:]]})
    record = FinishedVideo.from_bytes(finished.store.read_bytes(KEY), VIDEO_ID)
    broken = replace(record, manifests={**record.manifests, "scenes": wrong})
    finished.store.write_bytes(KEY, broken.to_bytes(), content_type="application/json")
    failed = finished.process()
    assert "delete its record of the scenes and run it again" in str(failed.error)
    assert not finished.versions(KEY)
    assert_nothing_made(finished.process())


def assert_nothing_made(outcome: Outcome) -> None:
    """Each asset was materialized, as skipped, and no check is red."""
    assert outcome.success, outcome.error
    assert outcome.count("skipped") == dict.fromkeys(STAGES, True)
    assert not outcome.failed_checks
