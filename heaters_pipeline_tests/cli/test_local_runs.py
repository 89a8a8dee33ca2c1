"""Runs of the command line in a Dagster instance that other processes use, too."""

import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import pytest
from sqlalchemy import Engine, event

from heaters_pipeline.names import SOURCE_VIDEOS
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
