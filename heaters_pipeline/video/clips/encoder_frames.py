"""Frames become the pictures that an encoder takes: 4:2:0, even sizes, 8 or 10 bits.

A width or height that is odd, which 4:2:0 cannot hold, is made even by repeating the last column
or row, so that no pixel of the source is lost. Interlaced pictures, which are two pictures of half
the height, get rows until each field has an even number of them.
"""

from dataclasses import dataclass
from typing import Literal, cast

import av.video.frame
import av.video.plane
import av.video.reformatter
import numpy as np

from heaters_pipeline.video.clips.deinterlace import shows_bottom_first
from heaters_pipeline.video.clips.settings import BitDepth
from heaters_pipeline.video.media.filter_graph import PictureFilter
from heaters_pipeline.video.media.hdr_metadata import HdrMetadata, is_hdr
from heaters_pipeline.video.media.pyav import plane_samples
from heaters_pipeline.video.media.tone_mapping import ToneMapper

_EIGHT_BITS, _TEN_BITS = "yuv420p", "yuv420p10le"
# From this height on, RGB becomes the YUV of high definition, as players assume.
_HIGH_DEFINITION_PX = 720

FieldOrder = Literal["tff", "bff"]

_Range = av.video.reformatter.ColorRange
_Space = av.video.reformatter.Colorspace


@dataclass(frozen=True, slots=True)
class ColourTags:
    """What a stream says of its colours, by FFmpeg's numbers."""

    primaries: int
    transfer: int
    matrix: int
    range: int


class ClipPictures:
    """Turns the frames of a clip into pictures, all of the size and kind of the first.

    Attributes:
        pixel_format: FFmpeg's name of what the pictures are.
        size_px: (width, height) of the pictures.
        colours: What the pictures are tagged as.
        hdr_metadata: Of the pictures; empty once HDR became BT.709.
        field_order: ``tff`` or ``bff`` where each picture is two fields, else None.
    """

    def __init__(
        self,
        first: av.video.frame.VideoFrame,
        hdr_metadata: HdrMetadata,
        bit_depth: BitDepth,
        *,
        threads: int,
    ) -> None:
        """Prepare for pictures like ``first``.

        Args:
            first: The first one.
            hdr_metadata: Of the video.
            bit_depth: ``8``, or ``source`` for 10 where the source has more than 8.
            threads: How many filters may use; 0 for as many as there are cores.
        """
        is_deep = max(component.bits for component in first.format.components) > 8
        self.pixel_format = _TEN_BITS if bit_depth == "source" and is_deep else _EIGHT_BITS
        self._source_size_px = (first.width, first.height)
        self.field_order: FieldOrder | None = None
        if first.interlaced_frame:
            self.field_order = "bff" if shows_bottom_first(first) else "tff"
        step_px = 4 if self.field_order else 2
        self.size_px = _rounded_up(first.width, 2), _rounded_up(first.height, step_px)
        self._reformatter = av.video.reformatter.VideoReformatter()
        self._padding: _Padding | None = None
        self._tone_mapper: ToneMapper | None = None
        if bit_depth == "8" and is_hdr(first):
            self._tone_mapper = ToneMapper(first, hdr_metadata, self.pixel_format, threads)
        self.hdr_metadata = hdr_metadata if self._tone_mapper is None else HdrMetadata()
        self.colours = self._tags(first)

    def convert(self, decoded: av.video.frame.VideoFrame) -> av.video.frame.VideoFrame:
        """The picture of a frame."""
        picture = self._converted(decoded)
        if self.size_px != self._source_size_px:
            self._padding = self._padding or _Padding(picture, self.size_px)
            picture = self._padding.pad(picture)
        # Else the encoder would repeat the source's choice of I-frames.
        picture.pict_type = av.video.frame.PictureType.NONE
        return picture

    def _tags(self, first: av.video.frame.VideoFrame) -> ColourTags:
        converted = self._converted(first)
        described = first if self._tone_mapper is None else converted
        matrix = converted.colorspace if is_rgb(first) else described.colorspace
        return ColourTags(
            described.color_primaries, described.color_trc, matrix, converted.color_range
        )

    def _converted(self, decoded: av.video.frame.VideoFrame) -> av.video.frame.VideoFrame:
        if self._tone_mapper is not None:
            return self._tone_mapper.convert(decoded)
        width_px, height_px = self._source_size_px
        colorspace = color_range = None
        if is_rgb(decoded):
            is_high = height_px >= _HIGH_DEFINITION_PX
            colorspace = _Space.ITU709 if is_high else _Space.ITU601
            color_range = _Range.MPEG
        elif decoded.color_range == _Range.JPEG or decoded.format.name.startswith("yuvj"):
            color_range = _Range.JPEG
        return self._reformatter.reformat(
            decoded,
            width_px,
            height_px,
            self.pixel_format,
            dst_colorspace=colorspace,
            src_color_range=None if is_rgb(decoded) else color_range,
            dst_color_range=color_range,
        )


def _rounded_up(side_px: int, step_px: int) -> int:
    return -(-side_px // step_px) * step_px


def is_rgb(decoded: av.video.frame.VideoFrame) -> bool:
    """Whether a picture has no luma of its own."""
    return decoded.format.is_rgb or decoded.format.has_palette


class _Padding:
    """Repeats the last columns and rows of pictures, of each of their fields if interlaced."""

    def __init__(self, first: av.video.frame.VideoFrame, size_px: tuple[int, int]) -> None:
        # The filter keeps what PyAV cannot set, such as the order of the fields.
        self._pad = PictureFilter(first, "pad", f"{size_px[0]}:{size_px[1]}")

    def pad(self, picture: av.video.frame.VideoFrame) -> av.video.frame.VideoFrame:
        self._pad.push(picture)
        larger = cast("av.video.frame.VideoFrame", self._pad.pull())
        is_deep = picture.format.components[0].bits > 8
        fields = 2 if picture.interlaced_frame else 1
        for source, target in zip(picture.planes, larger.planes, strict=True):
            for field in range(fields):
                rows = plane_samples(source, is_deep)[field::fields]
                room = plane_samples(target, is_deep)[field::fields]
                missing = [(0, room.shape[axis] - rows.shape[axis]) for axis in (0, 1)]
                room[:] = np.pad(rows, missing, "edge")
        return larger
