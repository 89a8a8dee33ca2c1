"""The large picture shows the curve, the threshold, the transitions and the scenes."""

import io
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from heaters_pipeline.report.plots.decision_curve import DecisionCurve
from heaters_pipeline.report.plots.detection_plot import Mark, Opening, detection_plot_png, lay_out

CUT = (209, 73, 91)
CURVE = (74, 120, 163)
DISSOLVE = (248, 223, 182)
GREEN = (0, 200, 0)

Pixels = npt.NDArray[np.int16]


def pixels(png: bytes) -> Pixels:
    with Image.open(io.BytesIO(png)) as picture:
        assert picture.format == "PNG"
        return np.asarray(picture.convert("RGB"), np.int16)


def count_of(picture: Pixels, colour: tuple[int, int, int]) -> int:
    return int((np.abs(picture - np.array(colour)).max(axis=2) < 12).sum())


def drawn(
    seconds: float,
    cuts: list[int],
    *,
    gradual: list[tuple[str, int, int]] | None = None,
    has_pictures: bool = True,
    logarithmic: bool = False,
    title: str = "holiday",
    most_pictures: int = 60,
    empty: bool = False,
) -> Pixels:
    """A video at 25 frames a second with these cuts."""
    frames = int(seconds * 25)
    times = np.arange(frames) / 25
    values = np.full(frames, 1.0)
    values[cuts] = 9.0
    if empty:
        values[:] = np.nan
    spans = [("cut", cut, cut) for cut in cuts] + (gradual or [])
    spans.sort(key=lambda span: span[1])
    openings = [Opening(0, 0.0, "")]
    openings += [Opening(end, end / 25, kind) for kind, _, end in spans]
    layout = lay_out(seconds, openings, most_pictures)
    green = np.full((40, 70, 3), GREEN[::-1], np.uint8)
    shown = [openings[at].frame for at in layout.pictured] if has_pictures else []
    png = detection_plot_png(
        times,
        DecisionCurve("strength", values, 4.3, "a cut is strong", logarithmic),
        [Mark(kind, start / 25, end / 25) for kind, start, end in spans],
        openings,
        dict.fromkeys(shown, green),
        layout,
        title=title,
        subtitle="adaptive",
    )
    return pixels(png)


def bands_of(picture: Pixels, colour: tuple[int, int, int]) -> list[tuple[int, int]]:
    """The runs of lines that hold the colour: (first, last)."""
    lines = np.flatnonzero((np.abs(picture - np.array(colour)).max(axis=2) < 12).any(axis=1))
    edges = [0, *np.flatnonzero(np.diff(lines) > 1) + 1, len(lines)]
    return [(int(lines[a]), int(lines[b - 1])) for a, b in pairwise(edges)]


def test_each_scene_has_its_picture() -> None:
    picture = drawn(10, [50, 200])
    assert picture.shape[1] == 1600
    (band,) = bands_of(picture, GREEN)
    row = np.flatnonzero(
        np.abs(picture[(band[0] + band[1]) // 2] - np.array(GREEN)).max(axis=1) < 12
    )
    assert (np.diff(row) > 1).sum() + 1 == 3
    assert count_of(picture, CURVE) > 1000
    assert count_of(picture, CUT) > 300


@pytest.mark.parametrize(("seconds", "rows"), [(10, 1), (180, 4), (7200, 12)])
@pytest.mark.parametrize("logarithmic", [True, False])
def test_long_videos_take_several_rows(seconds: float, rows: int, logarithmic: bool) -> None:
    cuts = [int((row + 0.5) * seconds * 25 / rows) for row in range(rows)]
    picture = drawn(seconds, cuts, logarithmic=logarithmic)
    assert len(bands_of(picture, GREEN)) == rows


def test_gradual_transitions_are_shaded() -> None:
    plain = drawn(10, [50])
    shaded = drawn(10, [50], gradual=[("dissolve", 100, 125)])
    assert count_of(plain, DISSOLVE) == 0
    # A tenth of the axis, over most of its height.
    assert count_of(shaded, DISSOLVE) > 140 * 100


def test_a_kind_that_is_not_known_is_drawn_too() -> None:
    assert drawn(10, [], gradual=[("morph", 100, 125)]).shape[1] == 1600


def test_many_scenes_are_chosen_from_and_the_picture_says_so() -> None:
    few = drawn(60, list(range(20, 1500, 20)), most_pictures=8)
    all_of_them = drawn(60, list(range(200, 1500, 200)), most_pictures=8)
    note = np.s_[10:36, 1100:]
    assert (few[note] < 128).any()
    assert not (all_of_them[note] < 128).any()
    assert count_of(few, GREEN) == count_of(all_of_them, GREEN)


def test_without_pictures_the_rows_are_lower_and_the_picture_says_why() -> None:
    with_pictures, without = drawn(10, [50]), drawn(10, [50], has_pictures=False)
    assert without.shape[0] < with_pictures.shape[0]
    assert count_of(without, GREEN) == 0
    assert (without[10:36, 1000:] < 128).any()


def test_a_video_without_scores_or_with_one_frame_is_drawn() -> None:
    assert drawn(0.04, []).shape[1] == 1600
    assert drawn(10, [], empty=True).shape[1] == 1600


def test_a_title_is_taken_literally_and_stays_inside() -> None:
    long = drawn(10, [50], title="$\\frac{ W" * 40)
    assert (long[10:36, :80] == 255).all()
    assert (long[10:36, -8:] == 255).all()


def test_times_and_values_belong_together() -> None:
    layout = lay_out(1, [], 10)
    curve = DecisionCurve("strength", np.ones(3), 4.3, "", logarithmic=False)
    with pytest.raises(ValueError, match=r"\(2,\) times do not belong to \(3,\)"):
        detection_plot_png(np.zeros(2), curve, [], [], {}, layout, title="holiday")
