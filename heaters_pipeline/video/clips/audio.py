"""The sound of a clip: every audio stream of the source, cut at the same times as its video.

Packets are copied where MP4 players know the codec; else, or where it is asked for, the samples
``[start, end)`` are encoded as AAC. In MOV uncompressed samples are copied, too. What there should
be to hear is known before (``sound_times``), and each track has to have got it in the end.
"""

import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from fractions import Fraction

import av.audio.frame
import av.audio.resampler
import av.audio.stream
import av.error
import numpy as np

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.arrays import Float32Array
from heaters_pipeline.video.clips.fed_sound import FedSound
from heaters_pipeline.video.clips.pcm_track import PCM_SAMPLE_BYTES, PcmTrack
from heaters_pipeline.video.clips.settings import ClipContainer
from heaters_pipeline.video.clips.task import ClipTask
from heaters_pipeline.video.media.ffmpeg_resources import raise_if_shortage
from heaters_pipeline.video.media.probe import shown_name
from heaters_pipeline.video.media.pyav import Packet
from heaters_pipeline.video.media.sound_times import (
    JITTER_SECONDS,
    PREROLL_SECONDS,
    SoundPart,
    most_samples,
    packet_samples,
    packet_seconds,
)

logger = logging.getLogger(__name__)

_COPIED_AUDIO_CODECS: Mapping[ClipContainer, frozenset[str]] = {
    "mp4": frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "opus", "flac", "alac"}),
    "mov": frozenset({"aac", "mp3", "mp2", "ac3", "eac3", "alac"}),
}
# ISO/IEC 14496-3, table 1.18.
_AAC_RATES_HZ = frozenset(
    {96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350}
)
_AAC_LAYOUTS = {1: "mono", 2: "stereo", 3: "3.0", 4: "4.0", 5: "5.0", 6: "5.1", 8: "7.1"}

# Decoders need what came before to be exact: of these codecs so many frames, of the others less
# than so many seconds (Opus asks for 80 ms). Readers that do not heed edit lists let it be heard.
_FRAMES_BEFORE: Mapping[str, int] = {"aac": 1, "ac3": 1, "eac3": 1, "flac": 0, "alac": 0}
_COPIED_BEFORE_SECONDS = Fraction(1, 10)
# A decoder that gives its samples late has given all of the clip's after so much more.
_DECODED_AFTER_SECONDS = 1
_SILENCE_BLOCK_SAMPLES = 65536
# So much may be missing where rates are converted, or times overlap a little.
_MISSING_SECONDS = Fraction(10, 1000)
_MISSING_SHARE = Fraction(1, 100)


class AudioTracks:
    """All sound of one clip."""

    def __init__(self, task: ClipTask, *, copy: bool) -> None:
        """Add a track to the clip for each audio stream of the source that sounds in it.

        Args:
            task: What is to be made.
            copy: Whether packets are copied where MP4 players know the codec.
        """
        self._tracks: dict[int, _CopiedTrack | PcmTrack | _EncodedTrack] = {}
        streams = {stream.index: stream for stream in task.reader.container.streams.audio}
        codecs = {audio.stream_index: audio.codec for audio in task.reader.info.audio}
        for index, part in task.sound.within(task.window).items():
            kind: type[_CopiedTrack | PcmTrack | _EncodedTrack] = _EncodedTrack
            if copy and codecs[index] in _COPIED_AUDIO_CODECS[task.writer.kind]:
                kind = _CopiedTrack
            elif task.writer.kind == "mov" and codecs[index] in PCM_SAMPLE_BYTES:
                kind = PcmTrack
            self._tracks[index] = kind(task, streams[index], part)

    def feed(self, packet: Packet) -> None:
        """Take a packet of any stream, in the order of the file."""
        track = self._tracks.get(packet.stream_index)
        if track is not None and not track.done:
            track.feed(packet)

    @property
    def complete(self) -> bool:
        """Whether nothing of the clip's sound can follow in the file."""
        return all(track.done for track in self._tracks.values())

    def feed_until(self, packets: Iterator[Packet], seconds: Fraction) -> None:
        """Take packets until each track has come to a time of the source, or is complete."""
        while any(
            not track.done and track.fed.seconds < seconds for track in self._tracks.values()
        ):
            packet = next(packets, None)
            if packet is None:
                return
            self.feed(packet)

    def finish(self) -> None:
        """Write what is still held back.

        Raises:
            ClipError: Sound that the source has was lost on the way.
        """
        for track in self._tracks.values():
            track.finish()


