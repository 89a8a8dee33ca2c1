"""The encoder of frames that stand in one H.264 track with copied ones.

Its stream asks of decoders what the source's does, and its parameter sets are the same for all
parts of all clips, whatever is encoded.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

import av.video.codeccontext
import av.video.frame

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.encoder_options import hdr_params, rate_params
from heaters_pipeline.video.clips.luma_quality import (
    CLOSE_PARAMS,
    QualityWatch,
    psnr_of_packet,
)
from heaters_pipeline.video.clips.part_encoder import PartPictures, as_part, encoder_header
from heaters_pipeline.video.media.avc_record import AvcRecord
from heaters_pipeline.video.media.h264_sets import PPS, SPS, parse_sps
from heaters_pipeline.video.media.hdr_metadata import HdrMetadata
from heaters_pipeline.video.media.nal_units import H264_SEI, delimited_units, h264_type, sized
from heaters_pipeline.video.media.pyav import Packet

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
class H264Parts:
    """What the encoded parts of a video have in common.

    Attributes:
        pictures: What is encoded.
        bits: Of a sample of luma.
        profile: FFmpeg's name.
        level_idc: Ten times the level.
        params: Of libx264: ids of the parameter sets, references, buffer and reordering.
        sets: The source's parameter sets.
        repeats_sets: Parts begin with those of the encoder, though the header has them: where
            Firefox meets some between pictures, as the source has them, it forgets the header's.
    """

    pictures: PartPictures
    bits: int
    profile: str
    level_idc: int
    params: Mapping[str, str]
    sets: AvcRecord
    repeats_sets: bool

    def encoder(
        self, crf: int, preset: str, threads: int, metadata: HdrMetadata, watch: QualityWatch
    ) -> "_Encoder":
        """As ``PartKind``."""
        width_px, height_px = self.pictures.size_px
        context = self._open(crf, preset, threads, metadata)
        repeated = tuple(_sets_of(context.extradata or b"")) if self.repeats_sets else ()
        return _Encoder(context, watch, self.bits, width_px * height_px, repeated)

    def _open(
        self, crf: int, preset: str, threads: int, metadata: HdrMetadata
    ) -> av.video.codeccontext.VideoCodecContext:
        params = {**self.params, **CLOSE_PARAMS, **hdr_params(metadata, "h264")}
        options = {
            "preset": preset,
            "crf": str(crf),
            "profile": self.profile,
            "level": str(self.level_idc),
            "x264-params": ":".join(f"{name}={value}" for name, value in params.items()),
        }
        return self.pictures.open_encoder("libx264", options, threads)

    def header(self, preset: str) -> bytes:
        """As ``PartKind``."""
        extradata = encoder_header(lambda: self._open(1, preset, 1, HdrMetadata()))
        units = [bytes(unit) for unit in delimited_units(memoryview(extradata)) if unit]
        return self.sets.with_sets(units).encode()

    def at_point(self, units: list[bytes], *, after_encoded: bool) -> list[bytes]:
        """As ``PartKind``: as they are."""
        return units


@dataclass(frozen=True, slots=True)
class _Encoder:
    context: av.video.codeccontext.VideoCodecContext
    watch: QualityWatch
    bits: int
    samples: int
    repeated: tuple[bytes, ...]

    def encode(self, picture: av.video.frame.VideoFrame | None) -> Iterator[Packet]:
        """As ``PartEncoder``."""
        for packet in self.context.encode(picture):
            self.watch.add(psnr_of_packet(packet, self.bits, self.samples))
            repeated = self.repeated if packet.is_keyframe else ()
            yield as_part(packet, sized(repeated) + as_sample(packet))


def h264_parts(
    pictures: PartPictures,
    sets: AvcRecord,
    reordering: int,
    *,
    is_even: bool,
    repeats_sets: bool,
) -> H264Parts:
    """How parts have to be encoded so that they can stand beside frames of the source.

    Args:
        pictures: Of the source.
        sets: Of the source.
        reordering: How many packets of the source come before another that is shown before them.
        is_even: All frames of the source last equally long.
        repeats_sets: The source has parameter sets between its pictures, too.
    Raises:
        ClipError: They cannot.
    """
    sps = parse_sps(sets.sps[0])
    if sps.profile_idc not in _PROFILES:
        raise ClipError(f"nothing is encoded in its profile ({sps.profile_idc})")
    if pictures.pixel_format not in _PIXEL_FORMATS:
        raise ClipError(f"nothing is encoded as {pictures.pixel_format}")
    if sps.profile_idc in _PROFILES_WITHOUT_B:
        reordering = 0
    has_pyramid = reordering >= _REORDERED_IN_PYRAMID
    buffered = max(sps.reference_frames, sps.buffered_frames or 0, 1)
    if has_pyramid:
        buffered = max(buffered, _BUFFERED_IN_PYRAMID)
    return H264Parts(
        pictures=pictures,
        bits=sps.bit_depth_luma,
        profile=_PROFILES[sps.profile_idc],
        level_idc=sps.level_idc,
        params={
            **rate_params(is_even=is_even),
            "sps-id": str(sets.free_id),
            "stitchable": "1",
            "bframes": str(_B_FRAMES if reordering else 0),
            "b-pyramid": "normal" if has_pyramid else "none",
            "ref": str(min(buffered, _MOST_REFERENCES)),
            "dpb-size": str(min(buffered, _MOST_BUFFERED)),
        },
        sets=sets,
        repeats_sets=repeats_sets,
    )


def _sets_of(extradata: bytes) -> Iterator[bytes]:
    for unit in delimited_units(memoryview(extradata)):
        if unit and h264_type(unit) in (SPS, PPS):
            yield bytes(unit)


def as_sample(packet: Packet) -> bytes:
    """The content of an encoder's packet as MP4 has it, without what stands in the header."""
    return sized(_wanted_units(memoryview(packet)))


def _wanted_units(content: memoryview) -> Iterator[memoryview]:
    for unit in delimited_units(content):
        kind = h264_type(unit)
        is_user_data = kind == H264_SEI and unit[1] == _USER_DATA
        if kind not in (SPS, PPS, _ACCESS_UNIT_DELIMITER) and not is_user_data:
            yield unit
