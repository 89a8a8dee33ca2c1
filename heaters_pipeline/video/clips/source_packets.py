"""The packets of a source as far as joining copied and encoded frames asks for them.

Read once a video, without decoding: a clip's plan is made of it (``splice_plan``).
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass

import numpy as np

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.arrays import BoolArray, Int64Array
from heaters_pipeline.video.clips.source_units import source_units
from heaters_pipeline.video.media.avc_record import AvcRecord
from heaters_pipeline.video.media.hevc_record import HevcRecord
from heaters_pipeline.video.media.nal_units import (
    HEVC_LEADING_TYPES,
    HEVC_SKIPPED_TYPES,
    HEVC_SLICE_TYPES,
    UnitReader,
    hevc_type,
)
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.packet_roles import role_test
from heaters_pipeline.video.media.pyav import Packet
from heaters_pipeline.video.media.random_access import random_access_test
from heaters_pipeline.video.media.timing import Span, Timeline

SHOWS_NOTHING = -1
"""In place of a frame's number, where a packet shows none of its own."""


@dataclass(frozen=True, eq=False)
class SourcePackets:
    """The video packets of a source in decoding order.

    Attributes:
        pts: (packets,) presentation timestamps.
        frames: (packets,) which frame each shows, or ``SHOWS_NOTHING``.
        begins: (packets,) whether decoding can begin there: all shown from there on is right.
        seekable: (packets,) whether, besides, all that follows can be decoded. Readers look for a
            frame by the time at which packets are decoded, and so may begin at an open GOP of HEVC
            for one that is shown before it, and that they then leave out.
        switches: (packets,) whether nothing after it refers to anything before, but for what is
            left out, as at an IDR picture, so that other parameter sets may hold from there on.
        droppable: (packets,) whether it may be left out where decoding begins before it and it is
            shown before that point.
        reordering: How many packets come before another that is shown before them, at most.
        least_ticks: How long the shortest frame is shown.
        sets: Parameter sets of H.264 and HEVC, in the header or between pictures; None for other
            codecs.
        repeats_sets: They stand between pictures, too.
        join_refusal: Why no encoded frames can stand beside copied ones in a track, or None.
    """

    pts: Int64Array
    frames: Int64Array
    begins: BoolArray
    seekable: BoolArray
    switches: BoolArray
    droppable: BoolArray
    reordering: int
    least_ticks: int
    sets: AvcRecord | HevcRecord | None
    repeats_sets: bool
    join_refusal: str | None

    def points_in(self, span: Span) -> list[int]:
        """Places of packets at which decoding can begin, in the order in which they are shown."""
        inside = (self.frames >= span.start) & (self.frames < span.end)
        places = np.nonzero(self.begins & inside)[0]
        return [int(place) for place in places[np.argsort(self.frames[places])]]


def read_packets(reader: SourceReader, timeline: Timeline) -> SourcePackets:
    """Read all packets of the video.

    Args:
        reader: The open source.
        timeline: Of the source, with timestamps that stand in the file.
    Raises:
        ClipError: They do not tell the frames, or what they need changes; nothing can be copied.
        InvalidVideoError: The source cannot be read.
        SourceChangedError: It is no longer the file that was probed.
        StoreUnavailableError: The disk failed.
    """
    codec, extradata = reader.info.codec, reader.video.codec_context.extradata or b""
    begins = random_access_test(codec, extradata)
    is_droppable = _droppable_test(codec, extradata)
    is_skipped = _type_test(codec, extradata, HEVC_SKIPPED_TYPES)
    units = source_units(codec, extradata)
    rows: list[tuple[int, bool, bool, bool, bool]] = []
    for packet in reader.packets_from_start():
        if packet.stream_index != reader.info.stream_index:
            continue
        if packet.pts is None:
            raise ClipError("packets of the source have no timestamps")
        if rows and packet.has_sidedata("new_extradata"):
            raise ClipError("the source's parameter sets change")
        switches = units.note(packet) if units else False
        # What is shown before its I-frame can be decoded for certain in the first GOP alone.
        can_begin = begins(packet) if rows else packet.is_keyframe
        roles = switches, is_droppable(packet), is_skipped(packet)
        rows.append((packet.pts, can_begin, *roles))
    if not rows:
        raise ClipError("the source has no packets")
    columns = (np.array(column) for column in zip(*rows, strict=True))
    pts, may_begin, may_switch, droppable, skipped = columns
    frames = _frames_of(pts, timeline)
    return SourcePackets(
        pts=pts,
        frames=frames,
        begins=may_begin,
        seekable=_seekable(may_begin, droppable, skipped),
        switches=may_switch,
        droppable=droppable,
        reordering=_reordering(pts),
        least_ticks=int(np.diff((*timeline.pts, timeline.end_pts)).min()),
        sets=units.sets if units else None,
        repeats_sets=units.repeats_sets if units else False,
        join_refusal=units.refusal if units else f"frames of {codec} are not joined with others",
    )


def _frames_of(pts: Int64Array, timeline: Timeline) -> Int64Array:
    if len(np.unique(pts)) < len(pts):
        raise ClipError("two packets of the source have the same timestamp")
    shown = np.array(timeline.pts)
    nearest = np.minimum(np.searchsorted(shown, pts), len(shown) - 1)
    return np.where(shown[nearest] == pts, nearest, SHOWS_NOTHING)


def _reordering(pts: Int64Array) -> int:
    ranks = np.argsort(np.argsort(pts))
    return int((np.arange(len(pts)) - ranks).max())


def _droppable_test(codec: str, extradata: bytes) -> Callable[[Packet], bool]:
    """For a stream, tell of a packet whether what is shown after the next I-frame does without."""
    if codec == "hevc":
        return _type_test(codec, extradata, HEVC_LEADING_TYPES)
    role_of = role_test(codec, extradata)
    return lambda packet: not role_of(packet).is_reference


def _type_test(codec: str, extradata: bytes, types: Collection[int]) -> Callable[[Packet], bool]:
    """For a stream, tell of a packet whether its slices have certain types of HEVC."""
    if codec != "hevc":
        return lambda packet: False
    reader = UnitReader(codec, extradata)

    def is_of_types(packet: Packet) -> bool:
        kinds = (hevc_type(unit) for unit in reader.units(memoryview(packet)) if unit)
        return next((kind for kind in kinds if kind in HEVC_SLICE_TYPES), None) in types

    return is_of_types


def _seekable(begins: BoolArray, leading: BoolArray, skipped: BoolArray) -> BoolArray:
    """Points that are not followed by packets that decoders leave out there."""
    seekable, point = begins.copy(), 0
    for place in range(len(begins)):
        if not leading[place]:
            point = place
        elif skipped[place]:
            seekable[point] = False
    return seekable
