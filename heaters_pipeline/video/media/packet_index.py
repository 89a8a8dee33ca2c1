"""What a file's video stream consists of, packet by packet, read without decoding a picture.

It tells which frames other frames refer to, so that a scan may leave out the rest, and where
decoding can start afresh, so that parts of a file can be decoded at the same time.
"""

from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import numpy as np
import numpy.typing as npt

from heaters_pipeline.video.media.frames import packets_of, video_stream
from heaters_pipeline.video.media.integrity import MAX_DURATION_SECONDS, FileVerdict, Packet
from heaters_pipeline.video.media.nal_units import HEVC_IRAP_TYPES, UnitReader, hevc_type
from heaters_pipeline.video.media.probe import VideoInfo, open_input, reading
from heaters_pipeline.video.media.timing import Timeline

Ints = npt.NDArray[np.int64]
Bools = npt.NDArray[np.bool_]

_MOST_REORDERING = 64
"""Places between the order in the file and the order of presentation; codecs allow 16 frames."""

_H264_SLICES = (1, 5)
_H264_IDR = 5
_HEVC_FIRST_NON_VCL = 32
_B_PICTURE_OF_MPEG12 = 3
_B_PICTURE_OF_MPEG4 = 2


@dataclass(frozen=True, eq=False)
class PacketIndex:
    """The packets of a video stream in the order of the file.

    Attributes:
        pts: (packets,) presentation timestamps.
        durations: (packets,) how long each frame is shown as far as the file says, in ticks.
        references: (packets,) whether other frames may be decoded from this one.
        fresh_starts: (packets,) whether this frame and all that are shown after it can be decoded
            without anything that comes before it in the file.
        verdict: Judges the file; it counted these packets.
    """

    pts: Ints
    durations: Ints
    references: Bools
    fresh_starts: Bools
    verdict: FileVerdict

    @property
    def packets(self) -> int:
        """Number of packets."""
        return len(self.pts)

    def timeline(self, info: VideoInfo) -> Timeline:
        """The instants of all frames, each packet taken for one."""
        last = int(np.argmax(self.pts))
        ticks = int(self.durations[last]) or info.nominal_ticks
        return Timeline(
            pts=tuple(np.sort(self.pts).tolist()),
            end_pts=int(self.pts[last]) + ticks,
            time_base=info.time_base,
        )


@dataclass(frozen=True, slots=True)
class _Kind:
    """What a packet says of itself: referred to, a fresh start, and its temporal layer."""

    reference: bool
    fresh: bool
    layer: int = 0


def index_packets(path: Path, info: VideoInfo) -> PacketIndex | None:
    """Read all packets of the wanted stream without decoding them.

    Returns:
        None where packets do not tell the frames and their instants: no timestamps, doubtful
        ones, hidden packets, a beginning that cannot be decoded. Only decoding tells then.
    Raises:
        InvalidVideoError: The file is encrypted or cannot be read.
        SourceChangedError: The file is no longer the one that was probed.
        StoreUnavailableError: The disk failed.
    """
    # AVI stores no presentation times; the palette of a GIF may stand in its first packet alone.
    if info.container == "avi" or info.pixel_format == "pal8":
        return None
    verdict = FileVerdict(path, info)
    rows: list[tuple[int, int, bool, bool, int]] = []
    with open_input(path) as container, reading(path):
        stream = video_stream(container, path, info)
        judge = _judge_of(info.codec, stream.codec_context.extradata or b"")
        for packet in packets_of(container):
            if packet.stream_index != stream.index:
                verdict.note_other_stream(packet)
                continue
            verdict.note_packet(packet)
            if packet.pts is None or packet.is_discard or packet.is_corrupt:
                return None
            kind = judge(packet)
            rows.append((packet.pts, packet.duration or 0, kind.reference, kind.fresh, kind.layer))
    if not rows:
        return None
    columns = (np.array(column) for column in zip(*rows, strict=True))
    pts, durations, references, fresh_starts, layers = columns
    if not _is_regular(pts, fresh_starts, info):
        return None
    return PacketIndex(
        pts=pts,
        durations=durations,
        # A frame that no other of its temporal layer refers to may serve the layers above.
        references=references | (layers < layers.max()),
        fresh_starts=_followed_by_later_ones(pts, fresh_starts),
        verdict=verdict,
    )


