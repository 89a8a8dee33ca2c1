"""What a source has beside pictures and sound stays in its clips, or is named as left out."""

import struct
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from heaters_pipeline.video.clips.left_out import left_out
from heaters_pipeline.video.clips.settings import ClipMethod, ClipSettings, Codec
from heaters_pipeline.video.media.picture_boxes import picture_boxes
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import know, write_clip
from heaters_pipeline_tests.video.described_pictures import add_boxes, box
from heaters_pipeline_tests.videos import make_video

SPAN = Span(13, 40)
STEREO = box(b"st3d", bytes([0, 0, 0, 0, 1]))
SPHERE = box(
    b"sv3d",
    box(b"svhd", bytes(4) + b"a camera\0")
    + box(
        b"proj",
        box(b"prhd", bytes(4) + struct.pack(">3i", 90 << 16, 0, 0)) + box(b"equi", bytes(20)),
    ),
)
# Profile 8, level 5, with RPUs and base layer, which HDR10 players show.
DOLBY_VISION = box(b"dvvC", bytes([1, 0, 8 << 1, 5 << 3 | 0b101, 1 << 4]) + bytes(19))


def boxes_of(path: Path) -> dict[bytes, bytes]:
    with av.open(str(path)) as container:
        return picture_boxes(container.streams.video[0])


@pytest.mark.parametrize("method", ["copy", "reencode"])
def test_spheres_and_stereo_stay(method: ClipMethod, tmp_path: Path) -> None:
    path = add_boxes(make_video(tmp_path / "a.mp4", [60], options={"g": "24"}), STEREO + SPHERE)
    known, clip = know(path), tmp_path / "clip.mp4"
    assert write_clip(known, SPAN, clip, ClipSettings(method)).method == method
    kept = boxes_of(clip)
    assert kept[b"st3d"] == STEREO
    assert kept[b"sv3d"][-60:] == boxes_of(path)[b"sv3d"][-60:]
    assert left_out(path, known.info, ClipSettings(method)) == ()


def test_dolby_vision_stays_in_copies_and_is_named_where_it_is_lost(tmp_path: Path) -> None:
    options = {"x265-params": "log-level=none", "preset": "ultrafast"}
    path = make_video(
        tmp_path / "a.mp4", [60], codec="libx265", options=options, pixel_format="yuv420p10le"
    )
    known, clip = know(add_boxes(path, DOLBY_VISION)), tmp_path / "clip.mp4"
    write_clip(known, SPAN, clip, ClipSettings("copy"))
    assert boxes_of(clip)[b"dvvC"] == boxes_of(path)[b"dvvC"] == DOLBY_VISION
    assert left_out(path, known.info, ClipSettings("copy")) == ()
    assert left_out(path, known.info, ClipSettings("reencode")) == ("Dolby Vision",)
    assert left_out(path, known.info, ClipSettings("auto")) == (
        "Dolby Vision, where pictures are encoded",
    )


def captioned(path: Path) -> Path:
    """H.264 of which each picture says two characters of closed captions (CEA-608)."""
    plain = make_video(path.with_stem("plain"), [60], options={"g": "24", "bf": "0"})
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(each for each in source.demux() if each.size):
            said = (
                bytes([0xB5, 0, 0x31])
                + b"GA94"
                + bytes([3, 0x41, 0xFF, 0xFC, 0x41, 0x30 + number, 0xFF])
            )
            unit = bytes([6, 4, len(said)]) + said + b"\x80"
            content = av.Packet(struct.pack(">I", len(unit)) + unit + bytes(packet))
            content.pts, content.dts, content.duration = packet.pts, packet.dts, packet.duration
            content.time_base, content.is_keyframe = packet.time_base, packet.is_keyframe
            content.stream = stream
            target.mux(content)
    return path


def captions_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [
            bytes(data) if (data := frame.side_data.get("A53_CC")) else b""
            for frame in container.decode(video=0)
        ]


@pytest.mark.parametrize(
    ("method", "codec"), [("copy", "h264"), ("reencode", "h264"), ("reencode", "hevc")]
)
def test_closed_captions_stay(method: ClipMethod, codec: Codec, tmp_path: Path) -> None:
    known, clip = know(captioned(tmp_path / "a.mp4")), tmp_path / "clip.mp4"
    settings = ClipSettings(method, codec=codec, preset="ultrafast")
    assert write_clip(known, SPAN, clip, settings).method == method
    said = captions_of(known.path)
    assert len(set(said)) == 60
    assert [each[:3] for each in captions_of(clip)] == [
        each[:3] for each in said[SPAN.start : SPAN.end]
    ]


def test_what_clips_have_not_is_named(tmp_path: Path) -> None:
    picture = make_video(tmp_path / "second.mp4", [3])
    first = make_video(tmp_path / "first.mp4", [10], audio="aac")
    path = tmp_path / "a.mkv"
    with (
        av.open(str(first)) as source,
        av.open(str(picture)) as other,
        av.open(str(path), "w") as target,
    ):
        streams = [target.add_stream_from_template(s, opaque=True) for s in source.streams]
        more = target.add_stream_from_template(other.streams.video[0])
        more.metadata["title"] = "from above"
        more.disposition = av.stream.Disposition(0)
        target.add_attachment("font.ttf", "font/ttf", b"a font")
        for packets, taken in ((source.demux(), streams), (other.demux(), [more])):
            for packet in packets:
                if packet.size:
                    packet.stream = taken[packet.stream_index]
                    target.mux(packet)
    assert left_out(path, probe(path), ClipSettings("copy")) == (
        "video stream 2 (from above)",
        "attachment stream 3 (font.ttf)",
    )
    info = probe(first)
    assert left_out(first, info, ClipSettings("copy")) == ()
    unknown = replace(info, audio=(replace(info.audio[0], sample_rate_hz=0),))
    assert left_out(first, unknown, ClipSettings("copy")) == ("audio stream 1 (SoundHandler)",)


