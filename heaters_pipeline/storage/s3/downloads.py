"""Download an object from a bucket, going on where the stream broke off."""

import time
from collections.abc import Callable
from contextlib import closing
from typing import TYPE_CHECKING, BinaryIO

from botocore.exceptions import IncompleteReadError

from heaters_pipeline.errors import StoreUnavailableError
from heaters_pipeline.storage.local_files import copy_stream
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.s3.client import S3Options
from heaters_pipeline.storage.s3.errors import STREAM_FAULTS
from heaters_pipeline.storage.s3.replies import Progress, info_of, range_start

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

GetRange = Callable[[int], "GetObjectOutputTypeDef"]
"""Asks for an object from a byte on."""


def download(
    get_from: GetRange, key: str, target: BinaryIO, progress: Progress, options: S3Options
) -> ObjectInfo:
    """Write an object's content into ``target``.

    Args:
        get_from: Sends the requests.
        key: Of the object, for its facts.
        target: Empty file to write.
        progress: Told of the bytes that arrived.
        options: How often, and with which pauses, a broken stream is resumed.
    Raises:
        StoreUnavailableError: The object was replaced before all of it was read.
    """
    reply = get_from(0)
    info = info_of(key, reply)
    failures = 0
    while True:
        try:
            with closing(reply["Body"]) as body:
                copy_stream(body, target, progress.moved)
            if target.tell() != info.size_bytes:
                raise IncompleteReadError(
                    actual_bytes=target.tell(), expected_bytes=info.size_bytes
                )
            return info
        except STREAM_FAULTS:
            failures += 1
            if failures == options.max_attempts:
                raise
        time.sleep(options.resume_delay_seconds * 2 ** (failures - 1))
        reply = _resume(get_from, info, target, progress)


def _resume(
    get_from: GetRange, info: ObjectInfo, target: BinaryIO, progress: Progress
) -> "GetObjectOutputTypeDef":
    """Ask for what is missing in ``target``; some servers ignore that and send all."""
    here = target.tell()
    reply = get_from(here)
    start = range_start(reply)
    if info_of(info.key, reply).version != info.version or start not in (0, here):
        reply["Body"].close()
        raise StoreUnavailableError(f"{info.key} was replaced while it was downloaded: try again")
    target.seek(start)
    target.truncate()
    progress.moved(start - here)
    return reply
