"""What the units of H.264 and HEVC say of a source: its parameter sets, and where others may hold.

Fed with the packets in the order of the file.
"""

from typing import Protocol

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.media.avc_record import SIZE_BYTES, AvcRecord
from heaters_pipeline.video.media.h264_sets import PPS, SPS, parse_sps
from heaters_pipeline.video.media.hevc_record import HevcRecord
from heaters_pipeline.video.media.hevc_sets import PARAMETER_SETS
from heaters_pipeline.video.media.nal_units import (
    H264_IDR_SLICE,
    H264_SLICE,
    HEVC_IRAP_TYPES,
    HEVC_SLICE_TYPES,
    UnitReader,
    h264_type,
    hevc_layer,
    hevc_type,
    without_zeros,
)
from heaters_pipeline.video.media.pyav import Packet

_OTHER_SIZES = "the sizes of its units do not have four bytes"
_NO_FREE_ID = "its parameter sets have all ids"
# Types that H.265 leaves to others, and Dolby Vision takes.
_DOLBY_VISION_TYPES = frozenset({62, 63})
# A message of HDR10+ (SMPTE ST 2094-40) in units of messages before a picture: country, provider,
# its code, application.
_MESSAGES, _HDR10_PLUS = 39, b"\xb5\x00\x3c\x00\x01\x04"
# In the first byte of a slice of HEVC behind the header: pictures before it need not be shown.
_NO_OUTPUT_OF_PRIOR = 0x40


class SourceUnits(Protocol):
    """Looks at the units of a stream."""

    @property
    def sets(self) -> AvcRecord | HevcRecord | None:
        """All parameter sets, in the header or between pictures; None where they are not known."""

    @property
    def refusal(self) -> str | None:
        """Why nothing can be joined with the stream."""

    @property
    def repeats_sets(self) -> bool:
        """Parameter sets stand between pictures, too."""

    def note(self, packet: Packet) -> bool:
        """Take the next packet; True if other parameter sets may hold from there on.

        Raises:
            ClipError: What it needs changes, so that it cannot be copied.
        """


def source_units(codec: str, extradata: bytes) -> SourceUnits | None:
    """For a stream; None for codecs without parameter sets.

    Args:
        codec: FFmpeg's name.
        extradata: Of the stream.
    Raises:
        ClipError: The stream cannot be copied.
    """
    if codec == "h264":
        return _H264Units(extradata)
    return _HevcUnits(extradata) if codec == "hevc" else None


class _H264Units:
    def __init__(self, extradata: bytes) -> None:
        self._reader = UnitReader("h264", extradata)
        try:
            self.sets = AvcRecord.parse(extradata)
            parse_sps(self.sets.sps[0])
        except ValueError as error:
            raise ClipError(f"the source cannot be copied: {error}") from error
        self._seen: set[bytes] = {*self.sets.sps, *self.sets.pps}
        self.repeats_sets = False

    @property
    def refusal(self) -> str | None:
        """As ``SourceUnits``."""
        if self.sets.size_bytes != SIZE_BYTES:
            return _OTHER_SIZES
        if any(not parse_sps(unit).frames_only for unit in self.sets.sps):
            return "its pictures may consist of fields"
        return _NO_FREE_ID if self.sets.free_id is None else None

    def note(self, packet: Packet) -> bool:
        """As ``SourceUnits``: at IDR pictures."""
        for unit in self._reader.units(memoryview(packet)):
            kind = h264_type(unit) if unit else 0
            if kind in (SPS, PPS):
                self.repeats_sets = True
                if (content := without_zeros(unit)) not in self._seen:
                    self._add(content)
            if kind in (H264_SLICE, H264_IDR_SLICE):
                return kind == H264_IDR_SLICE
        return False

    def _add(self, unit: bytes) -> None:
        self._seen.add(unit)
        try:
            self.sets = self.sets.with_sets([unit])
        except ValueError as error:
            raise ClipError(f"the source cannot be copied: {error}") from error


class _HevcUnits:
    """Where nothing can be joined, clean spans are copied all the same, as the source has them."""

    def __init__(self, extradata: bytes) -> None:
        self._reader = UnitReader("hevc", extradata)
        self._trouble: str | None = None
        self.sets: HevcRecord | None = None
        # Joined clips have them between pictures anyway.
        self.repeats_sets = True
        self._seen: set[bytes] = set()
        try:
            self.sets = HevcRecord.parse(extradata)
            self._seen.update(self.sets.units)
            if self.sets.sps.is_interlaced:
                self._trouble = "its pictures are fields, or made of two"
        except ValueError as error:
            self._trouble = str(error)

    @property
    def refusal(self) -> str | None:
        """As ``SourceUnits``."""
        if self._trouble or self.sets is None:
            return self._trouble
        if self.sets.size_bytes != SIZE_BYTES:
            return _OTHER_SIZES
        return _NO_FREE_ID if self.sets.free_ids is None else None

    def note(self, packet: Packet) -> bool:
        """As ``SourceUnits``: at IRAP pictures, since CRA pictures are made BLA pictures."""
        switches: bool | None = None
        for unit in self._reader.units(memoryview(packet)):
            if len(unit) < 3:
                continue
            kind = hevc_type(unit)
            if hevc_layer(unit):
                self._trouble = "it has more than one layer"
            elif kind in _DOLBY_VISION_TYPES:
                self._trouble = "encoded frames would lack its Dolby Vision"
            elif kind == _MESSAGES and _HDR10_PLUS in bytes(unit):
                self._trouble = "encoded frames would lack its HDR10+"
            elif kind in PARAMETER_SETS and (content := without_zeros(unit)) not in self._seen:
                self._add(content)
            elif kind in HEVC_SLICE_TYPES and switches is None:
                switches = kind in HEVC_IRAP_TYPES and not unit[2] & _NO_OUTPUT_OF_PRIOR
        return bool(switches)

    def _add(self, unit: bytes) -> None:
        self._seen.add(unit)
        try:
            self.sets = self.sets and self.sets.with_sets([unit])
        except ValueError as error:
            self._trouble = str(error)
