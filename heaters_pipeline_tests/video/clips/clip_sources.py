"""Videos of many codecs, containers and GOP structures, to cut clips from."""

import random
import subprocess
import zlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import numpy as np
import numpy.typing as npt

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.mp4_index import ShownPart, read_tracks, write_fast_start
from heaters_pipeline.video.clips.write import ClipFile, ClipSettings, write_clips
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.probe import VideoInfo, probe
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline_tests.videos import scheduled_as_before

SIZE_PX = (160, 90)
AUDIO_RATE_HZ = 48000


@dataclass(frozen=True)
class Encoding:
    """How a test video is encoded.

    Attributes:
        name: What is special about it.
        extension: Of the file, without the dot.
        codec: PyAV's name of the encoder.
        options: Of the encoder.
        frames: How many.
        pixel_format: Of the pictures.
        rate: Frames a second, where all last equally long.
        uneven: Frames last 1 to 6 ticks.
        start_seconds: Instant of the first frame.
        sound: Encoders of the audio streams.
        muxer: FFmpeg's name of the container, where the extension does not say it.
        hidden: Frames before the first that an edit list of the file hides.
        empty_seconds: How long the edit list shows nothing before the first frame.
        refusal: Part of the reason why its clips are encoded, None where each can be copied.
        opencv: Whether OpenCV reads its pictures.
    """

    name: str
    extension: str
    codec: str
    options: Mapping[str, str] = field(default_factory=dict)
    frames: int = 96
    pixel_format: str = "yuv420p"
    size_px: tuple[int, int] = SIZE_PX
    rate: Fraction = Fraction(25)
    uneven: bool = False
    start_seconds: int = 0
    sound: tuple[str, ...] = ()
    muxer: str | None = None
    hidden: int = 0
    empty_seconds: Fraction = Fraction(0)
    refusal: str | None = None
    opencv: bool = True

    def __str__(self) -> str:
        return f"{self.name}.{self.extension}"

    def write(self, folder: Path, seed: int = 0) -> Path:
        """Encode the video into ``<folder>/<name>.<extension>``."""
        path = folder / f"{self.name}.{self.extension}"
        if not self.hidden and not self.empty_seconds:
            return self._write(path, seed)
        shown = ShownPart(self.empty_seconds, 0, Fraction(self.frames) / self.rate)
        whole = self._write(path.with_stem(f"{self.name}-whole"), seed)
        (track,) = read_tracks(whole)
        first_ticks = track.shown.media_start_ticks
        hidden_ticks = int(self.hidden / self.rate * track.timescale)
        shown = replace(shown, media_start_ticks=first_ticks + hidden_ticks)
        write_fast_start(whole, path, {1: shown})
        return path

    @scheduled_as_before()
    def _write(self, path: Path, seed: int) -> Path:
        with av.open(str(path), "w", format=self.muxer) as container:
            video = container.add_stream(self.codec, rate=self.rate, options=dict(self.options))
            video.width, video.height = self.size_px
            video.pix_fmt = self.pixel_format
            video.codec_context.thread_count = 1
            tick = Fraction(1, 90000) if self.uneven else 1 / self.rate
            video.codec_context.time_base = tick
            sounds = [container.add_stream(name, rate=AUDIO_RATE_HZ) for name in self.sound]
            all_pts = self._all_pts(seed)
            for picture, pts in zip(
                moving_pictures(self.hidden + self.frames, self.size_px, seed), all_pts, strict=True
            ):
                frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
                frame = frame.reformat(format=self.pixel_format)
                frame.pts = pts + round(self.start_seconds / tick)
                frame.time_base = tick
                container.mux(video.encode(frame))
            container.mux(video.encode(None))
            length = Fraction(self.frames) / self.rate
            for number, sound in enumerate(sounds):
                for block in clicks(length, self.start_seconds, number):
                    container.mux(sound.encode(block))
                container.mux(sound.encode(None))
        return path

    def _all_pts(self, seed: int) -> list[int]:
        if not self.uneven:
            return list(range(self.hidden + self.frames))
        steps = np.random.default_rng(seed).integers(1, 7, self.frames) * 1500
        return [int(pts) for pts in np.cumsum(steps) - steps[0]]


