"""The encoder of frames that stand in one H.264 track with copied ones.

Its stream asks of decoders what the source's does, and its parameter sets are the same for all
parts of all clips, whatever is encoded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction

import av.codec.context
import av.error
import av.video.codeccontext
import av.video.stream

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.encoder_frames import ColourTags
from heaters_pipeline.video.clips.encoder_options import hdr_params, rate_params
from heaters_pipeline.video.clips.luma_quality import CLOSE_PARAMS
from heaters_pipeline.video.clips.source_packets import SourcePackets
from heaters_pipeline.video.media.avc_record import AvcRecord
from heaters_pipeline.video.media.ffmpeg_resources import raise_if_shortage
from heaters_pipeline.video.media.h264_sets import PPS, SPS
from heaters_pipeline.video.media.hdr_metadata import HdrMetadata
from heaters_pipeline.video.media.nal_units import H264_SEI, delimited_units, h264_type, sized
from heaters_pipeline.video.media.probe import DEFAULT_FRAME_RATE, VideoInfo
from heaters_pipeline.video.media.pyav import Packet
from heaters_pipeline.video.media.timing import Span, Timeline

_PROFILES: Mapping[int, str] = {
    66: "baseline",
    77: "main",
    100: "high",
    110: "high10",
    122: "high422",
    244: "high444",
}
_PROFILES_WITHOUT_B = frozenset({66})
_PIXEL_FORMATS = frozenset(
    f"yuv{kind}" for kind in ("420p", "422p", "444p", "420p10le", "422p10le", "444p10le")
) | frozenset(f"yuvj{kind}" for kind in ("420p", "422p", "444p"))
_B_FRAMES = 3
# With pyramids x264 reorders two frames, without one.
_REORDERED_IN_PYRAMID = 2
_BUFFERED_IN_PYRAMID = 4
_MOST_REFERENCES, _MOST_BUFFERED = 3, 16
_ACCESS_UNIT_DELIMITER = 9
# What x264 says of itself; decoders that know a version of it mend what it did wrong, and the
# source may be of another one.
_USER_DATA = 5


@dataclass(frozen=True, slots=True)
class PartKind:
    """What the encoded parts of a video have in common.

    Attributes:
        size_px: (width, height).
        pixel_format: Of the source; nothing is converted.
        time_base: Of the source.
        rate: Frames a second.
        sample_aspect_ratio: Width of a pixel over its height.
        colours: What the source says of them.
        profile: FFmpeg's name.
        level_idc: Ten times the level.
        params: Of libx264: ids of the parameter sets, references, buffer and reordering.
        sets: The source's parameter sets.
    """

    size_px: tuple[int, int]
    pixel_format: str
    time_base: Fraction
    rate: Fraction
    sample_aspect_ratio: Fraction
    colours: ColourTags
    profile: str
    level_idc: int
    params: Mapping[str, str]
    sets: AvcRecord

    def encoder(
        self, crf: float, preset: str, threads: int, metadata: HdrMetadata
    ) -> av.video.codeccontext.VideoCodecContext:
        """Open an encoder, which measures how much it differs from what it is given.

        Args:
            crf: Constant rate factor.
            preset: Of libx264.
            threads: How many it may use; 0 for as many as there are cores.
            metadata: Of the pictures.
        """
        params = {**self.params, **CLOSE_PARAMS, **hdr_params(metadata, "h264")}
        context = av.CodecContext.create("libx264", "w")
        context.width, context.height = self.size_px
        context.pix_fmt = self.pixel_format
        context.time_base, context.framerate = self.time_base, self.rate
        context.sample_aspect_ratio = self.sample_aspect_ratio
        context.color_primaries = self.colours.primaries
        context.color_trc = self.colours.transfer
        context.colorspace = self.colours.matrix
        context.color_range = self.colours.range
        context.thread_count = threads
        # PyAV 18 asks for slices by default, which cost quality.
        context.thread_type = "FRAME"
        flags = av.codec.context.Flags
        context.flags |= flags.global_header | flags.psnr
        context.options = {
            "preset": preset,
            "crf": str(crf),
            "profile": self.profile,
            "level": str(self.level_idc),
            "x264-params": ":".join(f"{name}={value}" for name, value in params.items()),
        }
        context.open()
        return context

    def header(self, preset: str) -> bytes:
        """``avcC`` with the parameter sets of the source and of all encoded parts.

        Raises:
            ClipError: The encoder does not take what the source's stream is.
        """
        try:
            extradata = self.encoder(1, preset, 1, HdrMetadata()).extradata or b""
        except av.error.FFmpegError as error:
            raise_if_shortage(error)
            raise ClipError(f"the encoder does not take its kind of stream: {error}") from error
        units = [bytes(unit) for unit in delimited_units(memoryview(extradata)) if unit]
        return self.sets.with_sets(units).encode()


def part_kind(
    video: av.video.stream.VideoStream, info: VideoInfo, packets: SourcePackets, timeline: Timeline
) -> PartKind:
    """How parts have to be encoded so that they can stand beside frames of the source.

    Args:
        video: The source's stream.
        info: Of the source.
        packets: Of the source.
        timeline: Of the source.
    Raises:
        ClipError: They cannot.
    """
    sets, sps = packets.sets, packets.sps
    if packets.join_refusal or sets is None or sps is None:
        raise ClipError(packets.join_refusal or "it is not H.264")
    if sps.profile_idc not in _PROFILES:
        raise ClipError(f"nothing is encoded in its profile ({sps.profile_idc})")
    if info.pixel_format not in _PIXEL_FORMATS:
        raise ClipError(f"nothing is encoded as {info.pixel_format}")
    reordering = 0 if sps.profile_idc in _PROFILES_WITHOUT_B else packets.reordering
    has_pyramid = reordering >= _REORDERED_IN_PYRAMID
    buffered = max(sps.reference_frames, sps.buffered_frames or 0, 1)
    if has_pyramid:
        buffered = max(buffered, _BUFFERED_IN_PYRAMID)
    context = video.codec_context
    return PartKind(
        size_px=(info.width_px, info.height_px),
        pixel_format=info.pixel_format,
        time_base=info.time_base,
        rate=info.frame_rate or DEFAULT_FRAME_RATE,
        sample_aspect_ratio=info.sample_aspect_ratio,
        colours=ColourTags(
            context.color_primaries, context.color_trc, context.colorspace, context.color_range
        ),
        profile=_PROFILES[sps.profile_idc],
        level_idc=sps.level_idc,
        params={
            **rate_params(is_even=timeline.is_even(Span(0, timeline.frames))),
            "sps-id": str(sets.free_id),
            "stitchable": "1",
            "bframes": str(_B_FRAMES if reordering else 0),
            "b-pyramid": "normal" if has_pyramid else "none",
            "ref": str(min(buffered, _MOST_REFERENCES)),
            "dpb-size": str(min(buffered, _MOST_BUFFERED)),
        },
        sets=sets,
    )


def as_sample(packet: Packet) -> bytes:
    """The content of an encoder's packet as MP4 has it, without what stands in the header."""
    return sized(_wanted_units(memoryview(packet)))


def _wanted_units(content: memoryview) -> Iterator[memoryview]:
    for unit in delimited_units(content):
        kind = h264_type(unit)
        is_user_data = kind == H264_SEI and unit[1] == _USER_DATA
        if kind not in (SPS, PPS, _ACCESS_UNIT_DELIMITER) and not is_user_data:
            yield unit
