"""Verify a finished clip, decoding no more than its first picture unless asked to.

Only reads. What a stored clip says of itself is read here, too (``inspect_clip``).
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from fractions import Fraction
from itertools import zip_longest
from pathlib import Path

import av.container
import av.error
import av.video.frame
import av.video.stream
import numpy as np

from heaters_pipeline.errors import ClipError, InvalidVideoError
from heaters_pipeline.video.arrays import UInt8Array
from heaters_pipeline.video.clips.mp4_index import QUICKTIME_BRAND, TrackHeader, read_tracks
from heaters_pipeline.video.clips.packet_digest import PacketSum
from heaters_pipeline.video.clips.record import ClipFacts, ClipNote, ClipSound
from heaters_pipeline.video.clips.track_times import can_end_exactly
from heaters_pipeline.video.media.ffmpeg_resources import raise_if_shortage
from heaters_pipeline.video.media.frames import Frame
from heaters_pipeline.video.media.probe import open_input, shown_name
from heaters_pipeline.video.media.pyav import Packet, has_decoder, packets_of, rows_of
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline.video.media.video_streams import wanted_stream

# Others, such as dav1d, take what to skip once and for all.
_SKIPPING_DECODERS = frozenset({"h264", "hevc", "mpeg4", "mpeg2video"})
# FFmpeg cuts up the samples of these, and guesses how long each packet lasts. Their frames are
# decoded in the order in which they are shown.
_GUESSED_DURATIONS = frozenset({"vp9"})
# The headers of clips are complete; without this FFmpeg decodes some frames to find out more.
_AS_WRITTEN = {"probesize": "32"}
_ALL_PACKETS = {**_AS_WRITTEN, "ignore_editlist": "1"}


def inspect_clip(path: Path) -> ClipFacts:
    """Read what a clip file shows and says of itself, without decoding it.

    Raises:
        ClipError: It is no readable clip.
    """
    return _read(path, _Seen())


def check_clip(
    path: Path, timeline: Timeline, span: Span, seconds: Fraction | None = None
) -> ClipFacts:
    """Read a new clip and require that it shows exactly a span, with the source's timestamps.

    Args:
        path: The clip.
        timeline: Of the source.
        span: Frames that the clip has to show.
        seconds: How long all that it holds lasts, where it holds more than the span.
    Raises:
        ClipError: It does not.
    """
    seen = _Seen()
    facts = _read(path, seen)
    _require_span(facts, seen, timeline, span, seconds or timeline.duration_of(span))
    return facts


def check_copy(
    path: Path, timeline: Timeline, span: Span, packets: PacketSum, digest: int, seconds: Fraction
) -> ClipFacts:
    """Require all that ``check_clip`` does, and that packets and first picture are the source's.

    Args:
        path: The clip.
        timeline: Of the source.
        span: Frames that the clip has to show.
        packets: Of the source, from the first to the last that was copied.
        digest: ``Frame.digest`` of the source's picture.
        seconds: How long all that was copied lasts, with what is hidden.
    Raises:
        ClipError: It is not so.
    """
    seen = _Seen(wants_packets=True, wants_picture=True)
    facts = _read(path, seen)
    _require_span(facts, seen, timeline, span, seconds)
    # A reader that heeds edit lists may keep packets to itself.
    if seen.packets != packets and _all_packets(path) != packets:
        raise ClipError("the clip's packets are not the source's")
    if seen.picture is None or seen.picture.digest != digest:
        # Where a picture is made of several packets, it was decoded too early.
        with clip_errors(path):
            picture = _first_picture(path)
        if picture is None or picture.digest != digest:
            raise ClipError("the clip's first picture is not the source's")
    return facts


def check_pictures(
    path: Path, expected: Iterator[Frame] | None, frames: int, *, threads: int = 0
) -> None:
    """Decode all of a clip.

    Args:
        path: The clip.
        expected: The pictures that it has to show bit for bit, None where any will do.
        frames: How many it has to show.
        threads: That the decoder may use; 0 for as many as there are cores.
    Raises:
        ClipError: It shows something else, or damage.
        InvalidVideoError: The source cannot be read any more.
        SourceChangedError: It is no longer what it was.
    """
    wanted = [None] * frames if expected is None else expected
    for offset, (picture, frame) in enumerate(zip_longest(pictures_of(path, threads), wanted)):
        if picture is None:
            raise ClipError(f"the clip ends before its frame {offset}")
        if offset >= frames:
            raise ClipError(f"the clip shows more than {frames} frames")
        if picture.is_corrupt and (frame is None or not frame.decoded.is_corrupt):
            raise ClipError(f"frame {offset} of the clip is damaged")
        if frame is not None and not is_same(picture, frame.decoded):
            raise ClipError(f"frame {offset} of the clip is not the source's picture")


def pictures_of(path: Path, threads: int) -> Iterator[av.video.frame.VideoFrame]:
    """Decode a clip, with so many threads; 0 for as many as there are cores."""
    with clip_errors(path), open_input(path) as container:
        stream = wanted_stream(container)
        stream.thread_type = "AUTO"
        stream.codec_context.thread_count = threads
        yield from container.decode(stream)


@dataclass(slots=True)
class _Seen:
    """What one pass over a clip's packets is asked for, and what it saw."""

    wants_packets: bool = False
    wants_picture: bool = False
    shown_pts: list[int] = field(default_factory=list)
    last_ticks: int = 0
    all_seconds: Fraction = Fraction(0)
    packets: PacketSum | None = None
    picture: Frame | None = None


