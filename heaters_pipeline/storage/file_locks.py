"""Locks on local files. The system drops those of a process that dies, so none stays behind."""

import errno
import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LOCK_SUFFIX = ".lock"
_NO_LOCKS = (errno.ENOLCK, errno.ENOTSUP, errno.ENOSYS, errno.EINVAL, errno.EBADF)
"""What file systems say that know no locks, as some network drives do."""


def lock_file(path: Path, flags: int, kind: int) -> int:
    """Open and lock the file that has this name once the lock is held; returns its descriptor.

    Raises:
        BlockingIOError: ``kind`` says not to wait, and another holds a lock.
        FileNotFoundError: There is no such file, or it was removed while waiting.
    """
    while True:
        descriptor = os.open(path, flags | os.O_CLOEXEC, 0o666)
        try:
            fcntl.flock(descriptor, kind)
            if os.path.samestat(os.fstat(descriptor), path.stat()):
                return descriptor
        except FileNotFoundError:
            if not flags & os.O_CREAT:
                unlock_file(descriptor)
                raise
        except BaseException:
            unlock_file(descriptor)
            raise
        unlock_file(descriptor)


def unlock_file(descriptor: int) -> None:
    """Unlock and close; the first by itself because a forked child may hold the file open."""
    fcntl.flock(descriptor, fcntl.LOCK_UN)
    os.close(descriptor)


def hold_while_open(descriptor: int) -> None:
    """Mark a file as being written by a living process, where the file system knows locks."""
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
    except OSError as error:
        if error.errno not in _NO_LOCKS:
            raise


def remove_if_abandoned(path: Path) -> bool | None:
    """Remove a file that no living process holds.

    Returns:
        True if it is gone, False if it is held, None if the file system knows no locks.
    """
    try:
        descriptor = lock_file(path, os.O_RDWR, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except FileNotFoundError:
        return True
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno in _NO_LOCKS:
            return None
        raise
    try:
        path.unlink(missing_ok=True)
    finally:
        unlock_file(descriptor)
    return True


@contextmanager
def held_folder(parent: Path) -> Iterator[Path]:
    """A new folder in ``parent``, removed at the end; one of a killed process is removed later."""
    parent.mkdir(parents=True, exist_ok=True)
    folder = parent / secrets.token_hex(16)
    lock_path = folder.with_suffix(_LOCK_SUFFIX)
    lock = lock_file(lock_path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)
    try:
        folder.mkdir()
        yield folder
    finally:
        try:
            shutil.rmtree(folder)
        finally:
            lock_path.unlink(missing_ok=True)
            unlock_file(lock)


def remove_abandoned_folders(parent: Path) -> None:
    """Remove what killed processes left of their ``held_folder``."""
    for lock_path in abandoned_files(parent, f"*{_LOCK_SUFFIX}"):
        folder = lock_path.with_suffix("")
        if folder.exists():
            shutil.rmtree(folder)
        lock_path.unlink(missing_ok=True)


def abandoned_files(folder: Path, pattern: str) -> Iterator[Path]:
    """The files of a folder that no living process holds, each held while it is looked at."""
    for path in sorted(folder.glob(pattern)):
        try:
            lock = lock_file(path, os.O_RDWR, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except (BlockingIOError, FileNotFoundError):
            # In use, or another process has just removed it.
            continue
        try:
            yield path
        finally:
            unlock_file(lock)
