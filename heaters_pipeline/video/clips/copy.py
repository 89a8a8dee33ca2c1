"""Copy a span out of a video without decoding: the packets that it needs, and none shown too many.

The copy starts at the last random access point from which the first wanted frame can be decoded and
ends with the last wanted packet in the file's decoding order. Frames before (the pre-roll) and
between that nobody asked for are hidden by the edit list.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from itertools import chain
from math import floor

import av.video.stream

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.audio import AudioTracks
from heaters_pipeline.video.clips.hidden_frames import require_few_hidden, require_few_hidden_bytes
from heaters_pipeline.video.clips.mp4_writer import HEVC_TAG
from heaters_pipeline.video.clips.packet_digest import PacketSum
from heaters_pipeline.video.clips.settings import MOV_CODECS, ClipContainer
from heaters_pipeline.video.clips.subtitles import add_subtitles
from heaters_pipeline.video.clips.task import ClipTask
from heaters_pipeline.video.clips.telemetry import add_telemetry
from heaters_pipeline.video.clips.track_times import Sample, end_exactly, hidden_after
from heaters_pipeline.video.media.field_pictures import with_whole_frames
from heaters_pipeline.video.media.nal_units import has_start_codes
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.media.pyav import Packet
from heaters_pipeline.video.media.random_access import random_access_test
from heaters_pipeline.video.media.timing import Timeline

COPIED_CODECS = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mjpeg"})
"""Codecs whose copies in MP4 are proven exact; those of ``MOV_CODECS`` in MOV are so, too.

Not MPEG-1: FFmpeg's reader splits it again, and so hides another frame than it should.
"""

# From Proxy to 4444 XQ.
_PRORES_TAGS = frozenset({"apco", "apcs", "apcn", "apch", "ap4h", "ap4x"})
# Hidden frames cost space and time in each player; more of them are not worth an exact copy.
_MOST_PREROLL_SECONDS = 120
# From how far before the span to read, as long as that is in vain; at last from the file's start.
_START_BEFORE_SECONDS = (1, 5, 20, 80, _MOST_PREROLL_SECONDS)


def why_not_copied(info: VideoInfo, timeline: Timeline, container: ClipContainer) -> str | None:
    """Why no span of a video can be copied into a container, or None."""
    if info.codec not in (MOV_CODECS if container == "mov" else COPIED_CODECS):
        return f"{info.codec} cannot be copied into {container.upper()}"
    if not timeline.from_stream:
        return "the source's packets have no usable timestamps"
    return None


@dataclass(frozen=True, slots=True)
class Copied:
    """The video that was copied.

    Attributes:
        video: Its stream in the clip.
        packets: What was read of the source for it.
        seconds: How long all of it lasts, hidden frames included.
    """

    video: av.video.stream.VideoStream
    packets: PacketSum
    seconds: Fraction


def copy_span(task: ClipTask) -> Copied:
    """Write the packets of a span, video and sound, and the subtitles.

    Raises:
        ClipError: The span cannot be copied; the message says why.
    """
    reader, writer = task.reader, task.writer
    plan = _Planner(task).plan()
    shown = set(task.timeline.pts[task.span.start : task.span.end])
    require_few_hidden(len(shown), len(plan.pts) - len(shown))
    require_few_hidden_bytes(
        sum(size for pts, size in zip(plan.pts, plan.sizes_bytes, strict=True) if pts in shown),
        sum(size for pts, size in zip(plan.pts, plan.sizes_bytes, strict=True) if pts not in shown),
    )
    packets = _packets_from(reader, plan.from_pts)
    out = writer.add_copied(reader.video)
    keep_picture_tags(out, reader)
    audio = AudioTracks(task, copy=True)
    add_subtitles(writer, reader, task.subtitles, task.window)
    add_telemetry(task)
    video = _CopiedVideo(plan, task, out)
    for packet in packets:
        if packet.stream_index == reader.info.stream_index:
            video.feed(packet)
        else:
            audio.feed(packet)
        if video.done and audio.complete:
            break
    if not video.done:
        raise ClipError("the source ended before the span did; was it replaced?")
    audio.finish()
    return Copied(out, video.packets, video.ticks * task.timeline.time_base)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which video packets are copied.

    Attributes:
        from_pts: Where to read from, None for the start of the file.
        skip: Video packets from there that come before the first one.
        pts: Of the packets, in decoding order.
        sizes_bytes: Of them.
    """

    from_pts: int | None
    skip: int
    pts: list[int]
    sizes_bytes: list[int]

    def samples(self, last_pts: int, end_pts: int) -> list[Sample]:
        """When each packet is shown and decoded.

        Not the source's times, as many containers know no DTS, but the sorted PTS, moved back by so
        much that no packet is decoded after it is shown.

        Args:
            last_pts: When the last frame of the span is shown.
            end_pts: When it ends.
        """
        last_ticks = end_pts - last_pts
        pts = hidden_after(self.pts, end_pts, last_ticks)
        shown = sorted(pts)
        if len(set(shown)) < len(shown):
            raise ClipError("two packets of the source have the same timestamp")
        delay = max(at - own for at, own in zip(shown, pts, strict=True))
        samples = [Sample(own, at - delay) for at, own in zip(shown, pts, strict=True)]
        # Those that are hidden behind it last as long.
        end_exactly(samples, end_pts, shown[-1] + last_ticks - delay, samples[0].dts - delay)
        return samples


