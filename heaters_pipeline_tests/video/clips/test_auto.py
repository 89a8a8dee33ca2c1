"""Clips of the mode ``auto`` hold no frame that they do not show, whatever reads them."""

from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import cv2
import pytest

from heaters_pipeline.video.clips import auto, splice
from heaters_pipeline.video.clips.luma_quality import QualityWatch, TooFarError
from heaters_pipeline.video.clips.write import ClipSettings, inspect_clip
from heaters_pipeline.video.media.avc_record import AvcRecord
from heaters_pipeline.video.media.nal_units import UnitReader
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.auto_clips import (
    AUTO,
    lumas,
    make_all,
    numbers_in,
    path_of,
    psnr_db,
    remux,
)
from heaters_pipeline_tests.video.clips.clip_sources import (
    ENCODINGS,
    Encoding,
    Known,
    know,
    random_spans,
    write_clip,
)
from heaters_pipeline_tests.videos import make_video

SPANS_EACH = 5
X264 = {"preset": "veryfast", "crf": "24"}


@pytest.mark.parametrize("encoding", ENCODINGS, ids=str)
def test_every_frame_is_shown_and_none_more(encoding: Encoding, tmp_path: Path) -> None:
    known = know(encoding.write(tmp_path))
    in_source = lumas(known.path)
    (tmp_path / "out").mkdir()
    spans = [*random_spans(encoding.frames, SPANS_EACH, f"auto {encoding}"), Span(20, 75)]
    made = make_all(known, spans, tmp_path / "out", verify="full")
    for span, clip in made.items():
        path = path_of(tmp_path / "out", span)
        shown = know(path)
        copied = {frame for part in clip.copied for frame in range(part.start, part.end)}
        assert len(shown.pictures) == len(span)
        for frame, picture in zip(range(span.start, span.end), shown.pictures, strict=True):
            assert frame not in copied or picture == known.pictures[frame], frame
        # Who does not heed edit lists sees the same, all of it a little later.
        for seen in (lumas(path), lumas(path, {"ignore_editlist": "1"})):
            close = [psnr_db(*pair) for pair in zip(seen, in_source[span.start :], strict=False)]
            assert len(close) == len(span)
            assert min(close) >= 44, span
        if encoding.opencv:
            require_right_in_opencv(path, known, span)


def require_right_in_opencv(path: Path, known: Known, span: Span) -> None:
    capture = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    assert capture.get(cv2.CAP_PROP_FRAME_COUNT) == len(span)
    rate = float(len(span) / known.timeline.duration_of(span))
    assert capture.get(cv2.CAP_PROP_FPS) == pytest.approx(rate, rel=1e-6)
    assert sum(1 for _ in iter(lambda: capture.read()[0], False)) == len(span)


STRUCTURES = {
    "no B-frames": "bframes=0",
    "1 B-frame": "bframes=1:b-adapt=0",
    "3 without a pyramid": "bframes=3:b-adapt=0:b-pyramid=none",
    "3 in a pyramid": "bframes=3:b-adapt=0:b-pyramid=normal",
    "5 in a pyramid": "bframes=5:b-adapt=0:b-pyramid=normal:ref=5",
    "baseline": "bframes=0:cabac=0:8x8dct=0:weightp=0",
    "main": "bframes=2:8x8dct=0:weightp=0",
    "many references": "bframes=3:ref=8",
    "slices": "bframes=2:slices=4",
    "another id": "bframes=2:sps-id=1",
}


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("extension", ["mp4", "mkv", "ts"])
def test_frames_come_in_order_across_switches(
    structure: str, extension: str, tmp_path: Path
) -> None:
    params = f"keyint=24:scenecut=0:{STRUCTURES[structure]}"
    options = {**X264, "x264-params": params}
    known = know(make_video(tmp_path / f"a.{extension}", [120], options=options))
    spans = [Span(24, 96), Span(30, 101), Span(24, 94), Span(17, 72), Span(0, 120), Span(2, 20)]
    made = make_all(known, spans, tmp_path)
    assert made[Span(24, 96)].copied == (Span(24, 96),)
    assert made[Span(17, 72)].copied == (Span(24, 72),)
    (middle,) = made[Span(30, 101)].copied
    assert middle.start == 48
    assert 96 <= middle.end <= 101
    assert made[Span(2, 20)].copied == ()
    for span in spans:
        assert numbers_in(path_of(tmp_path, span)) == list(range(span.start, span.end))