def test_transparency_is_named(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mkv", [3], codec="ffv1", pixel_format="yuva420p")
    assert left_out(path, probe(path), ClipSettings("copy")) == (
        "transparency of the pictures (alpha)",
    )


def with_telemetry(path: Path, seconds: int) -> Path:
    """A video with a packet of measurements a second, as a GoPro writes them."""
    plain = make_video(path.with_stem("plain"), [25 * seconds], options={"g": "24"})
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        video = target.add_stream_from_template(source.streams.video[0])
        data = target.add_data_stream("bin_data")
        for packet in source.demux():
            if packet.size:
                packet.stream = video
                target.mux(packet)
        for second in range(seconds):
            packet = av.Packet(b"DEVC%03d" % second)
            packet.pts = packet.dts = second * 1000
            packet.duration, packet.time_base, packet.stream = 1000, Fraction(1, 1000), data
            target.mux(packet)
    return path


@pytest.mark.parametrize("method", ["copy", "reencode"])
def test_telemetry_stays_with_the_pictures(method: ClipMethod, tmp_path: Path) -> None:
    known = know(with_telemetry(tmp_path / "a.mp4", 8))
    clip = tmp_path / "clip.mp4"
    settings = ClipSettings(method, preset="ultrafast")
    for span, expected in ((Span(60, 130), range(2, 6)), (Span(75, 100), range(3, 4))):
        made = write_clip(known, span, clip, settings)
        assert (made.method, made.duration_seconds) == (method, Fraction(len(span), 25))
        with av.open(str(clip)) as container:
            (stream,) = container.streams.data
            assert stream.metadata["handler_name"] == "GoPro MET"
            packets = [packet for packet in container.demux(stream) if packet.size]
        assert [bytes(packet) for packet in packets] == [b"DEVC%03d" % at for at in expected]
        starts = [float(packet.pts * packet.time_base) for packet in packets]
        assert starts == pytest.approx([max(at - span.start / 25, 0) for at in expected], abs=0.001)
    assert left_out(known.path, known.info, ClipSettings(method)) == ()


def test_sound_whose_times_are_unknown_is_named_and_the_clip_goes_without(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.wmv", [50], codec="wmv2", audio="flac")
    known = know(path)
    assert left_out(path, known.info, ClipSettings()) == ("audio stream 1 (flac)",)
    write_clip(known, Span(15, 45), tmp_path / "clip.mp4", ClipSettings())
    assert probe(tmp_path / "clip.mp4").audio == ()


def with_chapters(path: Path, codec: str = "libx264") -> Path:
    """A video of 6 s with a chapter from 0 s, one without a title from 2 s, and one from 4 s."""
    titles = ({"title": "Der Anfang, schön"}, {}, {"title": "z" * 300})
    kind = {"pixel_format": "yuv422p10le"} if codec == "prores_ks" else {}
    plain = make_video(path.with_stem("plain"), [150], codec=codec, **kind)
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        video = target.add_stream_from_template(source.streams.video[0])
        target.set_chapters(
            [
                {
                    "id": place + 1,
                    "start": 2 * place,
                    "end": 2 * place + 2,
                    "time_base": Fraction(1),
                    "metadata": title,
                }
                for place, title in enumerate(titles)
            ]
        )
        for packet in source.demux():
            if packet.size:
                packet.stream = video
                target.mux(packet)
    return path


@pytest.mark.parametrize(
    ("name", "codec", "method"),
    [
        ("a.mkv", "libx264", "auto"),
        ("a.mkv", "libx264", "copy"),
        ("a.mkv", "libx264", "reencode"),
        ("a.mov", "prores_ks", "copy"),
    ],
)
def test_chapters_are_cut_to_the_clip(
    name: str, codec: str, method: ClipMethod, tmp_path: Path
) -> None:
    known = know(with_chapters(tmp_path / name, codec))
    clip, settings = tmp_path / "clip", ClipSettings(method, preset="ultrafast")
    expected = {
        Span(25, 125): [(0, "Der Anfang, schön"), (1, ""), (3, "z" * 255)],
        Span(60, 90): [(0, "")],
        Span(100, 150): [(0, "z" * 255)],
    }
    if name == "a.mov":
        # FFmpeg leaves out a chapter without a title there.
        expected = {Span(10, 40): [(0, "Der Anfang, schön")]}
    for span, chapters in expected.items():
        assert write_clip(known, span, clip, settings).method == method
        with av.open(str(clip)) as container:
            found = container.chapters()
        assert [(one["start"] * one["time_base"], one["metadata"]["title"]) for one in found] == [
            (pytest.approx(start, abs=0.001), title) for start, title in chapters
        ]
    assert left_out(known.path, known.info, settings) == ()
