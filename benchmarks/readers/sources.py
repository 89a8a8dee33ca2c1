"""Numbered videos of many kinds, with short beeps, and where they are cut."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import cast

import av
import av.audio.stream
import av.container
import av.video.stream
import numpy as np

from benchmarks.readers.kinds import Kind
from benchmarks.readers.reading import SAMPLE_RATE_HZ, Beep
from heaters_pipeline.video.media.timing import Span, Timeline, Window
from heaters_pipeline_tests.videos import make_picture, scheduled_as_before

_BEEP_SECONDS = Fraction(1, 25)
# So close that one lies in most of what is decoded before a clip, where it must not be heard.
_BEEP_EVERY_SECONDS = Fraction(1, 5)
_BEEPS = ((1_000, Fraction(0)), (2_000, Fraction(1, 10)))
"""Frequency of each track, and when its first beep begins."""
_SCENE_FRAMES = 30


@scheduled_as_before()
def write_source(kind: Kind, folder: Path) -> Path:
    """Encode a video of a kind as MP4: picture ``n`` has the number ``n``; sound starts with it."""
    path = folder / "source.mp4"
    # Sound and pictures in chunks of a second, as cameras and downloads have them.
    with av.open(str(path), "w", options={"chunk_duration": "1000000"}) as container:
        video = cast("av.video.stream.VideoStream", container.add_stream(kind.codec, kind.rate))
        video.width, video.height = kind.size_px
        video.pix_fmt = kind.pixel_format
        tick = Fraction(1, 60) if kind.uneven else 1 / kind.rate
        video.time_base = video.codec_context.time_base = tick
        video.options = dict(kind.options)
        video.codec_context.thread_count = 1
        tracks = [
            cast(
                "av.audio.stream.AudioStream",
                container.add_stream(codec, SAMPLE_RATE_HZ, layout="mono"),
            )
            for codec in kind.sound
        ]
        written = 0
        held: list[av.Packet] = []
        pts = _pts(kind)
        for number, stamp in enumerate(pts[:-1]):
            picture = make_picture(number, number // _SCENE_FRAMES, kind.size_px)
            frame = av.VideoFrame.from_ndarray(picture, "bgr24").reformat(format=kind.pixel_format)
            frame.pts, frame.time_base = stamp, tick
            frame.duration = pts[number + 1] - stamp
            held = _mux_but_last(container, held + video.encode(frame))
            until = round(pts[number + 1] * tick * SAMPLE_RATE_HZ)
            if until - written > SAMPLE_RATE_HZ or number + 1 == kind.frames:
                for index, track in enumerate(tracks):
                    container.mux(track.encode(_sound(written, until, index)))
                written = until
        (last,) = _mux_but_last(container, held + video.encode(None))
        # The muxer takes the end of the packet that is decoded last for the end of the video.
        last.duration = pts[-1] - pts[-2]
        container.mux(last)
        for track in tracks:
            container.mux(track.encode(None))
    return path


def _mux_but_last(
    container: av.container.OutputContainer, packets: list[av.Packet]
) -> list[av.Packet]:
    container.mux(packets[:-1])
    return packets[-1:]


def beeps_in(window: Window, track: int) -> tuple[Beep, ...]:
    """The beeps of a track that are heard in a part of a source, and in a moment behind it."""
    every, first = _BEEP_EVERY_SECONDS, _BEEPS[track][1]
    number = max(0, (window.start - first - _BEEP_SECONDS) // every)
    beeps = []
    while (start := first + number * every) < window.end + _BEEP_SECONDS:
        heard = min(start + _BEEP_SECONDS, window.end) - max(start, window.start)
        if start + _BEEP_SECONDS > window.start:
            at = max(start - window.start, Fraction(0))
            beeps.append(Beep(float(at), is_certain=heard > _BEEP_SECONDS / 2))
        number += 1
    return tuple(beeps)


def _pts(kind: Kind) -> list[int]:
    """Of each frame, and where the last one ends."""
    if not kind.uneven:
        return list(range(kind.frames + 1))
    steps = np.random.default_rng(1).integers(1, 7, kind.frames)
    return [0, *(int(pts) for pts in np.cumsum(steps))]


def _sound(start: int, end: int, track: int) -> av.AudioFrame:
    """Samples ``[start, end)`` of a track."""
    hertz, first = _BEEPS[track]
    instants = np.arange(start, end) / SAMPLE_RATE_HZ
    since = (instants - float(first)) % float(_BEEP_EVERY_SECONDS)
    is_heard = (since < _BEEP_SECONDS) & (instants >= first)
    wave = 12_000 * np.sin(2 * np.pi * hertz * instants) * is_heard
    frame = av.AudioFrame.from_ndarray(wave.astype(np.int16)[None, :], "s16", "mono")
    frame.sample_rate, frame.pts = SAMPLE_RATE_HZ, start
    return frame


def remuxed(path: Path, extension: str) -> Path:
    """The same packets in another container, beside the file."""
    if extension == "mp4":
        return path
    target = path.with_suffix(f".{extension}")
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        streams = {
            stream.index: container.add_stream_from_template(stream) for stream in source.streams
        }
        for packet in source.demux():
            if packet.dts is not None:
                packet.stream = streams[packet.stream_index]
                container.mux(packet)
    return target


def neighbouring_spans(path: Path, timeline: Timeline) -> list[Span]:
    """Cut all of a video into clips that begin on I-frames, just before them and between them.

    Most contain an I-frame; the last is a single frame.
    """
    frame_of = {pts: index for index, pts in enumerate(timeline.pts)}
    with av.open(str(path)) as container:
        packets = container.demux(container.streams.video[0])
        found = {frame_of.get(packet.pts, 0) for packet in packets if packet.is_keyframe}
    frames = timeline.frames
    inner = sorted(index for index in found if 8 < index < frames - 24)
    if len(inner) < 2:
        cuts = {0, 20, *(index + 15 for index in inner), frames - 1, frames}
    else:
        first, middle = inner[0], inner[len(inner) // 2]
        cuts = {0, first, first + 7, middle - 1, (middle + frames) // 2, frames - 1, frames}
    return [Span(start, end) for start, end in pairwise(sorted(cuts))]
