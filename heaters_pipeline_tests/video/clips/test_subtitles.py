"""Subtitles of clips: the source's texts, cut at the clip's times, with language and title kept."""

import logging
import subprocess
from collections.abc import Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest
from av.stream import Disposition

from heaters_pipeline.video.clips import subtitles as clip_subtitles
from heaters_pipeline.video.clips.mp4_index import read_tracks
from heaters_pipeline.video.clips.settings import ClipMethod
from heaters_pipeline.video.clips.subtitle_text import plain_text
from heaters_pipeline.video.clips.write import ClipFile, ClipSettings
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import Known, know, write_clip, write_many
from heaters_pipeline_tests.videos import make_video

RATE = 25
FRAMES = 150
HEADER = clip_subtitles._STYLE
Texts = Sequence[tuple[float, float, str]]
"""From and until when, in seconds, and the bytes of the packet as text."""

GERMAN: Texts = [
    (0.5, 2.0, "<i>Grüße</i> an\n{alle}"),
    (3.0, 4.0, "{\\an8}Zwei"),
    (4.0, 5.5, "drei &amp; 3 < 4"),
]
ENGLISH: Texts = [
    (1.0, 5.0, "0,0,Default,,0,0,0,,{\\b1}Long{\\b0}, with a comma\\Nand a line"),
    (2.0, 3.0, "1,0,Default,,0,0,0,,over it"),
    (2.0, 3.0, "2,0,Default,,0,0,0,,{\\p1}m 0 0 l 100 0{\\p0}"),
]


def make_source(path: Path, streams: Mapping[str, tuple[str, Texts]]) -> Known:
    """A video with subtitles: by language the codec and the texts."""
    plain = make_video(path.with_suffix(".plain.mp4"), [FRAMES], options={"g": "40", "bf": "2"})
    with av.open(str(plain)) as source, av.open(str(path), "w") as container:
        video = container.add_stream_from_template(source.streams.video[0])
        tracks = {}
        for language, (codec, _) in streams.items():
            track = container.add_stream(codec)
            track.codec_context.subtitle_header = HEADER
            track.codec_context.time_base = track.time_base = Fraction(1, 1000)
            track.metadata["language"] = language
            track.metadata["title"] = f"title {language}"
            track.disposition = Disposition.forced if language == "eng" else Disposition.default
            tracks[language] = track
        container.start_encoding()
        for language, (codec, texts) in streams.items():
            for start, end, text in texts:
                content = text.encode()
                if codec == "mov_text":
                    content = len(content).to_bytes(2, "big") + content
                packet = av.Packet(content)
                packet.pts = packet.dts = round(start * 1000)
                packet.duration = round((end - start) * 1000)
                packet.time_base = Fraction(1, 1000)
                packet.stream = tracks[language]
                container.mux(packet)
        for packet in source.demux(video=0):
            if packet.size:
                packet.stream = video
                container.mux(packet)
    return know(path)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    folder = tmp_path_factory.mktemp("source")
    return make_source(folder / "a.mkv", {"deu": ("subrip", GERMAN), "eng": ("ass", ENGLISH)})


def cut(known: Known, span: Span, target: Path, mode: ClipMethod = "copy", **more: Any) -> ClipFile:
    settings = ClipSettings(mode, preset="ultrafast")
    clip = write_clip(known, span, target, settings, **more)
    assert (clip.method, clip.frames) == (mode, len(span))
    assert clip.fallback_reason is None or mode == "auto"
    return clip


def subtitles_of(path: Path) -> dict[str, list[tuple[int, int, str]]]:
    """By language, from and until which millisecond which text is shown."""
    found: dict[str, list[tuple[int, int, str]]] = {}
    with av.open(str(path)) as container:
        for stream in container.streams.subtitles:
            found[stream.language] = []
        for packet in container.demux(*container.streams.subtitles):
            if packet.size and (text := plain_text("mov_text", bytes(packet))):
                start, end = packet.pts, packet.pts + packet.duration
                found[packet.stream.language].append(
                    (
                        round(start * packet.time_base * 1000),
                        round(end * packet.time_base * 1000),
                        text,
                    )
                )
    return found


LONG = "Long, with a comma\nand a line"


