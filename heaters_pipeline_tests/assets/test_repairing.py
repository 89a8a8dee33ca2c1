"""What is lost or damaged behind our back is seen, and a repair makes only that again."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from heaters_pipeline.assets.repairing import RunOutcome, recorded_config, repair_video
from heaters_pipeline.definitions import defs
from heaters_pipeline.errors import ManifestError
from heaters_pipeline.names import PROCESS_JOB, REPAIR_JOB
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import bytes_sha256
from heaters_pipeline.storage.records.manifests import Manifest
from heaters_pipeline.storage.records.verification import Verifier, VideoReport
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline.workspace import Workspace
from heaters_pipeline_tests.pipeline import SOURCE_KEY, SPANS, STAGES, VIDEO_ID, Outcome, Pipeline
from heaters_pipeline_tests.servers import S3Server

OTHER_SETTINGS: dict[str, dict[str, Any]] = {
    "frame_scores": {"ignored_regions": ["0,0.9,1,1"]},
    "scenes": {"min_duration_seconds": 0.1, "threshold": 5.5},
    "sprite_sheets": {"tiles_per_second": 1.5, "columns": 3},
    "keyframes": {"strategy": "multi"},
    "storyboards": {"interval_seconds": 2},
}
OBJECT_STAGES = ("frame_scores", "storyboards", "clips", "sprite_sheets", "keyframes")
RECORD = keys.video_manifest_key(VIDEO_ID)
FILLER = "application/octet-stream"

Damage = Callable[[Pipeline, str], None]


@pytest.fixture
def finished(processed: Pipeline) -> Pipeline:
    """The pipeline on a store in which the film is finished."""
    outcome = processed.process()
    assert outcome.success, outcome.error
    return processed


def lose(pipeline: Pipeline, key: str) -> None:
    pipeline.store.delete(key)


def cut_short(pipeline: Pipeline, key: str) -> None:
    pipeline.store.write_bytes(key, pipeline.store.read_bytes(key)[:-2], content_type=FILLER)


def empty(pipeline: Pipeline, key: str) -> None:
    pipeline.store.write_bytes(key, b"", content_type=FILLER)


def overwrite(pipeline: Pipeline, key: str) -> None:
    """Change the content and keep its size."""
    content = bytearray(pipeline.store.read_bytes(key))
    content[len(content) // 2] ^= 0xFF
    pipeline.store.write_bytes(key, bytes(content), content_type=FILLER)


VISIBLE = {lose: "missing", cut_short: "damaged", empty: "damaged"}


def verify(pipeline: Pipeline, *, deep: bool = False) -> VideoReport:
    (report,) = Verifier(pipeline.store, deep=deep).videos([VIDEO_ID])
    (of_all,) = Verifier(pipeline.store, deep=deep).all_videos()
    assert of_all == report
    return report


def found(report: VideoReport) -> list[tuple[str, str, str]]:
    return [(finding.stage, finding.key, finding.state) for finding in report.findings]


def repair(pipeline: Pipeline, *, deep: bool = True) -> RunOutcome:
    """Repair the film, which leaves nothing to find."""

    def run(config: dict[str, dict[str, Any]], workspace: Workspace) -> RunOutcome:
        outcome = pipeline.process(workspace=workspace, **config)
        assert not outcome.failed_checks
        return RunOutcome(outcome.error, outcome.count("made"), outcome.count("reused"))

    done = repair_video(pipeline.workspace(), VIDEO_ID, run, deep=deep)
    assert done.error is None
    assert done.after.findings == []
    assert done.outcome is not None
    return done.outcome


def units_of(pipeline: Pipeline, stage: str, key: str) -> set[str]:
    """The objects that are made together with one: those of a clip."""
    items = pipeline.manifest(stage).items
    (wanted,) = (item for item in items if item.key == key)
    return {item.key for item in items if item.start_frame == wanted.start_frame}


def changed(before: dict[str, str], after: dict[str, str]) -> set[str]:
    """What was written, but for records."""
    keys_of_both = before.keys() | after.keys()
    return {
        key
        for key in keys_of_both
        if before.get(key) != after.get(key) and not key.startswith(keys.MANIFEST_PREFIX)
    }


def test_what_was_made_is_as_recorded_with_a_digest_each(finished: Pipeline) -> None:
    report = verify(finished, deep=True)
    assert report.finished
    assert report.findings == []
    for stage in OBJECT_STAGES:
        for item in finished.manifest(stage).items:
            content = finished.store.read_bytes(item.key)
            assert item.details["sha256"] == bytes_sha256(content)
    counts = {stage.stage: stage.valid for stage in report.stages}
    expected = {stage: len(finished.manifest(stage).items) for stage in OBJECT_STAGES}
    assert counts == {
        "source_videos": 1,
        **expected,
        "reports": 6,
        "manifests": 1,
    }
    assert not any(stage.without_digest for stage in report.stages)


@pytest.mark.parametrize("damage", [lose, cut_short, empty, overwrite])
@pytest.mark.parametrize("stage", OBJECT_STAGES)
def test_an_object_is_seen_and_made_again_alone(
    finished: Pipeline, stage: str, damage: Damage
) -> None:
    item = finished.manifest(stage).items[0]
    if stage == "sprite_sheets" and damage is lose:
        # Its index, for once.
        item = next(one for one in finished.manifest(stage).items if "page" not in one.details)
    whole, before = finished.store.read_bytes(item.key), finished.versions()
    together = units_of(finished, stage, item.key)
    damage(finished, item.key)
    hidden = damage is overwrite
    expected = [] if hidden else [(stage, item.key, VISIBLE[damage])]
    assert found(verify(finished)) == expected
    (deep,) = verify(finished, deep=True).findings
    assert (deep.stage, deep.key, deep.hidden) == (stage, item.key, hidden)
    outcome = repair(finished, deep=hidden)
    assert outcome.made == {**dict.fromkeys(STAGES, 0), stage: 1}
    assert finished.store.read_bytes(item.key) == whole
    assert item.key in changed(before, finished.versions()) <= together


def test_a_repair_keeps_the_settings_that_the_video_was_made_with(finished: Pipeline) -> None:
    assert finished.process(**OTHER_SETTINGS).success
    manifests = {stage: finished.manifest(stage) for stage in STAGES}
    before = finished.versions()
    lost = [manifests[stage].items[0].key for stage in OBJECT_STAGES]
    for key in lost:
        finished.store.delete(key)
    outcome = repair(finished)
    assert outcome.made == {
        **dict.fromkeys(STAGES, 0),
        **dict.fromkeys(OBJECT_STAGES, 1),
    }
    assert {stage: finished.manifest(stage).inputs for stage in STAGES} == {
        stage: manifest.inputs for stage, manifest in manifests.items()
    }
    assert changed(before, finished.versions()) <= {
        key
        for stage, key in zip(OBJECT_STAGES, lost, strict=True)
        for key in units_of(finished, stage, key)
    }


def test_a_lost_manifest_is_written_again_by_a_run_with_its_options(finished: Pipeline) -> None:
    assert finished.process(**OTHER_SETTINGS).success
    before = finished.versions()
    recorded = {stage: finished.manifest(stage) for stage in STAGES}
    lose(finished, RECORD)
    report = verify(finished)
    assert found(report) == [("manifests", RECORD, "missing")]
    done = repair_video(
        finished.workspace(), VIDEO_ID, lambda *_: pytest.fail("it ran"), deep=False
    )
    assert "with the options it was made with: what is stored is adopted" in str(done.error)
    assert finished.process(**OTHER_SETTINGS).success
    assert verify(finished, deep=True).findings == []
    assert not changed(before, finished.versions())
    for stage, manifest in recorded.items():
        assert finished.manifest(stage).inputs == manifest.inputs


@pytest.mark.parametrize("damage", [cut_short, empty, overwrite])
def test_a_damaged_manifest_is_said_to_be_so_and_left(finished: Pipeline, damage: Damage) -> None:
    damage(finished, RECORD)
    before = finished.versions()
    report = verify(finished)
    assert str(report.error).startswith(f"{RECORD} is damaged (")
    assert "delete it and run the video again with its options" in str(report.error)
    assert report.findings == []
    assert not run_repair_job(finished).success
    assert finished.versions() == before


def test_a_lost_or_empty_picture_of_the_ui_is_drawn_again(finished: Pipeline) -> None:
    before = finished.versions("reports/")
    for key, damage in zip(before, [lose, empty, lose, empty, lose, empty], strict=True):
        damage(finished, key)
    assert len(verify(finished).findings) == 6
    repair(finished)
    assert finished.versions("reports/").keys() == before.keys()
    assert all(finished.store.read_bytes(key) for key in before)


def test_what_no_record_names_is_stale_and_no_fault(finished: Pipeline) -> None:
    assert finished.process(keyframes={"strategy": "multi"}).success
    report = verify(finished)
    assert report.findings == []
    stale = {stage.stage: stage.stale for stage in report.stages if stage.stale}
    # Key frames with their thumbnails; the gallery of the UI is stale as well.
    assert stale == {"keyframes": 2 * len(SPANS), "reports": 1}


def test_an_unfinished_video_is_no_fault(pipeline: Pipeline, film: Path) -> None:
    only = pipeline.materialize("source_videos", source_videos={"origin": str(film)})
    assert only.success, only.error
    report = verify(pipeline, deep=True)
    assert not report.finished
    assert report.findings == []


def test_stages_that_do_not_belong_together_are_not_finished(finished: Pipeline) -> None:
    assert verify(finished).finished
    assert finished.materialize("scenes", scenes={"end_seconds": 2.0}).success
    report = verify(finished)
    assert (report.findings, report.finished) == ([], False)


def test_without_a_recorded_digest_the_content_is_not_judged(finished: Pipeline) -> None:
    content = json.loads(finished.store.read_bytes(RECORD))
    for row in content["stages"]["clips"]["items"]:
        del row["details"]["sha256"]
    finished.store.write_bytes(RECORD, json.dumps(content).encode(), content_type=FILLER)
    overwrite(finished, finished.manifest("clips").items[0].key)
    report = verify(finished, deep=True)
    assert report.findings == []
    (clips,) = (stage for stage in report.stages if stage.stage == "clips")
    assert clips.without_digest == clips.valid == len(SPANS)
    # Nor is anything made for the lack of it.
    assert finished.process().count("made") == dict.fromkeys(STAGES, 0)


@pytest.mark.parametrize("damage", [lose, cut_short, overwrite])
def test_a_lost_source_is_said_to_be_uploaded_again(finished: Pipeline, damage: Damage) -> None:
    damage(finished, SOURCE_KEY)
    before = finished.versions()
    report = verify(finished, deep=True)
    assert [(one.stage, one.key) for one in report.findings] == [("source_videos", SOURCE_KEY)]
    workspace = finished.workspace()
    done = repair_video(workspace, VIDEO_ID, lambda *_: pytest.fail("it ran"), deep=True)
    assert "cannot be made again, upload it again" in str(done.error)
    assert finished.versions() == before


def test_settings_of_another_version_are_not_guessed(finished: Pipeline) -> None:
    finished.store.delete(finished.manifest("clips").items[0].key)
    report = verify(finished)
    assert report.manifest is not None
    older = Manifest.from_bytes(report.manifest.stages["clips"].to_bytes(), "clips")
    older.inputs["format_version"] -= 1
    with pytest.raises(ManifestError, match="clips of film was made by another version"):
        recorded_config(VideoReport(VIDEO_ID, manifest=report.manifest.with_stage(older)))


def test_settings_that_are_not_known_are_not_left_out(finished: Pipeline) -> None:
    finished.store.delete(finished.manifest("clips").items[0].key)
    report = verify(finished)
    assert report.manifest is not None
    newer = Manifest.from_bytes(report.manifest.stages["keyframes"].to_bytes(), "keyframes")
    newer.inputs["settings"]["sharpness"] = 3
    with pytest.raises(ManifestError, match="keyframes of film are not all known"):
        recorded_config(VideoReport(VIDEO_ID, manifest=report.manifest.with_stage(newer)))


def test_over_s3_one_list_a_stage_finds_it_and_only_it_is_made(
    rclone_s3: S3Server, film: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rclone_s3.use(monkeypatch)
    bucket = rclone_s3.new_bucket()
    pipeline = Pipeline(lambda: S3ObjectStore(bucket, "videos"), tmp_path / "local")
    made = pipeline.process(source_videos={"origin": str(film)})
    assert made.success, made.error
    clip, picture = (pipeline.manifest(stage).items[1].key for stage in ("clips", "keyframes"))
    overwrite(pipeline, clip)
    lose(pipeline, picture)
    before = pipeline.versions()
    store = S3ObjectStore(bucket, "videos")
    (report,) = Verifier(store).all_videos()
    assert found(report) == [("keyframes", picture, "missing")]
    # The stages, the pictures, the sources, the manifests; and the one of the video.
    assert store.requests == {"ListObjectsV2": 8, "GetObject": 1}
    outcome = repair(pipeline)
    assert outcome.made == {**dict.fromkeys(STAGES, 0), "clips": 1, "keyframes": 1}
    assert changed(before, pipeline.versions()) == {clip, picture}
    pipeline.instance.dispose()


def run_repair_job(pipeline: Pipeline, **config: Any) -> dg.ExecuteInProcessResult:
    return pipeline.launch(REPAIR_JOB, "repair", **config)


def test_the_job_repairs_a_video_by_a_run_of_its_own(finished: Pipeline) -> None:
    assert finished.process(**OTHER_SETTINGS).success
    clip = finished.manifest("clips").items[0].key
    overwrite(finished, clip)
    before = finished.versions()
    runs = len(finished.instance.get_runs())
    assert run_repair_job(finished).success
    # By its size it is right; no run was started.
    assert len(finished.instance.get_runs()) == runs + 1
    assert not changed(before, finished.versions())
    result = run_repair_job(finished, deep=True)
    assert result.success
    assert changed(before, finished.versions()) == {clip}
    assert verify(finished, deep=True).findings == []
    (made,) = finished.instance.get_runs(dg.RunsFilter(tags={"heaters/repaired_by": result.run_id}))
    assert made.job_name == PROCESS_JOB
    assert made.status is dg.DagsterRunStatus.SUCCESS
    latest = finished.instance.fetch_materializations(dg.AssetKey("clips"), limit=1).records[0]
    assert latest.run_id == made.run_id
    assert latest.partition_key == VIDEO_ID


def test_the_job_fails_with_what_a_person_has_to_do(finished: Pipeline) -> None:
    lose(finished, SOURCE_KEY)
    result = run_repair_job(finished)
    assert not result.success
    failure = result.failure_data_for_node("repair")
    assert failure is not None
    assert "upload it again" in str(failure.user_failure_data)


def test_the_job_fails_for_a_video_of_which_nothing_is_recorded(pipeline: Pipeline) -> None:
    result = run_repair_job(pipeline)
    assert not result.success
    failure = result.failure_data_for_node("repair")
    assert failure is not None
    assert "nothing is recorded; run process_videos" in str(failure.user_failure_data)


def test_the_launchpad_shows_the_setting_of_the_job() -> None:
    job = defs.resolve_job_def(REPAIR_JOB)
    schema: Any = job.get_node_named("repair").definition.config_schema
    fields = schema.config_type.fields
    assert fields["deep"].default_value is False
    assert "content" in fields["deep"].description
    assert job.partitions_def is not None


def test_a_stage_says_what_it_saw(finished: Pipeline) -> None:
    clips = finished.manifest("clips").items
    finished.store.delete(clips[0].key)
    finished.store.write_bytes("clips/film/other.mp4", b"x", content_type=FILLER)
    outcome: Outcome = finished.process()
    seen = {name: outcome.metadata["clips"][name] for name in ("valid", "missing", "stale")}
    assert seen == {"valid": len(clips) - 1, "missing": 1, "stale": 1}
    again = finished.process()
    assert again.metadata["clips"]["valid"] == len(clips)
    assert again.metadata["frame_scores"]["valid"] == 1
    # Without objects there is nothing to see.
    assert "valid" not in again.metadata["scenes"]
    assert "valid" not in again.metadata["scenes"]


def test_a_red_check_names_the_command_and_the_job_that_mend_it(finished: Pipeline) -> None:
    finished.store.delete(finished.manifest("clips").items[0].key)
    assert "clips_exist" in finished.check().failed_checks
    key = dg.AssetCheckKey(dg.AssetKey("clips"), "clips_exist")
    (record,) = finished.instance.event_log_storage.get_asset_check_execution_history(key, limit=1)
    assert record.event is not None
    assert record.event.dagster_event is not None
    shown = record.event.dagster_event.asset_check_evaluation_data.metadata["mend"].value
    assert shown == "heaters verify film --repair, or the job repair_videos for it"
