"""The units that packets of H.264 and HEVC consist of, in either of their two framings.

Framing and types alone; what a unit means for decoding stands in ``random_access`` and
``packet_index``.
"""

from collections.abc import Iterable, Iterator
from itertools import pairwise

START_CODE = b"\0\0\1"
_ANNEX_B_STARTS = (START_CODE, b"\0" + START_CODE)
# Where the configuration record of MP4 and Matroska says how long the sizes are.
_SIZE_LENGTH_AT = {"h264": 4, "hevc": 21}

H264_SLICE, H264_IDR_SLICE, H264_SEI = 1, 5, 6
"""Types of units of H.264 (ITU-T H.264, table 7-1): a slice, one of an IDR picture, messages."""

HEVC_SLICE_TYPES = range(32)
"""Types of the units of HEVC that hold a part of a picture (ITU-T H.265, table 7-1)."""

HEVC_IRAP_TYPES = range(16, 24)
"""Those of pictures at which decoding can begin: BLA, IDR, CRA, and two reserved."""

HEVC_BLA_N_LP, HEVC_CRA = 18, 21
"""A picture that follows a broken link, without leading pictures, and a clean one."""

HEVC_LEADING_TYPES = range(6, 10)
"""Those of pictures that are shown before the one at which decoding can begin: RADL and RASL."""

HEVC_SKIPPED_TYPES = range(8, 10)
"""Those of leading pictures that cannot be decoded if decoding begins there: RASL."""

CODECS_WITH_UNITS = frozenset(_SIZE_LENGTH_AT)
"""FFmpeg's names of the codecs."""


def has_start_codes(extradata: bytes) -> bool:
    """Whether the units of a stream follow start codes, not sizes."""
    return extradata.startswith(_ANNEX_B_STARTS)


def h264_type(unit: memoryview) -> int:
    """The type of a unit of H.264, which is not empty (ITU-T H.264, 7.3.1)."""
    return unit[0] & 0x1F


def hevc_type(unit: memoryview) -> int:
    """The type of a unit of HEVC, which is not empty (ITU-T H.265, 7.3.1.2)."""
    return (unit[0] >> 1) & 0x3F


def hevc_layer(unit: memoryview) -> int:
    """The layer of a unit of HEVC of at least two bytes, 0 for the base (7.3.1.2)."""
    return (unit[0] & 1) << 5 | unit[1] >> 3


def without_zeros(unit: memoryview) -> bytes:
    """A unit without zeros behind it, which belong to the start code that follows (annex B.1).

    No unit ends with one. In parameter sets that FFmpeg took out of a stream the last may have one.
    """
    return bytes(unit).rstrip(b"\0")


class UnitReader:
    """Takes packets of one stream apart.

    Args:
        codec: One of ``CODECS_WITH_UNITS``.
        extradata: Of the stream.
    """

    def __init__(self, codec: str, extradata: bytes) -> None:
        size_at = _SIZE_LENGTH_AT[codec]
        # The configuration record starts with 1, start codes do not.
        has_sizes = len(extradata) > size_at and extradata[0] == 1
        self._size_bytes = (extradata[size_at] & 3) + 1 if has_sizes else 0

    def units(self, content: memoryview) -> Iterator[memoryview]:
        """The units of a packet, without what frames them; a last one that is cut short, too."""
        return self._sized(content) if self._size_bytes else delimited_units(content)

    def is_whole(self, content: memoryview) -> bool:
        """Whether a packet consists of units alone, of which none is empty or cut short.

        Decoders refuse others. What follows start codes always does.
        """
        if not self._size_bytes:
            return True
        at = 0
        while at + self._size_bytes < len(content):
            size = int.from_bytes(content[at : at + self._size_bytes], "big")
            if not size:
                return False
            at += self._size_bytes + size
        return at == len(content)

    def _sized(self, content: memoryview) -> Iterator[memoryview]:
        at = 0
        while at + self._size_bytes < len(content):
            size = int.from_bytes(content[at : at + self._size_bytes], "big")
            at += self._size_bytes
            yield content[at : at + size]
            at += size


def sized(units: Iterable[bytes | memoryview]) -> bytes:
    """Units with their size before each, of four bytes, as MP4 has them."""
    return b"".join(part for unit in units for part in (len(unit).to_bytes(4, "big"), unit))


def delimited_units(content: memoryview) -> Iterator[memoryview]:
    """The units between start codes."""
    data, at = bytes(content), -1
    starts = []
    while (at := data.find(START_CODE, at + 1)) >= 0:
        starts.append(at)
    for start, following in pairwise([*starts, len(data)]):
        # A start code may be preceded by one zero, which is a part of it.
        is_longer = following < len(data) and data[following - 1] == 0
        yield content[start + len(START_CODE) : following - is_longer]