class _CopiedTrack:
    def __init__(
        self, task: ClipTask, template: av.audio.stream.AudioStream, part: SoundPart
    ) -> None:
        self.done = False
        self.fed = FedSound(task, part, template.rate)
        self._writer = task.writer
        self._out = task.writer.add_copied(template)
        self._part = part
        self._rate = template.rate
        self._frame_samples = template.frame_size
        self._most_samples = most_samples(template, task.reader.info.container)
        self._end = round(part.end * self._rate)
        self._frames_before = _FRAMES_BEFORE.get(template.codec_context.codec.canonical_name)
        before = _COPIED_BEFORE_SECONDS * self._rate
        known = None if self._frames_before is None else self._frames_before * self._frame_samples
        self._preroll = round(before) if known is None else known
        self._jitter = round(JITTER_SECONDS * self._rate)
        self._held: deque[tuple[int, int, Packet]] = deque()
        self._previous: int | None = None
        self._expected: int | None = None

    def feed(self, packet: Packet) -> None:
        start = self.fed.start_of(packet)
        if self._expected is not None and abs(start - self._expected) <= self._jitter:
            start = self._expected
        tick_samples = packet.time_base * self._rate
        samples = packet_samples(packet, tick_samples, self._frame_samples, self._most_samples)
        self._expected = start + samples
        self.done = self._expected >= self._end - self._jitter
        self._end_latest(start)
        if start >= self._end:
            return
        if self._held and start <= self._held[-1][0]:
            # After a seek FFmpeg gives what is before 0 in Matroska the time 0; it is pre-roll.
            self._held.clear()
        self._held.append((start, samples, packet))
        while self._held and self._held[0][1] and sum(self._held[0][:2]) <= -self._preroll:
            self._held.popleft()
        # Pre-roll that no sound follows is not worth a track.
        if self._expected > 0:
            self._write_held()

    def _end_latest(self, next_start: int) -> None:
        """A packet that does not say how long it lasts (FLV) ends where the next one begins."""
        if not self._held or self._held[-1][1] or next_start <= self._held[-1][0]:
            return
        start, _, packet = self._held.pop()
        self._held.append((start, next_start - start, packet))
        if self._frames_before and not self._frame_samples:
            self._preroll = self._frames_before * (next_start - start)
        if start + self._held[-1][1] > 0:
            self._write_held()

    def _write_held(self) -> None:
        while self._held and self._held[0][1]:
            start, samples, packet = self._held.popleft()
            if self._previous is not None and start <= self._previous:
                raise ClipError(f"timestamps of audio stream {packet.stream_index} jump back")
            self._previous = start
            packet.time_base = Fraction(1, self._rate)
            packet.pts = packet.dts = start
            packet.duration = min(samples, self._end - start)
            packet.stream = self._out
            self._writer.mux(packet)

    def finish(self) -> None:
        self._end_latest(self._end)
        self.fed.require_all()
        self._writer.show(self._out.index, self._part.start, self._part.end)


