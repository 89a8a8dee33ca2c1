"""What is taken for a cut by mistake: flashes, pulses of light, titles, shake, pans, passers-by."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import cv2
import numpy as np

from heaters_pipeline_tests.video.detection.hard_shots import (
    Camera,
    Film,
    Rng,
    filmed,
    scenery,
    shot,
    spliced,
    view,
)
from heaters_pipeline_tests.video.detection.moving_shots import SIZE_PX, Picture

Distracted: TypeAlias = Callable[[Rng], list[Picture]]

WIDTH_PX, HEIGHT_PX = SIZE_PX
QUIET_FRAMES = 12


def flash(rng: Rng) -> list[Picture]:
    """1 to 3 frames in the light of a camera's flash, which is brightest somewhere."""
    length = int(rng.integers(1, 4))
    pictures = shot(rng, length + 2 * QUIET_FRAMES)
    across, down = np.meshgrid(np.arange(WIDTH_PX), np.arange(HEIGHT_PX))
    x, y = rng.uniform(0, 1, 2) * SIZE_PX
    from_source = np.hypot(across - x, down - y) / WIDTH_PX
    light = rng.uniform(80, 255) * np.exp(-from_source * rng.uniform(0, 1.5))[..., None]
    for number in range(QUIET_FRAMES, QUIET_FRAMES + length):
        share = rng.uniform(0.5, 1)
        pictures[number] = (pictures[number] + share * light).clip(0, 255).astype(np.uint8)
    return pictures


def exposure_pulse(rng: Rng) -> list[Picture]:
    """The exposure goes up or down by up to a half and comes back, within 6 to 16 frames."""
    length = int(rng.integers(6, 17))
    pictures = shot(rng, length + 2 * QUIET_FRAMES)
    height = rng.uniform(0.2, 0.5) * rng.choice([-1, 1])
    for number in range(length):
        gain = 1 + height * np.sin(np.pi * (number + 1) / (length + 1))
        at = QUIET_FRAMES + number
        pictures[at] = (pictures[at] * gain).clip(0, 255).astype(np.uint8)
    return pictures


def title(rng: Rng) -> list[Picture]:
    """Large letters appear over the picture, at once or within 4 frames, and stay."""
    pictures = shot(rng, 3 * QUIET_FRAMES)
    letters = np.zeros((HEIGHT_PX, WIDTH_PX), np.uint8)
    for line in range(int(rng.integers(1, 4))):
        text = str(rng.choice(["CHAPTER ONE", "TWO YEARS LATER", "The End", "Lagos, 1974"]))
        at = (int(rng.integers(8, 60)), int(rng.integers(40, 60)) + 46 * line)
        cv2.putText(letters, text, at, cv2.FONT_HERSHEY_DUPLEX, 1.0, (255,), 2, cv2.LINE_AA)
    ramp_frames = int(rng.choice([1, 4]))
    colour = rng.uniform(180, 255, 3)
    for number in range(QUIET_FRAMES, 3 * QUIET_FRAMES):
        share = min(1.0, (number - QUIET_FRAMES + 1) / ramp_frames) * letters[..., None] / 255
        pictures[number] = (pictures[number] * (1 - share) + colour * share).astype(np.uint8)
    return pictures


def shake(rng: Rng) -> list[Picture]:
    """A camera that is hit: jumps of up to 8 pixels each way, which die away."""
    length = int(rng.integers(8, 21))
    scene = scenery(rng)
    pictures = filmed(rng, scene, 2 * QUIET_FRAMES + length, Camera())
    for number in range(length):
        strength = 8 * (1 - number / length)
        across, down = rng.uniform(-strength, strength, 2)
        pictures[QUIET_FRAMES + number] = view(scene, across, down)
    return pictures


def fast_pan(rng: Rng) -> list[Picture]:
    """The camera turns by a picture or two, by up to a twelfth of a picture a frame, blurred."""
    length = int(rng.integers(16, 29))
    fastest_px = rng.uniform(8, 26)
    scene = scenery(rng, 6 * WIDTH_PX)
    across, pictures = -1.5 * WIDTH_PX, []
    for number in range(length + 2 * QUIET_FRAMES):
        turned = (number - QUIET_FRAMES + 1) / (length + 1)
        speed_px = fastest_px * np.sin(np.pi * turned) ** 2 if 0 < turned < 1 else 0.0
        across += speed_px
        picture = view(scene, across, 0)
        blurred = cv2.blur(picture, (max(1, round(speed_px / 2)), 1))
        pictures.append(np.asarray(blurred, np.uint8))
    return pictures


def passing_body(rng: Rng) -> list[Picture]:
    """Something close to the camera, a third to all of its width, crosses in 10 to 24 frames."""
    length = int(rng.integers(10, 25))
    pictures = shot(rng, length + 2 * QUIET_FRAMES)
    width = round(rng.uniform(0.33, 1) * WIDTH_PX)
    top = round(rng.uniform(0, 0.4) * HEIGHT_PX)
    texture = scenery(rng)[: HEIGHT_PX - top, :width] // 2
    order = int(rng.choice([-1, 1]))
    for number in range(length):
        left = round((number + 0.5) / length * (WIDTH_PX + width)) - width
        shown = slice(max(0, left), min(WIDTH_PX, left + width))
        body = texture[:, shown.start - left : shown.stop - left]
        picture = pictures[QUIET_FRAMES + number].copy()
        picture[top:, ::order][:, shown] = body
        pictures[QUIET_FRAMES + number] = picture
    return pictures


def lost_picture(rng: Rng) -> list[Picture]:
    """1 or 2 frames are black, or grey as after an error of a disk."""
    length = int(rng.integers(1, 3))
    pictures = shot(rng, length + 2 * QUIET_FRAMES)
    level = int(rng.choice([0, 128]))
    for number in range(QUIET_FRAMES, QUIET_FRAMES + length):
        pictures[number] = np.full_like(pictures[number], level)
    return pictures


DISTRACTORS: tuple[Distracted, ...] = (
    flash,
    exposure_pulse,
    title,
    shake,
    fast_pan,
    passing_body,
    lost_picture,
)


@dataclass(frozen=True, slots=True)
class DistractedFilm:
    """Shots with one distractor each, between cuts.

    Attributes:
        film: With a true cut between neighbouring shots.
        names: Of the distractor of each shot.
    """

    film: Film
    names: tuple[str, ...]

    def blamed(self, frame: int) -> str:
        """The distractor of the shot that a frame lies in."""
        return self.names[int(np.searchsorted(self.film.cuts, frame, side="right"))]


def distracted_film(rng: Rng, kinds: Sequence[Distracted] = DISTRACTORS) -> DistractedFilm:
    """A shot with each of these distractors, in random order."""
    order = [kinds[position] for position in rng.permutation(len(kinds))]
    film = spliced(*(kind(rng) for kind in order))
    return DistractedFilm(film, tuple(kind.__name__ for kind in order))
