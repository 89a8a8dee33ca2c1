"""Croissant: the reference library validates it, and reads from it what the catalog says."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.datasets.selecting import SAMPLE_SCHEMA
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.datasets.stores import CHECKOUT, export

LICENSE = "https://creativecommons.org/licenses/by/4.0/"


def read(folder: Path) -> dict[str, Any]:
    program = "heaters_pipeline_tests.datasets.read_croissant"
    command = [sys.executable, "-m", program, str(folder / "croissant.json")]
    ended = subprocess.run(command, cwd=CHECKOUT, check=False, capture_output=True)
    assert ended.returncode == 0, ended.stderr.decode()
    return json.loads(ended.stdout)


@pytest.mark.parametrize(
    ("format_name", "places"),
    [("webdataset", ["shard_name", "sample_key"]), ("videofolder", ["file_name"])],
)
def test_croissant_is_valid_and_its_records_are_the_clips(
    store: DirectoryObjectStore, tmp_path: Path, format_name: str, places: list[str]
) -> None:
    export(store, tmp_path / "out", format=format_name, name="wild-animals", license=LICENSE)
    found = read(tmp_path / "out")
    assert (found["name"], found["license"], found["errors"]) == ("wild-animals", [LICENSE], [])
    assert len(found["records"]) == 16
    assert {record["end_frame"] for record in found["records"]} == {"20", "45", "75", "95"}
    for record in found["records"]:
        assert list(record) == [*places, *SAMPLE_SCHEMA.names]
        assert (tmp_path / "out" / record[places[0]]).is_file()


@pytest.mark.parametrize("format_name", ["webdataset", "videofolder"])
def test_without_a_licence_it_is_valid_as_well(
    store: DirectoryObjectStore, tmp_path: Path, format_name: str
) -> None:
    export(store, tmp_path / "out", format=format_name)
    assert read(tmp_path / "out")["errors"] == []
    assert "license" not in json.loads((tmp_path / "out" / "croissant.json").read_bytes())
