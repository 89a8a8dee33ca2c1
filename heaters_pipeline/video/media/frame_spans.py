"""Frames of a file whose timeline is known: those of a span, or single ones, and no more decoded.

All frames of a file are read by ``frames``.
"""

import logging
from bisect import bisect_left
from collections.abc import Callable, Iterator, Sequence, Set
from dataclasses import replace
from itertools import chain
from pathlib import Path

import av.video.frame

from heaters_pipeline.errors import SourceChangedError
from heaters_pipeline.video.media.frames import Frame, FrameReader, decode_packet, video_stream
from heaters_pipeline.video.media.packet_roles import role_test
from heaters_pipeline.video.media.probe import VideoInfo, open_input, reading, shown_name
from heaters_pipeline.video.media.pyav import Packet
from heaters_pipeline.video.media.seeking import packets_from_i_frame
from heaters_pipeline.video.media.timing import Span, Timeline

_FEW_FRAMES = 3

_logger = logging.getLogger(__name__)


def read_span(
    path: Path, info: VideoInfo, timeline: Timeline, span: Span, *, threads: int = 0
) -> Iterator[Frame]:
    """Decode exactly the frames of a span, in order.

    Starts at an I-frame before the span where the file has usable timestamps, at the beginning
    of the file otherwise. The pictures are those that ``FrameReader`` gave, bit for bit, unless the
    file is damaged: decoders do not patch damage up in the same way each time.

    Args:
        path: The file.
        info: From ``probe``.
        timeline: Of the whole file, from ``FrameReader``.
        span: Frames to yield, inside the timeline.
        threads: That the decoder may use; 0 for as many as there are cores.
    Raises (while iterating):
        ValueError: The span ends after the timeline.
        SourceChangedError: The file does not give these frames again.
        InvalidVideoError: The file cannot be read.
        StoreUnavailableError: The disk failed.
    """
    frames = range(span.start, span.end)
    return read_frames(path, info, timeline, frames, threads=threads)


def read_frames(
    path: Path, info: VideoInfo, timeline: Timeline, frames: Sequence[int], *, threads: int = 0
) -> Iterator[Frame]:
    """Decode single frames as ``read_span`` does, seeking once, to before the first of them.

    Frames between them that no other refers to are left out.

    Args:
        path: The file.
        info: From ``probe``.
        timeline: Of the whole file, from ``FrameReader``.
        frames: Which ones, strictly increasing, at least one.
        threads: That the decoder may use; 0 for as many as there are cores.
    Raises (while iterating): As ``read_span``.
    """
    given = 0
    for frame in frames_by_seek(path, info, timeline, frames, threads=threads):
        yield frame
        given += 1
    if given == len(frames):
        return
    # Where seeking does not lead to the very same frames, decoding from the start does.
    left = frames[given:]
    still_wanted = set(left)
    for frame in _read_from_start(path, info, timeline, Span(left[0], left[-1] + 1)):
        if frame.index in still_wanted:
            yield frame


def frames_by_seek(
    path: Path, info: VideoInfo, timeline: Timeline, frames: Sequence[int], *, threads: int = 0
) -> Iterator[Frame]:
    """The same, only as far as a seek leads to the very same frames: up to the first damage.

    Args and raises: As ``read_frames``.
    """
    if frames[-1] >= timeline.frames:
        raise ValueError(
            f"frames up to {frames[-1]} are asked for, which ends after the {timeline.frames} "
            "frames of the video"
        )
    # Without a seek nothing can differ, so it has to save something. A palette may stand in the
    # first packet alone.
    saves = frames[0] > 0 or len(frames) <= frames[-1]
    if not timeline.from_stream or not saves or info.pixel_format == "pal8":
        return
    expected = iter(frames)
    index = next(expected)
    wanted = {timeline.pts[frame] for frame in frames}
    for decoded in _decode_from(path, info, timeline.pts[index], wanted, threads):
        pts = timeline.pts[index]
        if decoded.pts != pts:
            if decoded.pts is not None and decoded.pts < pts and timeline.has(decoded.pts):
                continue
            return
        yield Frame(index, pts, decoded.duration or info.nominal_ticks, decoded)
        following = next(expected, None)
        if following is None:
            return
        index = following


def _read_from_start(
    path: Path, info: VideoInfo, timeline: Timeline, span: Span
) -> Iterator[Frame]:
    """Frames of a span, by their times.

    A fast scan takes each packet that it skips for a frame, and the decoder may refuse one: then
    the frame before it is shown for longer, as players do it. Where most frames are others than
    those of the timeline, it is another file.
    """
    index, missing = span.start, 0
    # Single frames and the shortest spans may be damaged as a whole.
    bearable = max(len(span) // 2, _FEW_FRAMES)
    last: Frame | None = None
    for frame in FrameReader(path, info):
        pts = frame.decoded.pts if timeline.from_stream else frame.pts
        if pts is None or pts < timeline.pts[index]:
            last = frame if index == span.start else last
            continue
        following = min(bisect_left(timeline.pts, pts), span.end)
        missing += following - index
        if missing > bearable:
            break
        yield from _in_place_of(range(index, following), last or frame, path, timeline)
        index = following
        if index < span.end and timeline.pts[index] == pts:
            last = replace(frame, index=index, pts=pts)
            yield last
            index += 1
        if index == span.end:
            return
    missing += span.end - index
    if last is None or missing > bearable:
        raise SourceChangedError(
            f"{shown_name(path)} does not give the frames {span.start} to {span.end} again; "
            "it was replaced while it was processed"
        )
    yield from _in_place_of(range(index, span.end), last, path, timeline)


def _in_place_of(missing: range, shown: Frame, path: Path, timeline: Timeline) -> Iterator[Frame]:
    if missing:
        _logger.warning(
            "%d frames of %s, from frame %d on, cannot be decoded: the one before is shown instead",
            len(missing),
            shown_name(path),
            missing.start,
        )
    for index in missing:
        yield replace(shown, index=index, pts=timeline.pts[index])


def _decode_from(
    path: Path, info: VideoInfo, first_pts: int, wanted: Set[int], threads: int
) -> Iterator[av.video.frame.VideoFrame]:
    """The frames from ``first_pts`` on, up to the first damage; some that are not wanted, too.

    Damaged pictures are patched up with what was decoded before, so they come out the same only
    when decoding starts where it started for the timeline.
    """
    with open_input(path) as container, reading(path):
        stream = video_stream(container, path, info)
        stream.codec_context.thread_count = threads
        packets = packets_from_i_frame(container, stream, info.time_base, first_pts)
        needed = _need_test(info.codec, stream.codec_context.extradata or b"", wanted)
        fed = (packet for packet in packets if needed(packet))
        for packet in chain(fed, [None]):
            frames, is_damaged = decode_packet(stream, packet)
            for frame in frames:
                is_damaged |= frame.is_corrupt
                if not is_damaged and (frame.pts is None or frame.pts >= first_pts):
                    yield frame
            if is_damaged:
                return


def _need_test(codec: str, extradata: bytes, wanted: Set[int]) -> Callable[[Packet], bool]:
    """For a stream, tell whether a packet has to be decoded for the wanted timestamps."""
    if codec == "hevc":
        # A frame that no other of its temporal layer refers to may serve the layers above, and
        # whether there are any is known only when all packets were seen.
        return lambda _: True
    role_of = role_test(codec, extradata)
    return lambda packet: packet.pts is None or packet.pts in wanted or role_of(packet).is_reference
