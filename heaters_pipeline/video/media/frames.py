"""The only reader of video: frames in presentation order with exact timestamps.

A file is decoded from its first frame by ``FrameReader``, which also judges it at the end, since
libraries report neither a truncated file nor one without a single picture.
"""

import logging
import re
import zlib
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import cached_property
from pathlib import Path
from typing import cast

import av
import av.error
import av.video.frame
import av.video.reformatter
import av.video.stream

from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.media.ffmpeg_resources import raise_if_shortage, shortage_raised
from heaters_pipeline.video.media.integrity import FileVerdict
from heaters_pipeline.video.media.limits import most_seconds
from heaters_pipeline.video.media.orientation import Orientation as Orientation
from heaters_pipeline.video.media.probe import (
    CONTAINERS_WITHOUT_TIMES,
    VideoInfo,
    open_input,
    reading,
    require_readable,
    source_changed,
)
from heaters_pipeline.video.media.pyav import (
    Packet,
    has_decoder,
    packets_of,
    rows_of,
    side_data_of,
)
from heaters_pipeline.video.media.steady_clock import SteadyClock
from heaters_pipeline.video.media.timing import Timeline, TimestampMender

Interpolation = av.video.reformatter.Interpolation

_PACKED_B_FRAMES = re.compile(rb"DivX\d+(b|Build)\d+p")
"""What encoders that pack them say of themselves, before the first frame."""

