"""The policies of deploy/iam allow what each process asks S3 for, and no other action.

What is asked is recorded where every AWS client passes, while the real code works at a moto server.
"""

import json
from collections.abc import Iterator
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Any

import boto3
import botocore.client
import dagster as dg
import pytest
import yaml
from botocore.exceptions import ClientError
from dagster_aws.s3 import S3ComputeLogManager

from heaters_pipeline.intake.submissions import submit
from heaters_pipeline.intake.upload_events import UploadEvents
from heaters_pipeline.launchpad import settings_to_show
from heaters_pipeline.sensors import bring_in_submissions, update_catalog
from heaters_pipeline.settings_sensor import apply_changed_settings
from heaters_pipeline.storage.s3.client import S3Options
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline.uploads_sensor import process_uploads
from heaters_pipeline_tests.cli.heaters_command import Heaters
from heaters_pipeline_tests.end_to_end.programs import CHECKOUT
from heaters_pipeline_tests.pipeline import Pipeline
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.videos import make_video

IAM = CHECKOUT / "deploy" / "iam"
PREFIX, LOGS = "videos", "logs"
_ARN = "arn:aws:s3:::my-bucket"
_QUEUE_ARN = "arn:aws:sqs:eu-central-1:123456789012:my-events"
_MIB = 2**20
# What a call needs, as the service authorization references of S3 and SQS say. Its parts and its
# end belong to an upload whose beginning asks for the same.
_NEEDS = {
    "AbortMultipartUpload": "s3:AbortMultipartUpload",
    "CompleteMultipartUpload": "s3:PutObject",
    "CreateMultipartUpload": "s3:PutObject",
    "DeleteMessageBatch": "sqs:DeleteMessage",
    "DeleteObject": "s3:DeleteObject",
    "DeleteObjects": "s3:DeleteObject",
    "GetObject": "s3:GetObject",
    "HeadBucket": "s3:ListBucket",
    "HeadObject": "s3:GetObject",
    "ListMultipartUploads": "s3:ListBucketMultipartUploads",
    "ListObjects": "s3:ListBucket",
    "ListObjectsV2": "s3:ListBucket",
    "ListParts": "s3:ListMultipartUploadParts",
    "PutObject": "s3:PutObject",
    "ReceiveMessage": "sqs:ReceiveMessage",
    "UploadPart": "s3:PutObject",
}
_OF_BUCKET = ("s3:ListBucket", "s3:ListBucketMultipartUploads")

Asked = set[tuple[str, str]]
"""An action, and the ARN of what it was for, as if the bucket were ``my-bucket``."""


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> Asked:
    """What any client asked so far."""
    found: Asked = set()
    call = botocore.client.BaseClient._make_api_call

    def recorded(client: Any, operation: str, parameters: dict[str, Any]) -> Any:
        action = _NEEDS[operation]
        found.update((action, resource) for resource in _resources(action, parameters))
        try:
            return call(client, operation, parameters)
        except ClientError as error:
            if error.response["Error"]["Code"] in ("404", "NoSuchKey"):
                # Who may not list the bucket is told 403 in place of that.
                found.add(("s3:ListBucket", _ARN))
            raise

    monkeypatch.setattr(botocore.client.BaseClient, "_make_api_call", recorded)
    return found


def _resources(action: str, parameters: dict[str, Any]) -> list[str]:
    """What a call is for."""
    if action.startswith("sqs:"):
        return [_QUEUE_ARN]
    if action in _OF_BUCKET:
        return [_ARN]
    several = parameters.get("Delete", {}).get("Objects")
    return [f"{_ARN}/{each['Key']}" for each in several or [parameters]]


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


def _statements(name: str) -> list[dict[str, Any]]:
    policy = json.loads((IAM / f"{name}.json").read_text())
    assert policy["Version"] == "2012-10-17"
    for statement in policy["Statement"]:
        assert statement["Effect"] == "Allow"
        for part in ("Action", "Resource"):
            value = statement[part]
            statement[part] = [value] if isinstance(value, str) else value
    return list(policy["Statement"])


