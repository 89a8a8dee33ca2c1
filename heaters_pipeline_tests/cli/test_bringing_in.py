"""What is typed after ``process`` and ``submit``: checked first, and what people say is kept."""

import shutil
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest

from heaters_pipeline.intake.submissions import read_submission
from heaters_pipeline.names import SOURCE_VIDEOS
from heaters_pipeline.storage.digests import file_sha256
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline_tests.cli.heaters_command import Heaters
from heaters_pipeline_tests.pipeline import Pipeline


@pytest.fixture
def used_home(home: Path, processed_folder: Path) -> Path:
    """A home in whose store the film was processed by another; its database is empty."""
    shutil.copytree(processed_folder, home / "data")
    return home


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        ("missing.mp4", "No such file or directory; check the path"),
        ("folder", "folder holds no video by name"),
        ("*.mov", "no file matches *.mov; check the pattern"),
        ("empty.mp4", "is empty (0 bytes)"),
        ("notes.txt", "is not a video"),
        ("holyday", "holyday is neither in file://"),
        ("source_videos/holyday.mp4", "holyday is neither in file://"),
    ],
)
def test_what_names_no_video_leaves_nothing_behind(
    home: Path,
    tmp_path: Path,
    heaters: Heaters,
    monkeypatch: pytest.MonkeyPatch,
    typed: str,
    said: str,
) -> None:
    folder = tmp_path / "typed here"
    (folder / "folder").mkdir(parents=True)
    (folder / "empty.mp4").touch()
    (folder / "notes.txt").write_text("buy milk\n")
    monkeypatch.chdir(folder)
    for command in (["process"], ["submit"], ["plan"]):
        ended = heaters(*command, typed)
        assert ended.code == 1
        (line,) = ended.err.splitlines()[-1:]
        assert said in line if command != ["submit"] or "hol" not in typed else "holyday" in line
    monkeypatch.chdir(home)
    with dg.DagsterInstance.get() as instance:
        assert instance.get_dynamic_partitions(SOURCE_VIDEOS) == []
        assert instance.get_runs() == []
    store = DirectoryObjectStore(home / "data")
    assert [found.key for found in store.list("")] == []


def test_a_folder_with_a_table_is_processed_with_titles_tags_and_sidecars(
    home: Path, film: Path, tmp_path: Path, heaters: Heaters
) -> None:
    folder = tmp_path / "shoot"
    folder.mkdir()
    shutil.copy(film, folder / "harbour.mp4")
    (folder / "harbour.en.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nBoats\n")
    listed = folder / "list.csv"
    listed.write_text('path,title,tags\nharbour.mp4,"Harbour, at night",boats;night\n')
    (video,) = heaters("process", "--from-list", listed, "--json").videos
    assert (video["video_id"], video["error"]) == ("harbour", None)
    store = DirectoryObjectStore(home / "data")
    summary = read_video(store, "harbour").stages["source_videos"].summary
    assert (summary["title"], summary["tags"]) == ("Harbour, at night", ["boats", "night"])
    (sidecar,) = summary["sidecars"]
    assert sidecar["key"] == "source_videos/harbour.en.srt"
    assert sidecar["sha256"] == file_sha256(folder / "harbour.en.srt")
    assert store.head(sidecar["key"])
    (row,) = pd.read_parquet(home / "data/catalog/videos.parquet").to_dict("records")
    assert (row["title"], list(row["tags"])) == ("Harbour, at night", ["boats", "night"])
    (shown,) = heaters("status", "--json").videos
    assert (shown["title"], shown["tags"]) == ("Harbour, at night", ["boats", "night"])
    # Said once, it stays.
    (again,) = heaters("process", folder, "--json").videos
    assert again["counts"]["made"] == 0
    assert read_video(store, "harbour").stages["source_videos"].summary == summary
    # Another title, and other subtitles: recorded, and nothing is made again.
    listed.write_text("path,title\nharbour.mp4,Port\n")
    (folder / "harbour.en.srt").write_text("1\n00:00:00,000 --> 00:00:01,000\nShips\n")
    (again,) = heaters("process", "--from-list", listed, "--json").videos
    assert again["counts"]["made"] == 0
    changed = read_video(store, "harbour").stages["source_videos"].summary
    assert (changed["title"], changed["tags"]) == ("Port", ["boats", "night"])
    assert changed["sidecars"][0]["sha256"] == file_sha256(folder / "harbour.en.srt")
    (row,) = pd.read_parquet(home / "data/catalog/videos.parquet").to_dict("records")
    assert row["title"] == "Port"
    assert not row["source_deleted"]
    assert heaters("verify", "--deep").code == 0


def test_sidecars_that_somebody_uploads_are_noticed(processed: Pipeline) -> None:
    def sidecars() -> list[str]:
        rows = processed.manifest("source_videos").summary.get("sidecars", [])
        return [row["sha256"] for row in rows]

    assert processed.process().success
    assert sidecars() == []
    key = "source_videos/film.vtt"
    for content in (b"WEBVTT\n\n1", b"WEBVTT\n\n2"):
        processed.store.write_bytes(key, content, content_type="text/vtt")
        outcome = processed.process()
        assert outcome.metadata["clips"]["made"] == 0
        assert outcome.metadata["source_videos"]["sidecars"] == [key]
    (digest,) = sidecars()
    processed.store.delete(key)
    assert processed.process().success
    assert sidecars() == []
    assert digest
    assert processed.process().metadata["source_videos"]["skipped"] is True


def test_a_submitted_list_keeps_titles_for_the_sensors(
    home: Path, film: Path, tmp_path: Path, heaters: Heaters
) -> None:
    shutil.copy(film, tmp_path / "harbour.mp4")
    (tmp_path / "harbour.srt").write_text("1\n")
    listed = tmp_path / "list.csv"
    listed.write_text(
        "path,link,title,tags\nharbour.mp4,,Harbour,boats\n,https://example.com/x.mp4,Link,\n"
    )
    ended = heaters("submit", "--from-list", listed)
    assert (ended.code, ended.err) == (0, "")
    file, link = ended.out.splitlines()
    assert file == "harbour: stored as source_videos/harbour.mp4, waits for the sensor"
    store = DirectoryObjectStore(home / "data")
    assert store.head("source_videos/harbour.srt")
    assert read_submission(store, "harbour").config == {"title": "Harbour", "tags": ["boats"]}
    submission = read_submission(store, link.partition(":")[0])
    assert (submission.url, submission.config) == ("https://example.com/x.mp4", {"title": "Link"})


def test_what_was_dropped_in_and_is_no_video_leaves_no_partition(pipeline: Pipeline) -> None:
    pipeline.store.write_bytes(
        "source_videos/page.mp4", b"<html>Not found</html>", content_type="video/mp4"
    )
    outcome = pipeline.process("page")
    assert not outcome.success
    assert pipeline.instance.get_dynamic_partitions(SOURCE_VIDEOS) == []
    assert [found.key for found in pipeline.store.list("rejections/page/")]


def test_a_video_that_was_replaced_by_none_keeps_its_partition(processed: Pipeline) -> None:
    assert processed.process().success
    processed.store.write_bytes("source_videos/film.mp4", b"<html></html>", content_type="x")
    assert not processed.process().success
    assert processed.instance.get_dynamic_partitions(SOURCE_VIDEOS) == ["film"]
