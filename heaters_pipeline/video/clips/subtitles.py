"""The subtitles of a clip: the source's streams of text, cut at the same times as its video."""

import logging
from bisect import bisect_left, bisect_right
from collections import defaultdict, deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import accumulate, pairwise
from pathlib import Path
from threading import Lock

import av
import av.stream
import av.subtitles.stream

from heaters_pipeline.errors import InvalidVideoError
from heaters_pipeline.video.clips.mp4_writer import ClipWriter
from heaters_pipeline.video.clips.subtitle_text import TEXT_CODECS, plain_text
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.probe import VideoInfo, shown_name
from heaters_pipeline.video.media.pyav import Packet, has_decoder
from heaters_pipeline.video.media.timing import Window

logger = logging.getLogger(__name__)

_TICK = Fraction(1, 1000)
# How long a last text is shown of which nothing says how long.
_LAST_SECONDS = 10
# Of all texts and what Python takes for each, so that many short ones are bounded, too.
_MOST_TEXT_BYTES = 64 << 20
_OVERHEAD_BYTES = 300
_MOST_SAMPLE_BYTES = (1 << 16) - 1
# FFmpeg's encoder of MP4's text writes the track's description out of this.
_STYLE = b"""[Script Info]\r
ScriptType: v4.00+\r
\r
[V4+ Styles]\r
Format: Name, Fontname, Fontsize, PrimaryColour, SecondaryColour, OutlineColour, BackColour, Bold, \
Italic, Underline, StrikeOut, ScaleX, ScaleY, Spacing, Angle, BorderStyle, Outline, Shadow, \
Alignment, MarginL, MarginR, MarginV, Encoding\r
Style: Default,Arial,16,&Hffffff,&Hffffff,&H0,&H0,0,0,0,0,100,100,0,0,1,1,0,2,10,10,10,1\r
\r
[Events]\r
Format: Layer, Start, End, Style, Name, MarginL, MarginR, MarginV, Effect, Text\r
"""


@dataclass(frozen=True, slots=True)
class TimedText:
    """A text and when it is shown, in seconds of the source's own clock."""

    start: Fraction
    end: Fraction
    text: str


class _TextStream:
    """The texts of a stream, in the order in which they start."""

    def __init__(self, index: int, texts: Sequence[TimedText]) -> None:
        self.index = index
        self._texts = sorted(texts, key=lambda each: each.start)
        self._starts = [each.start for each in self._texts]
        self._latest_ends = list(accumulate((each.end for each in self._texts), max))

    def shown_in(self, window: Window) -> list[TimedText]:
        """The texts of which something is shown in a window."""
        first = bisect_right(self._latest_ends, window.start)
        after = bisect_left(self._starts, window.end)
        return [each for each in self._texts[first:after] if each.end > window.start]


class SourceSubtitles:
    """The text subtitles of a video, read when the first clip asks for them, and kept.

    For several threads. Streams that cannot be kept are named once in the log.
    """

    def __init__(self, path: Path, info: VideoInfo) -> None:
        self._path = path
        self._info = info
        self._lock = Lock()
        self._streams: list[_TextStream] | None = None

    def streams(self) -> list[_TextStream]:
        """The streams of text.

        Raises:
            SourceChangedError: The source is no longer the file that was probed.
            StoreUnavailableError: The disk failed.
        """
        with self._lock:
            if self._streams is None:
                self._streams = self._read()
            return self._streams

    def _read(self) -> list[_TextStream]:
        with SourceReader(self._path, self._info) as reader:
            found = {
                stream.index: _codec_of(stream) for stream in reader.container.streams.subtitles
            }
            wanted = {index: codec for index, codec in found.items() if codec in TEXT_CODECS}
            self._warn("MP4 takes text alone", {i: found[i] for i in found.keys() - wanted.keys()})
            if not wanted:
                return []
            try:
                texts = _texts_of(reader, wanted)
            except InvalidVideoError as error:
                self._warn(f"they cannot be read ({error})", wanted)
                return []
        crowded = {
            index: codec
            for index, codec in wanted.items()
            if _bytes_in_samples(texts[index]) > _MOST_TEXT_BYTES
        }
        self._warn("they show too many texts at a time", crowded)
        return [_TextStream(index, texts[index]) for index in wanted if index not in crowded]

    def _warn(self, reason: str, left_out: Mapping[int, str]) -> None:
        if left_out:
            streams = ", ".join(f"stream {i} ({left_out[i]})" for i in sorted(left_out))
            name = shown_name(self._path)
            logger.warning("subtitles of %s are left out, %s: %s", name, reason, streams)


