"""Interlaced sources: each frame has its number, and a square that moves from field to field."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.video.plane
import av.video.stream
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags
from av.filter import Graph

from heaters_pipeline_tests.videos import Picture, make_picture

_GROUND, _SQUARE = 50, 230
_SQUARE_PX, _SQUARE_TOP_PX, _STEP_PX = 32, 16, 4


def make_interlaced_video(
    path: Path,
    frames: int,
    field_order: str,
    *,
    codec: str,
    size_px: tuple[int, int] = (160, 96),
    pixel_format: str = "yuv420p",
    bit_rate: str = "8M",
) -> Path:
    """Write frames of two fields each, which ``frame_number_of`` and ``square_left_px`` can tell.

    Args:
        path: File to write.
        frames: How many.
        field_order: ``tff`` or ``bff``: which field of a frame comes first.
        codec: Name of FFmpeg's encoder.
        size_px: (width, height).
        pixel_format: As stored.
        bit_rate: Of other encoders than libx264.
    """
    with av.open(str(path), "w") as container:
        x264 = {"crf": "8", "preset": "ultrafast", "x264-params": f"{field_order}=1"}
        options = x264 if codec == "libx264" else {"b": bit_rate}
        stream = cast(
            "av.video.stream.VideoStream", container.add_stream(codec, rate=25, options=options)
        )
        stream.width, stream.height = size_px
        stream.pix_fmt = pixel_format
        if codec != "libx264":
            stream.codec_context.flags |= Flags.interlaced_dct | Flags.interlaced_me
        for number, woven in enumerate(_woven(frames, field_order, size_px)):
            frame = woven.reformat(format=pixel_format)
            frame.pts, frame.time_base = number, Fraction(1, 25)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _woven(frames: int, field_order: str, size_px: tuple[int, int]) -> Iterator[av.VideoFrame]:
    first_row = 0 if field_order == "tff" else 1
    graph = Graph()
    source = graph.add(
        "buffer", f"video_size={size_px[0]}x{size_px[1]}:pix_fmt=yuv420p:time_base=1/25"
    )
    sink = graph.add("buffersink")
    # PyAV itself cannot say which field of a frame comes first.
    graph.link_nodes(source, graph.add("setfield", field_order), sink).configure()
    for number in range(frames):
        fields = [
            av.VideoFrame.from_ndarray(_picture(number, late, size_px), "bgr24").reformat(
                format="yuv420p"
            )
            for late in (0, 1)
        ]
        frame = av.VideoFrame(*size_px, "yuv420p")
        for late, field in enumerate(fields):
            rows = slice((first_row + late) % 2, None, 2)
            for plane, wanted in zip(field.planes, frame.planes, strict=True):
                rows_of(wanted)[rows] = rows_of(plane)[rows]
        frame.pts, frame.time_base = number, Fraction(1, 25)
        source.push(frame)
        yield cast("av.VideoFrame", sink.pull())


def _picture(number: int, late: int, size_px: tuple[int, int]) -> Picture:
    picture = make_picture(number, 0, size_px)
    below = picture[size_px[1] // 5 :]
    below[:] = _GROUND
    left_px = square_left_of_field(2 * number + late)
    below[_SQUARE_TOP_PX : _SQUARE_TOP_PX + _SQUARE_PX, left_px : left_px + _SQUARE_PX] = _SQUARE
    return picture


def square_left_of_field(field: int) -> int:
    """Where the square begins in a field, counted from 0 in the order of time."""
    return 4 + _STEP_PX * field


def square_left_px(luma: npt.NDArray[np.uint8]) -> tuple[int, int]:
    """Where the square begins in the even rows and in the odd rows of a frame's luma."""
    top = luma.shape[0] // 5 + _SQUARE_TOP_PX + 4
    middle = luma[top : top + _SQUARE_PX - 8]
    even, odd = (middle[row::2].mean(axis=0) > (_GROUND + _SQUARE) / 2 for row in (0, 1))
    if top % 2:
        even, odd = odd, even
    return int(even.argmax()), int(odd.argmax())


def rows_of(plane: av.video.plane.VideoPlane) -> npt.NDArray[np.uint8]:
    """The samples of an 8-bit plane: (height, width) uint8, on the same memory."""
    rows: npt.NDArray[np.uint8] = np.asarray(plane).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]
