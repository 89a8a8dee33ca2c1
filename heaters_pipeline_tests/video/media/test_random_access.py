"""Copies begin only where all that follows can be decoded exactly."""

from pathlib import Path

import av
import pytest

from heaters_pipeline.video.clips import copy as clip_copy
from heaters_pipeline.video.clips.write import ClipSettings
from heaters_pipeline.video.media.nal_units import UnitReader
from heaters_pipeline.video.media.random_access import (
    RecoveryPoint,
    random_access_test,
    recovery_point,
)
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import ENCODINGS, know, write_clip


@pytest.mark.parametrize(
    ("messages", "expected"),
    [
        ("06 01 c4 80", RecoveryPoint(0, is_exact=True, is_broken=False)),
        ("06 01 84 80", RecoveryPoint(0, is_exact=False, is_broken=False)),
        ("06 01 e4 80", RecoveryPoint(0, is_exact=True, is_broken=True)),
        # 29 frames, coded as 30: 0000 11110, then exact.
        ("06 02 0f 40 80", RecoveryPoint(29, is_exact=True, is_broken=False)),
        ("05 03 01 02 03 06 01 c4 80", RecoveryPoint(0, is_exact=True, is_broken=False)),
        # A message before it holds two zeros and a small byte, which is escaped.
        ("00 04 00 00 03 01 33 06 01 c4 80", RecoveryPoint(0, is_exact=True, is_broken=False)),
        ("05 03 01 02 03 80", None),
        ("06 01 00 80", None),
        ("", None),
        ("ff", None),
        ("06 ff", None),
    ],
)
def test_recovery_points_are_read(messages: str, expected: RecoveryPoint | None) -> None:
    assert recovery_point(bytes.fromhex(messages)) == expected


def beginnings(path: Path) -> list[int]:
    """The numbers of the packets at which decoding can begin."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        can_begin = random_access_test(
            stream.codec_context.name, stream.codec_context.extradata or b""
        )
        packets = [packet for packet in container.demux(stream) if packet.size]
        return [number for number, packet in enumerate(packets) if can_begin(packet)]


def written(name: str, folder: Path) -> Path:
    return next(one for one in ENCODINGS if str(one) == name).write(folder)


def test_open_gops_are_entered_and_pictures_refreshed_bit_by_bit_are_not(tmp_path: Path) -> None:
    assert len(beginnings(written("h264-open-pyramid.mkv", tmp_path))) >= 4
    assert len(beginnings(written("h264-open-ts.ts", tmp_path))) >= 4
    assert beginnings(written("h264-intra-refresh.mkv", tmp_path)) == [0]


@pytest.mark.parametrize("name", ["hevc-closed.mp4", "hevc-open.mkv"])
def test_frames_that_a_container_wrongly_calls_key_frames_are_not_entered(
    name: str, tmp_path: Path
) -> None:
    source, flagged = written(name, tmp_path), tmp_path / "flagged.mp4"
    with av.open(str(source)) as container, av.open(str(flagged), "w") as muxer:
        stream = container.streams.video[0]
        out = muxer.add_stream_from_template(stream)
        for number, packet in enumerate(p for p in container.demux(stream) if p.size):
            packet.is_keyframe |= number % 7 == 0
            packet.stream = out
            muxer.mux(packet)
    assert beginnings(flagged) == beginnings(source)
    known = know(flagged)
    for span in (Span(30, 40), Span(61, 90)):
        target = tmp_path / "clip.mp4"
        clip = write_clip(known, span, target, ClipSettings("copy"))
        assert (clip.method, clip.fallback_reason) == ("copy", None)
        assert know(target).pictures == known.pictures[span.start : span.end]


def test_units_are_found_in_both_framings(tmp_path: Path) -> None:
    def kinds(path: Path) -> list[int]:
        with av.open(str(path)) as container:
            stream = container.streams.video[0]
            reader = UnitReader("h264", stream.codec_context.extradata or b"")
            packet = next(container.demux(stream))
            return [unit[0] & 31 for unit in reader.units(memoryview(packet))]

    # Access unit delimiter, parameter sets, SEI and the IDR slice; MP4 has the sets elsewhere.
    assert kinds(written("h264-open-ts.ts", tmp_path)) == [9, 7, 8, 6, 5]
    assert kinds(written("h264-closed-b2.mp4", tmp_path)) == [6, 5]


def test_too_long_a_lead_is_not_worth_a_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    known = know(written("h264-one-i.mp4", tmp_path))
    span = Span(80, 90)

    def cut() -> str | None:
        return write_clip(
            known,
            span,
            tmp_path / "clip.mp4",
            ClipSettings("copy", preset="ultrafast"),
        ).fallback_reason

    monkeypatch.setattr(clip_copy, "_MOST_PREROLL_SECONDS", 4)
    assert cut() is None
    monkeypatch.setattr(clip_copy, "_MOST_PREROLL_SECONDS", 2)
    assert "decoding cannot begin within 2 s before them" in str(cut())
