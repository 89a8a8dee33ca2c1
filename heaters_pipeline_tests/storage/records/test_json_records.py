"""JSON of a store is read up to a size and a depth, whoever wrote it."""

import json
from pathlib import Path

import pytest

from heaters_pipeline.errors import ManifestError, ObjectTooLargeError
from heaters_pipeline.intake.rejections import read_rejection
from heaters_pipeline.intake.submissions import read_submission
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.claims import Claims, ClaimTimes
from heaters_pipeline.storage.records.json_records import SMALL_BYTES, parse_json, read_json
from heaters_pipeline.storage.records.manifests import read_manifest
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.servers import S3Server

JSON = "application/json"
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.fixture
def store(tmp_path: Path) -> DirectoryObjectStore:
    return DirectoryObjectStore(tmp_path / "store")


def nested(depth: int) -> bytes:
    return b'{"a":' * depth + b"1" + b"}" * depth


@pytest.mark.parametrize(
    "data", [DEEP, nested(100_000), nested(51), b"[" * 51 + b"]" * 51], ids=["1", "2", "3", "4"]
)
def test_what_is_nested_deep_is_damaged(data: bytes) -> None:
    with pytest.raises(ManifestError, match=r"claims/a\.json is damaged .*nested"):
        parse_json(data, "claims/a.json")


def test_what_is_nested_as_records_are_is_read() -> None:
    assert parse_json(nested(49), "a.json") == json.loads(nested(49))


@pytest.mark.parametrize(
    ("key", "read"),
    [
        ("submissions/film.json", lambda store, _: read_submission(store, "film")),
        ("rejections/film/a.json", read_rejection),
        ("manifests/videos/film.json", lambda store, _: read_video(store, "film")),
        (
            "manifests/method_comparison/film.json",
            lambda store, _: read_manifest(store, "method_comparison", "film"),
        ),
    ],
)
def test_every_record_is_read_so(store: DirectoryObjectStore, key: str, read: object) -> None:
    store.write_bytes(key, DEEP[:30_000] + DEEP[-30_000:], content_type=JSON)
    assert callable(read)
    with pytest.raises(ManifestError, match="nested too deep"):
        read(store, key)


def test_a_claim_that_is_nested_deep_is_waited_for_and_no_more(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    store.write_bytes("claims/film/a.json", nested(9_000), content_type=JSON)
    waited: list[str] = []
    claims = Claims(store, tmp_path / "claims", ClaimTimes(dead=0.2, pause=0.05))
    with claims.held("film", waited.append):
        assert set(waited) == {"who wrote claims/film/a.json"}
        assert store.head("claims/film/a.json") is None


def check_limit(store: ObjectStore) -> None:
    store.write_bytes("whole.json", b"1" * SMALL_BYTES, content_type=JSON)
    store.write_bytes("large.json", b"1" * (SMALL_BYTES + 1), content_type=JSON)
    assert len(store.read_bytes("whole.json", max_bytes=SMALL_BYTES)) == SMALL_BYTES
    assert len(store.read_bytes("large.json")) == SMALL_BYTES + 1
    with pytest.raises(ObjectTooLargeError, match=r"large\.json has more than 65536 bytes"):
        store.read_bytes("large.json", max_bytes=SMALL_BYTES)
    with pytest.raises(ManifestError, match=r"large\.json is damaged .*more than 65536 bytes"):
        read_json(store, "large.json", max_bytes=SMALL_BYTES)


def test_no_more_is_read_than_is_allowed_of_a_folder(store: DirectoryObjectStore) -> None:
    check_limit(store)


def test_no_more_is_read_than_is_allowed_of_a_bucket(
    rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    rclone_s3.use(monkeypatch)
    check_limit(S3ObjectStore(rclone_s3.new_bucket()))
