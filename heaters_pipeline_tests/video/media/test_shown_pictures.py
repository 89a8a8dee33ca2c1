"""Pictures are what a person sees: turned, cropped, with square pixels, HDR tone-mapped."""

import gc
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from heaters_pipeline.video.clips.settings import ClipMethod, ClipSettings
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.picture_boxes import Crop, crop_of
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.shown_pictures import ShownPictures
from heaters_pipeline.video.media.still_pictures import pictures_at
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.stills.keyframes import middle_picture, write_keyframes
from heaters_pipeline.video.stills.settings import KeyframeSettings, SpriteSettings
from heaters_pipeline.video.stills.sprite_layout import plan_sprites
from heaters_pipeline.video.stills.sprites import write_sprites
from heaters_pipeline_tests.video.clips.clip_sources import Known, know, write_clip
from heaters_pipeline_tests.video.clips.deep_clips import HLG, PQ, Colours, make_deep_video
from heaters_pipeline_tests.video.clips.interlaced_clips import make_interlaced_video
from heaters_pipeline_tests.video.described_pictures import crop_mp4
from heaters_pipeline_tests.video.stills.numbered_clips import load
from heaters_pipeline_tests.videos import Picture, make_picture, make_video

# A sheet of white paper, after ITU-R BT.2408: how bright it is stored, and what it becomes.
WHITE_SIGNAL = {PQ: 0.5807, HLG: 0.75}
WHITE_SHOWN = 230
CROP = Crop(40, 20, 90, 61)


