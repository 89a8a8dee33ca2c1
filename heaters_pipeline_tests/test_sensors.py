"""What the sensors ask for: by table, and from a store and an instance as the daemon calls them."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterEvent, DagsterEventType, DagsterRun, DagsterRunStatus

from heaters_pipeline import home
from heaters_pipeline.due_catalog import why_no_catalog
from heaters_pipeline.due_runs import REQUESTS_PER_TICK
from heaters_pipeline.errors import (
    InvalidVideoError,
    StoreError,
    StoreUnavailableError,
    printable,
)
from heaters_pipeline.intake.rejections import list_rejections, write_rejection
from heaters_pipeline.intake.submissions import submit
from heaters_pipeline.living_runs import MAX_DEATHS
from heaters_pipeline.names import (
    CATALOG_JOB,
    DIED_TAG,
    DOWNLOAD_JOB,
    GIVEN_TAG,
    MAX_RETRIES_TAG,
    PARTITION_TAG,
    PROCESS_JOB,
    PROCESS_TAG,
    SOURCE_KEY_TAG,
    SOURCE_VERSION_TAG,
    SOURCE_VIDEOS,
    SUBMISSION_TAG,
)
from heaters_pipeline.partitions import source_version_tag
from heaters_pipeline.report import catalog
from heaters_pipeline.sensors import (
    bring_in_submissions,
    new_submissions,
    report_dead_runs,
    update_catalog,
)
from heaters_pipeline.status import video_statuses
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.records.made_of import KnownManifests
from heaters_pipeline.storage.records.manifests import canonical_json
from heaters_pipeline.storage.records.video_manifests import read_video, recorded_videos
from heaters_pipeline.uploads_sensor import new_uploads, process_uploads
from heaters_pipeline.workspace import Workspace
from heaters_pipeline_tests.pipeline import Pipeline

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
LONG_AGO = NOW - timedelta(hours=1)
LINK = "https://example.com/film.mp4"


class Stage:
    """A folder store whose files count as whole at once, and an instance of Dagster."""

    def __init__(self, folder: Path) -> None:
        self.store = DirectoryObjectStore(folder / "store", settle_seconds=0)
        self.instance = dg.DagsterInstance.ephemeral()
        self._folder = folder

    def upload(self, name: str, content: bytes = b"a video") -> ObjectInfo:
        """Put something under ``source_videos/``."""
        return self.store.write_bytes(
            keys.source_key_for_name(name), content, content_type="video/mp4"
        )

    def evaluate(self, sensor: dg.SensorDefinition, cursor: str | None = None) -> Any:
        """What a tick of a sensor gives; its requests are carried out as the daemon would."""
        cache = LocalCache(self._folder / "cache", max_bytes=10**6)
        workspace = Workspace(self.store, cache, self._folder / "scratch")
        resources = {"workspace": workspace}
        with dg.build_sensor_context(
            instance=self.instance, resources=resources, cursor=cursor
        ) as context:
            result = sensor(context)
        if isinstance(result, dg.SensorResult):
            for request in result.dynamic_partitions_requests or []:
                assert isinstance(request, dg.AddDynamicPartitionsRequest)
                self.instance.add_dynamic_partitions(SOURCE_VIDEOS, list(request.partition_keys))
            for run in result.run_requests or []:
                self.instance.add_run(
                    DagsterRun(
                        job_name=run.job_name or CATALOG_JOB,
                        # As the daemon tags it.
                        tags={**run.tags, **_partition_tags(run)},
                        status=DagsterRunStatus.STARTED,
                    )
                )
        return result

    def end_runs(self, *, success: bool = True) -> None:
        """Let the runs end that are under way."""
        for run in self.instance.get_runs(dg.RunsFilter(statuses=[DagsterRunStatus.STARTED])):
            if success:
                event = DagsterEvent(DagsterEventType.RUN_SUCCESS.value, run.job_name)
                self.instance.report_dagster_event(event, run_id=run.run_id)
            else:
                self.instance.report_run_failed(run)


def _partition_tags(request: dg.RunRequest) -> dict[str, str]:
    return {PARTITION_TAG: request.partition_key} if request.partition_key else {}


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    created = Stage(tmp_path)
    yield created
    created.instance.dispose()


def info(key: str, *, etag: str = "1", modified: datetime = LONG_AGO) -> ObjectInfo:
    return ObjectInfo(key=key, size_bytes=10, etag=etag, modified=modified)


def requested(result: Any) -> list[tuple[str | None, str | None]]:
    """Jobs and partitions of a tick's requests."""
    return [(request.job_name, request.partition_key) for request in result.run_requests]


