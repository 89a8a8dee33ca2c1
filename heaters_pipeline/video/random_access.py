"""Where decoding can begin so that all that is shown from there on is right."""

from collections.abc import Callable

from heaters_pipeline.video.file_verdict import Packet
from heaters_pipeline.video.nal_units import UnitReader

_H264_SEI, _H264_IDR = 6, 5
_RECOVERY_POINT = 6
_UNIT_TYPE = 0x1F


def random_access_test(codec: str, extradata: bytes) -> Callable[[Packet], bool]:
    """For a stream, tell of a packet whether decoding can begin there.

    Containers call a frame of H.264 a key frame if it is an I-frame, too, although later frames
    may refer to what came before it, and FFmpeg does so where pictures are refreshed bit by bit
    and are right only some frames later. An IDR picture says for certain that nothing before it is
    needed, and a recovery point says after how many frames that is so: here, none is allowed.

    Args:
        codec: FFmpeg's name.
        extradata: Of the stream.
    """
    if codec != "h264":
        return lambda packet: packet.is_keyframe
    reader = UnitReader(codec, extradata)

    def is_random_access(packet: Packet) -> bool:
        if not packet.is_keyframe:
            return False
        for unit in reader.units(memoryview(packet)):
            kind = unit[0] & _UNIT_TYPE if unit else None
            if kind == _H264_IDR:
                return True
            if kind == _H264_SEI and (frames := recovery_frames(bytes(unit[1:]))) is not None:
                return frames == 0
        return False

    return is_random_access


def recovery_frames(messages: bytes) -> int | None:
    """After how many frames pictures are right, if messages of an SEI unit tell it.

    Args:
        messages: The unit without its first byte (ITU-T H.264, 7.3.2.3).
    """
    at = 0
    while at + 2 <= len(messages):
        kind, at = _long_number(messages, at)
        size, at = _long_number(messages, at)
        if kind == _RECOVERY_POINT:
            # No zeros that were escaped can stand before what is read of so short a message.
            return _exp_golomb(messages[at : at + size])
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


def _exp_golomb(data: bytes) -> int | None:
    bits = "".join(f"{byte:08b}" for byte in data)
    zeros = bits.find("1")
    if zeros < 0 or len(bits) < 2 * zeros + 1:
        return None
    return int(bits[zeros : 2 * zeros + 1], 2) - 1
