"""Read and edit the index of MP4 and MOV files as FFmpeg's muxer writes it (ISO/IEC 14496-12).

A clip shows exactly its span because of its edit lists, and the muxer rounds those and counts
hidden frames in. Here they are written exactly, and the index is moved before the media, so
that a player can begin before it has the whole file. Strict: what is not as expected is a
``ClipError``, never repaired.
"""

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType
from typing import BinaryIO

import numpy as np

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.arrays import Int64Array
from heaters_pipeline.video.clips.mp4_boxes import (
    Box,
    handler_of,
    parse_boxes,
    read_index,
    timescale_of,
    top_level,
    track_id_of,
)
from heaters_pipeline.video.media.probe import shown_name

QUICKTIME_BRAND = "qt  "
"""What a MOV file says that it is, in place of a brand of MP4."""

_UINT16_MAX = 0xFFFF
_UINT32_MAX = 0xFFFF_FFFF
_INT32_MAX = 0x7FFF_FFFF
_COPY_BYTES = 1 << 20
_NOTHING_SHOWN = -1
# What stands in stsd before its only entry, and in that before the boxes in it (8.5.2, 12.1.3).
_TABLE_HEAD_BYTES = 8
_PICTURE_ENTRY_BYTES = 86


@dataclass(frozen=True, slots=True)
class ShownPart:
    """Which part of a track is shown, and when.

    Attributes:
        empty_seconds: How long nothing of the track is shown first.
        media_start_ticks: Where the shown part starts, in ticks of the track from the decoding
            time of its first sample.
        duration_seconds: How long it is shown.
    """

    empty_seconds: Fraction
    media_start_ticks: int
    duration_seconds: Fraction


@dataclass(frozen=True, slots=True)
class TrackHeader:
    """What the index says of one track.

    Attributes:
        track_id: Its number.
        handler: Such as ``vide``.
        timescale: Ticks a second.
        shown: What of it is shown.
        samples: How many it holds.
        samples_ticks: How long all of them last.
        last_ticks: How long the last of them lasts; 0 if there is none.
    """

    track_id: int
    handler: str
    timescale: int
    shown: ShownPart
    samples: int
    samples_ticks: int
    last_ticks: int


def write_fast_start(
    muxed: Path,
    target: Path,
    shown: Mapping[int, ShownPart],
    described: Mapping[int, Sequence[bytes]] = MappingProxyType({}),
    grouped: Mapping[int, Sequence[bytes]] = MappingProxyType({}),
    languages: Mapping[int, str] = MappingProxyType({}),
    user_data: bytes = b"",
) -> None:
    """Copy an MP4 file with exact edit lists and its index first.

    The first track gives the movie its timescale, so that its edit list is exact to the tick.

    Args:
        muxed: File as the muxer wrote it, its index last.
        target: File to write; must not exist.
        shown: What is shown of each track, by track id. All tracks must be named.
        described: Boxes, by track id, that describe its pictures; left out where the muxer wrote
            one of the kind.
        grouped: Boxes, by track id, that say more of its samples.
        languages: Of tracks, by track id, as ISO 639-2 has them; the muxer leaves out of MOV those
            that the Macintosh has no number for.
        user_data: Boxes that say more of the whole file.
    """
    with muxed.open("rb") as source, target.open("xb") as out:
        places = list(top_level(source))
        kinds = [kind for kind, _, _ in places]
        if kinds[:1] != [b"ftyp"] or kinds[-1:] != [b"moov"] or kinds.count(b"moov") != 1:
            raise ClipError(f"the muxer wrote boxes in an unknown order: {kinds}")
        (_, _, head_end), (_, index_start, index_end) = places[0], places[-1]
        movie = read_index(source, index_start, index_end)
        _set_shown(movie, shown)
        movie.child(b"udta").payload += user_data
        for track in movie.children:
            if track.kind == b"trak" and handler_of(track) == "vide":
                _describe_pictures(track, described.get(track_id_of(track), ()))
                samples = track.child(b"mdia").child(b"minf").child(b"stbl").children
                for box in grouped.get(track_id_of(track), ()):
                    samples += parse_boxes(box)
            if track.kind == b"trak" and track_id_of(track) in languages:
                _set_language(track.child(b"mdia").child(b"mdhd"), languages[track_id_of(track)])
        index = _moved_index(movie)
        source.seek(0)
        _copy(source, out, head_end)
        out.write(index)
        _copy(source, out, index_start - head_end)


