"""When there is sound in a source, and where in the file it stands, read packet by packet.

Audio streams begin late, end early, have gaps, and lie up to many seconds apart from the pictures
that they belong to. Here that is known exactly, without decoding, so that a clip's sound can be
read without guessing, and held against what it should be.
"""

from array import array
from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from fractions import Fraction
from math import floor
from pathlib import Path
from threading import Lock

import av.audio.stream
import av.stream
import numpy as np

from heaters_pipeline.video.arrays import Int64Array
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.probe import AudioInfo, VideoInfo
from heaters_pipeline.video.media.pyav import Packet, skipped_samples
from heaters_pipeline.video.media.timing import Window

JITTER_SECONDS = Fraction(2, 1000)
"""Timestamps of Matroska are rounded to milliseconds; closer than this they say the same."""

PREROLL_SECONDS = Fraction(1, 2)
"""How much before a window a decoder has to be given, so that what it gives is exact."""

# A packet of which nothing says how long it lasts, lasts until the next one, but no longer.
_MOST_UNKNOWN_SECONDS = 1
_UNBOUNDED, _NO_VIDEO = np.iinfo(np.int64).max, np.iinfo(np.int64).min
# Here a seek leads each stream to the same time, wherever in the file that is.
_SEEKS_BY_TIME = frozenset({"mov"})


@dataclass(frozen=True, slots=True)
class SoundPart:
    """The sound of one stream in a window.

    Attributes:
        start: Seconds from the start of the window to that of its first sound.
        end: Seconds from there to the end of its last.
        seconds: How long it sounds in between, without gaps.
        packets: How many packets begin in the window and clearly before that end.
    """

    start: Fraction
    end: Fraction
    seconds: Fraction
    packets: int


class StreamTimes:
    """The packets of one audio stream, in the order of their times.

    All in samples from zero of the file's own clock.
    """

    def __init__(
        self,
        rate_hz: int,
        begins: Int64Array,
        starts: Int64Array,
        ends: Int64Array,
        reached: Int64Array,
        reached_time_base: Fraction,
    ) -> None:
        """Sort packets.

        Args:
            rate_hz: Samples a second.
            begins: (packets,) When each begins.
            starts: (packets,) When what is to be heard of it begins.
            ends: (packets,) When that ends; where it starts if nothing of it is to be heard.
            reached: (packets,) From which time of the video on it is found, in ticks of the next;
                ``_NO_VIDEO`` if it stands before all of the video.
            reached_time_base: Seconds per tick.
        """
        order = np.argsort(starts, kind="stable")
        self._begins = np.sort(begins)
        self._rate_hz = rate_hz
        self._jitter = round(JITTER_SECONDS * rate_hz)
        self._starts, self._ends, self._reached = starts[order], ends[order], reached[order]
        self._reached_time_base = reached_time_base
        self._latest_ends = np.maximum.accumulate(self._ends)

    def within(self, window: Window) -> SoundPart | None:
        """What of the stream sounds in a window; None for nothing."""
        first, last = (round(at * self._rate_hz) for at in (window.start, window.end))
        here = self._packets_in(first, last)
        starts = np.clip(self._starts[here], first, last)
        ends = np.clip(self._latest_ends[here], first, last)
        before = np.concatenate([[first], ends[:-1]])
        # What is no gap but rounding sounds, too.
        begun = np.where(starts - before <= self._jitter, before, starts)
        heard = np.maximum(ends - begun, 0)
        total = int(heard.sum())
        if total <= self._jitter:
            return None
        sounding = np.flatnonzero(heard)
        end = int(ends[sounding[-1]])
        here = slice(*np.searchsorted(self._begins, (first, end - self._jitter)))
        return SoundPart(
            start=Fraction(int(begun[sounding[0]]) - first, self._rate_hz),
            end=Fraction(end - first, self._rate_hz),
            seconds=Fraction(total, self._rate_hz),
            packets=len(self._begins[here]),
        )

    def read_from(self, window: Window) -> Fraction | None:
        """From which time of the video the file has to be read for all sound of a window.

        Returns:
            Seconds, at most the start of the window; None for the start of the file.
        """
        wanted = window.start - PREROLL_SECONDS
        here = self._packets_in(round(wanted * self._rate_hz), round(window.end * self._rate_hz))
        reached = int(self._reached[here].min(initial=_UNBOUNDED))
        return None if reached == _NO_VIDEO else min(reached * self._reached_time_base, wanted)

    def _packets_in(self, first: int, last: int) -> slice:
        return slice(bisect_right(self._latest_ends, first), bisect_left(self._starts, last))


