"""Re-encode a span: H.264 or HEVC, and AAC, in MP4, with the timestamps of the source.

Frames in, packets out. Which pictures an encoder gets is ``encoder_frames``', with which options
it is opened ``encoder_options``'.
"""

from bisect import bisect_left
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from itertools import chain, islice, pairwise

import av.video.stream

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.audio import AudioTracks
from heaters_pipeline.video.clips.deinterlace import Pictured, deinterlaced
from heaters_pipeline.video.clips.encoder_frames import ClipPictures
from heaters_pipeline.video.clips.encoder_options import add_video
from heaters_pipeline.video.clips.luma_quality import QualityWatch, psnr_of_packet
from heaters_pipeline.video.clips.settings import ClipSettings
from heaters_pipeline.video.clips.subtitles import add_subtitles
from heaters_pipeline.video.clips.task import ClipTask
from heaters_pipeline.video.clips.telemetry import add_telemetry
from heaters_pipeline.video.clips.track_times import EvenDecoding, Sample
from heaters_pipeline.video.media.cropping import Cropping
from heaters_pipeline.video.media.frames import Frame, decode_packet
from heaters_pipeline.video.media.hdr_metadata import HdrMetadata, is_hdr
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.pyav import Packet


def encode_span(
    task: ClipTask,
    frames: Iterator[Frame],
    *,
    threads: int,
    watch: QualityWatch | None = None,
    cropped: bool = False,
) -> av.video.stream.VideoStream:
    """Encode the frames of a span and the sound that belongs to them, and write the subtitles.

    Args:
        task: What is to be made.
        frames: Gives the span's frames in order; not read beyond them.
        threads: How many the encoder and filters may use; 0 for as many as there are cores.
        watch: Is told how close each picture of libx264 is to what it was made of.
        cropped: Only what the source shows of its pictures is encoded, for players that do not
            heed a crop; else all of them, and the clip says which part to show.
    Returns:
        The video stream of the clip.
    Raises:
        TooFarError: A picture is not close enough for ``watch``.
        ClipError: The frames end too early.
        InvalidVideoError: The source cannot be decoded.
    """
    timeline, span = task.timeline, task.span
    # Looking ahead must not reach beyond the span either.
    pictured = _pictured(islice(frames, len(span)), task.settings, threads)
    if cropped:
        cropping = Cropping(task.reader.video)
        pictured = ((frame, cropping.shown(whole)) for frame, whole in pictured)
    first = next(pictured, None)
    if first is None:
        raise ClipError(f"the source ends before frame {span.start}; was it replaced?")
    metadata = hdr_metadata_of(first[0], task.reader)
    pictures = ClipPictures(first[1], metadata, task.settings.bit_depth, threads=threads)
    video = add_video(
        task, first[0].decoded, pictures, threads=threads, measured=bool(watch), cropped=cropped
    )
    sound = Sound(task, copy=False)
    add_subtitles(task.writer, task.reader, task.subtitles, task.window)
    add_telemetry(task)
    packets = _Packets(task, _meter(watch, pictures))
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
    packets.finish()
    sound.finish()
    return video


def _pictured(frames: Iterator[Frame], settings: ClipSettings, threads: int) -> Iterator[Pictured]:
    if settings.interlaced == "deinterlace":
        return deinterlaced(frames, threads)
    return ((frame, frame.decoded) for frame in frames)


def hdr_metadata_of(first: Frame, reader: SourceReader) -> HdrMetadata:
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


def _meter(watch: QualityWatch | None, pictures: ClipPictures) -> Callable[[Packet], None]:
    if watch is None:
        return lambda _: None
    bits = 10 if pictures.pixel_format.endswith("10le") else 8
    samples = pictures.size_px[0] * pictures.size_px[1]
    return lambda packet: watch.add(psnr_of_packet(packet, bits, samples))


class _Packets:
    """Writes the packets of an encoder, with decoding times from which readers find the rate."""

    def __init__(self, task: ClipTask, measure: Callable[[Packet], None]) -> None:
        self._task = task
        self._measure = measure
        span = task.span
        self._shown = [pts - task.start_pts for pts in task.timeline.pts[span.start : span.end]]
        self._end_pts = task.end_pts - task.start_pts
        self._times: EvenDecoding | None = None
        self._waiting: deque[Packet] = deque()

    def write(self, packets: Iterable[Packet]) -> None:
        for packet in packets:
            if packet.pts is None or packet.dts is None:
                raise ClipError("the encoder gave a packet without a timestamp")
            self._measure(packet)
            packet.time_base = self._task.timeline.time_base
            if self._times is None:
                # The encoder says by how many frames it decodes ahead.
                ahead = bisect_left(self._shown, -packet.dts)
                steps = (after - at for at, after in pairwise((*self._shown, self._end_pts)))
                self._times = EvenDecoding(self._shown, self._end_pts, ahead, min(steps))
            self._waiting.append(packet)
            self._mux(self._times.add(packet.pts))

    def finish(self) -> None:
        if self._times is not None:
            self._mux(self._times.finish())

    def _mux(self, samples: Iterable[Sample]) -> None:
        for sample in samples:
            packet = self._waiting.popleft()
            packet.pts, packet.dts, packet.duration = sample.pts, sample.dts, sample.duration
            self._task.writer.mux(packet)


class Sound:
    """Follows the pictures through the source with the sound, from packets of its own."""

    def __init__(self, task: ClipTask, *, copy: bool) -> None:
        self._packets = (
            task.sound.packets_for(task.reader, task.window) if task.reader.info.audio else iter(())
        )
        self._end_seconds = task.window.end
        self._tracks = AudioTracks(task, copy=copy)

    def feed_until(self, seconds: Fraction) -> None:
        """Write what belongs to the pictures up to a time of the source."""
        self._tracks.feed_until(self._packets, seconds)

    def finish(self) -> None:
        """Write the rest."""
        self._tracks.feed_until(self._packets, self._end_seconds)
        self._tracks.finish()
