"""The policies of deploy/iam allow what each process asks S3 for, and no other action.

What is asked is recorded while the real code works at a moto server.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
import yaml
from dagster_aws.s3 import S3ComputeLogManager

from heaters_pipeline.corrections_sensor import apply_corrections
from heaters_pipeline.intake.submissions import submit
from heaters_pipeline.intake.upload_events import UploadEvents
from heaters_pipeline.launchpad import settings_to_show
from heaters_pipeline.sensors import bring_in_submissions, update_catalog
from heaters_pipeline.settings_sensor import apply_changed_settings
from heaters_pipeline.storage.s3.client import S3Options
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline.uploads_sensor import process_uploads
from heaters_pipeline_tests.cli.heaters_command import Heaters
from heaters_pipeline_tests.corrections import decision, document
from heaters_pipeline_tests.fleet.recorded_calls import (
    IAM,
    Asked,
    assert_allows_just,
    record_calls,
)
from heaters_pipeline_tests.pipeline import Pipeline
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.videos import make_video

PREFIX, LOGS = "videos", "logs"
_MIB = 2**20


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What any client asked so far."""
    return record_calls(monkeypatch)


@pytest.fixture
def bucket(moto_s3: S3Server, monkeypatch: pytest.MonkeyPatch) -> str:
    """An empty one, made before anything is recorded."""
    moto_s3.use(monkeypatch)
    return moto_s3.new_bucket()


@pytest.fixture
def pipeline(bucket: str, tmp_path: Path) -> Iterator[Pipeline]:
    """On S3, where files of a few MiB are large."""
    options = S3Options(multipart_threshold_bytes=5 * _MIB, part_bytes=5 * _MIB)
    created = Pipeline(lambda: S3ObjectStore(bucket, PREFIX, options=options), tmp_path)
    yield created
    created.instance.dispose()


def _write_logs(bucket: str, folder: Path) -> S3ComputeLogManager:
    logs = S3ComputeLogManager(bucket=bucket, prefix=LOGS, local_dir=str(folder))
    key = ["run", "compute_logs", "step"]
    with logs.capture_logs(key):
        pass
    return logs


def _begin_upload(pipeline: Pipeline, bucket: str) -> Any:
    client = boto3.client("s3")
    try:
        client.create_multipart_upload(Bucket=bucket, Key=f"{PREFIX}/clips/a.mp4")
    finally:
        client.close()
    (leftover,) = pipeline.store.leftovers()
    return leftover


def test_the_worker_may_do_what_runs_do(
    pipeline: Pipeline, bucket: str, asked: Asked, tmp_path: Path
) -> None:
    video = make_video(tmp_path / "film.mp4", (20, 25))
    leftover = _begin_upload(pipeline, bucket)
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(6 * _MIB))
    asked.clear()
    assert pipeline.process(source_videos={"origin": str(video)}).success
    assert pipeline.compare().success
    assert pipeline.check().success
    assert pipeline.build_catalog().success
    pipeline.store.put_file("clips/large.bin", large, content_type="video/mp4")
    # What an upload that fails does at once.
    pipeline.store.remove(leftover)
    _write_logs(bucket, tmp_path / "logs")
    assert_allows_just("worker", asked)


def test_the_daemon_may_do_what_sensors_do(
    pipeline: Pipeline, asked: Asked, tmp_path: Path
) -> None:
    store = pipeline.store
    video = make_video(tmp_path / "film.mp4", (20,))
    store.put_file("source_videos/film.mp4", video, content_type="video/mp4")
    submit(store, "source_videos/film.mp4", None)
    store.write_bytes("submissions/broken.json", b"no JSON", content_type="application/json")
    store.write_bytes("corrections/film.json", b"no JSON", content_type="application/json")
    asked.clear()
    for sensor in (
        process_uploads,
        bring_in_submissions,
        update_catalog,
        apply_changed_settings,
        apply_corrections,
    ):
        _tick(pipeline, sensor)
    settings_to_show()
    assert_allows_just("daemon", asked)


