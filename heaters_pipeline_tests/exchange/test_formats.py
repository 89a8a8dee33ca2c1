"""Formats are named once: files by their content, and each in the documentation."""

import hashlib
from pathlib import Path

import pytest

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.exchange.formats import FORMATS, ExportSettings, exported_files
from heaters_pipeline.storage import keys
from heaters_pipeline_tests.exchange.edit_lists import CASES, edit_list

DOCS = Path(__file__).parents[2] / "docs" / "exchange.md"


def test_files_are_named_by_their_content() -> None:
    once = exported_files(edit_list(CASES[0]), tuple(FORMATS))
    again = exported_files(edit_list(CASES[0]), tuple(FORMATS))
    assert [file.digest for file in once] == [file.digest for file in again]
    assert len({file.digest for file in once}) == len(FORMATS)
    for file in once:
        assert hashlib.sha256(file.data).hexdigest().startswith(file.digest)
        # So that prune knows it for its own.
        assert keys.is_product(keys.export_key("holiday", file.digest, file.extension))
    others = exported_files(edit_list(CASES[1]), tuple(FORMATS))
    assert not {file.digest for file in once} & {file.digest for file in others}


def test_a_format_that_is_asked_for_twice_is_written_once() -> None:
    files = exported_files(edit_list(CASES[0]), ("edl", "csv", "edl"))
    assert [file.format for file in files] == ["edl", "csv"]


def test_unknown_formats_are_refused() -> None:
    with pytest.raises(SettingsError, match=r"there is no format 'avi'; choose of edl, otio"):
        ExportSettings(("edl", "avi"))


def test_each_format_is_documented() -> None:
    rows = [line.split("|") for line in DOCS.read_text().splitlines() if line.startswith("| `")]
    documented = {row[1].strip(" `"): row[2].strip(" `") for row in rows}
    for name, one in FORMATS.items():
        assert documented[name] == f".{one.extension}"
