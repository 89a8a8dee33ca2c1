"""A team's settings in the store, as its people meet them: a UI with its daemon, and the command.

A video is dropped into the store's folder. The sensors, a backfill and the launchpad make it of the
store's settings, and of what it was given by hand.
"""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import yaml

from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline_tests.end_to_end.programs import CHECKOUT, find_program, running
from heaters_pipeline_tests.end_to_end.test_ui import (
    LOADING_SECONDS,
    RUN_SECONDS,
    Ui,
)
from heaters_pipeline_tests.ports import free_port
from heaters_pipeline_tests.videos import make_video

REENCODE = "ops: {clips: {config: {mode: reencode, preset: ultrafast}}}\n"
DEFAULTS = """query($job: PipelineSelector!) { runConfigSchemaOrError(selector: $job) {
  ... on RunConfigSchema { rootDefaultYaml } } }"""
LAUNCH = """mutation($params: ExecutionParams!) { launchRun(executionParams: $params) {
  __typename ... on LaunchRunSuccess { run { runId } } } }"""
JOB = {
    "repositoryLocationName": "heaters_pipeline.definitions",
    "repositoryName": "__repository__",
    "pipelineName": "process_videos",
}


def test_a_drop_folder_a_backfill_and_the_launchpad_use_the_settings_of_the_store(
    tmp_path: Path,
) -> None:
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(CHECKOUT / name, tmp_path)
    store = DirectoryObjectStore(tmp_path / "data")
    dropped = tmp_path / "data" / "source_videos"
    dropped.mkdir(parents=True)
    (tmp_path / "data" / "settings.yaml").write_text(REENCODE)
    make_video(dropped / "holiday.mp4", (20, 25))
    port = free_port()
    environment = {
        "DAGSTER_HOME": str(tmp_path),
        "HEATERS_CACHE": str(tmp_path / "cache"),
        # Tests do not wait five minutes for a catalog.
        "HEATERS_CATALOG_MINUTES": "0.01",
        "TMPDIR": str(tmp_path),
    }

    def heaters(*arguments: str) -> str:
        return subprocess.run(
            [find_program("heaters"), *arguments],
            cwd=tmp_path,
            env={**os.environ, **environment},
            check=True,
            capture_output=True,
            text=True,
        ).stdout

    def made(stage: str) -> dict[str, Any]:
        stages = read_video(store, "holiday").stages
        return dict(stages[stage].inputs["settings"]) if stage in stages else {}

    command = ["heaters", "ui", "--port", str(port)]
    log = tmp_path / "log"
    with running(command, folder=tmp_path, log=log, environment=environment) as program:
        ui = Ui(f"http://127.0.0.1:{port}")
        program.wait_for("the code is loaded", ui.is_loaded, seconds=LOADING_SECONDS)

        def ended(count: int) -> bool:
            runs = [run for run in ui.runs() if run["jobName"] != "build_catalog"]
            return [run["status"] for run in runs] == ["SUCCESS"] * count

        program.wait_for("the dropped video is done", lambda: ended(1), seconds=RUN_SECONDS)
        assert made("clips")["mode"] == "reencode"

        shown = ui.ask(DEFAULTS, job=JOB)["runConfigSchemaOrError"]["rootDefaultYaml"]
        launchpad = yaml.safe_load(shown)
        assert launchpad["ops"]["clips"]["config"]["mode"] == "reencode"

        heaters("process", "holiday", "--keyframes", "multi")
        assert made("keyframes")["strategy"] == "multi"
        backfill = ui.launch_backfill("holiday")
        program.wait_for(
            "the backfill ends",
            lambda: ui.backfill_status(backfill).startswith("COMPLETED"),
            seconds=RUN_SECONDS,
        )
        assert made("keyframes")["strategy"] == "multi"
        # Everything that the launchpad shows is sent, though nobody wrote it.
        launched = ui.ask(
            LAUNCH,
            params={
                "selector": JOB,
                "runConfigData": shown,
                "executionMetadata": {"tags": [{"key": "dagster/partition", "value": "holiday"}]},
            },
        )
        assert launched["launchRun"]["__typename"] == "LaunchRunSuccess", launched
        program.wait_for("the launched run ends", lambda: ended(4), seconds=RUN_SECONDS)
        assert read_video(store, "holiday").given == {"keyframes": {"strategy": "multi"}}
        assert made("keyframes")["strategy"] == "multi"

        heaters("settings", "set", "clips.crf=40", "apply=all")
        program.wait_for(
            "the sensor has it made again",
            lambda: made("clips").get("crf") == 40 and made("keyframes")["strategy"] == "multi",
            seconds=RUN_SECONDS,
        )
