"""Conditions in SQL: over all columns of clips and their videos, and over nothing else."""

import sys
from pathlib import Path

import pytest

from heaters_pipeline.datasets.filtering import filter_columns
from heaters_pipeline.errors import SettingsError
from heaters_pipeline.report.catalog_columns import CLIP_COLUMNS, VIDEO_COLUMNS
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.datasets.stores import change_clips, export, marked


@pytest.mark.parametrize(
    ("where", "clips"),
    [
        ("duration_seconds >= 1", 8),
        ("duration_seconds > 1 and video_codec = 'h264'", 4),
        ("video_id = 'film' -- the first", 4),
        ("video_width_px >= 1280 or scene_index = 0", 4),
        ("list_contains(tags, 'goal')", 4),
        ("video_id in (select video_id from (values ('film')) as chosen(video_id))", 4),
        ("video_title is null", 16),
        # What is not known is not met.
        ("scene_index > 0 and null", 0),
    ],
)
def test_clips_that_meet_a_condition_are_exported(
    store: DirectoryObjectStore, tmp_path: Path, where: str, clips: int
) -> None:
    change_clips(store, "holiday.mov", marked(tags=["goal"]))
    if clips:
        assert export(store, tmp_path / "out", where=where).clips == clips
    else:
        said = f"no clip was left to export: none of 16 clips meets the condition '{where}'"
        with pytest.raises(SettingsError, match=said):
            export(store, tmp_path / "out", where=where)


def test_only_clips_of_the_videos_that_were_asked_for_are_counted(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    with pytest.raises(SettingsError, match="none of 4 clips meets the condition 'false'"):
        export(store, tmp_path / "out", "film", where="false")


def test_without_a_finished_video_there_is_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is none of a finished video yet"):
        export(DirectoryObjectStore(tmp_path / "store"), tmp_path / "out", where="true")


def test_every_column_may_be_named(store: DirectoryObjectStore, tmp_path: Path) -> None:
    columns = filter_columns()
    assert len(columns) == len(set(columns)) == len(CLIP_COLUMNS) + len(VIDEO_COLUMNS) - 1
    named = " and ".join(f"({name} is null or {name} is not null)" for name in columns)
    assert export(store, tmp_path / "out", where=named).clips == 16


@pytest.mark.parametrize(
    "where",
    [
        "exists (select * from read_text('{file}'))",
        "exists (select * from '{file}')",
        "exists (select * from glob('{folder}/*'))",
        "exists (select * from 'https://127.0.0.1/table.parquet')",
        "true; attach '{folder}/new.duckdb'",
        "true; set enable_external_access = true",
        "true) or (true",
        "true union all select true",
        "duration_seconds >",
        "sum(duration_seconds) > 1",
        "nothing > 1",
        "'long'",
        "",
    ],
)
def test_what_is_no_condition_says_which_columns_there_are(
    store: DirectoryObjectStore, tmp_path: Path, where: str
) -> None:
    secret = tmp_path / "secret.csv"
    secret.write_text("a\n1\n")
    typed = where.format(file=secret, folder=tmp_path)
    with pytest.raises(
        SettingsError, match=r"is no condition for clips: .*the columns are vid"
    ) as e:
        export(store, tmp_path / "out", where=typed)
    assert "video_width_px" in str(e.value)
    assert not (tmp_path / "new.duckdb").exists()
    assert not (tmp_path / "out").exists()


def test_without_duckdb_it_is_said_what_to_install(
    store: DirectoryObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "duckdb", None)
    with pytest.raises(SettingsError, match=r"pip install 'heaters-pipeline\[datasets\]'"):
        export(store, tmp_path / "out", where="true")
    assert export(store, tmp_path / "out").clips == 16
