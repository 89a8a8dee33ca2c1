"""Small files of many containers, video and sound codecs, for ``benchmarks.containers``."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import av
import av.container
import av.error
import numpy as np

from heaters_pipeline_tests.videos import make_picture, scheduled_as_before

FRAMES = 50
RATE = Fraction(25)
GOP_FRAMES = "12"


@dataclass(frozen=True)
class Picture:
    """A video codec.

    Attributes:
        codec: FFmpeg's name of it.
        encoder: PyAV's name of its encoder.
        pixel_format: Of its pictures.
        options: Of the encoder.
        size_px: (width, height).
    """

    codec: str
    encoder: str = ""
    pixel_format: str = "yuv420p"
    options: Mapping[str, str] = field(default_factory=dict, hash=False)
    size_px: tuple[int, int] = (176, 144)


@dataclass(frozen=True)
class Sound:
    """A sound codec, by FFmpeg's name of it, and how it is encoded."""

    codec: str
    encoder: str = ""
    rate_hz: int = 48000
    layout: str = "stereo"
    bit_rate: int = 0


@dataclass(frozen=True)
class Container:
    """A container: its name in the table, the extension, and FFmpeg's name of its muxer.

    Attributes:
        size_px: (width, height) of all its pictures, where it takes no others.
        many_sounds: Whether it takes more than one track of sound.
    """

    name: str
    extension: str
    muxer: str
    size_px: tuple[int, int] | None = None
    many_sounds: bool = True


_X265 = {
    "preset": "ultrafast",
    "x265-params": "log-level=none:keyint=12:bframes=3:open-gop=0:scenecut=0",
}
_X264 = {"preset": "veryfast", "x264-params": "keyint=12:bframes=2:scenecut=0"}
_GOP = {"g": GOP_FRAMES, "b": "500k"}
_CLOSED = {**_GOP, "bf": "2", "flags": "+cgop", "sc_threshold": "1000000000"}
_VPX = {"deadline": "realtime", "cpu-used": "8", **_GOP}

PICTURES = (
    Picture("h264", "libx264", options=_X264),
    Picture("hevc", "libx265", options=_X265),
    Picture("av1", "libsvtav1", options={"preset": "12", "g": GOP_FRAMES, "svtav1-params": "lp=1"}),
    Picture("vp9", "libvpx-vp9", options=_VPX),
    Picture("vp8", "libvpx", options=_VPX),
    Picture("mpeg4", options=_CLOSED),
    Picture("mpeg2video", options=_CLOSED),
    Picture("mpeg1video", options=_GOP),
    Picture("mjpeg", pixel_format="yuvj420p"),
    Picture("prores", "prores_ks", "yuv422p10le"),
    Picture("dnxhd", "dnxhd", "yuv422p", {"profile": "dnxhr_sq"}, (256, 144)),
    Picture("dvvideo", size_px=(720, 576)),
    Picture("h263", options=_GOP),
    Picture("flv1", "flv", options=_GOP),
    Picture("wmv1", options=_GOP),
    Picture("wmv2", options=_GOP),
    Picture("msmpeg4v2", options=_GOP),
    Picture("msmpeg4v3", "msmpeg4", options=_GOP),
    Picture("ffv1"),
    Picture("huffyuv", pixel_format="yuv422p"),
    Picture("ffvhuff"),
    Picture("utvideo"),
    Picture("magicyuv"),
    Picture("jpeg2000"),
    Picture("cfhd", pixel_format="yuv422p10le"),
    Picture("dirac", "vc2", "yuv422p", {"strict": "experimental"}),
    Picture("snow", options={"strict": "experimental", **_GOP}),
    Picture("svq1", pixel_format="yuv410p", options=_GOP),
    Picture("cinepak", pixel_format="rgb24"),
    Picture("rpza", pixel_format="rgb555le", options=_GOP),
    Picture("qtrle", pixel_format="rgb24", options=_GOP),
    Picture("png", pixel_format="rgb24"),
    Picture("flashsv", pixel_format="bgr24", options=_GOP),
    Picture("flashsv2", pixel_format="bgr24", options=_GOP),
    Picture("zmbv", pixel_format="bgr0", options=_GOP),
    Picture("v210", pixel_format="yuv422p10le"),
    Picture("rawvideo"),
    Picture("gif", pixel_format="rgb8"),
    Picture("apng", pixel_format="rgb24"),
    Picture("webp", "libwebp_anim"),
)

PCM_KINDS = (
    *("u8", "s16le", "s16be", "s24le", "s24be"),
    *("s32le", "s32be", "f32le", "f32be", "f64le"),
)
SOUNDS = (
    Sound("aac"),
    Sound("mp3", "libmp3lame"),
    Sound("mp2"),
    Sound("ac3"),
    Sound("eac3"),
    Sound("opus", "libopus"),
    Sound("vorbis", "vorbis"),
    Sound("flac"),
    Sound("alac"),
    *(Sound(f"pcm_{kind}") for kind in PCM_KINDS),
    Sound("pcm_alaw", rate_hz=8000, layout="mono"),
    Sound("pcm_mulaw", rate_hz=8000, layout="mono"),
    Sound("pcm_bluray"),
    Sound("pcm_dvd"),
    Sound("amr_nb", "libopencore_amrnb", rate_hz=8000, layout="mono"),
    Sound("adpcm_ms"),
    Sound("adpcm_ima_wav"),
    Sound("adpcm_ima_qt"),
    Sound("adpcm_swf", rate_hz=44100),
    Sound("nellymoser", rate_hz=44100, layout="mono"),
    Sound("wmav1", bit_rate=128_000),
    Sound("wmav2", bit_rate=128_000),
    Sound("wavpack"),
    Sound("tta"),
    Sound("g726", rate_hz=8000, layout="mono"),
)

