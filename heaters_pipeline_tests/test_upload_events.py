"""Events of a bucket that tell the sensor of single uploads."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from dagster import DagsterRun, DagsterRunStatus
from dagster._core.execution.backfill import BulkActionStatus

from heaters_pipeline import uploads_sensor
from heaters_pipeline.cli.importing import import_uploads
from heaters_pipeline.errors import InvalidVideoError, SettingsError, StoreError
from heaters_pipeline.intake import upload_events
from heaters_pipeline.intake.rejections import write_rejection
from heaters_pipeline.intake.upload_events import events_of
from heaters_pipeline.names import DIED_TAG, PARTITION_TAG, PROCESS_JOB, SOURCE_VERSION_TAG
from heaters_pipeline.partitions import source_version_tag
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline.uploads_sensor import Place
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.uploads_daemon import Daemon, upload


@pytest.fixture
def queue(moto_s3: S3Server, monkeypatch: pytest.MonkeyPatch, daemon: Daemon) -> Iterator[Any]:
    """A queue that the sensor reads, for a store in a bucket."""
    moto_s3.use(monkeypatch)
    daemon.store = S3ObjectStore(moto_s3.new_bucket(), "team/store")
    client = boto3.session.Session().client("sqs")
    url = client.create_queue(QueueName=daemon.store.url.split("/")[2])["QueueUrl"]
    monkeypatch.setenv("HEATERS_EVENTS_QUEUE", url)
    # What was received comes again at once, so that a tick takes one request's worth.
    monkeypatch.setattr(upload_events, "HIDDEN_SECONDS", 0)
    monkeypatch.setattr(uploads_sensor, "MESSAGES_PER_TICK", 10)
    # A round was made not long ago.
    daemon.cursor = Place("", datetime.now(UTC)).to_cursor()
    yield Queue(client, url, daemon.store.url.split("/")[2])
    client.close()


class Queue:
    """What a bucket does with its queue."""

    def __init__(self, client: Any, url: str, bucket: str) -> None:
        self._client = client
        self._url = url
        self._bucket = bucket

    def say(self, body: str) -> None:
        """Send a message, whatever it holds."""
        self._client.send_message(QueueUrl=self._url, MessageBody=body)

    def put(self, key: str, *, event: str = "ObjectCreated:Put", bucket: str | None = None) -> None:
        """The event of an object; its key as S3 spells it."""
        s3 = {"bucket": {"name": bucket or self._bucket}, "object": {"key": key, "size": 1}}
        self.say(json.dumps({"Records": [{"eventName": event, "s3": s3}]}))

    def __len__(self) -> int:
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        reply = self._client.get_queue_attributes(QueueUrl=self._url, AttributeNames=names)
        return sum(int(count) for count in reply["Attributes"].values())


def test_an_event_starts_one_run_and_stays_until_that_is_there(
    daemon: Daemon, queue: Queue
) -> None:
    upload(daemon.store, "My trip/day 1.mp4")
    video_id = keys.video_id_of("source_videos/My trip/day 1.mp4")
    for _ in range(2):
        queue.put("team/store/source_videos/My+trip/day+1.mp4")
    before = daemon.store.requests["ListObjectsV2"]
    # The daemon dies before it starts the run: nothing is lost.
    assert [run.partition_key for run in daemon.look().run_requests] == [video_id]
    assert len(queue) == 2
    assert daemon.tick() == [video_id]
    assert len(queue) == 2
    assert daemon.tick() == []
    assert len(queue) == 0
    # No round was made: beside the video, rejections and manifests of both formats.
    assert daemon.store.requests["ListObjectsV2"] - before == 3 * 4
    assert daemon.tick() == []


def test_events_of_what_is_gone_refused_done_or_elsewhere_are_dropped(
    daemon: Daemon, queue: Queue, caplog: pytest.LogCaptureFixture
) -> None:
    upload(daemon.store, "refused.mp4")
    (listed,) = daemon.store.list("source_videos/refused.mp4")
    error = InvalidVideoError("not_video", "it is no video")
    write_rejection(daemon.store, "refused", listed.version, error)
    upload(daemon.store, "notes.txt")
    for name in ("gone.mp4", "refused.mp4", "notes.txt", "folder/", "noending"):
        queue.put(f"team/store/source_videos/{name}")
    queue.put("team/store/clips/a/b.mp4")
    queue.put("other/store/source_videos/a.mp4")
    queue.put("team/store/source_videos/gone.mp4", event="ObjectRemoved:Delete")
    queue.put("team/store/source_videos/gone.mp4", bucket="another")
    queue.say(json.dumps({"Service": "Amazon S3", "Event": "s3:TestEvent", "Bucket": "many"}))
    garbage = (
        "no json",
        "[]",
        "null",
        '{"Records": 1}',
        '{"Records": [{"eventName": 5}]}',
        "[" * 9,
    )
    for body in garbage:
        queue.say(body)
    assert [daemon.tick() for _ in range(3)] == [[], [], []]
    assert len(queue) == 0
    said = {one.getMessage() for one in caplog.records if "is no event of S3" in one.getMessage()}
    assert sorted(message.rpartition("): ")[2] for message in said) == sorted(garbage)


def test_an_event_waits_while_an_older_version_is_at_work(daemon: Daemon, queue: Queue) -> None:
    upload(daemon.store, "film.mp4")
    queue.put("team/store/source_videos/film.mp4")
    assert daemon.tick() == ["film"]
    upload(daemon.store, "film.mp4", b"another")
    queue.put("team/store/source_videos/film.mp4")
    for _ in range(2):
        assert daemon.tick() == []
        assert len(queue) == 2
    (run,) = daemon.instance.get_runs()
    daemon.instance.report_run_failed(run)
    assert daemon.tick() == ["film"]
    assert daemon.tick() == []
    assert len(queue) == 0


def test_a_run_that_died_is_taken_up_again_without_an_event(daemon: Daemon, queue: Queue) -> None:
    upload(daemon.store, "film.mp4")
    queue.put("team/store/source_videos/film.mp4")
    assert daemon.tick() == ["film"]
    daemon.tick()
    (run,) = daemon.instance.get_runs()
    daemon.instance.add_run_tags(run.run_id, {DIED_TAG: "true"})
    daemon.instance.report_run_failed(run)
    assert daemon.tick() == ["film"]
    assert daemon.tick() == []


def test_a_run_of_an_import_that_died_is_taken_up_again_without_an_event(
    daemon: Daemon, queue: Queue
) -> None:
    assert daemon.tick() == []
    upload(daemon.store, "My trip/day 1.mp4")
    done = import_uploads(daemon.workspace, daemon.instance, "")
    backfill = daemon.instance.get_backfill(done.backfill or "")
    assert backfill is not None
    daemon.instance.update_backfill(backfill.with_status(BulkActionStatus.COMPLETED_FAILED))
    (found,) = daemon.store.list(keys.SOURCE_PREFIX)
    video_id = keys.video_id_of(found.key)
    tags = {
        PARTITION_TAG: video_id,
        SOURCE_VERSION_TAG: source_version_tag(video_id, found.version),
        DIED_TAG: "true",
    }
    daemon.instance.add_run(
        DagsterRun(job_name=PROCESS_JOB, tags=tags, status=DagsterRunStatus.FAILURE)
    )
    assert daemon.tick() == [video_id]


def test_beside_events_a_round_is_made_once_a_day(daemon: Daemon, queue: Queue) -> None:
    upload(daemon.store, "film.mp4")
    assert daemon.tick() == []
    daemon.cursor = Place("", datetime.now(UTC) - timedelta(hours=25)).to_cursor()
    assert daemon.tick() == ["film"]
    begun = Place.of(daemon.cursor).begun
    assert begun is not None
    assert datetime.now(UTC) - begun < timedelta(hours=1)


def test_a_queue_that_is_not_there_fails_the_tick_and_loses_nothing(
    daemon: Daemon, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATERS_EVENTS_QUEUE", "https://sqs.us-east-1.amazonaws.com/123/none")
    with pytest.raises(StoreError, match="123/none"):
        daemon.tick()


@pytest.mark.parametrize(
    ("store_url", "queue_url", "message"),
    [
        ("file:///data", "https://sqs.eu-west-1.amazonaws.com/1/a", "for a store in a bucket"),
        ("s3://many", "uploads", "must be the URL of a queue"),
        ("s3://many", "https://sqs.eu-west-1.amazonaws.com", "must be the URL of a queue"),
    ],
)
def test_a_setting_that_names_no_queue_of_the_store_is_refused(
    store_url: str, queue_url: str, message: str
) -> None:
    with pytest.raises(SettingsError, match=message):
        events_of(store_url, queue_url)