def read_tracks(path: Path) -> list[TrackHeader]:
    """Read the index of an MP4 file.

    Raises:
        ClipError: It has none, or one that cannot be understood.
    """
    with path.open("rb") as source:
        places = [(start, end) for kind, start, end in top_level(source) if kind == b"moov"]
        if len(places) != 1:
            raise ClipError(f"{shown_name(path)} has {len(places)} MP4 indexes, one is expected")
        movie = read_index(source, *places[0])
    try:
        timescale = timescale_of(movie.child(b"mvhd"))
        return [_track_header(box, timescale) for box in movie.children if box.kind == b"trak"]
    except (struct.error, IndexError, ValueError) as error:
        raise ClipError(f"the MP4 index of {shown_name(path)} is damaged: {error}") from error


def _track_header(track: Box, movie_timescale: int) -> TrackHeader:
    media = track.child(b"mdia")
    durations = media.child(b"minf").child(b"stbl").child(b"stts").payload
    (count,) = struct.unpack_from(">I", durations, 4)
    runs = np.frombuffer(durations, ">u4", 2 * count, 8).astype(np.int64).reshape(-1, 2)
    return TrackHeader(
        track_id=track_id_of(track),
        handler=handler_of(track),
        timescale=timescale_of(media.child(b"mdhd")),
        shown=_shown_part(track.child(b"edts").child(b"elst").payload, movie_timescale),
        samples=int(runs[:, 0].sum()),
        samples_ticks=int(runs.prod(axis=1).sum()),
        last_ticks=int(runs[-1, 1]) if len(runs) else 0,
    )


def _shown_part(payload: bytes, movie_timescale: int) -> ShownPart:
    version, count = payload[0], struct.unpack_from(">I", payload, 4)[0]
    entry = ">Qqhh" if version == 1 else ">Iihh"
    edits = [
        struct.unpack_from(entry, payload, 8 + position * struct.calcsize(entry))
        for position in range(min(count, 3))
    ]
    empty = 0
    if len(edits) == 2 and edits[0][1] == _NOTHING_SHOWN:
        empty = edits.pop(0)[0]
    if len(edits) != 1 or edits[0][1] < 0 or edits[0][2:] != (1, 0):
        raise ClipError(f"the edit list shows {count} parts, not one at normal speed")
    duration, media_start, _, _ = edits[0]
    return ShownPart(
        Fraction(empty, movie_timescale), media_start, Fraction(duration, movie_timescale)
    )


def _set_shown(movie: Box, shown: Mapping[int, ShownPart]) -> None:
    tracks = {track_id_of(box): box for box in movie.children if box.kind == b"trak"}
    if not tracks or set(tracks) != set(shown):
        raise ClipError(f"the muxer wrote tracks {sorted(tracks)} instead of {sorted(shown)}")
    timescale = timescale_of(tracks[min(tracks)].child(b"mdia").child(b"mdhd"))
    longest = 0
    for track_id, track in tracks.items():
        part = shown[track_id]
        empty = round(part.empty_seconds * timescale)
        duration = round(part.duration_seconds * timescale)
        if min(empty, duration, part.media_start_ticks) < 0:
            raise ClipError(f"track {track_id} cannot show {part}")
        edits = [(empty, _NOTHING_SHOWN)] if empty else []
        edits.append((duration, part.media_start_ticks))
        track.children = [box for box in track.children if box.kind != b"edts"]
        # After the track header, where the specification recommends it.
        track.children.insert(1, Box(b"edts", children=[_edit_list(edits)]))
        _set_track_duration(track.child(b"tkhd"), empty + duration)
        _set_pre_skip(track, part.media_start_ticks)
        longest = max(longest, empty + duration)
    _set_movie_duration(movie.child(b"mvhd"), timescale, longest)


def _describe_pictures(track: Box, boxes: Sequence[bytes]) -> None:
    table = track.child(b"mdia").child(b"minf").child(b"stbl").child(b"stsd")
    start = _TABLE_HEAD_BYTES + _PICTURE_ENTRY_BYTES
    head, entry = table.payload[:_TABLE_HEAD_BYTES], table.payload[_TABLE_HEAD_BYTES:start]
    there = {box.kind: box.encode() for box in parse_boxes(table.payload[start:])}
    if b"st3d" in there:
        # The muxer writes the same once more in Apple's way, without what is beside or above what.
        there.pop(b"vexu", None)
    entry += b"".join(there.values())
    entry += b"".join(box for box in boxes if box[4:8] not in there)
    table.payload = head + struct.pack(">I", len(entry)) + entry[4:]


