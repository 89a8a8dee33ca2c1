"""SHA-256 digests of content: of a file, of bytes, of an object of a store without holding it."""

import hashlib
import tempfile
from pathlib import Path

from heaters_pipeline.storage.local_files import os_errors_explained
from heaters_pipeline.storage.object_store import ObjectStore

_HELD_BYTES = 8_000_000
"""Up to this size an object that cannot be read in place is held in memory, not written to disk."""


def bytes_sha256(data: bytes) -> str:
    """The digest of bytes, in hex."""
    return hashlib.sha256(data).hexdigest()


def file_sha256(path: Path) -> str:
    """The digest of a file's content, in hex.

    Raises:
        StoreError: It cannot be read.
    """
    with os_errors_explained(f"cannot read {path}"), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def object_sha256(store: ObjectStore, key: str, size_bytes: int) -> str:
    """The digest of an object's content, in hex; it is read once.

    Args:
        store: Where it lies.
        key: Its key.
        size_bytes: Its length, by which it is held in memory or on disk.
    Raises:
        ObjectNotFoundError: There is no such object.
    """
    path = store.local_path(key)
    if path is not None:
        return file_sha256(path)
    if size_bytes <= _HELD_BYTES:
        return bytes_sha256(store.read_bytes(key))
    with tempfile.TemporaryDirectory(prefix="heaters-verify-") as folder:
        copy = Path(folder) / "object"
        store.fetch(key, copy)
        return file_sha256(copy)
