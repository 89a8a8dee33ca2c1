"""What encoders of frames that stand in one track with copied ones have in common.

``h264_parts`` and ``hevc_parts`` are such.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Literal, Protocol

import av
import av.codec.context
import av.error
import av.video.codeccontext
import av.video.frame
import av.video.stream

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.encoder_frames import ColourTags
from heaters_pipeline.video.clips.luma_quality import QualityWatch
from heaters_pipeline.video.media.ffmpeg_resources import raise_if_shortage
from heaters_pipeline.video.media.hdr_metadata import HdrMetadata
from heaters_pipeline.video.media.probe import DEFAULT_FRAME_RATE, VideoInfo
from heaters_pipeline.video.media.pyav import Packet


@dataclass(frozen=True, slots=True)
class PartPictures:
    """The pictures of a source, which nothing converts.

    Attributes:
        size_px: (width, height).
        pixel_format: FFmpeg's name.
        time_base: Of the source.
        rate: Frames a second.
        sample_aspect_ratio: Width of a pixel over its height.
        colours: What the source says of them.
    """

    size_px: tuple[int, int]
    pixel_format: str
    time_base: Fraction
    rate: Fraction
    sample_aspect_ratio: Fraction
    colours: ColourTags

    @classmethod
    def of(cls, video: av.video.stream.VideoStream, info: VideoInfo) -> "PartPictures":
        """Those of a source.

        Args:
            video: Its stream.
            info: Of the source.
        """
        context = video.codec_context
        return cls(
            size_px=(info.width_px, info.height_px),
            pixel_format=info.pixel_format,
            time_base=info.time_base,
            rate=info.frame_rate or DEFAULT_FRAME_RATE,
            sample_aspect_ratio=info.sample_aspect_ratio,
            colours=ColourTags(
                context.color_primaries, context.color_trc, context.colorspace, context.color_range
            ),
        )

    def open_encoder(
        self, name: Literal["libx264", "libx265"], options: Mapping[str, str], threads: int
    ) -> av.video.codeccontext.VideoCodecContext:
        """Open an encoder of them; libx264 measures how much it differs from what it is given.

        Args:
            name: FFmpeg's.
            options: Of the encoder.
            threads: How many it may use; 0 for as many as there are cores.
        """
        context = av.CodecContext.create(name, "w")
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
        context.flags |= flags.global_header
        if name == "libx264":
            # FFmpeg passes nothing on of what libx265 measures.
            context.flags |= flags.psnr
        context.options = dict(options)
        context.open()
        return context


def encoder_header(
    open_encoder: Callable[[], av.video.codeccontext.VideoCodecContext],
) -> bytes:
    """The parameter sets of an encoder, as it writes them.

    Raises:
        ClipError: It does not take what the source's stream is.
    """
    try:
        return open_encoder().extradata or b""
    except av.error.FFmpegError as error:
        raise_if_shortage(error)
        raise ClipError(f"the encoder does not take its kind of stream: {error}") from error


def as_part(packet: Packet, content: bytes) -> Packet:
    """An encoder's packet with other content."""
    part = av.Packet(content)
    part.is_keyframe, part.pts = packet.is_keyframe, packet.pts
    return part


class PartEncoder(Protocol):
    """Encodes one part of a clip."""

    def encode(self, picture: av.video.frame.VideoFrame | None) -> Iterator[Packet]:
        """Take the next picture, or None after the last one.

        Returns:
            Packets as MP4 has them, with presentation timestamps, in decoding order.
        Raises:
            TooFarError: What was encoded is not close enough to the source.
            ClipError: It cannot be done; the message says why.
        """


class PartKind(Protocol):
    """What the encoded parts of a video have in common."""

    @property
    def pictures(self) -> PartPictures:
        """What is encoded."""

    def header(self, preset: str) -> bytes:
        """``avcC`` or ``hvcC`` with the parameter sets of the source and of all encoded parts.

        Raises:
            ClipError: The encoder does not take what the source's stream is.
        """

    def encoder(
        self, crf: int, preset: str, threads: int, metadata: HdrMetadata, watch: QualityWatch
    ) -> PartEncoder:
        """Begin a part.

        Args:
            crf: Constant rate factor.
            preset: Of libx264 or libx265.
            threads: How many it may use; 0 for as many as there are cores.
            metadata: Of the pictures.
            watch: Is told how close each picture is to what it was made of.
        """

    def at_point(self, units: list[bytes], *, after_encoded: bool) -> list[bytes]:
        """The units of a copied picture at which decoding can begin, as joined clips have them.

        Args:
            units: As the source has them.
            after_encoded: It follows encoded pictures.
        """
