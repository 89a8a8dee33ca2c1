"""A clock that is set forward or back between runs changes no decision."""

import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.uploads_sensor import new_uploads
from heaters_pipeline_tests.pipeline import Pipeline

DAY_SECONDS = 24 * 3600
DAYS = pytest.mark.parametrize("days", [-1, 1])


@pytest.fixture
def set_clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[int], None]:
    """Set the clock of this process so many days forward."""
    clock, clock_ns = time.time, time.time_ns

    def set_by(days: int) -> None:
        monkeypatch.setattr(time, "time", lambda: clock() + days * DAY_SECONDS)
        monkeypatch.setattr(time, "time_ns", lambda: clock_ns() + days * DAY_SECONDS * 10**9)

    return set_by


@DAYS
def test_what_was_made_before_the_clock_was_set_is_reused(
    pipeline: Pipeline, film: Path, set_clock: Callable[[int], None], days: int
) -> None:
    origin = {"origin": str(film)}
    assert pipeline.process(source_videos=origin).success
    before = pipeline.versions()
    set_clock(days)
    again = pipeline.process(source_videos=origin)
    assert again.success, again.error
    assert set(again.count("skipped").values()) == {True}
    assert pipeline.versions() == before
    gone = next(pipeline.store.list("clips/")).key
    pipeline.store.delete(gone)
    # What is made now carries the other time, and the next run has the first clock again.
    assert pipeline.process(source_videos=origin).metadata["clips"]["made"] == 1
    set_clock(0)
    mended = pipeline.versions()
    last = pipeline.process(source_videos=origin)
    assert set(last.count("skipped").values()) == {True}
    assert pipeline.versions() == mended
    assert {key for key in before if mended[key] != before[key]} >= {gone}


@DAYS
def test_sensors_take_the_same_uploads(tmp_path: Path, days: int) -> None:
    store = DirectoryObjectStore(tmp_path)
    for name in ("rejected", "new"):
        store.write_bytes(f"source_videos/{name}.mp4", b"a video", content_type="video/mp4")
    (new, rejected) = store.list(keys.SOURCE_PREFIX)
    now = new.modified + timedelta(seconds=60)
    taken = [
        [
            sighting.video_id
            for sighting in new_uploads(
                store.list(keys.SOURCE_PREFIX),
                rejected={("rejected", keys.version_digest(rejected.version))},
                now=clock,
                settle_seconds=5,
            )
        ]
        for clock in (now, now + timedelta(days=days))
    ]
    assert taken == [["new"], ["new"]]


@DAYS
def test_a_half_written_file_is_nobodys_until_its_process_ends_whatever_its_age(
    tmp_path: Path, set_clock: Callable[[int], None], days: int
) -> None:
    source = tmp_path / "source"
    source.write_bytes(bytes(3_000_000))
    store = DirectoryObjectStore(tmp_path / "store")

    def tidy_meanwhile(_: int) -> None:
        set_clock(days)
        DirectoryObjectStore(tmp_path / "store").tidy()

    store.put_file("a", source, content_type="x", on_progress=tidy_meanwhile)
    found = store.head("a")
    assert found is not None
    assert found.size_bytes == 3_000_000
    assert found.modified < datetime.now(UTC) + timedelta(minutes=1)
