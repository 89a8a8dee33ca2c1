"""Pictures of many frames in one decode: the right ones, each once, and no more read."""

from pathlib import Path

import numpy as np
import pytest

from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.shown_pictures import ShownPictures
from heaters_pipeline.video.media.timing import Timeline
from heaters_pipeline.video.stills import source_pictures
from heaters_pipeline.video.stills.picture_files import decoded_picture, encoded_picture
from heaters_pipeline.video.stills.picture_shelf import (
    MadePicture,
    PictureShelf,
    Wanted,
    WantedPicture,
)
from heaters_pipeline.video.stills.settings import PictureCoding
from heaters_pipeline.video.stills.source_pictures import make_pictures
from heaters_pipeline_tests.video.stills.numbered_clips import damage
from heaters_pipeline_tests.videos import make_video

OPTIONS = {"g": "25", "bf": "3", "sc_threshold": "0"}
WANTED = [
    WantedPicture(0, 40),
    WantedPicture(0, 160, PictureCoding(90)),
    WantedPicture(7, 40),
    WantedPicture(61, 40),
    WantedPicture(119, 160, PictureCoding(80, "webp")),
]


def made(path: Path, timeline: Timeline, wanted: list[WantedPicture]) -> dict[Wanted, bytes]:
    kept: dict[Wanted, bytes] = {}

    def keep(one: Wanted, picture: MadePicture) -> None:
        assert one not in kept
        kept[one] = picture.data

    make_pictures(path, probe(path), timeline, wanted, keep)
    return kept


def read_through(path: Path) -> tuple[Timeline, dict[WantedPicture, bytes]]:
    """The same of a decode of the whole file."""
    info = probe(path)
    shown, reader = ShownPictures(path, info), FrameReader(path, info)
    expected = {}
    for frame in reader:
        for one in WANTED:
            if one.frame == frame.index:
                picture = shown.picture(frame, (one.max_side_px, one.max_side_px))
                name = "a picture"
                coded = encoded_picture(picture, one.coding, name) if one.coding else None
                expected[one] = picture.tobytes() if coded is None else coded
    return reader.timeline, expected


@pytest.mark.parametrize("frames_a_seek", [0, 10_000])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_pictures_are_those_of_a_decode_of_the_whole_file(
    tmp_path: Path, codec: str, frames_a_seek: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_pictures, "_FRAMES_A_SEEK", frames_a_seek)
    options = OPTIONS if codec == "libx264" else {"g": "25", "bf": "2", "qscale": "2"}
    path = make_video(tmp_path / "video.mp4", (120,), codec=codec, options=options)
    timeline, expected = read_through(path)
    assert made(path, timeline, WANTED) == expected


def test_few_pictures_do_not_read_the_whole_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = make_video(tmp_path / "video.mp4", (300,), options=OPTIONS)
    timeline, _ = read_through(path)

    def refused(*_: object) -> None:
        raise AssertionError("all packets were read")

    monkeypatch.setattr(source_pictures, "index_packets", refused)
    few = [WantedPicture(61, 40), WantedPicture(250, 40)]
    assert made(path, timeline, few).keys() == set(few)
    with pytest.raises(AssertionError, match="all packets were read"):
        made(path, timeline, [WantedPicture(frame, 40) for frame in range(0, 300, 10)])


def test_damage_is_patched_up_and_all_pictures_are_there(tmp_path: Path) -> None:
    path = make_video(tmp_path / "video.mp4", (120,), options={**OPTIONS, "bf": "0"})
    timeline, _ = read_through(path)
    damage(path, range(60, 63))
    assert made(path, timeline, WANTED).keys() == set(WANTED)


def test_a_shelf_gives_what_was_put_on_it(tmp_path: Path) -> None:
    shelf = PictureShelf(tmp_path / "pictures")
    small = np.random.default_rng(1).integers(0, 256, (9, 16, 3), np.uint8)
    shelf.add(WANTED[0], MadePicture(0, small.tobytes(), 16, 9))
    coded = encoded_picture(small, PictureCoding(90), "a picture")
    shelf.add(WANTED[1], MadePicture(0, coded, 16, 9))
    assert WANTED[1] in shelf
    assert WANTED[2] not in shelf
    assert np.array_equal(shelf.pixels(WANTED[0]), small)
    assert shelf.picture(WANTED[1]) == MadePicture(0, coded, 16, 9)
    assert np.array_equal(shelf.pixels(WANTED[1]), decoded_picture(coded))
    shelf.clear()
    assert WANTED[0] not in shelf
    shelf.add(WANTED[2], MadePicture(0, small.tobytes(), 16, 9))
    assert np.array_equal(shelf.pixels(WANTED[2]), small)
    with pytest.raises(KeyError):
        shelf.picture(WANTED[0])
    shelf.close()
