"""The tile that the index names shows the frame that it names, as a person would see it."""

import json
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline.video.stills.settings import SpriteSettings
from heaters_pipeline.video.stills.sprite_layout import SpriteLayout, SpritePage, plan_sprites
from heaters_pipeline.video.stills.sprites import SpriteSet, write_sprites
from heaters_pipeline_tests.video.stills.numbered_clips import (
    CLOCKWISE,
    RATE,
    Picture,
    cut_by_copying,
    damage,
    load,
    number_in,
    numbered_picture,
    turn,
    write_numbered,
)


def planned(frames: int, **settings: Any) -> SpriteLayout:
    timeline = Timeline(range(frames), frames, Fraction(1, RATE))
    return plan_sprites(timeline, Span(0, frames), SpriteSettings(**settings))


def written(clip: Path, layout: SpriteLayout) -> tuple[SpriteSet, dict[str, Any]]:
    """Write the pages beside a clip and read the index back as a player would."""
    paths = [
        clip.with_name(f"page-{page}.{layout.settings.format}") for page in range(layout.page_count)
    ]
    sprites = write_sprites(clip, layout, paths)
    return sprites, json.loads(json.dumps(sprites.index([path.name for path in paths])))


def tiles_by_index(folder: Path, index: dict[str, Any]) -> list[Picture]:
    """Cut every tile out of its page, with nothing but the index to go by."""
    pages = [load(folder / page["key"]) for page in index["pages"]]
    width_px, height_px = index["tile_width_px"], index["tile_height_px"]
    tiles = []
    for tile in index["tiles"]:
        x, y = tile["x"], tile["y"]
        assert (x, y) == (tile["column"] * width_px, tile["row"] * height_px)
        picture = pages[tile["page"]][y : y + height_px, x : x + width_px]
        assert picture.shape == (height_px, width_px, 3)
        tiles.append(picture)
    return tiles


def test_each_tile_shows_the_frame_that_the_index_says(tmp_path: Path) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 61)
    layout = planned(61, tiles_per_second=5, columns=4, rows=2, tile_width_px=64)
    _, index = written(clip, layout)
    assert [number_in(tile) for tile in tiles_by_index(tmp_path, index)] == list(range(0, 61, 5))
    assert [tile["frame"] for tile in index["tiles"]] == list(range(0, 61, 5))
    assert [tile["time_seconds"] for tile in index["tiles"]] == [n / 5 for n in range(13)]


def test_the_index_describes_the_pages(tmp_path: Path) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 75)
    layout = planned(75, tiles_per_second=5, columns=4, rows=3, tile_width_px=64)
    tiles_per_second = 14 * 25 / 74
    sprites, index = written(clip, layout)
    head = {name: value for name, value in index.items() if name not in ("pages", "tiles")}
    assert head == {
        "format": "heaters_pipeline/sprite_sheet",
        "format_version": 3,
        "columns": 4,
        "rows": 3,
        "tile_width_px": 64,
        "tile_height_px": 48,
        "fps": tiles_per_second,
        "tile_count": 15,
        "duration_seconds": 3.0,
        "cols": 4,
        "grid_dimensions": "4x3",
        "tile_width": 64,
        "tile_height_calculated": 48,
        "total_sprite_frames": 15,
        "num_frames": 15,
        "clip_fps": tiles_per_second,
        "effective_fps": tiles_per_second,
        "clip_fps_source": 25.0,
        "video_fps": 25.0,
        "clip_total_frames_source": 75,
        "video_duration": 3.0,
    }
    assert [
        {name: row[name] for name in row if name != "size_bytes"} for row in index["pages"]
    ] == [
        page("page-0.jpg", 256, 144, tile_count=12, columns=4, rows=3),
        page("page-1.jpg", 192, 48, tile_count=3, columns=3, rows=1),
    ]
    for row, sheet in zip(index["pages"], sprites.sheets, strict=True):
        assert load(sheet.path).shape == (row["height_px"], row["width_px"], 3)
        assert sheet.path.stat().st_size == sheet.size_bytes == row["size_bytes"]
    assert sorted(file.name for file in tmp_path.iterdir()) == [
        "clip.mp4",
        "page-0.jpg",
        "page-1.jpg",
    ]