_JUMPS_SHOWN = 10

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Frame:
    """One decoded frame.

    Attributes:
        index: Position in presentation order, from 0.
        pts: When it is shown, in ticks of the stream's time base.
        duration_ticks: How long it is shown as far as the file says, at least 1.
        decoded: PyAV's frame.
    """

    index: int
    pts: int
    duration_ticks: int
    decoded: av.video.frame.VideoFrame

    def picture(
        self,
        size_px: tuple[int, int] | None = None,
        interpolation: Interpolation = Interpolation.BICUBIC,
    ) -> Picture:
        """The picture as stored, before rotation, scaled to ``(width, height)`` where given."""
        width_px, height_px = size_px or (self.decoded.width, self.decoded.height)
        with shortage_raised():
            # Each frame has a scaler of its own, and threads of each would outlive it for a while.
            scaled = self.decoded.reformat(
                width=width_px,
                height=height_px,
                format="bgr24",
                interpolation=interpolation,
                threads=1,
            )
        return cast("Picture", scaled.to_ndarray())

    @cached_property
    def digest(self) -> int:
        """CRC-32 of every 16th row of the first plane, as decoded.

        Decoders are bit-exact, so this tells whether a copied frame is the same picture, without
        keeping it and at a fraction of the cost of hashing it whole.
        """
        plane, layout = self.decoded.planes[0], self.decoded.format
        bits = layout.components[0].bits if layout.is_planar else layout.padded_bits_per_pixel
        sample_bits = -(-bits // 8) * 8 if layout.is_planar else bits
        row_bytes = -(-self.decoded.width * sample_bits // 8)
        return zlib.crc32(rows_of(plane)[: self.decoded.height : 16, :row_bytes].tobytes())

    @cached_property
    def orientation(self) -> Orientation:
        """How the picture has to be turned for display."""
        matrix = side_data_of(self.decoded, "DISPLAYMATRIX")
        return Orientation() if matrix is None else Orientation.from_display_matrix(matrix)


class FrameReader:
    """Iterate once over all frames of a file, from the first to the last.

    Timestamps that are missing, equal or jumping are mended so that they strictly increase;
    ``timeline`` then says that they do not stand in the file.

    Raises (while iterating):
        InvalidVideoError: ``no_frames``, ``truncated``, ``too_corrupt``, ``bad_timestamps``,
            ``encrypted`` or ``too_long``, once that is certain.
        SourceChangedError: The file is no longer the one that was probed.
        StoreUnavailableError: The disk failed.
    """

    def __init__(self, path: Path, info: VideoInfo) -> None:
        self.path = path
        self.info = info
        self._verdict = FileVerdict(path, info)
        self._clock = SteadyClock(info)
        self._pts = TimestampMender(info.nominal_ticks, clock_may_jump=not self._clock.streams)
        self._most_seconds = most_seconds()
        self._has_times = info.container not in CONTAINERS_WITHOUT_TIMES
        # AVI stores no presentation times, and FFmpeg cannot tell those of these codecs.
        self._in_decoding_order = info.container == "avi" and info.codec in ("h264", "hevc")
        self._unused_dts: deque[int | None] = deque()

    def __iter__(self) -> Iterator[Frame]:
        if self.packets:
            raise RuntimeError("a FrameReader can be iterated once; make another one")
        with open_input(self.path) as container, reading(self.path):
            stream = video_stream(container, self.path, self.info)
            for packet in packets_of(container):
                self._clock.mend(packet)
                if packet.stream_index == stream.index:
                    self._verdict.note_packet(packet)
                    if self._verdict.packets == 1:
                        self._in_decoding_order |= self._is_packed(packet)
                        self._in_decoding_order |= self._is_numbered(stream, packet)
                    yield from self._decode(stream, packet)
                else:
                    self._verdict.note_other_stream(packet)
            yield from self._decode(stream, None)
        refusal = self._verdict.judge(
            frames=len(self._pts.pts),
            end_seconds=self._pts.end_pts * self.info.time_base if self._pts.pts else Fraction(0),
            stalled_frames=self._pts.stalled,
        )
        if refusal:
            require_readable(self.path)
            raise refusal

    @property
    def packets(self) -> int:
        """Packets of the video stream read so far."""
        return self._verdict.packets

    @property
    def decode_errors(self) -> int:
        """Packets among them that the decoder refused."""
        return self._verdict.decode_errors

    @property
    def corrupt_frames(self) -> int:
        """Frames that the decoder gave but knows to be damaged."""
        return self._verdict.corrupt_frames

    @property
    def faults(self) -> tuple[str, ...]:
        """What is wrong with the file, and was made the best of; known once all was read."""
        faults = []
        damaged, frames = self._verdict.damaged(len(self._pts.pts))
        if damaged:
            faults.append(
                f"is damaged: {damaged} of {frames} frames are missing or not as they should be"
            )
        # Where files were joined the count of transport packets breaks, too, and nothing is lost:
        # at each jump, or once without one.
        if (lost := self._verdict.incomplete_packets) > max(1, len(self._clock.jumps)):
            faults.append(
                f"has gaps in its data: {lost} of {self.packets} frames may lack a part, "
                "and more may be missing"
            )
        if jumps := self._clock.jumps:
            shown = ", ".join(map(str, jumps[:_JUMPS_SHOWN]))
            more = f" and {len(jumps) - _JUMPS_SHOWN} more" if len(jumps) > _JUMPS_SHOWN else ""
            faults.append(
                f"has a clock that jumps by {shown}{more}; pictures and sound go on without"
            )
        return tuple(faults)

    @property
    def timeline(self) -> Timeline:
        """When each frame is shown; complete once the iteration has ended."""
        return Timeline(
            pts=tuple(self._pts.pts),
            end_pts=self._pts.end_pts,
            time_base=self.info.time_base,
            from_stream=not (self._pts.mended or self._clock.has_jumped),
        )

    def _is_packed(self, first: Packet) -> bool:
        """Whether each B-frame stands in the packet of the frame before, and an empty one follows.

        As DivX and XviD wrote it in AVI. FFmpeg gives the frames the times of other packets.
        """
        is_divx = self.info.container == "avi" and self.info.codec == "mpeg4"
        return is_divx and _PACKED_B_FRAMES.search(memoryview(first)) is not None

    def _is_numbered(self, stream: av.video.stream.VideoStream, first: Packet) -> bool:
        """Whether times only count packets, though they are not in the order of presentation.

        So FFmpeg reads MXF whose index does not say by how much frames are moved.
        """
        is_mxf = self.info.container == "mxf" and first.pts is not None
        return is_mxf and first.pts == first.dts and stream.codec_context.has_b_frames

    def _decode(
        self, stream: av.video.stream.VideoStream, packet: "Packet | None"
    ) -> Iterator[Frame]:
        frames, is_damaged = decode_packet(stream, packet)
        if is_damaged:
            self._verdict.note_refused()
        if self._in_decoding_order and packet is not None and not is_damaged:
            self._unused_dts.append(packet.dts)
        for decoded in frames:
            self._verdict.note_frame(decoded)
            yield self._with_pts(decoded)

    def _with_pts(self, decoded: av.video.frame.VideoFrame) -> Frame:
        raw_pts, duration_ticks = decoded.pts, decoded.duration or 0
        in_stream = raw_pts is not None and not self._in_decoding_order and self._has_times
        if not self._has_times:
            # FFmpeg's own are wrong at the start; each frame lasts as long as the rate says.
            raw_pts, duration_ticks = None, self.info.nominal_ticks
        elif self._in_decoding_order:
            # Whatever comes out first is shown first, at the first of the times that went in.
            raw_pts = self._unused_dts.popleft() if self._unused_dts else None
            duration_ticks = 0
        elif raw_pts is None:
            raw_pts = decoded.dts
        elif decoded.interlaced_frame and self._pts.pts:
            # Where each field is a packet, FFmpeg gives the first one's duration.
            step = raw_pts - self._pts.pts[-1]
            duration_ticks = step if abs(step - 2 * duration_ticks) <= 1 else duration_ticks
        pts = self._pts.mend(raw_pts, duration_ticks, in_stream=in_stream)
        if (pts - self._pts.pts[0]) * self.info.time_base > self._most_seconds:
            raise self._verdict.too_long()
        return Frame(
            len(self._pts.pts) - 1, pts, duration_ticks or self.info.nominal_ticks, decoded
        )


def video_stream(
    container: av.container.InputContainer, path: Path, info: VideoInfo
) -> av.video.stream.VideoStream:
    """The stream that was probed, ready to be decoded.

    Raises:
        SourceChangedError: The file is no longer the one that was probed.
    """
    if path.stat().st_size == info.size_bytes:
        for stream in container.streams.video:
            if stream.index == info.stream_index and has_decoder(stream):
                stream.thread_type = "AUTO"
                if info.codec == "h264":
                    # Where the stream does not say how far its B-frames are out of order, FFmpeg
                    # guesses by the first frames, and loses one where more are.
                    stream.codec_context.options = {"strict": "1"}
                return stream
    raise source_changed(path)


def decode_packet(
    stream: av.video.stream.VideoStream, packet: "Packet | None"
) -> tuple[list[av.video.frame.VideoFrame], bool]:
    """The frames that a packet completes, and whether it is damaged.

    Raises:
        MemoryError: There is too little memory, or no thread can be started.
    """
    decoder = stream.codec_context
    try:
        return decoder.decode(packet), False
    except av.error.FFmpegError as error:
        raise_if_shortage(error, decoder)
        # A damaged packet costs its own frames only; how many were lost is judged at the end.
        return [], True