@pytest.mark.parametrize("name", ["h264-closed-b2.mp4", "h264-open-ts.ts", "h264-no-b.mov"])
def test_frames_of_the_source_come_back_from_clips_that_are_joined(
    name: str, tmp_path: Path
) -> None:
    encoding = next(each for each in ENCODINGS if str(each) == name)
    known = know(encoding.write(tmp_path))
    spans = [Span(*cut) for cut in pairwise([0, 7, 33, 50, 81, 96])]
    make_all(known, spans, tmp_path)
    (tmp_path / "list.txt").write_text(
        "".join(f"file '{path_of(tmp_path, span)}'\n" for span in spans)
    )
    for joined in (tmp_path / "joined.mp4", tmp_path / "joined.mkv"):
        remux(tmp_path / "list.txt", joined, "concat")
        close = [psnr_db(*pair) for pair in zip(lumas(joined), lumas(known.path), strict=True)]
        assert min(close) >= 44


def test_a_remux_to_matroska_brings_nothing_back(tmp_path: Path) -> None:
    options = {**X264, "x264-params": "keyint=24:scenecut=0:bframes=3"}
    known = know(make_video(tmp_path / "a.mp4", [100], options=options))
    make_all(known, [Span(13, 87)], tmp_path)
    remux(path_of(tmp_path, Span(13, 87)), tmp_path / "remuxed.mkv")
    assert numbers_in(tmp_path / "remuxed.mkv") == list(range(13, 87))


def test_all_clips_of_a_source_have_one_header_and_one_delay(tmp_path: Path) -> None:
    known = know(ENCODINGS[0].write(tmp_path))
    spans = [Span(20, 60), Span(7, 83), Span(21, 39)]
    made = make_all(known, spans, tmp_path)
    assert [len(clip.copied) for clip in (made[span] for span in spans)] == [1, 1, 0]
    found = set()
    for span in spans:
        with av.open(str(path_of(tmp_path, span))) as container:
            stream = container.streams.video[0]
            packet = next(iter(container.demux(stream)))
            found.add((stream.codec_context.extradata, packet.dts, stream.time_base))
    assert len(found) == 1


@pytest.mark.parametrize(
    ("name", "span", "repeats"),
    [("h264-open-ts.ts", Span(0, 46), True), ("h264-closed-b2.mp4", Span(7, 83), False)],
)
def test_parts_repeat_their_parameter_sets_where_the_source_does(
    name: str, span: Span, repeats: bool, tmp_path: Path
) -> None:
    # Firefox forgets those of the header where it meets some between pictures.
    known = know(next(one for one in ENCODINGS if str(one) == name).write(tmp_path))
    (copied,) = make_all(known, [span], tmp_path)[span].copied
    assert copied != span
    with av.open(str(path_of(tmp_path, span))) as container:
        stream = container.streams.video[0]
        header = stream.codec_context.extradata or b""
        record, reader = AvcRecord.parse(header), UnitReader("h264", header)
        points = [packet for packet in container.demux(stream) if packet.is_keyframe]
        units = [{bytes(unit) for unit in reader.units(memoryview(point))} for point in points]
    assert len(units) > 1
    for each in units:
        assert bool(each & {*record.sps}) == repeats
        assert bool(each & {*record.pps}) == repeats


def test_the_streams_of_encoded_frames_tell_their_rate(tmp_path: Path) -> None:
    # Of times in ticks of 1/12800 s, which x264 would write in its place.
    known = know(ENCODINGS[0].write(tmp_path))
    spans = [Span(7, 83), Span(21, 39)]
    make_all(known, spans, tmp_path)
    paths = [path_of(tmp_path, span) for span in spans]
    write_clip(known, Span(7, 83), tmp_path / "whole.mp4", ClipSettings("reencode"))
    for path in (*paths, tmp_path / "whole.mp4"):
        with av.open(str(path)) as container:
            assert container.streams.video[0].codec_context.framerate == 25, path


