"""The packets of a source as far as joining copied and encoded frames asks for them.

Read once a video, without decoding: a clip's plan is made of it (``splice_plan``).
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy as np

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.arrays import BoolArray, Int64Array
from heaters_pipeline.video.media.avc_record import SIZE_BYTES, AvcRecord
from heaters_pipeline.video.media.h264_sets import PPS, SPS, Sps, parse_sps
from heaters_pipeline.video.media.nal_units import (
    H264_IDR_SLICE,
    H264_SLICE,
    HEVC_LEADING_TYPES,
    HEVC_SLICE_TYPES,
    UnitReader,
    h264_type,
    hevc_type,
)
from heaters_pipeline.video.media.packet_index import role_test
from heaters_pipeline.video.media.packet_reader import SourceReader
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
        switches: (packets,) whether nothing after it refers to anything before, as at an IDR
            picture of H.264, so that other parameter sets may hold from there on.
        droppable: (packets,) whether it may be left out where decoding begins before it and it is
            shown before that point.
        reordering: How many packets come before another that is shown before them, at most.
        least_ticks: How long the shortest frame is shown.
        sets: Parameter sets of H.264, in the header or between pictures; None for other codecs.
        sps: The first of them.
        join_refusal: Why no encoded frames can stand beside copied ones in a track, or None.
    """

    pts: Int64Array
    frames: Int64Array
    begins: BoolArray
    switches: BoolArray
    droppable: BoolArray
    reordering: int
    least_ticks: int
    sets: AvcRecord | None
    sps: Sps | None
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
    units = _H264Units(extradata) if codec == "h264" else None
    rows: list[tuple[int, bool, bool, bool]] = []
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
        rows.append((packet.pts, can_begin, switches, is_droppable(packet)))
    if not rows:
        raise ClipError("the source has no packets")
    pts, may_begin, may_switch, droppable = (np.array(column) for column in zip(*rows, strict=True))
    frames = _frames_of(pts, timeline)
    return SourcePackets(
        pts=pts,
        frames=frames,
        begins=may_begin,
        switches=may_switch,
        droppable=droppable,
        reordering=_reordering(pts),
        least_ticks=int(np.diff((*timeline.pts, timeline.end_pts)).min()),
        sets=units.sets if units else None,
        sps=units.sps if units else None,
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


class _H264Units:
    """Looks at the units of H.264: parameter sets, and which pictures are IDR."""

    def __init__(self, extradata: bytes) -> None:
        self._reader = UnitReader("h264", extradata)
        try:
            self.sets = AvcRecord.parse(extradata)
            self.sps = parse_sps(self.sets.sps[0])
        except ValueError as error:
            raise ClipError(f"the source cannot be copied: {error}") from error
        self._seen: set[bytes] = {*self.sets.sps, *self.sets.pps}

    @property
    def refusal(self) -> str | None:
        """Why nothing can be joined with the stream."""
        if self.sets.size_bytes != SIZE_BYTES:
            return "the sizes of its units do not have four bytes"
        if any(not parse_sps(unit).frames_only for unit in self.sets.sps):
            return "its pictures may consist of fields"
        if self.sets.free_id is None:
            return "its parameter sets have all ids"
        return None

    def note(self, packet: Packet) -> bool:
        """Take the next packet; True if it is an IDR picture."""
        for unit in self._reader.units(memoryview(packet)):
            kind = h264_type(unit) if unit else 0
            if kind in (SPS, PPS) and (content := bytes(unit)) not in self._seen:
                self._add(content)
            if kind in (H264_SLICE, H264_IDR_SLICE):
                return kind == H264_IDR_SLICE
        return False

    def _add(self, unit: bytes) -> None:
        self._seen.add(unit)
        try:
            self.sets = self.sets.with_sets([unit])
        except ValueError as error:
            raise ClipError(f"the source cannot be copied: {error}") from error


def _droppable_test(codec: str, extradata: bytes) -> Callable[[Packet], bool]:
    """For a stream, tell of a packet whether what is shown after the next I-frame does without."""
    if codec == "hevc":
        reader = UnitReader(codec, extradata)
        return lambda packet: _is_leading(reader.units(memoryview(packet)))
    role_of = role_test(codec, extradata)
    return lambda packet: not role_of(packet).is_reference


def _is_leading(units: Iterable[memoryview]) -> bool:
    kinds = (hevc_type(unit) for unit in units if unit)
    first = next((kind for kind in kinds if kind in HEVC_SLICE_TYPES), None)
    return first in HEVC_LEADING_TYPES
