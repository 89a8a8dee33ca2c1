"""Many uploads: a bounded part of them each tick, and events that tell of single ones."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import pytest
from dagster import DagsterRun, DagsterRunStatus
from dagster._core.execution.backfill import BulkActionStatus

from heaters_pipeline import source_keys, uploads_sensor
from heaters_pipeline.backfills import launch_backfill, starts_backfills, waiting_partitions
from heaters_pipeline.cli.importing import import_uploads
from heaters_pipeline.cli.run_origin import code_location
from heaters_pipeline.errors import InvalidVideoError, SettingsError, StoreError
from heaters_pipeline.intake import upload_events
from heaters_pipeline.intake.rejections import write_rejection
from heaters_pipeline.intake.upload_events import events_of
from heaters_pipeline.names import (
    DIED_TAG,
    PARTITION_TAG,
    PROCESS_JOB,
    SOURCE_VERSION_TAG,
    SOURCE_VIDEOS,
)
from heaters_pipeline.partitions import (
    MOST_IN_SQLITE,
    add_partitions,
    require_room,
    source_version_tag,
)
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records import video_manifests
from heaters_pipeline.storage.records.made_of import KnownManifests
from heaters_pipeline.storage.records.video_manifests import (
    VideoManifest,
    read_video,
    recorded_videos,
    records_among,
)
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline.uploads_sensor import Place, next_part, process_uploads
from heaters_pipeline.workspace import Workspace
from heaters_pipeline_tests.copies import write_catalog, write_copies
from heaters_pipeline_tests.servers import S3Server

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


class Daemon:
    """Evaluates the sensor tick by tick, and carries out what it asks for."""

    def __init__(self, store: ObjectStore, folder: Path) -> None:
        self.store = store
        self.instance = dg.DagsterInstance.ephemeral()
        self.cursor: str | None = None
        self.folder = folder

    @property
    def workspace(self) -> Workspace:
        cache = LocalCache(self.folder / "cache", max_bytes=10**6)
        return Workspace(self.store, cache, self.folder / "scratch")

    def look(self) -> Any:
        """What a tick gives, of which nothing is carried out: the daemon dies."""
        with dg.build_sensor_context(
            instance=self.instance, resources={"workspace": self.workspace}, cursor=self.cursor
        ) as context:
            return process_uploads(context)

    def tick(self, *, launched: int | None = None) -> list[str]:
        """The videos for which a tick asks for runs, of which so many begin."""
        result = self.look()
        for request in result.dynamic_partitions_requests or []:
            self.instance.add_dynamic_partitions(SOURCE_VIDEOS, list(request.partition_keys))
        for run in (result.run_requests or [])[:launched]:
            self.instance.add_run(
                DagsterRun(
                    job_name=PROCESS_JOB,
                    tags={**run.tags, PARTITION_TAG: run.partition_key},
                    status=DagsterRunStatus.STARTED,
                )
            )
        if launched is None:
            # Dagster keeps the cursor after everything was launched.
            self.cursor = result.cursor
        return [run.partition_key for run in result.run_requests or []]


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Daemon]:
    monkeypatch.setattr(uploads_sensor, "_known_manifests", KnownManifests())
    monkeypatch.setattr(uploads_sensor, "OBJECTS_PER_TICK", 10)
    created = Daemon(DirectoryObjectStore(tmp_path / "store", settle_seconds=0), tmp_path)
    yield created
    created.instance.dispose()


def upload(store: ObjectStore, name: str, content: bytes = b"a video") -> None:
    store.write_bytes(f"source_videos/{name}", content, content_type="video/mp4")


def test_a_round_goes_through_all_sources_part_by_part_and_begins_again(daemon: Daemon) -> None:
    names = [f"film{number:02d}.mp4" for number in range(35)]
    for name in names:
        upload(daemon.store, name)
    ticks = [daemon.tick() for _ in range(4)]
    assert [len(found) for found in ticks] == [10, 10, 10, 5]
    assert Place.of(daemon.cursor).after == ""
    assert [daemon.tick() for _ in range(4)] == [[], [], [], []]
    # One that is replaced under its old name, and one that came where the round had passed.
    for run in daemon.instance.get_runs():
        daemon.instance.delete_run(run.run_id)
    assert len({video for tick in (daemon.tick() for _ in range(4)) for video in tick}) == 35
    upload(daemon.store, names[20], b"another")
    upload(daemon.store, "film.mp4")
    for run in daemon.instance.get_runs():
        daemon.instance.report_run_failed(run)
    found = [daemon.tick() for _ in range(4)]
    assert sorted(video for tick in found for video in tick) == ["film", "film20"]


def test_ten_thousand_uploads_at_once_are_asked_for_once_each_whenever_the_daemon_dies(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_sensor, "OBJECTS_PER_TICK", 150)
    names = {f"film{number:04d}" for number in range(300)}
    for name in names:
        upload(daemon.store, f"{name}.mp4")
    asked: list[str] = []
    for number in range(12):
        if number % 3 == 0:
            # Nothing of a tick is carried out; of another only a part, and its cursor is lost.
            daemon.look()
            found = daemon.tick(launched=7)
            asked += found[:7]
        if number % 4 == 1:
            daemon.cursor = None
            uploads_sensor._known_manifests.read.clear()
        found = daemon.tick()
        assert len(found) <= 50
        asked += found
    assert sorted(asked) == sorted(names)
    assert set(daemon.instance.get_dynamic_partitions(SOURCE_VIDEOS)) == names


def test_a_part_ends_behind_all_that_lies_beside_a_video(daemon: Daemon) -> None:
    for name in ("a.mp4", "b.de.srt", "b.en.srt", "b.mp4", "b.x.mp4", "b/c.mp4", "c", "c.mp4"):
        upload(daemon.store, name)
    part, after = next_part(daemon.store, "", most=2)
    beside = ["a.mp4", "b.de.srt", "b.en.srt", "b.mp4", "b.x.mp4"]
    assert [each.key.removeprefix("source_videos/") for each in part] == beside
    assert after == "source_videos/b.x.mp4"
    part, after = next_part(daemon.store, after, most=2)
    assert [each.key.removeprefix("source_videos/") for each in part] == ["b/c.mp4", "c", "c.mp4"]
    assert after == ""
    assert [next_part(daemon.store, after, most=most)[1] for most in (8, 9)] == ["", ""]


def test_a_cursor_of_another_version_begins_a_round() -> None:
    place = Place("source_videos/\udcff.mp4", NOW)
    assert Place.of(place.to_cursor()) == place
    for cursor in (None, "", "source_videos/a.mp4", "{}", "[]", '{"after": 1}'):
        assert Place.of(cursor) == Place()


def test_records_are_listed_where_the_wanted_videos_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_manifests, "_OTHERS_PASSED", 5)
    monkeypatch.setattr(video_manifests, "_IDS_A_PART", 3)
    store = DirectoryObjectStore(tmp_path)
    ids = [f"v{number:03d}" for number in range(60)] + ["v1.mov", "v1-a", "v1", "z.mp4.0123"]
    for video_id in ids:
        store.write_bytes(keys.video_manifest_key(video_id), b"{}", content_type="x")
    every = recorded_videos(store)
    for wanted in (ids, ids[::7], ["v000"], ["a", "v059", "zz"], ["v1", "v1-a", "v1.mov"], []):
        assert records_among(store, wanted) == {one: every[one] for one in wanted if one in every}
    # One that an older version wrote is found as well, and is not taken for a newer one.
    for video_id in ("older", "v001"):
        key = keys.manifest_key("source_videos", video_id)
        store.write_bytes(key, b"{}", content_type="x")
    found = records_among(store, ["older", "v001", "v002"])
    assert found.keys() == {"older", "v001", "v002"}
    assert found["v001"].key == keys.video_manifest_key("v001")


def test_after_a_restart_the_catalog_tells_what_many_manifests_hold(
    daemon: Daemon, processed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_sensor, "_WORTH_THE_CATALOG", 3)
    monkeypatch.setattr(uploads_sensor, "OBJECTS_PER_TICK", 100)
    template = read_video(DirectoryObjectStore(processed_folder), "film")
    names = [f"film{number:02d}" for number in range(12)]
    write_copies(daemon.store, template, [f"{name}.mp4" for name in names])
    write_catalog(daemon.store)
    daemon.instance.add_dynamic_partitions(SOURCE_VIDEOS, names)
    upload(daemon.store, "film03.mp4", b"another")
    stages = {name: one for name, one in template.stages.items() if name != "clips"}
    daemon.store.write_bytes(
        keys.video_manifest_key("film05"),
        VideoManifest("film05", stages).to_bytes().replace(b'"film"', b'"film05"'),
        content_type="x",
    )
    daemon.store.delete(keys.video_manifest_key("film07"))
    before = daemon.store.requests["read_bytes"]
    found = daemon.tick()
    # The table, and the one manifest that it was not made of; then nothing more.
    assert daemon.store.requests["read_bytes"] - before <= 3
    assert {"film03", "film07"} <= set(found)
    assert set(found) <= {"film03", "film05", "film07"}
    before = daemon.store.requests["read_bytes"]
    daemon.tick()
    assert daemon.store.requests["read_bytes"] - before <= 1


# Events.


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


# Imports.


def test_an_import_adds_all_partitions_and_one_backfill_that_the_sensor_leaves_alone(
    daemon: Daemon,
) -> None:
    for name in ("a.mp4", "b.mp4", "trip/c.mp4", "trip/d.srt", "tripod.mp4"):
        upload(daemon.store, name)
    first = import_uploads(daemon.workspace, daemon.instance, "source_videos/trip/")
    assert (first.objects, first.videos, first.added) == (2, 1, 1)
    done = import_uploads(daemon.workspace, daemon.instance, "")
    assert (done.objects, done.videos, done.added) == (5, 3, 3)
    assert not done.is_started
    assert "start heaters ui" in done.lines[-1]
    waiting = {"a", "b", "tripod", keys.video_id_of("source_videos/trip/c.mp4")}
    assert waiting_partitions(daemon.instance, PROCESS_JOB) == waiting
    assert waiting_partitions(daemon.instance, "download_videos") == set()
    assert set(daemon.instance.get_dynamic_partitions(SOURCE_VIDEOS)) == waiting
    assert daemon.tick() == []
    nothing = import_uploads(daemon.workspace, daemon.instance, "")
    assert (nothing.videos, nothing.backfill) == (0, None)
    assert "none of 5 objects" in nothing.lines[0]
    # One that comes later is the sensor's.
    upload(daemon.store, "late.mp4")
    assert daemon.tick() == ["late"]


def test_an_import_notes_the_keys_that_names_hide_also_beside_those_that_it_noted_before(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_keys, "_NOTED_AT_ONCE", 2)
    names = ["plain.mp4", "trip/a.mp4", "trip/b.mp4", "trip/día c.mp4"]
    for number, name in enumerate(names):
        upload(daemon.store, name)
        # On SQLite a call of Dagster's that replaces one of two notes loses the other.
        import_uploads(daemon.workspace, daemon.instance, "")
        hidden = {keys.video_id_of(f"source_videos/{each}"): each for each in names}
        noted = source_keys.noted_source_keys(daemon.instance, hidden)
        assert noted == {
            video_id: f"source_videos/{each}"
            for video_id, each in hidden.items()
            if each in names[1 : number + 1]
        }
        for backfill in daemon.instance.get_backfills():
            daemon.instance.update_backfill(backfill.with_status(BulkActionStatus.CANCELED))


def test_of_a_backfill_those_wait_whose_run_was_not_submitted(daemon: Daemon) -> None:
    names = ["a", "b", "c"]
    backfill_id = launch_backfill(
        daemon.instance, code_location(), PROCESS_JOB, names, title="three"
    )
    backfill = daemon.instance.get_backfill(backfill_id)
    assert backfill is not None
    daemon.instance.update_backfill(backfill.with_partition_checkpoint("b"))
    assert waiting_partitions(daemon.instance, PROCESS_JOB) == {"c"}
    assert not starts_backfills(daemon.instance)


def test_more_videos_than_sqlite_takes_are_refused_before_any_is_added(
    daemon: Daemon, tmp_path: Path
) -> None:
    ids = [f"v{number:05d}" for number in range(MOST_IN_SQLITE + 1)]
    # One in memory stands in for PostgreSQL here, which has no such limit.
    assert len(add_partitions(daemon.instance, ids)) == len(ids)
    assert add_partitions(daemon.instance, [*ids, *ids]) == []
    (tmp_path / "sqlite").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "sqlite")) as instance:
        with pytest.raises(SettingsError, match=r"no more than 32,000 videos.*PostgreSQL"):
            add_partitions(instance, ids)
        assert instance.get_dynamic_partitions(SOURCE_VIDEOS) == []
        assert len(add_partitions(instance, ids[:-1])) == MOST_IN_SQLITE
        with pytest.raises(SettingsError, match="there would be 32,001"):
            require_room(instance, MOST_IN_SQLITE + 1)
        daemon.instance = instance
        upload(daemon.store, "one-more.mp4")
        with pytest.raises(SettingsError, match="there would be 32,001"):
            daemon.look()
