"""A finished video is known by its manifest and a few listings, and is never claimed."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from heaters_pipeline.errors import StoreUnavailableError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.records.video_manifests import FORMAT_VERSION, read_video
from heaters_pipeline.workspace import Workspace
from heaters_pipeline_tests.pipeline import SPANS, STAGES, VIDEO_ID, Outcome, Pipeline, spans

pytestmark = pytest.mark.usefixtures("config_is_all")

KEY = keys.video_manifest_key(VIDEO_ID)
# The source is listed with its sidecars.
FEW = {"read_bytes": 1, "list": 6}
FROM_CLIPS = ("sprite_sheets", "keyframes")
OTHER_PICTURES = {"strategy": "multi"}


class KilledError(BaseException):
    """Stands for a kill: nothing in the pipeline catches it."""


@pytest.fixture
def finished(processed: Pipeline) -> Pipeline:
    """The pipeline on a store in which the film is finished and registered as it lies there."""
    outcome = processed.process()
    assert outcome.success, outcome.error
    return processed


def test_a_finished_video_is_asked_for_little_and_nothing_is_written(finished: Pipeline) -> None:
    before = finished.versions()
    again = finished.process()
    assert_nothing_made(again)
    assert again.requests == FEW
    assert finished.versions() == before


def test_the_manifest_holds_all_stages_and_the_small_pictures(finished: Pipeline) -> None:
    assert list(finished.versions(keys.MANIFEST_PREFIX)) == [KEY]
    video = read_video(finished.store, VIDEO_ID)
    assert video.is_finished
    assert set(video.stages) == set(STAGES)
    pictures = {
        finished.manifest("scenes").summary["similarity_picture"],
        finished.manifest("clips").summary["contact_sheet"],
        finished.manifest("sprite_sheets").summary["picture"],
        finished.manifest("keyframes").summary["picture"],
        finished.manifest("storyboards").summary["picture"],
    }
    assert video.pictures == {key: finished.store.read_bytes(key) for key in pictures}


def test_without_its_manifest_a_video_is_adopted_once(finished: Pipeline) -> None:
    before = {key: version for key, version in finished.versions().items() if key != KEY}
    finished.store.delete(KEY)
    adopted = finished.process()
    assert adopted.success, adopted.error
    after = {key: version for key, version in finished.versions().items() if key != KEY}
    assert after == before
    assert finished.process().requests == FEW


@pytest.mark.parametrize(
    "prefix", ["frame_scores/", "storyboards/", "clips/", "sprite_sheets/", "keyframes/"]
)
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


def test_other_settings_are_seen_and_recorded(finished: Pipeline) -> None:
    other = finished.process(keyframes=OTHER_PICTURES)
    assert other.count("made")["keyframes"] == 4
    assert finished.process(keyframes=OTHER_PICTURES).requests == FEW
    back = finished.process()
    assert back.success, back.error
    # The settings are others again, so the manifest is, although no picture is made.
    assert back.count("skipped")["keyframes"] is False
    assert finished.process().requests == FEW


def test_stages_of_other_settings_make_no_finished_video(finished: Pipeline) -> None:
    finished.materialize("scenes", scenes={"end_seconds": 2.0})
    assert not read_video(finished.store, VIDEO_ID).is_finished
    # Clips and pictures are still those of all scenes.
    finished.materialize("keyframes")
    assert not read_video(finished.store, VIDEO_ID).is_finished
    finished.process()
    assert read_video(finished.store, VIDEO_ID).is_finished
    assert finished.process().requests == FEW


def test_a_comparison_in_the_same_run_looks_for_its_pictures(finished: Pipeline) -> None:
    first = finished.process_and_compare()
    assert first.success, first.error
    assert first.metadata["method_comparison"]["skipped"] is False
    before = finished.versions()
    again = finished.process_and_compare()
    assert again.count("skipped") == dict.fromkeys([*STAGES, "method_comparison"], True)
    assert finished.versions() == before


@pytest.mark.parametrize(
    ("version", "why"), [(FORMAT_VERSION + 1, "update heaters_pipeline"), (None, "is damaged")]
)
def test_a_manifest_that_is_newer_or_damaged_is_refused_and_stays(
    finished: Pipeline, version: int | None, why: str
) -> None:
    whole = finished.store.read_bytes(KEY)
    content = {**json.loads(whole), "format_version": version}
    finished.store.write_bytes(KEY, json.dumps(content).encode(), content_type="application/json")
    before = finished.versions()
    refused = finished.process()
    assert not refused.success
    assert KEY in str(refused.error)
    assert why in str(refused.error)
    assert finished.versions() == before


class RecordStore(DirectoryObjectStore):
    """A folder store in which something happens before the manifest is written."""

    def __init__(self, root: Path, before_write: Callable[[int], None]) -> None:
        super().__init__(root, settle_seconds=0)
        self._before_write = before_write
        self._written = 0

    def write_bytes(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
        if key == KEY:
            self._before_write(self._written)
            self._written += 1
        return super().write_bytes(key, data, content_type=content_type)


@pytest.mark.parametrize("stages", range(4))
def test_wherever_a_run_is_killed_the_next_one_ends_with_its_own_results(
    finished: Pipeline, tmp_path: Path, stages: int
) -> None:
    def kill(written: int) -> None:
        if written == stages:
            raise KilledError

    doomed = Pipeline(lambda: RecordStore(tmp_path / "store", kill), tmp_path / "local")
    # Scenes, clips and what is made of them are others.
    assert not doomed.process(scenes={"end_seconds": 2.0}).success
    doomed.instance.dispose()
    outcome = finished.process()
    assert outcome.success, outcome.error
    assert {**outcome.count("made"), "scenes": 0} == dict.fromkeys(STAGES, 0)
    for stage in ("clips", *FROM_CLIPS):
        assert set(spans(finished.manifest(stage))) == set(SPANS)


@pytest.mark.parametrize("stage", STAGES)
def test_what_a_run_at_the_same_time_writes_over_is_adopted_and_never_wrong(
    finished: Pipeline, stage: str
) -> None:
    # Another machine that was taken for dead has read the manifest, and is to publish a stage.
    slow = finished.workspace()
    late = slow.require_manifest(stage, VIDEO_ID)
    other = finished.process(scenes={"end_seconds": 2.0}, keyframes=OTHER_PICTURES)
    assert other.success, other.error
    recorded = read_video(finished.store, VIDEO_ID)
    objects = {key: each for key, each in finished.versions().items() if key != KEY}
    slow.publish(late)
    again = finished.process(scenes={"end_seconds": 2.0}, keyframes=OTHER_PICTURES)
    assert again.success, again.error
    assert not again.failed_checks
    assert {**again.count("made"), "scenes": 0} == dict.fromkeys(STAGES, 0)
    assert again.data_versions == other.data_versions
    assert {key: each for key, each in finished.versions().items() if key != KEY} == objects
    now = read_video(finished.store, VIDEO_ID)
    for name in STAGES:
        assert now.stages[name].inputs == recorded.stages[name].inputs
        assert spans(now.stages[name]) == spans(recorded.stages[name])


def before_claim(monkeypatch: pytest.MonkeyPatch, process: Callable[[], Outcome]) -> list[Outcome]:
    """Let another run work on the video when the next one is about to claim it."""
    claim = Workspace.claim
    outcomes: list[Outcome] = []

    def wait(workspace: Workspace, *arguments: object) -> None:
        monkeypatch.setattr(Workspace, "claim", claim)
        outcomes.append(process())
        workspace.claim(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(Workspace, "claim", wait)
    return outcomes


def test_a_stage_that_another_run_finishes_meanwhile_is_not_made_twice(
    finished: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = {"scenes": {"end_seconds": 2.0}}
    others = before_claim(monkeypatch, lambda: finished.process(**settings))
    outcome = finished.process(**settings)
    (other,) = others
    assert other.count("made")["clips"] == 1
    assert_nothing_made(outcome)
    assert outcome.data_versions == other.data_versions


def test_what_two_runs_of_other_settings_want_is_never_mixed(
    finished: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    # This one has said that the clips, of which it wants other key frames, are done.
    others = before_claim(monkeypatch, lambda: finished.process(scenes={"end_seconds": 2.0}))
    refused = finished.process(keyframes=OTHER_PICTURES)
    assert others[0].success
    assert "another run gave film other clips, scenes meanwhile" in str(refused.error)
    outcome = finished.process(keyframes=OTHER_PICTURES)
    assert outcome.success, outcome.error
    assert set(spans(finished.manifest("keyframes"))) == set(SPANS)


def test_no_later_stage_goes_on_once_one_was_refused(
    finished: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    before_claim(monkeypatch, lambda: finished.process(scenes={"end_seconds": 2.0}))
    refused = finished.process(keyframes=OTHER_PICTURES, sprite_sheets={"columns": 7})
    assert refused.events["STEP_FAILURE"] == 2
    assert "keyframes" not in refused.metadata
    assert "sprite_sheets" not in refused.metadata
    assert finished.process(scenes={"end_seconds": 2.0}).requests == FEW


def test_a_step_that_is_tried_again_under_the_claim_is_refused_as_well(
    finished: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = Workspace.claim

    def fail_once(workspace: Workspace, *arguments: object) -> None:
        monkeypatch.setattr(Workspace, "claim", claim)
        assert finished.process(scenes={"end_seconds": 2.0}).success
        workspace.claim(*arguments)  # type: ignore[arg-type]
        raise StoreUnavailableError("one bad reply")

    monkeypatch.setattr(Workspace, "claim", fail_once)
    refused = finished.process(keyframes=OTHER_PICTURES)
    assert refused.events["STEP_UP_FOR_RETRY"] == 1
    assert "another run gave film other clips, scenes" in str(refused.error)
    assert finished.process(scenes={"end_seconds": 2.0}).requests == FEW


def test_no_stage_goes_on_once_a_comparison_was_refused(
    finished: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = {"frame_scores": {"ignored_regions": ["0,0,0.1,0.1"]}}
    before_claim(monkeypatch, lambda: finished.process(**other))
    refused = finished.process_and_compare()
    assert "another run gave film other frame_scores meanwhile" in str(refused.error)
    assert refused.metadata.keys() == {"source_videos", "frame_scores"}
    assert finished.process(**other).requests == FEW


def test_a_comparison_is_not_held_to_stages_that_it_does_not_use(
    finished: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    claim = Workspace.claim

    def fail_once(*_: object) -> None:
        # Until the step is tried again, the run reports that all other stages are done.
        monkeypatch.setattr(Workspace, "claim", claim)
        before_claim(monkeypatch, lambda: finished.process(keyframes=OTHER_PICTURES))
        raise StoreUnavailableError("one bad reply")

    monkeypatch.setattr(Workspace, "claim", fail_once)
    outcome = finished.process_and_compare()
    assert outcome.success, outcome.error
    assert outcome.metadata["method_comparison"]["skipped"] is False


@pytest.mark.parametrize("stage", ["keyframes", "method_comparison"])
def test_a_run_that_reported_nothing_works_with_what_another_has_just_made(
    finished: Pipeline, monkeypatch: pytest.MonkeyPatch, stage: str
) -> None:
    before_claim(monkeypatch, lambda: finished.process(scenes={"end_seconds": 2.0}))
    if stage == "keyframes":
        outcome = finished.materialize(stage, keyframes=OTHER_PICTURES)
    else:
        outcome = finished.compare()
    assert outcome.success, outcome.error
    assert read_video(finished.store, VIDEO_ID).is_finished
    assert finished.process(scenes={"end_seconds": 2.0}).success


def test_a_manifest_that_contradicts_itself_ends_the_run_with_the_way_out(
    finished: Pipeline,
) -> None:
    scenes = finished.manifest("scenes")
    rows = scenes.summary["scenes"]
    wrong = replace(scenes, summary={**scenes.summary, "scenes": [rows[0], *rows[2:]]})
    finished.record(wrong)
    failed = finished.process()
    assert f"delete {KEY} and run it again with its options" in str(failed.error)
    finished.store.delete(KEY)
    outcome = finished.process()
    assert outcome.success, outcome.error
    assert {**outcome.count("made"), "source_videos": 0, "scenes": 0} == dict.fromkeys(STAGES, 0)


def assert_nothing_made(outcome: Outcome) -> None:
    """Each asset was materialized, as skipped, and no check is red."""
    assert outcome.success, outcome.error
    assert outcome.count("skipped") == dict.fromkeys(STAGES, True)
    assert not outcome.failed_checks
