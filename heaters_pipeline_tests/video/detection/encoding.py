"""Encode pictures in all the ways in which the same film can be delivered."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import av.video.stream
import numpy as np
import numpy.typing as npt
from av.codec.context import Flags

from heaters_pipeline_tests.video.detection.moving_shots import Picture
from heaters_pipeline_tests.videos import scheduled_as_before

_DEFAULT_OPTIONS: Mapping[str, Mapping[str, str]] = {"libx264": {"preset": "veryfast"}}
_BT2020, _PQ, _BT2020_MATRIX = 9, 16, 9
_LIMITED_RANGE, _FULL_RANGE = 1, 2
_SDR_WHITE_NITS = 203


@dataclass(frozen=True, slots=True)
class Encoding:
    """How a film is delivered.

    Attributes:
        codec: FFmpeg's name of the encoder.
        options: Of the encoder; libx264 is fast where none are given.
        pixel_format: As stored.
        frame_rate: Nominal, in frames a second.
        suffix: Of the file, which decides on the container.
        rotation_degrees: Counter-clockwise turn that the file asks players for.
        full_range: Whether black is 0 rather than 16.
        hdr: Whether colours are BT.2020 and brightness is PQ, with white at 203 nits.
        interlaced: Whether two fields of each picture are coded, the upper one shown first.
    """

    codec: str = "libx264"
    options: Mapping[str, str] = field(default_factory=dict)
    pixel_format: str = "yuv420p"
    frame_rate: int = 25
    suffix: str = ".mp4"
    rotation_degrees: int = 0
    full_range: bool = False
    hdr: bool = False
    interlaced: bool = False


@scheduled_as_before()
def encode(
    path: Path,
    pictures: Sequence[Picture],
    encoding: Encoding | None = None,
    *,
    times_seconds: Sequence[Fraction] | None = None,
) -> Path:
    """Encode pictures, shown at these times or else at a constant rate.

    Returns:
        The file: ``path`` with the suffix of the encoding.
    """
    encoding = encoding or Encoding()
    path = path.with_suffix(encoding.suffix)
    time_base = Fraction(1, 1000) if times_seconds else Fraction(1, encoding.frame_rate)
    with av.open(str(path), "w") as container:
        stream = container.add_stream(encoding.codec, encoding.frame_rate)
        assert isinstance(stream, av.video.stream.VideoStream)
        _prepare(stream, encoding, time_base)
        stream.height, stream.width = pictures[0].shape[:2]
        for number, picture in enumerate(pictures):
            frame = _frame(picture, encoding)
            frame.pts = round(times_seconds[number] / time_base) if times_seconds else number
            frame.time_base = time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def _prepare(stream: av.video.stream.VideoStream, encoding: Encoding, time_base: Fraction) -> None:
    context = stream.codec_context
    stream.pix_fmt = encoding.pixel_format
    stream.time_base = context.time_base = time_base
    stream.options = {**_DEFAULT_OPTIONS.get(encoding.codec, {}), **encoding.options}
    # Slices cost quality at their edges, and a number of threads that depends on the machine
    # would make other files on each.
    context.thread_type, context.thread_count = "FRAME", 2
    context.color_range = _FULL_RANGE if encoding.full_range else _LIMITED_RANGE
    if encoding.hdr:
        context.color_primaries, context.color_trc = _BT2020, _PQ
        context.colorspace = _BT2020_MATRIX
    if encoding.interlaced:
        context.flags |= Flags.interlaced_dct | Flags.interlaced_me
    if encoding.rotation_degrees:
        stream.set_display_rotation(encoding.rotation_degrees)


def _frame(picture: Picture, encoding: Encoding) -> av.VideoFrame:
    if encoding.hdr:
        frame = av.VideoFrame.from_ndarray(_hdr(picture), format="rgb48le")
    else:
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
    return frame.reformat(
        format=encoding.pixel_format,
        dst_colorspace=_BT2020_MATRIX if encoding.hdr else None,
        dst_color_range=_FULL_RANGE if encoding.full_range else _LIMITED_RANGE,
    )


def _hdr(picture: Picture) -> npt.NDArray[np.uint16]:
    """BT.2020 with PQ (SMPTE ST 2084) of a picture in BT.709: (height, width, 3) uint16 RGB."""
    to_bt2020 = np.array(
        [[0.6274, 0.3293, 0.0433], [0.0691, 0.9195, 0.0114], [0.0164, 0.0880, 0.8956]]
    )
    linear = (picture[..., ::-1] / 255.0) ** 2.4 @ to_bt2020.T
    share = (linear * _SDR_WHITE_NITS / 10_000).clip(0, 1) ** 0.1593017578125
    coded = ((0.8359375 + 18.8515625 * share) / (1 + 18.6875 * share)) ** 78.84375
    return np.asarray(np.rint(coded * 65535), np.uint16)