class _EncodedTrack:
    def __init__(
        self, task: ClipTask, template: av.audio.stream.AudioStream, part: SoundPart
    ) -> None:
        self.done = False
        self.fed = FedSound(task, part, template.rate)
        self._name = f"stream {template.index} of {shown_name(task.reader.path)}"
        self._decoder = template.codec_context
        self._writer = task.writer
        self._window = task.window
        self._part = part
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
        self._end = round(part.end * self._rate)
        self._end_seconds = task.window.start + part.end
        self._written = 0
        self._heard = 0
        self._decoded_seconds = Fraction(0)
        self._damage = ""
        self._next_seconds: Fraction | None = None
        self._resampler: av.audio.resampler.AudioResampler | None = None
        self._resampled: object = None

    def feed(self, packet: Packet) -> None:
        seconds = packet_seconds(packet)
        if seconds is not None:
            self.fed.note(seconds)
            # Of several frames in a packet only the first has a time.
            self._next_seconds = seconds
            if seconds + (packet.duration or 0) * packet.time_base < (
                self._window.start - PREROLL_SECONDS
            ):
                return
            if seconds > self._end_seconds + _DECODED_AFTER_SECONDS:
                self.done = True
                return
        frames = self._decode(packet)
        lasts_until = self.fed.seconds + (packet.duration or 0) * packet.time_base
        if self._window.start <= self.fed.seconds and lasts_until <= self._end_seconds:
            for frame in frames:
                self._decoded_seconds += Fraction(frame.samples, frame.sample_rate)
        self._place(frames)

    def _decode(self, packet: "Packet | None") -> list[av.audio.frame.AudioFrame]:
        try:
            return self._decoder.decode(packet)
        except av.error.FFmpegError as error:
            raise_if_shortage(error, self._decoder)
            # Damaged sound costs its own samples only: they become silence. Where reading began,
            # half a packet is nothing unusual.
            if self.fed.seconds >= self._window.start:
                self._damage = f"; at {float(self.fed.seconds):.3f} s: {error}"
            return []

    def _place(self, frames: Iterable[av.audio.frame.AudioFrame]) -> None:
        for frame in frames:
            self._stamp(frame)
            for converted in self._converted(frame):
                self._write_converted(converted)

    def _stamp(self, frame: av.audio.frame.AudioFrame) -> None:
        """Give a frame the time that follows from the one before, where it has none of its own."""
        if frame.pts is not None and frame.time_base is not None:
            self._next_seconds = frame.pts * frame.time_base
        if self._next_seconds is not None:
            frame.time_base = Fraction(1, frame.sample_rate)
            frame.pts = round(self._next_seconds * frame.sample_rate)
            self._next_seconds += Fraction(frame.samples, frame.sample_rate)

    def _converted(self, frame: av.audio.frame.AudioFrame) -> list[av.audio.frame.AudioFrame]:
        kind = (frame.format.name, frame.layout.name, frame.sample_rate)
        if self._resampler is None or kind != self._resampled:
            self._resampled = kind
            self._resampler = av.audio.resampler.AudioResampler("flt", self._layout, self._rate)
        return self._resampler.resample(frame)

    def _write_converted(self, frame: av.audio.frame.AudioFrame) -> None:
        if frame.pts is None or frame.time_base is None or self.done:
            return
        samples = frame.to_ndarray().reshape(-1, self._channels).astype(np.float32)
        start = self._window.position(frame.pts * frame.time_base, self._rate)
        if self._written and abs(start - self._written) <= JITTER_SECONDS * self._rate:
            start = self._written
        if start + len(samples) <= self._written:
            return
        self._write_silence(min(start, self._end))
        samples = samples[self._written - start : max(self._end - start, 0)]
        self._heard += len(samples)
        self._write(samples)
        self.done = self._written >= self._end

    def _write_silence(self, end: int) -> None:
        while self._written < end:
            gap = min(end - self._written, _SILENCE_BLOCK_SAMPLES)
            self._write(np.zeros((gap, self._channels), np.float32))

    def _write(self, samples: Float32Array) -> None:
        if not len(samples):
            return
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
        if not self.done:
            # Some decoders hold back what they have of a last packet.
            self._place(self._decode(None))
            self._decoder.flush_buffers()
        self.fed.require_all()
        self._require_heard()
        self._write_silence(self._end)
        self._mux(self._out.encode(None))
        self._writer.show(self._out.index, Fraction(0), self._part.end)

    def _mux(self, packets: list[Packet]) -> None:
        for packet in packets:
            self._writer.mux(packet)

    def _require_heard(self) -> None:
        """All that was decoded has to be there, and whoever has less than they should is told."""
        heard = Fraction(self._heard, self._rate)
        allowed = max(_MISSING_SECONDS, _MISSING_SHARE * self._part.seconds)
        if heard < min(self._decoded_seconds, self._part.seconds) - allowed:
            raise ClipError(
                f"of {float(self._decoded_seconds):.3f} s of sound that were decoded only "
                f"{float(heard):.3f} s are in the clip"
            )
        if heard < self._part.seconds - allowed:
            logger.warning(
                "%.3f s of the sound of %s, from %.3f s on, are silence, the decoder gives none%s",
                float(self._part.seconds - heard),
                self._name,
                float(self._window.start),
                self._damage,
            )