def wanted_sound(info: VideoInfo, languages: Collection[str]) -> tuple[AudioInfo, ...]:
    """The audio streams of which it is known how they are stored, of these languages.

    Args:
        info: Of the video.
        languages: Codes as the file has them, such as ``deu``; ``und`` for streams that have none.
            All streams are wanted where there is no language, or no stream of one of them.
    """
    known = tuple(audio for audio in info.audio if audio.is_known)
    codes = {code.strip().lower() for code in languages}
    return tuple(audio for audio in known if (audio.language or "und").lower() in codes) or known


class SourceSound:
    """The sound of a video, read when the first clip asks for it, and kept. For several threads."""

    def __init__(self, path: Path, info: VideoInfo, languages: Collection[str] = ()) -> None:
        """Nothing is read yet.

        Args:
            path: The video.
            info: Of it, from ``probe``.
            languages: As for ``wanted_sound``.
        """
        self._path = path
        self._wanted = wanted_sound(info, languages)
        self._info = info
        self._lock = Lock()
        self._streams: Mapping[int, StreamTimes] | None = None
        self._clock_jumps = False

    def streams(self) -> Mapping[int, StreamTimes]:
        """By the index of the stream in the file, those of which it is known how they are stored.

        Raises:
            InvalidVideoError: The source cannot be read.
            SourceChangedError: It is no longer the file that was probed.
            StoreUnavailableError: The disk failed.
        """
        with self._lock:
            if self._streams is None:
                self._streams = self._read() if self._wanted else {}
            return self._streams

    def within(self, window: Window) -> dict[int, SoundPart]:
        """What sounds in a window, by stream, in their order."""
        parts = ((index, times.within(window)) for index, times in self.streams().items())
        return {index: part for index, part in parts if part is not None}

    def read_from(self, window: Window) -> Fraction | None:
        """From which time of the video the file has to be read for all sound of a window.

        Returns:
            Seconds, at most the start of the window; None for the start of the file, also where
            its clock jumps.
        """
        if self.streams() and self._clock_jumps:
            return None
        places = [times.read_from(window) for times in self.streams().values()]
        known = [place for place in places if place is not None]
        return None if len(known) < len(places) else min(known, default=window.start)

    def packets_for(self, reader: SourceReader, window: Window) -> Iterator[Packet]:
        """All packets of all streams, from where all sound of a window is among them."""
        seconds = self.read_from(window)
        if seconds is None:
            return reader.packets_from_start()
        return reader.packets_from(floor(seconds / self._info.time_base))

    def _read(self) -> dict[int, StreamTimes]:
        by_time = self._info.container in _SEEKS_BY_TIME
        wanted = {audio.stream_index for audio in self._wanted}
        reached = _NO_VIDEO
        with SourceReader(self._path, self._info) as reader:
            collectors = {
                stream.index: _Collector(
                    stream,
                    most_samples(stream, self._info.container),
                    None if by_time else self._info.time_base,
                )
                for stream in reader.container.streams.audio
                if stream.index in wanted
            }
            for packet in _packets_of(reader, collectors, with_video=not by_time):
                collector = collectors.get(packet.stream_index)
                if collector is not None:
                    collector.add(packet, reached)
                elif (at := packet.pts if packet.dts is None else packet.dts) is not None:
                    reached = at
            self._clock_jumps = reader.clock.has_jumped
        return {index: collector.times() for index, collector in collectors.items()}


def _packets_of(
    reader: SourceReader, wanted: Mapping[int, object], *, with_video: bool
) -> Iterator[Packet]:
    packets = reader.packets_from_start()
    video = reader.info.stream_index
    read = reader.clock.streams.union(wanted, {video} if with_video else ())
    for stream in reader.container.streams:
        if stream.index not in read:
            stream.discard = av.stream.Discard.all
    return (
        packet
        for packet in packets
        if packet.stream_index in wanted or (with_video and packet.stream_index == video)
    )


