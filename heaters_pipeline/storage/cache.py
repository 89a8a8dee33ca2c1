"""Local copies of objects, bounded in size, shared by threads and processes."""

import errno
import fcntl
import hashlib
import os
import re
import shutil
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from operator import itemgetter
from pathlib import Path, PurePosixPath

from heaters_pipeline.errors import SettingsError, StoreUnavailableError
from heaters_pipeline.storage.file_locks import lock_file, unlock_file
from heaters_pipeline.storage.local_files import make_folder, os_errors_explained, sync_file
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.shared_sum import SharedSum, shared_sum

_CLEAN_SUFFIX = re.compile(r"\.[A-Za-z0-9]{1,8}")
_NO_HARD_LINKS = (errno.EXDEV, errno.EPERM, errno.EACCES, errno.EMLINK, errno.ENOTSUP)


class LocalCache:
    """A folder of copies, each named by store, key and version, so that none is ever stale.

    Whoever uses a copy holds a shared lock on it, so that nobody removes it; whoever makes one
    holds a lock that lets others wait for it instead of fetching it, too. The system drops the
    locks of a process that dies, and the next one removes what was left half-made.

    Args:
        folder: Where the copies lie, on a local disk; created when needed.
        max_bytes: Copies not used for longest are removed until the rest fits. Those in use stay,
            also beyond it.
    Raises:
        SettingsError: ``max_bytes`` is negative.
    """

    def __init__(self, folder: Path, *, max_bytes: int) -> None:
        if max_bytes < 0:
            raise SettingsError(f"a cache needs room for 0 bytes or more, got {max_bytes}")
        self._copies = folder.absolute() / "copies"
        self._unfinished = folder.absolute() / "unfinished"
        self._sum = folder.absolute() / "bytes_of_copies"
        self._max_bytes = max_bytes
        self._oldest: deque[tuple[Path, int]] = deque()
        """The copies as they were when all were last looked at, those not used for longest first,
        with the time of their last use. What came since is newer than any of them."""

    @contextmanager
    def local_copy(self, store: ObjectStore, key: str, version: str) -> Iterator[Path]:
        """Give a file with an object's content, to be read but not written, for a while.

        Args:
            store: Where the object is.
            key: Its key.
            version: Its ``ObjectInfo.version``; the file holds this one.
        Raises:
            ObjectNotFoundError: There is no such object.
            StoreUnavailableError: By now another object has the key.
        """
        in_place = store.local_path(key)
        if in_place is not None:
            _require_version(store, key, version, store.head(key))
            yield in_place
            return
        copy = self._path(store, key, version)
        with os_errors_explained(f"cannot keep a copy of {store.url}/{key} as {copy}"):
            lock = self._use(copy)
            if lock is None:
                lock = self._make(copy, store, key, version)
        try:
            yield copy
        finally:
            unlock_file(lock)
        self._trim()

    def add(self, store: ObjectStore, key: str, version: str, path: Path) -> None:
        """Keep a file just stored as the copy of its object.

        The copy is a hard link where possible: ``path`` must not be written to any more.

        Args:
            store: Where the object is.
            key: Its key.
            version: Its ``ObjectInfo.version``.
            path: A file with its content.
        """
        if store.local_path(key) is not None or path.stat().st_size > self._max_bytes:
            return
        copy = self._path(store, key, version)
        with os_errors_explained(f"cannot keep {path} as {copy}"):
            with self._alone_with(copy) as unfinished:
                if not copy.exists():
                    _link_or_copy(path, unfinished)
                    sync_file(unfinished)
                    _note_use(unfinished)
                    self._place(unfinished, copy)
            self._trim()

    def forget(self, store: ObjectStore, key: str, version: str) -> None:
        """Remove the copy of an object that is not wanted any more, if there is one."""
        copy = self._path(store, key, version)
        with os_errors_explained(f"cannot remove {copy}"), suppress(FileNotFoundError):
            size_bytes = copy.stat().st_size
            with shared_sum(self._sum) as total:
                copy.unlink()
                total.change(-size_bytes)

    def tidy(self) -> None:
        """Remove what killed processes left half-made, and copies for which there is no room."""
        self._trim()

    def _path(self, store: ObjectStore, key: str, version: str) -> Path:
        identity = "\0".join((store.url, key, version)).encode("utf-8", "surrogateescape")
        suffix = PurePosixPath(key).suffix
        digest = hashlib.sha256(identity).hexdigest()[:40]
        return self._copies / (digest + (suffix if _CLEAN_SUFFIX.fullmatch(suffix) else ""))

    def _use(self, copy: Path) -> int | None:
        """Lock a copy against removal; None if it is not there."""
        try:
            lock = lock_file(copy, os.O_RDONLY, fcntl.LOCK_SH)
        except FileNotFoundError:
            return None
        try:
            _note_use(copy)
        except BaseException:
            unlock_file(lock)
            raise
        return lock

    def _make(self, copy: Path, store: ObjectStore, key: str, version: str) -> int:
        """Fetch a copy, unless another is faster, and lock it against removal."""
        with self._alone_with(copy) as unfinished:
            lock = self._use(copy)
            if lock is not None:
                return lock
            _require_version(store, key, version, store.fetch(key, unfinished))
            _note_use(unfinished)
            # Locked before it has its name: else another could remove it before it is used.
            lock = lock_file(unfinished, os.O_RDONLY, fcntl.LOCK_SH)
            try:
                self._place(unfinished, copy)
                self._trim()
            except BaseException:
                unlock_file(lock)
                raise
        return lock

    @contextmanager
    def _alone_with(self, copy: Path) -> Iterator[Path]:
        """Be the only one to make a copy; gives where to make it, on the same file system."""
        make_folder(self._copies)
        make_folder(self._unfinished)
        lock_path = self._unfinished / f"{copy.name}.lock"
        lock = lock_file(lock_path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)
        try:
            folder = self._unfinished / copy.name
            _remove_folder(folder)
            folder.mkdir()
            yield folder / copy.name
        finally:
            self._tidy(lock_path, lock)

    def _tidy(self, lock_path: Path, lock: int) -> None:
        """Remove what was left of making a copy, and the lock that is held for it."""
        try:
            _remove_folder(lock_path.with_suffix(""))
            lock_path.unlink()
        finally:
            unlock_file(lock)

    def _place(self, unfinished: Path, copy: Path) -> None:
        """Give a finished copy its name. Who is killed here counts it, but never leaves it out."""
        with shared_sum(self._sum) as total:
            total.change(unfinished.stat().st_size)
            unfinished.replace(copy)

    def _trim(self) -> None:
        """Remove the oldest copies beyond ``max_bytes``, and what dead processes left."""
        with os_errors_explained(f"cannot tidy up {self._copies.parent}"):
            for lock_path in self._unfinished.glob("*.lock"):
                try:
                    lock = lock_file(lock_path, os.O_RDWR, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except (BlockingIOError, FileNotFoundError):
                    continue
                self._tidy(lock_path, lock)
            try:
                with shared_sum(self._sum) as total:
                    if total.bytes is None or total.bytes > self._max_bytes:
                        self._remove_oldest(total)
            except FileNotFoundError:
                # Somebody removed the whole folder.
                return

    def _remove_oldest(self, total: SharedSum) -> None:
        if not self._removed_enough(total):
            # The sum may be too high: files may have been removed by hand.
            copies = _facts_of_files(self._copies)
            total.bytes = sum(facts.st_size for facts in copies.values())
            used_ns = {copy: facts.st_atime_ns for copy, facts in copies.items()}
            self._oldest.extend(sorted(used_ns.items(), key=itemgetter(1)))
            self._removed_enough(total)

    def _removed_enough(self, total: SharedSum) -> bool:
        while self._oldest and (total.bytes or 0) > self._max_bytes:
            copy, used_ns = self._oldest.popleft()
            try:
                facts = copy.stat()
                if facts.st_atime_ns == used_ns:
                    _remove_unused(copy)
                    total.change(-facts.st_size)
            except (FileNotFoundError, BlockingIOError):
                # Another process removed it, or uses it.
                continue
        return total.bytes is not None and total.bytes <= self._max_bytes


def _require_version(store: ObjectStore, key: str, version: str, found: ObjectInfo | None) -> None:
    if found is None or found.version != version:
        raise StoreUnavailableError(
            f"{store.url}/{key} was replaced or removed after it had been looked up: try again"
        )


def _remove_unused(copy: Path) -> None:
    """Remove a copy.

    Raises:
        BlockingIOError: It is in use.
        FileNotFoundError: It is gone.
    """
    lock = lock_file(copy, os.O_RDONLY, fcntl.LOCK_EX | fcntl.LOCK_NB)
    try:
        copy.unlink()
    finally:
        unlock_file(lock)


def _facts_of_files(folder: Path) -> dict[Path, os.stat_result]:
    """What is in a folder; others may remove files from it meanwhile, and the folder, too."""
    found = {}
    for path in folder.glob("*"):
        try:
            found[path] = path.stat()
        except FileNotFoundError:
            continue
    return found


def _note_use(copy: Path) -> None:
    """Set the access time, which orders the copies. A hard link keeps its modification time."""
    os.utime(copy, ns=(time.time_ns(), copy.stat().st_mtime_ns))


def _link_or_copy(path: Path, copy: Path) -> None:
    try:
        copy.hardlink_to(path)
    except OSError as error:
        if error.errno not in _NO_HARD_LINKS:
            raise
        shutil.copyfile(path, copy)


def _remove_folder(folder: Path) -> None:
    if folder.exists():
        shutil.rmtree(folder)
