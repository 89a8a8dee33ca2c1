"""What the replies of S3 servers say, in one form for all of them."""

import re
import threading
from datetime import UTC
from typing import TYPE_CHECKING

from heaters_pipeline.storage.object_store import ObjectInfo, ProgressCallback

if TYPE_CHECKING:
    from mypy_boto3_s3.type_defs import GetObjectOutputTypeDef

_CONTENT_RANGE = re.compile(r"bytes (\d+)-\d+/(\d+)")


class Progress:
    """Reports each byte once, although several threads send and broken streams start again."""

    def __init__(self, callback: ProgressCallback | None) -> None:
        self._callback = callback
        self._lock = threading.Lock()
        self._position = 0
        self._reported = 0

    def moved(self, count: int) -> None:
        """Note ``count`` more bytes, or fewer if some have to be moved again."""
        with self._lock:
            self._position += count
            news = self._position - self._reported
            if self._callback is not None and news > 0:
                self._reported = self._position
                self._callback(news)


def plain_etag(etag: str) -> str:
    """An etag as all replies can be compared by: some quote it, some do not."""
    return etag.removeprefix("W/").strip('"')


def range_start(reply: "GetObjectOutputTypeDef") -> int:
    """Where in the object the content of a reply begins; some servers ignore what was asked."""
    content_range = _CONTENT_RANGE.fullmatch(reply.get("ContentRange", ""))
    return int(content_range.group(1)) if content_range else 0


def info_of(key: str, reply: "GetObjectOutputTypeDef") -> ObjectInfo:
    """The facts of the object that a reply is of, or is a part of."""
    content_range = _CONTENT_RANGE.fullmatch(reply.get("ContentRange", ""))
    size_bytes = int(content_range.group(2)) if content_range else reply["ContentLength"]
    return ObjectInfo(
        key, size_bytes, plain_etag(reply["ETag"]), reply["LastModified"].astimezone(UTC)
    )
