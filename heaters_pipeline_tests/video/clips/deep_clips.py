"""HDR and other sources of 10 bits, whose every sample is known."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.video.stream
import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[np.float64]
"""(height, width, 3) red, green, blue from 0 to 1, as it is stored."""

MASTERING = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(40000000,50)"
CONTENT_LIGHT = "1200,400"

_BT2020_WEIGHTS = np.array([0.2627, 0.6780, 0.0593])
_TICK = Fraction(1, 1000)


@dataclass(frozen=True, slots=True)
class Colours:
    """FFmpeg's numbers for primaries, transfer, matrix and range."""

    primaries: int
    transfer: int
    matrix: int
    range: int = 1


PQ, HLG, SDR = Colours(9, 16, 9), Colours(9, 18, 9), Colours(1, 1, 1)


def yuv_of(signal: Signal) -> list[npt.NDArray[np.uint16]]:
    """10-bit planes of BT.2020, chroma of every second pixel."""
    luma = signal @ _BT2020_WEIGHTS
    blue, red = (signal[..., 2] - luma) / 1.8814, (signal[..., 0] - luma) / 1.4746
    planes = (64 + 876 * luma, 512 + 896 * blue[::2, ::2], 512 + 896 * red[::2, ::2])
    return [np.rint(plane).astype(np.uint16) for plane in planes]


def signal_of(planes: Sequence[npt.NDArray[np.uint16]]) -> Signal:
    """What 10-bit planes of ``yuv_of`` hold after rounding."""
    luma = (planes[0] - 64.0) / 876
    blue, red = (np.kron((plane - 512.0) / 896, np.ones((2, 2))) for plane in planes[1:])
    channels = [luma + 1.4746 * red, np.empty_like(luma), luma + 1.8814 * blue]
    weights = _BT2020_WEIGHTS
    channels[1] = (luma - weights[0] * channels[0] - weights[2] * channels[2]) / weights[1]
    return np.stack(channels, axis=-1)


def frame_of(planes: Sequence[npt.NDArray[np.uint16]], colours: Colours) -> av.VideoFrame:
    """A frame of 10 bits with these samples."""
    height, width = planes[0].shape
    frame = av.VideoFrame(width, height, "yuv420p10le")
    for plane, samples in zip(frame.planes, planes, strict=True):
        rows = np.asarray(plane).view(np.uint16).reshape(-1, plane.line_size // 2)
        rows[: samples.shape[0], : samples.shape[1]] = samples
    frame.color_primaries, frame.color_trc = colours.primaries, colours.transfer
    frame.colorspace, frame.color_range = colours.matrix, colours.range
    return frame


def make_deep_video(
    path: Path,
    signals: Sequence[Signal],
    colours: Colours,
    *,
    codec: str = "libx265",
    params: str = "",
    pts_ms: Sequence[int] | None = None,
    options: dict[str, str] | None = None,
) -> Path:
    """Write 10-bit frames, nearly without loss."""
    with av.open(str(path), "w") as container:
        quiet = "log-level=none:" if codec == "libx265" else ""
        stream = cast(
            "av.video.stream.VideoStream",
            container.add_stream(
                codec,
                rate=25,
                options={
                    "crf": "1",
                    "preset": "ultrafast",
                    f"{codec.removeprefix('lib')}-params": (quiet + params).strip(":"),
                    **(options or {}),
                },
            ),
        )
        context = stream.codec_context
        stream.height, stream.width = signals[0].shape[:2]
        stream.pix_fmt = "yuv420p10le"
        context.color_primaries, context.color_trc = colours.primaries, colours.transfer
        context.colorspace, context.color_range = colours.matrix, colours.range
        context.time_base = _TICK
        for number, signal in enumerate(signals):
            frame = frame_of(yuv_of(signal), colours)
            frame.pts = pts_ms[number] if pts_ms else 40 * number
            frame.time_base = _TICK
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def ramps(frames: int, *, size_px: tuple[int, int] = (160, 96)) -> list[Signal]:
    """Grey from black to white in 16 steps, brighter by a little from frame to frame."""
    width, height = size_px
    steps = np.arange(width) * 16 // width / 16
    return [
        np.broadcast_to((steps + number / 400)[None, :, None], (height, width, 3)).copy()
        for number in range(frames)
    ]
