"""Copy local files into the store, once, and never one over another.

A file is read in one pass, copied and hashed at the same time, unless the store has something under
its key that it has to be compared with.
"""

import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import BinaryIO

from heaters_pipeline.errors import ObjectNotFoundError, SourceChangedError
from heaters_pipeline.intake.sources import LocalFile, StoreKey, content_type_of
from heaters_pipeline.isolation.probing import probed
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import file_sha256
from heaters_pipeline.storage.local_files import os_errors_explained
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore, ProgressCallback
from heaters_pipeline.video.media.probe import require_regular_file

_CHUNK_BYTES = 1 << 20


@dataclass(frozen=True, slots=True)
class KnownSource:
    """What the record of a source object says.

    Attributes:
        sha256: Of the content, in hex.
        version: ``ObjectInfo.version`` of the object that the record was made of.
        origin: Where the video came from, None if it was uploaded by other means.
    """

    sha256: str
    version: str
    origin: str | None


KnownSources = Callable[[str], KnownSource | None]
"""From a source key to its record, or None if there is none."""

Head = Callable[[str], ObjectInfo | None]
"""From a key to the facts of its object; where none is given, the store is asked."""


@dataclass(frozen=True, slots=True)
class Brought:
    """A file that lies in the store.

    Attributes:
        source_key: Its key.
        sha256: Of its content, in hex.
        size_bytes: Length of its content.
        object: What the store knows of it.
        copied: False if the store had it already.
    """

    source_key: str
    sha256: str
    size_bytes: int
    object: ObjectInfo
    copied: bool


def choose_key(
    store: ObjectStore, file: LocalFile, known: KnownSources, *, head: Head | None = None
) -> str:
    """The key under which a file lies in the store, or is to be put.

    Its own name, unless another file of that name lies there: one with other content that did not
    come from the same path.

    Raises:
        InvalidVideoError: The file is missing, cannot be read, or is no video.
        SourceChangedError: It was written to while it was read.
    """
    require_regular_file(Path(os.path.realpath(file.path)))
    found = (head or store.head)(file.source_key)
    if found is None:
        probed(Path(os.path.realpath(file.path)))
        return file.source_key
    record = _current(known(file.source_key), found)
    if record is not None and record.origin == file.origin:
        return file.source_key
    with _opened(file.path) as source:
        same = _has_content(store, found, record, source)
    return file.source_key if same else file.source_key_apart


def bring_file(
    store: ObjectStore,
    path: Path,
    *,
    source_key: str,
    known: KnownSources,
    head: Head | None = None,
    on_progress: ProgressCallback | None = None,
) -> Brought:
    """Copy a local file into the store unless the same content is there.

    Args:
        store: Where it goes.
        path: The file; a symbolic link is followed.
        source_key: Where it is to lie; other content under this key is replaced.
        known: What is recorded of source objects.
        head: Asked for what lies under the key.
        on_progress: Called while the file is copied.
    Raises:
        InvalidVideoError: The file is missing, cannot be read, or is no video; nothing was stored.
        SourceChangedError: It was written to while it was read; nothing of it stays in the store.
    """
    with _opened(path) as source:
        there = _brought_before(store, source_key, known, head, source)
        if there is not None:
            return there
        stored = store.put_file(
            source_key,
            path,
            content_type=content_type_of(source_key),
            on_progress=source.follow(on_progress),
        )
        try:
            sha256 = source.sha256
        except SourceChangedError:
            store.delete(source_key)
            raise
        return Brought(source_key, sha256, stored.size_bytes, stored, copied=True)


def find_brought(
    store: ObjectStore,
    path: Path,
    *,
    source_key: str,
    known: KnownSources,
    head: Head | None = None,
) -> Brought | None:
    """The object under a key if it has a local file's content; None if the file is to be copied.

    Raises:
        InvalidVideoError: The file is missing, cannot be read, or is no video.
        SourceChangedError: It was written to while it was read.
    """
    with _opened(path) as source:
        return _brought_before(store, source_key, known, head, source)


def find_stored(store: ObjectStore, wanted: StoreKey) -> ObjectInfo:
    """The source object that a user named by its key or its video's id.

    Raises:
        ObjectNotFoundError: There is none.
    """
    if wanted.source_key is not None:
        found = store.head(wanted.source_key)
    else:
        # A digest in the id hides the name.
        listing = store.list(keys.SOURCE_PREFIX)
        found = next((each for each in listing if _is_source_of(wanted.video_id, each.key)), None)
    if found is None:
        typed = wanted.source_key or wanted.video_id
        raise ObjectNotFoundError(
            f"{typed} is neither a file here nor a video in {store.url}; check the spelling"
        )
    return found


def _is_source_of(video_id: str, key: str) -> bool:
    return keys.is_video_upload(key) and keys.video_id_of(key) == video_id


def _brought_before(
    store: ObjectStore,
    source_key: str,
    known: KnownSources,
    head: Head | None,
    source: "_Source",
) -> Brought | None:
    found = (head or store.head)(source_key)
    if found is None:
        return None
    if not _has_content(store, found, _current(known(source_key), found), source):
        return None
    return Brought(source_key, source.sha256, found.size_bytes, found, copied=False)


def _current(record: KnownSource | None, found: ObjectInfo) -> KnownSource | None:
    """The record, unless the object was replaced since it was written."""
    return record if record is not None and record.version == found.version else None


def _has_content(
    store: ObjectStore, found: ObjectInfo, record: KnownSource | None, source: "_Source"
) -> bool:
    if found.size_bytes != source.size_bytes:
        return False
    if record is not None:
        return record.sha256 == source.sha256
    with read_in_place(store, found.key) as path:
        return file_sha256(path) == source.sha256


@contextmanager
def read_in_place(store: ObjectStore, key: str) -> Iterator[Path]:
    """A file with an object's content of which nothing stays on this machine."""
    path = store.local_path(key)
    if path is not None:
        yield path
        return
    with tempfile.TemporaryDirectory(prefix="heaters-") as folder:
        copy = Path(folder) / PurePosixPath(key).name
        store.fetch(key, copy)
        yield copy


class _Source:
    """An open local file that is hashed while another reads it, or when its digest is asked for."""

    def __init__(self, path: Path, file: BinaryIO) -> None:
        self._path = path
        self._file = file
        self._state = _state_of(path)
        self._digest = hashlib.sha256()
        self.size_bytes, _ = self._state

    @property
    def sha256(self) -> str:
        """Of the whole file, in hex.

        Raises:
            SourceChangedError: The file was written to since it was opened.
        """
        with os_errors_explained(f"cannot read {self._path}"):
            while chunk := self._file.read(_CHUNK_BYTES):
                self._digest.update(chunk)
            if _state_of(self._path) != self._state:
                raise SourceChangedError(
                    f"{self._path} was written to while it was read; try again when it is complete"
                )
        return self._digest.hexdigest()

    def follow(self, on_progress: ProgressCallback | None) -> ProgressCallback:
        """A callback for who reads the file; what was just read is still in memory."""

        def moved(count: int) -> None:
            self._digest.update(self._file.read(count))
            if on_progress is not None:
                on_progress(count)

        return moved


@contextmanager
def _opened(path: Path) -> Iterator[_Source]:
    """Open a file that is a video as far as its header tells."""
    probed(Path(os.path.realpath(path)))
    with os_errors_explained(f"cannot read {path}"):
        file = path.open("rb")
    with file:
        yield _Source(path, file)


def _state_of(path: Path) -> tuple[int, int]:
    facts = path.stat()
    return facts.st_size, facts.st_mtime_ns