def _is_regular(pts: Ints, fresh_starts: Bools, info: VideoInfo) -> bool:
    order = np.argsort(pts, kind="stable")
    rising = np.diff(pts[order])
    moved = np.abs(order - np.arange(len(pts)))
    seconds = int(pts[order[-1]] - pts[order[0]]) * info.time_base
    return bool(
        fresh_starts[0]
        # Frames before the first that decodes cannot be decoded.
        and order[0] == 0
        and (rising > 0).all()
        and moved.max() <= _MOST_REORDERING
        and seconds <= Fraction(MAX_DURATION_SECONDS)
    )


def _followed_by_later_ones(pts: Ints, fresh_starts: Bools) -> Bools:
    """Only starts before which no frame stands in the file that is shown after them."""
    latest_before = np.concatenate([[np.iinfo(np.int64).min], np.maximum.accumulate(pts)[:-1]])
    return np.asarray(fresh_starts & (pts > latest_before))


def _judge_of(codec: str, extradata: bytes) -> Callable[[Packet], _Kind]:
    """For a codec, tell of a packet whether it is a reference and a fresh start."""
    if codec == "h264":
        return _UnitJudge(codec, extradata, _h264_kind)
    if codec == "hevc":
        return _UnitJudge(codec, extradata, _hevc_kind)
    if codec in ("mpeg1video", "mpeg2video"):
        return _mpeg12_kind
    if codec == "mpeg4":
        return _mpeg4_kind
    return lambda packet: _Kind(True, packet.is_keyframe)


class _UnitJudge:
    """Look at the first slice of an H.264 or HEVC packet."""

    def __init__(
        self, codec: str, extradata: bytes, kind: Callable[[memoryview], _Kind | None]
    ) -> None:
        self._reader = UnitReader(codec, extradata)
        self._kind = kind

    def __call__(self, packet: Packet) -> _Kind:
        for unit in self._reader.units(memoryview(packet)):
            if found := self._kind(unit):
                return found
        # Nothing that is understood: keep it, and do not start there.
        return _Kind(reference=True, fresh=False)


def _h264_kind(unit: memoryview) -> _Kind | None:
    if not unit:
        return None
    kind = unit[0] & 0x1F
    if kind not in _H264_SLICES:
        return None
    return _Kind(reference=(unit[0] >> 5) & 3 > 0, fresh=kind == _H264_IDR)


def _hevc_kind(unit: memoryview) -> _Kind | None:
    if len(unit) < 2:
        return None
    kind, layer = hevc_type(unit), unit[1] & 7
    if kind >= _HEVC_FIRST_NON_VCL:
        return None
    # Even types below 16 are referred to by no frame of their own temporal layer.
    return _Kind(
        reference=kind >= HEVC_IRAP_TYPES.start or kind % 2 == 1,
        fresh=kind in HEVC_IRAP_TYPES,
        layer=layer,
    )


def _mpeg12_kind(packet: Packet) -> _Kind:
    data = bytes(packet)
    at = data.find(b"\0\0\1\0")
    known = at >= 0 and at + 5 < len(data)
    kind = (data[at + 5] >> 3) & 7 if known else 0
    return _Kind(kind != _B_PICTURE_OF_MPEG12, packet.is_keyframe)


def _mpeg4_kind(packet: Packet) -> _Kind:
    data = bytes(packet)
    at = data.find(b"\0\0\1\xb6")
    known = at >= 0 and at + 4 < len(data)
    kind = data[at + 4] >> 6 if known else 0
    return _Kind(kind != _B_PICTURE_OF_MPEG4, packet.is_keyframe)
