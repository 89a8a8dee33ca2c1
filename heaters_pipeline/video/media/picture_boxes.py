"""What a file says of its pictures: which part to show (``clap``, PixelCrop), spheres, stereo.

FFmpeg reads all this, PyAV 18 hands on nothing of it. But FFmpeg writes what it read into the
header of another file, so a header is written into memory, and read.
"""

import io
import struct
from dataclasses import dataclass
from fractions import Fraction

import av
import av.error
import av.video.stream

# An index without samples, and codecs that are not in the standard, such as ProRes in MP4's kin.
_HEADER_ONLY = {"movflags": "empty_moov", "strict": "unofficial"}
_CLAP_BYTES = 40
# What stands in the description of pictures before the boxes in it (ISO/IEC 14496-12, 12.1.3).
_ENTRY_BYTES = 86


@dataclass(frozen=True, slots=True)
class Crop:
    """The part of stored pictures that is shown, in pixels.

    Attributes:
        left: Columns left of it.
        top: Rows above it.
        width_px: Its width.
        height_px: Its height.
    """

    left: int
    top: int
    width_px: int
    height_px: int

    def clean_aperture(self, stored_width_px: int, stored_height_px: int) -> bytes:
        """The box ``clap`` (ISO/IEC 14496-12, 12.1.4): its size, and how far centres are apart."""
        across = 2 * self.left + self.width_px - stored_width_px
        down = 2 * self.top + self.height_px - stored_height_px
        numbers = (self.width_px, 1, self.height_px, 1, across, 2, down, 2)
        return struct.pack(">I4s4IiIiI", _CLAP_BYTES, b"clap", *numbers)


def crop_of(stream: av.video.stream.VideoStream) -> Crop | None:
    """The part of a stream's pictures that is shown, None for all of them.

    Also None where neither MP4 nor QuickTime has a name for the codec, as for VP8.
    """
    box = picture_boxes(stream).get(b"clap")
    if box is None:
        return None
    width_n, width_d, height_n, height_d, across_n, across_d, down_n, down_d = struct.unpack_from(
        ">4IiIiI", box, 8
    )
    width, height = Fraction(width_n, width_d), Fraction(height_n, height_d)
    context = stream.codec_context
    left = (context.width - width) / 2 + Fraction(across_n, across_d)
    top = (context.height - height) / 2 + Fraction(down_n, down_d)
    crop = Crop(round(left), round(top), round(width), round(height))
    inside = (
        min(crop.left, crop.top) >= 0
        and 0 < crop.width_px <= context.width - crop.left
        and 0 < crop.height_px <= context.height - crop.top
    )
    return crop if inside and (crop.width_px, crop.height_px) != _size_of(context) else None


def picture_boxes(stream: av.video.stream.VideoStream) -> dict[bytes, bytes]:
    """The boxes, by kind, in which MP4 or QuickTime would describe a stream's pictures.

    Among them what the file says of crop, stereo, spheres and Dolby Vision, whatever the container.
    """
    header = _header_of(stream, "mp4") or _header_of(stream, "mov")
    # Of the only track: stsd, the number of its entries, and the entry.
    at = header.find(b"stsd") + 4
    if at < 4:
        return {}
    entry_start = at + 8
    entry_end = entry_start + int.from_bytes(header[entry_start : entry_start + 4])
    at = entry_start + _ENTRY_BYTES
    boxes = {}
    while at + 8 <= entry_end:
        size = int.from_bytes(header[at : at + 4])
        if size < 8:
            break
        boxes[header[at + 4 : at + 8]] = header[at : at + size]
        at += size
    return boxes


def _size_of(context: av.VideoCodecContext) -> tuple[int, int]:
    return context.width, context.height


def _header_of(stream: av.video.stream.VideoStream, container_format: str) -> bytes:
    memory = io.BytesIO()
    try:
        with av.open(memory, "w", format=container_format, options=_HEADER_ONLY) as container:
            container.add_stream_from_template(stream, opaque=True)
            container.start_encoding()
            return memory.getvalue()
    except (ValueError, av.error.FFmpegError):
        return b""
