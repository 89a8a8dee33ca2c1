"""The boxes of MP4 and MOV files (ISO/IEC 14496-12): a tree of them, and bytes.

What is cut short, or no tree of boxes as FFmpeg's muxer writes one, is a ``ClipError``.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO

from heaters_pipeline.errors import ClipError

_PARENTS = frozenset({b"moov", b"trak", b"edts", b"mdia", b"minf", b"stbl"})
_INDEX_BYTES_MAX = 1 << 30
_DEPTH_MAX = 8
_END_OF_LIST = bytes(4)


@dataclass(slots=True)
class Box:
    """One box: its kind, and either its payload or the boxes in it."""

    kind: bytes
    payload: bytes = b""
    children: list["Box"] = field(default_factory=list)

    def child(self, kind: bytes) -> "Box":
        """The only box of a kind in this one."""
        found = [box for box in self.children if box.kind == kind]
        if len(found) != 1:
            raise ClipError(
                f"the MP4 index has {len(found)} boxes {_name(kind)} in {_name(self.kind)}, "
                "one is expected"
            )
        return found[0]

    def encode(self) -> bytes:
        """The bytes of it in a file."""
        body = self.payload + b"".join(box.encode() for box in self.children)
        return struct.pack(">I4s", len(body) + 8, self.kind) + body


def read_index(source: BinaryIO, start: int, end: int) -> Box:
    """Read the box ``moov`` that lies at bytes ``[start, end)``."""
    if end - start > _INDEX_BYTES_MAX:
        raise ClipError(f"the MP4 index says that it is {end - start} bytes long")
    source.seek(start)
    (movie,) = parse_boxes(source.read(end - start))
    return movie


def top_level(source: BinaryIO) -> Iterator[tuple[bytes, int, int]]:
    """Kind, start and end of each box of the file."""
    length = source.seek(0, 2)
    start = 0
    while start < length:
        source.seek(start)
        size, kind = _header(source.read(8))
        if size == 1:
            size = int.from_bytes(source.read(8), "big")
        if not 8 <= size <= length - start:
            raise ClipError(f"box {_name(kind)} has an impossible size {size}; the file is cut")
        yield kind, start, start + size
        start += size


def parse_boxes(data: bytes, depth: int = 0) -> list[Box]:
    """The boxes that stand one after the other in ``data``, which is ``depth`` boxes deep."""
    if depth > _DEPTH_MAX:
        raise ClipError("the boxes of the MP4 index stand in each other without end")
    boxes = []
    position = 0
    while position < len(data):
        if data[position : position + 8] == _END_OF_LIST:
            # QuickTime allows it, and the muxer writes it behind what it says of DNxHD.
            break
        size, kind = _header(data[position : position + 8])
        if not 8 <= size <= len(data) - position:
            raise ClipError(f"box {_name(kind)} of the MP4 index has an impossible size {size}")
        payload = data[position + 8 : position + size]
        boxes.append(
            Box(kind, children=parse_boxes(payload, depth + 1))
            if kind in _PARENTS
            else Box(kind, payload)
        )
        position += size
    return boxes


def timescale_of(header: Box) -> int:
    """Of ``mvhd`` or ``mdhd``, where it stands at the same place."""
    payload = header.payload
    return int(struct.unpack_from(">I", payload, 20 if payload[0] == 1 else 12)[0])


def handler_of(track: Box) -> str:
    """What the track holds, such as ``vide``."""
    return track.child(b"mdia").child(b"hdlr").payload[8:12].decode("latin-1")


def track_id_of(track: Box) -> int:
    """The number of the track."""
    payload = track.child(b"tkhd").payload
    return int(struct.unpack_from(">I", payload, 20 if payload[0] == 1 else 12)[0])


def _header(data: bytes) -> tuple[int, bytes]:
    if len(data) < 8:
        raise ClipError("the MP4 file ends within the header of a box")
    size, kind = struct.unpack(">I4s", data)
    return size, kind


def _name(kind: bytes) -> str:
    return kind.decode("latin-1")