def packet_seconds(packet: Packet) -> Fraction | None:
    """When an audio packet begins, on the file's own clock, as far as that is known."""
    at = packet.dts if packet.pts is None else packet.pts
    return None if at is None else at * packet.time_base


def packet_samples(
    packet: Packet, tick_samples: Fraction, frame_samples: int, most_samples: int | None
) -> int:
    """How many samples a packet lasts, 0 where nothing says so.

    Args:
        packet: Of an audio stream.
        tick_samples: Samples in a tick of the stream's timestamps.
        frame_samples: That each frame of its codec has, 0 where they differ. A packet may hold
            several, but where timestamps are coarse, durations are not exact.
        most_samples: From ``most_samples``.
    """
    samples = _rounded(packet.duration or 0, tick_samples)
    is_frame = abs(samples - frame_samples) <= tick_samples
    if is_frame or (most_samples is not None and samples > most_samples):
        return frame_samples
    return samples


def most_samples(stream: av.audio.stream.AudioStream, container: str) -> int | None:
    """The most that a packet can hold, None if that is unknown.

    MP4 and MOV have no word for a break: the packet before it lasts until sound goes on.

    Args:
        stream: Whose packets.
        container: FFmpeg's short name of the file's format.
    """
    is_single = container == "mov" and stream.codec_context.name == "aac"
    # HE-AAC has twice the samples, of which FFmpeg's number of samples may say nothing.
    return 2 * stream.frame_size if is_single and stream.frame_size else None


def _rounded(number: int, scale: Fraction) -> int:
    """``round(number * scale)``, without making fractions of each of very many numbers."""
    whole, rest = divmod(number * scale.numerator, scale.denominator)
    excess = 2 * rest - scale.denominator
    return whole + (excess > 0 or (excess == 0 and whole % 2 == 1))


class _Collector:
    """Notes the packets of one stream, in samples."""

    def __init__(
        self,
        stream: av.audio.stream.AudioStream,
        most_samples: int | None,
        video_time_base: Fraction | None,
    ) -> None:
        """Begin.

        Args:
            stream: The stream.
            most_samples: From ``most_samples``.
            video_time_base: In which it is told what of the video stands before a packet; None
                where a packet is found by its own time.
        """
        self._rate_hz = stream.rate
        self._frame_samples = stream.frame_size
        self._most_samples = most_samples
        self._by_time = video_time_base is None
        self._reached_time_base = video_time_base or Fraction(1, stream.rate)
        self._tick_samples = Fraction(0)
        self._begins, self._reached = array("q"), array("q")
        self._starts, self._ends = array("q"), array("q")
        self._is_open = False
        self._longest = 0

    def add(self, packet: Packet, reached: int) -> None:
        """Note a packet, and up to which timestamp of the video the file was read before it."""
        at = packet.dts if packet.pts is None else packet.pts
        if at is None:
            return
        # The same for all of a stream.
        self._tick_samples = self._tick_samples or packet.time_base * self._rate_hz
        start = _rounded(at, self._tick_samples)
        if self._is_open:
            most = self._starts[-1] + _MOST_UNKNOWN_SECONDS * self._rate_hz
            self._ends[-1] = max(min(start, most), self._starts[-1])
        samples = packet_samples(
            packet, self._tick_samples, self._frame_samples, self._most_samples
        )
        self._is_open = samples == 0
        skipped, discarded = skipped_samples(packet)
        # A packet that is shorter than the others has lost its end already.
        if samples >= self._longest:
            samples -= discarded
        self._longest = max(self._longest, samples)
        heard = 0 if packet.is_discard else max(samples - skipped, 0)
        self._begins.append(start)
        self._starts.append(start + skipped)
        self._ends.append(start + skipped + heard)
        self._reached.append(start if self._by_time else reached)

    def times(self) -> StreamTimes:
        columns = (self._begins, self._starts, self._ends, self._reached)
        begins, starts, ends, reached = (np.array(column, np.int64) for column in columns)
        return StreamTimes(self._rate_hz, begins, starts, ends, reached, self._reached_time_base)
