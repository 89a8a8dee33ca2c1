"""Parameter sets of HEVC: their ids, what they ask of decoders, and how units get other ids.

As ITU-T H.265 writes them in 7.3.2.1 (VPS), 7.3.2.2 (SPS), 7.3.2.3 (PPS) and 7.3.6.1 (slices).
"""

from dataclasses import dataclass

from heaters_pipeline.video.media.bit_reader import BitReader, escaped, unescaped
from heaters_pipeline.video.media.nal_units import (
    HEVC_BLA_N_LP,
    HEVC_CRA,
    HEVC_IRAP_TYPES,
    HEVC_SLICE_TYPES,
    hevc_type,
)

VPS, SPS, PPS = 32, 33, 34
"""Types of the units that hold them (ITU-T H.265, table 7-1)."""

PARAMETER_SETS = (VPS, SPS, PPS)

SLICE_PPS_IDS = range(16, 31, 2)
"""Ids of a PPS that slices can be given in place of 0 by a byte more, see ``SetIds.apply``."""

_HEADER_BYTES = 2
_PROFILE_BITS, _LEVEL_BITS = 88, 8
# Where a VPS has the profile, and an SPS, in bits of the unit; both have the id of a VPS first.
_VPS_PROFILE_AT, _SPS_PROFILE_AT, _VPS_ID_AT, _VPS_ID_BITS = 48, 24, 16, 4
_CHROMA_444 = 3
_EXP_GOLOMB_ZERO = "1"


@dataclass(frozen=True, slots=True)
class Sps:
    """What a sequence parameter set says.

    Attributes:
        sps_id: 0 to 15.
        vps_id: Of the VPS that it refers to, 0 to 15.
        profile: The general profile, tier and level, the 12 bytes of ``profile_tier_level``.
        temporal_layers: How many there are.
        is_nested: Decoding may go on to a higher layer at any picture of it.
        chroma_format_idc: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
        bit_depth_luma: 8 to 16.
        bit_depth_chroma: 8 to 16.
        buffered_pictures: The decoded picture buffer that the stream needs.
    """

    sps_id: int
    vps_id: int
    profile: bytes
    temporal_layers: int
    is_nested: bool
    chroma_format_idc: int
    bit_depth_luma: int
    bit_depth_chroma: int
    buffered_pictures: int

    @property
    def profile_idc(self) -> int:
        """Such as 1 for Main."""
        return self.profile[0] & 0x1F

    @property
    def is_interlaced(self) -> bool:
        """Whether pictures are fields, or made of two."""
        is_progressive, is_interlaced = self.profile[5] & 0x80, self.profile[5] & 0x40
        return bool(is_interlaced) and not is_progressive

    @property
    def has_i_frames_alone(self) -> bool:
        """Whether its profile, of the range extensions, allows no other."""
        return self.profile_idc >= 4 and bool(self.profile[6] & 0x20)


def set_id(unit: bytes) -> int:
    """The id of a VPS, SPS or PPS.

    Raises:
        ValueError: It is cut short.
    """
    kind = hevc_type(memoryview(unit))
    if kind == SPS:
        return parse_sps(unit).sps_id
    bits = BitReader(unescaped(unit[_HEADER_BYTES:]))
    return bits.number(_VPS_ID_BITS) if kind == VPS else bits.exp_golomb()


def parse_sps(unit: bytes) -> Sps:
    """Read a sequence parameter set of the base layer.

    Raises:
        ValueError: It is cut short.
    """
    bits = BitReader(unescaped(unit[_HEADER_BYTES:]))
    vps_id, layers, is_nested = bits.number(_VPS_ID_BITS), bits.number(3) + 1, bits.flag()
    profile = bits.number(_PROFILE_BITS + _LEVEL_BITS).to_bytes(12, "big")
    _skip_profiles_of_layers(bits, layers - 1)
    sps_id, chroma_format_idc = bits.exp_golomb(), bits.exp_golomb()
    if chroma_format_idc == _CHROMA_444:
        bits.flag()
    bits.exp_golomb()
    bits.exp_golomb()
    if bits.flag():
        for _ in range(4):
            bits.exp_golomb()
    depths = bits.exp_golomb() + 8, bits.exp_golomb() + 8
    bits.exp_golomb()
    # The last of the layers needs the most.
    buffered = 0
    for _ in range(layers if bits.flag() else 1):
        buffered = bits.exp_golomb() + 1
        bits.exp_golomb()
        bits.exp_golomb()
    return Sps(sps_id, vps_id, profile, layers, is_nested, chroma_format_idc, *depths, buffered)


