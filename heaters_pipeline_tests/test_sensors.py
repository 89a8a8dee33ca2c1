"""What the sensors ask for: by table, and from a store and an instance as the daemon calls them."""

from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRun, DagsterRunStatus

from heaters_pipeline.errors import InvalidVideoError, StoreUnavailableError
from heaters_pipeline.intake.rejections import write_rejection
from heaters_pipeline.intake.submissions import submit
from heaters_pipeline.names import (
    CATALOG_JOB,
    DOWNLOAD_JOB,
    PROCESS_JOB,
    SOURCE_VERSION_TAG,
    SOURCE_VIDEOS,
    SUBMISSION_TAG,
)
from heaters_pipeline.partitions import source_version_tag
from heaters_pipeline.resources import Workspace
from heaters_pipeline.sensors import (
    REQUESTS_PER_TICK,
    changed_catalog,
    downloaded_videos,
    new_submissions,
    new_uploads,
    submitted_videos,
)
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo
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
                        tags=run.tags,
                        status=DagsterRunStatus.STARTED,
                    )
                )
        return result


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
        new_uploads(
            [info(key, modified=modified)], known=(), rejected=(), now=NOW, settle_seconds=5
        )
    )
    if expected is None:
        assert not found
    elif expected.endswith("*"):
        assert found[0].video_id.startswith(expected[:-1])
    else:
        assert [sighting.video_id for sighting in found] == [expected]


def test_a_known_upload_is_taken_again_only_when_it_is_replaced() -> None:
    old, new = info("source_videos/film.mp4"), info("source_videos/film.mp4", etag="2")
    known = {source_version_tag("film", old.version)}
    settled = {"rejected": (), "now": NOW, "settle_seconds": 5}
    assert not list(new_uploads([old], known=known, **settled))
    assert [sighting.found for sighting in new_uploads([new], known=known, **settled)] == [new]
    other = info("source_videos/other.mp4")
    assert [sighting.video_id for sighting in new_uploads([other], known=known, **settled)] == [
        "other"
    ]


def test_a_rejected_upload_is_taken_again_only_when_it_is_replaced() -> None:
    old, new = info("source_videos/film.mp4"), info("source_videos/film.mp4", etag="2")
    rejected = {("film", keys.version_digest(old.version))}
    settled = {"known": (), "now": NOW, "settle_seconds": 5}
    assert not list(new_uploads([old], rejected=rejected, **settled))
    assert [sighting.found for sighting in new_uploads([new], rejected=rejected, **settled)] == [
        new
    ]


def test_which_submissions_are_taken() -> None:
    old, new = info("submissions/film.json"), info("submissions/film.json", etag="2")
    others = [info("submissions/trip/film.json"), info("submissions/notes.txt")]
    known = {source_version_tag("film", old.version)}
    rejected = {("film", keys.version_digest(old.version))}
    listing = [old, *others]
    taken = list(new_submissions(listing, known=(), rejected=()))
    assert [(sighting.video_id, sighting.found) for sighting in taken] == [("film", old)]
    assert not list(new_submissions(listing, known=known, rejected=()))
    assert not list(new_submissions(listing, known=(), rejected=rejected))
    assert len(list(new_submissions([new], known=known, rejected=rejected))) == 1


def test_an_upload_starts_one_run_of_its_partition(stage: Stage) -> None:
    found = stage.upload("film.mp4")
    (request,) = stage.evaluate(downloaded_videos).run_requests
    name = source_version_tag("film", found.version)
    assert (request.job_name, request.partition_key) == (PROCESS_JOB, "film")
    assert request.tags[SOURCE_VERSION_TAG] == name
    assert request.run_key == f"{SOURCE_VERSION_TAG}:{name}"
    assert stage.instance.get_dynamic_partitions(SOURCE_VIDEOS) == ["film"]
    again = stage.evaluate(downloaded_videos)
    assert not again.run_requests
    assert not again.dynamic_partitions_requests
    replaced = stage.upload("film.mp4", b"another video")
    (request,) = stage.evaluate(downloaded_videos).run_requests
    assert request.tags[SOURCE_VERSION_TAG] == source_version_tag("film", replaced.version)


def test_an_unfinished_copy_is_left_alone(tmp_path: Path, stage: Stage) -> None:
    stage.upload("film.mp4")
    stage.store = DirectoryObjectStore(tmp_path / "store", settle_seconds=3600)
    assert not stage.evaluate(downloaded_videos).run_requests


def test_a_tick_asks_for_a_bounded_number_of_runs_and_the_next_for_the_rest(stage: Stage) -> None:
    for number in range(REQUESTS_PER_TICK + 3):
        stage.upload(f"film{number:03d}.mp4")
    ticks = [len(stage.evaluate(downloaded_videos).run_requests) for _ in range(3)]
    assert ticks == [REQUESTS_PER_TICK, 3, 0]
    assert len(stage.instance.get_dynamic_partitions(SOURCE_VIDEOS)) == REQUESTS_PER_TICK + 3


