"""The decoder configuration record of HEVC in MP4, ``hvcC``: which parameter sets it holds.

Pure. Layout: ISO/IEC 14496-15, 8.3.3.1.2.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

from heaters_pipeline.video.media.hevc_sets import (
    PARAMETER_SETS,
    SLICE_PPS_IDS,
    SPS,
    SetIds,
    Sps,
    parse_sps,
    set_id,
)
from heaters_pipeline.video.media.nal_units import (
    delimited_units,
    has_start_codes,
    hevc_type,
    without_zeros,
)

_HEAD_BYTES = 22
# Reserved bits; how pictures are divided for decoding at a time, which nothing has to say.
_UNDIVIDED = bytes([0xF0, 0, 0xFC])
_DIVISION = slice(13, 16)
_IDS = range(16)


@dataclass(frozen=True, slots=True)
class HevcRecord:
    """Parameter sets of a track, and messages that hold for all of it.

    Attributes:
        head: The record up to its units, of 22 bytes.
        units: In the order of the record.
    """

    head: bytes
    units: tuple[bytes, ...]

    @classmethod
    def parse(cls, extradata: bytes) -> "HevcRecord":
        """Read ``hvcC``, or sets after start codes, as streams for broadcasting have them.

        Raises:
            ValueError: It does not hold sets of each kind, or is cut short.
        """
        if has_start_codes(extradata):
            units = map(without_zeros, delimited_units(memoryview(extradata)))
            sets = (unit for unit in units if unit and _type(unit) in PARAMETER_SETS)
            kept = tuple(dict.fromkeys(sets))
            head = b""
        elif len(extradata) > _HEAD_BYTES and extradata[0] == 1:
            head, kept = extradata[:_HEAD_BYTES], tuple(dict.fromkeys(_units(extradata)))
        else:
            kept = ()
        if not {_type(unit) for unit in kept}.issuperset(PARAMETER_SETS):
            raise ValueError("its header holds no parameter sets")
        return cls(head or _head(parse_sps(_first(kept, SPS))), kept)

    @property
    def size_bytes(self) -> int:
        """How many bytes the size before each unit has."""
        return (self.head[-1] & 3) + 1

    @property
    def sps(self) -> Sps:
        """What the first sequence parameter set says."""
        return parse_sps(_first(self.units, SPS))

    @property
    def free_ids(self) -> SetIds | None:
        """The least ids that no parameter set has, None where all are taken."""
        free = []
        for kind, ids in zip(PARAMETER_SETS, (_IDS, _IDS, SLICE_PPS_IDS), strict=True):
            taken = {set_id(unit) for unit in self.units if _type(unit) == kind}
            free.append(next((number for number in ids if number not in taken), None))
        vps, sps, pps = free
        if vps is None or sps is None or pps is None:
            return None
        return SetIds(vps, sps, pps)

    def with_sets(self, units: Iterable[bytes]) -> "HevcRecord":
        """The record with more parameter sets; those that it holds are not added again.

        Raises:
            ValueError: A set has the id of another.
        """
        units = tuple(dict.fromkeys((*self.units, *units)))
        sets = [unit for unit in units if _type(unit) in PARAMETER_SETS]
        if len({(_type(unit), set_id(unit)) for unit in sets}) < len(sets):
            raise ValueError("its parameter sets change")
        return replace(self, units=units)

    def encode(self, *, is_complete: bool) -> bytes:
        """As ``hvcC``; profile, level and kind of samples are those that it was read with.

        Args:
            is_complete: All parameter sets stand here, as the tag hvc1 promises.
        """
        head = bytearray(self.head)
        head[_DIVISION] = _UNDIVIDED
        kinds = list(dict.fromkeys(_type(unit) for unit in self.units))
        parts = [bytes(head), bytes([len(kinds)])]
        for kind in kinds:
            units = [unit for unit in self.units if _type(unit) == kind]
            is_whole = is_complete and kind in PARAMETER_SETS
            parts.append(bytes([is_whole << 7 | kind]) + len(units).to_bytes(2, "big"))
            parts += [len(unit).to_bytes(2, "big") + unit for unit in units]
        return b"".join(parts)


def _type(unit: bytes) -> int:
    return hevc_type(memoryview(unit))


def _first(units: Iterable[bytes], kind: int) -> bytes:
    return next(unit for unit in units if _type(unit) == kind)


def _head(sps: Sps) -> bytes:
    """Of a record with sizes of four bytes and an average rate that is not said."""
    samples = [
        0xFC | sps.chroma_format_idc,
        0xF8 | sps.bit_depth_luma - 8,
        0xF8 | sps.bit_depth_chroma - 8,
    ]
    layers = sps.temporal_layers << 3 | sps.is_nested << 2 | 3
    return b"\1" + sps.profile + _UNDIVIDED + bytes([*samples, 0, 0, layers])


def _units(data: bytes) -> Iterator[bytes]:
    at = _HEAD_BYTES + 1
    for _ in range(data[_HEAD_BYTES]):
        count = int.from_bytes(data[at + 1 : at + 3], "big")
        at += 3
        for _ in range(count):
            size = int.from_bytes(data[at : at + 2], "big")
            at += 2 + size
            if at > len(data) or not size:
                raise ValueError("its header is cut short")
            yield data[at - size : at]