def test_a_clip_says_what_of_it_is_copied(tmp_path: Path) -> None:
    known = know(ENCODINGS[0].write(tmp_path))
    span = Span(7, 83)
    clip = make_all(known, [span], tmp_path)[span]
    (copied,) = clip.copied
    assert span.start < copied.start < copied.end <= span.end
    facts = inspect_clip(path_of(tmp_path, span))
    assert (facts.copied, facts.hidden_frames, facts.method) == (clip.copied, 0, "auto")
    assert clip.checked[-3:] == ("packets", "first_picture", "psnr")
    hiding = write_clip(known, span, tmp_path / "b.mp4", ClipSettings("copy"))
    assert (hiding.copied, hiding.method) == ((span,), "copy")
    assert hiding.hidden_frames == inspect_clip(tmp_path / "b.mp4").hidden_frames > 0
    encoded = write_clip(known, span, tmp_path / "c.mp4", ClipSettings("reencode"))
    assert (encoded.copied, encoded.hidden_frames) == ((), 0)


def test_sound_and_subtitles_are_there(tmp_path: Path) -> None:
    known = know(ENCODINGS[0].write(tmp_path))
    spans = [Span(7, 83), Span(21, 39)]
    make_all(known, spans, tmp_path)
    for span in spans:
        with av.open(str(path_of(tmp_path, span))) as container:
            length = known.timeline.duration_of(span)
            assert len(container.streams.audio) == 2
            for stream in container.streams.audio:
                assert abs((stream.duration or 0) * stream.time_base - length) < Fraction(1, 100)


def test_quality_is_what_was_asked_for(tmp_path: Path) -> None:
    encoding = next(each for each in ENCODINGS if str(each) == "h264-one-i.mp4")
    known = know(encoding.write(tmp_path))
    in_source = lumas(known.path)
    span, worst, sizes = Span(30, 60), [], []
    for least_db in (34, 44, 52):
        clip = make_all(known, [span], tmp_path, replace(AUTO, min_psnr_db=least_db))[span]
        pairs = zip(lumas(path_of(tmp_path, span)), in_source[30:60], strict=True)
        found = sorted(psnr_db(*pair) for pair in pairs)
        assert found[0] >= least_db
        # One of 20 may be worse.
        assert found[1] >= least_db + 4
        worst.append(found[0])
        sizes.append(clip.size_bytes)
    assert worst == sorted(worst)
    assert sizes == sorted(sizes)


def test_what_is_too_far_is_encoded_better(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    known = know(ENCODINGS[0].write(tmp_path))
    tried = []
    splice_span = splice.splice_span

    def watched(*arguments: object, crf: int, **more: object) -> object:
        tried.append(crf)
        if len(tried) == 1:
            raise TooFarError("told so", 2.0)
        return splice_span(*arguments, crf=crf, **more)  # type: ignore[arg-type]

    monkeypatch.setattr(auto, "splice_span", watched)
    make_all(known, [Span(7, 83)], tmp_path)
    assert tried[0] > tried[1]


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("h264-one-i.mp4", "no frame at which decoding can begin anew"),
        ("h264-interlaced.ts", "its pictures may consist of fields"),
        ("h264-open-pyramid.mkv", "no frame at which decoding can begin anew"),
        ("h264-avi.avi", "no usable timestamps"),
        ("av1.mp4", "frames of av1 are not joined"),
        ("vp8.webm", "vp8 cannot be copied"),
    ],
)
def test_why_nothing_is_copied_is_said(name: str, reason: str, tmp_path: Path) -> None:
    encoding = next(each for each in ENCODINGS if str(each) == name)
    known = know(encoding.write(tmp_path))
    clip = make_all(known, [Span(5, 60)], tmp_path)[Span(5, 60)]
    assert clip.copied == ()
    assert reason in str(clip.fallback_reason)
    assert inspect_clip(path_of(tmp_path, Span(5, 60))).fallback_reason == clip.fallback_reason


