"""Multipart uploads of a bucket that were not completed: found, and ended.

An upload that fails in a living process is ended at once. One whose process was killed stays until
``heaters prune`` or a lifecycle rule of the bucket ends it.
"""

import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from botocore.exceptions import ClientError

from heaters_pipeline.errors import StoreUnavailableError
from heaters_pipeline.storage.s3.client import S3Options
from heaters_pipeline.storage.s3.errors import S3_FAULTS, status_of

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import MultipartUploadTypeDef

_NOT_LISTED = (403, 501)
"""No right to list the parts of an upload, or a server that does not list any."""

_logger = logging.getLogger(__name__)


class Uploads:
    """The multipart uploads of one bucket.

    Args:
        bucket: Its name.
        options: How often, and with which pauses, an upload is aborted.
    """

    def __init__(self, bucket: str, options: S3Options) -> None:
        self._bucket = bucket
        self._options = options
        self._aborted: dict[str, str | None] = {}

    def listen(self, client: "S3Client") -> None:
        """Learn which uploads a client aborts: boto3's transfers hide them, and abort once."""
        client.meta.events.register("before-parameter-build.s3.AbortMultipartUpload", self._note)

    @contextmanager
    def ended_if_failed(self, client: "S3Client", full_key: str) -> Iterator[None]:
        """Make an upload inside. If it fails, nothing of it stays for which somebody pays."""
        self._aborted[full_key] = None
        try:
            yield
        finally:
            upload_id = self._aborted.pop(full_key)
            if upload_id is not None:
                try:
                    self.end(client, full_key, upload_id)
                except (*S3_FAULTS, StoreUnavailableError) as error:
                    # Why the upload failed is what people have to know.
                    _logger.warning("parts of %s that was not stored may stay: %s", full_key, error)

    def end(self, client: "S3Client", full_key: str, upload_id: str) -> None:
        """Abort an upload, unless it was completed, or ended by another.

        A part that was under way may be stored after that, so that it is repeated until the server
        lists no part of it any more, as S3's reference of ``AbortMultipartUpload`` asks for. Where
        the parts cannot be listed, the abort that the server accepted has to do.

        Raises:
            StoreUnavailableError: The server still has parts of it.
        """
        for attempt in range(self._options.max_attempts):
            if attempt:
                time.sleep(self._options.resume_delay_seconds * 2 ** (attempt - 1))
            try:
                client.abort_multipart_upload(Bucket=self._bucket, Key=full_key, UploadId=upload_id)
            except ClientError as error:
                if status_of(error) != 404:
                    raise
            try:
                listed = client.list_parts(Bucket=self._bucket, Key=full_key, UploadId=upload_id)
            except ClientError as error:
                if status_of(error) not in (404, *_NOT_LISTED):
                    raise
                return
            if not listed.get("Parts"):
                return
        raise StoreUnavailableError(
            f"s3://{self._bucket}/{full_key}: a multipart upload was aborted and is still there; "
            "heaters prune or a lifecycle rule of the bucket ends it"
        )

    def unfinished(self, client: "S3Client", prefix: str) -> "Iterator[MultipartUploadTypeDef]":
        """Those under a prefix that were neither completed nor aborted."""
        paginator = client.get_paginator("list_multipart_uploads")
        try:
            for page in paginator.paginate(Bucket=self._bucket, Prefix=prefix):
                yield from page.get("Uploads", ())
        except ClientError as error:
            # So rclone's server says that a bucket never had one.
            if error.response["Error"]["Code"] != "NoSuchUpload":
                raise

    def _note(self, params: dict[str, str], **_: object) -> None:
        # Not those that ``end`` aborts.
        if params["Key"] in self._aborted:
            self._aborted[params["Key"]] = params["UploadId"]
