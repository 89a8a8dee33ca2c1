"""A store that is a folder, on a local disk or a network drive."""

import errno
import os
import stat
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import BinaryIO

from heaters_pipeline.errors import (
    ObjectChangedError,
    ObjectNotFoundError,
    StoreError,
    StoreUnavailableError,
)
from heaters_pipeline.storage.file_locks import hold_while_open, remove_if_abandoned
from heaters_pipeline.storage.local_files import (
    copy_stream,
    make_folder,
    opened_source,
    os_errors_explained,
    publish,
    store_error_of,
    temporary_file,
)
from heaters_pipeline.storage.object_store import (
    BoundedBuffer,
    Leftover,
    ObjectInfo,
    ProgressCallback,
)

_TEMPORARY = ".tmp"
_REPLACING = "replacing.lock"
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_ABSENT = (errno.ENOENT, errno.ENOTDIR, errno.ENAMETOOLONG, errno.ELOOP)


class DirectoryObjectStore:
    """Objects are regular files under ``root``; anyone may add some with other programs.

    A symbolic link to a regular file under ``root`` is an object. Links to folders are not
    followed, and a key that would lead through one is refused: nothing outside ``root`` is
    read or written. ``.tmp`` at the top holds what is being written.

    The etag consists of the modification and the change time of the file. The latter follows
    every write and every replacement, also those that restore the former (``cp -p``, ``rsync
    -t``). Renaming or ``chmod`` moves it, too, which costs a reader no more than a second look.
    Inode numbers are left out: on several network drives they change while nothing else does.
    The system's clock for these stamps is coarse (4 ms on Linux, 2 s on FAT), so what others
    write here is to be taken only when it has stood still for ``settle_seconds``; what the store
    itself writes carries an exact stamp.

    Args:
        root: The folder; created by the first write.
        settle_seconds: How long a file must have stood unchanged to be taken for whole, longer
            than a copying program pauses between two writes.
    """

    def __init__(self, root: Path, *, settle_seconds: float = 5.0) -> None:
        self._root = root.absolute()
        self._settle_seconds = settle_seconds
        self._requests: Counter[str] = Counter()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """``file:///folder``."""
        return self._root.as_uri()

    @property
    def requests(self) -> Counter[str]:
        """Calls so far by method name."""
        with self._lock:
            return self._requests.copy()

    @property
    def settle_seconds(self) -> float:
        """How long a file must have stood unchanged before it can be taken for whole."""
        return self._settle_seconds

    def link(self, key: str) -> str:
        """``file:///…``."""
        return self._locate(key).as_uri()

    def head(self, key: str) -> ObjectInfo | None:
        """The object's facts, or None if there is no such object."""
        self._count("head")
        return self._find(key, self._locate(key))

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        """All objects whose key starts with ``prefix``, in ascending order of UTF-8 bytes.

        Files that come or go meanwhile may or may not be listed.
        """
        self._count("list")
        base = prefix[: prefix.rfind("/") + 1]
        if base:
            if not _can_be_key(f"{base}-"):
                return
            self._locate(f"{base}-")
        after = _sort_key(start_after)
        folders = [self._entries(base, prefix, after)]
        while folders:
            entry = next(folders[-1], None)
            if entry is None:
                folders.pop()
            elif entry.endswith("/"):
                folders.append(self._entries(entry, prefix, after))
            elif info := self._find(entry, self._root / entry):
                yield info

    def read_bytes(self, key: str, *, max_bytes: int | None = None) -> bytes:
        """The whole content."""
        self._count("read_bytes")
        content = BoundedBuffer(key, max_bytes)
        with os_errors_explained(f"cannot read {key} in {self._root}"):
            self._copy_out(key, content, None)
        return content.getvalue()

    def write_bytes(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
        """Create or replace an object, whole. A folder does not keep the ``content_type``."""
        self._count("write_bytes")
        return self._write(key, lambda target: target.write(data))

    def replace_bytes(
        self, key: str, data: bytes, *, content_type: str, expected: ObjectInfo | None
    ) -> ObjectInfo:
        """Replace an object as it was seen, and no other version of it; writers wait in turn."""
        self._count("replace_bytes")
        path = self._temporary() / _REPLACING
        with os_errors_explained(f"cannot write in {self._root}"):
            make_folder(path.parent)
            lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
            try:
                hold_while_open(lock)
                found = self._find(key, self._locate(key))
                if (found and found.version) != (expected and expected.version):
                    raise ObjectChangedError(f"{key} in {self._root} was changed meanwhile")
                return self._write(key, lambda target: target.write(data))
            finally:
                os.close(lock)

    def put_file(
        self,
        key: str,
        path: Path,
        *,
        content_type: str,
        on_progress: ProgressCallback | None = None,
    ) -> ObjectInfo:
        """Create or replace an object from a local file, whole; leaves nothing if it fails."""
        self._count("put_file")
        with opened_source(path, key) as source:
            return self._write(key, lambda target: copy_stream(source, target, on_progress))

    def fetch(
        self, key: str, path: Path, *, on_progress: ProgressCallback | None = None
    ) -> ObjectInfo:
        """Copy an object into a local file, which appears only when it is complete."""
        self._count("fetch")
        with (
            os_errors_explained(f"cannot copy {key} to {path}"),
            temporary_file(path.parent) as target,
        ):
            info = self._copy_out(key, target, on_progress)
            publish(target, path)
        return info

    def local_path(self, key: str) -> Path | None:
        """The file itself, of a link the one that it leads to; None if there is no such object."""
        path = self._locate(key)
        if self._find(key, path) is None:
            return None
        # Who reads videos takes no links.
        file = path.resolve() if path.is_symlink() else path
        return file if file == path or file.is_relative_to(self._root.resolve()) else None

    def delete(self, key: str) -> None:
        """Remove an object; removing an absent one is no error."""
        self._count("delete")
        path = self._locate(key)
        if self._find(key, path):
            with os_errors_explained(f"cannot delete {path}"):
                path.unlink(missing_ok=True)

    def tidy(self) -> None:
        """Remove what killed processes left in ``.tmp``.

        On a drive that knows no locks nothing tells theirs from what is being written, so that it
        stays.
        """
        with os_errors_explained(f"cannot tidy up {self._root / _TEMPORARY}"):
            for path in self._temporary().glob("*.partial"):
                remove_if_abandoned(path)

    def remove_temporary_folder(self) -> None:
        """Remove ``.tmp`` if it is empty; of a folder into which nobody else writes meanwhile."""
        temporary = self._temporary()
        with os_errors_explained(f"cannot tidy up {temporary}"):
            if temporary.is_dir() and not any(temporary.iterdir()):
                temporary.rmdir()

    def now(self) -> datetime:
        """What time it is for the file system, which may be that of another machine."""
        with os_errors_explained(f"cannot write in {self._root}"):
            temporary = self._temporary()
            make_folder(temporary)
            with temporary_file(temporary) as file:
                return _info_of("", os.fstat(file.fileno())).modified

    def leftovers(self) -> Iterator[Leftover]:
        """Temporary files; those of killed processes of this machine are gone at the next run."""
        with os_errors_explained(f"cannot list {self._root / _TEMPORARY}"):
            for path in sorted(self._temporary().glob("*.partial")):
                try:
                    modified = _info_of(path.name, path.stat()).modified
                except FileNotFoundError:
                    continue
                yield Leftover(path.name, modified)

    def remove(self, leftover: Leftover) -> None:
        """Remove a temporary file, also on a drive without locks."""
        path = self._temporary() / leftover.name
        with os_errors_explained(f"cannot delete {path}"):
            if remove_if_abandoned(path) is None:
                path.unlink(missing_ok=True)

    def _count(self, operation: str) -> None:
        with self._lock:
            self._requests[operation] += 1

    def _locate(self, key: str) -> Path:
        """The path of a key, or an error if it is none of this store's."""
        if not _can_be_key(key):
            raise StoreError(
                f"{key!r} cannot be the key of an object in {self._root}: use a relative path "
                f"without empty, '.' and '..' parts, outside of {_TEMPORARY}"
            )
        path = self._root / key
        folder = path.parent
        with os_errors_explained(f"cannot look up {path}"):
            while folder != self._root:
                if folder.is_symlink():
                    raise StoreError(
                        f"{path} leads through the link {folder}, which a store does not follow: "
                        "make it a real folder, or mount the other one there"
                    )
                folder = folder.parent
        return path

    def _find(self, key: str, path: Path) -> ObjectInfo | None:
        """The facts of the object at a path; None if there is nothing, or no regular file."""
        try:
            facts = path.lstat()
            if stat.S_ISLNK(facts.st_mode):
                target = os.path.realpath(path, strict=True)
                if not Path(target).is_relative_to(self._root.resolve()):
                    return None
                facts = Path(target).lstat()
        except OSError as error:
            if error.errno in _ABSENT:
                return None
            raise store_error_of(error, f"cannot look up {path}") from error
        return _info_of(key, facts) if stat.S_ISREG(facts.st_mode) else None

    def _entries(self, base: str, prefix: str, after: bytes) -> Iterator[str]:
        """Names right under the folder ``base`` that can lead to wanted keys, in key order.

        Folders end in ``/``. That makes them sort as the keys below them do: ``a-b``, ``a/c``.
        """
        folder = self._root / base
        names = []
        try:
            with os.scandir(folder) as entries:
                for entry in entries:
                    is_folder = entry.is_dir(follow_symlinks=False)
                    if base or entry.name != _TEMPORARY:
                        names.append(f"{base}{entry.name}{'/' if is_folder else ''}")
        except OSError as error:
            if self._root.is_file():
                raise StoreError(f"{self._root} is a file: name a folder as the store") from None
            if error.errno not in _ABSENT:
                raise store_error_of(error, f"cannot list {folder}") from error
        for name in sorted(names, key=_sort_key):
            wanted = name.startswith(prefix) or (name.endswith("/") and prefix.startswith(name))
            position = _sort_key(name)
            passed = position <= after and not (name.endswith("/") and after.startswith(position))
            if wanted and not passed:
                yield name

    def _copy_out(
        self, key: str, target: BinaryIO, on_progress: ProgressCallback | None
    ) -> ObjectInfo:
        path = self._locate(key)
        try:
            source = path.open("rb") if self._find(key, path) else None
        except FileNotFoundError:
            source = None
        if source is None:
            raise ObjectNotFoundError(f"there is no object {key} in {self._root}")
        with source:
            before = os.fstat(source.fileno())
            copy_stream(source, target, on_progress)
            after = os.fstat(source.fileno())
            # Not the change time: it moves, too, when this file is replaced by another.
            if (before.st_size, before.st_mtime_ns) != (after.st_size, after.st_mtime_ns):
                raise StoreUnavailableError(f"{path} was written to while it was read: try again")
        return _info_of(key, before)

    def _write(self, key: str, write: Callable[[BinaryIO], object]) -> ObjectInfo:
        path = self._locate(key)
        with os_errors_explained(f"cannot write {path}"):
            temporary = self._temporary()
            make_folder(temporary)
            with temporary_file(temporary) as target:
                write(target)
                make_folder(path.parent)
                return _info_of(key, publish(target, path))

    def _temporary(self) -> Path:
        temporary = self._root / _TEMPORARY
        if temporary.is_symlink():
            raise StoreError(f"{temporary} is a link, which a store does not follow: remove it")
        return temporary


def _can_be_key(key: str) -> bool:
    """Whether a key is a relative path that a file can have, and none of the store's own."""
    try:
        os.fsencode(key)
    except UnicodeEncodeError:
        return False
    parts = key.split("/")
    return (
        "\0" not in key
        and parts[0] != _TEMPORARY
        and not any(part in ("", ".", "..") for part in parts)
    )


def _sort_key(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _info_of(key: str, facts: os.stat_result) -> ObjectInfo:
    """Facts of a regular file.

    ``modified`` is the change time: never before the last write, and, unlike the modification
    time, never set by a copying program to a time that passed long ago or is yet to come.
    """
    return ObjectInfo(
        key=key,
        size_bytes=facts.st_size,
        etag=f"{facts.st_mtime_ns:x}-{facts.st_ctime_ns:x}",
        modified=_EPOCH + timedelta(microseconds=facts.st_ctime_ns // 1000),
    )
