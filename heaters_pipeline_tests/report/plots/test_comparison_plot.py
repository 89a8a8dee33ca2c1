"""Methods stand side by side, each cut where and as it was judged."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from heaters_pipeline.report.plots.comparison_picture import (
    comparison_picture,
    small_comparison_picture,
)
from heaters_pipeline.report.plots.comparison_plot import CutMark, Lane, Verdict, draw_comparison
from heaters_pipeline.report.plots.tuning_picture import tuning_picture
from heaters_pipeline.video.detection.comparing import compare, variants_from
from heaters_pipeline.video.detection.labels import LabelledGradual, Labels
from heaters_pipeline.video.detection.settings import METHODS, Method
from heaters_pipeline.video.detection.tuning import choose, try_thresholds
from heaters_pipeline_tests.video.detection.tracks import made_track

GREEN = (46, 139, 87)
RED = (209, 73, 91)
ORANGE = (224, 123, 40)
AMBER = (237, 174, 73)
TRACK = made_track(250, {50: 0.9, 100: 0.5, 200: 0.9})

Pixels = npt.NDArray[np.int16]


def pixels(png: bytes) -> Pixels:
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"), np.int16)


def columns_of(picture: Pixels, colour: tuple[int, int, int]) -> list[int]:
    """Where bars of a colour stand, below the legend."""
    close = np.abs(picture[90:] - np.array(colour)).max(axis=2) < 20
    columns = np.flatnonzero(close.sum(axis=0) > 8)
    return [int(one) for one in columns[np.diff(columns, prepend=-9) > 1]]


def lane(verdict: Verdict, *seconds: float) -> Lane:
    cuts = [CutMark(one, verdict) for one in seconds]
    return Lane(verdict, "facts", cuts, [])


def test_a_cut_stands_at_its_time_in_the_colour_of_its_verdict() -> None:
    lanes = [lane("right", 1, 9), lane("wrong", 5)]
    picture = pixels(draw_comparison(10, lanes, title="holiday").png())
    left, right = columns_of(picture, GREEN)
    (wrong,) = columns_of(picture, RED)
    assert wrong == pytest.approx((left + right) / 2, abs=3)


def test_a_long_video_takes_several_rows_unless_told_otherwise() -> None:
    lanes = [lane("by all", *range(0, 7200, 10))]
    heights = [
        pixels(draw_comparison(7200, lanes, title="holiday", most_rows=rows).png()).shape[0]
        for rows in (1, 4, 12)
    ]
    assert heights == sorted(set(heights))


def test_without_labels_a_cut_that_nobody_else_has_is_seen() -> None:
    comparison = compare(TRACK, variants_from(["correl=0.2", "correl=0.8"]))
    picture = pixels(comparison_picture(TRACK.timeline, comparison, None, title="holiday"))
    assert len(columns_of(picture, GREEN)) == 2
    assert len(columns_of(picture, ORANGE)) == 1


def test_with_labels_right_wrong_and_missed_are_seen() -> None:
    labels = Labels(250, (50, 150), (LabelledGradual(220, 240, "wipe"),), ((0, 9),))
    comparison = compare(TRACK, variants_from(["correl=0.2"]), labels)
    picture = pixels(comparison_picture(TRACK.timeline, comparison, labels, title="$x_$" * 90))
    assert len(columns_of(picture, GREEN)) == 1
    # One wrong cut is drawn through, the missed one dashed.
    assert len(columns_of(picture, RED)) == 2
    without = compare(TRACK, variants_from(["correl=0.2"]))
    plain = pixels(comparison_picture(TRACK.timeline, without, None, title="holiday"))
    assert picture.shape[0] > plain.shape[0]


@pytest.mark.parametrize("cuts", [0, 3, 2000])
def test_the_small_picture_fits_into_an_event(cuts: int) -> None:
    track = made_track(180_000, {80 * number + 40: 0.9 for number in range(cuts)})
    comparison = compare(track, variants_from(METHODS))
    png = small_comparison_picture(track.timeline, comparison, None, title="holiday")
    assert len(png) <= 30_000
    assert pixels(png).shape[1] >= 800


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("labels", [None, Labels(250, (50, 200))])
def test_tuning_is_drawn_for_each_method(method: Method, labels: Labels | None) -> None:
    trials = try_thresholds([(TRACK, labels)], method)
    choice = choose(trials, method)
    picture = pixels(tuning_picture(trials, choice, method, title="$x_$" * 90))
    assert picture.shape == (560, 1200, 3)
    f1 = np.abs(picture[100:460] - np.array(GREEN)).max(axis=2) < 20
    assert bool(f1.sum() > 200) is (labels is not None)
