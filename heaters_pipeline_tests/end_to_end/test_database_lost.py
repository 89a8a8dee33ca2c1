"""Dagster's database is deleted: the sensors and the runs they ask for restore all records."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from heaters_pipeline.names import SOURCE_VIDEOS
from heaters_pipeline.sensors import bring_in_submissions, update_catalog
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline.uploads_sensor import process_uploads
from heaters_pipeline_tests.pipeline import STAGES, Pipeline
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.videos import make_video

VIDEOS = ("film", "holiday", "trip")


def test_sensors_and_their_runs_restore_every_record_and_make_nothing(
    rclone_s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rclone_s3.use(monkeypatch)
    bucket = rclone_s3.new_bucket()
    pipeline = Pipeline(lambda: S3ObjectStore(bucket, "videos"), tmp_path / "local")
    for number, name in enumerate(VIDEOS):
        video = make_video(tmp_path / f"{name}.mp4", (20, 25 + number))
        pipeline.store.put_file(f"source_videos/{name}.mp4", video, content_type="video/mp4")
    made = {name: pipeline.process(name).data_versions for name in VIDEOS}
    assert pipeline.build_catalog().success
    before = pipeline.versions()

    pipeline.lose_database()
    pipeline.folder = tmp_path / "another machine"
    assert not evaluate(pipeline, bring_in_submissions).run_requests
    requested = evaluate(pipeline, process_uploads).run_requests
    assert sorted(request.partition_key for request in requested) == list(VIDEOS)
    requests: set[str] = set()
    for request in requested:
        outcome = pipeline.process(request.partition_key)
        assert outcome.success, outcome.error
        assert outcome.count("made") == dict.fromkeys(STAGES, 0)
        assert outcome.data_versions == made[request.partition_key]
        requests |= outcome.requests.keys()
    assert requests <= {"HeadObject", "GetObject", "ListObjectsV2"}
    catalog = evaluate(pipeline, update_catalog)
    assert len(catalog.run_requests) == 1
    assert pipeline.build_catalog().success

    instance = pipeline.instance
    assert sorted(instance.get_dynamic_partitions(SOURCE_VIDEOS)) == list(VIDEOS)
    for stage in STAGES:
        assert sorted(instance.get_materialized_partitions(dg.AssetKey(stage))) == list(VIDEOS)
    assert instance.get_latest_materialization_event(dg.AssetKey("catalog")) is not None
    after = pipeline.versions()
    tables = {key for key in before if key.startswith("catalog/")}
    assert tables
    assert {key: after[key] for key in before if key not in tables} == {
        key: before[key] for key in before if key not in tables
    }
    assert after.keys() == before.keys()
    assert not evaluate(pipeline, process_uploads).run_requests
    assert isinstance(evaluate(pipeline, update_catalog), dg.SkipReason)
    instance.dispose()


def evaluate(pipeline: Pipeline, sensor: dg.SensorDefinition, cursor: str | None = None) -> Any:
    """What a tick of a sensor gives; the partitions that it asks for are added."""
    resources = {"workspace": pipeline.workspace()}
    with dg.build_sensor_context(
        instance=pipeline.instance, resources=resources, cursor=cursor
    ) as context:
        result = sensor(context)
    if isinstance(result, dg.SensorResult):
        for request in result.dynamic_partitions_requests or []:
            pipeline.instance.add_dynamic_partitions(SOURCE_VIDEOS, list(request.partition_keys))
    return result
