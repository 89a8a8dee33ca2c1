"""What was refused is recorded by version, and one LIST tells it."""

import json
from pathlib import Path

import pytest

from heaters_pipeline.errors import InvalidVideoError, ManifestError, ObjectNotFoundError
from heaters_pipeline.intake.rejections import (
    Rejection,
    list_rejections,
    read_rejection,
    write_rejection,
)
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore

REFUSAL = InvalidVideoError("truncated", "holiday.mp4 is cut short; copy it again")


@pytest.fixture
def store(tmp_path: Path) -> DirectoryObjectStore:
    return DirectoryObjectStore(tmp_path / "store")


def test_a_rejection_is_read_back_as_it_was_written(store: DirectoryObjectStore) -> None:
    written = write_rejection(store, "holiday", "etag-1", REFUSAL)
    assert written == Rejection("holiday", keys.version_digest("etag-1"), "truncated", str(REFUSAL))
    assert read_rejection(store, keys.rejection_key("holiday", "etag-1")) == written


def test_each_version_of_each_video_is_listed(store: DirectoryObjectStore) -> None:
    refused = [("a", "1"), ("a", "2"), ("b.mov", "1")]
    for video_id, version in refused:
        write_rejection(store, video_id, version, REFUSAL)
    assert set(list_rejections(store)) == {
        (video_id, keys.version_digest(version)) for video_id, version in refused
    }


def test_a_version_that_was_not_refused_cannot_be_read(store: DirectoryObjectStore) -> None:
    with pytest.raises(ObjectNotFoundError):
        read_rejection(store, keys.rejection_key("holiday", "etag-1"))


@pytest.mark.parametrize("missing", ["format", "video_id", "version", "reason", "message"])
def test_a_damaged_record_is_refused_with_advice(store: DirectoryObjectStore, missing: str) -> None:
    write_rejection(store, "holiday", "etag-1", REFUSAL)
    key = keys.rejection_key("holiday", "etag-1")
    content = json.loads(store.read_bytes(key))
    del content[missing]
    store.write_bytes(key, json.dumps(content).encode(), content_type="application/json")
    with pytest.raises(ManifestError, match=r"damaged.*delete it"):
        read_rejection(store, key)
