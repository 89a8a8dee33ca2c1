"""Uploads in parts: what fails leaves none, and those of killed processes are found and ended."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from heaters_pipeline.errors import StoreError, StoreUnavailableError
from heaters_pipeline.storage.object_store import Leftover
from heaters_pipeline.storage.s3.client import S3Options
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.storage.s3.scripted_s3 import Reply, ScriptedS3, refusal, serving

KEY = "clips/film/long.mp4"
MP4 = "video/mp4"
PART_BYTES = 5 * 1024 * 1024
CREATED = b"<InitiateMultipartUploadResult><UploadId>u1</UploadId></InitiateMultipartUploadResult>"
ONE_PART = (
    b"<ListPartsResult><Part><PartNumber>1</PartNumber><Size>5</Size></Part></ListPartsResult>"
)
COMPLETED = b"<CompleteMultipartUploadResult><ETag>x</ETag></CompleteMultipartUploadResult>"
PARTS = "/films/p/a.mp4?uploadId=u1"

UPLOADS_SLOWLY = """
import sys, time
from pathlib import Path
from heaters_pipeline.storage.s3.client import S3Options
from heaters_pipeline.storage.s3.store import S3ObjectStore
bucket, key, source, part_bytes = sys.argv[1:]
options = S3Options(multipart_threshold_bytes=1, part_bytes=int(part_bytes))
store = S3ObjectStore(bucket, "some", options=options)
def wait(_):
    print("uploading", flush=True)
    time.sleep(600)