@dataclass(frozen=True, slots=True)
class _Entry:
    """Where decoding begins for a span.

    Attributes:
        skip: Video packets that were read before the entry point.
        preroll: Timestamp and bytes of the packets from the entry point on, up to the first of a
            wanted frame.
        first_wanted: That packet; the entry point itself if there is no pre-roll.
    """

    skip: int
    preroll: list[tuple[int, int]]
    first_wanted: Packet


class _Planner:
    """Finds the packets that a span needs, by reading and without decoding."""

    def __init__(self, task: ClipTask) -> None:
        self._reader = task.reader
        self._time_base = task.timeline.time_base
        self._first_pts = task.timeline.pts[0]
        self._wanted = task.timeline.pts[task.span.start : task.span.end]
        extradata = task.reader.video.codec_context.extradata or b""
        self._is_random_access = random_access_test(task.reader.info.codec, extradata)
        self._most_preroll = int(_MOST_PREROLL_SECONDS / self._time_base)
        self._sound_from = task.sound.read_from(task.window)

    def plan(self) -> _Plan:
        """Read from further and further back until all packets are found.

        Raises:
            ClipError: They are not.
        """
        for from_pts in self._places():
            plan = self._plan_from(from_pts)
            if plan is not None:
                return plan
        raise ClipError(
            "the source's packets do not have the timestamps of these frames, or its decoding "
            f"cannot begin within {_MOST_PREROLL_SECONDS} s before them"
        )

    def _places(self) -> Iterable[int | None]:
        start = self._wanted[0]
        places = [start - int(seconds / self._time_base) for seconds in _START_BEFORE_SECONDS]
        if self._sound_from is None:
            places.insert(0, self._first_pts)
        else:
            sound_pts = floor(self._sound_from / self._time_base)
            places = [min(place, sound_pts) for place in places]
        if start - self._first_pts <= self._most_preroll:
            places.append(self._first_pts)
        # A seek to where a file begins may land after its first packets, or change their times.
        return dict.fromkeys(None if place <= self._first_pts else place for place in places)

    def _plan_from(self, from_pts: int | None) -> _Plan | None:
        packets = (
            packet
            for packet in _packets_from(self._reader, from_pts)
            if packet.stream_index == self._reader.info.stream_index
        )
        entry = self._find_entry(packets, is_start_of_file=from_pts is None)
        if entry is None:
            return None
        pts, sizes_bytes = ([each[column] for each in entry.preroll] for column in (0, 1))
        missing = set(self._wanted)
        for packet in chain([entry.first_wanted], packets):
            pts.append(_pts_of(packet))
            sizes_bytes.append(packet.size)
            missing.discard(pts[-1])
            if not missing:
                return _Plan(from_pts, entry.skip, pts, sizes_bytes)
            if self._is_behind_span(packet):
                return None
        return None

    def _find_entry(self, packets: Iterator[Packet], *, is_start_of_file: bool) -> _Entry | None:
        """The last place up to the first wanted packet where decoding can begin; None if none."""
        wanted = set(self._wanted)
        skip: int | None = None
        preroll: list[tuple[int, int]] = []
        for number, packet in enumerate(packets):
            if self._can_begin(packet, is_first_of_file=is_start_of_file and number == 0):
                skip = number
                preroll = []
            if packet.pts in wanted:
                return None if skip is None else _Entry(skip, preroll, packet)
            if skip is not None:
                preroll.append((_pts_of(packet), packet.size))
                if self._is_behind_span(packet):
                    return None
        return None

    def _can_begin(self, packet: Packet, *, is_first_of_file: bool) -> bool:
        start = self._wanted[0]
        if packet.pts is None or start - packet.pts > self._most_preroll:
            return False
        # What is shown before its I-frame can be decoded for certain in the file's first GOP alone.
        if is_first_of_file:
            return packet.is_keyframe
        return packet.pts <= start and self._is_random_access(packet)

    def _is_behind_span(self, packet: Packet) -> bool:
        return packet.dts is not None and packet.dts > self._wanted[-1]


