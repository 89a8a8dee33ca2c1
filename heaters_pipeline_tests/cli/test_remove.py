"""``heaters remove`` and ``heaters dismiss``: nothing names a removed video any more."""

import io
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import dagster as dg
import pandas as pd
import pytest
from dagster import DagsterRunStatus

from heaters_pipeline.datasets.exporting import export_dataset
from heaters_pipeline.datasets.in_store import place_in_store
from heaters_pipeline.datasets.settings import DatasetSettings
from heaters_pipeline.intake.submissions import submit
from heaters_pipeline.names import PARTITION_TAG, SOURCE_VIDEOS
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.claims import Claims
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline.uploads_sensor import process_uploads
from heaters_pipeline.workspace import Workspace
from heaters_pipeline_tests.cli.heaters_command import Heaters
from heaters_pipeline_tests.servers import S3Server

NAME = "harbour"


@pytest.fixture
def store(home: Path, monkeypatch: pytest.MonkeyPatch) -> DirectoryObjectStore:
    # To which the paths of Dagster's records are relative.
    monkeypatch.chdir(home)
    return DirectoryObjectStore(home / "data", settle_seconds=0)


@pytest.fixture
def harbour(
    store: DirectoryObjectStore,
    processed_folder: Path,
    film: Path,
    home: Path,
    tmp_path: Path,
    heaters: Heaters,
) -> Path:
    """A file that was processed, with subtitles, in a store that has another video."""
    shutil.copytree(processed_folder, home / "data")
    path = tmp_path / f"{NAME}.mp4"
    shutil.copy(film, path)
    path.with_suffix(".srt").write_text("1\n")
    ended = heaters("process", path)
    assert ended.code == 0, ended.err
    return path


def what_names_it(store: ObjectStore, home: Path) -> list[str]:
    """Every key, row of the catalog and row of Dagster's that still names the video."""
    found = [each.key for each in store.list("") if NAME in each.key]
    for key in (keys.CATALOG_VIDEOS, keys.CATALOG_CLIPS, keys.UNNAMED_OBJECTS):
        if store.head(key):
            path = home / "table.parquet"
            path.write_bytes(store.read_bytes(key))
            if NAME in pd.read_parquet(path).to_csv():
                found.append(key)
    if store.head(keys.SETTINGS) and NAME in store.read_bytes(keys.SETTINGS).decode():
        found.append(keys.SETTINGS)
    for database in (home / ".dagster").rglob("*.db"):
        with closing(sqlite3.connect(database)) as connection:
            tables = connection.execute("select name from sqlite_master where type='table'")
            for (table,) in tables.fetchall():
                rows = connection.execute(f"select * from '{table}'").fetchall()
                found += [
                    f"{database.name}: {table}: {row}"[:300] for row in rows if NAME in str(row)
                ]
    found += [str(path) for path in (home / ".dagster").rglob(f"*{NAME}*")]
    return found


def test_a_takedown_leaves_nothing_that_names_it(
    harbour: Path, home: Path, store: DirectoryObjectStore, heaters: Heaters
) -> None:
    assert heaters("process", harbour, "--min-duration", "1").code == 0
    heaters("prune")
    heaters("settings", "set", "--video", "harbour", "clips.crf=20")
    heaters("settings", "set", "--match", "film*", "clips.crf=21")
    submit(store, "source_videos/harbour.mp4", None)
    assert len(what_names_it(store, home)) > 40
    others = {found.key: found.version for found in store.list("") if "film" in found.key}
    ended = heaters("remove", harbour, "--yes")
    assert (ended.code, ended.out) == (0, "harbour: removed\n"), ended.err
    assert what_names_it(store, home) == []
    assert {found.key: found.version for found in store.list("") if "film" in found.key} == others
    assert heaters("verify", "--deep").code == 0
    assert list(pd.read_parquet(home / "data/catalog/videos.parquet")["video_id"]) == ["film"]
    again = heaters("remove", "harbour", "--yes")
    assert again.code == 1
    assert "there is no video harbour; heaters status lists all" in again.err


def test_dagsters_own_deletion_leaves_what_forgetting_takes(
    harbour: Path, home: Path, heaters: Heaters
) -> None:
    """Once it does not, ``forgetting.py`` needs no private names of Dagster's."""
    assert heaters("process", harbour, "--min-duration", "1").code == 0
    store = DirectoryObjectStore(home / "data")
    with dg.DagsterInstance.get() as instance:
        for run in instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: NAME})):
            instance.delete_run(run.run_id)
    left = {row.split(": ")[1] for row in what_names_it(store, home) if row.startswith("index.db")}
    assert left >= {"asset_keys", "asset_check_executions"}