CONTAINERS = (
    Container("MP4", "mp4", "mp4"),
    Container("MOV", "mov", "mov"),
    Container("3GP", "3gp", "3gp"),
    Container("MKV", "mkv", "matroska"),
    Container("WebM", "webm", "webm"),
    Container("MPEG-TS", "ts", "mpegts"),
    Container("MPEG-PS", "mpg", "vob"),
    Container("AVI", "avi", "avi"),
    Container("FLV", "flv", "flv", many_sounds=False),
    Container("MXF", "mxf", "mxf"),
    Container("Ogg", "ogv", "ogg"),
    Container("ASF, WMV", "wmv", "asf"),
    Container("DV", "dv", "dv", (720, 576)),
    Container("IVF", "ivf", "ivf"),
    Container("GIF", "gif", "gif"),
    Container("APNG", "apng", "apng"),
    Container("Y4M", "y4m", "yuv4mpegpipe"),
    Container("elementary stream, MPEG-1", "m1v", "mpeg1video"),
    Container("elementary stream, MPEG-2", "m2v", "mpeg2video"),
    Container("elementary stream, MPEG-4 Part 2", "m4v", "m4v"),
    Container("elementary stream, H.264", "h264", "h264"),
    Container("elementary stream, HEVC", "hevc", "hevc"),
    Container("elementary stream, Motion JPEG", "mjpeg", "mjpeg"),
    Container("animated WebP", "webp", "webp"),
    Container("GXF", "gxf", "gxf", (720, 576)),
    Container("NUT", "nut", "nut"),
    Container("RealMedia", "rm", "rm"),
    Container("SWF", "swf", "swf"),
)


def sounds_of(folder: Path, container: Container, picture: Picture) -> tuple[Sound, ...]:
    """The sounds that a container takes beside pictures."""
    path = folder / f"sound.{container.extension}"
    return tuple(sound for sound in SOUNDS if write_source(path, container, picture, (sound,)))


def write_source(
    path: Path, container: Container, picture: Picture, sounds: Sequence[Sound]
) -> bool:
    """Write a small file; whether the container takes what should be in it, and says so."""
    try:
        _encode(path, container, picture, sounds)
        with av.open(str(path)) as file:
            # Raw pictures, for one, can be written in kinds that cannot be read.
            next(file.decode(video=0))
            names = [
                stream.codec_context.codec.canonical_name if stream.codec_context else ""
                for stream in (*file.streams.video, *file.streams.audio)
            ]
            return names == [picture.codec, *(sound.codec for sound in sounds)]
    except (av.error.FFmpegError, OSError, ValueError, IndexError, StopIteration):
        # Muxers say in many ways what they do not take.
        return False


@scheduled_as_before()
def _encode(path: Path, container: Container, picture: Picture, sounds: Sequence[Sound]) -> None:
    with av.open(str(path), "w", format=container.muxer) as out:
        video = out.add_stream(picture.encoder or picture.codec, RATE)
        video.width, video.height = container.size_px or picture.size_px
        video.pix_fmt = picture.pixel_format
        video.options = dict(picture.options)
        video.codec_context.thread_count = 1
        tracks = [_add_track(out, sound) for sound in sounds]
        for number in range(FRAMES):
            drawn = make_picture(number, number // 20, (video.width, video.height))
            frame = av.VideoFrame.from_ndarray(drawn, format="bgr24")
            frame = frame.reformat(format=picture.pixel_format)
            frame.pts, frame.time_base = number, 1 / RATE
            out.mux(video.encode(frame))
        out.mux(video.encode(None))
        for sound, track in zip(sounds, tracks, strict=True):
            for block in _tone(sound):
                out.mux(track.encode(block))
            out.mux(track.encode(None))


def _add_track(out: av.container.OutputContainer, sound: Sound) -> av.AudioStream:
    encoder = sound.encoder or sound.codec
    track = out.add_stream(encoder, sound.rate_hz, layout=sound.layout)
    track.options = {"strict": "experimental"}
    if sound.bit_rate:
        track.bit_rate = sound.bit_rate
    return track


def _tone(sound: Sound) -> Iterator[av.AudioFrame]:
    samples = round(FRAMES / RATE * sound.rate_hz)
    turns = np.arange(samples, dtype=np.float32) * 440 / sound.rate_hz
    wave = (0.3 * np.sin(turns * 2 * np.pi)).astype(np.float32)
    channels = 1 if sound.layout == "mono" else 2
    for start in range(0, samples, 1000):
        block = np.stack([wave[start : start + 1000]] * channels)
        frame = av.AudioFrame.from_ndarray(block, "fltp", sound.layout)
        frame.sample_rate = sound.rate_hz
        frame.pts, frame.time_base = start, Fraction(1, sound.rate_hz)
        yield frame
