"""Measurements that cameras write beside their pictures (GoPro's ``gpmd``): place, speed, turns.

Packets of about a second each, copied as they are. Other data streams are not MP4's to keep, see
``left_out``.
"""

from fractions import Fraction

import av.stream

from heaters_pipeline.video.clips.task import ClipTask
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.pyav import Packet

# FFmpeg has one name for data of unknown kind, which in MP4 and QuickTime is gpmd alone.
_NAME, _CONTAINER = "bin_data", "mov"
_READ_BEFORE_SECONDS = 2


def telemetry_streams(reader: SourceReader) -> list[av.stream.DataStream]:
    """The streams of a source that its clips keep."""
    if reader.info.container != _CONTAINER:
        return []
    return [stream for stream in reader.container.streams.data if stream.name == _NAME]


def add_telemetry(task: ClipTask) -> None:
    """Write what was measured in a clip, once its other streams are known, before their packets.

    The first and the last packet are shown as far as they lie in the clip, though they say more:
    FFmpeg moves data that an edit list hides in part, and other readers ignore the list.

    Raises:
        InvalidVideoError: The source cannot be read.
        SourceChangedError: It is no longer the file that was probed.
        StoreUnavailableError: The disk failed.
    """
    if not telemetry_streams(task.reader):
        return
    window, video = task.window, task.reader.info
    with SourceReader(task.reader.path, video) as reader:
        tracks: dict[int, av.stream.Stream] = {}
        shown: list[tuple[Packet, Fraction, Fraction]] = []
        wanted = {stream.index for stream in telemetry_streams(reader)}
        from_pts = int((window.start - _READ_BEFORE_SECONDS) / video.time_base)
        for packet in reader.packets_from(from_pts):
            if packet.pts is None:
                continue
            start = packet.pts * packet.time_base
            if start >= window.end + _READ_BEFORE_SECONDS:
                break
            end = start + (packet.duration or 0) * packet.time_base
            start, end = max(start, window.start), min(end, window.end)
            if packet.stream_index in wanted and start < end:
                shown.append((packet, start - window.start, end - start))
        for packet, _, _ in shown:
            index = packet.stream_index
            if index not in tracks:
                tracks[index] = task.writer.add_copied(packet.stream)
        for packet, start, duration in shown:
            packet.pts = packet.dts = round(start / packet.time_base)
            packet.duration = round(duration / packet.time_base)
            packet.stream = tracks[packet.stream_index]
            task.writer.mux(packet)