def test_a_rejected_upload_is_not_asked_for_until_it_is_replaced(stage: Stage) -> None:
    found = stage.upload("film.mp4")
    error = InvalidVideoError("not_video", "film.mp4 is no video")
    write_rejection(stage.store, "film", found.version, error)
    assert not stage.evaluate(downloaded_videos).run_requests
    stage.upload("film.mp4", b"this time a video")
    assert requested(stage.evaluate(downloaded_videos)) == [(PROCESS_JOB, "film")]


def test_an_empty_listing_removes_nothing(stage: Stage) -> None:
    stage.instance.add_dynamic_partitions(SOURCE_VIDEOS, ["film"])
    for sensor in (downloaded_videos, submitted_videos):
        result = stage.evaluate(sensor)
        assert not result.run_requests
        assert not result.dynamic_partitions_requests
    assert stage.instance.get_dynamic_partitions(SOURCE_VIDEOS) == ["film"]


@pytest.mark.parametrize("sensor", [downloaded_videos, submitted_videos, changed_catalog])
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
    (request,) = stage.evaluate(submitted_videos).run_requests
    assert (request.job_name, request.partition_key) == (DOWNLOAD_JOB, "film")
    assert request.tags[SUBMISSION_TAG].startswith("film@")
    assert SOURCE_VERSION_TAG not in request.tags
    assert stage.instance.get_dynamic_partitions(SOURCE_VIDEOS) == ["film"]
    assert not stage.evaluate(submitted_videos).run_requests
    submit(stage.store, "source_videos/film.mp4", LINK)
    assert requested(stage.evaluate(submitted_videos)) == [(DOWNLOAD_JOB, "film")]


def test_a_submitted_key_is_processed_again(stage: Stage) -> None:
    stage.upload("film.mp4")
    stage.evaluate(downloaded_videos)
    submit(stage.store, "source_videos/film.mp4", None)
    assert requested(stage.evaluate(submitted_videos)) == [(PROCESS_JOB, "film")]


def test_a_damaged_submission_does_not_hold_up_the_others(stage: Stage) -> None:
    stage.store.write_bytes("submissions/bent.json", b"{", content_type="application/json")
    submit(stage.store, "source_videos/film.mp4", LINK)
    # Its own run fails with the message, where people look.
    assert requested(stage.evaluate(submitted_videos)) == [
        (DOWNLOAD_JOB, "bent"),
        (DOWNLOAD_JOB, "film"),
    ]
    assert not stage.evaluate(submitted_videos).run_requests


def test_a_finished_video_asks_for_a_new_catalog_once(stage: Stage, processed_folder: Path) -> None:
    assert isinstance(stage.evaluate(changed_catalog), dg.SkipReason)
    stage.store = DirectoryObjectStore(processed_folder)
    first = stage.evaluate(changed_catalog)
    (request,) = first.run_requests
    assert request.run_key == first.cursor
    assert request.partition_key is None
    assert isinstance(stage.evaluate(changed_catalog, first.cursor), dg.SkipReason)


def test_a_video_that_is_not_finished_asks_for_a_catalog_without_it_once(
    processed: Pipeline, stage: Stage
) -> None:
    processed.forget("keyframes")
    asked = stage.evaluate(changed_catalog)
    assert len(asked.run_requests) == 1
    assert processed.build_catalog().metadata["catalog"]["videos"] == 0
    assert isinstance(stage.evaluate(changed_catalog, asked.cursor), dg.SkipReason)


def test_sensors_are_on_by_default_and_name_their_jobs() -> None:
    sensors = (submitted_videos, downloaded_videos, changed_catalog)
    assert all(one.default_status is dg.DefaultSensorStatus.RUNNING for one in sensors)
    jobs = Counter(target.job_name for one in sensors for target in one.targets)
    assert jobs == Counter({DOWNLOAD_JOB: 1, PROCESS_JOB: 2, CATALOG_JOB: 1})


def test_what_somebody_processed_by_hand_is_not_asked_for(
    processed: Pipeline, stage: Stage
) -> None:
    # Both work on the same folder.
    assert stage.store.url == processed.store.url
    processed.process()
    stage.instance = processed.instance
    assert not stage.evaluate(downloaded_videos).run_requests
    stage.upload("film.mp4")
    assert requested(stage.evaluate(downloaded_videos)) == [(PROCESS_JOB, "film")]


def test_what_is_no_video_by_name_is_left_alone(stage: Stage) -> None:
    for name in ("notes.txt", "clip.srt", "Thumbs.db", "clip.MP4"):
        stage.upload(name)
    result = stage.evaluate(downloaded_videos)
    assert [request.partition_key for request in result.run_requests] == ["clip.MP4"]


def test_what_a_submission_says_of_a_video_reaches_its_run(stage: Stage) -> None:
    submit(stage.store, "source_videos/film.mp4", LINK, "Harbour", ("boats",))
    (request,) = stage.evaluate(submitted_videos).run_requests
    config = {"title": "Harbour", "tags": ["boats"]}
    assert request.run_config == {"ops": {"source_videos": {"config": config}}}