def test_players_of_the_system_before_find_the_tile_of_a_frame(tmp_path: Path) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 47)
    _, meta = written(clip, planned(47, tiles_per_second=5, tile_width_px=64))
    sheet = load(tmp_path / meta["pages"][0]["key"])
    # They stretch the sheet to what its grid says.
    size_px = (
        meta["cols"] * meta["tile_width"],
        meta["rows"] * meta["tile_height_calculated"],
    )
    assert sheet.shape[1::-1] == size_px
    for frame in (0, 23, 46):
        share = frame / (meta["clip_total_frames_source"] - 1)
        row, column = divmod(int(share * (meta["total_sprite_frames"] - 1)), meta["cols"])
        x, y = column * meta["tile_width"], row * meta["tile_height_calculated"]
        tile = sheet[y : y + meta["tile_height_calculated"], x : x + meta["tile_width"]]
        seconds = int(share * (meta["total_sprite_frames"] - 1)) / meta["clip_fps"]
        assert number_in(tile) == int(seconds * meta["clip_fps_source"] + 1e-9)


@pytest.mark.parametrize("format", ["jpg", "webp"])
def test_each_frame_of_a_clip_may_be_a_tile(tmp_path: Path, format: str) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 150)
    layout = planned(150, tiles_per_second=25, columns=10, rows=7, tile_width_px=64, format=format)
    _, index = written(clip, layout)
    assert [number_in(tile) for tile in tiles_by_index(tmp_path, index)] == list(range(150))
    assert index["clip_fps"] == index["clip_fps_source"] == 25


def page(key: str, width_px: int, height_px: int, **grid: int) -> dict[str, Any]:
    return {"key": key, "width_px": width_px, "height_px": height_px, **grid}


def test_frames_that_the_edit_list_hides_are_not_counted(tmp_path: Path) -> None:
    source = write_numbered(tmp_path / "source.mp4", 60, gop_frames=30, b_frames=0)
    clip = cut_by_copying(source, tmp_path / "clip.mp4", 41)
    with av.open(str(clip)) as container:
        assert container.streams.video[0].frames == 30, "the clip should have a pre-roll"
    _, index = written(clip, planned(19, tiles_per_second=5, tile_width_px=64))
    shown = [number_in(tile) for tile in tiles_by_index(tmp_path, index)]
    assert shown == [41, 47, 53, 59]


def test_frames_of_uneven_length_are_sampled_by_time(tmp_path: Path) -> None:
    pts = [0, 1, 2, 3, 25, 50, 51, 52, 53, 54]
    clip = write_numbered(tmp_path / "clip.mp4", 10, pts=pts)
    timeline = Timeline(pts, 75, Fraction(1, RATE))
    layout = plan_sprites(timeline, Span(0, 10), SpriteSettings(tile_width_px=64))
    _, index = written(clip, layout)
    shown = [number_in(tile) for tile in tiles_by_index(tmp_path, index)]
    assert shown == [0, 3, 4, 4, 9] == [tile["frame"] for tile in index["tiles"]]


def test_a_turned_clip_has_upright_tiles(tmp_path: Path) -> None:
    clip = turn(write_numbered(tmp_path / "clip.mp4", 30), CLOCKWISE)
    sprites, index = written(clip, planned(30, tile_width_px=64))
    assert sprites.tile_size_px == (48, 64)
    stored = [np.rot90(tile) for tile in tiles_by_index(tmp_path, index)]
    assert [number_in(tile) for tile in stored] == [0, 14, 29]


def test_wide_pixels_make_wide_tiles(tmp_path: Path) -> None:
    clip = write_numbered(
        tmp_path / "clip.mp4", 3, size_px=(64, 64), sample_aspect_ratio=Fraction(2)
    )
    sprites, index = written(clip, planned(3))
    assert sprites.tile_size_px == (128, 64)
    assert number_in(tiles_by_index(tmp_path, index)[0]) == 0


def test_a_tile_fits_into_a_square_of_the_width(tmp_path: Path) -> None:
    wide = write_numbered(tmp_path / "wide.mp4", 1, size_px=(128, 64))
    assert written(wide, planned(1, tile_width_px=100))[0].tile_size_px == (100, 50)
    upright = write_numbered(tmp_path / "upright.mp4", 1, size_px=(64, 128))
    assert written(upright, planned(1, tile_width_px=100))[0].tile_size_px == (50, 100)


