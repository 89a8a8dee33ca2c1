"""The boxes of an MP4 file are written exactly, or refused."""

import struct
from fractions import Fraction
from pathlib import Path

import av
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips import mp4_index
from heaters_pipeline.video.clips.mp4_index import ShownPart, read_tracks, write_fast_start
from heaters_pipeline_tests.video.clips.clip_sources import know
from heaters_pipeline_tests.videos import make_video

TIMESCALE = 12800
WHOLE = ShownPart(Fraction(0), 0, Fraction(1))


@pytest.fixture(scope="module")
def muxed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """25 frames in a file whose index is last."""
    folder = tmp_path_factory.mktemp("boxes")
    return make_video(folder / "muxed.mp4", [25], codec="mpeg4", options={"bf": "0", "g": "5"})


ticks = st.one_of(st.integers(1, 1000), st.integers(2**31 - 2, 2**33))


@given(empty=st.integers(0, 2**33), start=st.one_of(st.just(0), ticks), duration=ticks)
@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_is_shown_is_read_back(
    muxed: Path, tmp_path: Path, empty: int, start: int, duration: int
) -> None:
    shown = ShownPart(Fraction(empty, TIMESCALE), start, Fraction(duration, TIMESCALE))
    target = tmp_path / "clip.mp4"
    target.unlink(missing_ok=True)
    write_fast_start(muxed, target, {1: shown})
    (track,) = read_tracks(target)
    assert (track.track_id, track.handler, track.timescale) == (1, "vide", TIMESCALE)
    assert track.shown == shown
    content = target.read_bytes()
    # Players that know no edit lists take the length from these headers.
    for kind in (b"mvhd", b"tkhd"):
        assert duration_in(content, kind) == empty + duration


def duration_in(content: bytes, kind: bytes) -> int:
    body = content[content.index(kind) + 4 :]
    middle = 4 if kind == b"mvhd" else 8
    at, width = (20 + middle, 8) if body[0] == 1 else (12 + middle, 4)
    return int.from_bytes(body[at : at + width], "big")


def test_the_index_comes_first_and_pictures_stay(muxed: Path, tmp_path: Path) -> None:
    write_fast_start(muxed, tmp_path / "clip.mp4", {1: WHOLE})
    content = (tmp_path / "clip.mp4").read_bytes()
    assert content.index(b"moov") < content.index(b"mdat")
    assert know(tmp_path / "clip.mp4").pictures == know(muxed).pictures


def test_offsets_beyond_32_bits_are_written_wide(
    muxed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mp4_index, "_UINT32_MAX", 100)
    write_fast_start(muxed, tmp_path / "clip.mp4", {1: WHOLE})
    content = (tmp_path / "clip.mp4").read_bytes()
    assert b"co64" in content
    assert b"stco" not in content
    assert know(tmp_path / "clip.mp4").pictures == know(muxed).pictures


@pytest.mark.parametrize(
    "shown",
    [
        {},
        {2: WHOLE},
        {1: WHOLE, 2: WHOLE},
        {1: ShownPart(Fraction(0), -1, Fraction(1))},
        {1: ShownPart(Fraction(0), 0, Fraction(-1))},
    ],
)
def test_wrong_parts_are_refused(muxed: Path, tmp_path: Path, shown: dict[int, ShownPart]) -> None:
    with pytest.raises(ClipError):
        write_fast_start(muxed, tmp_path / "clip.mp4", shown)


def test_a_file_with_its_index_first_is_refused(muxed: Path, tmp_path: Path) -> None:
    write_fast_start(muxed, tmp_path / "first.mp4", {1: WHOLE})
    with pytest.raises(ClipError, match="unknown order"):
        write_fast_start(tmp_path / "first.mp4", tmp_path / "second.mp4", {1: WHOLE})


@given(data=st.data())
@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_damaged_index_is_refused_or_read(
    muxed: Path, tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(muxed.read_bytes())
    index = content.index(b"moov") - 4
    position = data.draw(st.integers(index, len(content) - 1))
    content[position] ^= data.draw(st.integers(1, 255))
    cut = data.draw(st.integers(index, len(content)))
    (tmp_path / "damaged.mp4").write_bytes(content[:cut])
    try:
        tracks = read_tracks(tmp_path / "damaged.mp4")
    except ClipError:
        return
    assert len(tracks) <= 1


def test_boxes_in_boxes_without_end_are_refused(tmp_path: Path) -> None:
    index = b""
    for _ in range(5000):
        index = struct.pack(">I4s", len(index) + 8, b"moov") + index
    (tmp_path / "deep.mp4").write_bytes(index)
    with pytest.raises(ClipError, match="without end"):
        read_tracks(tmp_path / "deep.mp4")


def test_ffmpeg_s_own_edit_lists_are_understood(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [20], options={"bf": "2"}, audio="aac")
    video, sound = read_tracks(path)
    assert (video.handler, sound.handler) == ("vide", "soun")
    assert video.shown.media_start_ticks > 0
    with av.open(str(path)) as container:
        assert container.streams.video[0].start_time == 0
