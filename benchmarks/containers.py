"""What becomes of each container, video codec and sound: the table in docs/formats.md.

    python -m benchmarks.containers [MP4 MKV ...] [--jobs 2]

For each container (all where none is named) it writes a small file with each video codec that
FFmpeg as PyAV brings it can encode and that the container takes, silent and with all sounds that it
takes, each in a track. Every file goes through the pipeline's own probe, scan and ``write_clips``:
one clip that does not begin with an I-frame, by ``auto`` and by ``copy``. Printed is what came out:
of the pictures how many frames were copied, of the sound whether the bytes of its packets are those
of the source. What is written and does not come back as that codec is not taken by the container.
"""

import argparse
import logging
import os
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import cache
from pathlib import Path

import av
import av.container
import av.error
import av.logging
import numpy as np

from heaters_pipeline.errors import ClipError, InvalidVideoError
from heaters_pipeline.video.clips.settings import ClipMethod
from heaters_pipeline.video.clips.write import ClipFile, ClipSettings, left_out, write_clips
from heaters_pipeline.video.media.probe import VideoInfo, probe
from heaters_pipeline.video.media.pyav import packets_of
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.scoring.scores import score_frames
from heaters_pipeline_tests.videos import make_picture, scheduled_as_before

FRAMES = 50
RATE = Fraction(25)
GOP_FRAMES = "12"
CLEAN = Span(24, 48)
# It begins 5 frames behind an I-frame, and holds the two next ones.
SPAN = Span(17, 45)
COPIED, ENCODED = "copied", "encoded"


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
    options: dict[str, str] = field(default_factory=dict)
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


_X265 = {"preset": "ultrafast", "x265-params": "log-level=none:keyint=12:bframes=3:scenecut=0"}
_X264 = {"preset": "veryfast", "x264-params": "keyint=12:bframes=2:scenecut=0"}
_GOP = {"g": GOP_FRAMES, "b": "500k"}
_VPX = {"deadline": "realtime", "cpu-used": "8", **_GOP}