def test_the_note_of_an_import_goes_with_its_video(
    home: Path, store: DirectoryObjectStore, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = f"{keys.SOURCE_PREFIX}trip/{NAME}.mp4"
    store.write_bytes(key, b"a video", content_type="video/mp4")
    monkeypatch.setattr(DirectoryObjectStore, "settle_seconds", 0)
    assert heaters("import").code == 0
    assert any(": kvs: " in each for each in what_names_it(store, home))
    assert heaters("remove", keys.video_id_of(key), "--yes").code == 0
    left = what_names_it(store, home)
    assert [each for each in left if ": bulk_actions: " not in each] == []


def test_it_asks_first(
    harbour: Path,
    store: DirectoryObjectStore,
    heaters: Heaters,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    before = {found.key for found in store.list("")}
    ended = heaters("remove", "film", "harbour")
    assert ended.code == 1
    assert "harbour: " in ended.err
    assert "runs in Dagster: 1" in ended.err
    assert "Remove this for good?" in ended.err
    assert {found.key for found in store.list("")} == before


def test_of_an_unknown_name_nothing_is_removed(
    harbour: Path, store: DirectoryObjectStore, heaters: Heaters
) -> None:
    before = {found.key for found in store.list("")}
    ended = heaters("remove", "harbour", "harbor", "--yes")
    assert ended.code == 1
    assert "there is no video harbor" in ended.err
    assert {found.key for found in store.list("")} == before


def test_a_source_that_is_kept_is_not_processed_again(
    harbour: Path, home: Path, store: DirectoryObjectStore, tmp_path: Path, heaters: Heaters
) -> None:
    ended = heaters("remove", "harbour", "--yes", "--keep-source")
    assert ended.code == 0, ended.err
    kept = [found.key for found in store.list("") if NAME in found.key]
    rejection = next(key for key in kept if key.startswith("rejections/"))
    assert set(kept) == {"source_videos/harbour.mp4", "source_videos/harbour.srt", rejection}
    status = {video["video_id"]: video for video in heaters("status", "--json").videos}
    assert status["harbour"]["state"] == "removed"
    assert "it was removed by hand; heaters process source_videos/harbour.mp4" in str(
        status["harbour"]["error"]
    )
    with dg.DagsterInstance.ephemeral() as instance:
        cache = LocalCache(tmp_path / "objects", max_bytes=0)
        workspace = Workspace(store, cache, tmp_path / "scratch")
        with dg.build_sensor_context(
            instance=instance, resources={"workspace": workspace}
        ) as context:
            result = process_uploads(context)
        assert [request.partition_key for request in result.run_requests] == ["film"]
    (video,) = heaters("process", "harbour", "--json").videos
    assert (video["state"], video["error"]) == ("spliced", None)
    status = {video["video_id"]: video for video in heaters("status", "--json").videos}
    assert status["harbour"]["state"] == "spliced"


def test_a_video_that_a_run_works_on_is_left(
    harbour: Path, home: Path, store: DirectoryObjectStore, tmp_path: Path, heaters: Heaters
) -> None:
    before = {found.key for found in store.list("") if not found.key.startswith("catalog/")}
    with Claims(store, tmp_path / "elsewhere").held("harbour", lambda _: None):
        ended = heaters("remove", "harbour", "--yes")
        assert ended.code == 1
        assert "harbour: nothing is removed, since process " in ended.err
    assert before <= {found.key for found in store.list("")}
    with dg.DagsterInstance.get() as instance:
        started = dg.DagsterRun(
            "process_videos", status=DagsterRunStatus.STARTED, tags={PARTITION_TAG: "harbour"}
        )
        instance.add_run(started)
        ended = heaters("remove", "harbour", "--yes")
        assert ended.code == 1
        assert f"run {started.run_id[:8]} of it has not ended" in ended.err
        assert before <= {found.key for found in store.list("")}
        instance.delete_run(started.run_id)
    assert heaters("remove", "harbour", "--yes").code == 0


@pytest.mark.parametrize("deletes", [0, 1, 3, 12])
def test_what_was_cut_off_is_finished_by_removing_it_again(
    harbour: Path,
    home: Path,
    store: DirectoryObjectStore,
    heaters: Heaters,
    monkeypatch: pytest.MonkeyPatch,
    deletes: int,
) -> None:
    left = [deletes]
    delete = DirectoryObjectStore.delete

    def cut_off(self: DirectoryObjectStore, key: str) -> None:
        if NAME in key and not key.startswith("claims/"):
            if not left[0]:
                raise KeyboardInterrupt
            left[0] -= 1
        delete(self, key)

    monkeypatch.setattr("heaters_pipeline.storage.records.removing.DELETERS", 1)
    monkeypatch.setattr(DirectoryObjectStore, "delete", cut_off)
    assert heaters("remove", "harbour", "--yes").code != 0
    monkeypatch.setattr(DirectoryObjectStore, "delete", delete)
    # The catalog names nothing that is gone, whatever came between.
    clips = pd.read_parquet(home / "data/catalog/clips.parquet")["clip_filepath"]
    records = store.head(keys.video_manifest_key("harbour"))
    assert records is None or all(store.head(key) for key in clips)
    ended = heaters("remove", "harbour", "--yes")
    assert ended.code == 0, ended.err
    assert what_names_it(store, home) == []


def test_without_dagsters_part_it_is_finished_too(
    harbour: Path, home: Path, store: DirectoryObjectStore, heaters: Heaters
) -> None:
    for found in list(store.list("")):
        if NAME in found.key:
            store.delete(found.key)
    assert heaters("remove", "harbour", "--yes").code == 0
    assert what_names_it(store, home) == []


def test_two_videos_share_their_subtitles(
    home: Path, film: Path, tmp_path: Path, store: DirectoryObjectStore, heaters: Heaters
) -> None:
    for name in ("harbour.mp4", "harbour.mov"):
        shutil.copy(film, tmp_path / name)
    (tmp_path / "harbour.srt").write_text("1\n")
    assert heaters("process", tmp_path / "harbour.mp4", tmp_path / "harbour.mov").code == 0
    assert heaters("remove", "harbour", "--yes").code == 0
    assert store.head("source_videos/harbour.srt")
    assert heaters("remove", "harbour.mov", "--yes").code == 0
    assert not store.head("source_videos/harbour.srt")


def test_copies_of_a_bucket_on_this_machine_go_too(
    home: Path,
    film: Path,
    tmp_path: Path,
    heaters: Heaters,
    moto_s3: S3Server,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    moto_s3.use(monkeypatch)
    bucket = moto_s3.new_bucket()
    monkeypatch.setenv("HEATERS_STORE", f"s3://{bucket}/videos")
    shutil.copy(film, tmp_path / "harbour.mp4")
    assert heaters("process", tmp_path / "harbour.mp4").code == 0
    copies = tmp_path / "cache" / "objects" / "copies"
    assert list(copies.iterdir())
    assert heaters("remove", "harbour", "--yes").code == 0
    assert list(copies.iterdir()) == []
    assert what_names_it(S3ObjectStore(bucket, "videos"), home) == []


def test_a_source_that_somebody_deleted_is_said_with_what_helps(
    harbour: Path, home: Path, store: DirectoryObjectStore, heaters: Heaters
) -> None:
    store.delete("source_videos/harbour.mp4")
    status = {video["video_id"]: video for video in heaters("status", "--json").videos}
    helps = "upload it again, or take what was made of it away with heaters remove harbour"
    assert status["harbour"]["state"] == "source_deleted"
    assert helps in status["harbour"]["error"]
    ended = heaters("verify", "harbour")
    assert ended.code == 1
    assert helps in ended.err
    assert "--repair" not in ended.err
    assert helps in heaters("verify", "harbour", "--repair").err
    assert heaters("process", "film", "--min-duration", "0.5").code == 0
    videos = pd.read_parquet(home / "data/catalog/videos.parquet").set_index("video_id")
    assert videos["source_deleted"].to_dict() == {"film": False, "harbour": True}
    assert heaters("remove", "harbour", "--yes").code == 0
    assert what_names_it(store, home) == []


def test_a_failure_is_dismissed(
    home: Path, store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    store.write_bytes("source_videos/page.mp4", b"<html></html>", content_type="x")
    assert heaters("process", "page").code == 1
    (video,) = heaters("status", "--json").videos
    assert video["state"] == "splicing_failed"
    ended = heaters("dismiss", "page")
    assert (ended.code, ended.out) == (
        0,
        "page: its failure is shown no more, until it fails again\n",
    )
    (video,) = heaters("status", "--json").videos
    assert (video["state"], video["error"]) == ("dismissed", None)
    with dg.DagsterInstance.get() as instance:
        assert instance.get_dynamic_partitions(SOURCE_VIDEOS) == []
    again = heaters("dismiss", "page")
    assert again.code == 1
    assert "page has no failure" in again.err
    assert heaters("process", "page").code == 1
    (video,) = heaters("status", "--json").videos
    assert video["state"] == "splicing_failed"


def test_a_finished_video_whose_run_failed_is_finished_once_that_is_dismissed(
    harbour: Path, heaters: Heaters
) -> None:
    with dg.DagsterInstance.get() as instance:
        instance.add_run(
            dg.DagsterRun(
                "process_videos", status=DagsterRunStatus.CANCELED, tags={PARTITION_TAG: "harbour"}
            )
        )
    assert heaters("dismiss", "harbour").code == 0
    status = {video["video_id"]: video for video in heaters("status", "--json").videos}
    assert (status["harbour"]["state"], status["harbour"]["error"]) == ("spliced", None)


def test_data_sets_of_the_store_that_hold_its_clips_are_named(
    harbour: Path, store: DirectoryObjectStore, heaters: Heaters, tmp_path: Path
) -> None:
    export_dataset(store, place_in_store(store, "animals"), DatasetSettings(), tmp_path)
    ended = heaters("remove", harbour, "--yes", "--json")
    assert ended.videos == [{"video_id": NAME, "error": None, "in_datasets": ["animals"]}]
    assert "removed, but for its clips in the data sets animals of the store" in ended.err