def _read(path: Path, seen: _Seen) -> ClipFacts:
    with clip_errors(path), open_input(path, _AS_WRITTEN) as container:
        stream = wanted_stream(container)
        note = ClipNote.decode(container.metadata.get("comment", ""))
        is_quicktime = container.metadata.get("major_brand") == QUICKTIME_BRAND
        _look_through(container, stream, seen)
        context = stream.codec_context
        codec, size_px = context.codec.canonical_name, (context.width, context.height)
        time_base = stream.time_base or Fraction(1)
        sound = _sound_of(container)
    if not seen.shown_pts:
        raise ClipError(f"{shown_name(path)} shows no frame")
    track = _video_track(path)
    seen.all_seconds = Fraction(track.samples_ticks, track.timescale)
    if codec in _GUESSED_DURATIONS:
        seen.last_ticks = track.last_ticks
    return ClipFacts(
        method=note.method,
        container="mov" if is_quicktime else "mp4",
        fallback_reason=note.fallback_reason,
        frames=len(seen.shown_pts),
        first_pts=min(seen.shown_pts),
        last_pts=max(seen.shown_pts),
        time_base=time_base,
        duration_seconds=track.shown.duration_seconds,
        size_bytes=path.stat().st_size,
        checked=note.checked,
        copied=note.copied,
        hidden_frames=track.samples - len(seen.shown_pts),
        span=note.span,
        width_px=size_px[0],
        height_px=size_px[1],
        codec=codec,
        sound=sound,
        tags=note.tags,
    )


def _sound_of(container: av.container.InputContainer) -> ClipSound | None:
    first = next(iter(container.streams.audio), None)
    if first is None:
        return None
    codec = first.codec_context.codec.canonical_name if has_decoder(first) else "unknown"
    return ClipSound(codec, first.channels, first.rate)


def _look_through(
    container: av.container.InputContainer, stream: av.video.stream.VideoStream, seen: _Seen
) -> None:
    if seen.wants_packets:
        seen.packets = PacketSum(
            stream.codec_context.codec.canonical_name, stream.codec_context.extradata
        )
    # Frames that are decoded in parallel come late, and the first one is all that is wanted.
    stream.codec_context.thread_count = 1
    latest = 0
    for packet in packets_of(container, stream):
        if seen.packets is not None:
            seen.packets.add(packet)
        if packet.pts is not None and not packet.is_discard:
            seen.shown_pts.append(packet.pts)
            if packet.pts >= latest:
                latest, seen.last_ticks = packet.pts, packet.duration or 0
        if seen.wants_picture:
            seen.picture = _picture_at_start(stream, packet)
            # All that has to be decoded before the picture at the start was, once its packet is.
            seen.wants_picture = seen.picture is None and not _holds_start(packet)


def _holds_start(packet: Packet) -> bool:
    return packet.pts == 0 and not packet.is_discard


