"""A copy of a video as Matroska, with chapters: nothing is encoded.

Other containers lose something of chapters: in MP4 each lasts until the next begins.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import islice
from math import ceil
from pathlib import Path

import av
import av.container
import av.stream

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.media.ffmpeg_resources import raise_if_shortage
from heaters_pipeline.video.media.probe import open_input, reading, shown_name
from heaters_pipeline.video.media.pyav import Packet

_HELD_KINDS = ("video", "audio", "subtitle")
_FIRST_PACKETS = 4096
"""Among which the earliest timestamp of each stream is."""
_TICK = Fraction(1, 1000)
"""Matroska's clock."""
_INSTEAD = "write chapters-ffmetadata or chapters-matroska instead"


@dataclass(frozen=True, slots=True)
class ChapterOfFrames:
    """A chapter that begins with a frame.

    Attributes:
        first_frame: Its number in presentation order.
        start_seconds: Exact time of that frame, from the video's first.
        end_seconds: Exact time at which its last frame ends.
        title: What players show.
    """

    first_frame: int
    start_seconds: Fraction
    end_seconds: Fraction
    title: str


def write_with_chapters(
    source: Path, target: Path, stream_index: int, chapters: Sequence[ChapterOfFrames]
) -> list[str]:
    """Copy the packets of a video into a Matroska file with chapters.

    A chapter begins at the first millisecond at which its first frame is shown.

    Args:
        source: The video.
        target: The file to write; one that is there is replaced.
        stream_index: Which of its streams the frames are of.
        chapters: In order.
    Returns:
        What the copy lacks or shows otherwise, in words.
    Raises:
        InvalidVideoError: The source cannot be read.
        ClipError: Matroska cannot hold its pictures, or their times are not those of the frames.
        StoreUnavailableError: The disk failed.
    """
    with open_input(source) as read:
        # AVI stores frames in the order of decoding, without the times at which they are shown.
        if read.format.name == "avi" and _has_b_frames(read.streams[stream_index]):
            raise _without_times(source)
        begin, move = _beginning(source, read, stream_index)
    # Its own way to move timestamps leaves chapters where they were.
    options = {"avoid_negative_ts": "disabled", "fflags": "+bitexact"}
    with (
        open_input(source) as read,
        av.open(str(target), "w", format="matroska", options=options) as written,
    ):
        streams, notes = _added_streams(read, written, stream_index)
        written.metadata.update(read.metadata)
        written.set_chapters(
            [
                {
                    "id": number,
                    "start": ceil((begin + move + one.start_seconds) / _TICK),
                    "end": ceil((begin + move + one.end_seconds) / _TICK),
                    "time_base": _TICK,
                    "metadata": {"title": one.title},
                }
                for number, one in enumerate(chapters, start=1)
            ]
        )
        shown, hidden = [], 0
        for packet in _packets(source, read, [read.streams[index] for index in streams]):
            if packet.stream_index == stream_index:
                shown += [] if packet.is_discard else [_seconds(packet, source)]
                hidden += packet.is_discard
            _mux(written, streams[packet.stream_index], packet, move)
    _require_times(shown, chapters, source)
    if hidden:
        notes.append(f"{hidden} frames that the source hides are shown: Matroska cannot hide any")
    return notes


def _beginning(
    path: Path, container: av.container.InputContainer, stream_index: int
) -> tuple[Fraction, Fraction]:
    """When the first frame is shown, and by how much all has to be moved to be at 0 or later."""
    first: Fraction | None = None
    earliest = Fraction(0)
    streams = [stream for stream in container.streams if stream.type in _HELD_KINDS]
    for packet in islice(_packets(path, container, streams), _FIRST_PACKETS):
        seconds = _seconds(packet, path)
        earliest = min(earliest, seconds)
        if packet.stream_index == stream_index and not packet.is_discard:
            first = seconds if first is None else min(first, seconds)
    tick = container.streams[stream_index].time_base
    if first is None or tick is None:
        raise ClipError(f"{shown_name(path)} shows no picture near its start; {_INSTEAD}")
    # Whole ticks of the pictures, which chapters have to meet.
    return first, ceil(-earliest / tick) * tick


def _added_streams(
    read: av.container.InputContainer,
    written: av.container.OutputContainer,
    stream_index: int,
) -> tuple[dict[int, av.stream.Stream], list[str]]:
    """The streams of the copy, by their index in the source, and what has none."""
    streams: dict[int, av.stream.Stream] = {}
    notes = []
    for stream in read.streams:
        context = getattr(stream, "codec_context", None)
        codec = context.codec.canonical_name if context else stream.type
        is_held = stream.type in _HELD_KINDS and codec in written.supported_codecs
        if is_held and not stream.disposition & av.stream.Disposition.attached_pic:
            added = written.add_stream_from_template(stream, opaque=True)
            added.metadata.update(stream.metadata)
            added.disposition = stream.disposition
            streams[stream.index] = added
        elif stream.index == stream_index:
            raise ClipError(f"Matroska cannot hold {codec} pictures; {_INSTEAD}")
        else:
            notes.append(f"stream {stream.index} ({codec}) is left out: Matroska cannot hold it")
    return streams, notes


def _packets(
    path: Path, container: av.container.InputContainer, streams: Sequence[av.stream.Stream]
) -> Iterator[Packet]:
    packets = container.demux(*streams)
    while True:
        with reading(path):
            packet = next(packets, None)
        if packet is None:
            return
        if packet.size:
            yield packet


def _has_b_frames(stream: av.stream.Stream) -> bool:
    return isinstance(stream, av.VideoStream) and stream.codec_context.has_b_frames


def _without_times(path: Path) -> ClipError:
    return ClipError(
        f"{shown_name(path)} does not say when its frames are shown, which Matroska has to; "
        f"{_INSTEAD}"
    )


def _seconds(packet: Packet, path: Path) -> Fraction:
    if packet.pts is None or packet.time_base is None:
        raise _without_times(path)
    return packet.pts * packet.time_base


def _mux(
    written: av.container.OutputContainer, stream: av.stream.Stream, packet: Packet, move: Fraction
) -> None:
    ticks = round(move / packet.time_base) if packet.time_base else 0
    packet.pts = None if packet.pts is None else packet.pts + ticks
    packet.dts = None if packet.dts is None else packet.dts + ticks
    packet.stream = stream
    try:
        written.mux(packet)
    except av.error.FFmpegError as error:
        raise_if_shortage(error)
        if isinstance(error, OSError):  # of the folder, such as a disk that is full
            raise
        raise ClipError(f"FFmpeg cannot write it as Matroska: {error}; {_INSTEAD}") from error


def _require_times(shown: list[Fraction], chapters: Sequence[ChapterOfFrames], path: Path) -> None:
    """Refuse a copy whose chapters would not begin with their frames."""
    shown.sort()
    for one in chapters:
        is_there = one.first_frame < len(shown)
        if not is_there or abs(shown[one.first_frame] - shown[0] - one.start_seconds) > _TICK / 2:
            raise ClipError(
                f"the times in {shown_name(path)} jump, so that a copy would show other frames at "
                f"its chapters; {_INSTEAD}"
            )
