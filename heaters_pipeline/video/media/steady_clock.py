"""The clock of streams made for broadcasting, which may jump where recordings were joined.

A segment, an encoder that was restarted, or a lost signal begins another clock. All packets from
there on are moved, as FFmpeg's command does it, so that the pictures follow each other as if
nothing had happened, and sound and subtitles stay with them. Packets have to be read from the
first one on.
"""

from dataclasses import dataclass
from fractions import Fraction

from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.media.pyav import Packet

MOST_FORWARD_SECONDS = 10
"""A gap that is longer, and that no frame of any stream fills, is a jump, as ``ffmpeg`` has it."""

MOST_BACK_SECONDS = 0.5
"""A packet of a stream that is decoded so much earlier than the one before has another clock."""

_CONTAINERS_THAT_JUMP = frozenset({"mpegts", "mpeg", "flv"})
# Players and ``ffmpeg`` wait through gaps of the others: nothing says that no picture is meant.
_GAPS_ARE_JUMPS = frozenset({"mpegts", "mpeg"})
# Clocks of MPEG have 33 bits; FFmpeg takes one that goes back for one that began anew.
_CLOCK_SECONDS = Fraction(1 << 33, 90_000)
_MOST_OVERLAP_SECONDS = 0.002
# Up to here sound and pictures of a recording may begin apart.
_MOST_APART_SECONDS = 1


@dataclass(frozen=True, slots=True)
class ClockJump:
    """Where the clock of a file jumps.

    Attributes:
        at: When, in seconds from the first frame of the video as it is shown.
        by: How far, in seconds; negative if it goes back.
    """

    at: Fraction
    by: Fraction

    def __str__(self) -> str:
        return f"{float(self.by):+.3f} s at {float(self.at):.3f} s"


@dataclass(slots=True)
class _Stretch:
    """What is moved by the same time.

    Attributes:
        offset: Seconds that are added.
        begins_with: Index of the stream in which it was seen first.
        at: When it begins, in seconds of the steady clock.
        by: How far the clock jumped there, in seconds.
    """

    offset: Fraction
    begins_with: int
    at: Fraction
    by: Fraction


@dataclass(slots=True)
class _Track:
    """One stream.

    Attributes:
        stretch: Of its latest packet.
        last: When that is decoded, in ticks of the file's own clock.
        end: When the latest of its frames ends, in ticks of the steady clock.
        joins: Whether its clock has jumped, and nothing has followed yet on what was before.
    """

    stretch: _Stretch
    last: int | None = None
    end: int = 0
    joins: bool = False


class SteadyClock:
    """Moves the packets of a file, in the order of the file, so that its clock does not jump."""

    def __init__(self, info: VideoInfo) -> None:
        self._info = info
        self._may_jump = info.container in _CONTAINERS_THAT_JUMP
        self._has_gaps = info.container not in _GAPS_ARE_JUMPS
        self._stretches = [_Stretch(Fraction(0), info.stream_index, Fraction(0), Fraction(0))]
        known = (audio.stream_index for audio in info.audio if audio.is_known)
        self._tracks = {i: _Track(self._stretches[0]) for i in (info.stream_index, *known)}
        self._first = Fraction(0)
        self._furthest_seconds = float("-inf")

    @property
    def has_jumped(self) -> bool:
        """Whether packets were moved."""
        return len(self._stretches) > 1

    @property
    def jumps(self) -> tuple[ClockJump, ...]:
        """Where the clock jumped so far."""
        return tuple(ClockJump(each.at - self._first, each.by) for each in self._stretches[1:])

    @property
    def streams(self) -> frozenset[int]:
        """Indices of the streams whose packets it has to see; empty if the clock cannot jump."""
        return frozenset(self._tracks) if self._may_jump else frozenset()

    def mend(self, packet: Packet) -> bool:
        """Move a packet, of whatever stream, to where it belongs.

        Returns:
            False for sound that would be heard while that from before the jump still sounds.
        """
        if not self._may_jump:
            return True
        track = self._tracks.get(packet.stream_index)
        if track is None:
            # Subtitles and data have gaps of their own; they go with the pictures.
            _move(packet, self._tracks[self._info.stream_index].stretch.offset)
            return True
        at = packet.pts if packet.dts is None else packet.dts
        if at is None:
            return True
        if track.last is None:
            track.stretch = self._stretches[-1]
        elif self._has_jumped(track, at - track.last, packet):
            self._enter_stretch(track, packet)
            track.joins = True
        is_first, track.last = track.last is None, at
        _move(packet, track.stretch.offset)
        begins, is_video = _begins(packet), packet.stream_index == self._info.stream_index
        if is_video and is_first:
            self._first = begins * packet.time_base
        if not is_video and track.joins:
            track.joins = (track.end - begins) * float(packet.time_base) > _MOST_OVERLAP_SECONDS
            if track.joins:
                return False
        end = begins + (packet.duration or (self._info.nominal_ticks if is_video else 0))
        track.end = end if is_first else max(track.end, end)
        self._furthest_seconds = max(self._furthest_seconds, track.end * float(packet.time_base))
        return True

    def _has_jumped(self, track: _Track, step: int, packet: Packet) -> bool:
        seconds = step * float(packet.time_base)
        if self._has_gaps or seconds <= MOST_FORWARD_SECONDS:
            return seconds < -MOST_BACK_SECONDS
        begins = float(_begins(packet) * packet.time_base + track.stretch.offset)
        return begins > self._furthest_seconds + MOST_FORWARD_SECONDS

    def _enter_stretch(self, track: _Track, packet: Packet) -> None:
        begins, end = _begins(packet) * packet.time_base, track.end * packet.time_base
        latest = self._stretches[-1]
        if latest is not track.stretch:
            late = begins + latest.offset - end
            begun_by_sound = latest.begins_with != self._info.stream_index
            is_video = packet.stream_index == self._info.stream_index
            if is_video and begun_by_sound and abs(late) <= _MOST_APART_SECONDS:
                # The pictures decide; the rest of the sound goes with them.
                latest.offset -= late
                latest.by += late
                latest.at = end
                late = Fraction(0)
            if abs(late) <= MOST_FORWARD_SECONDS:
                track.stretch = latest
                return
        offset = end - begins
        by = track.stretch.offset - offset
        if self._info.container != "flv":
            # FFmpeg adds a turn of the clock to what lies behind the start of the file.
            by = (by + _CLOCK_SECONDS / 2) % _CLOCK_SECONDS - _CLOCK_SECONDS / 2
        track.stretch = _Stretch(offset, packet.stream_index, end, by)
        self._stretches.append(track.stretch)


def _begins(packet: Packet) -> int:
    """When a packet with any timestamp is shown, in its ticks."""
    return (packet.dts if packet.pts is None else packet.pts) or 0


def _move(packet: Packet, seconds: Fraction) -> None:
    if seconds:
        ticks = round(seconds / packet.time_base)
        if packet.pts is not None:
            packet.pts += ticks
        if packet.dts is not None:
            packet.dts += ticks
