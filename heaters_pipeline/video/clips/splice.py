"""Write a clip whose video is joined of encoded and copied frames, so that none is hidden.

The header of all clips of a video holds the source's parameter sets and those of the encoder,
under different ids; each part begins with a picture at which others may be activated: an IDR
picture, or in HEVC a BLA picture.
"""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

import av
import av.video.stream

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.copy import keep_picture_tags
from heaters_pipeline.video.clips.encode import Sound, hdr_metadata_of
from heaters_pipeline.video.clips.h264_parts import h264_parts
from heaters_pipeline.video.clips.hevc_parts import hevc_parts
from heaters_pipeline.video.clips.luma_quality import QualityWatch
from heaters_pipeline.video.clips.packet_digest import PacketSum
from heaters_pipeline.video.clips.part_encoder import PartEncoder, PartKind, PartPictures
from heaters_pipeline.video.clips.source_packets import SourcePackets, read_packets
from heaters_pipeline.video.clips.splice_plan import CopiedRun, SplicePlan, plan_splice
from heaters_pipeline.video.clips.subtitles import add_subtitles
from heaters_pipeline.video.clips.sync_groups import sync_groups
from heaters_pipeline.video.clips.task import ClipTask
from heaters_pipeline.video.clips.telemetry import add_telemetry
from heaters_pipeline.video.clips.track_times import EvenDecoding, Sample
from heaters_pipeline.video.media.frames import Frame
from heaters_pipeline.video.media.hevc_record import HevcRecord
from heaters_pipeline.video.media.nal_units import (
    UnitReader,
    has_start_codes,
    sized,
)
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.probe import VideoInfo
from heaters_pipeline.video.media.pyav import Packet
from heaters_pipeline.video.media.timing import Span, Timeline

FramesOf = Callable[[Span], Iterator[Frame]]
"""Decodes frames of the source."""

# How far before a packet to look for it, where a seek lands behind it; at last in the whole file.
_FOUND_WITHIN_SECONDS = (0, 2, 20)

# So far apart at most are places where readers begin: at open GOPs of HEVC many miss a few frames
# that are shown before such a place, elsewhere they would have to decode long.
_SEEKABLE_SECONDS = 20


@dataclass(frozen=True, slots=True)
class SpliceSource:
    """What all joined clips of a video have in common.

    Attributes:
        packets: Of the source.
        plans: Which frames of each clip are copied.
        kind: Of the encoded parts; None where none can stand beside copied frames.
        header: ``avcC`` or ``hvcC`` of each clip; None where it is as the muxer makes it.
    """

    packets: SourcePackets
    plans: Mapping[Span, SplicePlan]
    kind: PartKind | None = None
    header: bytes | None = None


def splice_source(
    reader: SourceReader, timeline: Timeline, preset: str, spans: Iterable[Span]
) -> SpliceSource:
    """Look through a source, and plan its clips.

    Args:
        reader: The open source.
        timeline: Of the source.
        preset: Of the encoder.
        spans: Frames of the clips.
    Raises:
        ClipError: Nothing of it can be copied.
        InvalidVideoError: The source cannot be read.
        SourceChangedError: It is no longer the file that was probed.
        StoreUnavailableError: The disk failed.
    """
    packets, kind, header = read_packets(reader, timeline), None, None
    try:
        kind = part_kind(reader.video, reader.info, packets, timeline)
        header = kind.header(preset)
    except ClipError as error:
        packets, kind = replace(packets, join_refusal=str(error)), None
    plans = {span: plan_splice(packets, span) for span in spans}
    return SpliceSource(packets, plans, kind, header)


def part_kind(
    video: av.video.stream.VideoStream, info: VideoInfo, packets: SourcePackets, timeline: Timeline
) -> PartKind:
    """How parts have to be encoded so that they can stand beside frames of the source.

    Args:
        video: The source's stream.
        info: Of the source.
        packets: Of the source.
        timeline: Of the source.
    Raises:
        ClipError: They cannot.
    """
    if packets.join_refusal or packets.sets is None:
        raise ClipError(packets.join_refusal or f"frames of {info.codec} are not joined")
    pictures = PartPictures.of(video, info)
    if isinstance(packets.sets, HevcRecord):
        is_in_header = not has_start_codes(video.codec_context.extradata or b"")
        return hevc_parts(pictures, packets.sets, packets.reordering, is_in_header=is_in_header)
    is_even = timeline.is_even(Span(0, timeline.frames))
    return h264_parts(
        pictures,
        packets.sets,
        packets.reordering,
        is_even=is_even,
        repeats_sets=packets.repeats_sets,
    )


