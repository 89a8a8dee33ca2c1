"""Key frames show the frames that the rule names, whatever the clip hides, turns or has lost."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.errors import ClipError, SettingsError
from heaters_pipeline.video.stills.keyframes import (
    keyframe_frame,
    keyframe_names,
    keyframe_positions,
    middle_picture,
    write_keyframes,
)
from heaters_pipeline.video.stills.settings import KeyframeSettings
from heaters_pipeline_tests.video.stills.numbered_clips import (
    CLOCKWISE,
    cut_by_copying,
    damage,
    load,
    number_in,
    turn,
    write_numbered,
)

MULTI = KeyframeSettings(strategy="multi")


def beside(clip: Path, settings: KeyframeSettings = MULTI) -> list[Path]:
    return [clip.with_name(f"{name}.jpg") for name in keyframe_names(settings)]


def test_positions_follow_the_strategy() -> None:
    assert keyframe_positions(KeyframeSettings()) == (50,)
    assert keyframe_positions(MULTI) == (25, 50, 75)


@pytest.mark.parametrize(
    ("frames", "percent", "frame"),
    [(1, 50, 0), (2, 50, 1), (3, 50, 1), (100, 25, 25), (101, 75, 75), (10, 0, 0), (10, 100, 9)],
)
def test_the_frame_at_a_position(frames: int, percent: int, frame: int) -> None:
    assert keyframe_frame(frames, percent) == frame


@given(frames=st.integers(1, 10**7), percent=st.integers(0, 100))
def test_the_frame_is_inside_and_less_than_a_frame_from_its_position(
    frames: int, percent: int
) -> None:
    frame = keyframe_frame(frames, percent)
    assert 0 <= frame < frames
    assert 0 <= Fraction(frames * percent, 100) - frame <= 1


def test_the_pictures_are_those_of_the_frames(tmp_path: Path) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 61)
    pictures = write_keyframes(clip, 61, MULTI, beside(clip))
    assert [(picture.path.stem, picture.frame) for picture in pictures] == [
        ("25", 15),
        ("50", 30),
        ("75", 45),
    ]
    for picture in pictures:
        stored = load(picture.path)
        assert number_in(stored) == picture.frame
        assert stored.shape == (picture.height_px, picture.width_px, 3) == (96, 128, 3)
        assert picture.time_seconds == Fraction(picture.frame, 25)
        assert picture.path.stat().st_size == picture.size_bytes
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "25.jpg",
        "50.jpg",
        "75.jpg",
        "clip.mp4",
    ]


@pytest.mark.parametrize("gop_frames", [1, 7, 20, 250])
def test_the_frame_is_exact_wherever_the_i_frames_are(tmp_path: Path, gop_frames: int) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 80, gop_frames=gop_frames)
    pictures = write_keyframes(clip, 80, MULTI, beside(clip))
    assert [number_in(load(picture.path)) for picture in pictures] == [20, 40, 60]


@pytest.mark.parametrize("start", [31, 59, 60, 61])
def test_frames_that_the_edit_list_hides_are_not_counted(tmp_path: Path, start: int) -> None:
    source = write_numbered(tmp_path / "source.mp4", 100, gop_frames=30, b_frames=0)
    clip = cut_by_copying(source, tmp_path / "clip.mp4", start)
    frames = 100 - start
    pictures = write_keyframes(clip, frames, MULTI, beside(clip))
    shown = [number_in(load(picture.path)) for picture in pictures]
    assert shown == [start + frames * percent // 100 for percent in (25, 50, 75)]
    assert pictures[1].time_seconds == Fraction(frames // 2, 25)


def test_times_are_those_of_the_frames_where_lengths_differ(tmp_path: Path) -> None:
    pts = [10, 11, 12, 13, 35, 60, 61, 62]
    clip = write_numbered(tmp_path / "clip.mp4", 8, pts=pts)
    pictures = write_keyframes(clip, 8, MULTI, beside(clip))
    assert [picture.time_seconds for picture in pictures] == [
        Fraction(2, 25),
        Fraction(1),
        Fraction(51, 25),
    ]
    assert [number_in(load(picture.path)) for picture in pictures] == [2, 4, 6]


def test_a_turned_clip_has_an_upright_picture(tmp_path: Path) -> None:
    clip = turn(write_numbered(tmp_path / "clip.mp4", 9), CLOCKWISE)
    (picture,) = write_keyframes(clip, 9, KeyframeSettings(), beside(clip, KeyframeSettings()))
    assert (picture.width_px, picture.height_px) == (96, 128)
    assert number_in(np.rot90(load(picture.path))) == 4


def test_pixels_become_square_and_the_longer_side_is_limited(tmp_path: Path) -> None:
    clip = write_numbered(
        tmp_path / "clip.mp4", 5, size_px=(128, 128), sample_aspect_ratio=Fraction(2)
    )
    (full,) = write_keyframes(clip, 5, KeyframeSettings(), beside(clip, KeyframeSettings()))
    assert (full.width_px, full.height_px) == (256, 128)
    (small,) = write_keyframes(clip, 5, KeyframeSettings(max_side_px=64), beside(clip)[1:2])
    assert (small.width_px, small.height_px) == (64, 32)
    assert number_in(load(small.path)) == 2


def test_a_clip_of_one_frame_has_it_at_every_position(tmp_path: Path) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 1)
    pictures = write_keyframes(clip, 1, MULTI, beside(clip))
    found = [(picture.path.stem, picture.frame) for picture in pictures]
    assert found == [("25", 0), ("50", 0), ("75", 0)]
    assert [number_in(load(picture.path)) for picture in pictures] == [0, 0, 0]


def test_the_middle_picture_is_that_of_the_midpoint(tmp_path: Path) -> None:
    clip = turn(write_numbered(tmp_path / "clip.mp4", 41), CLOCKWISE)
    picture = middle_picture(clip, 41, 64)
    assert picture.shape == (64, 48, 3)
    assert number_in(np.rot90(picture)) == 20 == keyframe_frame(41, 50)


def test_only_what_a_picture_needs_is_decoded(tmp_path: Path) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 240, gop_frames=30, b_frames=0)
    damage(clip, range(5, 29))
    damage(clip, range(70, 90))
    pictures = write_keyframes(clip, 240, MULTI, beside(clip))
    assert [number_in(load(picture.path)) for picture in pictures] == [60, 120, 180]


def test_nothing_more_is_decoded_where_the_edit_list_hides_frames(tmp_path: Path) -> None:
    source = write_numbered(tmp_path / "source.mp4", 240, gop_frames=30, b_frames=0)
    clip = cut_by_copying(source, tmp_path / "clip.mp4", 41)
    damage(clip, range(15, 25))
    pictures = write_keyframes(clip, 199, MULTI, beside(clip))
    assert [number_in(load(picture.path)) for picture in pictures] == [41 + 49, 41 + 99, 41 + 149]


def test_packets_that_are_no_pictures_do_not_shift_the_frames(tmp_path: Path) -> None:
    plain = write_numbered(tmp_path / "plain.mp4", 60, b_frames=0, pts=range(10, 70))
    clip = with_empty_packet(plain, tmp_path / "clip.mp4", before=10)
    pictures = write_keyframes(clip, 60, MULTI, beside(clip))
    assert [number_in(load(picture.path)) for picture in pictures] == [15, 30, 45]
    assert [float(picture.time_seconds) for picture in pictures] == [0.6, 1.2, 1.8]


def with_empty_packet(source: Path, target: Path, before: int) -> Path:
    """A copy with one more packet, of filler data: more packets than pictures."""
    with av.open(str(source)) as opened, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(opened.streams.video[0])
        for number, packet in enumerate(opened.demux(opened.streams.video[0])):
            if number == before:
                filler = av.Packet(b"\x00\x00\x00\x04\x0c\xff\xff\x80")
                filler.stream, filler.time_base = stream, packet.time_base
                assert packet.pts is not None
                filler.pts = filler.dts = packet.pts - 1
                container.mux(filler)
            if packet.size:
                packet.stream = stream
                container.mux(packet)
    return target


@pytest.mark.parametrize("promised", [29, 31])
def test_another_number_of_frames_than_promised_leaves_nothing(
    tmp_path: Path, promised: int
) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 30)
    with pytest.raises(ClipError, match=rf"clip\.mp4 shows 30 frames instead of {promised};"):
        write_keyframes(clip, promised, MULTI, beside(clip))
    assert list(tmp_path.iterdir()) == [clip]


def test_a_frame_that_cannot_be_decoded_leaves_nothing(tmp_path: Path) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 60, gop_frames=20, b_frames=0)
    damage(clip, range(40, 60))
    with pytest.raises(ClipError, match="shows 40 frames instead of 60; delete the clip"):
        write_keyframes(clip, 60, MULTI, beside(clip))
    assert list(tmp_path.iterdir()) == [clip]


def test_a_picture_that_cannot_be_written_takes_the_others_with_it(tmp_path: Path) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 30)
    paths = [tmp_path / "25.jpg", tmp_path / "50.jpg", tmp_path / "missing" / "75.jpg"]
    with pytest.raises(FileNotFoundError):
        write_keyframes(clip, 30, MULTI, paths)
    assert list(tmp_path.iterdir()) == [clip]


def test_a_missing_clip_is_named(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"absent\.mp4"):
        write_keyframes(tmp_path / "absent.mp4", 10, MULTI, beside(tmp_path / "absent.mp4"))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("strategy", "first"),
        ("max_side_px", 15),
        ("max_side_px", 8193),
        ("jpeg_quality", 0),
        ("jpeg_quality", 101),
    ],
)
def test_a_setting_out_of_range_is_refused_by_name(name: str, value: int | str) -> None:
    with pytest.raises(SettingsError, match=f"^{name} is {value!r}, it must"):
        KeyframeSettings(**{name: value})  # type: ignore[arg-type]
