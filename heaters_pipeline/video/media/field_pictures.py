"""Interlaced H.264 of which each field is a picture and a packet of its own: two make one frame.

Broadcasts code fields so (PAFF). Readers of clips take each sample of a file for a frame, so the
packets of both fields of a frame become one.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import av.packet

from heaters_pipeline.video.media.avc_record import AvcRecord
from heaters_pipeline.video.media.bit_reader import BitReader
from heaters_pipeline.video.media.h264_sets import Sps, parse_sps
from heaters_pipeline.video.media.nal_units import (
    H264_IDR_SLICE,
    H264_SLICE,
    UnitReader,
    h264_type,
)
from heaters_pipeline.video.media.pyav import Packet

_HEADER_BYTES = 64


@dataclass(frozen=True, slots=True)
class _Field:
    """Which field a picture is, and of which frame."""

    frame_num: int
    is_bottom: bool
    is_idr: bool


def with_whole_frames(
    packets: Iterable[Packet], stream_index: int, extradata: bytes
) -> Iterator[Packet]:
    """The packets, but those of both fields of a frame as one.

    Args:
        packets: Of a source, of any of its streams.
        stream_index: Of a stream of H.264.
        extradata: Of the stream.
    """
    field_of = _field_test(extradata)
    if field_of is None:
        yield from packets
        return
    first: tuple[Packet, _Field] | None = None
    for packet in packets:
        if packet.stream_index != stream_index:
            yield packet
            continue
        field = field_of(packet)
        if first is not None:
            if field is not None and _make_a_frame(first[1], field):
                yield _joined(first[0], packet)
                first = None
                continue
            yield first[0]
        first = (packet, field) if field is not None else None
        if field is None:
            yield packet
    if first is not None:
        yield first[0]


def _make_a_frame(first: _Field, second: _Field) -> bool:
    """After ITU-T H.264, 3.30: fields of opposite parity that follow each other."""
    return (
        first.frame_num == second.frame_num
        and first.is_bottom != second.is_bottom
        and not second.is_idr
    )


def _joined(first: Packet, second: Packet) -> Packet:
    both: Packet = av.packet.Packet(bytes(first) + bytes(second))
    both.stream, both.time_base = first.stream, first.time_base
    both.pts, both.dts = first.pts, first.dts
    both.duration = (first.duration or 0) + (second.duration or 0)
    both.is_keyframe = first.is_keyframe
    return both


def _field_test(extradata: bytes) -> Callable[[Packet], _Field | None] | None:
    """Tells which field a packet is, None for a frame. None for streams without fields."""
    try:
        sps = parse_sps(AvcRecord.parse(extradata).sps[0])
    except ValueError:
        # What cannot be read is left as it is.
        return None
    # Nobody broadcasts fields with scaling lists, or with the order of pictures in this way.
    is_untried = sps.has_scaling_matrices or sps.order_count_type == 1
    if sps.frames_only or is_untried:
        return None
    reader = UnitReader("h264", extradata)

    def field_of(packet: Packet) -> _Field | None:
        for unit in reader.units(memoryview(packet)):
            if unit and h264_type(unit) in (H264_SLICE, H264_IDR_SLICE):
                return _field_in(bytes(unit[:_HEADER_BYTES]), sps)
        return None

    return field_of


def _field_in(unit: bytes, sps: Sps) -> _Field | None:
    """Read how a slice begins (ITU-T H.264, 7.3.3) of a stream that may have fields."""
    bits = BitReader.of_unit(unit)
    try:
        for _ in ("first_mb_in_slice", "slice_type", "pic_parameter_set_id"):
            bits.exp_golomb()
        if sps.has_colour_planes:
            bits.number(2)
        frame_num = bits.number(sps.frame_num_bits)
        if not bits.flag():
            return None
        return _Field(frame_num, bits.flag(), h264_type(memoryview(unit)) == H264_IDR_SLICE)
    except ValueError:
        # It is cut short.
        return None
