"""Runs of the command line in a Dagster instance that other processes use, too."""

import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import Engine, event

from heaters_pipeline.names import CATALOG_JOB, PROCESS_JOB, SOURCE_VIDEOS
from heaters_pipeline_tests.cli.heaters_command import Heaters


def test_another_process_may_add_the_same_partition_at_the_same_moment(
    home: Path, film: Path, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.add_dynamic_partitions(SOURCE_VIDEOS, ["first"])
        others = home / ".dagster" / "history" / "runs" / "index.db"
        assert others.exists()
    came_between = []

    def insert_before(_: object, __: object, statement: str, *___: object) -> None:
        if statement.startswith("INSERT INTO dynamic_partitions") and not came_between:
            came_between.append(statement)
            with closing(sqlite3.connect(others)) as connection, connection:
                connection.execute(statement, (SOURCE_VIDEOS, "film"))

    event.listen(Engine, "before_cursor_execute", insert_before)
    try:
        ended = heaters("process", film, "--json")
    finally:
        event.remove(Engine, "before_cursor_execute", insert_before)
    assert came_between
    assert ended.code == 0, ended.err
    assert ended.videos[0]["state"] == "spliced"


def test_records_that_another_program_keeps_locked_are_said_to_be_so(
    home: Path, film: Path, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(home)
    with dg.DagsterInstance.from_config(str(home)) as instance:
        instance.get_runs_count()
    records = home / ".dagster" / "history" / "runs" / "index.db"

    def wait_not(_: object, __: object, ___: object, parameters: dict[str, object]) -> None:
        parameters["timeout"] = 0

    event.listen(Engine, "do_connect", wait_not)
    try:
        with closing(sqlite3.connect(records)) as other:
            # As a program leaves it that was stopped with Ctrl-Z while it wrote.
            other.execute("BEGIN IMMEDIATE")
            ended = heaters("process", film)
    finally:
        event.remove(Engine, "do_connect", wait_not)
    assert ended.code == 1
    last = ended.err.splitlines()[-1]
    assert "database is locked; let the other program that works there" in last, ended.err
    assert "right to write" not in last


def test_runs_of_the_command_belong_to_the_code_location_of_the_ui(
    home: Path, film: Path, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Where the database lies is said relative to it.
    monkeypatch.chdir(home)
    assert heaters("process", film).code == 0
    with dg.DagsterInstance.from_config(str(home)) as instance:
        # By this the UI finds the runs of a location. What records it is private to Dagster.
        shown = {".dagster/repository": "__repository__@heaters_pipeline.definitions"}
        runs = instance.get_runs(dg.RunsFilter(tags=shown))
    assert {run.job_name for run in runs} == {PROCESS_JOB, CATALOG_JOB}
    for run in runs:
        assert run.remote_job_origin is not None
        assert run.remote_job_origin.location_name == "heaters_pipeline.definitions"
        assert run.remote_job_origin.job_name == run.job_name
