"""The encoder of frames that stand in one HEVC track with copied ones.

libx265 numbers its parameter sets 0, and measures nothing that FFmpeg passes on: units get other
ids, and pictures are decoded again as soon as they are encoded. Parameter sets stand in the header,
and again wherever decoding can begin, since Firefox knows no more than one of each kind at a time.
"""

from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import av
import av.video.codeccontext
import av.video.frame

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.encoder_options import HEVC_LEAST_PX, hdr_params
from heaters_pipeline.video.clips.luma_quality import QualityWatch, psnr_of_pictures
from heaters_pipeline.video.clips.part_encoder import PartPictures, as_part, encoder_header
from heaters_pipeline.video.media.hdr_metadata import HdrMetadata
from heaters_pipeline.video.media.hevc_record import HevcRecord
from heaters_pipeline.video.media.hevc_sets import PARAMETER_SETS, SetIds, after_broken_link
from heaters_pipeline.video.media.nal_units import delimited_units, hevc_type, sized
from heaters_pipeline.video.media.pyav import Packet

# Main, Main 10, and the range extensions.
_PROFILES = frozenset({1, 2, 4})
_PIXEL_FORMATS = (
    frozenset(f"yuv{kind}p{depth}" for kind in (420, 422, 444) for depth in ("", "10le", "12le"))
    | frozenset(f"yuvj{kind}p" for kind in (420, 422, 444))
    | {"gray", "gray10le", "gray12le"}
)
_B_FRAMES = 3
# With pyramids x265 reorders two pictures, without one.
_REORDERED_IN_PYRAMID = 2
_MOST_REFERENCES = 3
_ACCESS_UNIT_DELIMITER = 35
# What x265 needs the fewest bytes with for a PSNR that all frames have.
_CLOSE_PARAMS: Mapping[str, str] = {
    "aq-mode": "0",
    "psy-rd": "0",
    "psy-rdoq": "0",
    "pbratio": "1",
    "ipratio": "1.1",
    "qcomp": "0.8",
}
# Messages are written at I-frames only together with parameter sets.
_STREAM_PARAMS: Mapping[str, str] = {
    "log-level": "none",
    "repeat-headers": "1",
    "info": "0",
    "aud": "0",
    "hrd": "0",
    "open-gop": "0",
}


@dataclass(frozen=True, slots=True)
class HevcParts:
    """What the encoded parts of a video have in common.

    Attributes:
        pictures: What is encoded.
        params: Of libx265: references and reordering.
        sets: The source's parameter sets.
        ids: That they leave to the encoder's.
        is_in_header: The source's parameter sets stand in its header, not between its pictures.
    """

    pictures: PartPictures
    params: Mapping[str, str]
    sets: HevcRecord
    ids: SetIds
    is_in_header: bool

    def header(self, preset: str) -> bytes:
        """As ``PartKind``."""
        extradata = encoder_header(lambda: self._open(1, preset, 1, HdrMetadata()))
        try:
            units = [unit for unit in self._units(extradata) if _is_set(unit)]
            return self.sets.with_sets(units).encode(is_complete=self.is_in_header)
        except ValueError as error:
            raise ClipError(f"what is encoded cannot stand beside it: {error}") from error

    def encoder(
        self, crf: int, preset: str, threads: int, metadata: HdrMetadata, watch: QualityWatch
    ) -> "_Encoder":
        """As ``PartKind``."""
        decoder = av.CodecContext.create("hevc", "r")
        decoder.extradata = self.header(preset)
        decoder.thread_count = 1
        return _Encoder(self, self._open(crf, preset, threads, metadata), decoder, watch)

    def at_point(self, units: list[bytes], *, after_encoded: bool) -> list[bytes]:
        """As ``PartKind``: with parameter sets, and as a BLA picture behind encoded ones."""
        kinds = [hevc_type(memoryview(unit)) for unit in units]
        if after_encoded:
            units = [after_broken_link(unit) for unit in units]
        if set(kinds).issuperset(PARAMETER_SETS):
            return units
        first = int(kinds[0] == _ACCESS_UNIT_DELIMITER)
        return [*units[:first], *filter(_is_set, self.sets.units), *units[first:]]

    def as_sample(self, packet: Packet) -> bytes:
        """The content of an encoder's packet as MP4 has it."""
        return sized(self._units(bytes(packet)))

    def _units(self, content: bytes) -> Iterator[bytes]:
        profile = self.sets.sps.profile
        for unit in delimited_units(memoryview(content)):
            if unit:
                yield self.ids.apply(bytes(unit), profile)

    def _open(
        self, crf: int, preset: str, threads: int, metadata: HdrMetadata
    ) -> av.video.codeccontext.VideoCodecContext:
        params = {**_STREAM_PARAMS, **self.params, **_CLOSE_PARAMS, **hdr_params(metadata, "hevc")}
        # Without a pool its parameter sets are others.
        params["pools"] = str(threads or "*")
        options = {
            "preset": preset,
            "crf": str(crf),
            # Closed captions.
            "a53cc": "1",
            "x265-params": ":".join(f"{name}={value}" for name, value in params.items()),
        }
        return self.pictures.open_encoder("libx265", options, threads)


