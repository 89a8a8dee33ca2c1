"""The checks that a clip has to pass see what is wrong with it, wherever it is."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import pytest

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips import check as clip_check
from heaters_pipeline.video.clips import maker as clip_maker
from heaters_pipeline.video.clips.check import check_clip, check_copy, check_pictures
from heaters_pipeline.video.clips.packet_digest import PacketSum
from heaters_pipeline.video.clips.write import ClipFile, ClipSettings, inspect_clip
from heaters_pipeline.video.media.frame_spans import read_span
from heaters_pipeline.video.media.frames import Frame
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import Known, know, write_clip
from heaters_pipeline_tests.videos import make_video

SPAN = Span(25, 50)
COPY = ClipSettings("copy", preset="ultrafast")
REENCODE = ClipSettings("reencode", preset="ultrafast")
SIZE_PX = (320, 180)
TIMES = ("frame_count", "every_pts", "duration", "frame_rate", "last_frame")


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    folder = tmp_path_factory.mktemp("source")
    options = {"g": "20", "bf": "2", "sc_threshold": "0"}
    return know(make_video(folder / "a.mp4", [80], options=options, size_px=SIZE_PX))


def make(known: Known, target: Path, settings: ClipSettings = COPY, **more: object) -> ClipFile:
    return write_clip(known, SPAN, target, settings, **more)


def packets_of(path: Path, first: int = 0, last: int | None = None) -> PacketSum:
    with av.open(str(path), options={"ignore_editlist": "1"}) as container:
        stream = container.streams.video[0]
        found = PacketSum(stream.codec_context.name, stream.codec_context.extradata)
        for packet in [packet for packet in container.demux(stream) if packet.size][first:last]:
            found.add(packet)
    return found


def damage_packet(path: Path, number: int) -> None:
    """Change a byte of a packet's content, in the middle of it."""
    with av.open(str(path), options={"ignore_editlist": "1"}) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
        at = (packets[number].pos or 0) + packets[number].size // 2
    content = bytearray(path.read_bytes())
    content[at] ^= 0x55
    path.write_bytes(content)


def test_a_copy_holds_the_source_s_packets(known: Known, tmp_path: Path) -> None:
    clip = make(known, tmp_path / "clip.mp4")
    assert clip.method == "copy"
    assert clip.checked == (*TIMES, "sound", "packets", "first_picture")
    copied = packets_of(tmp_path / "clip.mp4")
    assert copied.packets >= len(SPAN) + 5
    # They begin with the I-frame before the span.
    assert copied == packets_of(known.path, 20, 20 + copied.packets)
    assert copied != packets_of(known.path, 20, 19 + copied.packets)


@pytest.mark.parametrize("number", [0, 3, 20, -1])
def test_a_byte_that_differs_is_seen(known: Known, tmp_path: Path, number: int) -> None:
    clip = tmp_path / "clip.mp4"
    make(known, clip)
    written, digest = packets_of(clip), known.digests[SPAN.start]
    seconds = Fraction(written.packets, 25)
    check_copy(clip, known.timeline, SPAN, written, digest, seconds)
    damage_packet(clip, number)
    with pytest.raises(ClipError, match=r"packets are not the source's|no readable clip"):
        check_copy(clip, known.timeline, SPAN, written, digest, seconds)
    check_clip(clip, known.timeline, SPAN, seconds)


