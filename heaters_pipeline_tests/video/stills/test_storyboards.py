"""A storyboard says of each time of a video which tile to show, in four forms that agree."""

import json
import re
import struct
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.shown_pictures import ShownPictures
from heaters_pipeline.video.media.timing import Timeline
from heaters_pipeline.video.stills.bif_file import BifFile, is_whole_bif
from heaters_pipeline.video.stills.picture_shelf import PictureShelf, WantedPicture
from heaters_pipeline.video.stills.settings import StoryboardSettings
from heaters_pipeline.video.stills.source_pictures import make_pictures
from heaters_pipeline.video.stills.storyboard_layout import plan_storyboard
from heaters_pipeline.video.stills.storyboards import Storyboard, write_storyboard
from heaters_pipeline_tests.video.clips.clip_sources import Known, know
from heaters_pipeline_tests.video.clips.deep_clips import HLG, PQ, Colours, make_deep_video
from heaters_pipeline_tests.video.stills.numbered_clips import load
from heaters_pipeline_tests.videos import Picture, frame_number_of, make_video

SHEET = "0123456789abcdef-{:03d}.jpg"
WHITE_SIGNAL = {PQ: 0.5807, HLG: 0.75}
WHITE_SHOWN = 230

Cue = tuple[int, int, str, tuple[int, int, int, int]]
"""Start and end in milliseconds, the sheet, and left, top, width and height on it."""


def make(known: Known, folder: Path, settings: StoryboardSettings) -> Storyboard:
    """Write the storyboard of a video, as the asset does it."""
    layout = plan_storyboard(known.timeline, settings)
    wanted = [WantedPicture(frame, settings.tile_width_px) for frame in layout.shown_frames]
    shelf = PictureShelf(folder / "shelf")
    make_pictures(known.path, known.info, known.timeline, wanted, shelf.add)
    names = map(SHEET.format, range(layout.page_count))
    sheets = [(folder / name).with_suffix(f".{settings.format}") for name in names]
    pictures = (shelf.pixels(one) for one in wanted)
    storyboard = write_storyboard(pictures, layout, sheets, folder / "a.bif")
    shelf.close()
    return storyboard


def planned(timeline: Timeline, **settings: Any) -> Storyboard:
    """What players are told of a storyboard whose pictures are not made."""
    layout = plan_storyboard(timeline, StoryboardSettings(**settings))
    names = tuple(SHEET.format(sheet) for sheet in range(layout.page_count))
    return Storyboard(layout, (320, 180), names)


def at_rate(seconds: Fraction | int, rate: int = 25) -> Timeline:
    frames = round(seconds * rate)
    return Timeline(range(frames), frames, Fraction(1, rate))


def cues_of(vtt: bytes) -> list[Cue]:
    """The cues of a WebVTT file, by the grammar of the standard and no more of it than is used."""
    head, *blocks = vtt.decode("utf-8").rstrip("\n").split("\n\n")
    assert head == "WEBVTT"
    clock = r"(\d{2,}):([0-5]\d):([0-5]\d)\.(\d{3})"
    cue = re.compile(rf"{clock} --> {clock}\n([\w-]+\.jpg)#xywh=(\d+),(\d+),(\d+),(\d+)")
    found = []
    for block in blocks:
        match = cue.fullmatch(block)
        assert match, block
        numbers = [int(each) for at, each in enumerate(match.groups()) if at != 8]
        h, m, s, ms, h2, m2, s2, ms2, x, y, width, height = numbers
        start, end = ((h * 60 + m) * 60 + s) * 1000 + ms, ((h2 * 60 + m2) * 60 + s2) * 1000 + ms2
        found.append((start, end, match[9], (x, y, width, height)))
    return found


def require_whole(cues: list[Cue], interval_ms: int, duration_ms: int) -> None:
    assert cues[0][0] == 0
    assert cues[-1][1] == duration_ms
    assert all(end == start for (_, end, *_), (start, *_) in pairwise(cues)), "no gaps"
    assert all(end - start == interval_ms for start, end, *_ in cues[:-1])
    assert 0 < cues[-1][1] - cues[-1][0] <= interval_ms


def tiles_of(folder: Path, cues: list[Cue]) -> list[Picture]:
    """Cut each tile out of its sheet, with nothing but the cues to go by."""
    sheets = {name: load(folder / name) for name in {cue[2] for cue in cues}}
    tiles = []
    for _, _, name, (x, y, width, height) in cues:
        tile = sheets[name][y : y + height, x : x + width]
        assert tile.shape == (height, width, 3)
        tiles.append(tile)
    return tiles