def _set_pre_skip(track: Box, samples: int) -> None:
    """Say before Opus what the edit list hides of it, by which mpv goes (Opus in MP4, 4.3.2)."""
    table = track.child(b"mdia").child(b"minf").child(b"stbl").child(b"stsd")
    before, kind, rest = table.payload.partition(b"dOps")
    if kind:
        skip = struct.pack(">H", min(samples, _UINT16_MAX))
        table.payload = before + kind + rest[:2] + skip + rest[4:]


def _set_language(header: Box, language: str) -> None:
    """Write a language of three letters into ``mdhd`` (8.4.2.3): five bits each, from 1 for a."""
    packed = 0
    for letter in language:
        packed = packed << 5 | ord(letter) - 0x60
    at = 32 if header.payload[0] == 1 else 20
    header.payload = header.payload[:at] + struct.pack(">H", packed) + header.payload[at + 2 :]


def _edit_list(edits: list[tuple[int, int]]) -> Box:
    wide = any(duration > _UINT32_MAX or start > _INT32_MAX for duration, start in edits)
    entry = ">Qqhh" if wide else ">Iihh"
    body = b"".join(struct.pack(entry, duration, start, 1, 0) for duration, start in edits)
    return Box(b"elst", struct.pack(">B3xI", int(wide), len(edits)) + body)


def _set_movie_duration(box: Box, timescale: int, duration: int) -> None:
    header = _DatedHeader.parse(box.payload, between_bytes=4)
    box.payload = header.encode(struct.pack(">I", timescale), duration)


def _set_track_duration(box: Box, duration: int) -> None:
    header = _DatedHeader.parse(box.payload, between_bytes=8)
    box.payload = header.encode(header.between, duration)


@dataclass(frozen=True, slots=True)
class _DatedHeader:
    """What ``mvhd`` and ``tkhd`` start with, and the rest; a duration stands after ``between``."""

    flags: bytes
    created: int
    changed: int
    between: bytes
    rest: bytes

    @classmethod
    def parse(cls, payload: bytes, between_bytes: int) -> "_DatedHeader":
        word = "Q" if payload[0] == 1 else "I"
        layout = f">x3s2{word}{between_bytes}s{word}"
        flags, created, changed, between, _ = struct.unpack_from(layout, payload)
        return cls(flags, created, changed, between, payload[struct.calcsize(layout) :])

    def encode(self, between: bytes, duration: int) -> bytes:
        wide = max(self.created, self.changed, duration) > _UINT32_MAX
        word = "Q" if wide else "I"
        layout = f">B3s2{word}{len(between)}s{word}"
        head = struct.pack(
            layout, int(wide), self.flags, self.created, self.changed, between, duration
        )
        return head + self.rest


def _moved_index(movie: Box) -> bytes:
    """Encode the index for its place before the media, which it moves back by its own length."""
    tables = list(_offset_tables(movie))
    size = len(movie.encode())
    for table in tables:
        offsets = _chunk_offsets(table)
        # Growing every table to 64 bits makes the index less than twice as long.
        if len(offsets) and int(offsets.max()) + 2 * size > _UINT32_MAX:
            _set_chunk_offsets(table, offsets, wide=True)
    size = len(movie.encode())
    for table in tables:
        _set_chunk_offsets(table, _chunk_offsets(table) + size, wide=table.kind == b"co64")
    return movie.encode()


def _offset_tables(movie: Box) -> Iterator[Box]:
    for track in movie.children:
        if track.kind == b"trak":
            samples = track.child(b"mdia").child(b"minf").child(b"stbl")
            found = [box for box in samples.children if box.kind in (b"stco", b"co64")]
            if len(found) != 1:
                raise ClipError("a track has no table of chunks")
            yield found[0]


def _chunk_offsets(table: Box) -> Int64Array:
    count = struct.unpack_from(">I", table.payload, 4)[0]
    kind = ">u8" if table.kind == b"co64" else ">u4"
    return np.frombuffer(table.payload, kind, count, 8).astype(np.int64)


def _set_chunk_offsets(table: Box, offsets: Int64Array, *, wide: bool) -> None:
    table.kind = b"co64" if wide else b"stco"
    table.payload = table.payload[:8] + offsets.astype(">u8" if wide else ">u4").tobytes()


def _copy(source: BinaryIO, out: BinaryIO, count: int) -> None:
    while count:
        block = source.read(min(count, _COPY_BYTES))
        if not block:
            raise ClipError("the MP4 file became shorter while it was copied")
        out.write(block)
        count -= len(block)
