"""A changed file of settings is noticed, and finished videos are made again if it says so."""

import json
import os
import shutil
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from dagster import DagsterRun, DagsterRunStatus

from heaters_pipeline import launchpad
from heaters_pipeline.errors import SettingsError, StoreUnavailableError
from heaters_pipeline.names import PARTITION_TAG, PROCESS_JOB, SETTINGS_TAG
from heaters_pipeline.settings_sensor import apply_changed_settings
from heaters_pipeline.storage import keys
from heaters_pipeline.uploads_sensor import process_uploads
from heaters_pipeline_tests.assets.test_settings_that_stick import write_settings
from heaters_pipeline_tests.pipeline import STAGES, Pipeline

ALL = "apply: all\nops: {keyframes: {config: {strategy: multi}}}"
NEW = ALL.replace("all", "new")


class Tick:
    """The ticks of the sensor, as the daemon has them done."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.requests: Counter[str] = Counter()
        self._pipeline = pipeline
        self._cursor: str | None = None

    def __call__(self) -> Any:
        workspace = self._pipeline.workspace()
        resources = {"workspace": workspace}
        with dg.build_sensor_context(
            instance=self._pipeline.instance, resources=resources, cursor=self._cursor
        ) as context:
            result = apply_changed_settings(context)
        assert isinstance(result, dg.SensorResult)
        self._cursor = result.cursor or self._cursor
        self.requests = workspace.store.requests
        return result


@pytest.fixture
def tick(processed: Pipeline) -> Tick:
    """The sensor on a store with one finished video."""
    assert processed.process().success
    return Tick(processed)


def add_run(pipeline: Pipeline, version: str, status: DagsterRunStatus) -> None:
    """A run of the video as the sensor starts it."""
    tags = {PARTITION_TAG: "film", SETTINGS_TAG: version}
    pipeline.instance.add_run(DagsterRun(job_name=PROCESS_JOB, tags=tags, status=status))


def test_without_a_file_there_is_nothing_to_say(tick: Tick) -> None:
    result = tick()
    assert not result.run_requests
    assert "no settings.yaml" in str(result.skip_reason)


def test_a_changed_file_is_said_with_what_it_would_make_and_starts_nothing_by_itself(
    processed: Pipeline, tick: Tick
) -> None:
    write_settings(processed, NEW)
    result = tick()
    assert not result.run_requests
    said = result.skip_reason.skip_message
    assert "1 finished videos were made with other settings" in said
    assert "keyframes 4" in said
    assert "apply: new" in said
    assert tick().skip_reason.skip_message == said
    # Until the file changes a tick reads it and no more.
    assert tick.requests == {"read_bytes": 1}
    write_settings(processed, NEW.replace("multi", "midpoint"))
    assert "all finished videos were made with" in tick().skip_reason.skip_message


def test_apply_all_starts_runs_until_the_videos_are_made_of_it(
    processed: Pipeline, tick: Tick
) -> None:
    write_settings(processed, ALL)
    (request,) = tick().run_requests
    assert (request.partition_key, request.run_key) == ("film", None)
    version = request.tags[SETTINGS_TAG]
    add_run(processed, version, DagsterRunStatus.STARTED)
    assert not tick().run_requests
    # It ended without having made them, such as by a lost machine that nobody retried.
    run = processed.instance.get_runs(dg.RunsFilter(tags={SETTINGS_TAG: version}))[0]
    processed.instance.report_run_canceled(run)
    assert not tick().run_requests
    assert processed.process().success
    assert processed.manifest("keyframes").inputs["settings"]["strategy"] == "multi"


def test_settings_that_are_changed_back_and_forth_are_applied_each_time(
    processed: Pipeline, tick: Tick
) -> None:
    other = ALL.replace("multi", "midpoint")
    for text in (ALL, other, ALL, other):
        write_settings(processed, text)
        (request,) = tick().run_requests
        assert processed.process(tags=request.tags).success
        assert not tick().run_requests
        assert "all finished videos" in tick().skip_reason.skip_message


def test_a_video_that_was_given_settings_by_hand_keeps_them(
    processed: Pipeline, tick: Tick
) -> None:
    assert processed.process(keyframes={"max_side_px": 200, "strategy": "multi"}).success
    write_settings(processed, "apply: all\nops: {keyframes: {config: {max_side_px: 100}}}")
    assert not tick().run_requests
    assert processed.process().count("skipped") == dict.fromkeys(STAGES, True)


def test_a_broken_file_is_said_by_the_sensors_and_by_a_red_check(
    processed: Pipeline, tick: Tick
) -> None:
    write_settings(processed, "ops:\n  clips:\n    config: {crf: 99}\n")
    result = tick()
    assert "got 99 (line 3)" in result.skip_reason.skip_message
    (evaluation,) = result.asset_events
    assert (evaluation.passed, evaluation.check_name) == (False, "settings_are_sound")
    assert not tick().asset_events
    processed.store.write_bytes("source_videos/b.mp4", b"video", content_type="video/mp4")
    with (
        dg.build_sensor_context(
            instance=processed.instance, resources={"workspace": processed.workspace()}
        ) as context,
        pytest.raises(SettingsError, match="line 3"),
    ):
        process_uploads(context)
    outcome = processed.build_catalog()
    assert "line 3" in outcome.failed_checks["settings_are_sound"]
    write_settings(processed, "ops: {}")
    (mended,) = tick().asset_events
    assert mended.passed
    assert "settings_are_sound" in processed.build_catalog().passed_checks


def test_only_some_videos_are_looked_at_in_a_tick(
    processed: Pipeline, tick: Tick, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("heaters_pipeline.settings_sensor.VIDEOS_PER_TICK", 1)
    record = tmp_path / "store" / keys.video_manifest_key("film")
    for name in ("another", "zoo"):
        copy = json.loads(record.read_bytes())
        copy["video_id"] = name
        record.with_name(f"{name}.json").write_text(json.dumps({**copy, "stages": {}}))
    shutil.copy(record, record.with_name("damaged.json"))
    write_settings(processed, NEW)
    seen = [tick().skip_reason.skip_message for _ in range(4)]
    assert [one.startswith("looked at all videos up to") for one in seen] == [True] * 3 + [False]
    assert seen[-1].startswith("1 finished videos")


SHOWN_BY_THE_LAUNCHPAD = """
from heaters_pipeline.definitions import defs, location
def crf(): return defs.resolve_job_def("process_videos").run_config_schema.config_type.fields[
    "ops"].default_value["clips"]["config"]
location()
print(crf()["crf"], crf()["mode"])
"""


def test_the_launchpad_shows_the_settings_of_the_store(tmp_path: Path) -> None:
    (tmp_path / "settings.yaml").write_text("ops: {clips: {config: {crf: 18}}}")
    environment = {**os.environ, "HEATERS_STORE": str(tmp_path)}
    # Apart, since the definitions of this process serve other tests.
    done = subprocess.run(
        [sys.executable, "-c", SHOWN_BY_THE_LAUNCHPAD],
        env=environment,
        capture_output=True,
        text=True,
    )
    assert done.stdout == "18 auto\n", done.stderr


@pytest.mark.parametrize(
    "error", [SettingsError("settings.yaml: line 3"), StoreUnavailableError("no answer")]
)
def test_a_store_that_cannot_be_asked_keeps_no_code_location_from_loading(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, error: Exception
) -> None:
    def refuse() -> None:
        raise error

    monkeypatch.setattr("heaters_pipeline.launchpad.open_workspace", refuse)
    assert launchpad.settings_to_show() == {}
    assert str(error) in caplog.text
