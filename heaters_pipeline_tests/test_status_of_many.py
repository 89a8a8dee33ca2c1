"""What ``heaters status`` asks the store for: not more for many videos, and right all the same."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRun, DagsterRunStatus

from heaters_pipeline.errors import InvalidVideoError, SettingsError
from heaters_pipeline.intake.rejections import write_rejection
from heaters_pipeline.intake.submissions import submit
from heaters_pipeline.latest_runs import latest_runs
from heaters_pipeline.names import PROCESS_JOB, STEP_RETRIES_TAG
from heaters_pipeline.report.catalog_facts import finished_videos
from heaters_pipeline.status import VideoStatus, states_of, video_statuses
from heaters_pipeline.storage import keys, parted_listing
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.parted_listing import list_in_parts
from heaters_pipeline.storage.records.video_manifests import VideoManifest, read_video, write_video
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.copies import write_catalog, write_copies
from heaters_pipeline_tests.servers import S3Server

NAMES = [f"film{number:02d}.mp4" for number in range(10)]
ODD_NAME = "My trip/day 1.mp4"


@pytest.fixture
def template(processed_folder: Path) -> VideoManifest:
    return read_video(DirectoryObjectStore(processed_folder), "film")


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as created:
        yield created


@pytest.fixture
def store(
    template: VideoManifest, rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> ObjectStore:
    """A bucket of finished videos with their catalog."""
    rclone_s3.use(monkeypatch)
    created = S3ObjectStore(rclone_s3.new_bucket())
    write_copies(created, template, [*NAMES, ODD_NAME])
    write_catalog(created)
    return created


def without_catalog(store: ObjectStore, instance: dg.DagsterInstance) -> list[VideoStatus]:
    """What every manifest says, each of them read."""
    kept = store.read_bytes(keys.CATALOG_VIDEOS)
    store.delete(keys.CATALOG_VIDEOS)
    found = video_statuses(store, instance)
    store.write_bytes(keys.CATALOG_VIDEOS, kept, content_type="application/vnd.apache.parquet")
    return found


def test_finished_videos_cost_no_request_each(
    store: ObjectStore, instance: dg.DagsterInstance
) -> None:
    before = store.requests
    found = video_statuses(store, instance)
    assert store.requests - before == {"ListObjectsV2": 4, "GetObject": 1}
    assert {one.state for one in found} == {"spliced"}
    assert len(found) == len(NAMES) + 1
    (first, *_) = [one for one in found if one.video_id == "film00"]
    assert (first.scenes, first.clips, first.title) == (4, 4, "The film film00.mp4")
    assert first.tags == ("copied",)
    assert found == without_catalog(store, instance)


def test_only_what_the_catalog_was_not_made_of_is_read(
    store: ObjectStore, instance: dg.DagsterInstance, template: VideoManifest
) -> None:
    # One is replaced, one is unfinished since, one is new, one lost its source, one its manifest.
    replaced = store.write_bytes(f"source_videos/{NAMES[0]}", b"another", content_type="video/mp4")
    video = read_video(store, "film01")
    stages = {name: one for name, one in video.stages.items() if name != "keyframes"}
    write_video(store, VideoManifest("film01", stages))
    write_copies(store, template, ["new.mov"])
    store.delete(f"source_videos/{NAMES[2]}")
    store.delete(keys.video_manifest_key("film03"))
    before = store.requests
    found = video_statuses(store, instance)
    assert (store.requests - before)["GetObject"] == 3
    states = {one.video_id: one.state for one in found}
    assert states["film00"] == "downloaded"
    assert states["film01"] == "downloaded"
    assert states["new.mov"] == "spliced"
    assert states["film02"] == "source_deleted"
    assert states["film03"] == "downloaded"
    assert list(states.values()).count("spliced") == len(NAMES) + 1 + 1 - 4
    assert found == without_catalog(store, instance)
    error = InvalidVideoError("not_video", "it is no video")
    write_rejection(store, "film00", replaced.version, error)
    (found_again,) = video_statuses(store, instance, ["film00"])
    assert (found_again.state, found_again.error) == ("splicing_failed", "it is no video")


@pytest.mark.parametrize("content", [None, b"no table"], ids=["missing", "damaged"])
def test_without_a_usable_catalog_the_answers_are_the_same(
    store: ObjectStore, instance: dg.DagsterInstance, content: bytes | None
) -> None:
    expected = video_statuses(store, instance)
    store.delete(keys.CATALOG_VIDEOS)
    if content is not None:
        store.write_bytes(keys.CATALOG_VIDEOS, content, content_type="x")
    assert finished_videos(store) == {}
    assert video_statuses(store, instance) == expected


@pytest.mark.parametrize("video_id", ["film07", keys.video_id_of(f"source_videos/{ODD_NAME}")])
def test_one_video_costs_a_few_requests_and_lists_no_others(
    store: ObjectStore, instance: dg.DagsterInstance, video_id: str
) -> None:
    before = store.requests
    (found,) = video_statuses(store, instance, [video_id])
    asked = store.requests - before
    # A HEAD tells times in whole seconds.
    every = {one.video_id: one for one in without_catalog(store, instance)}
    assert replace(found, updated=None) == replace(every[video_id], updated=None)
    assert asked.total() <= 8
    # That of its rejections.
    assert asked["ListObjectsV2"] == 1


def test_an_upload_whose_key_is_given_is_found_without_a_listing(
    store: ObjectStore, instance: dg.DagsterInstance
) -> None:
    key = "source_videos/My trip/day 2.mp4"
    store.write_bytes(key, b"new", content_type="video/mp4")
    video_id = keys.video_id_of(key)
    before = store.requests
    (found,) = video_statuses(store, instance, {video_id: key})
    assert (store.requests - before)["ListObjectsV2"] == 1
    assert found.state == "downloaded"
    # By its id alone it is found as well.
    (by_id,) = video_statuses(store, instance, [video_id])
    assert replace(by_id, updated=None) == replace(found, updated=None)


def test_states_and_a_limit_choose_what_is_shown(
    store: ObjectStore, instance: dg.DagsterInstance
) -> None:
    submit(store, "source_videos/walk.mp4", "https://example.com/walk.mp4")
    for video_id in ("film05", "film09"):
        tags = {"dagster/partition": video_id}
        instance.add_run(
            DagsterRun(job_name=PROCESS_JOB, status=DagsterRunStatus.STARTED, tags=tags)
        )

    def ids(names: list[str], limit: int | None = None) -> list[str]:
        found = video_statuses(store, instance, states=states_of(names), limit=limit)
        return [one.video_id for one in found]

    assert ids(["new"]) == ["walk"]
    assert ids(["at work", "new"]) == ["film05", "film09", "walk"]
    assert ids(["splicing"]) == ["film05", "film09"]
    assert ids(["failed"]) == []
    assert len(ids(["done"])) == len(NAMES) + 1 - 2
    assert ids([], limit=1) == ["film09"]
    assert ids(["at work"], limit=1) == ["film09"]
    assert len(ids([], limit=1000)) == len(NAMES) + 2
    with pytest.raises(SettingsError, match="'lost' is no state of a video; there are: new, "):
        states_of(["lost"])


def test_runs_of_one_video_are_asked_for_by_its_name(instance: dg.DagsterInstance) -> None:
    for number in range(5):
        tags = {"dagster/partition": f"film{number}"}
        instance.add_run(
            DagsterRun(job_name=PROCESS_JOB, status=DagsterRunStatus.FAILURE, tags=tags)
        )
    assert latest_runs(instance, ["film3", "unknown"]).keys() == {"film3"}
    assert len(latest_runs(instance)) == 5


def test_runs_that_succeeded_at_once_are_not_read(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    def run(video: str, status: DagsterRunStatus, **tags: str) -> None:
        own = {"dagster/partition": video, **tags}
        instance.add_run(DagsterRun(job_name=PROCESS_JOB, status=status, tags=own))

    for number in range(9):
        run(f"film{number}", DagsterRunStatus.SUCCESS)
    run("film3", DagsterRunStatus.FAILURE)
    run("film4", DagsterRunStatus.FAILURE)
    run("film4", DagsterRunStatus.SUCCESS)
    run("film5", DagsterRunStatus.SUCCESS, **{STEP_RETRIES_TAG: "2"})
    read: list[str] = []
    get_run_records = instance.get_run_records

    def counted(*arguments: Any, **named: Any) -> Any:
        records = get_run_records(*arguments, **named)
        read.extend(one.dagster_run.tags["dagster/partition"] for one in records)
        return records

    monkeypatch.setattr(instance, "get_run_records", counted)
    found = latest_runs(instance)
    assert {name: (one.is_failed, one.retries) for name, one in found.items()} == {
        "film3": (True, 0),
        "film4": (False, 0),
        "film5": (False, 2),
    }
    assert set(read) == {"film3", "film4", "film5"}


@pytest.mark.parametrize("expected", [[], ["a03"], ["a02", "a05", "a05x", "z"], ["", "b"]])
def test_a_listing_in_parts_is_the_listing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, expected: list[str]
) -> None:
    monkeypatch.setattr(parted_listing, "OBJECTS_A_PART", 1)
    store = DirectoryObjectStore(tmp_path)
    for number in range(9):
        store.write_bytes(f"p/a{number:02d}", b"", content_type="x")
    with ThreadPoolExecutor(3) as pool:
        found = list_in_parts(store, "p/", [f"p/{name}" for name in expected], pool)
    assert found == list(store.list("p/"))
