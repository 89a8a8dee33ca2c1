"""The daemon's path on the first production instance: PostgreSQL, compute logs in S3, queued runs.

One daemon serves all tests. Its inputs lie there when it starts: a video that somebody uploaded, a
text that is named like a video, and a submission of a link. The tests look at what it left.
"""

import io
import shutil
from collections import Counter
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import boto3
import pyarrow.parquet as pq
import pytest
import yaml

from heaters_pipeline.intake.rejections import list_rejections, read_rejection
from heaters_pipeline.intake.submissions import submit
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline.storage.records.manifests import Manifest
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline_tests.end_to_end.programs import CHECKOUT, running
from heaters_pipeline_tests.postgres import PostgresServer
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.videos import frame_number_of, make_video
from heaters_pipeline_tests.web_server import Served, WebServer, running_web_server

DEPLOY = CHECKOUT / "deploy" / "one_machine"
PREFIX, LOGS_PREFIX = "videos", "logs/dagster"
LINK_PATH = "/films/linked.mp4"
UPLOADED_SCENES, LINKED_SCENES = (40, 30, 50), (30, 35)
DEADLINE_SECONDS = 420


@dataclass(frozen=True, slots=True)
class Production:
    """What the daemon worked with, after it did its work.

    Attributes:
        store: The pipeline's store.
        bucket: The bucket of the store and of the logs.
        s3: Its server.
        database: Name of Dagster's database.
        postgres: Its server.
        home: DAGSTER_HOME.
        site: Where the submitted link leads.
    """

    store: ObjectStore
    bucket: str
    s3: S3Server
    database: str
    postgres: PostgresServer
    home: Path
    site: WebServer

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask Dagster's database."""
        with (
            closing(self.postgres.connect(self.database)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def runs(self) -> list[tuple[str, str | None, str]]:
        """Job, partition and status of all runs, in the order of their creation."""
        return self.query("SELECT pipeline_name, partition, status FROM runs ORDER BY id")

    def objects(self, prefix: str) -> dict[str, bytes]:
        """The objects of the bucket under a prefix."""
        bucket = boto3.resource("s3").Bucket(self.bucket)
        try:
            return {
                found.key: found.get()["Body"].read()
                for found in bucket.objects.filter(Prefix=prefix)
            }
        finally:
            bucket.meta.client.close()

    def manifest(self, stage: str, video_id: str) -> Manifest:
        """What must be recorded of a stage."""
        return read_video(self.store, video_id).stages[stage]


@pytest.fixture(scope="module")
def production(
    tmp_path_factory: pytest.TempPathFactory, postgres_server: PostgresServer, rclone_s3: S3Server
) -> Iterator[Production]:
    """The instance, set up as its README says, when its daemon did all that there was."""
    folder = tmp_path_factory.mktemp("production")
    home = folder / "home"
    home.mkdir()
    shutil.copy(DEPLOY / "dagster.yaml", home)
    bucket, url = rclone_s3.new_bucket(), postgres_server.new_database()
    environment = {
        **rclone_s3.environment,
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        "DAGSTER_HOME": str(home),
        "HEATERS_STORE": f"s3://{bucket}/{PREFIX}",
        "HEATERS_CACHE": str(folder / "cache"),
        # Tests do not wait five minutes for a catalog.
        "HEATERS_CATALOG_MINUTES": "0.01",
        "HEATERS_ALLOWED_LINKS": "127.0.0.1",
        "HEATERS_POSTGRES_URL": url,
        "HEATERS_LOGS_BUCKET": bucket,
        "HEATERS_LOGS_PREFIX": LOGS_PREFIX,
        "TMPDIR": str(folder),
    }
    with pytest.MonkeyPatch.context() as monkeypatch, running_web_server() as site:
        rclone_s3.use(monkeypatch)
        instance = Production(
            store=open_store(environment["HEATERS_STORE"], base_folder=home),
            bucket=bucket,
            s3=rclone_s3,
            database=url.rpartition("/")[2],
            postgres=postgres_server,
            home=home,
            site=site,
        )
        _drop_inputs(instance, folder)
        command = ["dagster-daemon", "run", "-m", "heaters_pipeline.definitions"]
        log = folder / "daemon.log"
        with running(command, folder=home, log=log, environment=environment) as daemon:
            daemon.wait_for(
                "the catalog with both videos, and sensors that find nothing more to do",
                lambda: _is_all_done(instance),
                seconds=DEADLINE_SECONDS,
            )
        yield instance


def _drop_inputs(instance: Production, folder: Path) -> None:
    """Upload like a stranger, by any S3 client, and submit like ``heaters submit``."""
    video = make_video(folder / "holiday.mp4", UPLOADED_SCENES, audio="aac")
    bucket = boto3.resource("s3").Bucket(instance.bucket)
    bucket.upload_file(str(video), f"{PREFIX}/source_videos/holiday.mp4")
    bucket.put_object(
        Key=f"{PREFIX}/source_videos/notes.mp4", Body=b"Dear diary, no video today.\n"
    )
    bucket.meta.client.close()
    linked = make_video(folder / "linked.mp4", LINKED_SCENES)
    instance.site.served[LINK_PATH] = Served(linked.read_bytes())
    submit(instance.store, "source_videos/linked.mp4", instance.site.url(LINK_PATH))
    # While the sensor for uploads starts a run for it, too.
    submit(instance.store, "source_videos/holiday.mp4", None)


def _is_all_done(instance: Production) -> bool:
    if instance.store.head(keys.CATALOG_VIDEOS) is None:
        return False
    both = len(_catalog_rows(instance, keys.CATALOG_VIDEOS)) == 2
    # In this order: what a sensor queued before it rested is among the runs that must have ended.
    return (
        both
        and _sensors_rest(instance)
        and all(status in ("SUCCESS", "FAILURE") for _, _, status in instance.runs())
    )


def _sensors_rest(instance: Production) -> bool:
    """Whether all sensors looked after the last video's run, and found no more videos."""
    ticks = instance.query(
        "SELECT status, tick_body FROM job_ticks WHERE timestamp > (SELECT "
        "to_timestamp(max(end_time)) AT TIME ZONE 'UTC' FROM runs WHERE partition IS NOT NULL)"
    )
    rest = {"bring_in_submissions": ("SKIPPED",), "process_uploads": ("SKIPPED",)}
    # Whether there is one more catalog to build depends on when the last was begun.
    rest["update_catalog"] = ("SKIPPED", "SUCCESS")
    return all(
        any(f'"{name}"' in body for status, body in ticks if status in statuses)
        for name, statuses in rest.items()
    )


def _catalog_rows(instance: Production, key: str) -> list[dict[str, Any]]:
    return pq.read_table(io.BytesIO(instance.store.read_bytes(key))).to_pylist()


def test_dagster_keeps_everything_in_postgresql(production: Production) -> None:
    assert {status for _, _, status in production.runs()} == {"SUCCESS", "FAILURE"}
    assert not [path for path in production.home.rglob("*") if path.suffix == ".db"]


def test_each_upload_and_submission_gets_one_run_and_never_a_second(
    production: Production,
) -> None:
    runs = Counter(run for run in production.runs() if run[0] != "build_catalog")
    # Its submission is carried out in any case; the upload only if nothing was made of it by then.
    assert runs.pop(("process_videos", "holiday", "SUCCESS")) in (1, 2)
    assert runs == {
        ("process_videos", "notes", "FAILURE"): 1,
        ("download_videos", "linked", "SUCCESS"): 1,
        ("process_videos", "linked", "SUCCESS"): 1,
    }


def test_runs_wait_in_the_queue(production: Production) -> None:
    queued = production.query(
        "SELECT count(DISTINCT run_id) FROM event_logs WHERE dagster_event_type = %s",
        "PIPELINE_ENQUEUED",
    )
    assert queued == [(len(production.runs()),)]


def test_runs_of_one_video_never_overlap(production: Production) -> None:
    spans = production.query(
        "SELECT start_time, end_time FROM runs WHERE partition = 'holiday' ORDER BY start_time"
    )
    assert all(end <= start for (_, end), (start, _) in pairwise(spans))


def test_each_video_becomes_a_partition(production: Production) -> None:
    rows = production.query("SELECT partitions_def_name, partition FROM dynamic_partitions")
    assert sorted(rows) == [("source_videos", name) for name in ("holiday", "linked")]


@pytest.mark.parametrize(
    ("video_id", "scenes"), [("holiday", UPLOADED_SCENES), ("linked", LINKED_SCENES)]
)
def test_clips_hold_the_frames_of_the_scenes(
    production: Production, video_id: str, scenes: tuple[int, ...], tmp_path: Path
) -> None:
    numbers = []
    for item in production.manifest("clips", video_id).items:
        clip = tmp_path / "clip.mp4"
        production.store.fetch(item.key, clip)
        numbers.append(_frame_numbers(clip))
    ends = [sum(scenes[: count + 1]) for count in range(len(scenes))]
    assert numbers == [
        list(range(end - frames, end)) for frames, end in zip(scenes, ends, strict=True)
    ]


def _frame_numbers(clip: Path) -> list[int]:
    with av.open(str(clip)) as container:
        return [
            frame_number_of(frame.to_ndarray(format="bgr24")) for frame in container.decode(video=0)
        ]


def test_every_check_is_green(production: Production) -> None:
    rows = production.query(
        "SELECT partition, check_name, execution_status FROM asset_check_executions "
        "WHERE partition IN ('holiday', 'linked')"
    )
    assert {status for _, _, status in rows} == {"SUCCEEDED"}
    assert {(partition, name) for partition, name, _ in rows} >= {
        (video_id, name)
        for video_id in ("holiday", "linked")
        for name in ("scenes_tile_the_video", "clips_have_their_frames", "sprites_have_their_tiles")
    }


def test_the_output_of_runs_is_in_the_bucket(production: Production) -> None:
    logs = production.objects(f"{LOGS_PREFIX}/storage/")
    for (run_id,) in production.query("SELECT run_id FROM runs"):
        (output,) = (
            text
            for key, text in logs.items()
            if key.startswith(f"{LOGS_PREFIX}/storage/{run_id}/") and key.endswith(".err")
        )
        assert run_id.encode() in output


def test_the_pipelines_own_log_is_in_the_ui(production: Production) -> None:
    rows = production.query(
        "SELECT count(*) FROM event_logs WHERE event LIKE %s", "%clips: holiday {%'reused': 0,%"
    )
    assert rows == [(1,)]


def test_a_text_named_mp4_fails_once_with_a_message_and_is_rejected(production: Production) -> None:
    (found,) = (key for video_id, key in list_rejections(production.store) if video_id == "notes")
    rejection = read_rejection(production.store, f"{keys.rejection_prefix('notes')}{found}.json")
    assert rejection.reason == "not_video"
    assert "source_videos/notes.mp4" in rejection.message
    events = production.query(
        "SELECT e.dagster_event_type, e.event FROM event_logs e JOIN runs r USING (run_id) "
        "WHERE r.partition = 'notes' AND e.dagster_event_type LIKE 'STEP_%%'"
    )
    assert sorted(kind for kind, _ in events) == ["STEP_FAILURE", "STEP_START"]
    assert rejection.message in dict(events)["STEP_FAILURE"]


def test_a_bad_file_leaves_nothing_else(production: Production) -> None:
    mine = [
        key
        for key in production.objects(f"{PREFIX}/")
        if "/notes" in key and not key.startswith(f"{PREFIX}/rejections/")
    ]
    assert mine == [f"{PREFIX}/source_videos/notes.mp4"]


def test_a_submitted_link_is_downloaded_once_and_remembered(production: Production) -> None:
    assert [path for path, _ in production.site.requests] == [LINK_PATH]
    origin = production.manifest("source_videos", "linked").summary["origin"]
    assert origin == production.site.url(LINK_PATH)


def test_the_catalog_lists_the_good_videos(production: Production) -> None:
    clips = _catalog_rows(production, keys.CATALOG_CLIPS)
    counts = Counter(row["video_id"] for row in clips)
    assert counts == {"holiday": len(UPLOADED_SCENES), "linked": len(LINKED_SCENES)}
    assert all(production.store.head(row["clip_filepath"]) for row in clips)


def test_the_readme_names_every_variable_of_the_instance() -> None:
    config = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    readme = (DEPLOY / "README.md").read_text()
    names = set(_environment_names(config))
    assert names == {"HEATERS_POSTGRES_URL", "HEATERS_LOGS_BUCKET", "HEATERS_LOGS_PREFIX"}
    assert not [name for name in names if f"export {name}=" not in readme]


def test_it_makes_the_choices_of_the_embedded_instance() -> None:
    ours = yaml.safe_load((DEPLOY / "dagster.yaml").read_text())
    embedded = yaml.safe_load((CHECKOUT / "dagster.yaml").read_text())
    same = ("concurrency", "run_retries", "retention", "python_logs", "telemetry", "nux")
    assert {name: ours[name] for name in same} == {name: embedded[name] for name in same}


def _environment_names(config: object) -> Iterator[str]:
    if isinstance(config, dict):
        if set(config) == {"env"}:
            yield config["env"]
        for value in config.values():
            yield from _environment_names(value)
