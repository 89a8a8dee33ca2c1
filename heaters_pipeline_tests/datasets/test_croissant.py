"""Croissant: the reference library validates it, and reads from it what the catalog says."""

import json
from pathlib import Path

import mlcroissant
import pytest

from heaters_pipeline.report.catalog_columns import CLIP_SCHEMA
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.datasets.stores import export

# The library goes by what its own dependency calls outdated.
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")

WHOLE = {"name": "wild-animals", "license": "https://creativecommons.org/licenses/by/4.0/"}


@pytest.mark.parametrize("format_name", ["webdataset", "videofolder"])
def test_croissant_is_valid_and_its_records_are_the_clips(
    store: DirectoryObjectStore, tmp_path: Path, format_name: str
) -> None:
    export(store, tmp_path, format=format_name, **WHOLE)
    described = mlcroissant.Dataset(str(tmp_path / "croissant.json"))
    assert described.metadata.name == "wild-animals"
    assert described.metadata.license == ["https://creativecommons.org/licenses/by/4.0/"]
    assert described.metadata.issues.errors == set()
    records = list(described.records("clips"))
    assert len(records) == 16
    for record in records:
        assert record["clips/end_frame"] > record["clips/start_frame"]
    assert {name.removeprefix("clips/") for name in records[0]} >= set(CLIP_SCHEMA.names)


@pytest.mark.parametrize("format_name", ["webdataset", "videofolder"])
def test_without_a_licence_it_is_valid_as_well(
    store: DirectoryObjectStore, tmp_path: Path, format_name: str
) -> None:
    export(store, tmp_path, format=format_name)
    described = mlcroissant.Dataset(str(tmp_path / "croissant.json"))
    assert described.metadata.issues.errors == set()
    assert "license" not in json.loads((tmp_path / "croissant.json").read_bytes())
