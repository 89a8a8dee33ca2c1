"""Local files: written whole, copied with progress, and the system's refusals explained."""

import errno
import os
import secrets
import stat
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Protocol

from heaters_pipeline.errors import StoreError, StoreUnavailableError
from heaters_pipeline.storage.file_locks import hold_while_open
from heaters_pipeline.storage.object_store import ProgressCallback

_CHUNK_BYTES = 1024 * 1024

_MAY_PASS = {
    errno.EIO: "the disk or the network drive reported a fault",
    errno.ESTALE: "the network drive lost its connection",
    errno.ENOTCONN: "the network drive is not connected",
    errno.ETIMEDOUT: "the network drive did not answer in time",
    errno.EHOSTDOWN: "the server of the network drive is down",
    errno.EHOSTUNREACH: "the server of the network drive cannot be reached",
    errno.ENETDOWN: "the network is down",
    errno.ENETUNREACH: "the network cannot be reached",
    errno.ECONNRESET: "the network drive closed the connection",
    errno.EAGAIN: "it is busy",
    errno.EBUSY: "it is busy",
    errno.EMFILE: "this process has too many files open",
    errno.ENFILE: "this machine has too many files open",
    errno.ENOMEM: "memory is short",
}

_WILL_NOT = {
    errno.ENOSPC: "no space is left there: free some, or take another disk",
    errno.EDQUOT: "the disk quota is used up: free some space, or have it raised",
    errno.EFBIG: "the file is larger than that file system takes: use another one",
    errno.EACCES: "permission is denied: give this user the right to read and write there",
    errno.EPERM: "it is not permitted: give this user the right to read and write there",
    errno.EROFS: "that file system is read-only: mount it writable, or take another folder",
    errno.ENAMETOOLONG: "the name is too long for that file system: use a shorter one",
    errno.ENOTDIR: "a part of the path is a file where a folder is needed: move that file away",
    errno.EEXIST: "a file of that name is in the way: move it away",
    errno.EISDIR: "a folder of that name is in the way: move it away",
    errno.EXDEV: "a part of the folder is another file system: keep a store on a single one",
    errno.ENOENT: "it does not exist",
}


def store_error_of(error: OSError, doing: str) -> StoreError:
    """The store error that says what the operating system refused, and what to do.

    Args:
        error: What the system raised.
        doing: What was tried, with the path, such as ``cannot write /data/clips/a.mp4``.
    """
    number = error.errno or 0
    if number in _MAY_PASS:
        return StoreUnavailableError(f"{doing}: {_MAY_PASS[number]}")
    return StoreError(f"{doing}: {_WILL_NOT.get(number) or error.strerror or error}")


@contextmanager
def os_errors_explained(doing: str) -> Iterator[None]:
    """Turn what the operating system raises inside the block into store errors."""
    try:
        yield
    except OSError as error:
        raise store_error_of(error, doing) from error


@contextmanager
def opened_source(path: Path, key: str) -> Iterator[BinaryIO]:
    """Open a local file that is to become the object ``key``.

    Raises:
        StoreError: There is no such file, it is no regular file, or it cannot be read.
    """
    doing = f"cannot store {path} as {key}"
    with os_errors_explained(doing):
        if not stat.S_ISREG(path.stat().st_mode):
            raise StoreError(f"{doing}: it is no regular file")
        source = path.open("rb")
    with source:
        yield source


@contextmanager
def temporary_file(folder: Path) -> Iterator[BinaryIO]:
    """Open a new hidden file in ``folder``, which is gone afterwards unless it was published.

    It is locked while it is open, so that others can tell it from one that a killed process left.
    """
    path = folder / f".{secrets.token_hex(8)}.partial"
    try:
        with _new_held_file(path) as file:
            yield file
    finally:
        path.unlink(missing_ok=True)


def _new_held_file(path: Path) -> BinaryIO:
    while True:
        file = path.open("xb")
        try:
            hold_while_open(file.fileno())
            if path.exists():
                return file
        except BaseException:
            file.close()
            raise
        # Another process took it for abandoned before it was locked.
        file.close()


def publish(file: BinaryIO, path: Path) -> os.stat_result:
    """Give a ``temporary_file`` its name, in one step and safe from a loss of power.

    It replaces what had the name. Its modification time is taken from the exact clock: the
    system's own stamps are some milliseconds coarse, so that two versions written at once
    would look alike.

    Returns:
        What the file system knows of this very file, even if another has the name by now.
    """
    file.flush()
    now_ns = time.time_ns()
    os.utime(file.fileno(), ns=(now_ns, now_ns))
    os.fsync(file.fileno())
    Path(file.name).replace(path)
    sync_folder(path.parent)
    return os.fstat(file.fileno())


def make_folder(folder: Path) -> None:
    """Create a folder and those above it where they are missing, safe from a loss of power."""
    missing = [folder]
    while not missing[-1].parent.exists():
        missing.append(missing[-1].parent)
    for path in reversed(missing):
        if not path.is_dir():
            path.mkdir(exist_ok=True)
            sync_folder(path.parent)


def sync_file(path: Path) -> None:
    """Make sure that a file's content outlives a loss of power."""
    with path.open("rb") as file:
        os.fsync(file.fileno())


def sync_folder(folder: Path) -> None:
    """Make sure that the names in a folder outlive a loss of power."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # Some network drives know no such thing as syncing a folder.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(descriptor)


class Readable(Protocol):
    """What can be read piece by piece."""

    def read(self, count: int, /) -> bytes:
        """The next bytes, ``count`` at most; none at the end."""
        ...


def copy_stream(
    source: Readable, target: BinaryIO, on_progress: ProgressCallback | None = None
) -> None:
    """Copy from where ``source`` stands to its end."""
    while chunk := source.read(_CHUNK_BYTES):
        target.write(chunk)
        if on_progress is not None:
            on_progress(len(chunk))


def same_content(one: BinaryIO, other: BinaryIO) -> bool:
    """Whether two open files hold the same bytes, read from their beginnings."""
    one.seek(0)
    other.seek(0)
    while (piece := one.read(_CHUNK_BYTES)) == other.read(_CHUNK_BYTES):
        if not piece:
            return True
    return False