def add_subtitles(
    writer: ClipWriter, reader: SourceReader, subtitles: SourceSubtitles, window: Window
) -> None:
    """Write the subtitles of a clip, once its other streams are known and before their packets.

    Streams that show nothing in the window get no track.

    Args:
        writer: Of the clip.
        reader: The open source.
        subtitles: Of the source.
        window: What the clip shows.
    Raises:
        SourceChangedError: The source is no longer the file that was probed.
        StoreUnavailableError: The disk failed.
    """
    # The reader has the file open; where there is nothing, it need not be opened once more.
    if not reader.container.streams.subtitles:
        return
    tracks = []
    for stream in subtitles.streams():
        if samples := list(_track_samples(stream.shown_in(window), window)):
            track = writer.container.add_stream("mov_text")
            track.codec_context.subtitle_header = _STYLE
            track.codec_context.time_base = _TICK
            writer.describe(track, reader.container.streams[stream.index])
            tracks.append((track, samples))
    for track, samples in tracks:
        for sample in samples:
            writer.mux(sample.packet(track))


@dataclass(frozen=True, slots=True)
class _Sample:
    """What a track shows from one tick to another, counted from the clip's first frame."""

    start: int
    end: int
    text: str

    def packet(self, track: av.subtitles.stream.SubtitleStream) -> Packet:
        content = self.text.encode()
        if len(content) > _MOST_SAMPLE_BYTES:
            # Half a character would make the sample unreadable.
            content = content[:_MOST_SAMPLE_BYTES].decode(errors="ignore").encode()
        packet = av.Packet(len(content).to_bytes(2, "big") + content)
        packet.pts = packet.dts = self.start
        packet.duration = self.end - self.start
        packet.time_base = _TICK
        packet.stream = track
        return packet


def _track_samples(texts: Sequence[TimedText], window: Window) -> Iterator[_Sample]:
    """MP4 shows one text at a time: those that overlap stand below each other, gaps are empty."""
    length = (window.end - window.start) // _TICK
    timed = []
    for each in texts:
        start, end = (round((at - window.start) / _TICK) for at in (each.start, each.end))
        if max(start, 0) < min(end, length):
            timed.append((max(start, 0), min(end, length), each.text))
    changes = {0, *(at for start, end, _ in timed for at in (start, end))} if timed else set()
    ahead = deque(timed)
    shown: list[tuple[int, str]] = []
    for start, end in pairwise(sorted(changes)):
        shown = [(until, text) for until, text in shown if until > start]
        while ahead and ahead[0][0] <= start:
            shown.append(ahead.popleft()[1:])
        yield _Sample(start, end, "\n".join(text for _, text in shown))


def _bytes_in_samples(texts: Sequence[TimedText]) -> int:
    """The text of all samples, in each of which every text stands that is shown at that time."""
    changes: dict[Fraction, int] = defaultdict(int)
    for each in texts:
        if each.start < each.end:
            # And its line break.
            text_bytes = len(each.text.encode()) + 1
            changes[each.start] += text_bytes
            changes[each.end] -= text_bytes
    return sum(accumulate(changes[at] for at in sorted(changes)))


def _texts_of(reader: SourceReader, wanted: dict[int, str]) -> dict[int, list[TimedText]]:
    packets = reader.packets_from_start()
    for stream in reader.container.streams:
        if stream.index not in reader.clock.streams.union(wanted):
            stream.discard = av.stream.Discard.all
    texts: dict[int, list[TimedText]] = {index: [] for index in wanted}
    # A text without a duration is shown until the next one comes.
    endless: dict[int, tuple[Fraction, str]] = {}
    left_bytes = _MOST_TEXT_BYTES
    for packet in packets:
        index = packet.stream_index
        if index not in wanted or packet.pts is None:
            continue
        start = packet.pts * packet.time_base
        if index in endless:
            begun, text = endless.pop(index)
            texts[index].append(TimedText(begun, start, text))
        left_bytes -= packet.size + _OVERHEAD_BYTES
        if left_bytes < 0:
            raise InvalidVideoError(
                "too_large", f"more than {_MOST_TEXT_BYTES >> 20} MB of subtitles"
            )
        if not (text := plain_text(wanted[index], bytes(packet))):
            continue
        if packet.duration:
            end = start + packet.duration * packet.time_base
            texts[index].append(TimedText(start, end, text))
        else:
            endless[index] = start, text
    for index, (begun, text) in endless.items():
        texts[index].append(TimedText(begun, begun + _LAST_SECONDS, text))
    return texts


def _codec_of(stream: av.subtitles.stream.SubtitleStream) -> str:
    return stream.codec_context.codec.canonical_name if has_decoder(stream) else "unknown"