@dataclass(frozen=True, slots=True)
class Spliced:
    """The video that was written.

    Attributes:
        video: Its stream in the clip.
        copied: What was copied of the source.
        first_encoded: The first frame of each encoded part.
    """

    video: av.video.stream.VideoStream
    copied: PacketSum
    first_encoded: list[Frame]


def splice_span(
    task: ClipTask,
    source: SpliceSource,
    plan: SplicePlan,
    pictures: SourceReader,
    frames_of: FramesOf,
    *,
    crf: int,
    threads: int,
) -> Spliced:
    """Write the frames of a span, the sound that belongs to them, and the subtitles.

    Args:
        task: What is to be made; its reader is used for sound.
        source: What the clips have in common.
        plan: Which frames are copied.
        pictures: The same source, opened once more.
        frames_of: Decodes what is encoded.
        crf: Constant rate factor of what is encoded.
        threads: How many the encoder may use; 0 for as many as there are cores.
    Raises:
        TooFarError: What is encoded is not close enough to the source.
        ClipError: It cannot be done; the message says why.
        InvalidVideoError: The source cannot be read.
    """
    out = task.writer.add_copied(task.reader.video)
    keep_picture_tags(out, task.reader)
    if source.header:
        out.codec_context.extradata = source.header
    sound = Sound(task, copy=True)
    add_subtitles(task.writer, task.reader, task.subtitles, task.window)
    add_telemetry(task)
    watch = QualityWatch(plan.encoded_frames, task.settings.min_psnr_db)
    track = _Track(task, source, out, sound, watch)
    codec = task.reader.video.codec_context
    spliced = Spliced(
        out, PacketSum(codec.codec.canonical_name, source.header or codec.extradata), []
    )
    if plan.head:
        _encode(track, plan.head, pictures, frames_of, crf, threads, spliced)
    if plan.copied:
        _copy(track, plan, plan.copied, pictures, spliced.copied)
    if plan.tail:
        _encode(track, plan.tail, pictures, frames_of, crf, threads, spliced)
    track.finish()
    sound.finish()
    return spliced


class _Track:
    """Takes the packets of all parts in decoding order, and gives them their decoding times."""

    def __init__(
        self,
        task: ClipTask,
        source: SpliceSource,
        out: av.video.stream.VideoStream,
        sound: Sound,
        watch: QualityWatch,
    ) -> None:
        self.watch = watch
        self.task = task
        self.source = source
        self._out = out
        self._sound = sound
        packets = source.packets
        self._times = EvenDecoding(
            task.timeline.pts[task.span.start : task.span.end],
            task.end_pts,
            packets.reordering,
            packets.least_ticks,
        )
        self._waiting: deque[Packet] = deque()
        self._count = 0
        self._open_points: list[int] = []

    def put(self, packet: Packet, pts: int, *, begins_open_gop: bool = False) -> None:
        """Take the next packet."""
        if begins_open_gop:
            self._open_points.append(self._count)
        self._count += 1
        self._waiting.append(packet)
        self._mux(self._times.add(pts))
        self._sound.feed_until(pts * self.task.timeline.time_base)

    def finish(self) -> None:
        """Write the rest."""
        self._mux(self._times.finish())
        groups = sync_groups(self._open_points, self._count)
        self.task.writer.group_samples(self._out.index, groups)

    def _mux(self, samples: Iterator[Sample]) -> None:
        for sample in samples:
            packet = self._waiting.popleft()
            packet.time_base = self.task.timeline.time_base
            packet.pts = sample.pts - self.task.start_pts
            packet.dts = sample.dts - self.task.start_pts
            packet.duration = sample.duration
            packet.stream = self._out
            self.task.writer.mux(packet)


