"""Uncompressed sound of a clip in MOV: the source's samples bit for bit, cut to the sample."""

from collections.abc import Mapping
from fractions import Fraction

import av
import av.audio.stream

from heaters_pipeline.video.clips.fed_sound import FedSound
from heaters_pipeline.video.clips.task import ClipTask
from heaters_pipeline.video.media.pyav import Packet
from heaters_pipeline.video.media.sound_times import JITTER_SECONDS, SoundPart

PCM_SAMPLE_BYTES: Mapping[str, int] = {
    **dict.fromkeys(("pcm_u8", "pcm_s8", "pcm_alaw", "pcm_mulaw"), 1),
    **dict.fromkeys(("pcm_s16le", "pcm_s16be"), 2),
    **dict.fromkeys(("pcm_s24le", "pcm_s24be"), 3),
    **dict.fromkeys(("pcm_s32le", "pcm_s32be", "pcm_f32le", "pcm_f32be"), 4),
    **dict.fromkeys(("pcm_f64le", "pcm_f64be"), 8),
}
"""The codecs that MOV holds, each with the bytes of a sample of one channel."""

_SILENCE_BLOCK_SAMPLES = 65536
# What is not 0 (ITU-T G.711: the quietest sample).
_PCM_SILENCE: Mapping[str, bytes] = {
    "pcm_u8": b"\x80",
    "pcm_alaw": b"\xd5",
    "pcm_mulaw": b"\xff",
}


class PcmTrack:
    """Uncompressed sound, cut to the sample; what is missing between packets is silence."""

    def __init__(
        self, task: ClipTask, template: av.audio.stream.AudioStream, part: SoundPart
    ) -> None:
        self.done = False
        self.fed = FedSound(task, part, template.rate)
        self._writer = task.writer
        self._out = task.writer.add_copied(template)
        self._part = part
        self._rate = template.rate
        codec = template.codec_context.name
        self._sample_bytes = template.channels * PCM_SAMPLE_BYTES[codec]
        self._silence = self._sample_bytes * _PCM_SILENCE.get(codec, b"\0")
        self._written = round(part.start * self._rate)
        self._end = round(part.end * self._rate)
        self._expected: int | None = None

    def feed(self, packet: Packet) -> None:
        start = self.fed.start_of(packet)
        if self._expected is not None:
            is_next = abs(start - self._expected) <= JITTER_SECONDS * self._rate
            start = self._expected if is_next else start
        samples = memoryview(packet)
        self._expected = start + len(samples) // self._sample_bytes
        self.done = self._expected >= self._end
        first, last = max(self._written - start, 0), max(self._end - start, 0)
        wanted = samples[first * self._sample_bytes : last * self._sample_bytes]
        if wanted:
            self._write_silence(start)
            self._write(bytes(wanted))

    def _write_silence(self, end: int) -> None:
        while self._written < end:
            gap = min(end - self._written, _SILENCE_BLOCK_SAMPLES)
            self._write(self._silence * gap)

    def _write(self, samples: bytes) -> None:
        packet = av.Packet(samples)
        packet.time_base = Fraction(1, self._rate)
        packet.pts = packet.dts = self._written
        packet.duration = len(samples) // self._sample_bytes
        packet.stream = self._out
        self._written += packet.duration
        self._writer.mux(packet)

    def finish(self) -> None:
        self.fed.require_all()
        self._write_silence(self._end)
        self._writer.show(self._out.index, self._part.start, self._part.end)
