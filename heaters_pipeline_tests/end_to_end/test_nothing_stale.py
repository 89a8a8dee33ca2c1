"""On S3, where a version comes back as itself: what the store holds decides what is done next.

The first tests ask the sensors themselves, the last ones wait for what a daemon does.
"""

import io
import shutil
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest

from heaters_pipeline.intake.rejections import list_rejections
from heaters_pipeline.intake.submissions import submit
from heaters_pipeline.names import PROCESS_JOB, SOURCE_VIDEOS
from heaters_pipeline.report.catalog_record import look_at_catalog
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.pruning import Pruner
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline.uploads_sensor import process_uploads
from heaters_pipeline_tests.end_to_end.programs import CHECKOUT, Program, running
from heaters_pipeline_tests.pipeline import Pipeline
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.videos import make_video
from heaters_pipeline_tests.web_server import Served, running_web_server

SOURCE = "source_videos/film.mp4"
DAEMON_SECONDS = 420


@pytest.fixture
def s3_pipeline(
    rclone_s3: S3Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Pipeline]:
    """The pipeline on an empty bucket."""
    rclone_s3.use(monkeypatch)
    bucket = rclone_s3.new_bucket()
    pipeline = Pipeline(lambda: S3ObjectStore(bucket, "videos"), tmp_path / "local")
    yield pipeline
    pipeline.instance.dispose()


@pytest.fixture
def versions(tmp_path: Path) -> list[Path]:
    """Two videos that are uploaded under one name."""
    return [make_video(tmp_path / f"v{n}.mp4", (20, 20 + 5 * n)) for n in (1, 2)]


def test_an_upload_that_restores_an_earlier_version_is_processed(
    s3_pipeline: Pipeline, versions: list[Path]
) -> None:
    frames = []
    for version in (*versions, *versions):
        s3_pipeline.store.put_file(SOURCE, version, content_type="video/mp4")
        assert sense_and_process(s3_pipeline) == ["film"]
        assert sense_and_process(s3_pipeline) == []
        frames.append(s3_pipeline.manifest("frame_scores").items[0].end_frame)
    assert frames == [45, 50, 45, 50]


def test_a_video_whose_records_were_deleted_is_processed_each_time(
    s3_pipeline: Pipeline, versions: list[Path]
) -> None:
    s3_pipeline.store.put_file(SOURCE, versions[0], content_type="video/mp4")
    for _ in range(3):
        assert sense_and_process(s3_pipeline) == ["film"]
        assert sense_and_process(s3_pipeline) == []
        s3_pipeline.store.delete(keys.video_manifest_key("film"))


@pytest.fixture(scope="module")
def at_daemon(
    rclone_s3: S3Server, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Program, S3ObjectStore]]:
    """A daemon of the embedded instance, and its store."""
    folder = tmp_path_factory.mktemp("stale")
    shutil.copy(CHECKOUT / "dagster.yaml", folder)
    with pytest.MonkeyPatch.context() as monkeypatch:
        rclone_s3.use(monkeypatch)
        bucket = rclone_s3.new_bucket()
        environment = {
            **rclone_s3.environment,
            "DAGSTER_HOME": str(folder),
            "HEATERS_STORE": f"s3://{bucket}/videos",
            "HEATERS_CACHE": str(folder / "cache"),
            # Tests do not wait five minutes for a catalog.
            "HEATERS_CATALOG_MINUTES": "0.01",
            "TMPDIR": str(folder),
            "HEATERS_ALLOWED_LINKS": "127.0.0.1",
        }
        command = ["dagster-daemon", "run", "-m", "heaters_pipeline.definitions"]
        log = folder / "daemon.log"
        with running(command, folder=folder, log=log, environment=environment) as daemon:
            yield daemon, S3ObjectStore(bucket, "videos")


def test_a_daemon_builds_the_catalog_of_settings_that_are_changed_back(
    at_daemon: tuple[Program, S3ObjectStore], tmp_path: Path
) -> None:
    daemon, store = at_daemon
    made = Pipeline(lambda: store, tmp_path / "elsewhere")
    recorded = record_two_settings(made, make_video(tmp_path / "trip.mp4", (20, 25, 30)))
    made.instance.dispose()
    key = keys.video_manifest_key("trip")
    for setting in (0, 1, 0, 1):
        store.write_bytes(key, recorded[setting], content_type="application/json")
        assert len(clips_of(store, "trip")) == (3, 1)[setting]
        wait_for_the_catalog(daemon, store, "trip")
    store.write_bytes(keys.video_manifest_key("bent"), b"{", content_type="application/json")
    store.write_bytes(key, recorded[0], content_type="application/json")
    wait_for_the_catalog(daemon, store, "trip")
    stored = daemon.wait_for(
        "the record of the catalog",
        lambda: look_at_catalog(store).catalog,
        seconds=DAEMON_SECONDS,
    )
    assert stored.unreadable.keys() == {"bent"}


def test_a_daemon_processes_an_upload_that_restores_an_earlier_version(
    at_daemon: tuple[Program, S3ObjectStore], versions: list[Path]
) -> None:
    daemon, store = at_daemon
    for version in (versions[0], versions[1], versions[0]):
        stored = store.put_file(SOURCE, version, content_type="video/mp4")
        wait_until_done(daemon, store, stored.version)
    store.delete(keys.video_manifest_key("film"))
    wait_until_done(daemon, store, stored.version)
    wait_for_the_catalog(daemon, store, "film")


