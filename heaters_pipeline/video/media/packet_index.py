"""What a file's video stream consists of, packet by packet, read without decoding a picture.

It tells which frames other frames refer to, so that a scan may leave out the rest, and which are
random access points, so that parts of a file can be decoded at the same time.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from heaters_pipeline.video.arrays import BoolArray, Int64Array
from heaters_pipeline.video.media.frame_numbers import FrameNumbers
from heaters_pipeline.video.media.frames import video_stream
from heaters_pipeline.video.media.integrity import FileVerdict
from heaters_pipeline.video.media.limits import most_seconds
from heaters_pipeline.video.media.nal_units import CODECS_WITH_UNITS, UnitReader
from heaters_pipeline.video.media.packet_roles import role_test
from heaters_pipeline.video.media.probe import (
    CONTAINERS_WITHOUT_TIMES,
    VideoInfo,
    open_input,
    reading,
)
from heaters_pipeline.video.media.pyav import packets_of
from heaters_pipeline.video.media.steady_clock import SteadyClock
from heaters_pipeline.video.media.timing import Timeline

# Places between the order in the file and the order of presentation; codecs allow 16 frames.
_MOST_REORDERING = 64


@dataclass(frozen=True, eq=False)
class PacketIndex:
    """The packets of a video stream in the order of the file.

    Attributes:
        pts: (packets,) presentation timestamps.
        durations: (packets,) how long each frame is shown as far as the file says, in ticks.
        references: (packets,) whether other frames may be decoded from this one.
        random_access: (packets,) whether this frame and all that are shown after it can be decoded
            without anything that comes before it in the file: a random access point.
        verdict: Judges the file; it counted these packets.
    """

    pts: Int64Array
    durations: Int64Array
    references: BoolArray
    random_access: BoolArray
    verdict: FileVerdict

    @property
    def packets(self) -> int:
        """Number of packets."""
        return len(self.pts)

    def timeline(self, info: VideoInfo) -> Timeline:
        """The timestamps of all frames, each packet taken for one."""
        last = int(np.argmax(self.pts))
        ticks = int(self.durations[last]) or info.nominal_ticks
        return Timeline(
            pts=tuple(np.sort(self.pts).tolist()),
            end_pts=int(self.pts[last]) + ticks,
            time_base=info.time_base,
        )


def index_packets(path: Path, info: VideoInfo) -> PacketIndex | None:
    """Read all packets of the wanted stream without decoding them.

    Returns:
        None where packets do not tell the frames and their timestamps: none, doubtful ones, hidden
        or damaged packets, a beginning that cannot be decoded, a clock that jumps. Then the file
        has to be decoded.
    Raises:
        InvalidVideoError: The file is encrypted or cannot be read.
        SourceChangedError: The file is no longer the one that was probed.
        StoreUnavailableError: The disk failed.
    """
    # AVI stores no presentation times; the palette of a GIF may stand in its first packet alone.
    has_times = info.container not in {"avi", *CONTAINERS_WITHOUT_TIMES}
    if not has_times or info.pixel_format == "pal8":
        return None
    verdict, clock = FileVerdict(path, info), SteadyClock(info)
    rows: list[tuple[int, int, bool, bool, int]] = []
    with open_input(path) as container, reading(path):
        stream = video_stream(container, path, info)
        extradata = stream.codec_context.extradata or b""
        role_of = role_test(info.codec, extradata)
        units = UnitReader(info.codec, extradata) if info.codec in CODECS_WITH_UNITS else None
        numbers = FrameNumbers(extradata) if info.codec == "h264" else None
        for packet in packets_of(container):
            clock.mend(packet)
            if packet.stream_index != stream.index:
                verdict.note_other_stream(packet)
                continue
            verdict.note_packet(packet)
            if packet.pts is None or packet.is_discard or packet.is_corrupt:
                return None
            if units and not units.is_whole(memoryview(packet)):
                # It may be no frame, which a scan that leaves it out would not notice.
                return None
            if numbers and units and not numbers.follow(units.units(memoryview(packet))):
                return None
            role = role_of(packet)
            times = packet.pts, packet.duration or 0
            rows.append((*times, role.is_reference, role.is_random_access, role.layer))
    if not rows or clock.has_jumped:
        return None
    columns = (np.array(column) for column in zip(*rows, strict=True))
    pts, durations, references, random_access, layers = columns
    if not _is_regular(pts, random_access, info):
        return None
    return PacketIndex(
        pts=pts,
        durations=durations,
        # A frame that no other of its temporal layer refers to may serve the layers above.
        references=references | (layers < layers.max()),
        random_access=_followed_by_later_ones(pts, random_access),
        verdict=verdict,
    )


def _is_regular(pts: Int64Array, random_access: BoolArray, info: VideoInfo) -> bool:
    order = np.argsort(pts, kind="stable")
    rising = np.diff(pts[order])
    moved = np.abs(order - np.arange(len(pts)))
    seconds = int(pts[order[-1]] - pts[order[0]]) * info.time_base
    return bool(
        random_access[0]
        # Frames before the first that decodes cannot be decoded.
        and order[0] == 0
        and (rising > 0).all()
        and moved.max() <= _MOST_REORDERING
        and seconds <= most_seconds()
    )


def _followed_by_later_ones(pts: Int64Array, random_access: BoolArray) -> BoolArray:
    """Only the points before which no frame stands in the file that is shown after them."""
    latest_before = np.concatenate([[np.iinfo(np.int64).min], np.maximum.accumulate(pts)[:-1]])
    return np.asarray(random_access & (pts > latest_before))