@pytest.mark.parametrize(
    ("key", "modified", "expected"),
    [
        pytest.param("source_videos/film.mp4", LONG_AGO, "film", id="plain"),
        pytest.param("source_videos/film.mkv", LONG_AGO, "film.mkv", id="no mp4"),
        pytest.param("source_videos/trip/day.mp4", LONG_AGO, "trip-day.mp4.*", id="in a folder"),
        pytest.param("source_videos/", LONG_AGO, None, id="the folder's own marker"),
        pytest.param("source_videos/trip/", LONG_AGO, None, id="a folder's marker"),
        pytest.param("source_videos/.film.mp4", LONG_AGO, None, id="hidden"),
        pytest.param("source_videos/.trash/film.mp4", LONG_AGO, None, id="in a hidden folder"),
        pytest.param("source_videos/film.mp4.part", LONG_AGO, None, id="unfinished download"),
        pytest.param("source_videos/film.mp4.filepart", LONG_AGO, None, id="unfinished copy"),
        pytest.param("source_videos/film.mp4.TMP", LONG_AGO, None, id="unfinished, in capitals"),
        pytest.param("source_videos/film.mp4", NOW, None, id="written just now"),
        pytest.param(
            "source_videos/film.mp4", NOW - timedelta(seconds=4.9), None, id="not yet settled"
        ),
        pytest.param("source_videos/film.mp4", NOW - timedelta(seconds=5), "film", id="settled"),
        pytest.param(
            "source_videos/film.mp4", NOW + timedelta(seconds=4), None, id="clock a little back"
        ),
        pytest.param(
            "source_videos/film.mp4", NOW + timedelta(days=2), "film", id="clock far back"
        ),
    ],
)
def test_which_uploads_are_taken(key: str, modified: datetime, expected: str | None) -> None:
    found = list(
        new_uploads([info(key, modified=modified)], rejected=(), now=NOW, settle_seconds=5)
    )
    if expected is None:
        assert not found
    elif expected.endswith("*"):
        assert found[0].video_id.startswith(expected[:-1])
    else:
        assert [sighting.video_id for sighting in found] == [expected]


def test_a_rejected_upload_is_taken_again_only_when_it_is_replaced() -> None:
    old, new = info("source_videos/film.mp4"), info("source_videos/film.mp4", etag="2")
    rejected = {("film", keys.version_digest(old.version))}
    settled = {"now": NOW, "settle_seconds": 5}
    assert not list(new_uploads([old], rejected=rejected, **settled))
    assert [sighting.found for sighting in new_uploads([new], rejected=rejected, **settled)] == [
        new
    ]


def test_which_submissions_are_taken() -> None:
    old, new = info("submissions/film.json"), info("submissions/film.json", etag="2")
    others = [info("submissions/trip/film.json"), info("submissions/notes.txt")]
    rejected = {("film", keys.version_digest(old.version))}
    listing = [old, *others]
    taken = list(new_submissions(listing, rejected=()))
    assert [(sighting.video_id, sighting.found) for sighting in taken] == [("film", old)]
    assert not list(new_submissions(listing, rejected=rejected))
    assert len(list(new_submissions([new], rejected=rejected))) == 1


def test_a_run_is_told_the_key_that_its_partition_hides(stage: Stage) -> None:
    found = {stage.upload(name).key for name in ("film.mp4", "My trip/day 1.mp4")}
    requests = stage.evaluate(process_uploads).run_requests
    told = {request.tags.get(SOURCE_KEY_TAG) for request in requests}
    assert told == {None, *(key for key in found if "trip" in key)}


def test_an_upload_starts_one_run_of_its_partition(stage: Stage) -> None:
    found = stage.upload("film.mp4")
    (request,) = stage.evaluate(process_uploads).run_requests
    name = source_version_tag("film", found.version)
    assert (request.job_name, request.partition_key) == (PROCESS_JOB, "film")
    assert request.tags[SOURCE_VERSION_TAG] == name
    assert request.run_key is None
    assert stage.instance.get_dynamic_partitions(SOURCE_VIDEOS) == ["film"]
    again = stage.evaluate(process_uploads)
    assert not again.run_requests
    assert not again.dynamic_partitions_requests
    stage.end_runs()
    replaced = stage.upload("film.mp4", b"another video")
    (request,) = stage.evaluate(process_uploads).run_requests
    assert request.tags[SOURCE_VERSION_TAG] == source_version_tag("film", replaced.version)


