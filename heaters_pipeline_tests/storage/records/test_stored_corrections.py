"""Decisions of people: read with care, never lost between two writers."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.errors import ManifestError, NewerRecordError, ObjectChangedError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.corrections import (
    MOST_DECISIONS,
    Corrections,
    Mark,
    add_decisions,
    look_at_corrections,
    read_corrections,
    replace_corrections,
)
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.corrections import SOURCE, corrections, decision, document
from heaters_pipeline_tests.servers import S3Server

KEY = "corrections/film.json"
ALL_KINDS = [
    decision(1, "split", 120, why="a new shot"),
    decision(2, "merge", 150),
    decision(3, "move", 150, 153),
    decision(4, "approve", 0, 120),
    decision(5, "reject", 0, 120),
    decision(6, "tag", 0, 120, tags=["goal", "night"]),
]


@pytest.fixture(params=["directory", "moto"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> ObjectStore:
    if request.param == "directory":
        return DirectoryObjectStore(tmp_path / "store")
    server: S3Server = request.getfixturevalue("moto_s3")
    server.use(monkeypatch)
    return S3ObjectStore(server.new_bucket(), "videos")


def ids(found: Corrections) -> list[int]:
    return [int(one.id, 16) for one in found.decisions]


def test_a_document_is_written_as_it_was_read(store: ObjectStore) -> None:
    read = corrections("film", *ALL_KINDS)
    replace_corrections(store, read, None)
    assert read_corrections(store, "film") == read
    written = json.loads(store.read_bytes(KEY))
    assert written == json.loads(document("film", *ALL_KINDS))


def test_times_are_kept_in_utc_to_the_millisecond() -> None:
    read = corrections("film", decision(1, "split", 3, at="2026-11-30T11:00:00.1239+01:00"))
    assert read.decisions[0].at == datetime(2026, 11, 30, 10, 0, 0, 123900, UTC)
    assert b'"at":"2026-11-30T10:00:00.123Z"' in read.to_bytes()


def test_where_nobody_decided_anything_there_is_nothing(store: ObjectStore) -> None:
    assert read_corrections(store, "film") == Corrections("film")
    assert look_at_corrections(store, "film").found is None


@pytest.mark.parametrize(
    ("row", "said"),
    [
        ("split", "a decision is an object"),
        (decision(1, "cut", 3), "kind is one of split, merge, move, approve, reject, tag"),
        (decision(1, "split", 3, id="5F"), "id is 32 hex digits"),
        (decision(1, "split", 3, source="5"), "source_sha256 is 64 hex digits"),
        (decision(1, "split"), "frame is a whole frame from 0 on, got None"),
        (decision(1, "split", -1), "frame is a whole frame from 0 on, got -1"),
        (decision(1, "split", 3, frame=True), "frame is a whole frame from 0 on, got True"),
        (decision(1, "move", 3), "to is a whole frame"),
        (decision(1, "approve", 3), "end_frame is a whole frame"),
        (decision(1, "reject", 3, 3), "start_frame must be below end_frame"),
        (decision(1, "tag", 0, 3), "tags are a list of at most 50"),
        (decision(1, "tag", 0, 3, tags=["a"] * 51), "tags are a list of at most 50"),
        (decision(1, "tag", 0, 3, tags=["a" * 51]), "tag is a text of at most 50"),
        (decision(1, "tag", 0, 3, tags=[""]), "a tag has at least one character"),
        (decision(1, "tag", 0, 3, tags=["\ud800"]), "tag holds half a character"),
        (decision(1, "split", 3, by="a" * 101), "by is a text of at most 100 characters"),
        (decision(1, "split", 3, why="a" * 1001), "why is a text of at most 1000 characters"),
        (decision(1, "split", 3, at="2026-11-30T10:00:00"), "at is a time with its zone"),
        (decision(1, "split", 3, at="0001-01-01T00:00:00+14:00"), "at is a time with its zone"),
        (decision(1, "split", 3, at=None), "at is a time with its zone"),
    ],
)
def test_a_damaged_decision_is_named_and_nobody_is_told_to_delete_the_others(
    row: Any, said: str
) -> None:
    with pytest.raises(ManifestError) as raised:
        Corrections.from_bytes(document("film", decision(9, "split", 3), row), KEY)
    message = str(raised.value)
    assert message.startswith(f"{KEY} is damaged (decision 2: {said}")
    assert "put an earlier copy in its place" in message
    assert "delete" not in message


@pytest.mark.parametrize(
    "data",
    [
        b"[]",
        document("film", format="heaters_pipeline/video"),
        document("../film"),
        document("film", decisions={}),
        document("film", decisions=[None] * (MOST_DECISIONS + 1)),
        document("film", decision(1, "split", 3), decision(1, "split", 4)),
    ],
)
def test_what_is_no_such_document_is_damaged(data: bytes) -> None:
    with pytest.raises(ManifestError, match="is damaged"):
        Corrections.from_bytes(data, KEY)


def test_a_document_of_a_newer_version_or_another_video_is_refused(store: ObjectStore) -> None:
    with pytest.raises(NewerRecordError):
        Corrections.from_bytes(document("film", format_version=2), KEY)
    store.write_bytes(KEY, document("other"), content_type="application/json")
    with pytest.raises(ManifestError, match="it is that of other"):
        read_corrections(store, "film")


def test_the_union_is_in_the_order_of_time_and_what_is_known_stays() -> None:
    one = corrections("film", decision(1, "split", 10), decision(4, "split", 40))
    other = corrections(
        "film", decision(3, "split", 30), decision(1, "split", 11), decision(2, "merge", 10)
    )
    union = one.with_decisions(other.decisions)
    assert ids(union) == [1, 2, 3, 4]
    assert union.decisions[0].frame == 10
    assert ids(other.with_decisions(one.decisions)) == [1, 2, 3, 4]
    unordered = corrections("film", decision(2, "split", 10), decision(1, "merge", 10))
    assert unordered.with_decisions(unordered.decisions[1:]) is unordered


def test_the_latest_word_on_a_clip_counts() -> None:
    found = corrections(
        "film",
        decision(1, "approve", 0, 20),
        decision(2, "tag", 0, 20, tags=["b", "a", "b"]),
        decision(3, "reject", 0, 20),
        decision(4, "tag", 20, 30, tags=["c"]),
        decision(5, "tag", 20, 30, tags=[]),
        decision(6, "approve", 30, 40, source="6" * 64),
        decision(7, "split", 35),
    )
    assert found.marks(SOURCE) == {(0, 20): Mark("rejected", ("b", "a")), (20, 30): Mark()}
    assert [one.kind for one in found.edits(SOURCE)] == ["split"]
    assert found.edits("6" * 64) == []


def test_a_clip_can_be_made_to_wait_again() -> None:
    found = corrections("a", decision(1, "approve", 0, 20), decision(2, "wait", 0, 20))
    assert found.marks(SOURCE) == {(0, 20): Mark("waiting")}


def test_who_wrote_second_loses_and_adds_to_what_the_other_wrote(store: ObjectStore) -> None:
    seen = look_at_corrections(store, "film")
    replace_corrections(store, corrections("film", decision(1, "split", 10)), seen.found)
    with pytest.raises(ObjectChangedError):
        replace_corrections(store, corrections("film", decision(2, "split", 20)), seen.found)
    union, fresh = add_decisions(
        store, "film", corrections("film", decision(2, "split", 20)).decisions
    )
    assert ids(union) == [1, 2]
    assert [one.frame for one in fresh] == [20]
    version = store.head(KEY)
    again, nothing = add_decisions(store, "film", union.decisions)
    assert (again, nothing) == (union, [])
    assert store.head(KEY) == version


def test_writers_at_once_lose_nothing(store: ObjectStore) -> None:
    def write(number: int) -> None:
        rows = [decision(number * 10 + each, "split", each + 1) for each in range(3)]
        while True:
            try:
                add_decisions(store, "film", corrections("film", *rows).decisions)
            except ObjectChangedError:
                continue
            return

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(write, range(4)))
    found = read_corrections(store, "film")
    assert ids(found) == [number * 10 + each for number in range(4) for each in range(3)]


def test_keys_of_corrections_name_a_video_and_nothing_else() -> None:
    for video_id in ("film", "film.mov", "a-b.mp4.0123456789abcdef"):
        assert keys.corrected_video(keys.correction_key(video_id)) == video_id
    for key in ("corrections/", "corrections/a/b.json", "corrections/film.txt", "cuts/film.json"):
        assert keys.corrected_video(key) is None
