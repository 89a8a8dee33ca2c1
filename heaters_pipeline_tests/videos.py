"""Small videos made for tests, each frame of which carries its number.

The number stands in a strip at the top, one column a bit. A bit is white over black or black
over white, so that the histogram of a picture does not depend on its number.
"""

import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import cast

import av
import av.audio.stream
import av.container
import av.video.stream
import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]

_BITS = 16
_STRIP_SHARE = 5
_LEAST_CONTRAST = 40
_COLOURS_BGR = ((160, 60, 30), (40, 130, 40), (30, 50, 190), (170, 150, 40), (60, 180, 200))
_SAMPLE_RATE_HZ = 48_000
_TONE_HZ = 440
_X264_OPTIONS = {"preset": "veryfast", "crf": "20"}


def make_picture(number: int, scene: int = 0, size_px: tuple[int, int] = (160, 90)) -> Picture:
    """Draw frame ``number``: (height, width, 3) uint8 BGR, coloured by its scene, with motion.

    Args:
        number: 0 to 65535; readable with ``frame_number_of``.
        scene: Pictures of the same scene look alike, those of scenes next to each other do not.
        size_px: (width, height), at least (64, 36).
    """
    width, height = size_px
    picture = np.empty((height, width, 3), np.uint8)
    picture[:] = _COLOURS_BGR[scene % len(_COLOURS_BGR)]
    picture[:: 4 + scene % 3] //= 2
    strip = height // _STRIP_SHARE
    side = height // 4
    x, y = number * 3 % (width - side), strip + number * 2 % (height - strip - side)
    picture[y : y + side, x : x + side] = 220
    for bit, columns in enumerate(_bit_columns(width, margin_px=0)):
        is_set = number >> (_BITS - 1 - bit) & 1
        picture[: strip // 2, columns] = 255 * is_set
        picture[strip // 2 : strip, columns] = 255 * (1 - is_set)
    return picture


def frame_number_of(picture: Picture) -> int:
    """The number in a picture that ``make_picture`` drew, also after coding and scaling.

    Raises:
        ValueError: There is no readable number.
    """
    height, width = picture.shape[:2]
    half = height // _STRIP_SHARE // 2
    grey = picture.mean(axis=2)
    number = 0
    for columns in _bit_columns(width, margin_px=1):
        upper = grey[1 : half - 1, columns].mean()
        lower = grey[half + 1 : 2 * half - 1, columns].mean()
        if abs(upper - lower) < _LEAST_CONTRAST:
            raise ValueError("this picture carries no number")
        number = number << 1 | int(upper > lower)
    return number


@contextmanager
def scheduled_as_before() -> Iterator[None]:
    """Give this thread back the scheduling that it had.

    As root, SVT-AV1 makes whoever opens it real-time, before all other programs of the machine, and
    so are the programs that it starts from then on.
    """
    if sys.platform != "linux":
        yield
        return
    before = os.sched_getscheduler(0), os.sched_getparam(0)
    try:
        yield
    finally:
        os.sched_setscheduler(0, *before)


@scheduled_as_before()
def make_video(
    path: Path,
    scenes: Sequence[int] = (25,),
    *,
    size_px: tuple[int, int] = (160, 90),
    frame_rate: Fraction = Fraction(25),
    pts: Sequence[int] | None = None,
    time_base: Fraction | None = None,
    codec: str = "libx264",
    options: Mapping[str, str] | None = None,
    pixel_format: str = "yuv420p",
    audio: str | None = None,
    rotation_degrees: int = 0,
    is_mirrored: bool = False,
    sample_aspect_ratio: Fraction | None = None,
    container_options: Mapping[str, str] | None = None,
) -> Path:
    """Write a video of numbered frames in hard-cut scenes.

    Args:
        path: File to write; its suffix decides on the container.
        scenes: Number of frames of each scene.
        size_px: (width, height).
        frame_rate: Frames a second, constant unless ``pts`` are given.
        pts: Presentation timestamp of each frame in ticks of ``time_base``.
        time_base: Seconds per tick; by default the duration of a frame.
        codec: Name of FFmpeg's video encoder.
        options: Of the encoder, such as ``{"g": "12", "bf": "2"}``.
        pixel_format: As stored.
        audio: Name of FFmpeg's audio encoder for a tone as long as the pictures, or None.
        rotation_degrees: Counter-clockwise turn that the file asks players for.
        is_mirrored: Whether it asks them to swap left and right after that.
        sample_aspect_ratio: Width of a pixel over its height.
        container_options: Of the muxer, such as ``{"movflags": "faststart"}``.
    Returns:
        ``path``.
    """
    time_base = time_base or 1 / frame_rate
    stamps = range(sum(scenes)) if pts is None else pts
    with av.open(str(path), "w", options=dict(container_options or {})) as container:
        stream = cast("av.video.stream.VideoStream", container.add_stream(codec, frame_rate))
        stream.width, stream.height = size_px
        stream.pix_fmt = pixel_format
        stream.time_base = stream.codec_context.time_base = time_base
        stream.options = {**(_X264_OPTIONS if codec == "libx264" else {}), **(options or {})}
        if sample_aspect_ratio is not None:
            stream.sample_aspect_ratio = sample_aspect_ratio
        if rotation_degrees or is_mirrored:
            stream.set_display_rotation(rotation_degrees, hflip=is_mirrored)
        tone = container.add_stream(audio, _SAMPLE_RATE_HZ, layout="mono") if audio else None
        scene_of = [scene for scene, frames in enumerate(scenes) for _ in range(frames)]
        for number, (stamp, scene) in enumerate(zip(stamps, scene_of, strict=True)):
            picture = make_picture(number, scene, size_px)
            frame = av.VideoFrame.from_ndarray(picture, "bgr24").reformat(format=pixel_format)
            frame.pts, frame.time_base = stamp, time_base
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
        if tone is not None:
            seconds = (stamps[-1] - stamps[0]) * time_base + 1 / frame_rate
            _add_tone(container, cast("av.audio.stream.AudioStream", tone), seconds)
    return path


def _add_tone(
    container: av.container.OutputContainer, stream: av.audio.stream.AudioStream, seconds: Fraction
) -> None:
    instants = np.arange(round(seconds * _SAMPLE_RATE_HZ)) / _SAMPLE_RATE_HZ
    samples = (np.sin(2 * np.pi * _TONE_HZ * instants) * 8_000).astype(np.int16)
    frame = av.AudioFrame.from_ndarray(samples[None, :], format="s16", layout="mono")
    frame.sample_rate, frame.pts = _SAMPLE_RATE_HZ, 0
    container.mux(stream.encode(frame))
    container.mux(stream.encode(None))


def _bit_columns(width: int, *, margin_px: int) -> list[slice]:
    edges = [round(bit * width / _BITS) for bit in range(_BITS + 1)]
    return [slice(start + margin_px, end - margin_px) for start, end in pairwise(edges)]