PICTURES = (
    Picture("h264", "libx264", options=_X264),
    Picture("hevc", "libx265", options=_X265),
    Picture("av1", "libsvtav1", options={"preset": "12", "g": GOP_FRAMES}),
    Picture("vp9", "libvpx-vp9", options=_VPX),
    Picture("vp8", "libvpx", options=_VPX),
    Picture("mpeg4", options={**_GOP, "bf": "2"}),
    Picture("mpeg2video", options={**_GOP, "bf": "2"}),
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
    *(
        Sound(f"pcm_{kind}")
        for kind in "u8 s16le s16be s24le s24be s32le s32be f32le f32be f64le".split()
    ),
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


@dataclass(frozen=True)
class Row:
    """What becomes of videos of a container.

    Attributes:
        container: Its name in the table.
        codecs: Of the pictures, those that fare alike.
        clean: What ``auto`` makes of a span of whole GOPs.
        other: What it makes of one that begins between two I-frames.
        hiding: What ``copy`` makes of that.
        clip: In what it is stored.
        copied: Codecs of the sounds that are copied.
        encoded: Of those that become AAC.
        odd: Others: what becomes of them, or of pictures beside them.
    """

    container: str
    codecs: tuple[str, ...]
    clean: str
    other: str = ""
    hiding: str = ""
    clip: str = ""
    copied: tuple[str, ...] = ()
    encoded: tuple[str, ...] = ()
    odd: tuple[str, ...] = ()

    def cells(self) -> list[str]:
        """The row as it stands in the table, but for its codecs."""
        cells = [self.clean, self.other, self.hiding, self.clip]
        return [self.container, *cells, _listed(self.copied), _listed((*self.encoded, *self.odd))]

    def line(self) -> str:
        """The row in Markdown."""
        container, *others = self.cells()
        return f"| {' | '.join([container, _listed(self.codecs), *others])} |"


HEAD = """| container | video codec | `auto`, whole GOPs | `auto`, other spans | `copy`, other spans | clip | sound copied | sound to AAC |
|---|---|---|---|---|---|---|---|"""


def _listed(words: Sequence[str]) -> str:
    return ", ".join(words) or "-"


def write_source(
    path: Path, container: Container, picture: Picture, sounds: Sequence[Sound]
) -> bool:
    """Write a small file; whether the container takes what should be in it, and says so."""
    try:
        _encode(path, container, picture, sounds)
        with av.open(str(path)) as file:
            names = [
                stream.codec_context.codec.canonical_name if stream.codec_context else ""
                for stream in (*file.streams.video, *file.streams.audio)
            ]
            return names == [picture.codec, *(sound.codec for sound in sounds)]
    except (av.error.FFmpegError, OSError, ValueError):
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


@cache
def sounds_of(container: Container) -> tuple[Sound, ...]:
    """The sounds that a container takes beside the first codec of pictures that it takes."""
    with _folder() as folder:
        path = folder / f"sound.{container.extension}"
        taken = (picture for picture in PICTURES if write_source(path, container, picture, ()))
        picture = next(taken)
        return tuple(sound for sound in SOUNDS if write_source(path, container, picture, (sound,)))


def examine(container: Container, picture: Picture) -> Row | None:
    """What becomes of a video codec in a container; None if that does not take it."""
    with _folder() as folder:
        path = folder / f"source.{container.extension}"
        if not write_source(path, container, picture, ()):
            return None
        names = container.name, (picture.codec,)
        try:
            info = probe(path)
            auto = clips_of(path, info, "auto", (CLEAN, SPAN))
            hiding = clips_of(path, info, "copy", (SPAN,))
        except InvalidVideoError as error:
            return Row(*names, f"refused: {_reason(error, path)}")
        made = auto[SPAN]
        row = Row(
            *names,
            told(auto[CLEAN]),
            told(made),
            told(hiding[SPAN]),
            "-" if isinstance(made, ClipError) else made.container.upper(),
        )
        fates = fates_of_sound(folder, container, picture, row.other)
        return replace(
            row,
            copied=tuple(codec for codec, fate in fates.items() if fate == COPIED),
            encoded=tuple(codec for codec, fate in fates.items() if fate == ENCODED),
            odd=tuple(
                f"**{codec}: {fate}**"
                for codec, fate in fates.items()
                if fate not in (COPIED, ENCODED)
            ),
        )


def clips_of(
    path: Path, info: VideoInfo, mode: ClipMethod, spans: Sequence[Span]
) -> dict[Span, ClipFile | ClipError]:
    """Make clips beside a video as a run does: ``<first frame>-<mode>``."""
    track = score_frames(path, info)
    made: dict[Span, ClipFile | ClipError] = {}
    write_clips(
        path,
        info,
        track.timeline,
        spans,
        lambda span: path.parent / f"{span.start}-{mode}",
        ClipSettings(mode, preset="veryfast"),
        picture_digests=track.known_digests(),
        workers=1,
        on_clip=made.__setitem__,
    )
    return made


def told(made: ClipFile | ClipError) -> str:
    """What became of the pictures of a clip, in words."""
    if isinstance(made, ClipError):
        return f"**fails**: {made}"
    copied = sum(len(part) for part in made.copied)
    if 0 < copied < made.frames:
        return "joined"
    if copied:
        return f"copied, {made.hidden_frames} hidden" if made.hidden_frames else "copied"
    return f"encoded: {made.fallback_reason}" if made.fallback_reason else "encoded"


def fates_of_sound(
    folder: Path, container: Container, picture: Picture, expected: str
) -> dict[str, str]:
    """What becomes of each sound that a container takes, by its codec.

    Args:
        folder: To write files into.
        container: The container.
        picture: The codec beside the sound.
        expected: What becomes of the pictures without it.
    """
    sounds = sounds_of(container)
    if container.many_sounds and len(sounds) > 1:
        together = _fates(folder, container, picture, sounds, expected)
        if {COPIED, ENCODED}.issuperset(together.values()):
            return together
    fates: dict[str, str] = {}
    for sound in sounds:
        fates |= _fates(folder, container, picture, (sound,), expected)
    return fates


def _fates(
    folder: Path, container: Container, picture: Picture, sounds: Sequence[Sound], expected: str
) -> dict[str, str]:
    path = folder / f"sound.{container.extension}"
    codecs = [sound.codec for sound in sounds]
    if not write_source(path, container, picture, sounds):
        # Of one sound: some go with certain pictures only.
        return dict.fromkeys(codecs, "not taken") if len(sounds) > 1 else {}
    try:
        made = clips_of(path, probe(path), "auto", (SPAN,))[SPAN]
    except InvalidVideoError as error:
        return dict.fromkeys(codecs, f"refused: {_reason(error, path)}")
    if told(made) != expected:
        return dict.fromkeys(codecs, told(made))
    before = _sound_packets(path)
    after = _sound_packets(path.parent / f"{SPAN.start}-auto")
    if len(after) < len(sounds):
        return dict.fromkeys(codecs, "lost")
    return {
        codec: COPIED if all(packet in b"".join(source) for packet in clip) else ENCODED
        for codec, source, clip in zip(codecs, before, after, strict=True)
    }


def _reason(error: InvalidVideoError, path: Path) -> str:
    return str(error).removeprefix(f"{path.name} ")


def _sound_packets(path: Path) -> list[list[bytes]]:
    """The packets of each track of sound."""
    with av.open(str(path)) as file:
        tracks: dict[int, list[bytes]] = {stream.index: [] for stream in file.streams.audio}
        for packet in packets_of(file):
            if packet.stream_index in tracks:
                tracks[packet.stream_index].append(bytes(packet))
        return list(tracks.values())


@contextmanager
def _folder() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as name:
        yield Path(name)


def grouped(rows: Iterable[Row]) -> list[Row]:
    """Rows of a container that say the same of several codecs become one."""
    alike: dict[tuple[str, ...], Row] = {}
    for row in rows:
        first = alike.get(tuple(row.cells()))
        alike[tuple(row.cells())] = replace(
            row, codecs=(*(first.codecs if first else ()), *row.codecs)
        )
    return list(alike.values())


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("containers", nargs="*", help="names of the first column; default: all")
    parser.add_argument("--jobs", type=int, default=2, help="how many files are made at a time")
    options = parser.parse_args()
    wanted = [each for each in CONTAINERS if each.name in options.containers or not options.containers]
    pairs = [(container, picture) for container in wanted for picture in PICTURES]
    print(HEAD)
    with ProcessPoolExecutor(options.jobs, initializer=_quiet) as pool:
        rows = list(pool.map(examine, *zip(*pairs, strict=True)))
    for row in grouped(row for row in rows if row):
        print(row.line())


def _quiet() -> None:
    av.logging.set_level(None)
    os.environ["SVT_LOG"] = "0"
    logging.disable(logging.WARNING)


if __name__ == "__main__":
    main()