def test_a_clip_of_one_frame_is_one_tile(tmp_path: Path) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 1)
    sprites, index = written(clip, planned(1))
    assert index["tile_count"] == 1
    assert sprites.sheets[0].page == SpritePage(0, tile_count=1, columns=1, rows=1)
    assert load(sprites.sheets[0].path).shape == (96, 128, 3)
    assert [number_in(tile) for tile in tiles_by_index(tmp_path, index)] == [0]


def test_tiles_keep_their_size_where_the_pictures_do_not(tmp_path: Path) -> None:
    clip = write_two_sizes(tmp_path / "clip.ts", 5, (128, 64), (64, 64))
    sprites, index = written(clip, planned(10, tiles_per_second=25))
    assert sprites.tile_size_px == (128, 64)
    tiles = tiles_by_index(tmp_path, index)
    assert [number_in(tile) for tile in tiles[:5]] == [0, 1, 2, 3, 4]
    assert [number_in(tile[:, 32:96]) for tile in tiles[5:]] == [0, 1, 2, 3, 4]
    assert all(tile[4:, 4:28].max() < 40 for tile in tiles[5:]), "black beside a narrow picture"


def write_two_sizes(path: Path, frames: int, *sizes_px: tuple[int, int]) -> Path:
    """A transport stream whose picture size changes on the way."""
    with av.open(str(path), "w") as container:
        target = container.add_stream("libx264", rate=RATE)
        for part, size_px in enumerate(sizes_px):
            encoder = av.CodecContext.create("libx264", "w")
            assert isinstance(encoder, av.VideoCodecContext)
            encoder.width, encoder.height = size_px
            encoder.pix_fmt, encoder.time_base = "yuv420p", Fraction(1, RATE)
            encoder.options = {"preset": "ultrafast", "crf": "20"}
            pictures = [numbered_picture(number, size_px) for number in range(frames)]
            for number, picture in enumerate(pictures):
                frame = av.VideoFrame.from_ndarray(picture, format="bgr24")
                frame.pts, frame.time_base = part * frames + number, Fraction(1, RATE)
                for packet in encoder.encode(frame):
                    packet.stream = target
                    container.mux(packet)
            for packet in encoder.encode(None):
                packet.stream = target
                container.mux(packet)
    return path


@pytest.mark.parametrize("promised", [29, 31])
def test_another_number_of_frames_than_promised_leaves_nothing(
    tmp_path: Path, promised: int
) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 30)
    with pytest.raises(ClipError, match=rf"clip.mp4 shows 30 frames instead of {promised};"):
        written(clip, planned(promised, columns=1, rows=1))
    assert list(tmp_path.iterdir()) == [clip]


def test_frames_that_cannot_be_decoded_are_missed(tmp_path: Path) -> None:
    clip = damage(write_numbered(tmp_path / "clip.mp4", 40, b_frames=0), range(30, 33))
    with pytest.raises(ClipError, match=r"shows \d+ frames instead of 40; delete the clip"):
        written(clip, planned(40))
    assert list(tmp_path.iterdir()) == [clip]


def test_a_clip_that_is_no_video_is_not_held_against_its_source(tmp_path: Path) -> None:
    clip = tmp_path / "clip.mp4"
    clip.write_bytes(b"no video at all" * 100)
    with pytest.raises(ClipError, match=r"clip\.mp4 cannot be read back .*delete the clip"):
        written(clip, planned(10))


def test_a_page_that_cannot_be_written_takes_the_others_with_it(tmp_path: Path) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 50)
    layout = planned(50, columns=1, rows=2)
    assert layout.page_count == 2
    paths = [tmp_path / "page-0.jpg", tmp_path / "missing" / "page-1.jpg"]
    with pytest.raises(FileNotFoundError):
        write_sprites(clip, layout, paths)
    assert list(tmp_path.iterdir()) == [clip]


def test_a_page_that_cannot_be_moved_into_place_takes_the_others_with_it(tmp_path: Path) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 50)
    in_the_way = tmp_path / "page-1.jpg"
    in_the_way.mkdir()
    with pytest.raises(IsADirectoryError):
        write_sprites(clip, planned(50, columns=1, rows=2), [tmp_path / "page-0.jpg", in_the_way])
    assert sorted(tmp_path.iterdir()) == [clip, in_the_way]


def test_each_page_needs_a_path(tmp_path: Path) -> None:
    clip = write_numbered(tmp_path / "clip.mp4", 50)
    with pytest.raises(ValueError, match="1 paths for 2 pages"):
        write_sprites(clip, planned(50, columns=1, rows=2), [tmp_path / "page-0.jpg"])
