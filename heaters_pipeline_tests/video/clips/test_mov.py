"""Clips of camera and edit masters (ProRes, DNxHD, PCM) are MOV, bit for bit and to the sample."""

import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from heaters_pipeline.video.clips.left_out import left_out
from heaters_pipeline.video.clips.settings import ClipMethod, ClipSettings
from heaters_pipeline.video.clips.write import inspect_clip
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import glance_at
from heaters_pipeline_tests.video.clips.interlaced_clips import make_interlaced_video
from heaters_pipeline_tests.video.clips.mov_masters import RATE_HZ, Master, cut, prores, samples_of
from heaters_pipeline_tests.videos import frame_number_of, make_video

SPANS = (Span(0, 30), Span(11, 23), Span(29, 30), Span(7, 30))


def dnxhr(profile: str, extension: str, **more: object) -> Master:
    formats = {"dnxhr_hqx": "yuv422p10le", "dnxhr_444": "yuv444p10le"}
    kind = formats.get(profile, "yuv422p")
    return Master("dnxhd", profile, extension, kind, size_px=(256, 144), **more)


NTSC = Fraction(30000, 1001)
MASTERS = (
    prores("proxy", "mov"),
    prores("lt", "mov", sound="pcm_s24le", frame_rate=NTSC),
    prores("standard", "mkv", sound="pcm_f32le"),
    prores("hq", "mxf", sound="pcm_s24le"),
    prores("hq", "mov", sound="aac"),
    prores("4444", "mov", sound="pcm_s16be"),
    prores("4444xq", "mkv", sound="ac3"),
    Master("dnxhd", "", "mxf", "yuv422p", (1920, 1080), options={"b": "36M"}),
    dnxhr("dnxhr_lb", "mov", sound="pcm_s32le"),
    dnxhr("dnxhr_sq", "mxf", frame_rate=NTSC),
    dnxhr("dnxhr_hq", "mov", sound="pcm_u8"),
    dnxhr("dnxhr_hqx", "mxf", sound="pcm_s24le"),
    dnxhr("dnxhr_444", "mov", sound="pcm_alaw"),
)


def packets_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def numbers_by_pyav(path: Path) -> list[int]:
    with av.open(str(path)) as container:
        frames = container.decode(video=0)
        return [frame_number_of(frame.to_ndarray(format="bgr24")) for frame in frames]


def numbers_by_opencv(path: Path) -> list[int]:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    pictures = iter(lambda: capture.read(), None)
    numbers = []
    for is_read, picture in pictures:
        if not is_read:
            break
        numbers.append(frame_number_of(picture))
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == len(numbers)
    return numbers


def numbers_by_ffmpeg(path: Path, size_px: tuple[int, int]) -> list[int]:
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-map", "0:v:0", "-pix_fmt", "bgr24"]
    raw = subprocess.run([*command, "-f", "rawvideo", "-"], capture_output=True, check=True).stdout
    pictures = np.frombuffer(raw, np.uint8).reshape(-1, size_px[1], size_px[0], 3)
    return [frame_number_of(picture) for picture in pictures]


@pytest.mark.parametrize("mode", ["auto", "copy"])
@pytest.mark.parametrize("master", MASTERS, ids=str)
def test_masters_are_copied_whole(master: Master, mode: ClipMethod, tmp_path: Path) -> None:
    known = master.write(tmp_path)
    in_source = packets_of(known.path)
    for span in SPANS if mode == "auto" else SPANS[1:2]:
        path = tmp_path / f"{span.start}.mov"
        clip = cut(known, span, path, mode=mode)
        assert (clip.method, clip.container, clip.fallback_reason) == (mode, "mov", None)
        assert (clip.copied, clip.hidden_frames) == ((span,), 0)
        assert packets_of(path) == in_source[span.start : span.end]
        facts = inspect_clip(path)
        assert (facts.span, facts.container, facts.frames) == (span, "mov", len(span))
        wanted = list(range(span.start, span.end))
        assert numbers_by_pyav(path) == wanted
        assert numbers_by_opencv(path) == wanted
        assert numbers_by_ffmpeg(path, master.size_px) == wanted
        with av.open(str(path)) as container:
            video = container.streams.video[0]
            assert video.average_rate == master.frame_rate
            assert video.duration * video.time_base == known.timeline.duration_of(span)
            assert video.codec_context.codec_tag == master.tag


@pytest.mark.parametrize(
    "master", [each for each in MASTERS if each.sound.startswith("pcm")], ids=str
)
def test_pcm_is_cut_to_the_sample(master: Master, tmp_path: Path) -> None:
    known = master.write(tmp_path)
    whole = samples_of(known.path)
    for span in SPANS:
        path = tmp_path / f"{span.start}.mov"
        cut(known, span, path)
        with av.open(str(path)) as container:
            assert container.streams.audio[0].codec_context.name == master.sound
        window = known.timeline.window_of(span)
        first, last = round(window.start * RATE_HZ), round(window.end * RATE_HZ)
        found = samples_of(path)
        assert len(found) == last - first
        # Matroska's times are whole milliseconds.
        most = 24 if master.extension == "mkv" else 0
        candidates = range(max(first - most, 0), first + most + 1)
        assert any(np.array_equal(found, whole[at : at + len(found)]) for at in candidates)


