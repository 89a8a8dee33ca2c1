"""A picture is blank if it is of one colour, whatever little stands on it."""

import numpy as np

from heaters_pipeline.video.detection.blank import are_blank


def test_one_colour_is_blank_unless_much_stands_on_it_or_it_is_shaded() -> None:
    signatures = np.zeros((4, 9, 16, 3), np.float32)
    signatures[1] = (200, 100, 150)
    signatures[2, :, :8, 0] = 60
    detail = np.array([0, 40, 0, 500], np.float32)
    assert are_blank(signatures, detail).tolist() == [True, True, False, False]


def test_no_picture_is_none() -> None:
    assert are_blank(np.empty((0, 9, 16, 3), np.uint8), np.empty(0, np.float32)).tolist() == []
