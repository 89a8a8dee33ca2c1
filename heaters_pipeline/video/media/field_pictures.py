"""Interlaced H.264 of which each field is a picture and a packet of its own: two make one frame.

Broadcasts code fields so (PAFF). Readers of clips take each sample of a file for a frame, so the
packets of both fields of a frame become one.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import av.packet

from heaters_pipeline.video.media.nal_units import (
    H264_IDR_SLICE,
    H264_SEQUENCE,
    H264_SLICE,
    UnitReader,
    configured_units,
    h264_type,
)
from heaters_pipeline.video.media.pyav import Packet

# Profiles whose sequences say how chroma is stored (ITU-T H.264, 7.3.2.1.1).
_PROFILES_WITH_CHROMA = frozenset({100, 110, 122, 244, 44, 83, 86, 118, 128, 138, 139, 134, 135})
_HEADER_BYTES = 64


@dataclass(frozen=True, slots=True)
class _Sequence:
    """What a sequence parameter set says of how slices begin."""

    frame_num_bits: int
    has_colour_planes: bool
    may_have_fields: bool


@dataclass(frozen=True, slots=True)
class _Field:
    """Which field a picture is, and of which frame."""

    frame_num: int
    is_bottom: bool
    is_idr: bool


class _Bits:
    def __init__(self, content: bytes) -> None:
        unescaped = content.replace(b"\0\0\3", b"\0\0")
        self._bits = "".join(f"{byte:08b}" for byte in unescaped)
        self._at = 0

    def number(self, bits: int) -> int:
        self._at += bits
        return int(self._bits[self._at - bits : self._at] or "0", 2)

    def exp_golomb(self) -> int:
        """An unsigned number (ITU-T H.264, 9.1); 0 where the data is damaged and has none."""
        zeros = self._bits.find("1", self._at) - self._at
        if zeros < 0:
            return 0
        self._at += zeros
        return self.number(zeros + 1) - 1


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
    sequences = [
        _sequence_of(bytes(unit))
        for unit in configured_units(extradata)
        if unit and h264_type(unit) == H264_SEQUENCE
    ]
    if not sequences or not sequences[0].may_have_fields:
        return None
    sequence, reader = sequences[0], UnitReader("h264", extradata)

    def field_of(packet: Packet) -> _Field | None:
        for unit in reader.units(memoryview(packet)):
            if unit and h264_type(unit) in (H264_SLICE, H264_IDR_SLICE):
                return _field_in(bytes(unit[:_HEADER_BYTES]), sequence)
        return None

    return field_of


def _sequence_of(unit: bytes) -> _Sequence:
    """Read a sequence parameter set (ITU-T H.264, 7.3.2.1.1) up to what is asked."""
    bits = _Bits(unit[1:])
    profile = bits.number(24) >> 16
    bits.exp_golomb()
    has_colour_planes = False
    if profile in _PROFILES_WITH_CHROMA:
        has_colour_planes = bits.exp_golomb() == 3 and bits.number(1) == 1
        bits.exp_golomb()
        bits.exp_golomb()
        bits.number(1)
        if bits.number(1):
            # Scaling lists are of many lengths; nobody broadcasts them.
            return _Sequence(0, has_colour_planes, may_have_fields=False)
    frame_num_bits = bits.exp_golomb() + 4
    order_type = bits.exp_golomb()
    if order_type == 0:
        bits.exp_golomb()
    elif order_type == 1:
        return _Sequence(frame_num_bits, has_colour_planes, may_have_fields=False)
    bits.exp_golomb()
    bits.number(1)
    bits.exp_golomb()
    bits.exp_golomb()
    return _Sequence(frame_num_bits, has_colour_planes, may_have_fields=bits.number(1) == 0)


def _field_in(unit: bytes, sequence: _Sequence) -> _Field | None:
    """Read how a slice begins (ITU-T H.264, 7.3.3) of a stream that may have fields."""
    bits = _Bits(unit[1:])
    for _ in ("first_mb_in_slice", "slice_type", "pic_parameter_set_id"):
        bits.exp_golomb()
    if sequence.has_colour_planes:
        bits.number(2)
    frame_num = bits.number(sequence.frame_num_bits)
    if not bits.number(1):
        return None
    return _Field(frame_num, bits.number(1) == 1, unit[0] & 0x1F == H264_IDR_SLICE)
