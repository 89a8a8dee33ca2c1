"""Encode a span anew: H.264 and AAC in MP4, at the same instants as the source.

Pictures become 8-bit 4:2:0. A width or height that is odd, which 4:2:0 cannot hold, is made even
by repeating the last column or row, so that no pixel of the source is lost.
"""

from collections.abc import Iterator
from fractions import Fraction
from itertools import chain
from typing import Any

import av.video.frame
import av.video.plane
import av.video.reformatter
import av.video.stream
import numpy as np
import numpy.typing as npt

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clip_audio import AudioTracks, Window
from heaters_pipeline.video.clip_file import ClipWriter
from heaters_pipeline.video.clip_record import ClipSettings
from heaters_pipeline.video.clip_source import SourceReader
from heaters_pipeline.video.frames import Frame
from heaters_pipeline.video.timing import Span, Timeline

_PIXEL_FORMAT = "yuv420p"
_SOUND_LEAD_SECONDS = 1
# From this height on, RGB becomes the YUV of high definition, as players assume.
_HIGH_DEFINITION_PX = 720


def encode_span(
    frames: Iterator[Frame],
    reader: SourceReader,
    timeline: Timeline,
    span: Span,
    writer: ClipWriter,
    settings: ClipSettings,
    *,
    threads: int,
) -> av.video.stream.VideoStream:
    """Encode the frames of a span and the sound that belongs to them.

    Args:
        frames: Gives the span's frames in order; not read beyond them.
        reader: Source of the sound.
        timeline: Of the source.
        span: Frames to encode.
        writer: Takes the packets.
        settings: Quality and speed.
        threads: How many libx264 may use.
    Returns:
        The video stream of the clip.
    Raises:
        ClipError: The frames end too early.
        InvalidVideoError: The source cannot be decoded.
    """
    first = next(frames, None)
    if first is None:
        raise ClipError(f"the source ends before frame {span.start}; was it replaced?")
    pictures = _EvenPictures(first)
    rate = reader.info.frame_rate or Fraction(25)
    video = writer.container.add_stream(
        "libx264", rate=rate, options={"crf": str(settings.crf), "preset": settings.preset}
    )
    _describe_video(video, pictures, first, reader, timeline.time_base, threads)
    sound = _Sound(reader, timeline, span, writer, settings.audio_bitrate_kbps)
    origin = timeline.pts[span.start]
    encoded = 0
    for frame in chain([first], frames):
        picture = pictures.convert(frame)
        picture.pts = timeline.pts[frame.index] - origin
        picture.time_base = timeline.time_base
        for packet in video.encode(picture):
            writer.mux(packet)
        sound.feed_until(timeline.pts[frame.index] * timeline.time_base)
        encoded += 1
        if encoded == len(span):
            break
    if encoded < len(span):
        raise ClipError(f"the source ends after {encoded} of {len(span)} frames; was it replaced?")
    for packet in video.encode(None):
        writer.mux(packet)
    sound.finish()
    return video


def _describe_video(
    video: av.video.stream.VideoStream,
    pictures: "_EvenPictures",
    first: Frame,
    reader: SourceReader,
    time_base: Fraction,
    threads: int,
) -> None:
    context = video.codec_context
    context.width, context.height = pictures.size_px
    context.pix_fmt = _PIXEL_FORMAT
    context.time_base = time_base
    context.sample_aspect_ratio = reader.info.sample_aspect_ratio
    context.color_primaries = first.decoded.color_primaries
    context.color_trc = first.decoded.color_trc
    context.colorspace = pictures.colorspace
    context.color_range = pictures.color_range
    context.thread_count = threads
    # PyAV's default cuts every picture into slices, which costs quality.
    context.thread_type = "FRAME"
    matrix: Any = first.decoded.side_data.get("DISPLAYMATRIX")
    if matrix:
        video.set_display_matrix(np.frombuffer(matrix, np.int32).tolist())


class _EvenPictures:
    """Turns frames into pictures for the encoder, all of the size and kind of the first."""

    def __init__(self, first: Frame) -> None:
        decoded = first.decoded
        self._source_size_px = (decoded.width, decoded.height)
        self.size_px = (decoded.width + decoded.width % 2, decoded.height + decoded.height % 2)
        self._reformatter = av.video.reformatter.VideoReformatter()
        converted = self._converted(decoded)
        self.colorspace = converted.colorspace if _is_rgb(decoded) else decoded.colorspace
        self.color_range = converted.color_range

    def convert(self, frame: Frame) -> av.video.frame.VideoFrame:
        picture = self._converted(frame.decoded)
        if self.size_px != self._source_size_px:
            picture = _padded(picture, self.size_px)
        # Else the encoder would repeat the source's choice of I-frames.
        picture.pict_type = av.video.frame.PictureType.NONE
        return picture

    def _converted(self, decoded: av.video.frame.VideoFrame) -> av.video.frame.VideoFrame:
        width_px, height_px = self._source_size_px
        ranges = av.video.reformatter.ColorRange
        spaces = av.video.reformatter.Colorspace
        colorspace = color_range = None
        if _is_rgb(decoded):
            is_high = height_px >= _HIGH_DEFINITION_PX
            colorspace = spaces.ITU709 if is_high else spaces.ITU601
            color_range = ranges.MPEG
        elif decoded.color_range == ranges.JPEG or decoded.format.name.startswith("yuvj"):
            color_range = ranges.JPEG
        return self._reformatter.reformat(
            decoded,
            width_px,
            height_px,
            _PIXEL_FORMAT,
            dst_colorspace=colorspace,
            src_color_range=None if _is_rgb(decoded) else color_range,
            dst_color_range=color_range,
        )


def _is_rgb(decoded: av.video.frame.VideoFrame) -> bool:
    return decoded.format.is_rgb or decoded.format.has_palette


def _padded(
    picture: av.video.frame.VideoFrame, size_px: tuple[int, int]
) -> av.video.frame.VideoFrame:
    even = av.video.frame.VideoFrame(*size_px, _PIXEL_FORMAT)
    for source, target in zip(picture.planes, even.planes, strict=True):
        rows = _samples(source)
        missing = (target.height - source.height, target.width - source.width)
        _samples(target)[:] = np.pad(rows, ((0, missing[0]), (0, missing[1])), "edge")
    return even


def _samples(plane: av.video.plane.VideoPlane) -> npt.NDArray[np.uint8]:
    rows: npt.NDArray[np.uint8] = np.asarray(plane).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]


class _Sound:
    """Follows the pictures through the source with the sound, from packets of its own."""

    def __init__(
        self,
        reader: SourceReader,
        timeline: Timeline,
        span: Span,
        writer: ClipWriter,
        bitrate_kbps: int,
    ) -> None:
        tick = timeline.time_base
        start_pts = timeline.pts[span.start]
        self._end_seconds = timeline.boundary_pts(span.end) * tick
        early_pts = max(timeline.pts[0], start_pts - int(_SOUND_LEAD_SECONDS / tick))
        self._packets = reader.packets_from(early_pts) if reader.info.audio else iter(())
        self._tracks = AudioTracks(
            writer,
            reader,
            Window(start_pts * tick, self._end_seconds),
            copy=False,
            bitrate_kbps=bitrate_kbps,
        )

    def feed_until(self, seconds: Fraction) -> None:
        self._tracks.feed_until(self._packets, seconds)

    def finish(self) -> None:
        self._tracks.feed_until(self._packets, self._end_seconds)
        self._tracks.finish()
