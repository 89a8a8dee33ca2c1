"""How two reduced pictures are compared: motion of the whole picture, light, and nothing else."""

import cv2
import numpy as np
import pytest

from heaters_pipeline.video.scoring.sampling import REDUCED_SIZE_PX, Comparable
from heaters_pipeline_tests.video.detection.hard_shots import scenery
from heaters_pipeline_tests.video.detection.moving_shots import Picture

_SIDE = 5  # how many pixels of a scene are a point of a reduced picture


def _scene(seed: int) -> Picture:
    return scenery(np.random.default_rng(seed), width_px=700)


def _seen(scene: Picture, across: int = 0, down: int = 0, light: float = 1.0) -> Comparable:
    """What a camera sees of a scene, so many points of a reduced picture to the right and down."""
    width, height = REDUCED_SIZE_PX
    left, top = (12 + across) * _SIDE, (12 + down) * _SIDE
    part = scene[top : top + height * _SIDE, left : left + width * _SIDE] * light
    lit = part.clip(0, 255).astype(np.uint8)
    small = cv2.resize(lit, REDUCED_SIZE_PX, interpolation=cv2.INTER_AREA)
    return Comparable(np.asarray(cv2.cvtColor(small, cv2.COLOR_BGR2LAB), np.uint8))


@pytest.mark.parametrize(("across", "down"), [(12, 0), (-11, 2), (0, 9), (16, -8)])
@pytest.mark.parametrize("seed", range(3))
def test_a_motion_of_the_whole_picture_is_made_up_for(seed: int, across: int, down: int) -> None:
    scene = _scene(seed)
    before, after = _seen(scene), _seen(scene, across, down)
    found = after.compare(before)
    assert found.residual < found.distance / 4
    assert found.kept > 0.7 > after.kept(before)[0]
    assert after.residual(before) == found.residual


@pytest.mark.parametrize("seed", range(6))
def test_two_scenes_fit_nowhere(seed: int) -> None:
    one, other = _seen(_scene(seed)), _seen(_scene(seed + 10))
    found = one.compare(other)
    assert found.residual > 0.6 * found.distance
    assert found.kept < 0.3
    assert found.likeness < 0.4


@pytest.mark.parametrize("light", [0.3, 0.6, 1.2])
def test_structure_is_alike_in_any_light(light: float) -> None:
    scene = _scene(1)
    assert _seen(scene).compare(_seen(scene, light=light)).likeness > 0.9


def test_what_shows_nothing_is_like_nothing() -> None:
    blank = Comparable(np.full((REDUCED_SIZE_PX[1], REDUCED_SIZE_PX[0], 3), 128, np.uint8))
    assert np.isnan(_seen(_scene(1)).compare(blank).likeness)


def test_either_picture_may_come_first() -> None:
    scene = _scene(2)
    one, other = _seen(scene), _seen(scene, 9, 3)
    assert one.residual(other) == pytest.approx(other.residual(one), abs=0.3)