store.put_file(key, Path(source), content_type="video/mp4", on_progress=wait)
"""


def store_at(
    server: ScriptedS3, monkeypatch: pytest.MonkeyPatch, options: S3Options
) -> S3ObjectStore:
    S3Server(server.endpoint_url, "key-id", "secret").use(monkeypatch)
    return S3ObjectStore("films", "p", options=options)


@pytest.mark.parametrize("kind", ["moto", "rclone"])
def test_the_upload_of_a_killed_process_stays_until_it_is_ended(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    server: S3Server = request.getfixturevalue(f"{kind}_s3")
    server.use(monkeypatch)
    bucket = server.new_bucket()
    (tmp_path / "source").write_bytes(bytes(3 * PART_BYTES))
    arguments = [bucket, KEY, tmp_path / "source", PART_BYTES]
    command = [sys.executable, "-c", UPLOADS_SLOWLY, *map(str, arguments)]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"uploading\n"
        process.kill()
    store = S3ObjectStore(bucket, "some")
    # Nothing tells it from that of a living process, so that the next run leaves it alone.
    store.tidy()
    (left,) = store.leftovers()
    assert left.name == KEY
    store.remove(left)
    assert list(store.leftovers()) == []
    # Once more, as if another had ended it.
    store.remove(left)
    assert list(S3ObjectStore(bucket, "other").leftovers()) == []


def test_a_broken_upload_in_parts_is_aborted_until_no_part_is_left(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(b"a part")
    options = S3Options(
        max_attempts=3, multipart_threshold_bytes=1, part_bytes=PART_BYTES, resume_delay_seconds=0
    )
    replies = [
        Reply(body=CREATED),
        # The server stores the part after it was given up, when the upload is aborted already.
        refusal(403, "AccessDenied"),
        Reply(204),
        Reply(204),
        Reply(body=ONE_PART),
        Reply(204),
        refusal(404, "NoSuchUpload"),
    ]
    with serving(*replies) as server:
        store = store_at(server, monkeypatch, options)
        with pytest.raises(StoreError, match="access is denied to UploadPart"):
            store.put_file("a.mp4", tmp_path / "large", content_type=MP4)
    asked = [(method, path) for method, path in map(str.split, server.seen)]
    assert [method for method, _ in asked] == ["POST", "PUT", "DELETE", *["DELETE", "GET"] * 2]
    assert all(path == PARTS for method, path in asked if method in ("DELETE", "GET"))


@pytest.mark.parametrize(
    "listed",
    [
        refusal(404, "NoSuchUpload"),
        Reply(body=b"<ListPartsResult></ListPartsResult>"),
        refusal(403, "AccessDenied"),
        refusal(501, "NotImplemented"),
    ],
    ids=["unknown", "empty", "no right to list", "no listing"],
)
def test_an_upload_without_parts_to_be_seen_is_ended(
    monkeypatch: pytest.MonkeyPatch, listed: Reply
) -> None:
    options = S3Options(max_attempts=3, resume_delay_seconds=0)
    with serving(Reply(204), listed) as server:
        store = store_at(server, monkeypatch, options)
        store.remove(Leftover("a.mp4", datetime.now(UTC), "u1"))
    assert server.seen == [f"DELETE {PARTS}", f"GET {PARTS}"]


def test_an_upload_that_was_ended_is_not_ended_again_after_the_next(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(b"a part")
    options = S3Options(max_attempts=3, multipart_threshold_bytes=1, resume_delay_seconds=0)
    failing = [Reply(body=CREATED), refusal(403, "AccessDenied"), Reply(204), Reply(204)]
    completed = [Reply(body=CREATED), Reply(), Reply(body=COMPLETED), Reply(body=b"a part")]
    with serving(*failing, refusal(404, "NoSuchUpload"), *completed) as server:
        store = store_at(server, monkeypatch, options)
        with pytest.raises(StoreError):
            store.put_file("a.mp4", tmp_path / "large", content_type=MP4)
        before = len(server.seen)
        store.put_file("a.mp4", tmp_path / "large", content_type=MP4)
    assert [seen.split()[0] for seen in server.seen[before:]] == ["POST", "PUT", "POST", "HEAD"]


def test_an_upload_that_cannot_be_aborted_says_why_it_failed_and_what_may_stay(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "large").write_bytes(bytes(PART_BYTES + 1))
    options = S3Options(max_attempts=1, multipart_threshold_bytes=1, part_bytes=PART_BYTES)
    with serving(Reply(body=CREATED), refusal(503, "SlowDown")) as server:
        store = store_at(server, monkeypatch, options)
        with pytest.raises(StoreUnavailableError, match=r"films/p/a\.mp4"):
            store.put_file("a.mp4", tmp_path / "large", content_type=MP4)
    assert server.seen[0].startswith("POST /films/p/a.mp4?uploads")
    # A part that is still on its way when it is given up may arrive after that.
    assert f"DELETE {PARTS}" in server.seen
    assert "parts of p/a.mp4 that was not stored may stay" in caplog.text


def test_an_object_replaced_during_its_upload_is_noticed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "large").write_bytes(bytes(PART_BYTES))
    options = S3Options(multipart_threshold_bytes=1, part_bytes=PART_BYTES)
    with serving(
        Reply(body=CREATED), Reply(), Reply(body=COMPLETED), Reply(body=b"other")
    ) as server:
        store = store_at(server, monkeypatch, options)
        with pytest.raises(StoreUnavailableError, match="replaced"):
            store.put_file("a.mp4", tmp_path / "large", content_type=MP4)
    assert server.seen[-1] == "HEAD /films/p/a.mp4"


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("stored", [b"mine", b"else", b"longer"])
def test_an_upload_in_parts_that_was_ended_before_counts_if_its_content_is_there(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, stored: bytes, broken: bool
) -> None:
    (tmp_path / "clip").write_bytes(b"mine")
    options = S3Options(max_attempts=2, multipart_threshold_bytes=1)
    ended = refusal(404, "NoSuchUpload")
    if broken:
        ended = replace(ended, body=ended.body[: len(ended.body) // 2])
    with serving(Reply(body=CREATED), Reply(), ended, Reply(204), Reply(body=stored)) as server:
        store = store_at(server, monkeypatch, options)
        if stored == b"mine":
            info = store.put_file("a.mp4", tmp_path / "clip", content_type=MP4)
            assert info.version == "etag-1-4"
        else:
            with pytest.raises(StoreUnavailableError, match="ended by another"):
                store.put_file("a.mp4", tmp_path / "clip", content_type=MP4)


def test_a_bucket_that_never_had_an_upload_has_none_left(
    rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    """rclone's server answers that there is no such upload, as to a request for one."""
    rclone_s3.use(monkeypatch)
    store = S3ObjectStore(rclone_s3.new_bucket(), "some")
    store.write_bytes("clips/film/a.mp4", b"short", content_type=MP4)
    assert list(store.leftovers()) == []


def test_uploads_that_cannot_be_listed_are_said(monkeypatch: pytest.MonkeyPatch) -> None:
    with serving(refusal(403, "AccessDenied")) as server:
        store = store_at(server, monkeypatch, S3Options())
        with pytest.raises(StoreError, match="access is denied to ListMultipartUploads"):
            list(store.leftovers())
