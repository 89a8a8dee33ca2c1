"""Encode a span anew: H.264 or HEVC, and AAC, in MP4, at the same instants as the source."""

from collections.abc import Iterable, Iterator
from fractions import Fraction
from itertools import chain, islice

import av.video.stream

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.audio import AudioTracks, Window
from heaters_pipeline.video.clips.deinterlace import Pictured, deinterlaced
from heaters_pipeline.video.clips.encoder_frames import ClipPictures
from heaters_pipeline.video.clips.encoder_options import add_video
from heaters_pipeline.video.clips.mp4_writer import ClipWriter
from heaters_pipeline.video.clips.settings import ClipSettings
from heaters_pipeline.video.clips.subtitles import SourceSubtitles, add_subtitles
from heaters_pipeline.video.media.frames import Frame, decode_packet
from heaters_pipeline.video.media.hdr_metadata import HdrFacts, is_hdr
from heaters_pipeline.video.media.integrity import Packet
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.timing import Span, Timeline

_SOUND_LEAD_SECONDS = 1


def encode_span(
    frames: Iterator[Frame],
    reader: SourceReader,
    timeline: Timeline,
    span: Span,
    writer: ClipWriter,
    settings: ClipSettings,
    subtitles: SourceSubtitles,
    *,
    threads: int,
) -> av.video.stream.VideoStream:
    """Encode the frames of a span and the sound that belongs to them, and write the subtitles.

    Args:
        frames: Gives the span's frames in order; not read beyond them.
        reader: Source of the sound.
        timeline: Of the source.
        span: Frames to encode.
        writer: Takes the packets.
        settings: Quality, speed, and what pictures become.
        subtitles: Of the source.
        threads: How many the encoder and filters may use; 0 for as many as there are cores.
    Returns:
        The video stream of the clip.
    Raises:
        ClipError: The frames end too early.
        InvalidVideoError: The source cannot be decoded.
    """
    # Looking ahead must not reach beyond the span either.
    pictured = _pictured(islice(frames, len(span)), settings, threads)
    first = next(pictured, None)
    if first is None:
        raise ClipError(f"the source ends before frame {span.start}; was it replaced?")
    facts = _hdr_facts(first[0], reader)
    pictures = ClipPictures(first[1], facts, settings.bit_depth, threads=threads)
    video = add_video(
        *(writer, reader, first[0].decoded, pictures, settings),
        frames=len(span),
        threads=threads,
    )
    sound = _Sound(reader, timeline, span, writer, settings.audio_bitrate_kbps)
    add_subtitles(writer, reader, subtitles, sound.window)
    packets = _Packets(writer)
    origin = timeline.pts[span.start]
    encoded = 0
    for frame, shown in chain([first], pictured):
        picture = pictures.convert(shown)
        picture.pts = timeline.pts[frame.index] - origin
        picture.time_base = timeline.time_base
        packets.write(video.encode(picture))
        sound.feed_until(timeline.pts[frame.index] * timeline.time_base)
        encoded += 1
    if encoded < len(span):
        raise ClipError(f"the source ends after {encoded} of {len(span)} frames; was it replaced?")
    packets.write(video.encode(None))
    packets.finish(timeline.boundary_pts(span.end) - timeline.pts[span.end - 1])
    sound.finish()
    return video


def _pictured(frames: Iterator[Frame], settings: ClipSettings, threads: int) -> Iterator[Pictured]:
    if settings.interlaced == "deinterlace":
        return deinterlaced(frames, threads)
    return ((frame, frame.decoded) for frame in frames)


def _hdr_facts(first: Frame, reader: SourceReader) -> HdrFacts:
    """What is told of a clip's brightness; H.264 tells it at I-frames alone."""
    facts = HdrFacts.of(first.decoded)
    if facts != HdrFacts() or not is_hdr(first.decoded):
        return facts
    for packet in reader.packets_from(first.pts):
        if packet.stream_index == reader.info.stream_index:
            frames, _ = decode_packet(reader.video, packet)
            if frames:
                reader.video.codec_context.flush_buffers()
                return HdrFacts.of(frames[0])
    return facts


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
        self.window = Window(start_pts * tick, timeline.boundary_pts(span.end) * tick)
        early_pts = max(timeline.pts[0], start_pts - int(_SOUND_LEAD_SECONDS / tick))
        self._packets = reader.packets_from(early_pts) if reader.info.audio else iter(())
        self._tracks = AudioTracks(
            writer,
            reader,
            self.window,
            copy=False,
            bitrate_kbps=bitrate_kbps,
        )

    def feed_until(self, seconds: Fraction) -> None:
        self._tracks.feed_until(self._packets, seconds)

    def finish(self) -> None:
        self._tracks.feed_until(self._packets, self.window.end)
        self._tracks.finish()
