"""Count the packets of sound that a track of a clip was given, so that none is lost on the way."""

from fractions import Fraction

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.task import ClipTask
from heaters_pipeline.video.media.pyav import Packet
from heaters_pipeline.video.media.sound_times import (
    JITTER_SECONDS,
    PREROLL_SECONDS,
    SoundPart,
    packet_seconds,
)


class FedSound:
    """Counts the packets that a track was given, and holds them against the source's."""

    def __init__(self, task: ClipTask, part: SoundPart, rate_hz: int) -> None:
        self.seconds = task.window.start - PREROLL_SECONDS
        self._window = task.window
        self._rate_hz = rate_hz
        # In samples of the file's clock, rounded as in ``sound_times``.
        first = round(task.window.start * rate_hz)
        end = first + round(part.end * rate_hz) - round(JITTER_SECONDS * rate_hz)
        self._here = range(first, end)
        self._missing = part.packets

    def note(self, seconds: Fraction) -> None:
        self.seconds = seconds
        self._missing -= round(seconds * self._rate_hz) in self._here

    def start_of(self, packet: Packet) -> int:
        """Note a packet whose content is copied, and say when it begins, in samples of the clip.

        Raises:
            ClipError: It has no time.
        """
        seconds = packet_seconds(packet)
        if seconds is None:
            raise ClipError(f"packets of audio stream {packet.stream_index} have no timestamps")
        self.note(seconds)
        return self._window.position(seconds, self._rate_hz)

    def require_all(self) -> None:
        if self._missing > 0:
            raise ClipError(f"{self._missing} packets of the source's sound were not found again")