def test_transparency_stays(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "a.mov",
        [30],
        codec="prores_ks",
        options={"profile": "4444"},
        pixel_format="yuva444p10le",
    )
    known = glance_at(path)
    clip = tmp_path / "clip.mov"
    cut(known, Span(5, 20), clip)
    with av.open(str(clip)) as container:
        assert container.streams.video[0].codec_context.format.name.startswith("yuva444p")
    assert left_out(path, known.info, ClipSettings()) == ()
    transparency = ("transparency of the pictures (alpha)",)
    assert left_out(path, known.info, ClipSettings(container="mp4")) == transparency
    assert left_out(path, known.info, ClipSettings("reencode")) == transparency


@pytest.mark.parametrize(
    ("codec", "field_order", "pixel_format", "size_px"),
    [
        ("prores_ks", "tff", "yuv422p10le", (160, 96)),
        ("prores_ks", "bff", "yuv422p10le", (160, 96)),
        ("dnxhd", "tff", "yuv422p", (1920, 1080)),
    ],
)
def test_fields_stay_fields(
    codec: str,
    field_order: str,
    pixel_format: str,
    size_px: tuple[int, int],
    tmp_path: Path,
) -> None:
    path = make_interlaced_video(
        tmp_path / "a.mov",
        12,
        field_order,
        codec=codec,
        size_px=size_px,
        pixel_format=pixel_format,
        bit_rate="120M",
    )
    clip = tmp_path / "clip.mov"
    cut(glance_at(path), Span(3, 9), clip)
    assert packets_of(clip) == packets_of(path)[3:9]
    with av.open(str(clip)) as container:
        assert all(frame.interlaced_frame for frame in container.decode(video=0))
    # DNxHD says it in its pictures alone.
    said = {"tff": "tt", "bff": "bb"}[field_order] if codec == "prores_ks" else "unknown"
    assert said_order(clip) == said


def said_order(path: Path) -> str:
    command = ["ffprobe", "-v", "error", "-select_streams", "v", "-show_entries"]
    command += ["stream=field_order", "-of", "csv=p=0", str(path)]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()


@pytest.mark.parametrize("mode", ["auto", "reencode"])
def test_mp4_is_made_where_it_is_asked_for(mode: ClipMethod, tmp_path: Path) -> None:
    known = prores("standard", "mov").write(tmp_path)
    clip = cut(known, Span(5, 20), tmp_path / "clip.mp4", mode=mode, container="mp4")
    assert (clip.method, clip.container, clip.copied) == (mode, "mp4", ())
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert [stream.codec_context.name for stream in container.streams] == ["h264", "aac"]


def test_encoding_all_makes_mp4(tmp_path: Path) -> None:
    known = prores("standard", "mov").write(tmp_path)
    assert cut(known, Span(5, 20), tmp_path / "clip.mp4", mode="reencode").container == "mp4"


def test_pcm_beside_ordinary_pictures_is_encoded_into_mp4(tmp_path: Path) -> None:
    known = glance_at(make_video(tmp_path / "a.mov", [30], audio="pcm_s16le", options={"g": "5"}))
    clip = cut(known, Span(5, 20), tmp_path / "clip.mp4")
    assert (clip.container, clip.copied) == ("mp4", (Span(5, 20),))
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.streams.audio[0].codec_context.name == "aac"


def test_what_cannot_be_copied_is_encoded_into_mov(tmp_path: Path) -> None:
    known = prores("hq", "mov").write(tmp_path)
    # As in AVI, which no muxer at hand writes with ProRes.
    known = replace(known, timeline=replace(known.timeline, from_stream=False))
    clip = cut(known, Span(5, 20), tmp_path / "clip.mov")
    assert (clip.container, clip.copied) == ("mov", ())
    assert "no usable timestamps" in str(clip.fallback_reason)
    assert numbers_by_pyav(tmp_path / "clip.mov") == list(range(5, 20))
    with av.open(str(tmp_path / "clip.mov")) as container:
        assert container.streams.video[0].codec_context.name == "h264"


def test_missing_samples_are_silence(tmp_path: Path) -> None:
    path = prores("hq", "mov").write(tmp_path).path
    known = glance_at(with_a_gap(path, tmp_path / "gap.mkv"))
    cut(known, Span(0, 30), tmp_path / "clip.mov")
    found, whole = samples_of(tmp_path / "clip.mov"), samples_of(path)
    assert len(found) == len(whole)
    silent = np.flatnonzero(found != whole)
    assert 19_000 < silent.min() < silent.max() < 24_600
    assert not found[silent].any()


def with_a_gap(path: Path, target: Path) -> Path:
    """The same, without what sounds from 0.4 to 0.5 s."""
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        streams = {
            stream.index: container.add_stream_from_template(stream, opaque=True)
            for stream in source.streams
        }
        for packet in source.demux():
            is_heard = packet.stream_index == 1
            if packet.size and not (is_heard and 19_200 <= packet.pts < 24_000):
                packet.stream = streams[packet.stream_index]
                container.mux(packet)
    return target
