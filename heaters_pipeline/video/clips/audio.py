"""The sound of a clip: every audio stream of the source, cut at the same times as its video.

Packets are copied where MP4 players know the codec; else, or where it is asked for, the samples
``[start, end)`` are encoded as AAC.
"""

import logging
from collections import deque
from collections.abc import Iterator
from fractions import Fraction

import av.audio.frame
import av.audio.resampler
import av.audio.stream
import av.error
import numpy as np

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.arrays import Float32Array
from heaters_pipeline.video.clips.task import ClipTask
from heaters_pipeline.video.media.ffmpeg_resources import raise_if_shortage
from heaters_pipeline.video.media.probe import shown_name
from heaters_pipeline.video.media.pyav import Packet

logger = logging.getLogger(__name__)

_COPIED_AUDIO_CODECS = frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "opus", "flac", "alac"})
# ISO/IEC 14496-3, table 1.18.
_AAC_RATES_HZ = frozenset(
    {96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
)
_AAC_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}

# Decoders need what came before to be exact: AAC one frame, MP3 some, Opus asks for 80 ms.
_PREROLL_SECONDS = Fraction(1, 10)
_DECODED_BEFORE_SECONDS = Fraction(1, 2)
# Timestamps of Matroska are rounded to milliseconds; closer than this they say the same.
_JITTER_SECONDS = Fraction(2, 1000)
# Packets of the same time do not stand exactly beside each other in a file.
_INTERLEAVING_SECONDS = 10
_SILENCE_BLOCK_SAMPLES = 65536


class AudioTracks:
    """All sound of one clip."""

    def __init__(self, task: ClipTask, *, copy: bool) -> None:
        """Add a track to the clip for each audio stream of the source.

        Args:
            task: What is to be made.
            copy: Whether packets are copied where MP4 players know the codec.
        """
        self._window = task.window
        self._fed_seconds = self._window.start - _INTERLEAVING_SECONDS
        self._passed = False
        self._tracks: dict[int, _CopiedTrack | _EncodedTrack] = {}
        streams = {stream.index: stream for stream in task.reader.container.streams.audio}
        for audio in task.reader.info.audio:
            stream = streams[audio.stream_index]
            if not audio.sample_rate_hz or not audio.channels:
                logger.warning(
                    "audio stream %d of %s is left out: nothing is known of its sound (%s)",
                    audio.stream_index,
                    shown_name(task.reader.path),
                    audio.codec,
                )
            elif copy and audio.codec in _COPIED_AUDIO_CODECS:
                self._tracks[stream.index] = _CopiedTrack(task, stream)
            else:
                self._tracks[stream.index] = _EncodedTrack(task, stream)

    def feed(self, packet: Packet) -> None:
        """Take a packet of any stream, in the order of the file."""
        track = self._tracks.get(packet.stream_index)
        if track is not None and not track.done:
            track.feed(packet)
        at = packet.pts if packet.dts is None else packet.dts
        if at is not None:
            seconds = at * packet.time_base
            if track is not None:
                self._fed_seconds = seconds
            if seconds > self._window.end + _INTERLEAVING_SECONDS:
                self._passed = True

    @property
    def complete(self) -> bool:
        """Whether nothing of the clip's sound can follow in the file."""
        return self._passed or all(track.done for track in self._tracks.values())

    def feed_until(self, packets: Iterator[Packet], seconds: Fraction) -> None:
        """Take packets up to a time of the source, so that sound and video stay together."""
        while not self.complete and self._fed_seconds < seconds:
            packet = next(packets, None)
            if packet is None:
                self._passed = True
            else:
                self.feed(packet)

    def finish(self) -> None:
        """Write what is still held back."""
        for track in self._tracks.values():
            track.finish()


