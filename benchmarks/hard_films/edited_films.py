"""Films of transitions: cards after fades, slides, plain colours, dissolves, fades, wipes."""

from benchmarks.hard_films import camera, effects
from benchmarks.hard_films.cards import credits_roll, plain, text_slide, title_card
from benchmarks.hard_films.director import Director
from benchmarks.hard_films.shots import Shot
from benchmarks.hard_films.textures import colour


def cards(film: Director) -> None:
    """Title cards right after fades to black, and shots right after cards."""
    film.begins_black(int(film.rng.integers(6, 20)))
    film.timeline.fade_in(film.shot((2, 3)), int(film.rng.integers(8, 20)), 0)
    while film.goes_on:
        hold = int(film.rng.choice([1, 1, 2, 3, 12]))
        film.timeline.fade_out(int(film.rng.integers(6, 16)), 0, hold)
        for number in range(int(film.rng.integers(1, 3))):
            frames = film.frames((0.5, 1.8))
            card = Shot([title_card(film.rng, film.size_px)] * frames)
            film.timeline.cut(card, "card to card" if number else "card after fade")
        film.timeline.cut(film.shot((1, 3)), "card to shot")
    film.begins_black(int(film.rng.integers(3, 12)))
    film.timeline.cut(
        Shot(credits_roll(film.rng, film.size_px, film.frames((3, 5)), film.rate)), "credits"
    )


def slides(film: Director) -> None:
    """White slides to white slides, black ones to black ones, at times with pulsing light."""
    while film.goes_on:
        is_white = film.chance(0.6)
        for number in range(int(film.rng.integers(2, 6))):
            picture = text_slide(film.rng, film.size_px, is_white=is_white)
            shot = Shot([picture] * film.frames((0.6, 3.5)))
            if film.chance(0.35):
                film.happens(shot, effects.pulse, 10)
            film.timeline.cut(shot, "slide to slide" if number else "to other slides")
        if film.chance(0.5):
            film.timeline.cut(film.shot((0.8, 2.5)), "slide to shot")


def plain_colours(film: Director) -> None:
    """Plain colours to plain colours, to black and white, and to shots."""
    named = [(0, 0, 0), (255, 255, 255), (128, 128, 128), (0, 0, 255), (255, 0, 0), (0, 200, 0)]
    last = named[0]
    while film.goes_on:
        if film.chance(0.2):
            film.timeline.cut(film.shot((0.8, 2.5)), "colour to shot")
            continue
        any_colour = tuple(int(value) for value in colour(film.rng, film.rng.uniform(30, 220)))
        choices = [one for one in (*named, any_colour) if one != last]
        last = choices[int(film.rng.integers(0, len(choices)))]
        picture = plain(film.size_px, (last[0], last[1], last[2]))
        film.timeline.cut(Shot([picture] * film.frames((0.4, 2))), "plain colour")


def dissolves(film: Director) -> None:
    """Dissolves of 3 to 60 frames: between scenes, like scenes, and in motion."""
    scene = film.scene()
    film.timeline.cut(film.shot((3, 4), scene), "first")
    while film.goes_on:
        frames = film.frames((2, 4.5))
        look = str(film.rng.choice(["dissolve", "dissolve, like scenes", "dissolve in motion"]))
        path = film.motion(frames)
        if look == "dissolve in motion":
            path = camera.pan(film.rng, frames, film.rate)
        scene = scene if look == "dissolve, like scenes" else film.scene()
        shot = film.shot((1, 1), scene, path)
        if film.chance(0.15):
            film.timeline.cut(shot, "between dissolves")
        else:
            span = (3, 8) if film.chance(0.35) else (9, 60)
            film.dissolved(shot, span, look)


def fades(film: Director) -> None:
    """Fades to and from black and white, fast and slow, with and without blank frames between."""
    film.timeline.cut(film.shot((1.5, 3)), "first")
    while film.goes_on:
        shot = film.shot((1.5, 3.5))
        level = 0 if film.chance(0.65) else 255
        span = (3, 8) if film.chance(0.4) else (8, 24)
        choice = film.rng.random()
        if choice < 0.15:
            film.timeline.cut(shot, "between fades")
        elif choice < 0.75:
            film.faded(shot, level, span, int(film.rng.integers(0, round(0.4 * film.rate))))
        else:
            film.faded_apart(shot, level, span)


def wipes(film: Director) -> None:
    """Wipes of any shape, pushes and slides."""
    film.timeline.cut(film.shot((1, 2)), "first")
    while film.goes_on:
        shot = film.shot((0.9, 2.5))
        choice = film.rng.random()
        if choice < 0.2:
            film.timeline.cut(shot, "between wipes")
        elif choice < 0.7:
            film.wiped(shot, (5, 26))
        else:
            film.pushed(shot, (4, 18))


def short_sweeps(film: Director) -> None:
    """Smears, light leaks, pushes and wipes of 3 to 6 frames."""
    film.timeline.cut(film.shot((1, 2)), "first")
    while film.goes_on:
        shot = film.shot((1, 2.8))
        choice = film.rng.random()
        if choice < 0.25:
            film.timeline.cut(shot, "between sweeps")
        elif choice < 0.5:
            film.smeared(shot)
        elif choice < 0.7:
            film.leaked(shot)
        elif choice < 0.85:
            film.pushed(shot, (3, 6))
        else:
            film.wiped(shot, (3, 6))


def trailer(film: Director) -> None:
    """A bit of everything, as in a trailer or an advert."""
    film.begins_black(int(film.rng.integers(4, 15)))
    film.timeline.fade_in(film.shot((1.5, 2.5)), int(film.rng.integers(6, 16)), 0)
    while film.goes_on:
        shot = film.shot((0.25, 3) if film.chance(0.7) else (0.15, 0.5))
        if film.chance(0.35):
            _something(film, shot)
        choice = film.rng.random()
        if choice < 0.68:
            film.timeline.cut(shot, "trailer")
        elif choice < 0.8:
            film.dissolved(shot, (4, 24))
        elif choice < 0.88:
            film.faded(shot, 0 if film.chance(0.7) else 255, (3, 14), int(film.rng.integers(0, 6)))
        elif choice < 0.94:
            film.wiped(shot, (5, 16))
        elif choice < 0.97:
            film.smeared(shot)
        else:
            film.timeline.cut(Shot([title_card(film.rng, film.size_px)] * 20), "card")


def _something(film: Director, shot: Shot) -> None:
    choice = int(film.rng.integers(0, 8))
    if choice == 7:
        film.smokes(shot)
    elif choice == 5:
        film.passes_by(shot)
    elif choice == 6:
        film.overlaid(shot)
    else:
        effect, needed = (
            (effects.flash, 6),
            (effects.explosion, 14),
            (effects.lens_flare, 9),
            (effects.exposure_ramp, 20),
            (effects.flicker, 30),
        )[choice]
        film.happens(shot, effect, needed)
