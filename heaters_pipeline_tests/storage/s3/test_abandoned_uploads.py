"""A killed process leaves no multipart upload for which the bucket's owner pays unseen."""

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from botocore.exceptions import EndpointConnectionError
from heaters_pipeline.storage.s3.upload_journal import UploadJournal
from mypy_boto3_s3 import S3Client

from heaters_pipeline.errors import StoreUnavailableError
from heaters_pipeline.storage.s3.client import S3Options, connect
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.servers import S3Server

KEY = "clips/film/long.mp4"
FULL_KEY = f"some/{KEY}"
PART_BYTES = 5 * 1024 * 1024
OPTIONS = S3Options(max_attempts=2, multipart_threshold_bytes=PART_BYTES, part_bytes=PART_BYTES)

UPLOADS_SLOWLY = """
import sys, time
from pathlib import Path
from heaters_pipeline.storage.s3.client import S3Options
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline.storage.s3.upload_journal import UploadJournal
bucket, key, source, journal, part_bytes = sys.argv[1:]
options = S3Options(multipart_threshold_bytes=int(part_bytes), part_bytes=int(part_bytes))
store = S3ObjectStore(bucket, "some", options=options, journal=UploadJournal(Path(journal)))
def wait(_):
    print("uploading", flush=True)
    time.sleep(600)
store.put_file(key, Path(source), content_type="video/mp4", on_progress=wait)
"""


class Bucket:
    """A bucket, a journal and the stores that use both."""

    def __init__(self, name: str, folder: Path) -> None:
        self.name = name
        self.client: S3Client = connect(OPTIONS)
        self.journal_folder = folder / "uploads"
        self.journal = UploadJournal(self.journal_folder)
        self.store = S3ObjectStore(name, "some", options=OPTIONS, journal=self.journal)
        self._source = folder / "source"
        self._source.write_bytes(bytes(3 * PART_BYTES))

    def unfinished(self) -> list[str]:
        """The keys of the uploads that the server still keeps."""
        uploads = self.client.list_multipart_uploads(Bucket=self.name).get("Uploads", [])
        return [upload["Key"] for upload in uploads]

    def notes(self) -> int:
        """How many uploads the journal holds."""
        return len(list(self.journal_folder.glob("*")))

    @contextmanager
    def uploading(self) -> Iterator["subprocess.Popen[bytes]"]:
        """A process in the middle of an upload; killed at the end."""
        arguments = [self.name, KEY, self._source, self.journal_folder, PART_BYTES]
        command = [sys.executable, "-c", UPLOADS_SLOWLY, *map(str, arguments)]
        with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
            try:
                assert process.stdout is not None
                assert process.stdout.readline() == b"uploading\n"
                yield process
            finally:
                process.kill()


@pytest.fixture(params=["moto", "rclone"])
def bucket(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Bucket:
    server: S3Server = request.getfixturevalue(f"{request.param}_s3")
    server.use(monkeypatch)
    return Bucket(server.new_bucket(), tmp_path)


def test_the_upload_of_a_killed_process_is_ended_and_that_of_a_living_one_is_not(
    bucket: Bucket,
) -> None:
    with bucket.uploading():
        bucket.store.tidy()
        assert bucket.unfinished() == [FULL_KEY]
        assert bucket.notes() == 1
    bucket.store.tidy()
    assert bucket.unfinished() == []
    assert bucket.notes() == 0


def test_an_upload_that_was_cut_off_before_the_answer_is_found_by_its_key(bucket: Bucket) -> None:
    for key in (FULL_KEY, f"{FULL_KEY}x"):
        bucket.client.create_multipart_upload(Bucket=bucket.name, Key=key)
    with bucket.uploading():
        (note,) = bucket.journal_folder.iterdir()
    content = note.read_text()
    note.write_text(content[: content.index('"upload_id"')] + '"upload_id": null}')
    bucket.store.tidy()
    assert bucket.unfinished() == [f"{FULL_KEY}x"]
    assert bucket.notes() == 0


def test_what_was_cut_off_before_it_named_anything_is_forgotten(bucket: Bucket) -> None:
    bucket.journal_folder.mkdir()
    (bucket.journal_folder / "a.json").write_bytes(b"")
    bucket.store.tidy()
    assert bucket.notes() == 0


def test_an_upload_that_was_ended_by_others_is_forgotten(bucket: Bucket) -> None:
    with bucket.uploading():
        pass
    (upload,) = bucket.client.list_multipart_uploads(Bucket=bucket.name)["Uploads"]
    bucket.client.abort_multipart_upload(
        Bucket=bucket.name, Key=upload["Key"], UploadId=upload["UploadId"]
    )
    bucket.store.tidy()
    assert bucket.notes() == 0


def test_uploads_to_other_buckets_are_left_to_their_stores(bucket: Bucket) -> None:
    with bucket.uploading():
        pass
    S3ObjectStore("other-bucket", options=OPTIONS, journal=bucket.journal).tidy()
    assert bucket.unfinished() == [FULL_KEY]
    assert bucket.notes() == 1


def test_what_cannot_be_ended_now_stays_noted(bucket: Bucket) -> None:
    with bucket.uploading():
        pass

    def refuse(**_: object) -> None:
        raise EndpointConnectionError(endpoint_url="http://127.0.0.1")

    bucket.client.meta.events.register("before-send.s3.AbortMultipartUpload", refuse)
    refused = S3ObjectStore(bucket.name, "some", client=bucket.client, journal=bucket.journal)
    with pytest.raises(StoreUnavailableError):
        refused.tidy()
    assert bucket.notes() == 1
    bucket.store.tidy()
    assert bucket.notes() == 0


def test_an_upload_that_ends_by_itself_leaves_no_note_and_no_request(
    bucket: Bucket, tmp_path: Path
) -> None:
    bucket.store.put_file(KEY, tmp_path / "source", content_type="video/mp4")
    assert bucket.notes() == 0
    before = bucket.store.requests
    bucket.store.tidy()
    assert bucket.store.requests == before
