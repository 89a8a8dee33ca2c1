"""Many uploads: a bounded part of them each tick."""

from datetime import UTC, datetime
from pathlib import Path

import pytest

from heaters_pipeline import uploads_sensor
from heaters_pipeline.names import SOURCE_VIDEOS
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records import video_manifests
from heaters_pipeline.storage.records.video_manifests import (
    VideoManifest,
    read_video,
    recorded_videos,
    records_among,
)
from heaters_pipeline.uploads_sensor import Place, next_part
from heaters_pipeline_tests.copies import write_catalog, write_copies
from heaters_pipeline_tests.uploads_daemon import Daemon, upload

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


def test_a_round_goes_through_all_sources_part_by_part_and_begins_again(daemon: Daemon) -> None:
    names = [f"film{number:02d}.mp4" for number in range(35)]
    for name in names:
        upload(daemon.store, name)
    ticks = [daemon.tick() for _ in range(4)]
    assert [len(found) for found in ticks] == [10, 10, 10, 5]
    assert Place.of(daemon.cursor).after == ""
    assert [daemon.tick() for _ in range(4)] == [[], [], [], []]
    # One that is replaced under its old name, and one that came where the round had passed.
    for run in daemon.instance.get_runs():
        daemon.instance.delete_run(run.run_id)
    assert len({video for tick in (daemon.tick() for _ in range(4)) for video in tick}) == 35
    upload(daemon.store, names[20], b"another")
    upload(daemon.store, "film.mp4")
    for run in daemon.instance.get_runs():
        daemon.instance.report_run_failed(run)
    found = [daemon.tick() for _ in range(4)]
    assert sorted(video for tick in found for video in tick) == ["film", "film20"]


def test_ten_thousand_uploads_at_once_are_asked_for_once_each_whenever_the_daemon_dies(
    daemon: Daemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_sensor, "OBJECTS_PER_TICK", 150)
    names = {f"film{number:04d}" for number in range(300)}
    for name in names:
        upload(daemon.store, f"{name}.mp4")
    asked: list[str] = []
    for number in range(12):
        if number % 3 == 0:
            # Nothing of a tick is carried out; of another only a part, and its cursor is lost.
            daemon.look()
            found = daemon.tick(launched=7)
            asked += found[:7]
        if number % 4 == 1:
            daemon.cursor = None
            uploads_sensor._known_manifests.read.clear()
        found = daemon.tick()
        assert len(found) <= 50
        asked += found
    assert sorted(asked) == sorted(names)
    assert set(daemon.instance.get_dynamic_partitions(SOURCE_VIDEOS)) == names


def test_a_part_ends_behind_all_that_lies_beside_a_video(daemon: Daemon) -> None:
    for name in ("a.mp4", "b.de.srt", "b.en.srt", "b.mp4", "b.x.mp4", "b/c.mp4", "c", "c.mp4"):
        upload(daemon.store, name)
    part, after = next_part(daemon.store, "", most=2)
    beside = ["a.mp4", "b.de.srt", "b.en.srt", "b.mp4", "b.x.mp4"]
    assert [each.key.removeprefix("source_videos/") for each in part] == beside
    assert after == "source_videos/b.x.mp4"
    part, after = next_part(daemon.store, after, most=2)
    assert [each.key.removeprefix("source_videos/") for each in part] == ["b/c.mp4", "c", "c.mp4"]
    assert after == ""
    assert [next_part(daemon.store, after, most=most)[1] for most in (8, 9)] == ["", ""]


def test_a_cursor_of_another_version_begins_a_round() -> None:
    place = Place("source_videos/\udcff.mp4", NOW)
    assert Place.of(place.to_cursor()) == place
    for cursor in (None, "", "source_videos/a.mp4", "{}", "[]", '{"after": 1}'):
        assert Place.of(cursor) == Place()


def test_records_are_listed_where_the_wanted_videos_stand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(video_manifests, "_OTHERS_PASSED", 5)
    monkeypatch.setattr(video_manifests, "_IDS_A_PART", 3)
    store = DirectoryObjectStore(tmp_path)
    ids = [f"v{number:03d}" for number in range(60)] + ["v1.mov", "v1-a", "v1", "z.mp4.0123"]
    for video_id in ids:
        store.write_bytes(keys.video_manifest_key(video_id), b"{}", content_type="x")
    every = recorded_videos(store)
    for wanted in (ids, ids[::7], ["v000"], ["a", "v059", "zz"], ["v1", "v1-a", "v1.mov"], []):
        assert records_among(store, wanted) == {one: every[one] for one in wanted if one in every}
    # One that an older version wrote is found as well, and is not taken for a newer one.
    for video_id in ("older", "v001"):
        key = keys.manifest_key("source_videos", video_id)
        store.write_bytes(key, b"{}", content_type="x")
    found = records_among(store, ["older", "v001", "v002"])
    assert found.keys() == {"older", "v001", "v002"}
    assert found["v001"].key == keys.video_manifest_key("v001")


def test_after_a_restart_the_catalog_tells_what_many_manifests_hold(
    daemon: Daemon, processed_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(uploads_sensor, "_WORTH_THE_CATALOG", 3)
    monkeypatch.setattr(uploads_sensor, "OBJECTS_PER_TICK", 100)
    template = read_video(DirectoryObjectStore(processed_folder), "film")
    names = [f"film{number:02d}" for number in range(12)]
    write_copies(daemon.store, template, [f"{name}.mp4" for name in names])
    write_catalog(daemon.store)
    daemon.instance.add_dynamic_partitions(SOURCE_VIDEOS, names)
    upload(daemon.store, "film03.mp4", b"another")
    stages = {name: one for name, one in template.stages.items() if name != "clips"}
    daemon.store.write_bytes(
        keys.video_manifest_key("film05"),
        VideoManifest("film05", stages).to_bytes().replace(b'"film"', b'"film05"'),
        content_type="x",
    )
    daemon.store.delete(keys.video_manifest_key("film07"))
    before = daemon.store.requests["read_bytes"]
    found = daemon.tick()
    # The table, and the one manifest that it was not made of; then nothing more.
    assert daemon.store.requests["read_bytes"] - before <= 3
    assert {"film03", "film07"} <= set(found)
    assert set(found) <= {"film03", "film05", "film07"}
    before = daemon.store.requests["read_bytes"]
    daemon.tick()
    assert daemon.store.requests["read_bytes"] - before <= 1
