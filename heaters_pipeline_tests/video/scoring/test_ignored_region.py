"""Ignored regions are what a person sees, whichever way the picture is stored."""

import numpy as np
import pytest

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.media.orientation import Orientation
from heaters_pipeline.video.scoring.ignored_region import IgnoredRegion, counted_mask


def test_every_point_that_a_region_touches_is_left_out() -> None:
    mask = counted_mask((10, 5), [IgnoredRegion(0.15, 0.5, 0.4, 1)], Orientation())
    expected = np.full((5, 10), 255, np.uint8)
    expected[2:, 1:4] = 0
    np.testing.assert_array_equal(mask, expected)


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("horizontal", [False, True])
@pytest.mark.parametrize("vertical", [False, True])
def test_a_region_is_taken_of_the_picture_as_displayed(
    transpose: bool, horizontal: bool, vertical: bool
) -> None:
    orientation = Orientation(transpose, horizontal, vertical)
    mask = counted_mask((8, 4), [IgnoredRegion(0, 0, 0.5, 0.25)], orientation)
    shown = orientation.apply(mask[:, :, None])[:, :, 0]
    expected = np.full_like(shown, 255)
    expected[: shown.shape[0] // 4, : shown.shape[1] // 2] = 0
    np.testing.assert_array_equal(shown, expected)


def test_a_region_is_read_as_it_is_written() -> None:
    region = IgnoredRegion.parse("0, 0.9,1,1")
    assert region == IgnoredRegion(0, 0.9, 1, 1)
    assert str(region) == "0,0.9,1,1"


@pytest.mark.parametrize(
    "text", ["", "1,2,3", "0,0,1", "a,b,c,d", "0,0,0,1", "0.5,0,0.4,1", "0,0,1,1.1", "nan,0,1,1"]
)
def test_what_is_no_region_is_refused(text: str) -> None:
    with pytest.raises(SettingsError, match="left,top,right,bottom"):
        IgnoredRegion.parse(text)