def test_a_daemon_rejects_a_bad_submission_and_goes_on_with_the_others(
    at_daemon: tuple[Program, S3ObjectStore], versions: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    daemon, store = at_daemon
    nested = b"[" * 100_000 + b"]" * 100_000
    for name in ("a...b.json", "deep.json"):
        store.write_bytes(f"submissions/{name}", nested, content_type="application/json")
    with running_web_server() as site:
        site.served["/good.mp4"] = Served(versions[0].read_bytes())
        submission = submit(store, "source_videos/good.mp4", site.url("/good.mp4"))
        daemon.wait_for(
            "the good one is processed",
            lambda: read_video(store, submission.video_id).is_finished,
            seconds=DAEMON_SECONDS,
        )
    rejected = {video_id for video_id, _ in list_rejections(store)}
    assert "deep" in rejected
    # To which the paths of Dagster's records are relative.
    monkeypatch.chdir(daemon.log.parent)
    monkeypatch.setenv("DAGSTER_HOME", str(daemon.log.parent))
    with dg.DagsterInstance.get() as instance:
        partitions = instance.get_dynamic_partitions(SOURCE_VIDEOS)
    assert submission.video_id in partitions
    assert not {"a...b", "deep"} & set(partitions)


def test_what_the_catalog_names_is_pruned_only_after_a_daemon_built_another(
    at_daemon: tuple[Program, S3ObjectStore], tmp_path: Path
) -> None:
    daemon, store = at_daemon
    made = Pipeline(lambda: store, tmp_path / "elsewhere")
    recorded = record_two_settings(made, make_video(tmp_path / "talk.mp4", (20, 25, 30)))
    key = keys.video_manifest_key("talk")
    store.write_bytes(key, recorded[0], content_type="application/json")
    wait_for_the_catalog(daemon, store, "talk")
    old = set(clips_of(store, "talk"))
    store.write_bytes(key, recorded[1], content_type="application/json")
    current = set(clips_of(store, "talk"))

    def prune() -> set[str]:
        pruner = Pruner(store, made.workspace().claims, timedelta(0))
        for removal in pruner.look(["talk"]):
            pruner.remove(removal)
        stored = {found.key for found in store.list("clips/talk/")}
        # Whichever catalog there is by now, the one before the daemon's run or the one after it.
        assert set(clips_in_catalog(store, "talk")) <= stored
        return stored

    assert prune() >= current
    wait_for_the_catalog(daemon, store, "talk")
    prune()
    assert prune() == current
    assert old - current
    made.instance.dispose()


def record_two_settings(pipeline: Pipeline, video: Path) -> list[bytes]:
    """The manifests that a video gets with two settings; its source is then taken away."""
    recorded = []
    for scenes in ({}, {"min_duration_seconds": 60.0}):
        outcome = pipeline.process(video.stem, source_videos={"origin": str(video)}, scenes=scenes)
        assert outcome.success, outcome.error
        recorded.append(pipeline.store.read_bytes(keys.video_manifest_key(video.stem)))
    # Nobody processes it once more.
    pipeline.store.delete(keys.source_key_for_name(video.name))
    return recorded


def wait_until_done(daemon: Program, store: S3ObjectStore, version: str) -> None:
    """Wait until the film's manifest is whole, and of this version of its source."""

    def is_done() -> bool:
        video = read_video(store, "film")
        return video.is_finished and video.stages["source_videos"].summary["version"] == version

    daemon.wait_for(f"version {version} is processed", is_done, seconds=DAEMON_SECONDS)


def wait_for_the_catalog(daemon: Program, store: S3ObjectStore, video_id: str) -> None:
    """Wait until the clips of the catalog are those of the video's manifest."""

    def is_there() -> bool:
        if store.head(keys.CATALOG_CLIPS) is None:
            return False
        return clips_in_catalog(store, video_id) == clips_of(store, video_id)

    daemon.wait_for(f"the catalog of {video_id}", is_there, seconds=DAEMON_SECONDS)


def clips_in_catalog(store: S3ObjectStore, video_id: str) -> list[str]:
    """The keys of the clips that the stored catalog names."""
    rows = pq.read_table(io.BytesIO(store.read_bytes(keys.CATALOG_CLIPS))).to_pylist()
    return [row["clip_filepath"] for row in rows if row["video_id"] == video_id]


def clips_of(store: S3ObjectStore, video_id: str) -> list[str]:
    """The keys of the clips that are recorded."""
    return [item.key for item in read_video(store, video_id).stages["clips"].items]


def sense_and_process(pipeline: Pipeline) -> list[str]:
    """The videos that a tick of the sensor starts runs for; they are done."""
    started = []
    for request in evaluate(pipeline, process_uploads).run_requests:
        assert (request.job_name, request.run_key) == (PROCESS_JOB, None)
        outcome = pipeline.process(request.partition_key, tags=request.tags)
        assert outcome.success, outcome.error
        started.append(request.partition_key)
    return started


def evaluate(pipeline: Pipeline, sensor: dg.SensorDefinition) -> Any:
    """What a tick of a sensor gives; the partitions that it asks for are added."""
    resources = {"workspace": pipeline.workspace()}
    with dg.build_sensor_context(instance=pipeline.instance, resources=resources) as context:
        result = sensor(context)
    if isinstance(result, dg.SensorResult):
        for request in result.dynamic_partitions_requests or []:
            pipeline.instance.add_dynamic_partitions(SOURCE_VIDEOS, list(request.partition_keys))
    return result
