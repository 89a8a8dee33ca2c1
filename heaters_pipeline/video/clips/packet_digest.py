"""Sum up packets, so that what a clip holds can be held against what its source held."""

import hashlib
from collections.abc import Iterator

from heaters_pipeline.video.media.nal_units import (
    CODECS_WITH_UNITS,
    delimited_units,
    has_start_codes,
)
from heaters_pipeline.video.media.pyav import Packet


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
        self._has_start_codes = codec in CODECS_WITH_UNITS and has_start_codes(extradata or b"")

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


def _with_sizes(content: bytes) -> Iterator[bytes | memoryview]:
    for unit in delimited_units(memoryview(content)):
        yield len(unit).to_bytes(4, "big")
        yield unit
