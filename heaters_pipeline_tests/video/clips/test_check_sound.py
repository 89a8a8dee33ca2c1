"""The check of a clip's sound sees what is missing of it, on each track."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import pytest

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.audio import AudioTracks
from heaters_pipeline.video.clips.check_sound import check_sound
from heaters_pipeline.video.clips.settings import ClipSettings
from heaters_pipeline.video.media.pyav import Packet
from heaters_pipeline.video.media.sound_times import SoundPart, SourceSound
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import Encoding, Known, know, write_clip

SPAN = Span(20, 70)


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Known:
    folder = tmp_path_factory.mktemp("source")
    encoding = Encoding("two", "mp4", "mpeg4", {"g": "12"}, sound=("aac", "aac"))
    return know(encoding.write(folder))


@pytest.fixture(scope="module")
def clip(known: Known, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("clip") / "clip.mp4"
    write_clip(known, SPAN, path, ClipSettings("reencode", preset="ultrafast"))
    return path


@pytest.fixture
def parts(known: Known) -> dict[int, SoundPart]:
    return SourceSound(known.path, known.info).within(known.timeline.window_of(SPAN))


def test_what_is_whole_passes(clip: Path, parts: dict[int, SoundPart]) -> None:
    assert [part.end for part in parts.values()] == [2, 2]
    check_sound(clip, parts)
    barely = replace(parts[2], end=parts[2].end + Fraction(9, 1000))
    check_sound(clip, {1: parts[1], 2: barely})


@pytest.mark.parametrize("stream", [1, 2])
@pytest.mark.parametrize("seconds", [Fraction(-11, 1000), Fraction(11, 1000), Fraction(1)])
def test_an_end_that_differs_is_seen(
    clip: Path, parts: dict[int, SoundPart], stream: int, seconds: Fraction
) -> None:
    parts[stream] = replace(parts[stream], end=parts[stream].end + seconds)
    with pytest.raises(ClipError, match=f"stream {stream} ends at"):
        check_sound(clip, parts)


@pytest.mark.parametrize("stream", [1, 2])
def test_a_late_start_is_seen(clip: Path, parts: dict[int, SoundPart], stream: int) -> None:
    parts[stream] = replace(parts[stream], start=Fraction(-11, 1000))
    with pytest.raises(ClipError, match=f"stream {stream} begins at"):
        check_sound(clip, parts)


def test_a_track_that_is_missing_or_too_much_is_seen(
    clip: Path, parts: dict[int, SoundPart]
) -> None:
    with pytest.raises(ClipError, match="2 tracks of sound instead of 3"):
        check_sound(clip, {**parts, 3: parts[1]})
    with pytest.raises(ClipError, match="2 tracks of sound instead of 0"):
        check_sound(clip, {})


@pytest.mark.parametrize("mode", ["copy", "reencode"])
def test_a_packet_that_gets_lost_on_the_way_is_seen(
    mode: str, known: Known, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    feed = AudioTracks.feed

    def losing(tracks: AudioTracks, packet: Packet) -> None:
        lost = packet.stream_index == 2 and round(packet.pts * packet.time_base, 1) == 2
        if not lost:
            feed(tracks, packet)

    monkeypatch.setattr(AudioTracks, "feed", losing)
    settings = ClipSettings(mode, preset="ultrafast")
    with pytest.raises(ClipError, match="packets of the source's sound were not found again"):
        write_clip(known, SPAN, tmp_path / "clip.mp4", settings)