def test_parameter_sets_that_change_are_not_copied(tmp_path: Path) -> None:
    parts = []
    for start, references in ((0, 1), (40, 4)):
        options = {**X264, "x264-params": f"keyint=20:bframes=0:ref={references}"}
        pts = range(start, start + 40)
        parts.append(make_video(tmp_path / f"{start}.ts", [40], pts=pts, options=options))
    (tmp_path / "a.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    known = know(tmp_path / "a.ts")
    assert (known.timeline.frames, known.timeline.from_stream) == (80, True)
    clip = make_all(known, [Span(0, 20)], tmp_path)[Span(0, 20)]
    assert clip.copied == ()
    assert "parameter sets change" in str(clip.fallback_reason)


def test_one_frame_in_twenty_may_be_worse() -> None:
    watch = QualityWatch(20, 44)
    for psnr in [50.0] * 18 + [44.0]:
        watch.add(psnr)
    with pytest.raises(TooFarError, match="47") as error:
        watch.add(47.0)
    assert error.value.missing_db == pytest.approx(4)
    with pytest.raises(TooFarError, match="43"):
        QualityWatch(100, 44).add(43.9)


def test_an_encoder_that_refuses_costs_the_joins_alone(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = know(ENCODINGS[0].write(tmp_path))
    real_part_kind = splice.part_kind
    monkeypatch.setattr(
        splice, "part_kind", lambda *given: replace(real_part_kind(*given), level_idc=99)
    )
    made = make_all(known, [Span(20, 60), Span(7, 83)], tmp_path)
    assert made[Span(20, 60)].copied == (Span(20, 60),)
    assert made[Span(7, 83)].copied == ()
    assert "does not take its kind of stream" in str(made[Span(7, 83)].fallback_reason)


@pytest.mark.parametrize(("codec", "header"), [("libx264", b"\6"), ("libx265", b"\x4e\1")])
def test_captions_are_there_in_encoded_and_in_copied_frames(
    codec: str, header: bytes, tmp_path: Path
) -> None:
    params = {
        "libx264": {"x264-params": "keyint=24:scenecut=0:bframes=2"},
        "libx265": {"x265-params": "log-level=none:keyint=24:scenecut=0:bframes=2:open-gop=0"},
    }
    options = {"preset": "ultrafast", **params[codec]}
    plain = make_video(tmp_path / "plain.mp4", [72], codec=codec, options=options)
    path = tmp_path / "captioned.mp4"
    add_captions(plain, path, header)
    known = know(path)
    clip = make_all(known, [Span(10, 72)], tmp_path)[Span(10, 72)]
    assert clip.copied == (Span(24, 72),)
    assert captions_in(path_of(tmp_path, Span(10, 72))) == captions_in(path)[10:72]


def add_captions(source: Path, target: Path, header: bytes) -> None:
    """Put a closed caption (ATSC A/53) before the slices of each picture, in a unit of messages."""
    with av.open(str(source)) as container, av.open(str(target), "w") as out:
        stream = out.add_stream_from_template(container.streams.video[0])
        for number, packet in enumerate(each for each in container.demux(video=0) if each.size):
            data = b"\xb5\0\x31GA94\x03\x41\xff\xfc" + bytes([0x80 | number % 64, 0x80]) + b"\xff"
            unit = header + bytes([4, len(data)]) + data + b"\x80"
            content = len(unit).to_bytes(4, "big") + unit + bytes(packet)
            captioned = av.Packet(content)
            captioned.pts, captioned.dts = packet.pts, packet.dts
            captioned.time_base, captioned.duration = packet.time_base, packet.duration
            captioned.is_keyframe, captioned.stream = packet.is_keyframe, stream
            out.mux(captioned)


def captions_in(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        found = [frame.side_data.get("A53_CC") for frame in container.decode(video=0)]
    assert all(found)
    return [bytes(each) for each in found]  # type: ignore[arg-type]
