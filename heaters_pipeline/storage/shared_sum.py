"""A number of bytes that processes of one machine count together, in a file."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from heaters_pipeline.storage.file_locks import lock_file, unlock_file

_SIZE = 8


class SharedSum:
    """What is in the file, for whoever holds its lock.

    Args:
        descriptor: Of the file, open and locked.
    """

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    @property
    def bytes(self) -> int | None:
        """The number; None before one was set."""
        content = os.pread(self._descriptor, _SIZE, 0)
        return int.from_bytes(content) if len(content) == _SIZE else None

    @bytes.setter
    def bytes(self, number: int) -> None:
        os.pwrite(self._descriptor, number.to_bytes(_SIZE), 0)

    def change(self, by: int) -> None:
        """Add to the number, if one was set; it does not fall below 0."""
        number = self.bytes
        if number is not None:
            self.bytes = max(0, number + by)


@contextmanager
def shared_sum(path: Path) -> Iterator[SharedSum]:
    """Hold the number alone; the folder of the file is there.

    Raises:
        OSError: The file cannot be opened, locked or written.
    """
    lock = lock_file(path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)
    try:
        yield SharedSum(lock)
    finally:
        unlock_file(lock)