def test_an_unfinished_copy_is_left_alone(tmp_path: Path, stage: Stage) -> None:
    stage.upload("film.mp4")
    stage.store = DirectoryObjectStore(tmp_path / "store", settle_seconds=3600)
    assert not stage.evaluate(process_uploads).run_requests


def test_a_tick_asks_for_a_bounded_number_of_runs_and_the_next_for_the_rest(stage: Stage) -> None:
    for number in range(REQUESTS_PER_TICK + 3):
        stage.upload(f"film{number:03d}.mp4")
    ticks = [len(stage.evaluate(process_uploads).run_requests) for _ in range(3)]
    assert ticks == [REQUESTS_PER_TICK, 3, 0]
    assert len(stage.instance.get_dynamic_partitions(SOURCE_VIDEOS)) == REQUESTS_PER_TICK + 3


def test_a_rejected_upload_is_not_asked_for_until_it_is_replaced(stage: Stage) -> None:
    found = stage.upload("film.mp4")
    error = InvalidVideoError("not_video", "film.mp4 is no video")
    write_rejection(stage.store, "film", found.version, error)
    assert not stage.evaluate(process_uploads).run_requests
    stage.upload("film.mp4", b"this time a video")
    assert requested(stage.evaluate(process_uploads)) == [(PROCESS_JOB, "film")]


def test_an_empty_listing_removes_nothing(stage: Stage) -> None:
    stage.instance.add_dynamic_partitions(SOURCE_VIDEOS, ["film"])
    for sensor in (process_uploads, bring_in_submissions):
        result = stage.evaluate(sensor)
        assert not result.run_requests
        assert not result.dynamic_partitions_requests
    assert stage.instance.get_dynamic_partitions(SOURCE_VIDEOS) == ["film"]