@pytest.mark.parametrize("mode", ["auto", "copy", "reencode"])
def test_texts_are_cut_with_the_pictures(known: Known, mode: ClipMethod, tmp_path: Path) -> None:
    whole, middle, late = tmp_path / "whole.mp4", tmp_path / "middle.mp4", tmp_path / "late.mp4"
    cut(known, Span(0, FRAMES), whole, mode)
    assert subtitles_of(whole) == {
        "deu": [
            (500, 2000, "Grüße an\n{alle}"),
            (3000, 4000, "Zwei"),
            (4000, 5500, "drei &amp; 3 < 4"),
        ],
        "eng": [
            (1000, 2000, LONG),
            (2000, 3000, f"{LONG}\nover it"),
            (3000, 5000, LONG),
        ],
    }
    # From 1.6 s to 3.52 s.
    cut(known, Span(40, 88), middle, mode)
    assert subtitles_of(middle) == {
        "deu": [(0, 400, "Grüße an\n{alle}"), (1400, 1920, "Zwei")],
        "eng": [(0, 400, LONG), (400, 1400, f"{LONG}\nover it"), (1400, 1920, LONG)],
    }
    # From 5 s on, when the English one has just ended.
    cut(known, Span(125, FRAMES), late, mode)
    assert subtitles_of(late) == {"deu": [(0, 500, "drei &amp; 3 < 4")]}


@pytest.mark.parametrize("mode", ["auto", "copy", "reencode"])
def test_language_and_title_of_streams_survive(
    known: Known, mode: ClipMethod, tmp_path: Path
) -> None:
    cut(known, Span(40, 88), tmp_path / "clip.mp4", mode)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        german, english = container.streams.subtitles
        assert [one.codec_context.codec.canonical_name for one in (german, english)] == [
            "mov_text",
            "mov_text",
        ]
        assert german.disposition & Disposition.default
        assert not german.disposition & Disposition.forced
        assert english.disposition & Disposition.forced
        assert [one.metadata["name"] for one in (german, english)] == ["title deu", "title eng"]