def _assert_allows_just(name: str, asked: Asked) -> None:
    """Each call is allowed, and each pair of action and resource was needed by one."""
    statements = _statements(name)
    pairs = {
        (act, arn) for each in statements for act in each["Action"] for arn in each["Resource"]
    }
    used: set[tuple[str, str]] = set()
    for action, resource in sorted(asked):
        allowed = {(act, arn) for act, arn in pairs if act == action and fnmatchcase(resource, arn)}
        assert allowed, f"{name}.json allows no {action} of {resource}"
        used |= allowed
    assert pairs - used == set(), f"{name}.json allows what nothing asks for"


def _write_logs(bucket: str, folder: Path) -> S3ComputeLogManager:
    logs = S3ComputeLogManager(bucket=bucket, prefix=LOGS, local_dir=str(folder))
    key = ["run", "compute_logs", "step"]
    with logs.capture_logs(key):
        pass
    return logs


def _begin_upload(pipeline: Pipeline) -> Any:
    client = boto3.client("s3")
    try:
        client.create_multipart_upload(Bucket=pipeline.store._bucket, Key=f"{PREFIX}/clips/a.mp4")
    finally:
        client.close()
    (leftover,) = pipeline.store.leftovers()
    return leftover


def test_the_worker_may_do_what_runs_do(
    pipeline: Pipeline, bucket: str, asked: Asked, tmp_path: Path
) -> None:
    video = make_video(tmp_path / "film.mp4", (20, 25))
    leftover = _begin_upload(pipeline)
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
    _assert_allows_just("worker", asked)


def test_the_daemon_may_do_what_sensors_do(
    pipeline: Pipeline, asked: Asked, tmp_path: Path
) -> None:
    store = pipeline.store
    video = make_video(tmp_path / "film.mp4", (20,))
    store.put_file("source_videos/film.mp4", video, content_type="video/mp4")
    submit(store, "source_videos/film.mp4", None)
    store.write_bytes("submissions/broken.json", b"no JSON", content_type="application/json")
    asked.clear()
    for sensor in (process_uploads, bring_in_submissions, update_catalog, apply_changed_settings):
        _tick(pipeline, sensor)
    settings_to_show()
    _assert_allows_just("daemon", asked)


def test_the_daemon_may_read_events_where_a_queue_tells_of_them(
    bucket: str, request: pytest.FixtureRequest
) -> None:
    client = boto3.session.Session().client("sqs")
    url = client.create_queue(QueueName=bucket)["QueueUrl"]
    client.send_message(QueueUrl=url, MessageBody="no event")
    client.close()
    asked: Asked = request.getfixturevalue("asked")
    assert UploadEvents(url, bucket, f"{PREFIX}/").receive(1) == []
    _assert_allows_just("events", asked)


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
    _assert_allows_just("webserver", asked)


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
    shared_home: Path, pipeline: Pipeline, asked: Asked, tmp_path: Path, heaters: Heaters
) -> None:
    store = pipeline.store
    film = make_video(tmp_path / "film.mp4", (20, 25))
    leftover = _begin_upload(pipeline)
    for name in ("a", "b"):
        store.put_file(f"source_videos/{name}.mp4", film, content_type="video/mp4")
    store.write_bytes("source_videos/letter.mp4", b"Dear Sir or Madam", content_type="video/mp4")
    assert heaters("process", film).code == 0
    store.delete(next(store.list("clips/film/")).key)
    asked.clear()
    for command, code in (
        ("process source_videos/a.mp4", 0),
        ("process source_videos/letter.mp4", 1),
        ("plan film b", 0),
        ("status", 0),
        (f"detect {film}", 0),
        ("compare film", 0),
        ("tune film", 0),
        ("settings set clips.crf=20", 0),
        ("settings show film", 0),
        ("verify --repair", 0),
        ("verify --deep film", 0),
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
    _assert_allows_just("operator", asked)


def test_lifecycle_rules_are_taken_by_s3(bucket: str) -> None:
    rules = json.loads((IAM / "lifecycle.json").read_text())
    client = boto3.client("s3")
    try:
        client.put_bucket_lifecycle_configuration(Bucket=bucket, LifecycleConfiguration=rules)
        stored = client.get_bucket_lifecycle_configuration(Bucket=bucket)["Rules"]
    finally:
        client.close()
    assert [rule["ID"] for rule in stored] == [rule["ID"] for rule in rules["Rules"]]