@pytest.mark.parametrize("sensor", [process_uploads, bring_in_submissions, update_catalog])
def test_a_store_that_fails_makes_the_tick_fail_with_its_message(
    stage: Stage, sensor: dg.SensorDefinition, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> Iterator[ObjectInfo]:
        raise StoreUnavailableError("the store does not answer")

    monkeypatch.setattr(DirectoryObjectStore, "list", fail)
    with pytest.raises(StoreUnavailableError, match="the store does not answer"):
        stage.evaluate(sensor)


def test_a_submitted_link_starts_a_download(stage: Stage) -> None:
    submit(stage.store, "source_videos/film.mp4", LINK)
    (request,) = stage.evaluate(bring_in_submissions).run_requests
    assert (request.job_name, request.partition_key) == (DOWNLOAD_JOB, "film")
    assert request.tags[SUBMISSION_TAG].startswith("film@")
    assert SOURCE_VERSION_TAG not in request.tags
    assert stage.instance.get_dynamic_partitions(SOURCE_VIDEOS) == ["film"]
    stage.end_runs()
    assert not stage.evaluate(bring_in_submissions).run_requests
    submit(stage.store, "source_videos/film.mp4", LINK)
    assert requested(stage.evaluate(bring_in_submissions)) == [(DOWNLOAD_JOB, "film")]


def test_a_submitted_key_is_processed_again(stage: Stage) -> None:
    stage.upload("film.mp4")
    stage.evaluate(process_uploads)
    stage.end_runs()
    submit(stage.store, "source_videos/film.mp4", None)
    assert requested(stage.evaluate(bring_in_submissions)) == [(PROCESS_JOB, "film")]


BAD_SUBMISSIONS = {
    "bent": b"{",
    "deep": b"[" * 30_000 + b"]" * 30_000,
    "large": b'{"a": "' + b"a" * 200_000 + b'"}',
    "nested": b'{"a":' * 100_000 + b"1" + b"}" * 100_000,
    "none": b'{"format": "heaters_pipeline/submission", "format_version": 2}',
    "a...b": b"{}",
    "two\nlines": b"{}",
    "x.mp4": b"{}",
}


@pytest.mark.parametrize("name", BAD_SUBMISSIONS)
def test_a_bad_submission_is_rejected_by_itself(stage: Stage, name: str) -> None:
    bad = stage.store.write_bytes(
        f"submissions/{name}.json", BAD_SUBMISSIONS[name], content_type="application/json"
    )
    submit(stage.store, "source_videos/film.mp4", LINK)
    assert requested(stage.evaluate(bring_in_submissions)) == [(DOWNLOAD_JOB, "film")]
    assert stage.instance.get_dynamic_partitions(SOURCE_VIDEOS) == ["film"]
    ((video_id, digest),) = list_rejections(stage.store)
    assert digest == keys.version_digest(bad.version)
    (status,) = video_statuses(stage.store, stage.instance, [video_id])
    assert status.state == "download_failed"
    assert status.error is not None
    assert status.error.isprintable()
    assert status.error.startswith(f"submissions/{printable(name)}.json is ")
    written = stage.store.requests["write_bytes"]
    assert not stage.evaluate(bring_in_submissions).run_requests
    assert stage.store.requests["write_bytes"] == written
    # What is submitted properly then is another object.
    if keys.is_video_id(name):
        submit(stage.store, f"source_videos/{name}.mp4", LINK)
        assert requested(stage.evaluate(bring_in_submissions)) == [(DOWNLOAD_JOB, name)]


def test_what_is_too_large_for_a_submission_is_not_read(stage: Stage) -> None:
    for name in ("large", "a...b"):
        stage.store.write_bytes(
            f"submissions/{name}.json", BAD_SUBMISSIONS[name], content_type="application/json"
        )
    stage.evaluate(bring_in_submissions)
    assert stage.store.requests["read_bytes"] == 0
    assert len(list(list_rejections(stage.store))) == 2


@pytest.mark.parametrize(
    ("error", "is_rejected"),
    [(StoreUnavailableError("broken disk"), False), (StoreError("permission is denied"), True)],
    ids=["for now", "for good"],
)
def test_a_submission_that_cannot_be_read_does_not_hold_up_the_others(
    stage: Stage, monkeypatch: pytest.MonkeyPatch, error: StoreError, is_rejected: bool
) -> None:
    submit(stage.store, "source_videos/closed.mp4", LINK)
    submit(stage.store, "source_videos/film.mp4", LINK)
    read = stage.store.read_bytes

    def refuse(key: str, *, max_bytes: int | None = None) -> bytes:
        if key == "submissions/closed.json":
            raise error
        return read(key, max_bytes=max_bytes)

    with monkeypatch.context() as patched:
        patched.setattr(stage.store, "read_bytes", refuse)
        assert requested(stage.evaluate(bring_in_submissions)) == [(DOWNLOAD_JOB, "film")]
    assert [video_id for video_id, _ in list_rejections(stage.store)] == ["closed"] * is_rejected
    later = requested(stage.evaluate(bring_in_submissions))
    assert later == ([] if is_rejected else [(DOWNLOAD_JOB, "closed")])


def test_a_submission_of_a_newer_version_waits_for_the_update(stage: Stage) -> None:
    stage.store.write_bytes(
        "submissions/film.json",
        canonical_json({"format": "heaters_pipeline/submission", "format_version": 99}),
        content_type="application/json",
    )
    assert not stage.evaluate(bring_in_submissions).run_requests
    assert not list(list_rejections(stage.store))


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


def test_sensors_are_on_by_default_and_name_their_jobs() -> None:
    sensors = (bring_in_submissions, process_uploads, update_catalog, report_dead_runs)
    assert all(one.default_status is dg.DefaultSensorStatus.RUNNING for one in sensors)
    jobs = Counter(target.job_name for one in sensors for target in one.targets)
    assert jobs == Counter({DOWNLOAD_JOB: 1, PROCESS_JOB: 3, CATALOG_JOB: 1})


def killed_while_it_copied(stage: Stage, **tags: str) -> None:
    """The run of a command as it is after its process was found dead."""
    source = {"origin": "/home/film.mp4", "source_key": "source_videos/film.mp4"}
    run = DagsterRun(
        job_name=PROCESS_JOB,
        run_config={
            "ops": {
                "source_videos": {"config": source},
                "clips": {"config": {"method": "reencode"}},
            },
            "loggers": {},
        },
        tags={
            PARTITION_TAG: "film",
            DIED_TAG: "true",
            PROCESS_TAG: "p",
            MAX_RETRIES_TAG: "0",
            **tags,
        },
        status=DagsterRunStatus.FAILURE,
    )
    stage.instance.add_run(run)


def test_what_a_killed_command_had_not_brought_in_is_brought_in_again_once(
    stage: Stage, home: Path
) -> None:
    stage.instance.add_dynamic_partitions(SOURCE_VIDEOS, ["film"])
    killed_while_it_copied(stage, **{GIVEN_TAG: "given"})
    result = stage.evaluate(report_dead_runs)
    assert requested(result) == [(PROCESS_JOB, "film")]
    (request,) = result.run_requests
    assert request.run_config["ops"]["source_videos"]["config"]["origin"] == "/home/film.mp4"
    assert request.run_config["ops"]["clips"] == {"config": {"method": "reencode"}}
    assert (request.tags[MAX_RETRIES_TAG], request.tags[GIVEN_TAG]) == ("1", "given")
    assert isinstance(stage.evaluate(report_dead_runs), dg.SkipReason)
    stage.end_runs(success=False)
    assert isinstance(stage.evaluate(report_dead_runs), dg.SkipReason)


def test_a_tick_hands_on_which_runs_it_saw_alive(stage: Stage) -> None:
    run = stage.instance.add_run(
        DagsterRun(PROCESS_JOB, tags={PROCESS_TAG: "there"}, status=DagsterRunStatus.STARTED)
    )
    workspace = Workspace(stage.store, LocalCache(Path(), max_bytes=1), Path())
    with dg.build_sensor_context(
        instance=stage.instance, resources={"workspace": workspace}
    ) as context:
        report_dead_runs(context)
        assert run.run_id in (context.cursor or "")


def test_it_is_left_alone_where_it_lies_in_the_store_or_is_gone_or_was_tried_enough(
    stage: Stage, home: Path
) -> None:
    killed_while_it_copied(stage)
    # Its partition was removed since.
    assert isinstance(stage.evaluate(report_dead_runs), dg.SkipReason)
    stage.instance.add_dynamic_partitions(SOURCE_VIDEOS, ["film"])
    stage.upload("film.mp4")
    assert isinstance(stage.evaluate(report_dead_runs), dg.SkipReason)
    stage.store.delete("source_videos/film.mp4")
    for _ in range(MAX_DEATHS - 1):
        killed_while_it_copied(stage)
    assert isinstance(stage.evaluate(report_dead_runs), dg.SkipReason)


def test_what_somebody_processed_by_hand_is_not_asked_for(
    processed: Pipeline, stage: Stage
) -> None:
    # Both work on the same folder.
    assert stage.store.url == processed.store.url
    processed.process()
    stage.instance = processed.instance
    assert not stage.evaluate(process_uploads).run_requests
    stage.upload("film.mp4")
    assert requested(stage.evaluate(process_uploads)) == [(PROCESS_JOB, "film")]


def test_an_upload_that_restores_an_earlier_version_is_processed(
    processed: Pipeline, stage: Stage
) -> None:
    stage.instance = processed.instance
    processed.process()
    assert not stage.evaluate(process_uploads).run_requests
    # As S3 shows it: the ETag is that of the first upload, the manifest that of the second.
    recorded = read_video(stage.store, "film").stages["source_videos"]
    processed.record(replace(recorded, summary={**recorded.summary, "version": "that of v2"}))
    assert requested(stage.evaluate(process_uploads)) == [(PROCESS_JOB, "film")]
    assert not stage.evaluate(process_uploads).run_requests
    stage.end_runs()
    processed.record(recorded)
    assert not stage.evaluate(process_uploads).run_requests


def test_a_subtitle_file_that_comes_later_or_goes_is_recorded(
    processed: Pipeline, stage: Stage
) -> None:
    stage.instance = processed.instance
    processed.process()

    def recorded() -> list[str]:
        rows = read_video(stage.store, "film").stages["source_videos"].summary["sidecars"]
        return [row["key"] for row in rows]

    sidecar = stage.upload("film.en.srt")
    stage.upload("film.en.txt")
    assert requested(stage.evaluate(process_uploads)) == [(PROCESS_JOB, "film")]
    assert not stage.evaluate(process_uploads).run_requests
    stage.end_runs()
    processed.process()
    assert recorded() == [sidecar.key]
    assert not stage.evaluate(process_uploads).run_requests
    stage.store.delete(sidecar.key)
    assert requested(stage.evaluate(process_uploads)) == [(PROCESS_JOB, "film")]
    stage.end_runs()
    processed.process()
    assert recorded() == []
    assert not stage.evaluate(process_uploads).run_requests


def test_a_video_whose_records_were_deleted_is_processed_again(
    processed: Pipeline, stage: Stage
) -> None:
    stage.instance = processed.instance
    processed.process()
    for key in processed.versions("manifests/"):
        processed.store.delete(key)
    assert requested(stage.evaluate(process_uploads)) == [(PROCESS_JOB, "film")]


def test_a_version_that_failed_is_left_to_people_until_it_is_uploaded_again(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    found = stage.upload("film.mp4")
    assert requested(stage.evaluate(process_uploads)) == [(PROCESS_JOB, "film")]
    stage.end_runs(success=False)
    assert not stage.evaluate(process_uploads).run_requests
    later = replace(found, modified=found.modified - timedelta(hours=1))
    real = DirectoryObjectStore.list

    def listed(self: DirectoryObjectStore, prefix: str, **more: Any) -> Iterator[ObjectInfo]:
        yield from [later] if prefix == keys.SOURCE_PREFIX else real(self, prefix, **more)

    monkeypatch.setattr(DirectoryObjectStore, "list", listed)
    assert requested(stage.evaluate(process_uploads)) == [(PROCESS_JOB, "film")]


def test_a_run_whose_process_died_is_taken_up_with_its_settings_three_times_in_all(
    stage: Stage,
) -> None:
    stage.upload("film.mp4")
    settings = {"ops": {"clips": {"config": {"crf": 30}}}}
    for tried in range(MAX_DEATHS):
        (request,) = stage.evaluate(process_uploads).run_requests
        assert request.run_config == (settings if tried else {})
        assert not stage.evaluate(process_uploads).run_requests
        (run, *_) = stage.instance.get_runs(limit=1)
        stage.instance.delete_run(run.run_id)
        stage.instance.add_run(
            DagsterRun(
                job_name=PROCESS_JOB,
                tags={**run.tags, DIED_TAG: "true"},
                run_config={"ops": {"source_videos": {"config": {}}, **settings["ops"]}},
                status=DagsterRunStatus.FAILURE,
            )
        )
    assert not stage.evaluate(process_uploads).run_requests


def test_a_run_that_dagster_tries_again_itself_is_left_to_it(stage: Stage) -> None:
    stage.upload("film.mp4")
    tags = {PARTITION_TAG: "film", DIED_TAG: "true", "dagster/will_retry": "true"}
    stage.instance.add_run(
        DagsterRun(job_name=PROCESS_JOB, tags=tags, status=DagsterRunStatus.FAILURE)
    )
    assert not stage.evaluate(process_uploads).run_requests


def test_a_tick_reads_a_bounded_number_of_manifests_each_once(
    processed: Pipeline, stage: Stage
) -> None:
    known, listing = KnownManifests(), recorded_videos(stage.store)
    before = stage.store.requests["read_bytes"]
    assert known.update(stage.store, listing, ["film", "new"], most=0) == {}
    found = known.update(stage.store, listing, ["film", "new"], most=1)
    assert found["film"].finished
    assert known.update(stage.store, listing, ["film", "new"], most=1) == found
    assert stage.store.requests["read_bytes"] == before + 1


def test_a_submission_hands_its_settings_to_its_run(tmp_path: Path) -> None:
    stage = Stage(tmp_path)
    submit(stage.store, "source_videos/a.mp4", LINK, {"clips": {"crf": 18}})
    submit(stage.store, "source_videos/b.mp4", None, {"clips": {"mode": "reencode"}})
    # Written by hand: its own run says what is wrong, and the others go on.
    submit(stage.store, "source_videos/c.mp4", LINK, {"clips": {"crf": "much"}})
    submit(stage.store, "source_videos/d.mp4", LINK)
    asked = {run.partition_key: run for run in stage.evaluate(bring_in_submissions).run_requests}
    assert {name: (run.job_name, run.run_config.get("ops", {})) for name, run in asked.items()} == {
        "a": (PROCESS_JOB, {"clips": {"config": {"crf": 18}}}),
        "b": (PROCESS_JOB, {"clips": {"config": {"mode": "reencode"}}}),
        "c": (DOWNLOAD_JOB, {}),
        "d": (DOWNLOAD_JOB, {}),
    }
    assert {name for name, run in asked.items() if GIVEN_TAG in run.tags} == {"a", "b"}


def test_what_is_no_video_by_name_is_left_alone(stage: Stage) -> None:
    for name in ("notes.txt", "clip.srt", "Thumbs.db", "clip.MP4"):
        stage.upload(name)
    result = stage.evaluate(process_uploads)
    assert [request.partition_key for request in result.run_requests] == ["clip.MP4"]


def test_what_a_submission_says_of_a_video_reaches_its_run(stage: Stage) -> None:
    submit(stage.store, "source_videos/film.mp4", LINK, title="Harbour", tags=("boats",))
    (request,) = stage.evaluate(bring_in_submissions).run_requests
    config = {"title": "Harbour", "tags": ["boats"]}
    assert request.run_config == {"ops": {"source_videos": {"config": config}}}
