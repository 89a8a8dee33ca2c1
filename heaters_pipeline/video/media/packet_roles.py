"""What a packet is to others, told by its headers: whether other frames are decoded from it."""

from collections.abc import Callable
from dataclasses import dataclass

from heaters_pipeline.video.media.nal_units import (
    H264_IDR_SLICE,
    H264_SLICE,
    HEVC_IRAP_TYPES,
    HEVC_SLICE_TYPES,
    START_CODE,
    UnitReader,
    h264_type,
    hevc_type,
)
from heaters_pipeline.video.media.pyav import Packet

# What starts a picture in MPEG-1 and 2, and in MPEG-4 part 2, and how each numbers B pictures.
_MPEG12_PICTURE = START_CODE + b"\x00"
_MPEG12_B_PICTURE = 3
_MPEG4_PICTURE = START_CODE + b"\xb6"
_MPEG4_B_PICTURE = 2


@dataclass(frozen=True, slots=True)
class Role:
    """What a packet is to others: referred to, a random access point, and its temporal layer."""

    is_reference: bool
    is_random_access: bool
    layer: int = 0


def role_test(codec: str, extradata: bytes) -> Callable[[Packet], Role]:
    """For a stream, tell the role of each packet."""
    if codec == "h264":
        return _UnitRoles(codec, extradata, _h264_role)
    if codec == "hevc":
        return _UnitRoles(codec, extradata, _hevc_role)
    if codec in ("mpeg1video", "mpeg2video"):
        return _mpeg12_role
    if codec == "mpeg4":
        return _mpeg4_role
    return lambda packet: Role(True, packet.is_keyframe)


class _UnitRoles:
    """Look at the first slice of an H.264 or HEVC packet."""

    def __init__(
        self, codec: str, extradata: bytes, role_of: Callable[[memoryview], Role | None]
    ) -> None:
        self._reader = UnitReader(codec, extradata)
        self._role_of = role_of

    def __call__(self, packet: Packet) -> Role:
        for unit in self._reader.units(memoryview(packet)):
            if found := self._role_of(unit):
                return found
        # Nothing that is understood: keep it, and do not start there.
        return Role(is_reference=True, is_random_access=False)


def _h264_role(unit: memoryview) -> Role | None:
    if not unit or h264_type(unit) not in (H264_SLICE, H264_IDR_SLICE):
        return None
    nal_ref_idc = (unit[0] >> 5) & 3
    return Role(nal_ref_idc > 0, is_random_access=h264_type(unit) == H264_IDR_SLICE)


def _hevc_role(unit: memoryview) -> Role | None:
    if len(unit) < 2 or hevc_type(unit) not in HEVC_SLICE_TYPES:
        return None
    kind = hevc_type(unit)
    return Role(
        # Even types below 16 are referred to by no frame of their own temporal layer.
        is_reference=kind >= HEVC_IRAP_TYPES.start or kind % 2 == 1,
        is_random_access=kind in HEVC_IRAP_TYPES,
        layer=unit[1] & 7,
    )


def _mpeg12_role(packet: Packet) -> Role:
    # After the start code: ten bits of temporal_reference, three of picture_coding_type.
    header = _bytes_after(_MPEG12_PICTURE, packet, 2)
    kind = (header[1] >> 3) & 7 if header else 0
    return Role(kind != _MPEG12_B_PICTURE, packet.is_keyframe)


def _mpeg4_role(packet: Packet) -> Role:
    header = _bytes_after(_MPEG4_PICTURE, packet, 1)
    kind = header[0] >> 6 if header else 0
    return Role(kind != _MPEG4_B_PICTURE, packet.is_keyframe)


def _bytes_after(start_code: bytes, packet: Packet, count: int) -> bytes | None:
    """The bytes after the first start code of a kind, None where it or some of them are missing."""
    data = bytes(packet)
    code_at = data.find(start_code)
    at = code_at + len(start_code)
    return data[at : at + count] if code_at >= 0 and at + count <= len(data) else None