def _encode(
    track: _Track,
    span: Span,
    pictures: SourceReader,
    frames_of: FramesOf,
    crf: int,
    threads: int,
    spliced: Spliced,
) -> None:
    kind = track.source.kind
    if kind is None:
        raise ClipError(track.source.packets.join_refusal or "nothing can be joined with it")
    encoder: PartEncoder | None = None

    def put(encoded: Iterator[Packet]) -> None:
        for packet in encoded:
            if packet.pts is None:
                raise ClipError("the encoder gave a packet without a timestamp")
            track.put(packet, packet.pts)

    for frame in frames_of(span):
        picture = frame.decoded
        if (picture.width, picture.height) != kind.pictures.size_px:
            raise ClipError("the source's pictures change their size")
        if picture.format.name != kind.pictures.pixel_format:
            raise ClipError("the source's pictures change their format")
        if encoder is None:
            metadata = hdr_metadata_of(frame, pictures)
            preset = track.task.settings.preset
            encoder = kind.encoder(crf, preset, threads, metadata, track.watch)
            spliced.first_encoded.append(frame)
        # Else the encoder would repeat the source's choice of I-frames.
        picture.pict_type = av.video.frame.PictureType.NONE
        picture.pts, picture.time_base = frame.pts, kind.pictures.time_base
        put(encoder.encode(picture))
    if encoder is not None:
        put(encoder.encode(None))


def _copy(
    track: _Track, plan: SplicePlan, run: CopiedRun, reader: SourceReader, copied: PacketSum
) -> None:
    packets = track.source.packets
    expected = packets.pts[run.first : run.first + run.packets].tolist()
    as_in_clip = _as_in_clip(track.source, plan, reader)
    found = _packets_at(reader, expected[0])
    key_pts, most_ticks = expected[0], int(_SEEKABLE_SECONDS / reader.info.time_base)
    for place, pts in enumerate(expected):
        packet = next(found, None)
        if packet is None or packet.pts != pts:
            raise ClipError("the source gives other packets when it is read again")
        if place in run.dropped:
            continue
        # Readers go back to the last key frame, and no further.
        may_be_point = packets.begins if pts - key_pts >= most_ticks else packets.seekable
        is_point = place == 0 or bool(may_be_point[run.first + place])
        if is_point:
            key_pts = pts
        packet = as_in_clip(packet, is_point, place == 0)
        packet.is_keyframe = is_point
        copied.add(packet)
        is_open = is_point and place > 0 and not packets.seekable[run.first + place]
        track.put(packet, pts, begins_open_gop=is_open)


def _as_in_clip(
    source: SpliceSource, plan: SplicePlan, reader: SourceReader
) -> Callable[[Packet, bool, bool], Packet]:
    """Gives a clip's packet for one of the source, at which decoding can begin, and for a first."""
    kind, extradata = source.kind, reader.video.codec_context.extradata or b""
    if kind is None:
        return lambda packet, is_point, is_first: packet
    codec, converts = reader.info.codec, has_start_codes(extradata)

    def as_in_clip(packet: Packet, is_point: bool, is_first: bool) -> Packet:
        is_changed = is_point and plan.encoded_frames > 0
        if not converts and not is_changed:
            return packet
        units = [bytes(each) for each in UnitReader(codec, extradata).units(memoryview(packet))]
        if is_changed:
            units = kind.at_point(units, after_encoded=is_first and plan.head is not None)
        return av.Packet(sized(units))

    return as_in_clip


def _packets_at(reader: SourceReader, pts: int) -> Iterator[Packet]:
    """The video packets from the one with a timestamp on."""
    time_base, index = reader.info.time_base, reader.info.stream_index
    for seconds in (*_FOUND_WITHIN_SECONDS, None):
        packets = (
            reader.packets_from_start()
            if seconds is None
            else reader.packets_from(pts - int(seconds / time_base))
        )
        for packet in packets:
            if packet.stream_index != index:
                continue
            if packet.pts == pts:
                yield packet
                yield from (each for each in packets if each.stream_index == index)
                return
            if packet.dts is not None and packet.dts > pts:
                break
    raise ClipError("the source does not give its packets again; was it replaced?")
