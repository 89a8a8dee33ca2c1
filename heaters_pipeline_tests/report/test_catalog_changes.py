"""The catalog follows what is noted as changed, and becomes what one made from nothing would be."""

import io
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heaters_pipeline.assets import catalog as catalog_asset
from heaters_pipeline.assets.catalog import make_catalog
from heaters_pipeline.config import CatalogConfig
from heaters_pipeline.errors import StoreUnavailableError
from heaters_pipeline.report import catalog, catalog_tables
from heaters_pipeline.report.catalog import update_catalog
from heaters_pipeline.report.catalog_columns import CLIP_SCHEMA, VIDEO_SCHEMA
from heaters_pipeline.report.catalog_record import (
    StoredCatalog,
    look_at_catalog,
    write_catalog_record,
)
from heaters_pipeline.report.catalog_tables import GroupWriter, Notes
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records import catalog_changes
from heaters_pipeline.storage.records.catalog_changes import (
    SETTLED_AFTER,
    ChangeNote,
    manifest_digest,
    note_change,
    settled,
)
from heaters_pipeline.storage.records.video_manifests import VideoManifest, read_video, write_video
from heaters_pipeline_tests.pipeline import Pipeline

TABLES = (keys.CATALOG_VIDEOS, keys.CATALOG_CLIPS)
NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
MOST_MEMORY_KB = 500_000


class Noted:
    """A store of copies of the film, whose catalog follows notes."""

    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline, self.store = pipeline, pipeline.store
        self.film = self.store.read_bytes(keys.video_manifest_key("film"))

    def add(self, video_id: str) -> None:
        """Finish a video, with its source, or finish it again."""
        self.store.write_bytes(
            keys.guess_source_key(video_id) or "", b"a video", content_type="video/mp4"
        )
        write_video(self.store, self.of(video_id))

    def of(self, video_id: str) -> VideoManifest:
        """The manifest of the film under another name."""
        return VideoManifest.from_bytes(self.film.replace(b"film", video_id.encode()), video_id)

    def change(self, video_id: str, **summary: Any) -> None:
        """Record something else of the source of a video."""
        video = read_video(self.store, video_id)
        source = video.stages["source_videos"]
        changed = replace(source, summary={**source.summary, **summary})
        write_video(self.store, video.with_stage(changed))

    def unfinish(self, video_id: str) -> None:
        """Let a video lack its key frames."""
        video = read_video(self.store, video_id)
        stages = {name: one for name, one in video.stages.items() if name != "keyframes"}
        write_video(self.store, replace(video, stages=stages))

    def damage(self, video_id: str) -> None:
        """Write something that is no manifest, as a program with a bug would."""
        note_change(self.store, video_id, b"{")
        key = keys.video_manifest_key(video_id)
        self.store.write_bytes(key, b"{", content_type="application/json")

    def remove(self, video_id: str) -> None:
        """Remove what is recorded of a video."""
        note_change(self.store, video_id, b"")
        self.store.delete(keys.video_manifest_key(video_id))

    def lose_source(self, video_id: str) -> None:
        """Delete a source; the next change of the video shows it."""
        self.store.delete(keys.guess_source_key(video_id) or "")
        self.change(video_id, title="without a source")

    def follow(self, *, all_videos: bool = False) -> tuple[StoredCatalog, dict[str, int]]:
        """Make a catalog of what is noted, or of all there is."""
        with closing(self.pipeline.workspace()) as workspace:
            seen = look_at_catalog(self.store)
            return make_catalog(workspace, seen, CatalogConfig(all_videos=all_videos))

    def titles(self) -> dict[str, str | None]:
        """The title of each video in the catalog."""
        return {row["video_id"]: row["title"] for row in self.tables()[0].to_pylist()}

    def tables(self) -> list[pa.Table]:
        """Both tables."""
        return [pq.read_table(io.BytesIO(self.store.read_bytes(key))) for key in TABLES]

    def notes(self) -> list[str]:
        """The videos that are noted."""
        return sorted(note.video_id for note in look_at_catalog(self.store).changes)


