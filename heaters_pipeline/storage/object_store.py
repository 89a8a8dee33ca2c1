"""What a store of objects must do. The two kinds are in ``s3`` and ``directory``."""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from heaters_pipeline.errors import ObjectTooLargeError

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer

ProgressCallback = Callable[[int], None]
"""Called with the number of bytes moved since the last call, each byte counted once.

Other threads than the caller's may call it, but never two at a time.
"""


@dataclass(frozen=True, slots=True)
class ObjectInfo:
    """What a store knows of an object without reading it.

    Attributes:
        key: Key inside the store, without the store's own prefix.
        size_bytes: Length of the content.
        etag: Changes whenever the content does; never a digest to compare content with.
            Without quotes.
        modified: When the object was written, in UTC.
    """

    key: str
    size_bytes: int
    etag: str
    modified: datetime

    @property
    def version(self) -> str:
        """What stands for the content while the object is not replaced: ``<etag>-<size>``."""
        return f"{self.etag}-{self.size_bytes}"


class BoundedBuffer(BytesIO):
    """What is read of an object into memory; no more of it than is allowed."""

    def __init__(self, key: str, max_bytes: int | None) -> None:
        super().__init__()
        self._key = key
        self._max_bytes = max_bytes

    def write(self, data: "ReadableBuffer", /) -> int:
        """Keep the next bytes.

        Raises:
            ObjectTooLargeError: There are more than is allowed.
        """
        if self._max_bytes is not None and self.tell() + memoryview(data).nbytes > self._max_bytes:
            raise ObjectTooLargeError(f"{self._key} has more than {self._max_bytes} bytes")
        return super().write(data)


@dataclass(frozen=True, slots=True)
class Leftover:
    """What a store keeps of a write that was never finished. It is no object.

    Attributes:
        name: Of the temporary file, or the key of the upload.
        modified: When it was begun or written to, by the store's clock, in UTC.
        upload_id: The server's name of a multipart upload; empty for a file.
    """

    name: str
    modified: datetime
    upload_id: str = ""


@runtime_checkable
class ObjectStore(Protocol):
    """Whole objects under string keys.

    Objects appear whole or not at all. Every method raises ``StoreUnavailableError`` for faults
    that may pass and ``StoreError`` for refusals that will not, with the key in the message; a
    key that this kind of store cannot have is refused, too. ``list`` raises while it is iterated.
    Instances may be shared by threads.
    """

    @property
    def url(self) -> str:
        """``s3://bucket/prefix`` or ``file:///folder``, as users write it."""
        ...

    @property
    def requests(self) -> Counter[str]:
        """Requests sent so far by operation name, retries included."""
        ...

    @property
    def settle_seconds(self) -> float:
        """How long an object must have stood unchanged before it can be taken for whole.

        0 where the store shows objects only when they are whole (S3).
        """
        ...

    def link(self, key: str) -> str:
        """A URL by which a person can open the object without credentials, for a while.

        Sends no request and looks for no object: ``file:///…``, or a presigned ``https://…`` that
        is good for a week, or for as long as the credentials are that signed it.
        """
        ...

    def head(self, key: str) -> ObjectInfo | None:
        """The object's facts, or None if there is no such object."""
        ...

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        """All objects whose key starts with ``prefix``, in ascending order of UTF-8 bytes.

        Args:
            prefix: A literal prefix, not a folder: ``clips/a`` also finds ``clips/ab/x``.
            start_after: Only keys that sort after this one.
        """
        ...

    def read_bytes(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """The whole content.

        Raises:
            ObjectNotFoundError: There is no such object.
            ObjectTooLargeError: It has more bytes, of which no more were held.
        """
        ...

    def write_bytes(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
        """Create or replace an object, whole."""
        ...

    def replace_bytes(
        self, key: str, data: bytes, *, content_type: str, expected: ObjectInfo | None
    ) -> ObjectInfo:
        """Replace an object as it was seen, and no other version of it.

        A server that knows no conditions could still lose what another writes in that moment.

        Args:
            key: Its key.
            data: The new content.
            content_type: Its MIME type.
            expected: What is to be replaced; None if there was no object.
        Raises:
            ObjectChangedError: It is another one by now.
        """
        ...

    def put_file(
        self,
        key: str,
        path: Path,
        *,
        content_type: str,
        on_progress: ProgressCallback | None = None,
    ) -> ObjectInfo:
        """Create or replace an object from a local file, whole; leaves nothing if it fails."""
        ...

    def fetch(
        self, key: str, path: Path, *, on_progress: ProgressCallback | None = None
    ) -> ObjectInfo:
        """Copy an object into a local file, which appears only when it is complete.

        Raises:
            ObjectNotFoundError: There is no such object.
        """
        ...

    def local_path(self, key: str) -> Path | None:
        """Where the object can be read in place; None if it has to be fetched, or is not there."""
        ...

    def delete(self, key: str) -> None:
        """Remove an object; removing an absent one is no error."""
        ...

    def tidy(self) -> None:
        """Remove what killed processes of this machine left of writing: no objects."""
        ...

    def now(self) -> datetime:
        """What time it is by the clock that stamps objects, in UTC."""
        ...

    def leftovers(self) -> Iterator[Leftover]:
        """What writes left that were never finished, those under way among it."""
        ...

    def remove(self, leftover: Leftover) -> None:
        """Remove what such a write left; removing what is gone is no error."""
        ...