def test_subtitles_do_not_make_a_clip_longer(known: Known, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    facts = cut(known, Span(60, 77), clip)
    assert facts.duration_seconds == Fraction(17, RATE)
    tracks = read_tracks(clip)
    assert len(tracks) == 3
    for track in tracks:
        assert track.shown.empty_seconds + track.shown.duration_seconds <= Fraction(17, RATE)


def test_the_ffmpeg_program_reads_them(known: Known, tmp_path: Path) -> None:
    program = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    clip = tmp_path / "clip.mp4"
    cut(known, Span(40, 88), clip)
    command = [program, "-v", "error", "-i", str(clip), "-map", "0:s:0", "-f", "srt", "-"]
    read = subprocess.run(command, capture_output=True, text=True, check=True)
    assert read.stderr == ""
    assert read.stdout.split("\n\n") == [
        "1\n00:00:00,000 --> 00:00:00,400\nGrüße an\n{alle}",
        "2\n00:00:01,400 --> 00:00:01,920\nZwei",
        "",
    ]


@pytest.mark.parametrize(
    ("codec", "extension", "text"),
    [
        ("mov_text", "mp4", "Grüße\nan alle"),
        ("webvtt", "mkv", "<v Roger Bingham>Grüße\nan <00:00:01.500><c.red>&lt;alle&gt;</c>"),
        ("subrip", "mkv", "<font color=red>Grüße</font>\r\n<3 {\\b1}an{x}"),
    ],
)
def test_other_kinds_of_text(codec: str, extension: str, text: str, tmp_path: Path) -> None:
    texts = [(1.0, 2.0, text)]
    known = make_source(tmp_path / f"a.{extension}", {"fra": (codec, texts)})
    cut(known, Span(30, 60), tmp_path / "clip.mp4")
    expected = {
        "mov_text": text,
        "webvtt": "Grüße\nan <alle>",
        "subrip": "Grüße\n<3 an{x}",
    }[codec]
    assert subtitles_of(tmp_path / "clip.mp4") == {"fra": [(0, 800, expected)]}


@pytest.mark.parametrize(
    ("codec", "content", "text"),
    [
        ("subrip", "I <3 you > me", "I <3 you > me"),
        ("subrip", "<5> for <b>me</b><br/>and you", "<5> for me\nand you"),
        ("webvtt", "<b>5 &lt; 6</b><v Ann>yes", "5 < 6yes"),
        ("ass", r"0,0,Default,,0,0,0,,{\p1}m 0 0 l 9 9{\p0}Hello", "Hello"),
        ("ass", r"0,0,Default,,0,0,0,,Hello{\an8\p2} m 0 0 l 9 9", "Hello"),
        ("ass", r"0,0,Default,,0,0,0,,{\pos(1,2)\pbo3}Here{\i1} we are", "Here we are"),
    ],
)
def test_only_styling_is_left_out(codec: str, content: str, text: str) -> None:
    assert plain_text(codec, content.encode()) == text


@pytest.mark.parametrize(
    ("codec", "content", "text"),
    [
        ("ass", "0,0,Default,,0,0,0,,{\\p" + "1" * 5000 + "}m 0 0{\\p00}x", "x"),
        ("ass", "0,0,Default,,0,0,0,,{\\b1}" + "{" * 1_000_000, "{" * 1_000_000),
        ("subrip", "{\\b1}" + "{\\" * 1_000_000, "{\\" * 1_000_000),
        ("webvtt", "<1" + "." * 1_000_000, "<1" + "." * 1_000_000),
        ("webvtt", "<1.5>a&#" + "1" * 5000 + ";&#65;", "a&#" + "1" * 5000 + ";A"),
    ],
    ids=["ass-number", "ass-braces", "subrip-braces", "webvtt-dots", "webvtt-number"],
)
def test_damaged_styling_is_read_as_it_stands(codec: str, content: str, text: str) -> None:
    # Where the time grows with the square of the length, this does not end.
    assert plain_text(codec, content.encode()) == text


def test_a_crowded_stream_is_left_out_for_all_clips(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    crowd = [(1 + at / 100, 5.0, "x" * 100) for at in range(100)]
    streams = {"deu": ("subrip", crowd), "eng": ("subrip", [(1.5, 2.0, "yes")])}
    known = make_source(tmp_path / "a.mkv", streams)
    # Enough for all texts of the stream, but not for what they show while they overlap.
    monkeypatch.setattr(clip_subtitles, "_MOST_TEXT_BYTES", 100_000)
    with caplog.at_level(logging.WARNING):
        made = make_all(known, tmp_path)
    assert all(isinstance(clip, ClipFile) for clip in made.values())
    assert subtitles_of(tmp_path / "30.mp4") == {"eng": [(300, 800, "yes")]}
    (line,) = [line for line in caplog.messages if "subtitles" in line]
    assert "too many texts at a time: stream 1 (subrip)" in line


def test_texts_too_long_for_mp4_end_with_a_whole_character(tmp_path: Path) -> None:
    known = make_source(tmp_path / "a.mkv", {"fra": ("subrip", [(1.0, 2.0, "é" * 40_000)])})
    cut(known, Span(30, 60), tmp_path / "clip.mp4")
    assert subtitles_of(tmp_path / "clip.mp4") == {"fra": [(0, 800, "é" * 32_767)]}


@pytest.mark.parametrize("mode", ["auto", "copy", "reencode"])
def test_each_text_overlaps_the_next(mode: ClipMethod, tmp_path: Path) -> None:
    texts = [(at / 10, at / 10 + 0.15, str(at)) for at in range(60)]
    known = make_source(tmp_path / "a.mkv", {"deu": ("subrip", texts)})
    cut(known, Span(25, FRAMES), tmp_path / "clip.mp4", mode)
    shown = subtitles_of(tmp_path / "clip.mp4")["deu"]
    assert shown[:3] == [(0, 50, "9\n10"), (50, 100, "10"), (100, 150, "10\n11")]
    assert shown[-1] == (4950, 5000, "59")


def make_all(known: Known, folder: Path) -> dict[Span, Any]:
    made: dict[Span, Any] = {}
    write_many(
        known,
        [Span(at, at + 30) for at in range(0, FRAMES, 30)],
        lambda span: folder / f"{span.start}.mp4",
        ClipSettings("copy"),
        picture_digests=known.digests,
        workers=3,
        on_clip=made.__setitem__,
    )
    return made


def test_the_source_s_are_read_once_for_all_clips(
    known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    reads = []
    real = clip_subtitles._texts_of

    def counted(*arguments: Any) -> Any:
        reads.append(arguments)
        return real(*arguments)

    monkeypatch.setattr(clip_subtitles, "_texts_of", counted)
    make_all(known, tmp_path)
    assert len(reads) == 1
    assert subtitles_of(tmp_path / "90.mp4")["deu"] == [
        (0, 400, "Zwei"),
        (400, 1200, "drei &amp; 3 < 4"),
    ]


def test_pictures_are_left_out_with_one_word(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    streams = {"deu": ("dvbsub", [(1.0, 2.0, "\0\4\0\4")]), "eng": ("subrip", [(1.0, 2.0, "yes")])}
    known = make_source(tmp_path / "a.mkv", streams)
    with caplog.at_level(logging.WARNING):
        made = make_all(known, tmp_path)
    assert all(isinstance(clip, ClipFile) for clip in made.values())
    assert subtitles_of(tmp_path / "30.mp4") == {"eng": [(0, 800, "yes")]}
    (line,) = [line for line in caplog.messages if "subtitles" in line]
    assert "stream 1 (dvb_subtitle)" in line


def test_too_many_of_them_do_not_cost_the_clip(
    known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # Their texts alone are shorter.
    monkeypatch.setattr(clip_subtitles, "_MOST_TEXT_BYTES", 1000)
    with caplog.at_level(logging.WARNING):
        made = make_all(known, tmp_path)
    assert all(isinstance(clip, ClipFile) for clip in made.values())
    assert subtitles_of(tmp_path / "30.mp4") == {}
    assert len([line for line in caplog.messages if "subtitles" in line]) == 1
