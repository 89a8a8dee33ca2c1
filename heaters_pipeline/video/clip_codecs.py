"""How libx264 and libx265 are told what to encode, and what to say of it in the stream."""

from collections.abc import Mapping
from fractions import Fraction
from typing import Any, cast

import av.video.frame
import av.video.stream
import numpy as np

from heaters_pipeline.video.clip_file import ClipWriter
from heaters_pipeline.video.clip_interlaced import shows_bottom_first
from heaters_pipeline.video.clip_pictures import ClipPictures
from heaters_pipeline.video.clip_record import ClipSettings, Codec
from heaters_pipeline.video.clip_source import SourceReader
from heaters_pipeline.video.hdr_facts import HdrFacts, MasteringDisplay

_ENCODERS: Mapping[Codec, str] = {"h264": "libx264", "hevc": "libx265"}
_HDR_PARAMS: Mapping[Codec, tuple[str, str]] = {
    "h264": ("mastering-display", "cll"),
    "hevc": ("master-display", "max-cll"),
}
# What Apple's players ask of HEVC in MP4; FFmpeg would write hev1.
_HEVC_TAG = "hvc1"
# Units of HEVC's and H.264's messages.
_CHROMATICITY_STEPS, _NIT_STEPS = 50_000, 10_000


def add_video(
    writer: ClipWriter,
    reader: SourceReader,
    first: av.video.frame.VideoFrame,
    facts: HdrFacts,
    pictures: ClipPictures,
    time_base: Fraction,
    settings: ClipSettings,
    threads: int,
) -> av.video.stream.VideoStream:
    """Add the stream that a clip's pictures are encoded into.

    Args:
        writer: Of the clip.
        reader: The open source.
        first: The first frame, as it is stored in the source.
        facts: What is told of the video's brightness.
        pictures: What is encoded.
        time_base: Of the source.
        settings: Quality, speed and codec.
        threads: How many the encoder may use; 0 for as many as there are cores.
    """
    encoder = _ENCODERS[settings.codec]
    options = {
        "crf": str(settings.crf),
        "preset": settings.preset,
        f"{encoder.removeprefix('lib')}-params": _params(first, facts, pictures, settings, threads),
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
    context.time_base = time_base
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


def _params(
    first: av.video.frame.VideoFrame,
    facts: HdrFacts,
    pictures: ClipPictures,
    settings: ClipSettings,
    threads: int,
) -> str:
    params = {}
    if pictures.is_interlaced:
        params["bff" if shows_bottom_first(first) else "tff"] = "1"
    if settings.codec == "hevc":
        params["log-level"] = "none"
        if threads:
            # Without a pool it starts no threads but those of FFmpeg's setting.
            params["pools"] = str(threads) if threads > 1 else "none"
    if not pictures.is_tone_mapped:
        screen_name, light_name = _HDR_PARAMS[settings.codec]
        if facts.screen:
            params[screen_name] = _coded(facts.screen)
        if facts.light:
            params[light_name] = f"{facts.light.most_nits},{facts.light.most_average_nits}"
    return ":".join(f"{name}={value}" for name, value in params.items())


def _coded(screen: MasteringDisplay) -> str:
    points = {"G": screen.green, "B": screen.blue, "R": screen.red, "WP": screen.white}
    chromaticities = "".join(
        f"{name}({round(x * _CHROMATICITY_STEPS)},{round(y * _CHROMATICITY_STEPS)})"
        for name, (x, y) in points.items()
    )
    most, least = (round(nits * _NIT_STEPS) for nits in (screen.most_nits, screen.least_nits))
    return f"{chromaticities}L({most},{least})"
