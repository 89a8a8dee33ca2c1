"""Films of light: fire, flashes, flares, exposure, noise, night; and of things laid over."""

from collections.abc import Sequence
from typing import TypeAlias

from benchmarks.hard_films import effects
from benchmarks.hard_films.director import Director, Effect
from benchmarks.hard_films.scenes import Night, burning

Choices: TypeAlias = Sequence[tuple[Effect, int]]
"""Effects with the frames that they need."""


def _with_effects(film: Director, choices: Choices, seconds: tuple[float, float]) -> None:
    """Shots joined by cuts, in each some of the effects."""
    while film.goes_on:
        shot = film.shot(seconds)
        count = min(int(film.rng.integers(0, 3)), len(choices))
        for number in film.rng.choice(len(choices), count, replace=False):
            effect, needed = choices[int(number)]
            film.happens(shot, effect, needed)
        film.timeline.cut(shot, "plain")


def fire(film: Director) -> None:
    """Fires, explosions and smoke, cut to each other while the light flickers."""
    while film.goes_on:
        scene = film.scene()
        if film.chance(0.7):
            scene = burning(film.rng, film.textures, scene, film.size_px)
            shot = film.shot((0.4, 4), scene)
            shot.note(0, len(shot), "fire")
        else:
            shot = film.shot((0.4, 4), scene)
            effects.flicker(film.rng, shot, 0, len(shot))
        if film.chance(0.4):
            film.happens(shot, effects.explosion, 12)
        if film.chance(0.3):
            film.smokes(shot)
        film.timeline.cut(shot, "in flickering light")


def flashes(film: Director) -> None:
    """Flashes of 1 to 4 frames, strobes, cameras of the press."""
    choices: Choices = [
        (effects.flash, 8),
        (effects.camera_flash, 8),
        (effects.strobe, 30),
        (effects.flicker, 30),
    ]
    _with_effects(film, choices, (0.8, 3.5))


def flares(film: Director) -> None:
    """Flares and glints within shots; light leaks and short dips to white between them."""
    while film.goes_on:
        shot = film.shot((0.8, 3))
        for effect, needed in ((effects.lens_flare, 9), (effects.glints, 24)):
            if film.chance(0.6):
                film.happens(shot, effect, needed)
        if film.timeline.frames and film.chance(0.35):
            film.leaked(shot)
        elif film.timeline.frames and film.chance(0.2):
            film.faded(shot, 255, (2, 5), int(film.rng.integers(0, 2)))
        else:
            film.timeline.cut(shot, "between flares")


def exposure(film: Director) -> None:
    """Automatic exposure and focus that settle within shots."""
    choices: Choices = [(effects.exposure_ramp, 25), (effects.rack_focus, 30)]
    _with_effects(film, choices, (1.5, 4.5))


def night(film: Director) -> None:
    """Cuts between shots so dark that they change the mean by a few steps."""
    floor = film.rng.uniform(4, 10)
    while film.goes_on:
        scene = Night(film.scene(), light=film.rng.uniform(0.06, 0.13), floor=floor)
        shot = film.shot((0.6, 4), scene)
        shot.note(0, len(shot), "night")
        film.timeline.cut(shot, "night")


def overlays(film: Director) -> None:
    """Lower thirds, logos, cards and pictures in the picture that come and go within shots."""
    while film.goes_on:
        shot = film.shot((1.2, 5))
        film.overlaid(shot)
        film.timeline.cut(shot, "between overlays")
