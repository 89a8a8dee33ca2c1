"""Copied clips show exactly the frames of their span, whatever the codec, container and GOPs."""

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import pytest

from heaters_pipeline.video.clips import hidden_frames
from heaters_pipeline.video.clips.hidden_frames import MOST_HIDDEN_FRAMES
from heaters_pipeline.video.clips.write import ClipSettings, inspect_clip, inspect_whole_clip
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import (
    ENCODINGS,
    Encoding,
    Known,
    know,
    random_spans,
    seen_by_ffmpeg,
    seen_by_opencv,
    write_clip,
)
from heaters_pipeline_tests.videos import make_video

SPANS_EACH = 6
SETTINGS = ClipSettings("copy", preset="ultrafast")


def copy_clip(known: Known, span: Span, target: Path) -> Known:
    """Cut a span out by copying, require that it was not encoded, and look at what it shows."""
    clip = write_clip(
        known,
        span,
        target,
        SETTINGS,
        first_picture_digest=known.digests[span.start],
    )
    assert (clip.method, clip.fallback_reason) == ("copy", None)
    return know(target)


@pytest.mark.parametrize("encoding", [e for e in ENCODINGS if e.refusal is None], ids=str)
def test_pictures_and_instants_are_the_source_s(encoding: Encoding, tmp_path: Path) -> None:
    known = know(encoding.write(tmp_path))
    assert len(set(known.pictures)) == encoding.frames, "equal pictures would hide a mistake"
    in_opencv = seen_by_opencv(known.path) if encoding.opencv else []
    assert len(in_opencv) == (encoding.frames if encoding.opencv else 0)
    for span in random_spans(encoding.frames, SPANS_EACH, str(encoding)):
        target = tmp_path / "clip.mp4"
        shown = copy_clip(known, span, target)
        assert shown.pictures == known.pictures[span.start : span.end], span
        steps = [after - before for before, after in pairwise(known.timeline.pts)]
        tick = known.timeline.time_base / shown.timeline.time_base
        assert [after - before for before, after in pairwise(shown.timeline.pts)] == [
            step * tick for step in steps[span.start : span.end - 1]
        ], span
        if encoding.opencv:
            assert seen_by_opencv(target) == in_opencv[span.start : span.end], span


@pytest.mark.parametrize("encoding", [e for e in ENCODINGS if e.refusal], ids=str)
def test_what_cannot_be_copied_exactly_is_encoded(encoding: Encoding, tmp_path: Path) -> None:
    known = know(encoding.write(tmp_path))
    assert encoding.refusal is not None
    for span in (Span(0, encoding.frames), Span(11, 50), Span(70, 71)):
        clip = write_clip(known, span, tmp_path / "clip.mp4", SETTINGS)
        shown = know(tmp_path / "clip.mp4")
        assert len(shown.pictures) == len(span)
        if clip.method == "copy":
            assert shown.pictures == known.pictures[span.start : span.end]
        else:
            assert encoding.refusal in str(clip.fallback_reason)
    assert clip.method == "reencode"


def test_ffmpeg_program_shows_the_same_frames(tmp_path: Path) -> None:
    program = pytest.importorskip("imageio_ffmpeg").get_ffmpeg_exe()
    for encoding in ENCODINGS:
        if encoding.refusal is None:
            known = know(encoding.write(tmp_path))
            in_source = seen_by_ffmpeg(program, known.path)
            assert len(in_source) == encoding.frames
            span = random_spans(encoding.frames, 4, f"ffmpeg {encoding}")[3]
            copy_clip(known, span, tmp_path / "clip.mp4")
            seen = seen_by_ffmpeg(program, tmp_path / "clip.mp4")
            assert seen == in_source[span.start : span.end], (str(encoding), span)


def test_a_clip_can_be_cut_again_through_its_edit_list(tmp_path: Path) -> None:
    whole = know(ENCODINGS[0].write(tmp_path))
    part = copy_clip(whole, Span(7, 83), tmp_path / "part.mp4")
    for span in (Span(0, 76), Span(0, 1), Span(29, 61), Span(75, 76)):
        shown = copy_clip(part, span, tmp_path / "clip.mp4")
        assert shown.pictures == whole.pictures[7 + span.start : 7 + span.end]


def test_what_the_source_says_of_its_picture_survives(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "turned.mp4",
        [30],
        size_px=(160, 96),
        rotation_degrees=90,
        is_mirrored=True,
        options={"bf": "2", "colorprim": "bt709", "color_trc": "bt709", "colorspace": "bt709"},
    )
    known = know(path)
    copy_clip(known, Span(5, 20), tmp_path / "clip.mp4")
    assert described(tmp_path / "clip.mp4") == described(path)
    assert described(path)[0] is not None


def test_pixel_shape_that_only_the_container_knows_survives(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "wide.mp4",
        [24],
        codec="libvpx-vp9",
        options={"deadline": "realtime", "cpu-used": "8"},
        sample_aspect_ratio=Fraction(4, 3),
    )
    known = know(path)
    shown = copy_clip(known, Span(3, 9), tmp_path / "clip.mp4")
    assert known.info.sample_aspect_ratio == shown.info.sample_aspect_ratio == Fraction(4, 3)


