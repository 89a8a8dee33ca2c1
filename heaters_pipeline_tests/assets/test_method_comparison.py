"""Methods are compared on the stored track of a video, with what a person needs to choose one."""

import base64
import json
import re
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.assets.tables import COMPARISON_SCHEMA
from heaters_pipeline.definitions import defs
from heaters_pipeline.names import COMPARE_JOB
from heaters_pipeline.status import video_statuses
from heaters_pipeline.video.detection.settings import METHODS
from heaters_pipeline_tests.pipeline import SPANS, STAGES, VIDEO_ID, Outcome, Pipeline

CUTS = [start for start, _ in SPANS[1:]]


@pytest.fixture
def made(pipeline: Pipeline, film: Path) -> Outcome:
    outcome = pipeline.process(source_videos={"origin": str(film)})
    assert outcome.success, outcome.error
    return outcome


def rows(outcome: Outcome) -> list[dict[str, Any]]:
    records, _ = outcome.metadata["method_comparison"]["table"]
    return [record.data for record in records]


def test_all_methods_are_compared_without_decoding(pipeline: Pipeline, made: Outcome) -> None:
    outcome = pipeline.compare(full_scan=True)
    assert outcome.success, outcome.error
    facts = outcome.metadata["method_comparison"]
    assert [row["method"] for row in rows(outcome)] == list(METHODS)
    for row in rows(outcome):
        assert list(row) == [column.name for column in COMPARISON_SCHEMA.columns]
        assert row["precision"] is None
    assert (rows(outcome)[0]["scenes"], rows(outcome)[0]["cuts"]) == (len(SPANS), len(CUTS))
    assert facts["shared_cuts"]["adaptive"]["adaptive"] == 1
    found = re.fullmatch(r"!\[.*\]\(data:image/png;base64,(.+)\)", facts["comparison"])
    assert found
    assert len(base64.b64decode(found.group(1))) <= 30_000
    assert len(pipeline.store.read_bytes(facts["full_picture"])) > 1000
    assert "seconds/decode" not in facts


def test_thresholds_and_labels_are_heeded(
    pipeline: Pipeline, made: Outcome, tmp_path: Path
) -> None:
    labels = tmp_path / "labels.json"
    labels.write_text(json.dumps({"film.mp4": {"frames": 95, "hard_cuts": [*CUTS, 90]}}))
    outcome = pipeline.compare(
        methods=["adaptive", "correl=-1"], labels=str(labels), full_scan=True
    )
    assert outcome.success, outcome.error
    adaptive, correl = rows(outcome)
    assert (adaptive["precision"], adaptive["recall"], adaptive["f1"]) == (1, 0.75, 0.857)
    assert (correl["threshold"], correl["cuts"], correl["recall"]) == (-1, 0, 0)
    assert outcome.metadata["method_comparison"]["labels"] == str(labels)


def test_the_same_question_is_answered_from_the_store(pipeline: Pipeline, made: Outcome) -> None:
    first = pipeline.compare(methods=["adaptive", "correl=0.3"], full_scan=True)
    versions = pipeline.versions()
    again = pipeline.compare(methods=["adaptive", "correl=0.3"], full_scan=True)
    assert again.metadata["method_comparison"]["skipped"]
    assert rows(again) == rows(first)
    assert pipeline.versions() == versions
    other = pipeline.compare(methods=["adaptive"])
    assert not other.metadata["method_comparison"]["skipped"]


def test_a_fast_track_is_made_up_for_by_one_full_scan(pipeline: Pipeline, made: Outcome) -> None:
    alone = pipeline.compare(methods=["adaptive", "adaptive=6"])
    assert pipeline.manifest("frame_scores").summary["scan"] == "fast"
    assert "seconds/scan in full" not in alone.metadata["method_comparison"]
    outcome = pipeline.compare(methods=[*METHODS, "correl=0.3"], full_scan=True)
    assert outcome.success, outcome.error
    assert pipeline.manifest("frame_scores").summary["scan"] == "full"
    assert outcome.metadata["method_comparison"]["seconds/scan in full"] > 0
    assert rows(outcome)[0]["cuts"] == rows(alone)[0]["cuts"]
    again = pipeline.compare(methods=["bhattacharyya"])
    assert "seconds/scan in full" not in again.metadata["method_comparison"]


def test_materializing_all_assets_decodes_no_finished_video_again(
    pipeline: Pipeline, made: Outcome
) -> None:
    outcome = pipeline.process_and_compare()
    assert outcome.success, outcome.error
    facts = outcome.metadata["method_comparison"]
    assert [row["method"] for row in rows(outcome)] == ["adaptive"]
    assert "seconds/scan in full" not in facts
    assert pipeline.manifest("frame_scores").summary["scan"] == "fast"
    assert all(skipped for stage, skipped in outcome.count("skipped").items() if stage in STAGES)
    assert facts["left_out"].startswith("correl compares every frame with the one before; ")
    assert facts["left_out"].endswith(
        "launch compare_methods with full_scan: true to have the video decoded once more"
    )


def test_the_job_that_compares_methods_decodes_where_that_is_needed(
    pipeline: Pipeline, made: Outcome
) -> None:
    job = defs.resolve_job_def(COMPARE_JOB)
    with closing(pipeline.workspace()) as workspace:
        result = job.execute_in_process(
            partition_key=VIDEO_ID, instance=pipeline.instance, resources={"workspace": workspace}
        )
    assert result.success
    assert pipeline.manifest("frame_scores").summary["scan"] == "full"
    summary = pipeline.manifest("method_comparison").summary
    assert [row["method"] for row in summary["methods"]] == list(METHODS)


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"methods": ["magic"]}, "method 'magic' is none of"),
        ({"methods": []}, "no method is named"),
        ({"methods": ["correl"]}, "launch compare_methods with full_scan: true"),
        ({"labels": "/nonexistent/labels.json"}, "cannot read the labels"),
    ],
)
def test_a_wrong_question_fails_and_leaves_the_state_of_the_video_alone(
    pipeline: Pipeline, made: Outcome, config: dict[str, Any], message: str
) -> None:
    outcome = pipeline.compare(**config)
    assert not outcome.success
    assert outcome.error
    assert message in outcome.error
    (status,) = video_statuses(pipeline.store, pipeline.instance, [VIDEO_ID])
    assert (status.state, status.error) == ("spliced", None)


def test_a_video_that_was_not_processed_is_not_compared(pipeline: Pipeline) -> None:
    outcome = pipeline.compare()
    assert not outcome.success
    assert "has no source_videos yet" in (outcome.error or "")
