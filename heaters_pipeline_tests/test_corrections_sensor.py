"""The sensor that follows people's decisions starts each run once, and none for nothing."""

from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRun, DagsterRunStatus

from heaters_pipeline import corrections_sensor
from heaters_pipeline.corrections_sensor import apply_corrections
from heaters_pipeline.names import CORRECTIONS_TAG, DIED_TAG, PARTITION_TAG, PROCESS_JOB
from heaters_pipeline.storage import keys
from heaters_pipeline_tests.corrections import decision, document
from heaters_pipeline_tests.pipeline import VIDEO_ID, Pipeline, spans


def tick(pipeline: Pipeline, cursor: str | None = None) -> Any:
    """What a tick gives."""
    resources = {"workspace": pipeline.workspace()}
    with dg.build_sensor_context(
        instance=pipeline.instance, resources=resources, cursor=cursor
    ) as context:
        return apply_corrections(context)


def decide(pipeline: Pipeline, *rows: Any, video_id: str = VIDEO_ID) -> None:
    pipeline.store.write_bytes(
        keys.correction_key(video_id), document(video_id, *rows), content_type="application/json"
    )


def sha256(pipeline: Pipeline) -> str:
    return str(pipeline.manifest("source_videos").summary["sha256"])


def wanted(result: Any) -> list[tuple[str, str]]:
    return [(request.job_name, request.partition_key) for request in result.run_requests]


def test_a_decision_starts_one_run_that_makes_what_it_changes(processed: Pipeline) -> None:
    assert tick(processed).run_requests == []
    decide(processed, decision(1, "split", 60, source=sha256(processed)))
    result = tick(processed)
    assert wanted(result) == [(PROCESS_JOB, VIDEO_ID)]
    assert wanted(tick(processed)) == [(PROCESS_JOB, VIDEO_ID)]
    assert processed.process(tags=result.run_requests[0].tags).success
    assert (60, 75) in spans(processed.manifest("clips"))
    assert tick(processed).run_requests == []
    # Written again: the run that follows makes nothing.
    decide(processed, decision(1, "split", 60, source=sha256(processed)))
    assert len(tick(processed).run_requests) == 1


def test_what_a_person_started_took_the_decisions_in(processed: Pipeline) -> None:
    decide(processed, decision(1, "split", 60, source=sha256(processed)))
    assert processed.process().success
    assert tick(processed).run_requests == []
    processed.lose_database()
    result = tick(processed)
    assert wanted(result) == [(PROCESS_JOB, VIDEO_ID)]
    (added,) = result.dynamic_partitions_requests
    assert added.partition_keys == [VIDEO_ID]
    again = processed.process(tags=result.run_requests[0].tags)
    assert set(again.count("made").values()) == {0}
    assert tick(processed).run_requests == []


@pytest.mark.parametrize(
    ("status", "tags", "is_due"),
    [
        (DagsterRunStatus.STARTED, {}, False),
        (DagsterRunStatus.SUCCESS, {}, True),
        (DagsterRunStatus.FAILURE, {CORRECTIONS_TAG: "its"}, False),
        (DagsterRunStatus.FAILURE, {CORRECTIONS_TAG: "another"}, True),
        (DagsterRunStatus.FAILURE, {CORRECTIONS_TAG: "its", DIED_TAG: "true"}, True),
    ],
    ids=["under way", "of nothing", "failed", "of an earlier version", "died"],
)
def test_runs_that_are_known_decide(
    processed: Pipeline, status: DagsterRunStatus, tags: dict[str, str], is_due: bool
) -> None:
    decide(processed, decision(1, "split", 60))
    its = tick(processed).run_requests[0].tags[CORRECTIONS_TAG]
    tags = {name: its if value == "its" else value for name, value in tags.items()}
    processed.instance.add_run(
        DagsterRun(job_name=PROCESS_JOB, status=status, tags={PARTITION_TAG: VIDEO_ID, **tags})
    )
    assert bool(tick(processed).run_requests) is is_due


def test_what_names_no_processed_video_starts_nothing(pipeline: Pipeline) -> None:
    decide(pipeline, decision(1, "split", 60))
    pipeline.store.write_bytes("corrections/notes.txt", b"", content_type="text/plain")
    assert tick(pipeline).run_requests == []


def test_many_are_looked_at_in_parts_and_started_some_at_a_time(
    processed: Pipeline, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(corrections_sensor, "OBJECTS_PER_TICK", 2)
    monkeypatch.setattr(corrections_sensor, "REQUESTS_PER_TICK", 2)
    record = processed.store.read_bytes(keys.video_manifest_key(VIDEO_ID))
    for name in "abc":
        decide(processed, decision(1, "split", 60), video_id=name)
        processed.store.write_bytes(
            keys.video_manifest_key(name), record, content_type="application/json"
        )
    first = tick(processed)
    assert [one.partition_key for one in first.run_requests] == ["a", "b"]
    # The part is not passed before its runs are under way.
    assert first.cursor is None
    for request in first.run_requests:
        tags = {**request.tags, PARTITION_TAG: request.partition_key}
        processed.instance.add_run(DagsterRun(job_name=PROCESS_JOB, tags=tags))
    second = tick(processed, first.cursor)
    assert (second.run_requests, second.cursor) == ([], "corrections/b.json")
    third = tick(processed, second.cursor)
    assert [one.partition_key for one in third.run_requests] == ["c"]
    assert third.cursor == ""
