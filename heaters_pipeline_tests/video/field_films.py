"""H.264 of which each field is a picture of its own (PAFF), which no encoder of FFmpeg writes.

Written bit by bit after ITU-T H.264, 7.3: every macroblock is I_PCM, so that the samples stand in
the stream as they are. Every picture is an I picture, every twelfth an IDR picture.
"""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt

from heaters_pipeline_tests.videos import make_picture

SIZE_PX = (160, 96)
GOP_FRAMES = 12
FIELD = Fraction(1, 50)

Plane = npt.NDArray[np.uint8]

_DELIMITER = b"\0\0\0\1\x09\xf0"
_I_PCM = "000011010"


def make_field_film(path: Path, frames: int, *, packet_a_field: bool) -> Path:
    """Write a video of numbered frames.

    Args:
        path: File to write; its suffix decides on the container.
        frames: How many.
        packet_a_field: Each field is a packet, with its own time; else both are one.
    """
    raw = path.with_suffix(".h264")
    raw.write_bytes(b"".join(first + second for first, second in _coded(frames)))
    with av.open(str(raw)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0], opaque=True)
        for number, (first, second) in enumerate(_coded(frames)):
            parts = [first, second] if packet_a_field else [first + second]
            for position, part in enumerate(parts):
                packet = av.Packet(part)
                packet.pts = packet.dts = 2 * number + position
                packet.duration, packet.time_base = 2 // len(parts), FIELD
                packet.is_keyframe = number % GOP_FRAMES == 0 and position == 0
                packet.stream = stream
                target.mux(packet)
    return path


def _coded(frames: int) -> Iterator[tuple[bytes, bytes]]:
    width, height = SIZE_PX
    for number in range(frames):
        picture = av.VideoFrame.from_ndarray(make_picture(number, 0, SIZE_PX), "bgr24")
        samples = picture.reformat(format="yuv420p").to_ndarray()
        chroma = samples[height:].reshape(2, height // 2, width // 2)
        planes = (samples[:height], chroma[0], chroma[1])
        first, second = (
            _field(tuple(plane[parity::2] for plane in planes), number, parity) for parity in (0, 1)
        )
        sets = _parameter_sets() if number % GOP_FRAMES == 0 else b""
        yield _DELIMITER + sets + first, _DELIMITER + second


def _parameter_sets() -> bytes:
    width, height = SIZE_PX
    # Main profile; 4 bits of frame_num, 8 of the order; fields are allowed.
    sequence = _ue(0) + _ue(0) + _ue(0) + _ue(4) + _ue(1) + "0"
    sequence += _ue(width // 16 - 1) + _ue(height // 32 - 1) + "001" + "00"
    picture = _ue(0) * 2 + "00" + _ue(0) * 3 + "000" + _ue(0) * 3 + "100"
    return _unit(0x67, bytes([77, 0, 30]) + _ended(sequence)) + _unit(0x68, _ended(picture))


def _field(planes: tuple[Plane, ...], number: int, parity: int) -> bytes:
    is_idr = number % GOP_FRAMES == 0 and parity == 0
    bits = _ue(0) + _ue(7) + _ue(0) + f"{number % GOP_FRAMES:04b}" + f"1{parity}"
    bits += _ue(number // GOP_FRAMES % 2) if is_idr else ""
    bits += (
        f"{2 * (number % GOP_FRAMES) + parity:08b}" + ("00" if is_idr else "0") + _ue(0) + _ue(1)
    )
    coded = b""
    luma = planes[0]
    for row in range(luma.shape[0] // 16):
        for column in range(luma.shape[1] // 16):
            coded += _bytes(bits + _I_PCM)
            bits = ""
            for plane, side in zip(planes, (16, 8, 8), strict=True):
                block = plane[side * row :, side * column :][:side, :side]
                coded += block.tobytes()
    return _unit(0x65 if is_idr else 0x61, coded + b"\x80")


def _ue(number: int) -> str:
    """Exp-Golomb code (9.1)."""
    digits = f"{number + 1:b}"
    return "0" * (len(digits) - 1) + digits


def _ended(bits: str) -> bytes:
    return _bytes(bits + "1")


def _bytes(bits: str) -> bytes:
    bits += "0" * (-len(bits) % 8)
    return bytes(int(bits[at : at + 8], 2) for at in range(0, len(bits), 8))


def _unit(head: int, content: bytes) -> bytes:
    """A unit with its start code, in which no other start code appears (7.4.1)."""
    escaped = bytearray()
    for byte in content:
        if byte <= 3 and escaped[-2:] == b"\0\0":
            escaped.append(3)
        escaped.append(byte)
    return b"\0\0\0\1" + bytes([head]) + bytes(escaped)
