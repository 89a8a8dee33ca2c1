"""Killed commands and a killed daemon hold up nobody: a real daemon goes on with all videos."""

import os
import shutil
import signal
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRunStatus

from heaters_pipeline.names import DIED_TAG, PARTITION_TAG
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline_tests.end_to_end.programs import CHECKOUT, Program, running
from heaters_pipeline_tests.videos import make_video

KILLED = ("first", "second")
SECONDS = 300
STARTED = dg.RunsFilter(statuses=[DagsterRunStatus.STARTED])


def finished(store: DirectoryObjectStore) -> set[str]:
    names = (*KILLED, "third")
    return {name for name in names if read_video(store, name).is_finished}


def kill(program: Program) -> None:
    os.killpg(program.process.pid, signal.SIGKILL)
    program.process.wait()


def test_two_killed_commands_and_a_killed_daemon_hold_up_nobody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    home.mkdir()
    shutil.copy(CHECKOUT / "dagster.yaml", home)
    environment: Mapping[str, str] = {
        "DAGSTER_HOME": str(home),
        "HEATERS_CACHE": str(tmp_path / "cache"),
        # Tests do not wait five minutes for a catalog.
        "HEATERS_CATALOG_MINUTES": "0.01",
        "TMPDIR": str(tmp_path),
    }
    store = DirectoryObjectStore(home / "data")
    monkeypatch.setenv("DAGSTER_HOME", str(home))
    monkeypatch.chdir(home)
    with dg.DagsterInstance.get() as instance, ExitStack() as stack:
        commands = {}
        for name in KILLED:
            video = make_video(tmp_path / f"{name}.mp4", (400, 300))
            command = ["heaters", "process", str(video), "--clips", "reencode", "--crf", "30"]
            started = running(
                [*command, "--preset", "veryslow"],
                folder=home,
                log=tmp_path / f"{name}.log",
                environment=environment,
            )
            commands[name] = stack.enter_context(started)
        for name, program in commands.items():
            # At work on the clips: the version is tagged, and the video claimed. It stands still
            # there until both are, so that neither comes to its end.
            program.wait_for(
                "its scenes are recorded",
                lambda name=name: "scenes" in read_video(store, name).stages,
                seconds=SECONDS,
            )
            program.stand_still(home)
        for program in commands.values():
            kill(program)
        assert instance.get_runs_count(STARTED) == len(KILLED)
        assert finished(store) == set()
        daemon = ["dagster-daemon", "run", "-m", "heaters_pipeline.definitions"]
        log = tmp_path / "daemon.log"
        first = running(daemon, folder=home, log=log, environment=environment)
        killed = stack.enter_context(first)
        killed.wait_for(
            "a sensor takes up a video",
            lambda: instance.get_runs_count() > len(KILLED),
            seconds=SECONDS,
        )
        kill(killed)
        third = make_video(tmp_path / "third.mp4", (30, 40))
        store.put_file("source_videos/third.mp4", third, content_type="video/mp4")
        second = running(daemon, folder=home, log=tmp_path / "again.log", environment=environment)
        again = stack.enter_context(second)
        again.wait_for(
            "all videos are finished", lambda: len(finished(store)) == 3, seconds=SECONDS
        )
        again.wait_for(
            "the catalog", lambda: store.head(keys.CATALOG_RECORD) is not None, seconds=SECONDS
        )
        for name in KILLED:
            runs = instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: name}))
            assert runs[-1].status is DagsterRunStatus.FAILURE
            assert DIED_TAG in runs[-1].tags
            # With the settings of the person whose command was killed.
            given, taken_up = (dict(runs[at].run_config)["ops"]["clips"] for at in (-1, 0))
            assert taken_up == given
