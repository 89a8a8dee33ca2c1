"""The job that evaluates the checks of a video again, which Dagster does not do by itself."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from heaters_pipeline.check_job import check_videos_weekly
from heaters_pipeline.errors import StoreUnavailableError
from heaters_pipeline.names import CHECK_JOB, REPAIR_JOB, SOURCE_VIDEOS
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.pipeline import VIDEO_ID, Pipeline
from heaters_pipeline_tests.test_checks import ALL_CHECKS


def run_check_job(pipeline: Pipeline, **config: Any) -> dg.ExecuteInProcessResult:
    return pipeline.launch(CHECK_JOB, "check", **config)


def red(result: dg.ExecuteInProcessResult) -> set[str]:
    return {each.check_name for each in result.get_asset_check_evaluations() if not each.passed}


def test_the_job_evaluates_every_check_on_what_the_store_holds_now(processed: Pipeline) -> None:
    assert processed.process().success
    result = run_check_job(processed)
    assert result.success
    evaluations = result.get_asset_check_evaluations()
    assert {each.check_name for each in evaluations} == ALL_CHECKS
    assert all(each.passed and each.partition == VIDEO_ID for each in evaluations)
    materialized = processed.instance.fetch_materializations(dg.AssetKey("clips"), limit=1)
    (clips,) = (each for each in evaluations if each.check_name == "clips_exist")
    assert clips.target_materialization_data is not None
    # Else Dagster calls the partition "missing".
    assert clips.target_materialization_data.storage_id == materialized.records[0].storage_id
    lost = processed.manifest("clips").items[0].key
    processed.store.delete(lost)
    result = run_check_job(processed)
    assert red(result) == {"clips_exist"}
    # The run is as red as its checks, so that a person sees it who switched on the schedule.
    assert not result.success
    failure = result.failure_data_for_node("check")
    assert failure is not None
    said = str(failure.user_failure_data)
    assert f"clips_exist: {lost} is missing" in said
    assert "run heaters verify film --repair, or the job repair_videos for it" in said


def test_the_schedule_checks_each_video_once_a_week(tmp_path: Path) -> None:
    names = [f"film{number}" for number in range(500)]
    instance = dg.DagsterInstance.local_temp(str(tmp_path))
    instance.add_dynamic_partitions(SOURCE_VIDEOS, names)
    monday = datetime(2026, 3, 2, 0, 30, tzinfo=UTC)
    asked = []
    for hour in range(168):
        at = monday + timedelta(hours=hour)
        context = dg.build_schedule_context(instance=instance, scheduled_execution_time=at)
        asked.append([request.partition_key for request in check_videos_weekly(context)])
    assert sorted(name for hour in asked for name in hour) == sorted(names)
    # Spread, so that no hour has all of them.
    assert max(map(len, asked)) < 20


def test_the_job_reads_contents_if_that_is_asked(processed: Pipeline) -> None:
    key = processed.manifest("keyframes").items[0].key
    data = bytearray(processed.store.read_bytes(key))
    data[len(data) // 2] ^= 255
    processed.store.write_bytes(key, bytes(data), content_type="image/jpeg")
    assert not red(run_check_job(processed))
    result = run_check_job(processed, deep=True)
    assert red(result) == {"keyframes_exist"}
    (found,) = (each for each in result.get_asset_check_evaluations() if not each.passed)
    assert f"{key} has other content of the same size" in str(found.description)
    assert found.metadata["mend"].value == (
        "heaters verify film --deep --repair, or the job repair_videos for it with deep: true"
    )


def test_the_job_fails_for_what_no_check_stands_for(processed: Pipeline) -> None:
    picture = str(processed.manifest("scenes").summary["similarity_picture"])
    processed.store.delete(picture)
    processed.forget("keyframes")
    result = run_check_job(processed)
    assert not result.success
    failure = result.failure_data_for_node("check")
    assert failure is not None
    said = str(failure.user_failure_data)
    assert f"{picture} is missing" in said
    assert "film has no keyframes yet" in said
    assert "run heaters verify film --repair, or the job repair_videos for it" in said
    evaluated = {each.check_name for each in result.get_asset_check_evaluations()}
    assert evaluated == ALL_CHECKS - {"keyframes_exist"}


def test_a_source_that_somebody_deleted_turns_its_check_red(processed: Pipeline) -> None:
    source = str(processed.manifest("source_videos").summary["source_key"])
    processed.store.delete(source)
    result = run_check_job(processed)
    # As its description says, where a check is red.
    assert not result.success
    assert red(result) == {"source_is_stored"}
    (found,) = (each for each in result.get_asset_check_evaluations() if not each.passed)
    assert f"{source} is missing: the source cannot be made again, upload it again" in str(
        found.description
    )
    assert "heaters remove film" in str(found.description)
    assert "mend" not in found.metadata


def test_the_job_fails_with_the_way_out_where_the_manifest_cannot_be_read(
    processed: Pipeline,
) -> None:
    key = keys.video_manifest_key("film")
    newer = {**json.loads(processed.store.read_bytes(key)), "format_version": 99}
    processed.store.write_bytes(key, json.dumps(newer).encode(), content_type="application/json")
    result = run_check_job(processed, deep=True)
    assert not result.success
    failure = result.failure_data_for_node("check")
    assert failure is not None
    assert f"{key} has format version 99" in str(failure.user_failure_data)
    # Nothing is known of what must hold.
    assert not list(result.get_asset_check_evaluations())


def test_the_job_advises_no_repair_of_a_lost_manifest(processed: Pipeline) -> None:
    key = keys.video_manifest_key("film")
    processed.store.delete(key)
    failure = run_check_job(processed).failure_data_for_node("check")
    assert failure is not None
    said = str(failure.user_failure_data)
    assert f"{key} is missing: run heaters process film with its options" in said
    assert "--repair" not in said


def test_a_check_without_a_video_says_which_job_to_launch(processed: Pipeline) -> None:
    """The button "Execute all" of Dagster's UI asks for no partition."""
    result = processed.check(None)
    assert not result.success
    assert result.error is not None
    assert "launch the job check_videos for one video" in result.error


@pytest.mark.parametrize(("job_name", "op"), [(CHECK_JOB, "check"), (REPAIR_JOB, "repair")])
def test_the_jobs_fail_with_one_line_where_the_store_cannot_be_reached(
    processed: Pipeline, monkeypatch: pytest.MonkeyPatch, job_name: str, op: str
) -> None:
    def unreachable(*_: object) -> list[object]:
        raise StoreUnavailableError("the store does not answer; try again")

    monkeypatch.setattr(DirectoryObjectStore, "list", unreachable)
    result = processed.launch(job_name, op)
    assert not result.success
    failure = result.failure_data_for_node(op)
    assert failure is not None
    assert "the store does not answer" in str(failure.user_failure_data)
