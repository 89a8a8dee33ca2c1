"""The options of libx264 and libx265: what to encode, and what the stream says of it.

What users choose is ``settings``'; here it becomes what the libraries take, with their limits.
"""

from collections.abc import Mapping
from typing import cast

import av.codec.context
import av.video.frame
import av.video.stream
import numpy as np

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.encoder_frames import ClipPictures
from heaters_pipeline.video.clips.luma_quality import CLOSE_PARAMS
from heaters_pipeline.video.clips.mp4_writer import HEVC_TAG
from heaters_pipeline.video.clips.settings import Codec
from heaters_pipeline.video.clips.task import ClipTask
from heaters_pipeline.video.media.hdr_metadata import HdrMetadata, MasteringDisplay
from heaters_pipeline.video.media.picture_boxes import crop_of, picture_boxes
from heaters_pipeline.video.media.probe import DEFAULT_FRAME_RATE, VideoInfo
from heaters_pipeline.video.media.pyav import side_data_of

_ENCODERS: Mapping[Codec, str] = {"h264": "libx264", "hevc": "libx265"}
_HDR_PARAMS: Mapping[Codec, tuple[str, str]] = {
    "h264": ("mastering-display", "cll"),
    "hevc": ("master-display", "max-cll"),
}
# With so few frames or fewer, libx265 gives decoding times that it never wrote.
_HEVC_REORDERED_FRAMES = 2
# Of less than 50 pixels in width libx265 writes beyond its memory, which may end the process.
HEVC_LEAST_PX = (64, 16)
_KEPT_BOXES = frozenset({b"st3d", b"sv3d"})
# Units of HEVC's and H.264's messages.
_CHROMATICITY_STEPS, _NIT_STEPS = 50_000, 10_000


def add_video(
    task: ClipTask,
    first: av.video.frame.VideoFrame,
    pictures: ClipPictures,
    *,
    threads: int,
    measured: bool = False,
    cropped: bool = False,
) -> av.video.stream.VideoStream:
    """Add the stream that a clip's pictures are encoded into.

    Args:
        task: What is to be made.
        first: The first frame, as it is stored in the source.
        pictures: What is encoded.
        threads: How many the encoder may use; 0 for as many as there are cores.
        measured: Packets of libx264 say how close they are to what was encoded, which is as close
            as can be for their size.
        cropped: The pictures are cut to what the source shows of them.
    Raises:
        ClipError: The encoder does not take such small pictures.
    """
    settings, writer, info = task.settings, task.writer, task.reader.info
    if settings.codec == "hevc":
        _require_size_for_hevc(pictures.size_px)
    if settings.codec == "hevc":
        params = _hevc_params(len(task.span), threads)
    else:
        params = rate_params(is_even=task.timeline.is_even(task.span))
    params |= _described_params(pictures, settings.codec) | (dict(CLOSE_PARAMS) if measured else {})
    encoder = _ENCODERS[settings.codec]
    options = {
        "crf": str(settings.crf),
        "preset": settings.preset,
        f"{encoder.removeprefix('lib')}-params": ":".join(
            f"{name}={value}" for name, value in params.items()
        ),
    }
    if settings.codec == "hevc":
        # Closed captions, which libx264 writes unasked.
        options["a53cc"] = "1"
    rate = info.frame_rate or DEFAULT_FRAME_RATE
    video = cast(
        "av.video.stream.VideoStream",
        writer.container.add_stream(encoder, rate=rate, options=options),
    )
    writer.describe(video, task.reader.video)
    _set_picture_kind(video, pictures, info)
    context = video.codec_context
    if measured:
        context.flags |= av.codec.context.Flags.psnr
    context.thread_count = threads
    # PyAV 18 asks for slices by default, which cost quality.
    context.thread_type = "FRAME"
    if settings.codec == "hevc":
        context.codec_tag = HEVC_TAG
    _describe(task, video.index, None if cropped else pictures.size_px)
    if matrix := side_data_of(first, "DISPLAYMATRIX"):
        video.set_display_matrix(np.frombuffer(matrix, np.int32).tolist())
    return video


def _describe(task: ClipTask, stream_index: int, whole_px: tuple[int, int] | None) -> None:
    """What no encoder says of pictures: their crop, and how they lie on a sphere or in pairs.

    Args:
        task: What is to be made.
        stream_index: Of the pictures.
        whole_px: Their size if the crop is to be said.
    """
    boxes = picture_boxes(task.reader.video)
    if whole_px and (crop := crop_of(task.reader.video)):
        task.writer.describe_pictures(stream_index, crop.clean_aperture(*whole_px))
    for kind in _KEPT_BOXES & boxes.keys():
        task.writer.describe_pictures(stream_index, boxes[kind])


def _set_picture_kind(
    video: av.video.stream.VideoStream, pictures: ClipPictures, info: VideoInfo
) -> None:
    context = video.codec_context
    context.width, context.height = pictures.size_px
    context.pix_fmt = pictures.pixel_format
    context.time_base = info.time_base
    context.sample_aspect_ratio = info.sample_aspect_ratio
    context.color_primaries = pictures.colours.primaries
    context.color_trc = pictures.colours.transfer
    context.colorspace = pictures.colours.matrix
    context.color_range = pictures.colours.range


def _require_size_for_hevc(size_px: tuple[int, int]) -> None:
    if any(side < least for side, least in zip(size_px, HEVC_LEAST_PX, strict=True)):
        raise ClipError(
            f"pictures of {size_px[0]}x{size_px[1]} are too small for libx265, which needs "
            f"{HEVC_LEAST_PX[0]}x{HEVC_LEAST_PX[1]}; use codec=h264"
        )


def _hevc_params(frames: int, threads: int) -> dict[str, str]:
    params = {"log-level": "none"}
    if threads:
        # Without a pool it starts no threads but those of FFmpeg's setting.
        params["pools"] = str(threads) if threads > 1 else "none"
    if frames <= _HEVC_REORDERED_FRAMES:
        params["bframes"] = "0"
    return params


def rate_params(*, is_even: bool) -> dict[str, str]:
    """What tells libx264 to write the frame rate into the stream, where there is one.

    It writes the time base of the pictures by itself; by that libraries of FFmpeg up to 5.1 take
    each frame to last no time, so that the last one is missing in the length.
    """
    return {"force-cfr": "1"} if is_even else {}


def _described_params(pictures: ClipPictures, codec: Codec) -> dict[str, str]:
    params: dict[str, str] = {}
    if pictures.field_order:
        params[pictures.field_order] = "1"
    return params | hdr_params(pictures.hdr_metadata, codec)


def hdr_params(metadata: HdrMetadata, codec: Codec) -> dict[str, str]:
    """What tells libx264 or libx265 the HDR metadata of the pictures."""
    params: dict[str, str] = {}
    display_name, light_name = _HDR_PARAMS[codec]
    if display := metadata.mastering_display:
        params[display_name] = _coded(display)
    if light := metadata.content_light:
        params[light_name] = f"{light.max_cll_nits},{light.max_fall_nits}"
    return params


def _coded(display: MasteringDisplay) -> str:
    points = {"G": display.green, "B": display.blue, "R": display.red, "WP": display.white}
    chromaticities = "".join(
        f"{name}({round(x * _CHROMATICITY_STEPS)},{round(y * _CHROMATICITY_STEPS)})"
        for name, (x, y) in points.items()
    )
    most, least = (round(nits * _NIT_STEPS) for nits in (display.max_nits, display.min_nits))
    return f"{chromaticities}L({most},{least})"
