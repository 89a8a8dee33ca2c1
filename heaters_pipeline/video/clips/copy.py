"""Copy a span out of a video without decoding: the packets that it needs, and none shown too many.

The copy starts at the last I-frame from which the first wanted frame can be decoded and ends
when the last wanted packet was seen, in the file's decoding order. Frames before and between that
nobody asked for are hidden by the edit list.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import av.video.stream

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.audio import AudioTracks, Window
from heaters_pipeline.video.clips.mp4_writer import ClipWriter
from heaters_pipeline.video.clips.packet_digest import PacketSum
from heaters_pipeline.video.clips.settings import ClipSettings
from heaters_pipeline.video.clips.subtitles import SourceSubtitles, add_subtitles
from heaters_pipeline.video.media.integrity import Packet
from heaters_pipeline.video.media.nal_units import has_start_codes
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.media.random_access import random_access_test
from heaters_pipeline.video.media.timing import Span, Timeline

COPIED_CODECS = frozenset({"h264", "hevc", "av1", "vp9", "mpeg4", "mpeg2video", "mjpeg"})
"""Codecs whose copies in MP4 are proven exact.

Not MPEG-1: FFmpeg's reader splits it anew, and so hides another frame than it should.
"""

# Hidden frames cost space and time in each player; more of them are not worth an exact copy.
_MOST_LEAD_SECONDS = 120
# The first also lets the sound start early enough; at last the file is read from its start.
_BACK_SECONDS = (1, 5, 20, 80, _MOST_LEAD_SECONDS)


def why_not_copied(info: VideoInfo, timeline: Timeline) -> str | None:
    """Why no span of a video can be copied, or None."""
    if info.codec not in COPIED_CODECS:
        return f"{info.codec} cannot be copied into MP4"
    if not timeline.from_stream:
        return "the source's packets have no usable timestamps"
    return None


@dataclass(frozen=True, slots=True)
class Copied:
    """The video that was copied.

    Attributes:
        video: Its stream in the clip.
        packets: What was read of the source for it.
    """

    video: av.video.stream.VideoStream
    packets: PacketSum


def copy_span(
    reader: SourceReader,
    timeline: Timeline,
    span: Span,
    writer: ClipWriter,
    settings: ClipSettings,
    subtitles: SourceSubtitles,
) -> Copied:
    """Write the packets of a span, video and sound, and the subtitles.

    Raises:
        ClipError: The span cannot be copied; the message says why.
    """
    wanted = timeline.pts[span.start : span.end]
    plan = _plan(reader, timeline, wanted)
    packets = _packets_from(reader, plan.from_pts)
    out = writer.add_copied(reader.video)
    _keep_picture_tags(out, reader.video)
    tick = timeline.time_base
    window = Window(wanted[0] * tick, timeline.boundary_pts(span.end) * tick)
    audio = AudioTracks(
        writer,
        reader,
        window,
        copy=True,
        bitrate_kbps=settings.audio_bitrate_kbps,
    )
    add_subtitles(writer, reader, subtitles, window)
    video = _CopiedVideo(
        *(plan, wanted[0], timeline.boundary_pts(span.end)), out, writer, reader.video
    )
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
    return Copied(out, video.packets)


@dataclass(frozen=True, slots=True)
class _Plan:
    """Which video packets are copied.

    Attributes:
        from_pts: Where to read from, None for the start of the file.
        skip: Video packets from there that come before the first one.
        pts: Stamps of the packets, in decoding order.
    """

    from_pts: int | None
    skip: int
    pts: list[int]

    def decoding_times(self, end_pts: int) -> tuple[list[int], list[int]]:
        """DTS and duration of each packet.

        Made anew, as many containers know no DTS: the sorted PTS, moved back by so much that
        no packet is decoded after it is shown.

        Args:
            end_pts: When the last frame of the span ends.
        """
        shown = sorted(self.pts)
        delay = max(at - pts for at, pts in zip(shown, self.pts, strict=True))
        steps = [after - at for at, after in pairwise(shown)]
        if 0 in steps:
            raise ClipError("two packets of the source have the same timestamp")
        # Of hidden packets after the span it does not matter how long they last.
        last_ticks = max(end_pts - shown[-1], 1)
        return [at - delay for at in shown], [*steps, last_ticks]


def _plan(reader: SourceReader, timeline: Timeline, wanted: Sequence[int]) -> _Plan:
    first = timeline.pts[0]
    lead_limit = int(_MOST_LEAD_SECONDS / timeline.time_base)
    ticks_back = [int(seconds / timeline.time_base) for seconds in _BACK_SECONDS]
    ways: list[int | None] = [max(first, wanted[0] - back) for back in ticks_back]
    if wanted[0] - first <= lead_limit:
        ways.append(None)
    for from_pts in dict.fromkeys(ways):
        plan = _plan_from(reader, from_pts, wanted, lead_limit)
        if plan is not None:
            return plan
    raise ClipError(
        "the source's packets do not bear the timestamps of these frames, or its decoding cannot "
        f"begin within {_MOST_LEAD_SECONDS} s before them"
    )


def _plan_from(
    reader: SourceReader, from_pts: int | None, wanted: Sequence[int], lead_limit: int
) -> _Plan | None:
    missing = set(wanted)
    seen, skip = 0, None
    copied: list[int] = []
    packets = _packets_from(reader, from_pts)
    can_begin = random_access_test(reader.info.codec, reader.video.codec_context.extradata or b"")
    for packet in packets:
        if packet.stream_index != reader.info.stream_index:
            continue
        pts = packet.pts
        is_first_of_file = from_pts is None and seen == 0
        nothing_yet = len(missing) == len(wanted)
        # What comes before its I-frame can be decoded for certain in the first group alone.
        in_time = pts is not None and wanted[0] - pts <= lead_limit
        in_time &= is_first_of_file or (pts is not None and pts <= wanted[0])
        is_beginning = can_begin(packet) or (is_first_of_file and packet.is_keyframe)
        if is_beginning and nothing_yet and in_time:
            skip = seen
            copied.clear()
        seen += 1
        if skip is None:
            if pts in missing:
                return None
            continue
        if pts is None:
            raise ClipError("packets of the source have no timestamps")
        copied.append(pts)
        missing.discard(pts)
        if not missing:
            return _Plan(from_pts, skip, copied)
        if packet.dts is not None and packet.dts > wanted[-1]:
            return None
    return None


def _packets_from(reader: SourceReader, pts: int | None) -> Iterator[Packet]:
    return reader.packets_from_start() if pts is None else reader.packets_from(pts)


class _CopiedVideo:
    def __init__(
        self,
        plan: _Plan,
        origin: int,
        end_pts: int,
        out: av.video.stream.VideoStream,
        writer: ClipWriter,
        source: av.video.stream.VideoStream,
    ) -> None:
        codec, extradata = source.codec_context.name, source.codec_context.extradata or b""
        self.packets = PacketSum(codec, extradata)
        self._is_random_access = random_access_test(codec, extradata)
        self._writer = writer
        self._out = out
        self._origin = origin
        self._skip = plan.skip
        dts, durations = plan.decoding_times(end_pts)
        self._ahead = list(zip(plan.pts, dts, durations, strict=True))[::-1]

    @property
    def done(self) -> bool:
        return not self._ahead

    def feed(self, packet: Packet) -> None:
        if self._skip:
            self._skip -= 1
            return
        if self.done:
            return
        pts, dts, duration = self._ahead.pop()
        if packet.pts != pts:
            raise ClipError("the source gives other packets when it is read again")
        # Readers go back to the last key frame before the part that is shown, and no further.
        packet.is_keyframe = not self.packets.packets or self._is_random_access(packet)
        self.packets.add(packet)
        packet.pts, packet.dts = pts - self._origin, dts - self._origin
        packet.duration = duration
        packet.stream = self._out
        self._writer.mux(packet)


def _keep_picture_tags(
    out: av.video.stream.VideoStream, source: av.video.stream.VideoStream
) -> None:
    if source.sample_aspect_ratio:
        # Matroska keeps it beside the codec's parameters, and the muxer looks there alone.
        out.codec_context.sample_aspect_ratio = source.sample_aspect_ratio
    extradata = source.codec_context.extradata or b""
    if source.codec_context.name == "hevc" and not has_start_codes(extradata):
        # Apple's players take no other name; the parameter sets stand where it says.
        out.codec_context.codec_tag = "hvc1"