@pytest.fixture
def noted(processed: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Noted:
    # So that the rows of a few videos are several pieces, which begin within a video.
    monkeypatch.setattr(catalog_tables, "GROUP_ROWS", 7)
    # And that they are too many to be listed each time.
    monkeypatch.setattr(catalog, "FEW", 5)
    made = Noted(processed)
    for number in range(9):
        made.add(f"video{number}")
    made.follow()
    assert made.notes() == []
    return made


CHANGES: dict[str, Callable[[Noted], object]] = {
    "a new one before all others": lambda noted: noted.add("a"),
    "a new one in between": lambda noted: noted.add("video4b"),
    "a new one after all others": lambda noted: noted.add("z"),
    "another title": lambda noted: noted.change("video4", title="A day"),
    "the first and the last": lambda noted: [
        noted.change(one, title=one) for one in ("film", "video8")
    ],
    "one that is unfinished": lambda noted: noted.unfinish("video3"),
    "one that is gone": lambda noted: noted.remove("video5"),
    "one that never was": lambda noted: noted.remove("never"),
    "one without a source": lambda noted: noted.lose_source("video6"),
    "a damaged one": lambda noted: noted.damage("video7"),
    "all of them": lambda noted: [
        noted.change(one, title="new") for one in ("film", *(f"video{n}" for n in range(9)))
    ],
    "all are gone": lambda noted: [
        noted.remove(one) for one in ("film", *(f"video{n}" for n in range(9)))
    ],
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_it_becomes_what_one_made_from_nothing_is(
    noted: Noted, change: Callable[[Noted], object]
) -> None:
    change(noted)
    noted.follow()
    assert noted.notes() == []
    # Twice, so that what was copied is copied once more.
    noted.add("video2b")
    followed, _ = noted.follow()
    tables = noted.tables()
    for key in (*TABLES, keys.CATALOG_RECORD):
        noted.store.delete(key)
    whole, counts = noted.follow()
    assert counts["videos_reused"] == 0
    assert whole == followed
    for mine, other, schema in zip(
        tables, noted.tables(), (VIDEO_SCHEMA, CLIP_SCHEMA), strict=True
    ):
        assert mine.schema.equals(schema)
        assert mine.to_pylist() == other.to_pylist()


def test_a_damaged_one_stays_said_until_it_is_mended(noted: Noted) -> None:
    noted.damage("video7")
    noted.follow()
    noted.add("z")
    assert noted.follow()[0].unreadable.keys() == {"video7"}
    noted.add("video7")
    assert noted.follow()[0].unreadable == {}


def test_only_what_is_noted_is_asked_for(noted: Noted, tmp_path: Path) -> None:
    noted.change("video4", title="A day")
    before = noted.store.requests
    made = update_catalog(noted.store, ["video4"], {}, tmp_path)
    assert made is not None
    assert (made.read, made.reused, made.video_rows) == (1, 9, 10)
    # Its manifest, once looked up and once read, and its source.
    assert noted.store.requests - before == Counter(head=2, read_bytes=1)


def test_a_fresh_video_is_noted_once_and_one_that_is_finished_not_at_all(
    pipeline: Pipeline, film: Path
) -> None:
    assert pipeline.process(source_videos={"origin": str(film)}).success
    (note,) = look_at_catalog(pipeline.store).changes
    manifest = pipeline.store.read_bytes(keys.video_manifest_key("film"))
    assert (note.video_id, note.digest) == ("film", manifest_digest(manifest))
    assert pipeline.process().success
    assert look_at_catalog(pipeline.store).changes == [note]


def test_a_video_that_is_made_anew_is_noted_when_it_ceases_to_be_finished_and_when_it_is(
    processed: Pipeline,
) -> None:
    assert processed.build_catalog().success
    assert processed.process(scenes={"max_duration_seconds": 0.5}).success
    noted = look_at_catalog(processed.store).changes
    assert len(noted) >= 2
    assert {note.video_id for note in noted} == {"film"}
    outcome = processed.build_catalog(all_videos=False)
    assert (outcome.success, outcome.metadata["catalog"]["videos_read"]) == (True, 1)
    assert look_at_catalog(processed.store).changes == []
    skipped = processed.build_catalog(all_videos=False).metadata["catalog"]
    assert (skipped["skipped"], skipped["clips"]) == (True, outcome.metadata["catalog"]["clips"])


def test_who_dies_before_the_manifest_leaves_a_note_that_does_no_harm(
    noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = DirectoryObjectStore.write_bytes

    def refuse(store: DirectoryObjectStore, key: str, data: bytes, **more: Any) -> Any:
        if key == keys.video_manifest_key("video4"):
            raise StoreUnavailableError("cut off")
        return real(store, key, data, **more)

    before = noted.tables()
    with monkeypatch.context() as patched:
        patched.setattr(DirectoryObjectStore, "write_bytes", refuse)
        with pytest.raises(StoreUnavailableError):
            noted.change("video4", title="A day")
    noted.follow()
    # It may still be about to write.
    assert noted.notes() == ["video4"]
    assert [one.to_pylist() for one in noted.tables()] == [one.to_pylist() for one in before]
    monkeypatch.setattr(catalog_changes, "SETTLED_AFTER", timedelta(0))
    noted.follow()
    assert noted.notes() == []


def test_what_is_written_while_a_catalog_is_made_is_in_the_next(
    noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = write_catalog_record

    def write(*arguments: Any) -> None:
        noted.change("video4", title="late")
        real(*arguments)

    noted.change("video4", title="early")
    with monkeypatch.context() as patched:
        patched.setattr(catalog_asset, "write_catalog_record", write)
        noted.follow()
    assert (noted.titles()["video4"], noted.notes()) == ("early", ["video4"])
    noted.follow()
    assert (noted.titles()["video4"], noted.notes()) == ("late", [])


@pytest.mark.parametrize("step", ["write_catalog_record", "take_down"])
def test_a_catalog_that_is_cut_off_is_finished_by_the_next(
    noted: Noted, monkeypatch: pytest.MonkeyPatch, step: str
) -> None:
    def cut_off(*_: object) -> None:
        raise StoreUnavailableError("cut off")

    noted.change("video4", title="A day")
    with monkeypatch.context() as patched:
        patched.setattr(catalog_asset, step, cut_off)
        with pytest.raises(StoreUnavailableError):
            noted.follow()
    assert noted.notes() == ["video4"]
    noted.follow()
    assert (noted.titles()["video4"], noted.notes()) == ("A day", [])


def test_a_damaged_table_is_made_of_all_videos_again(noted: Noted) -> None:
    rows = [one.to_pylist() for one in noted.tables()]
    noted.change("video4", title="A day")
    data = noted.store.read_bytes(keys.CATALOG_CLIPS)
    broken = data[:100] + bytes(400) + data[500:]
    noted.store.write_bytes(keys.CATALOG_CLIPS, broken, content_type="x")
    noted.follow()
    videos, clips = (one.to_pylist() for one in noted.tables())
    assert clips == rows[1]
    assert [row["video_id"] for row in videos] == [row["video_id"] for row in rows[0]]


def test_all_videos_are_looked_at_when_that_is_asked_for(noted: Noted) -> None:
    # As somebody changes things by hand, or an older version of the program.
    noted.store.delete(keys.video_manifest_key("video5"))
    noted.store.delete(keys.guess_source_key("video6") or "")
    assert noted.pipeline.build_catalog(all_videos=False).metadata["catalog"]["skipped"] is True
    outcome = noted.pipeline.build_catalog()
    assert outcome.metadata["catalog"]["skipped"] is False
    rows = {row["video_id"]: row for row in noted.tables()[0].to_pylist()}
    assert "video5" not in rows
    assert rows["video6"]["source_deleted"] is True
    assert noted.pipeline.build_catalog().metadata["catalog"]["skipped"] is True


def test_of_a_small_store_all_videos_are_looked_at_each_time(
    noted: Noted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(catalog, "FEW", 1000)
    noted.store.delete(keys.guess_source_key("video6") or "")
    assert noted.pipeline.build_catalog(all_videos=False).metadata["catalog"]["skipped"] is False
    rows = {row["video_id"]: row for row in noted.tables()[0].to_pylist()}
    assert rows["video6"]["source_deleted"] is True


def test_the_catalog_of_an_older_version_is_copied_after_a_look_at_all_videos(
    noted: Noted,
) -> None:
    record = noted.store.read_bytes(keys.CATALOG_RECORD)
    older = record.replace(b'"format_version":2', b'"format_version":1')
    noted.store.write_bytes(keys.CATALOG_RECORD, older, content_type="application/json")
    assert noted.follow()[1] == {"videos_read": 0, "videos_reused": 10}


def note(digest: str, minutes: float) -> ChangeNote:
    return ChangeNote(f"{digest}-{minutes}", "film", digest, NOW + timedelta(minutes=minutes))


@pytest.mark.parametrize(
    ("digests", "read", "kept"),
    [
        (["a"], "a", []),
        # Its writer has not written yet.
        (["a"], "old", [0]),
        # Written over since then.
        (["a", "b"], "b", []),
        (["a", "b"], "a", [1]),
        (["a", "b", "a"], "b", [2]),
    ],
)
def test_a_note_stays_until_what_it_announced_was_read(
    digests: list[str], read: str, kept: list[int]
) -> None:
    notes = [note(digest, number) for number, digest in enumerate(digests)]
    gone = settled(notes, {"film": read}, NOW + timedelta(minutes=5))
    assert [number for number, one in enumerate(notes) if one not in gone] == kept
    later = NOW + SETTLED_AFTER + timedelta(minutes=5)
    assert settled(notes, {"film": read}, later) == notes


def test_a_large_catalog_is_copied_in_little_memory(tmp_path: Path) -> None:
    videos, clips = 10_000, 40
    (tmp_path / "catalog").mkdir()
    names = [f"video-{number:06d}" for number in range(videos)]
    with GroupWriter(tmp_path / keys.CATALOG_VIDEOS, VIDEO_SCHEMA) as writer:
        writer.add(filled(VIDEO_SCHEMA, names))
        writer.note(Notes("some", {}, {}))
    with GroupWriter(tmp_path / keys.CATALOG_CLIPS, CLIP_SCHEMA) as writer:
        for first in range(0, videos, 1000):
            some = names[first : first + 1000]
            writer.add(filled(CLIP_SCHEMA, [name for name in some for _ in range(clips)]))
        writer.note(Notes("some", {}, {}))
    (tmp_path / "new").mkdir()
    done = subprocess.run(
        [sys.executable, "-c", COPIES, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
        cwd=Path(__file__).resolve().parents[2],
    )
    rows, memory_kb = map(int, done.stdout.split())
    assert rows == (videos - 1) * clips
    # As Python's objects the rows would have 900 MB.
    assert memory_kb < MOST_MEMORY_KB


COPIES = """
import sys
from pathlib import Path
from heaters_pipeline.report.catalog import update_catalog
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
folder = Path(sys.argv[1])
made = update_catalog(DirectoryObjectStore(folder), ["video-000500"], {}, folder / "new")
(peak,) = (line.split()[1] for line in open("/proc/self/status") if line.startswith("VmHWM"))
print(made.clip_rows, peak)
"""


def filled(schema: pa.Schema, names: list[str]) -> pa.Table:
    """A table with a row a name, and texts as long as real ones in all columns."""
    texts = [f"clips/{name}/{number:08d}-00000250" for number, name in enumerate(names)]
    columns = {}
    for field in schema:
        if field.name in ("video_id", "record_version"):
            column: Any = names
        elif pa.types.is_string(field.type):
            column = texts
        elif field.type == pa.list_(pa.string()):
            column = [[text] for text in texts]
        else:
            column = pa.nulls(len(names), field.type)
        columns[field.name] = pa.array(column, field.type)
    return pa.table(columns, schema=schema)
