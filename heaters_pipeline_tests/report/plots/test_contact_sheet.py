"""Sheets fit into their bytes, show what they can, and say what they leave out."""

import base64
import re

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.report.plots.contact_sheet import contact_sheet_jpeg, evenly, markdown_image

Picture = npt.NDArray[np.uint8]


def decoded(jpeg: bytes) -> Picture:
    assert jpeg.startswith(b"\xff\xd8\xff")
    picture = cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.astype(np.uint8, copy=False)


def plain(shade: int, size_px: tuple[int, int] = (320, 180)) -> Picture:
    return np.full((size_px[1], size_px[0], 3), shade, np.uint8)


def textured(count: int) -> list[tuple[str, Picture]]:
    """Pictures that compress as badly as footage does."""
    rng = np.random.default_rng(3)
    return [
        (
            f"{number:03d} 00:{number % 60:02d}.0",
            cv2.resize(rng.integers(0, 256, (36, 64, 3), np.uint8), (320, 180)).astype(np.uint8),
        )
        for number in range(count)
    ]


def test_pictures_stand_in_order_row_by_row() -> None:
    shades = [60, 90, 120, 150, 180]
    sheet = decoded(contact_sheet_jpeg([("", plain(shade)) for shade in shades], columns=3))
    assert sheet.shape[1] == 3 * 160 + 2 * 2
    row_px = sheet.shape[0] // 2
    middles = [sheet[45 + row * row_px, 80 + column * 162] for row in (0, 1) for column in range(3)]
    assert np.mean(middles[:5], axis=1) == pytest.approx(shades, abs=6)
    assert np.mean(middles[5]) < 50, "no sixth picture"


def test_few_pictures_make_a_narrow_sheet() -> None:
    assert decoded(contact_sheet_jpeg([("1", plain(99))], columns=5)).shape[1] == 160


def test_a_caption_stands_below_its_picture() -> None:
    with_caption = decoded(contact_sheet_jpeg([("003 00:12.4", plain(0))], columns=1))
    without = decoded(contact_sheet_jpeg([("", plain(0))], columns=1))
    assert with_caption.shape == without.shape
    differs = np.abs(with_caption.astype(int) - without).max(axis=2) > 60
    rows, columns = np.nonzero(differs)
    assert len(rows) > 60
    assert rows.min() >= 88
    assert columns.max() < 100
    assert with_caption[90:].max() > 200, "light on dark"


def test_a_long_caption_stays_below_its_own_picture() -> None:
    long = decoded(contact_sheet_jpeg([("W" * 200, plain(0)), ("", plain(0))], columns=2))
    without = decoded(contact_sheet_jpeg([("", plain(0)), ("", plain(0))], columns=2))
    changed = np.flatnonzero((np.abs(long.astype(int) - without) > 40).any(axis=(0, 2)))
    assert 120 < changed.max() < 162


def test_upright_and_wide_pictures_keep_their_shape() -> None:
    upright, wide = plain(255, (90, 160)), plain(255, (160, 40))
    sheet = decoded(contact_sheet_jpeg([("", upright), ("", wide)], columns=2))
    light = sheet.min(axis=2) > 200
    assert np.ptp(np.flatnonzero(light[:, :161].any(axis=0))) + 1 == pytest.approx(90, abs=2)
    assert np.ptp(np.flatnonzero(light[:, :161].any(axis=1))) + 1 == pytest.approx(160, abs=2)
    assert np.ptp(np.flatnonzero(light[:, 162:].any(axis=1))) + 1 == pytest.approx(40, abs=2)


@pytest.mark.parametrize("count", [1, 2, 5, 13, 40, 150])
@pytest.mark.parametrize("max_bytes", [5_000, 30_000])
def test_the_sheet_fits(count: int, max_bytes: int) -> None:
    jpeg = contact_sheet_jpeg(textured(count), columns=5, max_bytes=max_bytes)
    assert len(jpeg) <= max_bytes
    assert decoded(jpeg).size


def test_what_is_left_out_is_said() -> None:
    pictures = textured(150)
    sheet = decoded(contact_sheet_jpeg(pictures, columns=5))
    tile_width_px = (sheet.shape[1] - 4 * 2) // 5
    row_px = round(tile_width_px * 9 / 16) + 17
    assert sheet.shape[0] % row_px == 17, "whole rows and a line of text"
    assert sheet[-17:].max() > 200
    assert tile_width_px >= 112
    few = decoded(contact_sheet_jpeg(pictures[:3], columns=5))
    assert few.shape[0] == 90 + 17, "no such line where all are shown"


def test_a_choice_made_before_is_said_too() -> None:
    pictures = [("", plain(0))] * 2
    assert decoded(contact_sheet_jpeg(pictures, columns=2, total=2)).shape[0] == 90 + 17
    chosen = decoded(contact_sheet_jpeg(pictures, columns=2, total=700))
    assert chosen.shape[0] == 90 + 17 + 17
    assert chosen[-17:].max() > 200


def test_quality_gives_way_before_pictures_do() -> None:
    pictures = textured(8)
    good = contact_sheet_jpeg(pictures, columns=4, max_bytes=200_000)
    small = contact_sheet_jpeg(pictures, columns=4, max_bytes=len(good) * 9 // 10)
    assert len(small) < len(good)
    assert decoded(small).shape == decoded(good).shape


def test_nothing_to_show_and_nowhere_to_show_it_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one picture"):
        contact_sheet_jpeg([], columns=5)
    with pytest.raises(ValueError, match="fits into 100 bytes"):
        contact_sheet_jpeg(textured(3), columns=5, max_bytes=100)
    with pytest.raises(ValueError, match="103 tiles of 160 px are wider than 16384 px"):
        contact_sheet_jpeg(textured(1), columns=103)


def test_a_sheet_grows_no_higher_than_a_jpeg_can_be() -> None:
    pictures = [("", plain(0, (16, 16)))] * 500
    sheet = decoded(contact_sheet_jpeg(pictures, columns=1, max_bytes=10_000_000))
    assert 15_000 < sheet.shape[0] <= 16_384 + 17


@given(count=st.integers(1, 10_000), data=st.data())
def test_an_even_choice_is_spread_from_the_first_to_the_last(
    count: int, data: st.DataObject
) -> None:
    wanted = data.draw(st.integers(1, min(count, 200)))
    chosen = evenly(count, wanted)
    assert len(chosen) == len(set(chosen)) == wanted
    assert chosen[0] == 0
    assert wanted == 1 or chosen[-1] == count - 1
    gaps = np.diff(chosen)
    assert wanted == 1 or gaps.max() - gaps.min() <= 1


def test_a_picture_stands_in_markdown_as_it_is() -> None:
    text = markdown_image(b"\x89PNG\x00", "image/png", "holiday")
    match = re.fullmatch(r"!\[holiday\]\(data:image/png;base64,([A-Za-z0-9+/=]+)\)", text)
    assert match
    assert base64.b64decode(match[1]) == b"\x89PNG\x00"


@pytest.mark.parametrize(
    ("alt", "written"),
    [
        ("a](http://x)", r"a\]\(http\:\/\/x\)"),
        ("<script>&`*_", r"\<script\>\&\`\*\_"),
        ("two\n\nlines\t", "two lines"),
        ("back\\slash]", r"back\\slash\]"),
        ("été 1", "été 1"),
    ],
)
def test_alt_text_cannot_break_out(alt: str, written: str) -> None:
    assert markdown_image(b"x", "image/png", alt).startswith(f"![{written}](data:image/png;")
