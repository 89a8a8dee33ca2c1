"""The decoder configuration record of H.264 in MP4, ``avcC``: which parameter sets it holds.

Pure. Layout: ISO/IEC 14496-15, 5.3.3.1.2.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from heaters_pipeline.video.media.h264_sets import PPS, SPS, parse_sps, set_id
from heaters_pipeline.video.media.nal_units import (
    delimited_units,
    h264_type,
    has_start_codes,
)

SIZE_BYTES = 4
"""Of the size before each unit; others occur, but not in what today's muxers write."""

_IDS = range(32)
_MOST_SETS = (31, 255)
_PROFILES_WITH_SAMPLES = frozenset({100, 110, 122, 144, 244})


@dataclass(frozen=True, slots=True)
class AvcRecord:
    """Parameter sets of a track.

    Attributes:
        sps: Sequence parameter sets, as units.
        pps: Picture parameter sets, as units.
        size_bytes: How many bytes the size before each unit has.
    """

    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]
    size_bytes: int = SIZE_BYTES

    @classmethod
    def parse(cls, extradata: bytes) -> "AvcRecord":
        """Read ``avcC``, or sets after start codes, as streams for broadcasting have them.

        Raises:
            ValueError: It holds no parameter sets, or is cut short.
        """
        if has_start_codes(extradata):
            units = [bytes(unit) for unit in delimited_units(memoryview(extradata)) if unit]
            record = cls(_of_type(units, SPS), _of_type(units, PPS))
        elif len(extradata) > 6 and extradata[0] == 1:
            sps, at = _sets(extradata, 6, extradata[5] & 0x1F)
            pps, _ = _sets(extradata, at + 1, extradata[at])
            record = cls(sps, pps, (extradata[4] & 3) + 1)
        else:
            raise ValueError("its header holds no parameter sets")
        if not record.sps or not record.pps:
            raise ValueError("its header holds no parameter sets")
        return record

    @property
    def free_id(self) -> int | None:
        """The least id that neither an SPS nor a PPS has, None where all are taken."""
        taken = {set_id(unit) for unit in self.sps + self.pps}
        return next((number for number in _IDS if number not in taken), None)

    def with_sets(self, units: Sequence[bytes]) -> "AvcRecord":
        """The record with more parameter sets; those that it holds are not added again.

        Raises:
            ValueError: A set has the id of another, or there are too many.
        """
        sps, pps = (
            tuple(dict.fromkeys((*held, *_of_type(units, kind))))
            for held, kind in ((self.sps, SPS), (self.pps, PPS))
        )
        for sets, most in zip((sps, pps), _MOST_SETS, strict=True):
            if len({set_id(unit) for unit in sets}) < len(sets):
                raise ValueError("its parameter sets change")
            if len(sets) > most:
                raise ValueError("it has too many parameter sets")
        return replace(self, sps=sps, pps=pps)

    def encode(self) -> bytes:
        """As ``avcC``; profile, level and kind of samples are those of the first SPS."""
        first = parse_sps(self.sps[0])
        parts = [
            bytes([1, *self.sps[0][1:4], 0xFC | self.size_bytes - 1, 0xE0 | len(self.sps)]),
            _sized(self.sps),
            bytes([len(self.pps)]),
            _sized(self.pps),
        ]
        if first.profile_idc in _PROFILES_WITH_SAMPLES:
            depths = first.bit_depth_luma - 8, first.bit_depth_chroma - 8
            parts.append(
                bytes([0xFC | first.chroma_format_idc, 0xF8 | depths[0], 0xF8 | depths[1], 0])
            )
        return b"".join(parts)


def _of_type(units: Sequence[bytes], kind: int) -> tuple[bytes, ...]:
    return tuple(dict.fromkeys(unit for unit in units if h264_type(memoryview(unit)) == kind))


def _sets(data: bytes, at: int, count: int) -> tuple[tuple[bytes, ...], int]:
    units = []
    for _ in range(count):
        size = int.from_bytes(data[at : at + 2], "big")
        at += 2 + size
        if at > len(data) or not size:
            raise ValueError("its header is cut short")
        units.append(data[at - size : at])
    return tuple(dict.fromkeys(units)), at


def _sized(units: Sequence[bytes]) -> bytes:
    return b"".join(len(unit).to_bytes(2, "big") + unit for unit in units)