def test_another_first_picture_is_seen(known: Known, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    make(known, clip)
    packets = packets_of(clip)
    seconds = Fraction(packets.packets, 25)
    with pytest.raises(ClipError, match="first picture is not the source's"):
        check_copy(clip, known.timeline, SPAN, packets, known.digests[SPAN.start + 1], seconds)


@pytest.mark.parametrize("shift", [-1, 1])
def test_another_span_is_seen(known: Known, tmp_path: Path, shift: int) -> None:
    make(known, tmp_path / "clip.mp4")
    for wrong in (Span(SPAN.start, SPAN.end + shift), Span(SPAN.start + shift, SPAN.end)):
        with pytest.raises(ClipError, match="frames instead of"):
            check_clip(tmp_path / "clip.mp4", known.timeline, wrong)


def frames(known: Known, span: Span = SPAN) -> Iterator[Frame]:
    return read_span(known.path, known.info, known.timeline, span)


def test_full_verification_looks_at_every_picture(known: Known, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    assert make(known, clip, verify="full").checked[-1] == "every_picture"
    assert inspect_clip(clip).checked[-1] == "every_picture"
    check_pictures(clip, frames(known), len(SPAN))
    later = Span(SPAN.start + 1, SPAN.end + 1)
    with pytest.raises(ClipError, match="frame 0 of the clip is not the source's picture"):
        check_pictures(clip, frames(known, later), len(SPAN))
    with pytest.raises(ClipError, match="more than 24"):
        check_pictures(clip, frames(known, Span(SPAN.start, SPAN.end - 1)), len(SPAN) - 1)
    with pytest.raises(ClipError, match="ends before its frame 25"):
        check_pictures(clip, frames(known, Span(SPAN.start, SPAN.end + 1)), len(SPAN) + 1)


def test_full_verification_decodes_what_was_encoded(known: Known, tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    made = make(known, clip, REENCODE, verify="full")
    assert made.checked == (*TIMES, "sound", "every_frame_decodes")
    damage_packet(clip, 0)
    # Nothing of it shows in the tables of the file.
    check_clip(clip, known.timeline, SPAN)
    with pytest.raises(ClipError, match=r"damaged|no readable clip|ends before"):
        check_pictures(clip, None, len(SPAN))


def test_a_copy_that_fails_full_verification_is_encoded(
    known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def wrong_pictures(
        path: Path, expected: Iterator[Frame] | None, count: int, *, threads: int
    ) -> None:
        check_pictures(path, expected and frames(known, Span(0, count)), count)

    monkeypatch.setattr(clip_maker, "check_pictures", wrong_pictures)
    clip = make(known, tmp_path / "clip.mp4", verify="full")
    assert clip.method == "reencode"
    assert clip.fallback_reason == "frame 0 of the clip is not the source's picture"
    assert clip.checked[-1] == "every_frame_decodes"


def in_annex_b(path: Path, codec: str) -> tuple[PacketSum, PacketSum]:
    """A transport stream's packets, and those of the MP4 file that FFmpeg made of it."""
    with av.open(str(path)) as source, av.open(str(path.with_suffix(".mp4")), "w") as target:
        stream = source.streams.video[0]
        found = PacketSum(codec, stream.codec_context.extradata)
        out = target.add_stream_from_template(stream)
        for packet in source.demux(stream):
            if packet.size:
                found.add(packet)
                packet.stream = out
                target.mux(packet)
    return found, packets_of(path.with_suffix(".mp4"))


@pytest.mark.parametrize(
    ("codec", "name", "options"),
    [
        ("libx264", "h264", {"x264-params": "slices=3:aud=1:keyint=10"}),
        ("libx265", "hevc", {"x265-params": "slices=3:aud=1:keyint=10:log-level=none"}),
    ],
)
def test_start_codes_and_sizes_sum_up_alike(
    codec: str, name: str, options: dict[str, str], tmp_path: Path
) -> None:
    video = make_video(tmp_path / "a.ts", [30], codec=codec, options=options, size_px=SIZE_PX)
    streamed, boxed = in_annex_b(video, name)
    assert streamed.packets == 30
    assert streamed == boxed


def test_another_rate_and_another_last_frame_are_seen(
    known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = tmp_path / "clip.mp4"
    copied = make(known, clip)
    seconds = Fraction(len(SPAN) + copied.hidden_frames, 25)
    check_clip(clip, known.timeline, SPAN, seconds)
    with pytest.raises(ClipError, match="its frame rate is wrong"):
        check_clip(clip, known.timeline, SPAN, seconds + Fraction(1, 25))
    look_through = clip_check._look_through

    def with_longer_last(*arguments: Any) -> None:
        look_through(*arguments)
        arguments[-1].last_ticks *= 3

    # As FFmpeg reads it where hidden frames are far behind the span.
    monkeypatch.setattr(clip_check, "_look_through", with_longer_last)
    with pytest.raises(ClipError, match="the last frame of the clip lasts"):
        check_clip(clip, known.timeline, SPAN, seconds)
