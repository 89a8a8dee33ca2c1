"""Small clips whose pictures say which frame they are, so that a tile can be asked.

The number stands as eight bars, white for 1, the highest bit on the left; a red strip lies along
the bottom, so that a picture that is turned or mirrored wrongly is noticed.
"""

import struct
from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

RATE = 25
CLOCKWISE = (0, 1 << 16, -1 << 16, 0)


def numbered_picture(number: int, size_px: tuple[int, int]) -> Picture:
    """The picture of one frame, BGR."""
    width_px, height_px = size_px
    bits = [number >> bit & 1 for bit in range(7, -1, -1)]
    bars = np.repeat(np.array(bits, np.uint8) * 255, width_px // 8)
    picture = np.zeros((height_px, width_px, 3), np.uint8)
    picture[:, : len(bars)] = bars[np.newaxis, :, np.newaxis]
    picture[height_px * 3 // 4 :] = (0, 0, 255)
    return picture


def number_in(picture: Picture) -> int:
    """The number that an upright picture shows."""
    height_px, width_px = picture.shape[:2]
    strip = picture[height_px * 7 // 8].mean(axis=0)
    assert strip[2] > 180, f"no red strip at the bottom: {strip}"
    assert strip[0] < 80, f"no red strip at the bottom: {strip}"
    middles = (np.arange(8) * 2 + 1) * (width_px // 8) // 2
    bits = picture[height_px // 3, middles].mean(axis=1) > 127
    return int("".join(str(int(bit)) for bit in bits), 2)


def load(path: Path) -> Picture:
    """A picture file as BGR."""
    picture = cv2.imdecode(np.frombuffer(path.read_bytes(), np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(np.uint8, copy=False)


def write_numbered(
    path: Path,
    frames: int,
    *,
    size_px: tuple[int, int] = (128, 96),
    pts: Sequence[int] | None = None,
    gop_frames: int = 12,
    b_frames: int = 2,
    sample_aspect_ratio: Fraction | None = None,
) -> Path:
    """Encode frames numbered from 0, at 25 frames a second unless ``pts`` says otherwise."""
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=RATE)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height = size_px
        stream.pix_fmt = "yuv420p"
        stream.gop_size = gop_frames
        stream.max_b_frames = b_frames
        stream.options = {"preset": "ultrafast", "bf": str(b_frames), "crf": "20"}
        if sample_aspect_ratio is not None:
            stream.codec_context.sample_aspect_ratio = sample_aspect_ratio
        for number in range(frames):
            frame = av.VideoFrame.from_ndarray(numbered_picture(number, size_px), format="bgr24")
            frame.pts = number if pts is None else pts[number]
            frame.time_base = Fraction(1, RATE)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def turn(path: Path, matrix: tuple[int, int, int, int]) -> Path:
    """Write ``a b c d`` of a display matrix into the only track of an MP4."""
    data = bytearray(path.read_bytes())
    start = data.index(b"tkhd") + 44
    a, b, c, d = matrix
    data[start : start + 36] = struct.pack(">9i", a, b, 0, c, d, 0, 0, 0, 1 << 30)
    path.write_bytes(data)
    return path


def cut_by_copying(source: Path, target: Path, start: int) -> Path:
    """Copy a video from frame ``start`` on, with the frames before it hidden by the edit list.

    The source must have no B-frames.
    """
    with av.open(str(source)) as opened, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(opened.streams.video[0])
        packets = list(_from_intra_before(opened, start))
        first_pts = packets[start - packets[0][0]][1].pts
        for _, packet in packets:
            assert packet.pts is not None
            assert packet.dts is not None
            assert first_pts is not None
            packet.pts -= first_pts
            packet.dts -= first_pts
            packet.stream = stream
            container.mux(packet)
    return target


def _from_intra_before(
    source: av.container.InputContainer, start: int
) -> "Iterator[tuple[int, av.Packet[av.VideoStream]]]":
    packets = [packet for packet in source.demux(source.streams.video[0]) if packet.size]
    intra = max(index for index in range(start + 1) if packets[index].is_keyframe)
    yield from enumerate(packets[intra:], intra)


def damage(path: Path, frames: range) -> Path:
    """Overwrite the packets of some frames; the file keeps its length and its index."""
    data = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(container.streams.video[0]) if packet.size]
    for packet in packets[frames.start : frames.stop]:
        assert packet.pos is not None
        data[packet.pos : packet.pos + packet.size] = b"\xff" * packet.size
    path.write_bytes(data)
    return path
