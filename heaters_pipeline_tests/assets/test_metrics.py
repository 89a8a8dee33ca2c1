"""What runs count, in their metadata and for Prometheus: made, reused, failed, and by what."""

import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from heaters_pipeline.errors import StoreUnavailableError
from heaters_pipeline.report.metrics.opening import open_totals
from heaters_pipeline.workspace import Workspace
from heaters_pipeline_tests.assets.test_faults import fail_clips
from heaters_pipeline_tests.cli.heaters_command import Heaters
from heaters_pipeline_tests.metrics import totals_in
from heaters_pipeline_tests.pipeline import SPANS, STAGES, Outcome, Pipeline

pytestmark = pytest.mark.usefixtures("config_is_all")


@pytest.fixture
def totals(tmp_path: Path) -> Path:
    return tmp_path / "heaters.prom"


@pytest.fixture
def counted(pipeline: Pipeline, totals: Path, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    """The pipeline, whose runs add to the totals."""
    workspace = pipeline.workspace

    def with_totals() -> Workspace:
        made = workspace()
        made.metrics = open_totals(totals, None)
        return made

    monkeypatch.setattr(pipeline, "workspace", with_totals)
    return pipeline


def failures(pipeline: Pipeline, outcome: Outcome) -> list[dict[str, Any]]:
    """What each stage that failed recorded, by name."""
    events = (entry.dagster_event for entry in pipeline.instance.all_logs(outcome.run_id))
    return [
        {name: value.value for name, value in data.metadata.items()}
        for event in events
        if event is not None and event.is_step_failure
        for data in [event.step_failure_data.user_failure_data]
        if data is not None
    ]


def test_what_is_made_and_then_reused_is_counted_by_stage(
    counted: Pipeline, film: Path, totals: Path
) -> None:
    first = counted.process(source_videos={"origin": str(film)})
    assert first.success, first.error
    after_first = totals_in(totals)
    for stage in STAGES:
        made = first.metadata[stage]["made"]
        assert after_first[f"heaters_items_total {stage} made"] == made > 0
        assert after_first[f"heaters_items_total {stage} reused"] == 0
        assert after_first[f"heaters_peak_memory_bytes {stage}"] > 10**7
        assert after_first[f"heaters_phase_seconds_count {stage} look"] == 1
    assert after_first["heaters_clips_made_total"] == len(SPANS)
    assert after_first["heaters_clips_per_minute clips"] > 0
    assert after_first["heaters_phase_seconds_sum clips cut"] > 0
    requests = sum(
        value for name, value in after_first.items() if name.startswith("heaters_store_requests")
    )
    # What a stage asks after its metadata is written, and what the checks ask.
    assert sum(first.count("store_requests").values()) <= requests <= first.requests.total()
    totals.write_text(re.sub("(peak_memory_bytes.*}).*", r"\1 1.0", totals.read_text()))
    again = counted.process()
    assert again.success, again.error
    after_again = totals_in(totals)
    for stage in STAGES:
        made = first.metadata[stage]["made"]
        assert after_again[f"heaters_items_total {stage} made"] == made
        assert after_again[f"heaters_items_total {stage} reused"] == made
        # Of the run that had something to do.
        assert after_again[f"heaters_peak_memory_bytes {stage}"] == 1
    rate = "heaters_clips_per_minute clips"
    assert after_again[rate] == after_first[rate]
    assert not [name for name in after_again if name.startswith("heaters_failures_total")]


def test_units_that_fail_are_counted_by_kind(
    counted: Pipeline, film: Path, totals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        fail_clips(patch, SPANS[1], SPANS[2])
        outcome = counted.process(source_videos={"origin": str(film)})
    (facts,) = failures(counted, outcome)
    assert (facts["made"], facts["failed"], facts["failures/clip"]) == (2, 2, 2)
    found = totals_in(totals)
    assert found["heaters_failures_total clips clip"] == 2
    assert found["heaters_items_total clips failed"] == found["heaters_clips_made_total"] == 2
    assert found["heaters_peak_memory_bytes clips"] > 10**7
    with monkeypatch.context() as patch:
        fail_clips(patch, SPANS[1])
        (facts,) = failures(counted, counted.process())
    assert (facts["made"], facts["reused"], facts["failed"]) == (1, 2, 1)
    assert facts["failures/clip"] == 1
    assert counted.process().success
    found = totals_in(totals)
    assert found["heaters_clips_made_total"] == len(SPANS)
    assert found["heaters_items_total clips reused"] == 2 + 3


def test_a_video_that_cannot_be_processed_is_counted_by_its_reason(
    counted: Pipeline, totals: Path, tmp_path: Path
) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    outcome = counted.process("text", source_videos={"origin": str(tmp_path / "text.mp4")})
    (facts,) = failures(counted, outcome)
    assert facts["reason"] == "not_video"
    assert facts["failures/not_video"] == 1
    assert totals_in(totals)["heaters_failures_total source_videos not_video"] == 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (MemoryError, "out_of_memory"),
        (lambda: OSError(28, "full", "/disk"), "store"),
        (dg.DagsterExecutionInterruptedError, "interrupted"),
        (lambda: ZeroDivisionError("a mistake"), "unexpected"),
    ],
)
def test_every_other_fault_has_a_kind(
    fault: Callable[[], BaseException],
    kind: str,
    counted: Pipeline,
    film: Path,
    totals: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def failing(*_: object) -> None:
        raise fault()

    monkeypatch.setattr(Workspace, "tidy", failing)
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    assert not counted.process(source_videos={"origin": str(film)}).success
    found = totals_in(totals)
    assert found[f"heaters_failures_total source_videos {kind}"] >= 1


def test_an_attempt_that_is_tried_again_counts_as_one_that_failed(
    counted: Pipeline, film: Path, totals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults = [StoreUnavailableError("the store is restarting")]
    write_bytes = Workspace.write_bytes

    def flaky(workspace: Workspace, key: str, *args: object, **kwargs: object) -> object:
        if key.startswith("keyframes/") and faults:
            raise faults.pop()
        return write_bytes(workspace, key, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Workspace, "write_bytes", flaky)
    monkeypatch.setattr(dg.RetryPolicy, "calculate_delay", lambda *_: 0)
    outcome = counted.process(source_videos={"origin": str(film)})
    assert outcome.success, outcome.error
    found = totals_in(totals)
    assert found["heaters_failures_total keyframes store_unavailable"] == 1
    assert found["heaters_items_total keyframes failed"] == 1
    assert found["heaters_items_total keyframes made"] == len(SPANS)


def test_an_earlier_stage_that_a_later_one_completes_is_counted_as_itself(
    counted: Pipeline, film: Path, totals: Path
) -> None:
    assert counted.process(source_videos={"origin": str(film)}).success
    assert totals_in(totals)["heaters_items_total frame_scores made"] == 1
    assert counted.process(scenes={"method": "correl"}).success
    found = totals_in(totals)
    assert found["heaters_items_total frame_scores made"] == 2
    assert found["heaters_phase_seconds_count scenes scan in full"] == 1


def test_a_killed_run_is_counted_up_to_its_last_stage(
    counted: Pipeline, film: Path, totals: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class KilledError(BaseException):
        """Stands for a kill: nothing in the pipeline catches it."""

    def killed(*_: object, **__: object) -> None:
        raise KilledError

    monkeypatch.setattr("heaters_pipeline.assets.clip_work.write_clips", killed)
    assert not counted.process(source_videos={"origin": str(film)}).success
    found = totals_in(totals)
    assert found["heaters_items_total scenes made"] == len(SPANS)
    assert found["heaters_clips_made_total"] == 0


def test_the_command_counts_where_the_setting_says(
    home: Path, film: Path, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATERS_METRICS_FILE", "metrics/heaters.prom")
    for _ in range(2):
        ended = heaters("process", film, "--json")
        assert ended.code == 0, ended.err
    found = totals_in(home / "metrics" / "heaters.prom")
    assert found["heaters_clips_made_total"] == len(SPANS)
    assert found["heaters_items_total clips reused"] == len(SPANS)


def test_the_command_says_at_its_start_that_the_library_is_missing(
    home: Path, film: Path, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATERS_METRICS_FILE", "heaters.prom")
    monkeypatch.delitem(sys.modules, "heaters_pipeline.report.metrics.prometheus", raising=False)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    ended = heaters("process", film)
    assert ended.code == 1
    assert "pip install prometheus_client" in ended.err
    assert not (home / "data").exists()