def _picture_at_start(stream: av.video.stream.VideoStream, packet: Packet) -> Frame | None:
    """Decode a packet, and give the picture at timestamp 0 if this is the packet that holds it."""
    context = stream.codec_context
    # Hidden pictures that no other needs are most of the work, and decide nothing.
    skips = packet.is_discard and context.codec.canonical_name in _SKIPPING_DECODERS
    context.skip_frame = "NONREF" if skips else "DEFAULT"
    pictures = context.decode(packet)
    if _holds_start(packet):
        pictures += context.decode(None)
    return next((Frame(0, 0, 1, picture) for picture in pictures if picture.pts == 0), None)


def _first_picture(path: Path) -> Frame | None:
    with open_input(path) as container:
        first = next(container.decode(wanted_stream(container)), None)
    return Frame(0, 0, 1, first) if first is not None and first.pts == 0 else None


def _all_packets(path: Path) -> PacketSum:
    with clip_errors(path), open_input(path, _ALL_PACKETS) as container:
        stream = wanted_stream(container)
        packets = PacketSum(
            stream.codec_context.codec.canonical_name, stream.codec_context.extradata
        )
        for packet in packets_of(container, stream):
            packets.add(packet)
    return packets


def _require_span(
    facts: ClipFacts, seen: _Seen, timeline: Timeline, span: Span, all_seconds: Fraction
) -> None:
    shown = sorted(seen.shown_pts)
    if len(shown) != len(span):
        raise ClipError(f"the clip shows {len(shown)} frames instead of {len(span)}")
    origin = timeline.pts[span.start]
    scale = timeline.time_base / facts.time_base
    for offset, pts in enumerate(shown):
        source_pts = timeline.pts[span.start + offset] - origin
        if pts * scale.denominator != source_pts * scale.numerator:
            raise ClipError(
                f"frame {offset} of the clip is shown at {float(pts * facts.time_base)} s "
                f"instead of {float(source_pts * timeline.time_base)} s"
            )
    if facts.duration_seconds != timeline.duration_of(span):
        raise ClipError(
            f"the clip lasts {float(facts.duration_seconds)} s "
            f"instead of {float(timeline.duration_of(span))} s"
        )
    # Readers divide the number of all packets by this.
    if seen.all_seconds != all_seconds:
        raise ClipError(
            f"all packets of the clip last {float(seen.all_seconds)} s instead of "
            f"{float(all_seconds)} s, so its frame rate is wrong"
        )
    last = timeline.duration_of(Span(span.end - 1, span.end))
    if seen.last_ticks * facts.time_base != last and can_end_exactly(timeline, span):
        raise ClipError(
            f"the last frame of the clip lasts {float(seen.last_ticks * facts.time_base)} s "
            f"instead of {float(last)} s"
        )


def is_same(one: av.video.frame.VideoFrame, other: av.video.frame.VideoFrame) -> bool:
    """Whether two pictures are the same bit for bit."""
    kinds = [(frame.format.name, frame.width, frame.height) for frame in (one, other)]
    return kinds[0] == kinds[1] and all(
        np.array_equal(_visible_bytes(one, plane), _visible_bytes(other, plane))
        for plane in range(len(one.planes))
    )


def _visible_bytes(picture: av.video.frame.VideoFrame, index: int) -> UInt8Array:
    """The bytes of a plane without the padding of its rows."""
    plane = picture.planes[index]
    parts = [part for part in picture.format.components if part.plane == index]
    bits = sum(part.width * (part.bits if part.bits <= 8 else 16) for part in parts)
    return rows_of(plane)[: plane.height, : -(-bits // 8)]


@contextmanager
def clip_errors(path: Path) -> Iterator[None]:
    """Raise what a clip cannot be read for as ``ClipError``."""
    try:
        yield
    except (InvalidVideoError, av.error.FFmpegError) as error:
        if isinstance(error, av.error.FFmpegError):
            raise_if_shortage(error)
        raise ClipError(f"{shown_name(path)} is no readable clip: {error}") from error


def _video_track(path: Path) -> TrackHeader:
    tracks = [track for track in read_tracks(path) if track.handler == "vide"]
    if len(tracks) != 1:
        raise ClipError(f"{shown_name(path)} has {len(tracks)} video tracks, one is expected")
    return tracks[0]