@pytest.mark.parametrize("is_mirrored", [False, True])
@pytest.mark.parametrize("degrees", [0, 90, 180, 270])
def test_display_pictures_are_turned_and_mirrored(
    tmp_path: Path, degrees: int, is_mirrored: bool
) -> None:
    path = make_video(tmp_path / "a.mp4", [1], rotation_degrees=degrees, is_mirrored=is_mirrored)
    info = probe(path)
    frame = next(iter(FrameReader(path, info)))
    expected = np.rot90(make_picture(0), degrees // 90)
    if is_mirrored:
        expected = expected[:, ::-1]
    shown = ShownPictures(path, info).picture(frame, (1000, 1000))
    assert shown.shape == expected.shape
    assert np.abs(shown.astype(int) - expected).mean() < 8


@pytest.mark.parametrize(
    ("degrees", "box_px", "expected_px"),
    [
        (0, (1000, 1000), (320, 90)),
        (0, (160, 160), (160, 45)),
        (90, (45, 1000), (45, 160)),
        (0, (1, 1), (1, 1)),
    ],
)
def test_display_pictures_fit_and_have_square_pixels(
    tmp_path: Path, degrees: int, box_px: tuple[int, int], expected_px: tuple[int, int]
) -> None:
    path = make_video(
        tmp_path / "a.mp4", [1], rotation_degrees=degrees, sample_aspect_ratio=Fraction(2)
    )
    info = probe(path)
    frame = next(iter(FrameReader(path, info)))
    height, width = ShownPictures(path, info).picture(frame, box_px).shape[:2]
    assert (width, height) == expected_px


def pictures_of(clip: Path, known: Known, folder: Path) -> dict[str, Picture]:
    """A picture of a clip in each way in which one is made."""
    timeline = know(clip).timeline
    frames, settings = timeline.frames, SpriteSettings(columns=1, rows=1, max_tiles=1)
    layout = plan_sprites(timeline, Span(0, frames), settings)
    (key,) = write_keyframes(clip, frames, KeyframeSettings(), [folder / "key.jpg"])
    (sheet,) = write_sprites(clip, layout, [folder / "sheet.jpg"]).sheets
    return {
        "key frame": load(key.path),
        "sheet": load(sheet.path),
        "contact sheet": middle_picture(clip, frames, 160),
        "still": pictures_at(known.path, known.info, known.timeline, [30], 160)[30],
    }


@pytest.mark.parametrize("method", ["copy", "reencode"])
@pytest.mark.parametrize("colours", [PQ, HLG])
def test_hdr_is_as_bright_in_all_pictures_as_in_an_encoded_clip(
    colours: Colours, method: ClipMethod, tmp_path: Path
) -> None:
    white = np.full((96, 160, 3), WHITE_SIGNAL[colours])
    known = know(make_deep_video(tmp_path / "hdr.mp4", [white] * 50, colours))
    clip = tmp_path / "clip.mp4"
    assert write_clip(known, Span(13, 45), clip, ClipSettings(method)).method == method
    for name, picture in pictures_of(clip, known, tmp_path).items():
        assert picture.mean() == pytest.approx(WHITE_SHOWN, abs=3), name


def test_pictures_show_what_players_are_asked_to_show(tmp_path: Path) -> None:
    size_px = (160, 90)
    path = crop_mp4(make_video(tmp_path / "a.mp4", [60]), CROP, size_px)
    known = know(path)
    clip = tmp_path / "clip.mp4"
    assert write_clip(known, Span(11, 41), clip, ClipSettings("copy")).method == "copy"
    stored = [frame.picture().astype(int) for frame in FrameReader(path, known.info)]
    pictures = pictures_of(clip, known, tmp_path)
    for name, number in (("sheet", 11), ("key frame", 26), ("contact sheet", 26), ("still", 30)):
        expected = stored[number][CROP.top : CROP.top + CROP.height_px, CROP.left :][:, :90]
        assert pictures[name].shape == expected.shape, name
        assert np.abs(pictures[name] - expected).mean() < 6, name


@pytest.mark.parametrize("field_order", ["tff", "bff"])
def test_what_moves_in_interlaced_pictures_has_no_combs(field_order: str, tmp_path: Path) -> None:
    known = know(make_interlaced_video(tmp_path / "a.mp4", 60, field_order, codec="libx264"))
    clip = tmp_path / "clip.mp4"
    assert write_clip(known, Span(2, 32), clip, ClipSettings("copy")).method == "copy"
    stored = next(iter(FrameReader(clip, probe(clip)))).picture()
    assert combs(stored) > 30
    for name, picture in pictures_of(clip, known, tmp_path).items():
        assert picture.shape == stored.shape
        assert combs(picture) < 10, name
    info = probe(clip)
    half = ShownPictures(clip, info).picture(next(iter(FrameReader(clip, info))), (80, 48))
    assert half.shape == (48, 80, 3)
    assert combs(half) < 10


def combs(picture: Picture) -> float:
    """How far rows are from those above and below, where the square of the video moves."""
    height = picture.shape[0]
    rows = picture[height * 45 // 96 : height * 55 // 96].astype(int).mean(axis=2)
    return float(np.abs(2 * rows[1:-1] - rows[:-2] - rows[2:]).max(axis=1).mean())


@pytest.mark.parametrize("extension", ["mp4", "mkv"])
def test_the_crop_of_a_file_is_read(extension: str, tmp_path: Path) -> None:
    cropped = crop_mp4(make_video(tmp_path / "whole.mp4", [3]), CROP, (160, 90))
    path = tmp_path / f"a.{extension}"
    with av.open(str(cropped)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        for packet in source.demux():
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    with av.open(str(path)) as container:
        assert crop_of(container.streams.video[0]) == CROP


@pytest.mark.parametrize("crop", [Crop(0, 0, 160, 90), Crop(100, 0, 90, 61), Crop(0, 0, 0, 9)])
def test_a_crop_that_leaves_out_nothing_or_more_than_there_is_counts_for_nothing(
    crop: Crop, tmp_path: Path
) -> None:
    path = crop_mp4(make_video(tmp_path / "a.mp4", [3]), crop, (160, 90))
    with av.open(str(path)) as container:
        assert crop_of(container.streams.video[0]) is None


def test_pictures_leave_no_frames_behind(tmp_path: Path) -> None:
    path = make_video(tmp_path / "video.mp4", (30,))
    info = probe(path)
    shown = ShownPictures(path, info)
    gc.collect()
    gc.disable()
    try:
        for frame in FrameReader(path, info):
            shown.picture(frame, (80, 80))
        left = sum(isinstance(one, av.VideoFrame) for one in gc.get_objects())
    finally:
        gc.enable()
    assert left < 10