def _is_set(unit: bytes) -> bool:
    return hevc_type(memoryview(unit)) in PARAMETER_SETS


@dataclass(frozen=True, slots=True)
class _Encoder:
    kind: HevcParts
    context: av.video.codeccontext.VideoCodecContext
    decoder: av.video.codeccontext.VideoCodecContext
    watch: QualityWatch
    waiting: deque[av.video.frame.VideoFrame] = field(default_factory=deque)

    def encode(self, picture: av.video.frame.VideoFrame | None) -> Iterator[Packet]:
        """As ``PartEncoder``."""
        if picture is not None:
            if picture.interlaced_frame:
                raise ClipError("its pictures are fields, or made of two")
            self.waiting.append(picture)
        for packet in self.context.encode(picture):
            part = as_part(packet, self.kind.as_sample(packet))
            self._measure(part)
            yield part
        if picture is None:
            self._measure(None)
            if self.waiting:
                raise ClipError("what was encoded cannot be decoded")

    def _measure(self, part: "Packet | None") -> None:
        for decoded in self.decoder.decode(part):
            if not self.waiting:
                raise ClipError("what was encoded has too many pictures")
            self.watch.add(psnr_of_pictures(decoded, self.waiting.popleft()))


def hevc_parts(
    pictures: PartPictures, sets: HevcRecord, reordering: int, *, is_in_header: bool
) -> HevcParts:
    """How parts have to be encoded so that they can stand beside frames of the source.

    Args:
        pictures: Of the source.
        sets: Of the source.
        reordering: How many packets of the source come before another that is shown before them.
        is_in_header: The source's parameter sets stand in its header, not between its pictures.
    Raises:
        ClipError: They cannot.
    """
    sps, ids = sets.sps, sets.free_ids
    if ids is None:
        raise ClipError("its parameter sets have all ids")
    if sps.profile_idc not in _PROFILES or sps.has_i_frames_alone:
        raise ClipError(f"nothing is encoded in its profile ({sps.profile_idc})")
    if pictures.pixel_format not in _PIXEL_FORMATS:
        raise ClipError(f"nothing is encoded as {pictures.pixel_format}")
    if any(side < least for side, least in zip(pictures.size_px, HEVC_LEAST_PX, strict=True)):
        raise ClipError("its pictures are too small for libx265")
    return HevcParts(
        pictures=pictures,
        params={
            "bframes": str(_B_FRAMES if reordering else 0),
            "b-pyramid": str(int(reordering >= _REORDERED_IN_PYRAMID)),
            "ref": str(min(max(1, sps.buffered_pictures - 1), _MOST_REFERENCES)),
        },
        sets=sets,
        ids=ids,
        is_in_header=is_in_header,
    )