def _pts_of(packet: Packet) -> int:
    if packet.pts is None:
        raise ClipError("packets of the source have no timestamps")
    return packet.pts


def _packets_from(reader: SourceReader, pts: int | None) -> Iterator[Packet]:
    packets = reader.packets_from_start() if pts is None else reader.packets_from(pts)
    if reader.info.codec != "h264":
        return packets
    extradata = reader.video.codec_context.extradata or b""
    return with_whole_frames(packets, reader.info.stream_index, extradata)


class _CopiedVideo:
    def __init__(self, plan: _Plan, task: ClipTask, out: av.video.stream.VideoStream) -> None:
        codec = task.reader.video.codec_context
        extradata = codec.extradata or b""
        self.packets = PacketSum(codec.codec.canonical_name, extradata)
        self._is_random_access = random_access_test(codec.name, extradata)
        self._writer = task.writer
        self._out = out
        self._origin = task.start_pts
        self._skip = plan.skip
        samples = plan.samples(task.timeline.pts[task.span.end - 1], task.end_pts)
        self.ticks = sum(sample.duration for sample in samples)
        self._ahead = list(zip(plan.pts, samples, strict=True))[::-1]

    @property
    def done(self) -> bool:
        return not self._ahead

    def feed(self, packet: Packet) -> None:
        if self._skip:
            self._skip -= 1
            return
        if self.done:
            return
        pts, sample = self._ahead.pop()
        if packet.pts != pts:
            raise ClipError("the source gives other packets when it is read again")
        # Readers go back to the last key frame before the part that is shown, and no further.
        packet.is_keyframe = not self.packets.packets or self._is_random_access(packet)
        self.packets.add(packet)
        packet.pts, packet.dts = sample.pts - self._origin, sample.dts - self._origin
        packet.duration = sample.duration
        packet.stream = self._out
        self._writer.mux(packet)


def keep_picture_tags(out: av.video.stream.VideoStream, reader: SourceReader) -> None:
    """Note of a copied stream what the muxer does not find where it looks."""
    source = reader.video
    if not out.codec_context.framerate:
        # MXF says another one. The muxer counts timecodes by it.
        out.codec_context.framerate = reader.info.frame_rate or Fraction()
    if source.sample_aspect_ratio:
        # Matroska keeps it beside the codec's parameters, and the muxer looks there alone.
        out.codec_context.sample_aspect_ratio = source.sample_aspect_ratio
    if source.codec_context.codec_tag in _PRORES_TAGS:
        # It says which kind of ProRes it is; the muxer would call all of them HQ.
        out.codec_context.codec_tag = source.codec_context.codec_tag
    elif source.codec_context.name == "dnxhd":
        is_old = source.codec_context.profile == "DNXHD"
        out.codec_context.codec_tag = "AVdn" if is_old else "AVdh"
    extradata = source.codec_context.extradata or b""
    if source.codec_context.name == "hevc" and not has_start_codes(extradata):
        # The parameter sets stand where it says.
        out.codec_context.codec_tag = HEVC_TAG