def test_the_daemon_may_read_events_where_a_queue_tells_of_them(
    bucket: str, request: pytest.FixtureRequest
) -> None:
    client = boto3.session.Session().client("sqs")
    url = client.create_queue(QueueName=bucket)["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="no event")
    client.close()
    asked: Asked = request.getfixturevalue("asked")
    assert UploadEvents(url, bucket, f"{PREFIX}/").receive(1) == []
    assert_allows_just("events", asked)


def _tick(pipeline: Pipeline, sensor: dg.SensorDefinition) -> None:
    resources = {"workspace": pipeline.workspace()}
    with dg.build_sensor_context(instance=pipeline.instance, resources=resources) as context:
        sensor(context)


def test_the_web_server_may_read_settings_and_logs(
    bucket: str, asked: Asked, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATERS_STORE", f"s3://{bucket}/{PREFIX}")
    monkeypatch.setenv("HEATERS_CACHE", str(tmp_path / "cache"))
    _write_logs(bucket, tmp_path / "worker")
    asked.clear()
    settings_to_show()
    logs = S3ComputeLogManager(bucket=bucket, prefix=LOGS, local_dir=str(tmp_path / "web"))
    logs.get_log_data(["run", "compute_logs", "step"])
    assert_allows_just("webserver", asked)


@pytest.fixture
def shared_home(home: Path, bucket: str, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where people type commands whose runs leave their output where those of the fleet do."""
    instance = yaml.safe_load((home / "dagster.yaml").read_text())
    instance["compute_logs"] = {
        "module": "dagster_aws.s3.compute_log_manager",
        "class": "S3ComputeLogManager",
        "config": {"bucket": bucket, "prefix": LOGS},
    }
    (home / "dagster.yaml").write_text(yaml.safe_dump(instance))
    monkeypatch.setenv("HEATERS_STORE", f"s3://{bucket}/{PREFIX}")
    return home


def test_people_may_do_what_the_commands_do(
    shared_home: Path,
    bucket: str,
    pipeline: Pipeline,
    asked: Asked,
    tmp_path: Path,
    heaters: Heaters,
) -> None:
    store = pipeline.store
    film = make_video(tmp_path / "film.mp4", (20, 25))
    leftover = _begin_upload(pipeline, bucket)
    for name in ("a", "b"):
        store.put_file(f"source_videos/{name}.mp4", film, content_type="video/mp4")
    store.write_bytes("source_videos/letter.mp4", b"Dear Sir or Madam", content_type="video/mp4")
    assert heaters("process", film).code == 0
    store.delete(next(store.list("clips/film/")).key)
    decisions, cuts = tmp_path / "decisions.json", tmp_path / "cuts.csv"
    decisions.write_bytes(document("film", decision(1, "split", 10)))
    cuts.write_text("start_frame\n0\n30\n")
    asked.clear()
    for command, code in (
        ("process source_videos/a.mp4", 0),
        ("process source_videos/letter.mp4", 1),
        ("plan film b", 0),
        ("status", 0),
        (f"detect {film}", 0),
        ("compare film", 0),
        ("tune film", 0),
        (f"review apply {decisions}", 0),
        ("review show film", 0),
        ("review list", 0),
        ("tune --reviewed", 1),
        ("settings set clips.crf=20", 0),
        ("settings show film", 0),
        ("verify --repair", 0),
        ("verify --deep film", 0),
        (f"process film --cuts {cuts}", 0),
        ("process film --without-cuts", 0),
        (f"submit {film} https://example.org/other.mp4?key=secret", 0),
        ("import", 0),
        ("prune --delete --older-than 0", 0),
        ("catalog", 0),
        ("dismiss letter", 0),
        ("remove --yes film", 0),
        ("remove --yes --keep-source a", 0),
    ):
        ended = heaters(*command.split())
        assert ended.code == code, (command, ended.err)
    # What an upload that fails does at once.
    store.remove(leftover)
    assert_allows_just("operator", asked)


def test_lifecycle_rules_are_taken_by_s3(bucket: str) -> None:
    rules = json.loads((IAM / "lifecycle.json").read_text())
    client = boto3.client("s3")
    try:
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=rules)
        stored = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    finally:
        client.close()
    assert [rule["ID"] for rule in stored] == [rule["ID"] for rule in rules["Rules"]]
