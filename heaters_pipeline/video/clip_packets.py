"""Sum up packets, so that what a clip holds can be held against what its source held."""

import hashlib
from collections.abc import Iterator

from heaters_pipeline.video.file_verdict import Packet

_START_CODE = b"\0\0\1"
_ANNEX_B_STARTS = (_START_CODE, b"\0" + _START_CODE)
_WITH_UNITS = frozenset({"h264", "hevc"})


class PacketSum:
    """The number of packets and a SHA-256 of all their bytes, in the order in which they come.

    MP4 has the size before each unit of H.264 and HEVC where streams for broadcasting have a start
    code. Nothing else differs, so such packets are summed up as they are in MP4.

    Args:
        codec: FFmpeg's name of the codec.
        extradata: Of the stream that the packets come from.
    """

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self.packets = 0
        self._sum = hashlib.sha256()
        self._has_start_codes = codec in _WITH_UNITS and has_start_codes(extradata or b"")

    def add(self, packet: Packet) -> None:
        """Take the next packet."""
        content = bytes(packet)
        if self._has_start_codes:
            content = b"".join(_with_sizes(content))
        self.packets += 1
        self._sum.update(len(content).to_bytes(8, "big"))
        self._sum.update(content)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PacketSum):
            return NotImplemented
        return (self.packets, self._sum.digest()) == (other.packets, other._sum.digest())

    __hash__ = None  # type: ignore[assignment]


def has_start_codes(extradata: bytes) -> bool:
    """Whether the units of an H.264 or HEVC stream follow start codes, not sizes."""
    return extradata.startswith(_ANNEX_B_STARTS)


def _with_sizes(content: bytes) -> Iterator[bytes]:
    start = _after_start_code(content, 0)
    while start < len(content):
        following = content.find(_START_CODE, start)
        end = len(content) if following < 0 else following
        # A start code may be preceded by one zero, which is a part of it.
        unit_end = end - 1 if following > start and content[following - 1] == 0 else end
        yield (unit_end - start).to_bytes(4, "big")
        yield content[start:unit_end]
        start = _after_start_code(content, end)


def _after_start_code(content: bytes, at: int) -> int:
    found = content.find(_START_CODE, at)
    return len(content) if found < 0 else found + len(_START_CODE)
