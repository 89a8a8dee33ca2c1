"""What the sensors ask for: submissions, runs whose process died, and what all sensors share."""

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRun, DagsterRunStatus

from heaters_pipeline.errors import StoreError, StoreUnavailableError, printable
from heaters_pipeline.intake.rejections import list_rejections
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
    SOURCE_VERSION_TAG,
    SOURCE_VIDEOS,
    SUBMISSION_TAG,
)
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
from heaters_pipeline.storage.records.manifests import canonical_json
from heaters_pipeline.uploads_sensor import process_uploads
from heaters_pipeline.workspace import Workspace
from heaters_pipeline_tests.sensor_stage import Stage, info, requested

LINK = "https://example.com/film.mp4"


def test_which_submissions_are_taken() -> None:
    old, new = info("submissions/film.json"), info("submissions/film.json", etag="2")
    others = [info("submissions/trip/film.json"), info("submissions/notes.txt")]
    rejected = {("film", keys.version_digest(old.version))}
    listing = [old, *others]
    taken = list(new_submissions(listing, rejected=()))
    assert [(sighting.video_id, sighting.found) for sighting in taken] == [("film", old)]
    assert not list(new_submissions(listing, rejected=rejected))
    assert len(list(new_submissions([new], rejected=rejected))) == 1


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


def test_what_a_submission_says_of_a_video_reaches_its_run(stage: Stage) -> None:
    submit(stage.store, "source_videos/film.mp4", LINK, title="Harbour", tags=("boats",))
    (request,) = stage.evaluate(bring_in_submissions).run_requests
    config = {"title": "Harbour", "tags": ["boats"]}
    assert request.run_config == {"ops": {"source_videos": {"config": config}}}
