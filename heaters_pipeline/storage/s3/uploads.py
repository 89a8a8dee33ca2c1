"""Multipart uploads of a bucket: noted while they last, and ended if their process was killed."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from botocore.exceptions import ClientError

from heaters_pipeline.storage.s3.errors import status_of, without_credentials
from heaters_pipeline.storage.s3.upload_journal import BegunUpload, UploadJournal, UploadNote

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import MultipartUploadTypeDef


class NotedUploads:
    """The multipart uploads of one bucket.

    Args:
        journal: Where they are noted.
        bucket: Its name.
    """

    def __init__(self, journal: UploadJournal, bucket: str) -> None:
        self._journal = journal
        self._bucket = bucket
        self._notes: dict[str, UploadNote] = {}

    def listen(self, client: "S3Client") -> None:
        """Learn from a client the server's name of each upload; boto3's transfers hide it."""
        client.meta.events.register("after-call.s3.CreateMultipartUpload", self._begun)

    @contextmanager
    def noted(self, client: "S3Client", full_key: str) -> Iterator[None]:
        """Make an upload inside."""
        with self._journal.note(self._place(client), full_key) as note:
            self._notes[full_key] = note
            try:
                yield
            finally:
                self._notes.pop(full_key, None)

    def has_notes(self) -> bool:
        """Whether there may be anything to end. Asks no server."""
        return not self._journal.is_empty()

    def end_abandoned(self, client: "S3Client") -> None:
        """Abort the uploads whose processes were killed."""
        for upload in self._journal.take_abandoned(self._place(client)):
            for upload_id in self._ids_of(client, upload):
                abort_upload(client, self._bucket, upload.key, upload_id)

    def _begun(self, parsed: Mapping[str, Any], **_: object) -> None:
        note = self._notes.get(parsed.get("Key", ""))
        if note is not None and "UploadId" in parsed:
            note.begun(parsed["UploadId"])

    def _place(self, client: "S3Client") -> str:
        return f"{without_credentials(client.meta.endpoint_url)}/{self._bucket}"

    def _ids_of(self, client: "S3Client", upload: BegunUpload) -> list[str]:
        if upload.upload_id is not None:
            return [upload.upload_id]
        # Killed before the answer came. Only who makes this very object at this very time on
        # another machine is hit, too, and sends it again.
        return [
            found["UploadId"]
            for found in unfinished_uploads(client, self._bucket, upload.key)
            if found["Key"] == upload.key
        ]


def unfinished_uploads(
    client: "S3Client", bucket: str, prefix: str
) -> "Iterator[MultipartUploadTypeDef]":
    """The uploads under a prefix that were neither completed nor aborted."""
    pages = client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket, Prefix=prefix)
    for page in pages:
        yield from page.get("Uploads", ())


def abort_upload(client: "S3Client", bucket: str, full_key: str, upload_id: str) -> None:
    """End an upload, unless it was completed, or ended by another."""
    try:
        client.abort_multipart_upload(Bucket=bucket, Key=full_key, UploadId=upload_id)
    except ClientError as error:
        if status_of(error) != 404:
            raise