class _CopiedTrack:
    def __init__(self, task: ClipTask, template: av.audio.stream.AudioStream) -> None:
        self.done = False
        self._writer = task.writer
        self._out = task.writer.add_copied(template)
        self._window = task.window
        self._rate = template.rate
        self._frame_samples = template.frame_size
        self._total = self._window.ticks(self._rate)
        self._preroll = round(_PREROLL_SECONDS * self._rate)
        self._jitter = round(_JITTER_SECONDS * self._rate)
        self._held: deque[tuple[int, int, Packet]] = deque()
        self._previous: int | None = None
        self._expected: int | None = None

    def feed(self, packet: Packet) -> None:
        if packet.pts is None:
            raise ClipError(f"packets of audio stream {packet.stream_index} have no timestamps")
        start = self._window.position(packet.pts * packet.time_base, self._rate)
        if self._expected is not None and abs(start - self._expected) <= self._jitter:
            start = self._expected
        samples = self._frame_samples or round(
            (packet.duration or 0) * packet.time_base * self._rate
        )
        self._expected = start + samples
        if start >= self._total:
            self.done = True
            return
        self._held.append((start, samples, packet))
        while self._held and sum(self._held[0][:2]) <= -self._preroll:
            self._held.popleft()
        # Pre-roll that no sound follows is not worth a track.
        if start + samples > 0:
            self._write_held()

    def _write_held(self) -> None:
        for start, samples, packet in self._held:
            if self._previous is not None and start <= self._previous:
                raise ClipError(f"timestamps of audio stream {packet.stream_index} jump back")
            self._previous = start
            packet.time_base = Fraction(1, self._rate)
            packet.pts = packet.dts = start
            packet.duration = samples
            packet.stream = self._out
            self._writer.mux(packet)
        self._held.clear()

    def finish(self) -> None:
        self._held.clear()


class _EncodedTrack:
    def __init__(self, task: ClipTask, template: av.audio.stream.AudioStream) -> None:
        self.done = False
        self._writer = task.writer
        self._window = task.window
        self._rate = template.rate
        self._layout = _AAC_LAYOUTS.get(template.channels, "stereo")
        self._channels = template.channels if template.channels in _AAC_LAYOUTS else 2
        # The encoder brings the samples to its own rate.
        self._out = task.writer.container.add_stream(
            "aac",
            rate=self._rate if self._rate in _AAC_RATES_HZ else 48000,
            bit_rate=task.settings.audio_bitrate_kbps * 1000,
            layout=self._layout,
        )
        task.writer.describe(self._out, template)
        self._total = self._window.ticks(self._rate)
        self._written = 0
        self._resampler: av.audio.resampler.AudioResampler | None = None
        self._resampled: object = None

    def feed(self, packet: Packet) -> None:
        if packet.pts is not None:
            end_pts = packet.pts + (packet.duration or 0)
            if end_pts * packet.time_base < self._window.start - _DECODED_BEFORE_SECONDS:
                return
        try:
            frames = packet.decode()
        except av.error.FFmpegError as error:
            raise_if_shortage(error, packet.stream.codec_context)
            # Damaged sound costs its own samples only: they become silence. Where reading began,
            # half a packet is nothing unusual.
            if packet.pts is None or packet.pts * packet.time_base >= self._window.start:
                logger.warning(
                    "sound at %s of stream %d becomes silence, it cannot be decoded: %s",
                    packet.pts,
                    packet.stream_index,
                    error,
                )
            return
        for frame in frames:
            if isinstance(frame, av.audio.frame.AudioFrame):
                self._place(frame)

    def _place(self, frame: av.audio.frame.AudioFrame) -> None:
        for converted in self._converted(frame):
            if converted.pts is None or converted.time_base is None or self.done:
                continue
            samples = converted.to_ndarray().reshape(-1, self._channels).astype(np.float32)
            start = self._window.position(converted.pts * converted.time_base, self._rate)
            if self._written and abs(start - self._written) <= _JITTER_SECONDS * self._rate:
                start = self._written
            self._write_at(start, samples)

    def _converted(self, frame: av.audio.frame.AudioFrame) -> list[av.audio.frame.AudioFrame]:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or kind != self._resampled:
            self._resampled = kind
            self._resampler = av.audio.resampler.AudioResampler("flt", self._layout, self._rate)
        return self._resampler.resample(frame)

    def _write_at(self, start: int, samples: Float32Array) -> None:
        if start >= self._total:
            self.done = True
            return
        if start + len(samples) <= self._written:
            return
        while self._written < start:
            gap = min(start - self._written, _SILENCE_BLOCK_SAMPLES)
            self._write(np.zeros((gap, self._channels), np.float32))
        self._write(samples[self._written - start : self._total - start])
        self.done = self._written == self._total

    def _write(self, samples: Float32Array) -> None:
        # Interleaved (flt), since PyAV 18 cannot take 8 planes (fltp).
        frame = av.audio.frame.AudioFrame.from_ndarray(
            np.ascontiguousarray(samples).reshape(1, -1), "flt", self._layout
        )
        frame.sample_rate = self._rate
        frame.pts = self._written
        frame.time_base = Fraction(1, self._rate)
        self._written += len(samples)
        self._mux(self._out.encode(frame))

    def finish(self) -> None:
        if self._written:
            self._mux(self._out.encode(None))

    def _mux(self, packets: list[Packet]) -> None:
        for packet in packets:
            self._writer.mux(packet)
