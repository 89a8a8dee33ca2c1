"""Parameter sets of H.264: their ids, and what decides which other stream may stand beside theirs.

Read bit by bit as ITU-T H.264 writes them in 7.3.2.1 (SPS), 7.3.2.2 (PPS) and E.1 (VUI).
"""

from dataclasses import dataclass

from heaters_pipeline.video.media.bit_reader import BitReader
from heaters_pipeline.video.media.nal_units import h264_type

SPS, PPS = 7, 8
"""Types of the units that hold them (ITU-T H.264, table 7-1)."""

_EXTENDED_SAR = 255
# Profiles whose SPS says more of samples: 7.3.2.1.1.
_PROFILES_WITH_CHROMA = frozenset({44, 83, 86, 100, 110, 118, 122, 128, 134, 135, 138, 139, 244})
_CHROMA_444 = 3


@dataclass(frozen=True, slots=True)
class Sps:
    """What a sequence parameter set says.

    Attributes:
        sps_id: 0 to 31.
        profile_idc: Such as 100 for High.
        level_idc: Ten times the level.
        chroma_format_idc: 0 grey, 1 4:2:0, 2 4:2:2, 3 4:4:4.
        bit_depth_luma: 8 to 14.
        bit_depth_chroma: 8 to 14.
        has_colour_planes: The three kinds of samples are coded as pictures of their own.
        has_scaling_matrices: It holds scaling lists.
        frame_num_bits: How many bits the number of a frame has in its slices.
        order_count_type: In which of three ways slices tell the order of pictures.
        reference_frames: How many frames a decoder keeps for reference at most.
        frames_only: No picture is a field, no macroblock is coded as two.
        reordered_frames: How many frames may precede another in decoding and follow it in
            presentation; None where it is not said.
        buffered_frames: The decoded picture buffer that the stream needs, in frames; None where it
            is not said.
    """

    sps_id: int
    profile_idc: int
    level_idc: int
    chroma_format_idc: int
    bit_depth_luma: int
    bit_depth_chroma: int
    has_colour_planes: bool
    has_scaling_matrices: bool
    frame_num_bits: int
    order_count_type: int
    reference_frames: int
    frames_only: bool
    reordered_frames: int | None
    buffered_frames: int | None


def set_id(unit: bytes) -> int:
    """The id of an SPS or PPS.

    Raises:
        ValueError: It is cut short.
    """
    bits = BitReader.of_unit(unit)
    if h264_type(memoryview(unit)) == SPS:
        # Profile, constraints and level.
        bits.number(24)
    return bits.exp_golomb()


def parse_sps(unit: bytes) -> Sps:
    """Read a sequence parameter set.

    Raises:
        ValueError: It is cut short.
    """
    bits = BitReader.of_unit(unit)
    profile_idc = bits.number(8)
    bits.number(8)
    level_idc = bits.number(8)
    sps_id = bits.exp_golomb()
    chroma_format_idc, depth_luma, depth_chroma = 1, 8, 8
    has_colour_planes = has_scaling_matrices = False
    if profile_idc in _PROFILES_WITH_CHROMA:
        chroma_format_idc = bits.exp_golomb()
        if chroma_format_idc == _CHROMA_444:
            has_colour_planes = bits.flag()
        depth_luma, depth_chroma = 8 + bits.exp_golomb(), 8 + bits.exp_golomb()
        bits.flag()
        has_scaling_matrices = bits.flag()
        if has_scaling_matrices:
            _skip_scaling_matrices(bits, 12 if chroma_format_idc == _CHROMA_444 else 8)
    frame_num_bits = bits.exp_golomb() + 4
    order_count_type = _order_count_type(bits)
    reference_frames = bits.exp_golomb()
    bits.flag()
    bits.exp_golomb()
    bits.exp_golomb()
    frames_only = bits.flag()
    if not frames_only:
        bits.flag()
    bits.flag()
    if bits.flag():
        for _ in range(4):
            bits.exp_golomb()
    reordered, buffered = _vui_buffering(bits) if bits.flag() else (None, None)
    return Sps(
        sps_id=sps_id,
        profile_idc=profile_idc,
        level_idc=level_idc,
        chroma_format_idc=chroma_format_idc,
        bit_depth_luma=depth_luma,
        bit_depth_chroma=depth_chroma,
        has_colour_planes=has_colour_planes,
        has_scaling_matrices=has_scaling_matrices,
        frame_num_bits=frame_num_bits,
        order_count_type=order_count_type,
        reference_frames=reference_frames,
        frames_only=frames_only,
        reordered_frames=reordered,
        buffered_frames=buffered,
    )


def _skip_scaling_matrices(bits: BitReader, count: int) -> None:
    for number in range(count):
        if bits.flag():
            last = following = 8
            for _ in range(16 if number < 6 else 64):
                if following:
                    following = (last + bits.signed_exp_golomb()) % 256
                last = following or last


def _order_count_type(bits: BitReader) -> int:
    """``pic_order_cnt_type``; what depends on it is skipped."""
    kind = bits.exp_golomb()
    if kind == 0:
        bits.exp_golomb()
    elif kind == 1:
        bits.flag()
        bits.signed_exp_golomb()
        bits.signed_exp_golomb()
        for _ in range(bits.exp_golomb()):
            bits.signed_exp_golomb()
    return kind


def _vui_buffering(bits: BitReader) -> tuple[int | None, int | None]:
    """``max_num_reorder_frames`` and ``max_dec_frame_buffering`` (E.1.1)."""
    if bits.flag() and bits.number(8) == _EXTENDED_SAR:
        bits.number(32)
    if bits.flag():
        bits.flag()
    if bits.flag():
        bits.number(4)
        if bits.flag():
            bits.number(24)
    if bits.flag():
        bits.exp_golomb()
        bits.exp_golomb()
    if bits.flag():
        bits.number(65)
    has_hrd = False
    for _ in range(2):
        if bits.flag():
            has_hrd = True
            _skip_hrd(bits)
    if has_hrd:
        bits.flag()
    bits.flag()
    if not bits.flag():
        return None, None
    bits.flag()
    for _ in range(4):
        bits.exp_golomb()
    return bits.exp_golomb(), bits.exp_golomb()


def _skip_hrd(bits: BitReader) -> None:
    """Parameters of the hypothetical reference decoder (E.1.2)."""
    count = bits.exp_golomb() + 1
    bits.number(8)
    for _ in range(count):
        bits.exp_golomb()
        bits.exp_golomb()
        bits.flag()
    bits.number(20)