def after_broken_link(unit: bytes) -> bytes:
    """A unit of a CRA picture as one of a BLA picture; others stay as they are.

    What a CRA picture follows may be known to those behind it. A BLA picture says that nothing is,
    so that other parameter sets may hold from there on, and that no leading pictures follow
    (ITU-T H.265, 8.1.3 and 7.4.2.2). Its slices are the same.
    """
    if hevc_type(memoryview(unit)) != HEVC_CRA:
        return unit
    return bytes([unit[0] & 0x81 | HEVC_BLA_N_LP << 1]) + unit[1:]


def _skip_profiles_of_layers(bits: BitReader, layers: int) -> None:
    """What ``profile_tier_level`` says of the lower temporal layers (7.3.3)."""
    if not layers:
        return
    said = [(bits.flag(), bits.flag()) for _ in range(8)][:layers]
    for has_profile, has_level in said:
        bits.number(_PROFILE_BITS * has_profile + _LEVEL_BITS * has_level)


@dataclass(frozen=True, slots=True)
class SetIds:
    """Ids for the parameter sets of an encoder that numbers all of them 0.

    Attributes:
        vps: 0 to 15.
        sps: 0 to 15.
        pps: One of ``SLICE_PPS_IDS``.
    """

    vps: int
    sps: int
    pps: int

    def apply(self, unit: bytes, profile: bytes) -> bytes:
        """A unit of the encoder with these ids.

        Of slices, whose data begins at a whole byte, nothing may move by less. The ids 15 to 30 are
        written with nine bits, where 0 has one. The second of the two bytes that hold them ends on
        a 1 of the id if that is even, and so is not 0: no byte has to be put in or taken out that
        keeps start codes from arising.

        Args:
            unit: Parameter set, slice, or something else, which stays as it is.
            profile: What parameter sets say in ``Sps.profile``.
        Raises:
            ValueError: It does not have the id 0.
        """
        kind = hevc_type(memoryview(unit))
        if kind in HEVC_SLICE_TYPES:
            return self._slice(unit, kind)
        if kind not in PARAMETER_SETS:
            return unit
        bits = _bits_of(unit)
        if kind == PPS:
            ids = 2 * _EXP_GOLOMB_ZERO
            _require(bits[16 : 16 + len(ids)] == ids)
            bits = bits[:16] + _exp_golomb(self.pps) + _exp_golomb(self.sps) + bits[18:]
            return _unit_of(bits)
        _require(bits[_VPS_ID_AT : _VPS_ID_AT + _VPS_ID_BITS] == "0000")
        if kind == SPS:
            id_at = _SPS_PROFILE_AT + 8 * len(profile)
            # Without temporal layers nothing else stands between.
            _require(parse_sps(unit).temporal_layers == 1 and bits[id_at] == _EXP_GOLOMB_ZERO)
            bits = bits[:id_at] + _exp_golomb(self.sps) + bits[id_at + 1 :]
        bits = _replaced(bits, _VPS_ID_AT, f"{self.vps:04b}")
        at = _VPS_PROFILE_AT if kind == VPS else _SPS_PROFILE_AT
        return _unit_of(_replaced(bits, at, _as_bits(profile)))

    def _slice(self, unit: bytes, kind: int) -> bytes:
        # Whether it is the first, and of IRAP pictures whether others are to be shown before.
        flags = 2 if kind in HEVC_IRAP_TYPES else 1
        bits = _as_bits(unit[_HEADER_BYTES : _HEADER_BYTES + 1])
        _require(bits[flags] == _EXP_GOLOMB_ZERO)
        bits = bits[:flags] + _exp_golomb(self.pps) + bits[flags + 1 :]
        return unit[:_HEADER_BYTES] + _as_bytes(bits) + unit[_HEADER_BYTES + 1 :]


def _require(holds: bool) -> None:
    if not holds:
        raise ValueError("the encoder numbers its parameter sets in another way")


def _bits_of(unit: bytes) -> str:
    """All bits of a parameter set up to the 1 that ends it (7.3.2.11)."""
    return _as_bits(unescaped(unit)).rstrip("0")[:-1]


def _unit_of(bits: str) -> bytes:
    bits += "1"
    return escaped(_as_bytes(bits.ljust(-(-len(bits) // 8) * 8, "0")))


def _as_bits(data: bytes) -> str:
    return "".join(f"{byte:08b}" for byte in data)


def _as_bytes(bits: str) -> bytes:
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


def _replaced(bits: str, at: int, new: str) -> str:
    return bits[:at] + new + bits[at + len(new) :]


def _exp_golomb(number: int) -> str:
    """Unsigned Exp-Golomb code (9.2)."""
    coded = f"{number + 1:b}"
    return "0" * (len(coded) - 1) + coded
