"""Which uploads the sensor asks for, by table and tick by tick."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from dagster import DagsterRun, DagsterRunStatus

from heaters_pipeline.due_runs import REQUESTS_PER_TICK
from heaters_pipeline.errors import InvalidVideoError
from heaters_pipeline.intake.rejections import write_rejection
from heaters_pipeline.living_runs import MAX_DEATHS
from heaters_pipeline.names import (
    DIED_TAG,
    PARTITION_TAG,
    PROCESS_JOB,
    SOURCE_KEY_TAG,
    SOURCE_VERSION_TAG,
    SOURCE_VIDEOS,
)
from heaters_pipeline.partitions import source_version_tag
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.records.made_of import KnownManifests
from heaters_pipeline.storage.records.video_manifests import read_video, recorded_videos
from heaters_pipeline.uploads_sensor import new_uploads, process_uploads
from heaters_pipeline_tests.pipeline import Pipeline
from heaters_pipeline_tests.sensor_stage import LONG_AGO, NOW, Stage, info, requested


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


def test_what_is_no_video_by_name_is_left_alone(stage: Stage) -> None:
    for name in ("notes.txt", "clip.srt", "Thumbs.db", "clip.MP4"):
        stage.upload(name)
    result = stage.evaluate(process_uploads)
    assert [request.partition_key for request in result.run_requests] == ["clip.MP4"]
