"""The plot fits into an event, and what matters can be seen in it."""

import io

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from heaters_pipeline.report.plots.similarity_plot import similarity_plot_png

CUT = (209, 73, 91)
GRADUAL = (246, 214, 164)
CURVE = (74, 120, 163)


def pixels(png: bytes) -> npt.NDArray[np.int16]:
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"), np.int16)


def columns_with(picture: npt.NDArray[np.int16], colour: tuple[int, int, int]) -> list[int]:
    """Columns of pixels in which at least ten are of about this colour."""
    close = np.abs(picture - np.array(colour)).max(axis=2) < 30
    return [int(column) for column in np.flatnonzero(close[30:-30].sum(axis=0) >= 10)]


def noise(frames: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    rng = np.random.default_rng(7)
    return np.arange(frames) / 25, rng.uniform(0.7, 1, frames)


@pytest.mark.parametrize("frames", [0, 1, 2, 300, 20_000, 1_000_000])
@pytest.mark.parametrize("size_px", [(800, 240), (400, 160)])
def test_the_plot_fits_whatever_the_length(frames: int, size_px: tuple[int, int]) -> None:
    times, values = noise(frames)
    cuts = list(times[:: max(1, frames // 700)])
    png = similarity_plot_png(times, values, 0.6, cuts, [], title="holiday", size_px=size_px)
    assert len(png) <= 30_000
    assert pixels(png).shape == (size_px[1], size_px[0], 3)


def test_a_large_one_may_take_more() -> None:
    times, values = noise(20_000)
    png = similarity_plot_png(
        times, values, 0.6, [], [], title="holiday", size_px=(1600, 500), max_bytes=200_000
    )
    assert pixels(png).shape == (500, 1600, 3)


def test_a_smaller_picture_is_made_where_bytes_are_few() -> None:
    times, values = noise(5000)
    png = similarity_plot_png(times, values, 0.6, [], [], title="holiday", max_bytes=6_000)
    assert len(png) <= 6_000
    assert pixels(png).shape[1] < 800


def test_too_few_bytes_for_any_picture_are_refused() -> None:
    with pytest.raises(ValueError, match="no plot fits into 100 bytes"):
        similarity_plot_png([0], [1], None, [], [], title="holiday", max_bytes=100)


def test_cuts_and_gradual_transitions_stand_at_their_times() -> None:
    times = np.arange(0, 100.04, 0.04)
    flat = np.full(len(times), 0.5)
    plain = pixels(similarity_plot_png(times, flat, None, [], [], title="holiday"))
    drawn = pixels(similarity_plot_png(times, flat, None, [50], [(75, 80)], title="holiday"))
    assert not columns_with(plain, CUT)
    assert not columns_with(plain, GRADUAL)
    curve = np.flatnonzero((np.abs(plain - np.array(CURVE)).max(axis=2) < 30).any(axis=0))
    left, right = curve[0], curve[-1]
    (cut, *more) = columns_with(drawn, CUT)
    assert len(more) <= 1
    assert cut == pytest.approx((left + right) / 2, abs=3)
    shaded = columns_with(drawn, GRADUAL)
    assert shaded[0] == pytest.approx(left + 0.75 * (right - left), abs=4)
    assert shaded[-1] == pytest.approx(left + 0.8 * (right - left), abs=4)


def test_a_dip_of_one_frame_stays_visible_in_hours() -> None:
    times = np.arange(500_000) / 25
    values = np.ones(500_000)
    without = pixels(similarity_plot_png(times, values, None, [], [], title="holiday"))
    values[123_457] = 0.0
    drawn = pixels(similarity_plot_png(times, values, None, [], [], title="holiday"))
    assert not columns_with(without, CURVE)
    dip = columns_with(drawn, CURVE)
    assert 1 <= len(dip) <= 3
    assert dip[0] / 800 == pytest.approx(123_457 / 500_000, abs=0.06)


def test_values_that_are_not_finite_are_left_out() -> None:
    times = np.arange(100) / 25
    values = np.linspace(0, 1, 100)
    values[[0, 50]] = np.nan, np.inf
    holes = similarity_plot_png(times, values, None, [], [], title="holiday")
    finite = np.isfinite(values)
    without = similarity_plot_png(times[finite], values[finite], None, [], [], title="holiday")
    assert holes == without


def test_the_same_input_gives_the_same_bytes() -> None:
    times, values = noise(500)
    plots = {similarity_plot_png(times, values, 0.8, [3.0], [], title="a") for _ in range(2)}
    assert len(plots) == 1


@pytest.mark.parametrize("title", ["$x_$ & <b>", "\\frac{", "a" * 300])
def test_any_title_is_taken_literally(title: str) -> None:
    times, values = noise(50)
    png = similarity_plot_png(times, values, None, [], [], title=title)
    assert png != similarity_plot_png(times, values, None, [], [], title="")


@pytest.mark.parametrize("letter", ["i", "e", "W"])
def test_a_long_title_stays_clear_of_the_legend(letter: str) -> None:
    times, values = noise(50)
    arguments = (times, values, 0.8, [1.0], [(1.2, 1.4)])
    untitled = pixels(similarity_plot_png(*arguments, title=""))
    titled = pixels(similarity_plot_png(*arguments, title=letter * 300))
    changed = np.flatnonzero((np.abs(untitled - titled) > 60).any(axis=(0, 2)))
    assert 150 < changed[-1] < 410


def test_times_and_values_belong_together() -> None:
    with pytest.raises(ValueError, match=r"\(3,\) times do not belong to \(2,\) similarities"):
        similarity_plot_png([0, 1, 2], [0, 1], None, [], [], title="holiday")
