"""Films with gradual transitions, and one film with all kinds to deliver in many ways."""

from collections.abc import Callable, Sequence
from functools import partial
from typing import TypeAlias

import numpy as np

from heaters_pipeline_tests.video.detection.hard_shots import (
    Direction,
    Editor,
    Film,
    Rng,
    blank,
    dissolve,
    shot,
    wipe,
)
from heaters_pipeline_tests.video.detection.moving_shots import Picture

MakeGradual: TypeAlias = Callable[[Rng, int], Film]

_AROUND_FRAMES = 24


def _two_shots(rng: Rng, frames: int) -> tuple[list[Picture], list[Picture]]:
    length = _AROUND_FRAMES + frames
    return shot(rng, length), shot(rng, length)


def dissolved(rng: Rng, frames: int) -> Film:
    """One shot becomes another."""
    before, after = _two_shots(rng, frames)
    editor = Editor.starting_with(before)
    editor.cross_to(after, frames, "dissolve", dissolve)
    return editor.film


def wiped(rng: Rng, frames: int, direction: Direction) -> Film:
    """A straight front goes over the picture."""
    before, after = _two_shots(rng, frames)
    editor = Editor.starting_with(before)
    editor.cross_to(after, frames, "wipe", wipe(direction))
    return editor.film


def faded_in(rng: Rng, frames: int) -> Film:
    """A film that starts in black."""
    editor = Editor.starting_with(blank(20))
    editor.fade_in(shot(rng, _AROUND_FRAMES + frames), frames)
    return editor.film


def faded_out(rng: Rng, frames: int) -> Film:
    """A film that ends in black."""
    editor = Editor.starting_with(shot(rng, _AROUND_FRAMES + frames))
    editor.fade_out(frames, blank_frames=20)
    return editor.film


def faded_through(rng: Rng, frames: int, level: int) -> Film:
    """Out, a moment of black or white, and in again; ``frames`` each way."""
    before, after = _two_shots(rng, frames)
    editor = Editor.starting_with(before)
    editor.fade_through(after, frames, blank_frames=4, level=level)
    return editor.film


GRADUAL_FILMS: dict[str, MakeGradual] = {
    "dissolved": dissolved,
    "wiped-left": partial(wiped, direction="left"),
    "wiped-right": partial(wiped, direction="right"),
    "wiped-up": partial(wiped, direction="up"),
    "wiped-down": partial(wiped, direction="down"),
    "faded-in": faded_in,
    "faded-out": faded_out,
    "faded-through-black": partial(faded_through, level=0),
    "faded-through-white": partial(faded_through, level=255),
}


def whole_film_at_50() -> Film:
    """Cuts and all kinds of gradual transitions in 542 frames at 50 frames a second."""
    rng = np.random.default_rng(7)
    shots = [shot(rng, 96, frame_rate=50, objects=2) for _ in range(7)]
    editor = Editor.starting_with(blank(12))
    editor.fade_in(shots[0], 24)
    editor.cut_to(shots[1])
    editor.cross_to(shots[2], 32, "dissolve", dissolve)
    editor.cut_to(shots[3][:18])
    editor.cut_to(shots[4])
    editor.cross_to(shots[5], 24, "wipe", wipe("right"))
    editor.fade_through(shots[6], 20, 8, level=0)
    editor.fade_out(28, 16)
    return editor.film


def at_25(film: Film) -> Film:
    """Every second picture of a film whose transitions start and end at even frames."""
    transitions = tuple((kind, start // 2, end // 2) for kind, start, end in film.transitions)
    return Film(film.pictures[::2], transitions)


def woven(fields: Sequence[Picture]) -> list[Picture]:
    """Interlaced frames of twice as many pictures: the even rows show the first of each two."""
    frames = []
    for upper, lower in zip(fields[::2], fields[1::2], strict=True):
        frame = upper.copy()
        frame[1::2] = lower[1::2]
        frames.append(frame)
    return frames
