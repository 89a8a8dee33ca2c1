"""Large files sent to S3 in parts, whole or not at all."""

import logging
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TYPE_CHECKING, BinaryIO

from heaters_pipeline.storage.s3_client import S3Options
from heaters_pipeline.storage.s3_errors import S3_FAULTS

if TYPE_CHECKING:
    from mypy_boto3_s3 import S3Client
    from mypy_boto3_s3.type_defs import CompletedPartTypeDef

_LOGGER = logging.getLogger(__name__)
_MOST_PARTS = 10_000


def upload_parts(
    client: "S3Client",
    bucket: str,
    key: str,
    source: BinaryIO,
    *,
    size_bytes: int,
    content_type: str,
    options: S3Options,
    moved: Callable[[int], None],
) -> str:
    """Send a file in parts, several at once, and let the server put them together.

    boto3's own transfer would do, but it does not tell the etag of what it made, so that a
    second request would have to find it and could find the object of another writer.

    Args:
        client: Where to send.
        bucket: Name of the bucket.
        key: Full key of the object.
        source: A file on disk; its position is not used.
        size_bytes: Its length, > 0.
        content_type: Media type of the object.
        options: Size of parts and how many at once.
        moved: Called by several threads with the bytes of each part that arrived.
    Returns:
        The etag of the object, as the server writes it.
    """
    part_bytes = max(options.part_bytes, -(-size_bytes // _MOST_PARTS))
    upload_id = client.create_multipart_upload(Bucket=bucket, Key=key, ContentType=content_type)[
        "UploadId"
    ]

    def send(number: int) -> "CompletedPartTypeDef":
        data = os.pread(source.fileno(), part_bytes, (number - 1) * part_bytes)
        reply = client.upload_part(
            Bucket=bucket, Key=key, UploadId=upload_id, PartNumber=number, Body=data
        )
        moved(len(data))
        return {"PartNumber": number, "ETag": reply["ETag"]}

    try:
        pool = ThreadPoolExecutor(options.parallel_parts, thread_name_prefix="upload")
        try:
            parts = list(pool.map(send, range(1, -(-size_bytes // part_bytes) + 1)))
        finally:
            # An abort frees only the parts that have arrived: let those under way end first.
            pool.shutdown(cancel_futures=True)
        return client.complete_multipart_upload(
            Bucket=bucket, Key=key, UploadId=upload_id, MultipartUpload={"Parts": parts}
        )["ETag"]
    except BaseException:
        _abort(client, bucket, key, upload_id)
        raise


def _abort(client: "S3Client", bucket: str, key: str, upload_id: str) -> None:
    try:
        client.abort_multipart_upload(Bucket=bucket, Key=key, UploadId=upload_id)
    except S3_FAULTS as error:
        _LOGGER.warning(
            "upload %s of s3://%s/%s could not be aborted, its parts take space until a "
            "lifecycle rule of the bucket removes them: %s",
            upload_id,
            bucket,
            key,
            error,
        )
