"""Encoded clips: as many frames with the same timestamps, and pictures that look the same."""

import itertools
from collections.abc import Sequence
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from av.stream import Disposition

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.clips import maker as clip_maker
from heaters_pipeline.video.clips.settings import ClipMethod, Codec
from heaters_pipeline.video.clips.write import (
    ClipFile,
    ClipSettings,
)
from heaters_pipeline.video.media.frame_spans import read_span as real_read_span
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import (
    ENCODINGS,
    Encoding,
    Known,
    glance_at,
    know,
    random_spans,
    write_clip,
    write_many,
)
from heaters_pipeline_tests.videos import frame_number_of, make_video

GOOD = ClipSettings("reencode", crf=10, preset="ultrafast")
LEAST_PSNR_DB = 38


def encode(known: Known, span: Span, target: Path, settings: ClipSettings = GOOD) -> list[Picture]:
    """Encode a span and give the pictures that the clip shows."""
    clip = write_clip(known, span, target, settings)
    assert (clip.method, clip.fallback_reason) == ("reencode", None)
    return pictures_of(target)


def pictures_of(path: Path) -> list[Picture]:
    return [frame.picture() for frame in FrameReader(path, probe(path))]


def psnr_db(first: Picture, second: Picture) -> float:
    error = np.mean((first.astype(np.float64) - second) ** 2)
    return float(10 * np.log10(255**2 / max(error, 1e-9)))


def named(name: str) -> Encoding:
    return next(encoding for encoding in ENCODINGS if str(encoding) == name)


@pytest.mark.parametrize(
    "encoding",
    [
        named("h264-open-pyramid.mkv"),
        named("h264-uneven.mkv"),
        named("h264-uneven.mp4"),
        named("h264-ntsc.mp4"),
        named("h264-avi.avi"),
        named("vp8.webm"),
        named("mpeg1.mpg"),
        named("mpeg2-b2.ts"),
    ],
    ids=str,
)
def test_frames_instants_and_pictures(encoding: Encoding, tmp_path: Path) -> None:
    known = know(encoding.write(tmp_path))
    originals = pictures_of(known.path)
    for span in random_spans(encoding.frames, 5, f"encoded {encoding}"):
        shown = encode(known, span, tmp_path / "clip.mp4")
        assert len(shown) == len(span)
        timeline = know(tmp_path / "clip.mp4").timeline
        start = known.timeline.seconds_at(span.start)
        assert timeline.pts[0] == 0
        for offset in range(len(span)):
            source_seconds = known.timeline.seconds_at(span.start + offset)
            assert timeline.seconds_at(offset) == source_seconds - start
        for offset, picture in enumerate(shown):
            assert psnr_db(picture, originals[span.start + offset]) > LEAST_PSNR_DB


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("frames", [1, 2, 3, 4])
def test_the_shortest_clips_are_whole(codec: Codec, frames: int, tmp_path: Path) -> None:
    known = know(make_video(tmp_path / "a.mp4", [12]))
    # libx265 makes clips of one or two frames from memory that nobody wrote, so it may pass once.
    for start in range(8):
        span = Span(start, start + frames)
        shown = encode(known, span, tmp_path / "clip.mp4", ClipSettings("reencode", codec=codec))
        assert [frame_number_of(picture) for picture in shown] == list(range(start, span.end))


def test_pictures_that_are_too_small_for_hevc_are_copied(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "small.mp4"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        assert isinstance(stream, av.VideoStream)
        stream.width, stream.height, stream.pix_fmt = 48, 36, "yuv420p"
        for number in range(4):
            grey = np.full((36, 48, 3), 40 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(grey, "bgr24")))
        container.mux(stream.encode(None))
    known = know(tmp_path / "small.mp4")
    settings = replace(GOOD, codec="hevc")
    clip = write_clip(known, Span(0, 3), tmp_path / "clip.mp4", settings)
    assert clip.method == "copy"
    assert "48x36 are too small for libx265" in str(clip.fallback_reason)
    assert len(encode(known, Span(0, 3), tmp_path / "clip.mp4")) == 3


def test_what_is_written_is_what_players_expect(tmp_path: Path) -> None:
    known = know(named("h264-10bit.mkv").write(tmp_path))
    encode(known, Span(10, 40), tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.name, context.pix_fmt) == ("h264", "yuv420p")
    content = (tmp_path / "clip.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")