def test_a_last_frame_of_vp9_lasts_as_long_as_it_does_in_the_source(tmp_path: Path) -> None:
    # FFmpeg guesses the durations of its packets; one that differs from the guess was refused.
    path = make_video(
        tmp_path / "uneven.mp4",
        [24],
        codec="libvpx-vp9",
        options={"deadline": "realtime", "cpu-used": "8", "g": "8"},
        pts=[at * (1 + at) for at in range(10, 34)],
        time_base=Fraction(1, 1000),
    )
    known = know(path)
    for span in (Span(0, 5), Span(3, 12), Span(8, 24)):
        copy_clip(known, span, tmp_path / "clip.mp4")
        lasts = inspect_clip(tmp_path / "clip.mp4").duration_seconds
        assert lasts == known.timeline.duration_of(span)


def test_hevc_gets_the_name_that_apple_s_players_take(tmp_path: Path) -> None:
    encoding = next(e for e in ENCODINGS if str(e) == "hevc-open.mkv")
    known = know(encoding.write(tmp_path))
    copy_clip(known, Span(30, 40), tmp_path / "clip.mp4")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.streams.video[0].codec_tag == "hvc1"


def test_a_clip_says_what_it_is(tmp_path: Path) -> None:
    known = know(ENCODINGS[0].write(tmp_path))
    target = tmp_path / "clip.mp4"
    made = write_clip(
        known,
        Span(10, 30),
        target,
        SETTINGS,
        tags={"source_sha256": "ab" * 32, "title": 'é "x"\n'},
    )
    facts = inspect_clip(target)
    assert facts.tags == {"source_sha256": "ab" * 32, "title": 'é "x"\n'}
    assert (facts.span, facts.codec) == (Span(10, 30), "h264")
    assert (facts.width_px, facts.height_px) == (160, 90)
    whole = inspect_whole_clip(target)
    for field in made.__dataclass_fields__:
        assert getattr(whole, field) == getattr(made, field), field
    assert made.frames == 20
    assert made.duration_seconds == known.timeline.duration_of(Span(10, 30))
    assert made.size_bytes == target.stat().st_size


def described(path: Path) -> tuple[object, ...]:
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        context = stream.codec_context
        matrix = next(container.decode(stream)).side_data.get("DISPLAYMATRIX")
        return (
            None if matrix is None else bytes(matrix),
            stream.sample_aspect_ratio,
            context.color_primaries,
            context.color_trc,
            context.colorspace,
            context.color_range,
        )


def test_frames_are_hidden_up_to_a_bound(tmp_path: Path) -> None:
    options = {"g": "1000", "keyint_min": "1000", "sc_threshold": "0", "bf": "0"}
    known = know(make_video(tmp_path / "a.mp4", [400], options=options))
    at_the_bound = Span(MOST_HIDDEN_FRAMES, MOST_HIDDEN_FRAMES + 38)
    assert write_clip(known, at_the_bound, tmp_path / "a.mp4-1", SETTINGS).method == "copy"
    behind = Span(at_the_bound.start + 1, at_the_bound.end + 1)
    clip = write_clip(known, behind, tmp_path / "clip.mp4", SETTINGS)
    assert clip.method == "reencode"
    assert "257 frames would have to be hidden to show 38" in str(clip.fallback_reason)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.streams.video[0].frames == 38


def test_most_bytes_of_a_copy_are_of_what_it_shows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hidden_frames, "LEAST_WEIGHED_BYTES", 1000)
    options = {"g": "1000", "keyint_min": "1000", "sc_threshold": "0", "bf": "0"}
    known = know(make_video(tmp_path / "a.mp4", [150], options=options))
    assert write_clip(known, Span(60, 120), tmp_path / "b.mp4", SETTINGS).method == "copy"
    clip = write_clip(known, Span(140, 145), tmp_path / "c.mp4", SETTINGS)
    assert clip.method == "reencode"
    assert "bytes of pictures would have to be hidden, 9" in str(clip.fallback_reason)
    # Where there are few of them, they do not matter.
    monkeypatch.undo()
    assert write_clip(known, Span(140, 145), tmp_path / "d.mp4", SETTINGS).method == "copy"


@pytest.mark.parametrize("params", ["bframes=3:b-adapt=0", "bframes=5:b-adapt=0:b-pyramid=normal"])
def test_frames_hidden_behind_the_span_spoil_neither_rate_nor_last_frame(
    params: str, tmp_path: Path
) -> None:
    options = {"preset": "ultrafast", "x264-params": f"keyint=48:scenecut=0:{params}"}
    known = know(make_video(tmp_path / "a.mp4", [60], options=options))
    clip = tmp_path / "clip.mp4"
    hiding = 0
    for end in range(20, 33):
        copied = write_clip(known, Span(5, end), clip, SETTINGS)
        assert (copied.method, copied.fallback_reason) == ("copy", None)
        hiding += copied.hidden_frames > 5
        with av.open(str(clip)) as container:
            stream = container.streams.video[0]
            shown = [
                packet
                for packet in container.demux(stream)
                if packet.size and not packet.is_discard
            ]
            last = max(shown, key=lambda packet: packet.pts or 0)
            assert stream.average_rate == 25, end
            assert (last.duration or 0) * stream.time_base == Fraction(1, 25), end
    assert hiding > 5, "no clip hides a frame behind its span"
