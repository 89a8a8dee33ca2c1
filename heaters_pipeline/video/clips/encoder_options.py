"""How libx264 and libx265 are told what to encode, and what to say of it in the stream."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, cast

import av.video.frame
import av.video.stream
import numpy as np

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.encoder_frames import ClipPictures
from heaters_pipeline.video.clips.mp4_writer import ClipWriter
from heaters_pipeline.video.clips.settings import ClipSettings, Codec
from heaters_pipeline.video.media.hdr_metadata import MasteringDisplay
from heaters_pipeline.video.media.packet_reader import SourceReader

_ENCODERS: Mapping[Codec, str] = {"h264": "libx264", "hevc": "libx265"}
_HDR_PARAMS: Mapping[Codec, tuple[str, str]] = {
    "h264": ("mastering-display", "cll"),
    "hevc": ("master-display", "max-cll"),
}
# What Apple's players ask of HEVC in MP4; FFmpeg would write hev1.
_HEVC_TAG = "hvc1"
# With so few frames or fewer, libx265 gives decoding times that it never wrote.
_HEVC_REORDERED_FRAMES = 2
# Of less than 50 pixels in width libx265 writes beyond its memory, which may end the process.
_HEVC_LEAST_PX = (64, 16)
# Units of HEVC's and H.264's messages.
_CHROMATICITY_STEPS, _NIT_STEPS = 50_000, 10_000


def add_video(
    writer: ClipWriter,
    reader: SourceReader,
    first: av.video.frame.VideoFrame,
    pictures: ClipPictures,
    settings: ClipSettings,
    *,
    frames: int,
    threads: int,
) -> av.video.stream.VideoStream:
    """Add the stream that a clip's pictures are encoded into.

    Args:
        writer: Of the clip.
        reader: The open source.
        first: The first frame, as it is stored in the source.
        pictures: What is encoded.
        settings: Quality, speed and codec.
        frames: How many the clip has.
        threads: How many the encoder may use; 0 for as many as there are cores.
    Raises:
        ClipError: The encoder does not take such small pictures.
    """
    if settings.codec == "hevc":
        _require_size_for_hevc(pictures.size_px)
    encoder = _ENCODERS[settings.codec]
    params = _hevc_params(frames, threads) if settings.codec == "hevc" else {}
    params |= _told_params(pictures, settings.codec)
    options = {
        "crf": str(settings.crf),
        "preset": settings.preset,
        f"{encoder.removeprefix('lib')}-params": ":".join(
            f"{name}={value}" for name, value in params.items()
        ),
    }
    rate = reader.info.frame_rate or Fraction(25)
    video = cast(
        "av.video.stream.VideoStream",
        writer.container.add_stream(encoder, rate=rate, options=options),
    )
    writer.describe(video, reader.video)
    context = video.codec_context
    context.width, context.height = pictures.size_px
    context.pix_fmt = pictures.pixel_format
    context.time_base = reader.info.time_base
    context.sample_aspect_ratio = reader.info.sample_aspect_ratio
    context.color_primaries = pictures.colours.primaries
    context.color_trc = pictures.colours.transfer
    context.colorspace = pictures.colours.matrix
    context.color_range = pictures.colours.range
    context.thread_count = threads
    # PyAV's default cuts every picture into slices, which costs quality.
    context.thread_type = "FRAME"
    if settings.codec == "hevc":
        context.codec_tag = _HEVC_TAG
    matrix: Any = first.side_data.get("DISPLAYMATRIX")
    if matrix:
        video.set_display_matrix(np.frombuffer(matrix, np.int32).tolist())
    return video


def _require_size_for_hevc(size_px: tuple[int, int]) -> None:
    if any(side < least for side, least in zip(size_px, _HEVC_LEAST_PX, strict=True)):
        raise ClipError(
            f"pictures of {size_px[0]}x{size_px[1]} are too small for libx265, which needs "
            f"{_HEVC_LEAST_PX[0]}x{_HEVC_LEAST_PX[1]}; use codec=h264"
        )


def _hevc_params(frames: int, threads: int) -> dict[str, str]:
    params = {"log-level": "none"}
    if threads:
        # Without a pool it starts no threads but those of FFmpeg's setting.
        params["pools"] = str(threads) if threads > 1 else "none"
    if frames <= _HEVC_REORDERED_FRAMES:
        params["bframes"] = "0"
    return params


def _told_params(pictures: ClipPictures, codec: Codec) -> dict[str, str]:
    params: dict[str, str] = {}
    screen_name, light_name = _HDR_PARAMS[codec]
    if pictures.field_order:
        params[pictures.field_order] = "1"
    if pictures.facts.screen:
        params[screen_name] = _coded(pictures.facts.screen)
    if light := pictures.facts.light:
        params[light_name] = f"{light.most_nits},{light.most_average_nits}"
    return params


def _coded(screen: MasteringDisplay) -> str:
    points = {"G": screen.green, "B": screen.blue, "R": screen.red, "WP": screen.white}
    chromaticities = "".join(
        f"{name}({round(x * _CHROMATICITY_STEPS)},{round(y * _CHROMATICITY_STEPS)})"
        for name, (x, y) in points.items()
    )
    most, least = (round(nits * _NIT_STEPS) for nits in (screen.most_nits, screen.least_nits))
    return f"{chromaticities}L({most},{least})"