def test_settings_decide_on_quality(tmp_path: Path) -> None:
    known = know(make_video(tmp_path / "a.mp4", [40]))
    sizes = []
    for settings in (GOOD, ClipSettings("reencode", crf=40, preset="ultrafast")):
        encode(known, Span(0, 40), tmp_path / "clip.mp4", settings)
        sizes.append((tmp_path / "clip.mp4").stat().st_size)
    assert sizes[0] > 2 * sizes[1]


def test_i_frames_of_the_source_are_not_repeated(tmp_path: Path) -> None:
    known = know(make_video(tmp_path / "a.mp4", [40], options={"g": "1"}))
    encode(known, Span(0, 40), tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    assert sum(packet.is_keyframe for packet in packets) == 1


@pytest.mark.parametrize("size_px", [(161, 91), (160, 91), (161, 90)])
def test_odd_sizes_lose_no_pixel(size_px: tuple[int, int], tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "odd.mp4", [12], size_px=size_px, pixel_format="yuv444p", options={"crf": "5"}
    )
    originals = pictures_of(path)
    shown = encode(glance_at(path), Span(2, 9), tmp_path / "clip.mp4")
    width, height = size_px
    assert shown[0].shape == (height + height % 2, width + width % 2, 3)
    for offset, picture in enumerate(shown):
        assert frame_number_of(picture) == 2 + offset
        luma = originals[2 + offset].mean(axis=2)
        assert np.abs(picture[:height, :width].mean(axis=2) - luma).mean() < 4
        assert np.abs(picture[height - 1 :, :width].mean(axis=2) - luma[-1]).mean() < 8
        assert np.abs(picture[:height, width - 1 :].mean(axis=2) - luma[:, -1:]).mean() < 8


@pytest.mark.parametrize(
    ("codec", "pixel_format", "extension"),
    [
        ("libx264rgb", "rgb24", "mp4"),
        ("libx264", "yuv422p10le", "mp4"),
        ("libx264", "yuvj420p", "mp4"),
        ("mjpeg", "yuvj422p", "avi"),
        ("qtrle", "argb", "mov"),
        ("gif", "bgr8", "gif"),
    ],
)
def test_other_pixel_formats_keep_their_colours(
    codec: str, pixel_format: str, extension: str, tmp_path: Path
) -> None:
    options = {"crf": "5"} if "264" in codec else {}
    path = make_video(
        tmp_path / f"a.{extension}", [8, 8], codec=codec, pixel_format=pixel_format, options=options
    )
    originals = pictures_of(path)
    shown = encode(glance_at(path), Span(3, 13), tmp_path / "clip.mp4")
    for offset, picture in enumerate(shown):
        error = picture.astype(int) - originals[3 + offset]
        # Borders of colour are blurred by 4:2:0, so the colours of areas are compared.
        assert np.abs(error.mean(axis=(0, 1))).max() < 3
        assert np.abs(error).mean() < (16 if codec == "gif" else 8)


@pytest.mark.parametrize(("height_px", "matrix"), [(96, 6), (720, 1)])
def test_rgb_becomes_the_yuv_that_players_assume(
    height_px: int, matrix: int, tmp_path: Path
) -> None:
    path = make_video(
        tmp_path / "a.mp4",
        [8],
        size_px=(128, height_px),
        codec="libx264rgb",
        pixel_format="rgb24",
        options={"crf": "5"},
    )
    shown = encode(glance_at(path), Span(2, 6), tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (matrix, 1)
    error = shown[0].astype(int) - pictures_of(path)[2]
    assert np.abs(error.mean(axis=(0, 1))).max() < 3


@pytest.mark.parametrize("codec", ["h264", "hevc"])
def test_what_the_source_says_of_its_picture_survives(codec: Codec, tmp_path: Path) -> None:
    colours = {"colorprim": "bt2020", "transfer": "smpte2084", "colormatrix": "bt2020nc"}
    params = ":".join(f"{name}={value}" for name, value in colours.items())
    path = make_video(
        tmp_path / "turned.mp4",
        [20],
        size_px=(160, 96),
        rotation_degrees=270,
        is_mirrored=True,
        sample_aspect_ratio=Fraction(16, 11),
        options={"x264-params": params},
    )
    # HDR keeps its colour tags only where it is not tone-mapped.
    settings = replace(GOOD, codec=codec, bit_depth="source")
    encode(know(path), Span(5, 15), tmp_path / "clip.mp4", settings)
    assert described(tmp_path / "clip.mp4") == described(path)
    assert described(path)[1:] == (Fraction(16, 11), 9, 16, 9)


def described(path: Path) -> tuple[object, ...]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        first = next(container.decode(stream))
        context = stream.codec_context
        return (
            bytes(first.side_data["DISPLAYMATRIX"]),
            stream.sample_aspect_ratio,
            context.color_primaries,
            context.color_trc,
            context.colorspace,
        )


@pytest.mark.parametrize("mode", ["auto", "copy", "reencode"])
def test_streams_without_i_frames_give_the_right_pictures(mode: str, tmp_path: Path) -> None:
    known = know(named("h264-intra-refresh.mkv").write(tmp_path))
    originals = pictures_of(known.path)
    for span in (Span(8, 12), Span(50, 55), Span(58, 63), Span(80, 85)):
        made: dict[Span, ClipFile | ClipError] = {}
        write_many(
            known,
            [span],
            lambda _: tmp_path / "clip.mp4",
            ClipSettings(mode, crf=4, preset="ultrafast"),
            picture_digests=known.digests,
            workers=2,
            on_clip=made.__setitem__,
        )
        assert isinstance(made[span], ClipFile)
        for offset, picture in enumerate(pictures_of(tmp_path / "clip.mp4")):
            assert psnr_db(picture, originals[span.start + offset]) > LEAST_PSNR_DB, span


@pytest.fixture
def passes(monkeypatch: pytest.MonkeyPatch) -> list[Span]:
    """The stretches for which decoding was begun."""
    begun: list[Span] = []

    def read_span(*arguments: object, **options: object) -> object:
        begun.append(arguments[-1])
        return real_read_span(*arguments, **options)

    monkeypatch.setattr(clip_maker, "read_span", read_span)
    return begun


def make_all(
    known: Known, spans: Sequence[Span], folder: Path, workers: int
) -> dict[Span, ClipFile | ClipError]:
    made: dict[Span, ClipFile | ClipError] = {}
    write_many(
        known,
        spans,
        lambda span: folder / f"{span.start}.mp4",
        GOOD,
        picture_digests=None,
        workers=workers,
        on_clip=made.__setitem__,
    )
    for span in spans:
        numbers = [frame_number_of(p) for p in pictures_of(folder / f"{span.start}.mp4")]
        assert numbers == list(range(span.start, span.end))
        assert isinstance(made[span], ClipFile)
    return made


def test_a_video_is_decoded_once_for_all_its_clips(tmp_path: Path, passes: list[Span]) -> None:
    known = know(make_video(tmp_path / "a.mp4", [300], size_px=(64, 36)))
    spans = [Span(0, 20), Span(20, 21), Span(30, 60), Span(250, 280), Span(280, 300)]
    make_all(known, spans[::-1], tmp_path, workers=1)
    # The gap of 190 frames is worth a seek, the one of 9 is not.
    assert passes == [Span(0, 300), Span(250, 300)]


def test_several_encoders_share_one_pass(tmp_path: Path, passes: list[Span]) -> None:
    known = know(make_video(tmp_path / "a.mp4", [300], size_px=(64, 36), options={"g": "30"}))
    spans = [Span(start, start + 6) for start in range(0, 300, 6)]
    make_all(known, spans, tmp_path, workers=3)
    # Each part is entered once, and they do not overlap: no more for 50 clips than for a few.
    assert len(passes) == 6
    assert sorted(passes)[0].start == 0
    assert all(a.end == b.start for a, b in itertools.pairwise(sorted(passes)))
    assert sorted(passes)[-1].end == 300


@pytest.mark.parametrize("mode", ["auto", "copy", "reencode"])
def test_what_people_said_of_the_video_survives(mode: ClipMethod, tmp_path: Path) -> None:
    path = tmp_path / "spoken.mkv"
    plain = make_video(tmp_path / "plain.mp4", [20])
    with av.open(str(plain)) as source, av.open(str(path), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        stream.metadata["language"], stream.metadata["title"] = "deu", "Director's cut"
        stream.disposition = Disposition.default
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    known = know(path)
    settings = replace(GOOD, mode=mode)
    clip = write_clip(known, Span(4, 12), tmp_path / "clip.mp4", settings)
    assert clip.method == mode
    with av.open(str(tmp_path / "clip.mp4")) as container:
        (video,) = container.streams
        assert video.language == "deu"
        assert video.disposition & Disposition.default
