"""Sum up packets, so that what a clip holds can be held against what its source held."""

import hashlib

from heaters_pipeline.video.media.nal_units import (
    CODECS_WITH_UNITS,
    delimited_units,
    has_start_codes,
    sized,
)
from heaters_pipeline.video.media.pyav import Packet

# An OBU of type 2 that has a field for its size, 0 (AV1 Bitstream Specification, 5.3 and 5.6).
_TEMPORAL_DELIMITER = b"\x12\x00"


class PacketSum:
    """The number of packets and a SHA-256 of all their bytes, in the order in which they come.

    MP4 has the size before each unit of H.264 and HEVC where streams for broadcasting have a start
    code, and no temporal delimiters, with which IVF and FLV begin each packet of AV1. Nothing else
    differs, so such packets are summed up as they are in MP4.

    Args:
        codec: FFmpeg's name of the codec.
        extradata: Of the stream that the packets come from.
    """

    def __init__(self, codec: str, extradata: bytes | None) -> None:
        self.packets = 0
        self._sum = hashlib.sha256()
        self._is_av1 = codec == "av1"
        self._has_start_codes = codec in CODECS_WITH_UNITS and has_start_codes(extradata or b"")

    def add(self, packet: Packet) -> None:
        """Take the next packet."""
        content = bytes(packet)
        if self._has_start_codes:
            content = sized(delimited_units(memoryview(content)))
        if self._is_av1:
            content = content.removeprefix(_TEMPORAL_DELIMITER)
        self.packets += 1
        self._sum.update(len(content).to_bytes(8, "big"))
        self._sum.update(content)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, PacketSum):
            return NotImplemented
        return (self.packets, self._sum.digest()) == (other.packets, other._sum.digest())

    __hash__ = None  # type: ignore[assignment]
