"""Runs whose process died are found and reported, those that live are left alone."""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster import DagsterRun, DagsterRunStatus

from heaters_pipeline.living_runs import SilentRuns, living_process, report_dead_here
from heaters_pipeline.names import ALIVE_TAG, CATALOG_JOB, DIED_TAG, PROCESS_TAG

HOLDS = """
import sys
from pathlib import Path
from heaters_pipeline.living_runs import living_process
from heaters_pipeline.names import PROCESS_TAG
with living_process(Path(sys.argv[1])) as tags:
    print(tags[PROCESS_TAG], flush=True)
    sys.stdin.read()
"""


@pytest.fixture
def instance() -> Iterator[dg.DagsterInstance]:
    with dg.DagsterInstance.ephemeral() as created:
        yield created


def begin(instance: dg.DagsterInstance, process: str) -> DagsterRun:
    return instance.add_run(
        DagsterRun("job", tags={PROCESS_TAG: process}, status=DagsterRunStatus.STARTED)
    )


def status(instance: dg.DagsterInstance, run: DagsterRun) -> DagsterRunStatus:
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    return found.status


def test_the_run_of_a_killed_process_is_reported_failed_at_once(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        run = begin(instance, process.stdout.readline().decode().strip())
        assert report_dead_here(instance, tmp_path) == []
        process.kill()
    (dead,) = report_dead_here(instance, tmp_path)
    assert dead.run_id == run.run_id
    assert status(instance, run) is DagsterRunStatus.FAILURE
    found = instance.get_run_by_id(run.run_id)
    assert found is not None
    assert DIED_TAG in found.tags
    assert report_dead_here(instance, tmp_path) == []
    assert list((tmp_path / "runs").iterdir()) == []


def test_locks_of_another_instance_stay(instance: dg.DagsterInstance, tmp_path: Path) -> None:
    (tmp_path / "runs").mkdir()
    lock = tmp_path / "runs" / "elsewhere.lock"
    lock.write_text("/another/home")
    assert report_dead_here(instance, tmp_path) == []
    assert lock.exists()


def test_a_run_that_was_killed_before_it_told_its_process_is_dead_after_as_long(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    killed = instance.add_run(DagsterRun(CATALOG_JOB, status=DagsterRunStatus.STARTED))
    others = instance.add_run(DagsterRun("of others", status=DagsterRunStatus.STARTED))
    silent = SilentRuns()
    assert silent.report(instance, tmp_path, now=0) == []
    assert [each.run_id for each in silent.report(instance, tmp_path, now=180)] == [killed.run_id]
    assert status(instance, killed) is DagsterRunStatus.FAILURE
    assert status(instance, others) is DagsterRunStatus.STARTED


def test_a_run_elsewhere_is_dead_when_it_was_silent_for_long(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run, silent = begin(instance, "there"), SilentRuns()
    with living_process(tmp_path) as tags:
        here = begin(instance, tags[PROCESS_TAG])
        assert silent.report(instance, tmp_path, now=0) == []
        assert silent.report(instance, tmp_path, now=179) == []
        instance.add_run_tags(run.run_id, {ALIVE_TAG: "1"})
        assert silent.report(instance, tmp_path, now=200) == []
        assert silent.report(instance, tmp_path, now=379) == []
        assert [each.run_id for each in silent.report(instance, tmp_path, now=380)] == [run.run_id]
        assert status(instance, run) is DagsterRunStatus.FAILURE
        assert status(instance, here) is DagsterRunStatus.STARTED


def test_the_next_process_of_the_machine_counts_on(
    instance: dg.DagsterInstance, tmp_path: Path
) -> None:
    run, silent = begin(instance, "there"), SilentRuns()
    assert silent.report(instance, tmp_path, now=0) == []
    # The daemon starts its code server anew every minute.
    following = SilentRuns.remembered(silent.to_text())
    assert following.report(instance, tmp_path, now=179) == []
    following = SilentRuns.remembered(following.to_text())
    assert [each.run_id for each in following.report(instance, tmp_path, now=180)] == [run.run_id]


@pytest.mark.parametrize("text", [None, "", "no JSON", "[]", '{"clock": "of another machine"}'])
def test_what_another_machine_saw_or_nobody_counts_for_nothing(text: str | None) -> None:
    assert SilentRuns.remembered(text).seen == {}


def test_the_clock_of_another_machine_is_not_compared(
    instance: dg.DagsterInstance, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin(instance, "there")
    silent = SilentRuns()
    silent.report(instance, tmp_path, now=0)
    text = silent.to_text()
    monkeypatch.setattr("heaters_pipeline.living_runs._clock", lambda: "another")
    assert SilentRuns.remembered(text).seen == {}
