"""Imports: all partitions at once, and one backfill that the sensor leaves alone."""

from pathlib import Path

import dagster as dg
import pytest
from dagster._core.execution.backfill import BulkActionStatus

from heaters_pipeline import source_keys
from heaters_pipeline.backfills import launch_backfill, starts_backfills, waiting_partitions
from heaters_pipeline.cli.importing import import_uploads
from heaters_pipeline.cli.run_origin import code_location
from heaters_pipeline.errors import SettingsError
from heaters_pipeline.names import PROCESS_JOB, SOURCE_VIDEOS
from heaters_pipeline.partitions import MOST_IN_SQLITE, add_partitions, require_room
from heaters_pipeline.storage import keys
from heaters_pipeline_tests.uploads_daemon import Daemon, upload


def test_an_import_adds_all_partitions_and_one_backfill_that_the_sensor_leaves_alone(
    daemon: Daemon,
) -> None:
    for name in ("a.mp4", "b.mp4", "trip/c.mp4", "trip/d.srt", "tripod.mp4"):
        upload(daemon.store, name)
    first = import_uploads(daemon.workspace, daemon.instance, "source_videos/trip/")
    assert (first.objects, first.videos, first.added) == (2, 1, 1)
    done = import_uploads(daemon.workspace, daemon.instance, "")
    assert (done.objects, done.videos, done.added) == (5, 3, 3)
    assert not done.is_started
    assert "start heaters ui" in done.lines[-1]
    waiting = {"a", "b", "tripod", keys.video_id_of("source_videos/trip/c.mp4")}
    assert waiting_partitions(daemon.instance, PROCESS_JOB) == waiting
    assert waiting_partitions(daemon.instance, "download_videos") == set()
    assert set(daemon.instance.get_dynamic_partitions(SOURCE_VIDEOS)) == waiting
    assert daemon.tick() == []
    nothing = import_uploads(daemon.workspace, daemon.instance, "")
    assert (nothing.videos, nothing.backfill) == (0, None)
    assert "none of 5 objects" in nothing.lines[0]
    # One that comes later is the sensor's.
    upload(daemon.store, "late.mp4")
    assert daemon.tick() == ["late"]


def test_an_import_notes_the_keys_that_names_hide_also_beside_those_that_it_noted_before(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_keys, "_NOTED_AT_ONCE", 2)
    names = ["plain.mp4", "trip/a.mp4", "trip/b.mp4", "trip/día c.mp4"]
    for number, name in enumerate(names):
        upload(daemon.store, name)
        # On SQLite a call of Dagster's that replaces one of two notes loses the other.
        import_uploads(daemon.workspace, daemon.instance, "")
        hidden = {keys.video_id_of(f"source_videos/{each}"): each for each in names}
        noted = source_keys.noted_source_keys(daemon.instance, hidden)
        assert noted == {
            video_id: f"source_videos/{each}"
            for video_id, each in hidden.items()
            if each in names[1 : number + 1]
        }
        for backfill in daemon.instance.get_backfills():
            daemon.instance.update_backfill(backfill.with_status(BulkActionStatus.CANCELED))


def test_of_a_backfill_those_wait_whose_run_was_not_submitted(daemon: Daemon) -> None:
    names = ["a", "b", "c"]
    backfill_id = launch_backfill(
        daemon.instance, code_location(), PROCESS_JOB, names, title="three"
    )
    backfill = daemon.instance.get_backfill(backfill_id)
    assert backfill is not None
    daemon.instance.update_backfill(backfill.with_partition_checkpoint("b"))
    assert waiting_partitions(daemon.instance, PROCESS_JOB) == {"c"}
    assert not starts_backfills(daemon.instance)


def test_more_videos_than_sqlite_takes_are_refused_before_any_is_added(
    daemon: Daemon, tmp_path: Path
) -> None:
    ids = [f"v{number:05d}" for number in range(MOST_IN_SQLITE + 1)]
    # One in memory stands in for PostgreSQL here, which has no such limit.
    assert len(add_partitions(daemon.instance, ids)) == len(ids)
    assert add_partitions(daemon.instance, [*ids, *ids]) == []
    (tmp_path / "sqlite").mkdir()
    with dg.DagsterInstance.local_temp(str(tmp_path / "sqlite")) as instance:
        with pytest.raises(SettingsError, match=r"no more than 32,000 videos.*PostgreSQL"):
            add_partitions(instance, ids)
        assert instance.get_dynamic_partitions(SOURCE_VIDEOS) == []
        assert len(add_partitions(instance, ids[:-1])) == MOST_IN_SQLITE
        with pytest.raises(SettingsError, match="there would be 32,001"):
            require_room(instance, MOST_IN_SQLITE + 1)
        daemon.instance = instance
        upload(daemon.store, "one-more.mp4")
        with pytest.raises(SettingsError, match="there would be 32,001"):
            daemon.look()
