"""Whether reference frames of H.264 are missing, told by how the numbers in its slices follow.

A decoder conceals what is lost, and then gives other frames, or fewer, than there are packets.
"""

from collections.abc import Iterable

from heaters_pipeline.video.media.avc_record import AvcRecord
from heaters_pipeline.video.media.bit_reader import BitReader
from heaters_pipeline.video.media.h264_sets import parse_sps
from heaters_pipeline.video.media.nal_units import H264_IDR_SLICE, H264_SLICE, h264_type

# The numbers that are read fit, with what is before them.
_HEADER_BYTES = 24


class FrameNumbers:
    """Follows ``frame_num`` (ITU-T H.264, 7.4.3) from packet to packet.

    It goes up by one after each reference frame, and begins anew at an IDR picture. The second
    field of a frame repeats it.
    """

    def __init__(self, extradata: bytes) -> None:
        """Begin.

        Args:
            extradata: Of the stream; where it cannot be read, no gap is found.
        """
        self._expected: int | None = None
        self._may_repeat = False
        try:
            sets = [parse_sps(unit) for unit in AvcRecord.parse(extradata).sps]
        except ValueError:
            sets = []
        kinds = {(sps.frame_num_bits, sps.has_colour_planes, sps.frames_only) for sps in sets}
        self._bits, self._has_planes, self._frames_only = (
            kinds.pop() if len(kinds) == 1 else (0, False, True)
        )

    def follow(self, units: Iterable[memoryview]) -> bool:
        """Take the units of the next packet; False if a reference frame is missing before it."""
        if not self._bits:
            return True
        for unit in units:
            if unit and h264_type(unit) in (H264_SLICE, H264_IDR_SLICE):
                return self._follow(unit)
        return True

    def _follow(self, unit: memoryview) -> bool:
        try:
            number = self._number_in(unit)
        except ValueError:
            # It is cut short.
            return False
        is_reference = (unit[0] >> 5) & 3 > 0
        expected, repeated = self._expected, self._may_repeat
        self._expected = (number + is_reference) % (1 << self._bits)
        self._may_repeat = is_reference and not self._frames_only
        if expected is None or h264_type(unit) == H264_IDR_SLICE or number == expected:
            return True
        return repeated and (number + 1) % (1 << self._bits) == expected

    def _number_in(self, unit: memoryview) -> int:
        bits = BitReader.of_unit(bytes(unit[:_HEADER_BYTES]))
        for _ in ("first_mb_in_slice", "slice_type", "pic_parameter_set_id"):
            bits.exp_golomb()
        if self._has_planes:
            bits.number(2)
        return bits.number(self._bits)