def pictures_in_bif(data: bytes) -> tuple[int, list[tuple[int, Picture]]]:
    """Milliseconds of a unit, and the pictures with their times in units, as Roku describes it."""
    assert data[:8] == bytes([0x89, 0x42, 0x49, 0x46, 0x0D, 0x0A, 0x1A, 0x0A])
    version, count, unit_ms = struct.unpack_from("<III", data, 8)
    assert version == 0
    assert data[20:64] == bytes(44)
    index = [struct.unpack_from("<II", data, 64 + 8 * at) for at in range(count + 1)]
    assert index[0][1] == 64 + 8 * (count + 1)
    assert index[-1] == (0xFFFFFFFF, len(data))
    found = []
    for (number, start), (_, end) in pairwise(index):
        picture = cv2.imdecode(np.frombuffer(data[start:end], np.uint8), cv2.IMREAD_COLOR)
        assert picture is not None
        found.append((number, np.asarray(picture, np.uint8)))
    return unit_ms, found


def test_all_forms_name_the_frame_that_the_video_shows_then(tmp_path: Path) -> None:
    known = know(make_video(tmp_path / "a.mp4", [130], options={"g": "12", "bf": "2"}))
    storyboard = make(known, tmp_path, StoryboardSettings(columns=2, rows=2))
    shown = [0, 25, 50, 75, 100, 125]

    cues = cues_of(storyboard.webvtt())
    require_whole(cues, 1000, 5200)
    assert [frame_number_of(tile) for tile in tiles_of(tmp_path, cues)] == shown
    first, last = (load(tmp_path / SHEET.format(sheet)) for sheet in (0, 1))
    assert first.shape == last.shape == (2 * 90, 2 * 160, 3)
    assert not last[90 + 8 :].any(), "black where there are no tiles"

    content = json.loads(storyboard.json())
    tiles = content.pop("tiles")
    assert content == {
        "url": SHEET.format(0),
        "tile_width": 160,
        "tile_height": 90,
        "duration": 5.2,
    }
    assert [one["frame"] for one in tiles] == shown
    assert [(one["start"] * 1000, one["url"], one["x"], one["y"]) for one in tiles] == [
        (start, name, x, y) for start, _, name, (x, y, _, _) in cues
    ]

    unit_ms, pictures = pictures_in_bif((tmp_path / "a.bif").read_bytes())
    assert unit_ms == 1000
    assert [number for number, _ in pictures] == [0, 1, 2, 3, 4, 5]
    assert [frame_number_of(picture) for _, picture in pictures] == shown


def test_the_playlist_of_images_names_each_sheet_with_its_grid() -> None:
    playlist = planned(at_rate(Fraction(2663, 25)), columns=10, rows=5).images_playlist()
    assert playlist.decode().splitlines() == [
        "#EXTM3U",
        "#EXT-X-TARGETDURATION:50",
        "#EXT-X-VERSION:7",
        "#EXT-X-MEDIA-SEQUENCE:1",
        "#EXT-X-PLAYLIST-TYPE:VOD",
        "#EXT-X-IMAGES-ONLY",
        "#EXTINF:50.000,",
        "#EXT-X-TILES:RESOLUTION=320x180,LAYOUT=10x5,DURATION=1.000",
        SHEET.format(0),
        "#EXTINF:50.000,",
        "#EXT-X-TILES:RESOLUTION=320x180,LAYOUT=10x5,DURATION=1.000",
        SHEET.format(1),
        "#EXTINF:6.520,",
        "#EXT-X-TILES:RESOLUTION=320x180,LAYOUT=10x5,DURATION=1.000",
        SHEET.format(2),
        "#EXT-X-ENDLIST",
    ]


@pytest.mark.parametrize(
    ("seconds", "interval_seconds", "tiles", "sheets"),
    [
        (211, 1, 211, 3),
        (600, 1, 600, 6),
        (Fraction(15001, 25), 2, 301, 4),
        (20 * 60, 2, 600, 6),
        (2 * 3600, 12, 600, 6),
        (3 * 3600, 18, 600, 6),
        (24 * 3600, 144, 600, 6),
    ],
)
def test_long_videos_have_longer_intervals_and_no_more_tiles(
    seconds: Fraction | int, interval_seconds: int, tiles: int, sheets: int
) -> None:
    storyboard = planned(at_rate(seconds))
    cues = cues_of(storyboard.webvtt())
    require_whole(cues, interval_seconds * 1000, round(seconds * 1000))
    assert (len(cues), storyboard.layout.page_count) == (tiles, sheets)


def test_a_chosen_interval_counts_for_any_length() -> None:
    cues = cues_of(planned(at_rate(3 * 3600), interval_seconds=5).webvtt())
    require_whole(cues, 5000, 3 * 3600 * 1000)
    assert len(cues) == 2160
    assert cues[-1][:3] == (10_795_000, 10_800_000, SHEET.format(21))


@pytest.mark.parametrize(
    ("timeline", "duration_ms"),
    [
        (Timeline([0], 1, Fraction(1, 25)), 40),
        (Timeline([7], 8, Fraction(1, 90_000)), 1),
        (at_rate(Fraction(1, 2), 24), 500),
        # A third of a millisecond over a second: no cue of it.
        (Timeline([0, 500], 3001, Fraction(1, 3000)), 1000),
        (Timeline([0, 500], 3002, Fraction(1, 3000)), 1001),
    ],
)
def test_no_cue_is_empty_however_short_the_video(timeline: Timeline, duration_ms: int) -> None:
    storyboard = planned(timeline)
    cues = cues_of(storyboard.webvtt())
    require_whole(cues, 1000, duration_ms)
    assert json.loads(storyboard.json())["duration"] == duration_ms / 1000
    assert len(cues) == (2 if duration_ms > 1000 else 1)


