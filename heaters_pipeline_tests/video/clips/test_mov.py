"""Clips of camera and edit masters (ProRes, DNxHD, PCM) are MOV, bit for bit and to the sample."""

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest

from heaters_pipeline.video.clips.left_out import left_out
from heaters_pipeline.video.clips.settings import ClipMethod, ClipSettings
from heaters_pipeline.video.clips.write import ClipFile, inspect_clip
from heaters_pipeline.video.media.picture_boxes import Crop, crop_of, picture_boxes
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import Known, glance_at, write_clip
from heaters_pipeline_tests.video.clips.interlaced_clips import make_interlaced_video
from heaters_pipeline_tests.video.described_pictures import add_boxes, box, crop_mp4
from heaters_pipeline_tests.videos import frame_number_of, make_video

RATE_HZ = 48_000
TAGS = {
    "proxy": "apco",
    "lt": "apcs",
    "standard": "apcn",
    "hq": "apch",
    "4444": "ap4h",
    "4444xq": "ap4x",
}
SPANS = (Span(0, 30), Span(11, 23), Span(29, 30), Span(7, 30))
Samples = npt.NDArray[np.generic]


@dataclass(frozen=True)
class Master:
    """A source as cameras and editing programs write it."""

    codec: str
    profile: str
    extension: str
    pixel_format: str = "yuv422p10le"
    size_px: tuple[int, int] = (160, 96)
    sound: str = "pcm_s16le"
    frame_rate: Fraction = Fraction(25)
    options: dict[str, str] = field(default_factory=dict)

    @property
    def tag(self) -> str:
        """What QuickTime calls it."""
        return TAGS.get(self.profile, "AVdh" if self.profile else "AVdn")

    def __str__(self) -> str:
        return f"{self.profile or self.codec}.{self.extension}-{self.sound}"

    def write(self, folder: Path) -> Known:
        profile = {"profile": self.profile} if self.profile else {}
        path = make_video(
            folder / f"master.{self.extension}",
            [20, 10],
            size_px=self.size_px,
            frame_rate=self.frame_rate,
            codec=self.codec,
            options=profile | self.options,
            pixel_format=self.pixel_format,
            audio=self.sound,
        )
        return glance_at(path)


def prores(profile: str, extension: str, **more: object) -> Master:
    pixel_format = "yuv444p10le" if profile.startswith("4444") else "yuv422p10le"
    return Master("prores_ks", profile, extension, pixel_format, **more)


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


def cut(known: Known, span: Span, target: Path, **settings: object) -> ClipFile:
    return write_clip(known, span, target, ClipSettings(**settings), verify="full")


def packets_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def samples_of(path: Path, stream: int = 0) -> Samples:
    with av.open(str(path)) as container:
        decoded = container.decode(container.streams.audio[stream])
        return np.concatenate([frame.to_ndarray().reshape(-1) for frame in decoded])


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


def test_what_is_said_of_pictures_stays(tmp_path: Path) -> None:
    crop = Crop(41, 20, 90, 61)
    path = make_video(
        tmp_path / "a.mov",
        [30],
        codec="prores_ks",
        options={"profile": "hq"},
        pixel_format="yuv422p10le",
        rotation_degrees=90,
        sample_aspect_ratio=Fraction(4, 3),
    )
    hdr = box(b"mdcv", bytes(range(24))) + box(b"clli", bytes(range(4)))
    known = glance_at(add_boxes(crop_mp4(path, crop, (160, 90)), hdr))
    cut(known, Span(5, 20), tmp_path / "clip.mov")
    with av.open(str(tmp_path / "clip.mov")) as container:
        video = container.streams.video[0]
        assert crop_of(video) == crop
        boxes = picture_boxes(video)
        assert boxes[b"mdcv"] + boxes[b"clli"] == hdr
        assert video.sample_aspect_ratio == Fraction(4, 3)
        assert next(container.decode(video)).rotation == 90


def marked(path: Path, timecode: str, languages: Sequence[str] = ("ger", "fra")) -> Path:
    """ProRes with colours, a timecode and two audio tracks, one of which begins late."""
    plain = make_video(
        path.with_name("plain.mov"),
        [30],
        codec="prores_ks",
        options={"profile": "hq"},
        pixel_format="yuv422p10le",
        audio="pcm_s16le",
    )
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        video = target.add_stream_from_template(source.streams.video[0], opaque=True)
        video.metadata["timecode"] = timecode
        context = video.codec_context
        context.framerate = 25
        context.color_primaries, context.color_trc, context.colorspace = 9, 16, 9
        sounds = [target.add_stream_from_template(source.streams.audio[0]) for _ in range(2)]
        for sound, language in zip(sounds, languages, strict=True):
            sound.metadata["language"] = language
        for packet in source.demux():
            if not packet.size:
                continue
            if packet.stream.type == "video":
                packet.stream = video
                target.mux(packet)
            else:
                content, pts = bytes(packet), packet.pts
                for sound in sounds:
                    late = RATE_HZ // 2 if sound is sounds[1] else 0
                    if pts >= late:
                        again = av.Packet(content)
                        again.pts = again.dts = pts
                        again.duration, again.time_base = packet.duration, packet.time_base
                        again.stream = sound
                        target.mux(again)
    return path


def test_timecode_colours_languages_and_all_sound_stay(tmp_path: Path) -> None:
    path = marked(tmp_path / "a.mov", "10:00:00:20")
    known, clip = glance_at(path), tmp_path / "clip.mov"
    cut(known, Span(10, 25), clip)
    with av.open(str(clip)) as container:
        video = container.streams.video[0]
        assert video.metadata["timecode"] == "10:00:01:05"
        context = video.codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace) == (9, 16, 9)
        languages = [stream.metadata["language"] for stream in container.streams.audio]
        assert languages == ["ger", "fra"]
    first = samples_of(path, 0)
    assert np.array_equal(samples_of(clip, 0), first[10 * 1920 : 25 * 1920])
    # The second one begins in the clip.
    with av.open(str(path)) as container:
        late = next(container.demux(container.streams.audio[1])).pts
    with av.open(str(clip)) as container:
        packet = next(container.demux(container.streams.audio[1]))
        begins = Fraction(late, RATE_HZ) - Fraction(10, 25)
        # The list of edits counts in the ticks of the pictures.
        assert abs(packet.pts * packet.time_base - begins) < Fraction(1, 12800)
    assert np.array_equal(samples_of(clip, 1), first[late : 25 * 1920])


def test_languages_stay_that_a_macintosh_has_no_number_for(tmp_path: Path) -> None:
    path = marked(tmp_path / "a.mkv", "10:00:00:20", ["deu", "nob"])
    cut(glance_at(path), Span(10, 25), tmp_path / "clip.mov")
    with av.open(str(tmp_path / "clip.mov")) as container:
        languages = [stream.metadata["language"] for stream in container.streams.audio]
    assert languages == ["deu", "nob"]


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


def test_text_stays(tmp_path: Path) -> None:
    path = prores("hq", "mkv").write(tmp_path).path
    srt = tmp_path / "a.srt"
    srt.write_text("1\n00:00:00,400 --> 00:00:00,800\nseen\n")
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-i", str(srt), "-map", "0", "-map", "1"]
    target = tmp_path / "b.mkv"
    subprocess.run([*command, "-c", "copy", "-c:s", "srt", str(target)], check=True)
    cut(glance_at(target), Span(5, 25), tmp_path / "clip.mov")
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "clip.mov"), "-f", "srt", "-"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["1", "00:00:00,200", "-->", "00:00:00,600", "seen"]


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
