"""Where decoding can begin so that all that is shown from there on is right.

For copies, which are played by other decoders; ``packet_index`` has the stricter rule of a scan,
which also asks that nothing shown later stands before the point.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from heaters_pipeline.video.media.bit_reader import BitReader, unescaped
from heaters_pipeline.video.media.nal_units import (
    H264_IDR_SLICE,
    H264_SEI,
    HEVC_IRAP_TYPES,
    UnitReader,
    h264_type,
    hevc_type,
)
from heaters_pipeline.video.media.pyav import Packet

# The type of an SEI message (ITU-T H.264, D.1.1).
_RECOVERY_POINT = 6


def random_access_test(codec: str, extradata: bytes) -> Callable[[Packet], bool]:
    """For a stream, tell of a packet whether decoding can begin there.

    Containers call a frame of H.264 a key frame if it is an I-frame, too, although later frames
    may refer to what came before it, and FFmpeg does so where pictures are refreshed bit by bit
    and are right only some frames later. An IDR picture says for certain that nothing before it is
    needed. A recovery point says after how many frames pictures are right, and whether they are so
    exactly: here it has to be at once, and exactly. Of HEVC the slices say whether nothing before
    is needed (IRAP); what they leave undecodable is shown before them.

    Args:
        codec: FFmpeg's name.
        extradata: Of the stream.
    """
    says_unit = _SAYS_UNIT.get(codec)
    if says_unit is None:
        return lambda packet: packet.is_keyframe
    reader = UnitReader(codec, extradata)

    def is_random_access(packet: Packet) -> bool:
        if not packet.is_keyframe:
            return False
        said = (says_unit(unit) for unit in reader.units(memoryview(packet)) if unit)
        return next((word for word in said if word is not None), False)

    return is_random_access


def _h264_says(unit: memoryview) -> bool | None:
    """Whether decoding can begin with the packet of a unit; None if this one does not say."""
    kind = h264_type(unit)
    if kind == H264_IDR_SLICE:
        return True
    found = recovery_point(bytes(unit[1:])) if kind == H264_SEI else None
    return None if found is None else found.is_clean


def _hevc_says(unit: memoryview) -> bool | None:
    return True if hevc_type(unit) in HEVC_IRAP_TYPES else None


_SAYS_UNIT: Mapping[str, Callable[[memoryview], bool | None]] = {
    "h264": _h264_says,
    "hevc": _hevc_says,
}


@dataclass(frozen=True, slots=True)
class RecoveryPoint:
    """What a recovery point says (ITU-T H.264, D.2.8).

    Attributes:
        frames: After how many frames pictures are right, or nearly.
        is_exact: They are right bit for bit.
        is_broken: Pictures that follow refer to others than those that precede.
    """

    frames: int
    is_exact: bool
    is_broken: bool

    @property
    def is_clean(self) -> bool:
        """Whether all is right from there on."""
        return self.frames == 0 and self.is_exact and not self.is_broken


def recovery_point(messages: bytes) -> RecoveryPoint | None:
    """The recovery point among the messages of an SEI unit.

    Args:
        messages: The unit without its first byte (ITU-T H.264, 7.3.2.3), as it stands in the
            stream.
    """
    messages = unescaped(messages)
    at = 0
    while at + 2 <= len(messages):
        kind, at = _long_number(messages, at)
        size, at = _long_number(messages, at)
        if kind == _RECOVERY_POINT:
            return _recovery_point(messages[at : at + size])
        at += size
    return None


def _long_number(data: bytes, at: int) -> tuple[int, int]:
    """A number that goes on while its bytes are 255, and where it ends."""
    number = 0
    while at < len(data):
        number += data[at]
        at += 1
        if data[at - 1] != 0xFF:
            break
    return number, at


def _recovery_point(data: bytes) -> RecoveryPoint | None:
    bits = BitReader(data)
    try:
        return RecoveryPoint(frames=bits.exp_golomb(), is_exact=bits.flag(), is_broken=bits.flag())
    except ValueError:
        # It is cut short.
        return None