@pytest.mark.parametrize("frames", [1, 12])
def test_a_short_video_has_one_tile(tmp_path: Path, frames: int) -> None:
    known = know(make_video(tmp_path / "a.mp4", [frames]))
    storyboard = make(known, tmp_path, StoryboardSettings())
    ((start, end, name, place),) = cues_of(storyboard.webvtt())
    assert (start, end, name, place) == (0, frames * 40, SHEET.format(0), (0, 0, 160, 90))
    assert frame_number_of(load(tmp_path / name)) == 0
    assert len(pictures_in_bif((tmp_path / "a.bif").read_bytes())[1]) == 1


def test_with_a_variable_rate_a_tile_is_what_is_shown_at_its_time(tmp_path: Path) -> None:
    # Frame 2 is shown for three seconds, then there are three in a tenth of a second.
    pts = [0, 90, 95, 400, 403, 406, 500]
    path = make_video(tmp_path / "a.mkv", [7], pts=pts, time_base=Fraction(1, 100))
    known = know(path)
    storyboard = make(known, tmp_path, StoryboardSettings(columns=3))
    cues = cues_of(storyboard.webvtt())
    require_whole(cues, 1000, round(known.timeline.seconds_at(7) * 1000))
    numbers = [frame_number_of(tile) for tile in tiles_of(tmp_path, cues)]
    assert numbers[:6] == [0, 2, 2, 2, 3, 6]
    assert [one["frame"] for one in json.loads(storyboard.json())["tiles"]] == numbers


@pytest.mark.parametrize(
    ("degrees", "aspect", "tile_px"),
    [(0, 1, (64, 36)), (90, 1, (36, 64)), (0, 2, (64, 18)), (270, 2, (18, 64))],
)
def test_tiles_are_turned_and_have_square_pixels(
    tmp_path: Path, degrees: int, aspect: int, tile_px: tuple[int, int]
) -> None:
    path = make_video(
        tmp_path / "a.mp4", [30], rotation_degrees=degrees, sample_aspect_ratio=Fraction(aspect)
    )
    known = know(path)
    storyboard = make(known, tmp_path, StoryboardSettings(tile_width_px=64))
    assert storyboard.tile_size_px == tile_px
    first = next(iter(FrameReader(path, known.info)))
    seen = ShownPictures(path, known.info).picture(first, (64, 64))
    tile, _ = tiles_of(tmp_path, cues_of(storyboard.webvtt()))
    assert np.abs(tile.astype(int) - seen).mean() < 8


@pytest.mark.parametrize("colours", [PQ, HLG])
def test_hdr_tiles_are_as_bright_as_a_person_sees_them(tmp_path: Path, colours: Colours) -> None:
    white = np.full((96, 160, 3), WHITE_SIGNAL[colours])
    known = know(make_deep_video(tmp_path / "hdr.mp4", [white] * 30, colours))
    storyboard = make(known, tmp_path, StoryboardSettings())
    tile, _ = tiles_of(tmp_path, cues_of(storyboard.webvtt()))
    assert tile.mean() == pytest.approx(WHITE_SHOWN, abs=3)
    _, ((_, picture), _) = pictures_in_bif((tmp_path / "a.bif").read_bytes())
    assert picture.mean() == pytest.approx(WHITE_SHOWN, abs=3)


def test_a_bif_file_that_was_cut_off_is_not_whole(tmp_path: Path) -> None:
    with BifFile(tmp_path / "a.bif", 2, 1000) as file:
        file.add(b"one")
        file.add(b"two")
    data = (tmp_path / "a.bif").read_bytes()
    assert len(data) == 64 + 3 * 8 + 6
    assert data.endswith(b"onetwo")
    assert is_whole_bif(data, 2, 1000)
    assert not is_whole_bif(data[:-1], 2, 1000)
    assert not is_whole_bif(data[:70], 2, 1000)
    assert not is_whole_bif(data, 3, 1000)
    assert not is_whole_bif(data, 2, 2000)


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        ({"interval_seconds": -1}, "interval_seconds is -1, it must lie between 0 and 3600"),
        ({"interval_seconds": 3601}, "interval_seconds is 3601"),
        ({"tile_width_px": 15}, "tile_width_px is 15"),
        ({"columns": 0}, "columns is 0"),
        ({"rows": 0}, "rows is 0"),
        ({"jpeg_quality": 0}, "jpeg_quality is 0"),
    ],
)
def test_settings_out_of_bounds_are_refused(settings: dict[str, int], why: str) -> None:
    with pytest.raises(SettingsError, match=why):
        StoryboardSettings(**settings)
