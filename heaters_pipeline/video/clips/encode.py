"""Re-encode a span: H.264 or HEVC, and AAC, in MP4, with the timestamps of the source.

Frames in, packets out. Which pictures an encoder gets is ``encoder_frames``', with which options
it is opened ``encoder_options``'.
"""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain, islice

import av.video.stream

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.audio import AudioTracks
from heaters_pipeline.video.clips.deinterlace import Pictured, deinterlaced
from heaters_pipeline.video.clips.encoder_frames import ClipPictures
from heaters_pipeline.video.clips.encoder_options import add_video
from heaters_pipeline.video.clips.mp4_writer import ClipWriter
from heaters_pipeline.video.clips.settings import ClipSettings
from heaters_pipeline.video.clips.subtitles import add_subtitles
from heaters_pipeline.video.clips.task import ClipTask
from heaters_pipeline.video.clips.telemetry import add_telemetry
from heaters_pipeline.video.media.frames import Frame, decode_packet
from heaters_pipeline.video.media.hdr_metadata import HdrMetadata, is_hdr
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.pyav import Packet


def encode_span(
    task: ClipTask, frames: Iterator[Frame], *, threads: int
) -> av.video.stream.VideoStream:
    """Encode the frames of a span and the sound that belongs to them, and write the subtitles.

    Args:
        task: What is to be made.
        frames: Gives the span's frames in order; not read beyond them.
        threads: How many the encoder and filters may use; 0 for as many as there are cores.
    Returns:
        The video stream of the clip.
    Raises:
        ClipError: The frames end too early.
        InvalidVideoError: The source cannot be decoded.
    """
    timeline, span = task.timeline, task.span
    # Looking ahead must not reach beyond the span either.
    pictured = _pictured(islice(frames, len(span)), task.settings, threads)
    first = next(pictured, None)
    if first is None:
        raise ClipError(f"the source ends before frame {span.start}; was it replaced?")
    metadata = _hdr_metadata(first[0], task.reader)
    pictures = ClipPictures(first[1], metadata, task.settings.bit_depth, threads=threads)
    video = add_video(task, first[0].decoded, pictures, threads=threads)
    sound = _Sound(task)
    add_subtitles(task.writer, task.reader, task.subtitles, task.window)
    add_telemetry(task)
    packets = _Packets(task.writer)
    encoded = 0
    for frame, shown in chain([first], pictured):
        picture = pictures.convert(shown)
        picture.pts = timeline.pts[frame.index] - task.start_pts
        picture.time_base = timeline.time_base
        packets.write(video.encode(picture))
        sound.feed_until(timeline.pts[frame.index] * timeline.time_base)
        encoded += 1
    if encoded < len(span):
        raise ClipError(f"the source ends after {encoded} of {len(span)} frames; was it replaced?")
    packets.write(video.encode(None))
    packets.finish(task.end_pts - timeline.pts[span.end - 1])
    sound.finish()
    return video


def _pictured(frames: Iterator[Frame], settings: ClipSettings, threads: int) -> Iterator[Pictured]:
    if settings.interlaced == "deinterlace":
        return deinterlaced(frames, threads)
    return ((frame, frame.decoded) for frame in frames)


def _hdr_metadata(first: Frame, reader: SourceReader) -> HdrMetadata:
    """The HDR metadata of a clip; in H.264 it stands at I-frames alone."""
    metadata = HdrMetadata.of(first.decoded)
    if metadata != HdrMetadata() or not is_hdr(first.decoded):
        return metadata
    for packet in reader.packets_from(first.pts):
        if packet.stream_index == reader.info.stream_index:
            frames, _ = decode_packet(reader.video, packet)
            if frames:
                reader.video.codec_context.flush_buffers()
                return HdrMetadata.of(frames[0])
    return metadata


class _Packets:
    """Writes packets one behind, since only of the last one the muxer asks how long it lasts."""

    def __init__(self, writer: ClipWriter) -> None:
        self._writer = writer
        self._last: Packet | None = None

    def write(self, packets: Iterable[Packet]) -> None:
        for packet in packets:
            if self._last is not None:
                self._writer.mux(self._last)
            self._last = packet

    def finish(self, last_ticks: int) -> None:
        if self._last is not None:
            # As many frames are decoded as shown, so what is decoded last ends with the last one.
            self._last.duration = last_ticks
            self._writer.mux(self._last)


class _Sound:
    """Follows the pictures through the source with the sound, from packets of its own."""

    def __init__(self, task: ClipTask) -> None:
        self._packets = (
            task.sound.packets_for(task.reader, task.window) if task.reader.info.audio else iter(())
        )
        self._end_seconds = task.window.end
        self._tracks = AudioTracks(task, copy=False)

    def feed_until(self, seconds: Fraction) -> None:
        self._tracks.feed_until(self._packets, seconds)

    def finish(self) -> None:
        self._tracks.feed_until(self._packets, self._end_seconds)
        self._tracks.finish()
