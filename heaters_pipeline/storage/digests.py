"""The content of files and objects, told by its SHA-256 in hex."""

import hashlib
import tempfile
from pathlib import Path

from heaters_pipeline.storage.local_files import os_errors_explained
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore

_READ_WHOLE_BYTES = 8 << 20


def sha256_of_bytes(data: bytes) -> str:
    """Of a content in memory."""
    return hashlib.sha256(data).hexdigest()


def sha256_of_file(path: Path) -> str:
    """Of a file's content.

    Raises:
        StoreError: It cannot be read.
    """
    with os_errors_explained(f"cannot read {path}"), path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def sha256_of_object(store: ObjectStore, found: ObjectInfo, folder: Path) -> str:
    """Of an object's content, read in place where that is possible.

    Args:
        store: Where it lies.
        found: Which one.
        folder: Where large objects are fetched to, for as long as they are read.
    Raises:
        ObjectNotFoundError: It is gone.
    """
    path = store.local_path(found.key)
    if path is not None:
        return sha256_of_file(path)
    if found.size_bytes <= _READ_WHOLE_BYTES:
        return sha256_of_bytes(store.read_bytes(found.key))
    with tempfile.NamedTemporaryFile(dir=folder, prefix="verify-") as file:
        copy = Path(file.name)
        store.fetch(found.key, copy)
        return sha256_of_file(copy)
