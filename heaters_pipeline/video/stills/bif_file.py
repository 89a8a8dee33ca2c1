"""BIF files, in which Roku's players find the pictures of a video while a person seeks.

"Trick Mode Support" of Roku's developer documentation describes them: all integers are 32 bits,
little-endian. A header of 64 bytes, an index, then the JPEGs one after the other.
"""

import struct
from pathlib import Path
from types import TracebackType

MAGIC = bytes((0x89, 0x42, 0x49, 0x46, 0x0D, 0x0A, 0x1A, 0x0A))
_VERSION = 0
_HEADER_BYTES = 64
_ENTRY = struct.Struct("<II")
_END = 0xFFFFFFFF


class BifFile:
    """A BIF file that is being written; complete when the ``with`` block ends without an error."""

    def __init__(self, path: Path, pictures: int, unit_ms: int) -> None:
        """Begin.

        Args:
            path: The file.
            pictures: How many it will have; the first is shown from 0 on, each other one unit
                later than the one before.
            unit_ms: Milliseconds of a unit.
        """
        self._path = path
        self._pictures = pictures
        self._unit_ms = unit_ms
        self._offsets = [_HEADER_BYTES + _ENTRY.size * (pictures + 1)]

    def __enter__(self) -> "BifFile":
        self._file = self._path.open("xb")
        self._file.seek(self._offsets[0])
        return self

    def add(self, jpeg: bytes) -> None:
        """Write the next picture.

        Raises:
            OSError: The disk is full, or cannot be written.
        """
        self._file.write(jpeg)
        self._offsets.append(self._offsets[-1] + len(jpeg))

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        with self._file:
            if error_type is None:
                self._file.seek(0)
                self._file.write(self._header_and_index())

    def _header_and_index(self) -> bytes:
        if len(self._offsets) != self._pictures + 1:
            raise ValueError(f"{len(self._offsets) - 1} pictures of {self._pictures} were added")
        header = MAGIC + struct.pack("<III", _VERSION, self._pictures, self._unit_ms)
        numbers = [*range(self._pictures), _END]
        entries = (
            _ENTRY.pack(number, at) for number, at in zip(numbers, self._offsets, strict=True)
        )
        return header.ljust(_HEADER_BYTES, b"\0") + b"".join(entries)


def is_whole_bif(data: bytes, pictures: int, unit_ms: int) -> bool:
    """Whether bytes are a BIF file of so many pictures, as it was written."""
    index_bytes = _ENTRY.size * (pictures + 1)
    start = MAGIC + struct.pack("<III", _VERSION, pictures, unit_ms)
    if not data.startswith(start) or len(data) < _HEADER_BYTES + index_bytes:
        return False
    last = _HEADER_BYTES + index_bytes - _ENTRY.size
    return _ENTRY.unpack_from(data, last) == (_END, len(data))