def moving_pictures(
    frames: int, size_px: tuple[int, int], seed: int
) -> Iterator[npt.NDArray[np.uint8]]:
    """Pictures that all differ: a texture that moves, with a new scene every 20 frames."""
    rng = np.random.default_rng(seed)
    width, height = size_px
    texture = rng.integers(0, 256, (height, width, 3), dtype=np.uint8)
    for index in range(frames):
        if index % 20 == 0:
            coarse = rng.integers(0, 256, (height // 8 + 1, width // 8 + 1, 3), dtype=np.uint8)
            texture = np.kron(coarse, np.ones((8, 8, 1), np.uint8))[:height, :width]
        picture = np.roll(texture, (index * 2, index * 3), (0, 1)).copy()
        # Bars that count in binary, so that no two pictures are equal after encoding.
        for bit in range(8):
            picture[:12, bit * 16 : bit * 16 + 14] = 235 if index >> bit & 1 else 20
        yield picture


def clicks(length: Fraction, start_seconds: int, number: int) -> Iterator[av.AudioFrame]:
    """Silence with a short click each quarter of a second, in blocks of 1024 samples."""
    samples = round(length * AUDIO_RATE_HZ)
    wave = np.zeros(samples, np.float32)
    burst = 0.8 * np.sin(np.arange(96) * (0.4 + 0.2 * number), dtype=np.float32)
    for position in range(AUDIO_RATE_HZ // 4, samples - 96, AUDIO_RATE_HZ // 4):
        wave[position : position + 96] = burst
    for position in range(0, samples, 1024):
        block = wave[position : position + 1024]
        frame = av.AudioFrame.from_ndarray(np.stack([block, block]), "fltp", "stereo")
        frame.sample_rate = AUDIO_RATE_HZ
        frame.pts = position + start_seconds * AUDIO_RATE_HZ
        frame.time_base = Fraction(1, AUDIO_RATE_HZ)
        yield frame


def _x264(params: str) -> dict[str, str]:
    return {"preset": "veryfast", "crf": "30", "x264-params": params}


def _x265(params: str) -> dict[str, str]:
    return {"preset": "ultrafast", "crf": "34", "x265-params": f"log-level=none:{params}"}


def _av1(gop_frames: int) -> dict[str, str]:
    return {"preset": "12", "g": str(gop_frames), "crf": "50"}


_VP9 = {"deadline": "realtime", "cpu-used": "8", "g": "24", "b": "200k"}
_OLD = {"g": "12", "b": "800k"}

ENCODINGS = (
    Encoding(
        "h264-closed-b2", "mp4", "libx264", _x264("keyint=24:bframes=2"), sound=("aac", "aac")
    ),
    Encoding(
        "h264-open-pyramid",
        "mkv",
        "libx264",
        _x264("keyint=20:bframes=4:b-pyramid=strict:open-gop=1:b-adapt=0:scenecut=0"),
    ),
    Encoding(
        "h264-open-ts",
        "ts",
        "libx264",
        _x264("keyint=20:bframes=3:open-gop=1:b-adapt=0"),
        start_seconds=7,
        sound=("aac",),
    ),
    Encoding("h264-no-b", "mov", "libx264", _x264("keyint=30:bframes=0")),
    Encoding("h264-one-i", "mp4", "libx264", _x264("keyint=infinite:scenecut=0")),
    Encoding("h264-all-i", "mkv", "libx264", _x264("keyint=1")),
    Encoding("h264-gop-250", "mkv", "libx264", _x264("keyint=250:scenecut=0"), frames=300),
    Encoding("h264-gop-256", "mp4", "libx264", _x264("keyint=256:scenecut=0"), frames=300),
    Encoding("h264-trimmed", "mp4", "libx264", _x264("keyint=24:bframes=2"), hidden=31),
    Encoding("h264-delayed", "mov", "libx264", _x264("keyint=24"), empty_seconds=Fraction(3, 2)),
    Encoding("h264-wrapping", "ts", "libx264", _x264("keyint=24:bframes=2"), start_seconds=95441),
    Encoding("h264-uneven", "mkv", "libx264", _x264("keyint=16:bframes=3"), uneven=True),
    Encoding("h264-uneven", "mp4", "libx264", _x264("keyint=16:bframes=3"), uneven=True),
    Encoding("h264-late", "mp4", "libx264", _x264("keyint=24"), start_seconds=2),
    Encoding(
        "h264-ntsc", "mp4", "libx264", _x264("keyint=24:bframes=2"), rate=Fraction(30000, 1001)
    ),
    Encoding("h264-flv", "flv", "libx264", _x264("keyint=24:bframes=2"), sound=("aac",)),
    Encoding(
        "h264-avi", "avi", "libx264", _x264("keyint=24:bframes=0"), refusal="no usable timestamps"
    ),
    Encoding(
        "h264-intra-refresh",
        "mkv",
        "libx264",
        _x264("keyint=30:intra-refresh=1:bframes=2"),
    ),
    Encoding(
        "h264-interlaced",
        "ts",
        "libx264",
        _x264("keyint=24:bframes=2:tff=1"),
        size_px=(160, 96),
        opencv=False,
    ),
    Encoding(
        "h264-10bit", "mkv", "libx264", _x264("keyint=24:bframes=2"), pixel_format="yuv420p10le"
    ),
    Encoding("hevc-closed", "mp4", "libx265", _x265("keyint=24:open-gop=0:bframes=3")),
    Encoding("hevc-open", "mkv", "libx265", _x265("keyint=20:open-gop=1:bframes=4:scenecut=0")),
    Encoding("hevc-open", "ts", "libx265", _x265("keyint=20:open-gop=1:bframes=4:scenecut=0")),
    Encoding("hevc-all-i", "mkv", "libx265", _x265("keyint=1")),
    Encoding("hevc-gop-250", "mp4", "libx265", _x265("keyint=250:scenecut=0"), frames=270),
    Encoding("hevc-radl", "mov", "libx265", _x265("keyint=24:open-gop=0:radl=3:bframes=3")),
    Encoding("av1", "mp4", "libsvtav1", _av1(24), opencv=False),
    Encoding("av1", "mkv", "libsvtav1", _av1(30), sound=("flac",), opencv=False),
    # Its packets begin with temporal delimiters, which MP4 leaves out.
    Encoding("av1", "ivf", "libsvtav1", _av1(24), opencv=False),
    Encoding("av1-gop-250", "mp4", "libsvtav1", _av1(250), frames=260, opencv=False),
    Encoding("vp9", "webm", "libvpx-vp9", _VP9, sound=("libopus",)),
    Encoding(
        "vp9-altref",
        "mp4",
        "libvpx-vp9",
        {
            "deadline": "good",
            "cpu-used": "5",
            "g": "30",
            "b": "200k",
            "lag-in-frames": "16",
            "auto-alt-ref": "1",
        },
    ),
    Encoding("vp8", "webm", "libvpx", _VP9, sound=("libopus",), refusal="vp8"),
    Encoding("mpeg4", "avi", "mpeg4", _OLD, sound=("libmp3lame",)),
    Encoding("mpeg4-b2", "avi", "mpeg4", {**_OLD, "bf": "2"}),
    Encoding("mpeg4-b2", "mp4", "mpeg4", {**_OLD, "bf": "2"}),
    Encoding("mpeg4-b2", "mkv", "mpeg4", {**_OLD, "bf": "2"}, sound=("ac3",)),
    Encoding("mpeg2-b2", "mpg", "mpeg2video", {**_OLD, "bf": "2"}, sound=("mp2",)),
    Encoding("mpeg2-b2", "ts", "mpeg2video", {**_OLD, "bf": "2"}, start_seconds=1),
    Encoding(
        "mpeg2-closed",
        "ts",
        "mpeg2video",
        {**_OLD, "bf": "2", "flags": "+cgop", "sc_threshold": "1000000000"},
    ),
    Encoding("mpeg2-all-i", "mpg", "mpeg2video", {"g": "1", "b": "2M"}),
    Encoding("mpeg2-b2", "mkv", "mpeg2video", {**_OLD, "bf": "2"}),
    Encoding("mpeg1", "mpg", "mpeg1video", _OLD, sound=("mp2",), refusal="mpeg1video"),
    Encoding("mjpeg", "avi", "mjpeg", {"q": "6"}, pixel_format="yuvj420p", sound=("pcm_s16le",)),
)


@dataclass(frozen=True)
class Known:
    """A video whose frames have all been seen."""

    path: Path
    info: VideoInfo
    timeline: Timeline
    pictures: list[int]
    digests: list[int]


def know(path: Path) -> Known:
    """Decode a video whole, and keep a checksum of all that each picture holds."""
    info = probe(path)
    reader = FrameReader(path, info)
    pictures, digests = [], []
    for frame in reader:
        pictures.append(zlib.crc32(frame.decoded.to_ndarray().tobytes()))
        digests.append(frame.digest)
    return Known(path, info, reader.timeline, pictures, digests)


def glance_at(path: Path) -> Known:
    """What cutting needs to know of a video, without looking at its pictures."""
    reader = FrameReader(path, probe(path))
    digests = [frame.digest for frame in reader]
    return Known(path, reader.info, reader.timeline, [], digests)


def write_many(
    known: Known,
    spans: Sequence[Span],
    target_for: Callable[[Span], Path],
    settings: ClipSettings,
    **more: Any,
) -> None:
    """``write_clips`` of a video that is known."""
    path, info, timeline = known.path, known.info, known.timeline
    write_clips(path, info, timeline, spans, target_for, settings, **more)


def write_clip(
    known: Known,
    span: Span,
    target: Path,
    settings: ClipSettings,
    *,
    first_picture_digest: int | None = None,
    **more: Any,
) -> ClipFile:
    """Make one clip.

    Raises:
        ClipError: It cannot be made.
    """
    digests: list[int | None] = [None] * known.timeline.frames
    digests[span.start] = first_picture_digest
    outcomes: list[ClipFile | ClipError] = []
    write_many(
        known,
        [span],
        lambda _: target,
        settings,
        picture_digests=digests,
        workers=1,
        on_clip=lambda _, outcome: outcomes.append(outcome),
        **more,
    )
    (outcome,) = outcomes
    if isinstance(outcome, ClipError):
        raise outcome
    return outcome


def seen_by_opencv(path: Path) -> list[int]:
    """A checksum of each picture that OpenCV shows."""
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    seen = []
    while True:
        is_read, picture = capture.read()
        if not is_read:
            return seen
        seen.append(zlib.crc32(picture.tobytes()))


def seen_by_ffmpeg(program: str, path: Path) -> list[str]:
    """A checksum of each picture that the ffmpeg program shows."""
    command = [program, "-v", "error", "-i", str(path), "-map", "0:v:0"]
    command += ["-fps_mode", "passthrough", "-f", "framecrc", "-"]
    result = subprocess.run(command, capture_output=True, text=True, check=True)
    lines = [line for line in result.stdout.splitlines() if not line.startswith("#")]
    return [line.rsplit(",", 1)[1] for line in lines]


def random_spans(frames: int, count: int, seed: str) -> list[Span]:
    """Spans in a video of so many frames, among them the whole, the first and the last frame."""
    rng = random.Random(seed)
    spans = [Span(0, frames), Span(0, 1), Span(frames - 1, frames)]
    while len(spans) < count:
        start = rng.randrange(frames)
        spans.append(Span(start, rng.randint(start + 1, frames)))
    return spans[:count]
