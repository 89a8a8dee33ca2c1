"""When the sensor of the catalog asks for a new one."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRun, DagsterRunStatus

from heaters_pipeline import home
from heaters_pipeline.due_catalog import why_no_catalog
from heaters_pipeline.names import CATALOG_JOB
from heaters_pipeline.report import catalog
from heaters_pipeline.sensors import update_catalog
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.pipeline import Pipeline
from heaters_pipeline_tests.sensor_stage import Stage


def test_a_finished_video_asks_for_one_new_catalog(stage: Stage, processed_folder: Path) -> None:
    assert isinstance(stage.evaluate(update_catalog), dg.SkipReason)
    stage.store = DirectoryObjectStore(processed_folder)
    (request,) = stage.evaluate(update_catalog).run_requests
    assert (request.run_key, request.partition_key) == (None, None)
    # While that run is under way no other is asked for.
    assert isinstance(stage.evaluate(update_catalog), dg.SkipReason)


def test_a_failed_catalog_run_is_repeated_later_each_time(
    stage: Stage, processed_folder: Path
) -> None:
    stage.store = DirectoryObjectStore(processed_folder)
    assert len(stage.evaluate(update_catalog).run_requests) == 1
    for pause in (1, 2, 4):
        stage.end_runs(success=False)
        for seconds, due in ((-20, False), (20, True)):
            now = datetime.now(UTC) + timedelta(minutes=pause, seconds=seconds)
            assert (why_no_catalog(stage.store, stage.instance, now) is None) is due
        again = DagsterRun(job_name=CATALOG_JOB, status=DagsterRunStatus.STARTED)
        stage.instance.add_run(again)


def test_settings_that_are_changed_back_ask_for_a_catalog_each_time(
    processed: Pipeline, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATERS_CATALOG_MINUTES", "1e-9")
    stage.instance = processed.instance
    (key,) = processed.versions("manifests/videos/")
    a = processed.store.read_bytes(key)
    b = a.replace(b'"producer":{', b'"producer":{"other":"1",', 1)
    assert processed.build_catalog().success
    for content in (b, a, b, a):
        processed.store.write_bytes(key, content, content_type="application/json")
        assert len(stage.evaluate(update_catalog).run_requests) == 1
        stage.end_runs()
        assert processed.build_catalog().metadata["catalog"]["skipped"] is False
        assert isinstance(stage.evaluate(update_catalog), dg.SkipReason)


def test_a_tick_of_the_catalog_asks_for_as_much_however_many_videos_there_are(
    processed: Pipeline, stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "FEW", 10)
    stage.instance = processed.instance
    assert processed.build_catalog().success
    manifest = processed.store.read_bytes(keys.video_manifest_key("film"))
    for number in range(30):
        key = keys.video_manifest_key(f"film-{number}")
        processed.store.write_bytes(key, manifest, content_type="application/json")
    stage.store = processed.store
    before = processed.store.requests
    assert isinstance(stage.evaluate(update_catalog), dg.SkipReason)
    # The record, what lies beside it, and a page each of sources and manifests.
    assert processed.store.requests - before == Counter(read_bytes=1, list=3)
    processed.record(processed.manifest("scenes"))
    before = processed.store.requests
    assert "the next begins at" in str(stage.evaluate(update_catalog).skip_message)
    assert processed.store.requests - before == Counter(read_bytes=1, list=1)


def test_while_videos_finish_a_catalog_is_made_every_five_minutes(
    processed: Pipeline, stage: Stage
) -> None:
    stage.store, stage.instance = processed.store, processed.instance
    assert processed.build_catalog().success
    processed.record(processed.manifest("scenes"))
    assert "the next begins at" in str(stage.evaluate(update_catalog).skip_message)
    ended = processed.instance.get_run_records(dg.RunsFilter(job_name=CATALOG_JOB))[0].end_time
    assert ended is not None
    for seconds, due in ((-10, False), (10, True)):
        now = datetime.fromtimestamp(ended, UTC) + timedelta(minutes=5, seconds=seconds)
        why_not = why_no_catalog(stage.store, stage.instance, now, home.catalog_pause())
        assert (why_not is None) is due


def test_a_video_that_is_not_finished_asks_for_a_catalog_without_it_once(
    processed: Pipeline, stage: Stage
) -> None:
    stage.instance = processed.instance
    processed.forget("keyframes")
    assert len(stage.evaluate(update_catalog).run_requests) == 1
    stage.end_runs()
    assert processed.build_catalog().metadata["catalog"]["videos"] == 0
    assert isinstance(stage.evaluate(update_catalog), dg.SkipReason)
