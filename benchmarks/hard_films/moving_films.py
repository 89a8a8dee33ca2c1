"""Films of fast cameras: whip pans, hands, zooms, flights, sports, montage."""

import numpy as np

from benchmarks.hard_films import camera
from benchmarks.hard_films.director import Director
from benchmarks.hard_films.scenes import flight


def whip_pans(film: Director) -> None:
    """Whip pans within shots, and cuts in the middle of one."""
    turning = 0.0
    while film.goes_on:
        frames = film.frames((0.9, 3.2))
        path = film.motion(frames)
        if turning:
            length = int(film.rng.integers(2, 7))
            path = path + camera.half_whip(frames, length, turning, is_start=True)
        look = "in a whip pan" if turning else "between whip pans"
        first, length = int(film.rng.integers(8, frames - 8)), int(film.rng.integers(3, 13))
        length = min(length, frames - 7 - first)
        has_whip = length >= 3 and film.chance(0.75)
        if has_whip:
            path = path + camera.whip(film.rng, frames, first, length)
        turning = 0.0
        if film.chance(0.5):
            turning = float(film.rng.choice([-1, 1]) * film.rng.uniform(0.08, 0.35))
            length_out = int(film.rng.integers(2, 7))
            path = path + camera.half_whip(frames, length_out, turning, is_start=False)
        shot = film.shot((1, 1), path=path)
        if has_whip:
            shot.note(first, length, "whip pan")
        film.timeline.cut(shot, look)


def handheld(film: Director) -> None:
    """Cuts between shots of somebody who runs with the camera."""
    while film.goes_on:
        frames = film.frames((0.3, 3))
        strength = 0.006 * 8 ** film.rng.random()
        path = camera.shake(film.rng, frames, film.rate, strength)
        path += camera.drift(film.rng, frames, film.rate, 0.5)
        shot = film.shot((1, 1), path=path)
        shot.note(0, frames, "handheld")
        film.timeline.cut(shot, "handheld")


def zooms(film: Director) -> None:
    """Fast zooms and punches in of editors, within shots."""
    while film.goes_on:
        frames = film.frames((1, 3.5))
        path = film.motion(frames)
        is_jump = film.chance(0.5)
        length = int(film.rng.integers(3, 8) if is_jump else film.rng.integers(5, 16))
        first = int(film.rng.integers(5, max(6, frames - length - 6)))
        move = camera.zoom_jump if is_jump else camera.zoom
        shot = film.shot((1, 1), path=path + move(film.rng, frames, first, length))
        shot.note(first, 2 * length if is_jump else length, "zoom jump" if is_jump else "fast zoom")
        film.timeline.cut(shot, "between zooms")


def flights(film: Director) -> None:
    """A camera that flies between things, cut to another flight or to a shot on the ground."""
    while film.goes_on:
        frames = film.frames((0.5, 5))
        if film.chance(0.25):
            film.timeline.cut(film.shot((0.5, 2)), "flight to ground")
            continue
        scene = flight(film.rng, film.textures, film.size_px)
        seconds = np.arange(frames) / film.rate
        path = camera.shake(film.rng, frames, film.rate, film.rng.uniform(0, 0.004))
        path[:, 0] += film.rng.uniform(-0.8, 0.8) * seconds
        path[:, 3] += film.rng.uniform(-12, 12) * np.sin(seconds * film.rng.uniform(0.5, 2))
        shot = film.shot((1, 1), scene, path)
        shot.note(0, frames, "flight")
        film.timeline.cut(shot, "flight to flight")


def sports(film: Director) -> None:
    """A camera that follows a ball over the crowd, cut to other cameras on the same place."""
    field, look = film.scene(), "other place"
    while film.goes_on:
        frames = film.frames((0.5, 5))
        path = camera.pan(film.rng, frames, film.rate)
        path += camera.shake(film.rng, frames, film.rate, film.rng.uniform(0.001, 0.008))
        if frames > 40 and film.chance(0.6):
            first, length = int(film.rng.integers(8, frames - 20)), int(film.rng.integers(5, 13))
            path += camera.whip(film.rng, frames, first, length)
            shot = film.shot((1, 1), field, path)
            shot.note(first, length, "whip pan")
        else:
            shot = film.shot((1, 1), field, path)
        if film.chance(0.2) and film.timeline.frames:
            film.pushed(shot, (6, 12))
        else:
            film.timeline.cut(shot, look)
        look = "other camera, same place" if film.chance(0.6) else "other place"
        field = film.scene() if look == "other place" else field


def montage(film: Director) -> None:
    """Shots of 2 to 8 frames, in bursts between longer ones."""
    while film.goes_on:
        film.timeline.cut(film.shot((0.6, 2.5)), "long shot")
        for _ in range(int(film.rng.integers(4, 14))):
            frames = int(film.rng.integers(2, 9))
            film.timeline.cut(film.shot((1, 1), path=film.motion(frames)), f"montage of {frames}")


def inserts(film: Director) -> None:
    """One or two frames of something else within a shot, or between two."""
    while film.goes_on:
        scene = film.scene()
        shot = film.shot((1.2, 4), scene)
        film.timeline.cut(shot, "plain")
        frames = int(film.rng.integers(1, 3))
        film.timeline.cut(
            film.shot((1, 1), path=camera.drift(film.rng, frames, film.rate)), f"insert of {frames}"
        )
        after = scene if film.chance(0.5) else film.scene()
        film.timeline.cut(film.shot((1, 3), after), f"after an insert of {frames}")


def like_scenes(film: Director) -> None:
    """Another framing of the same place, and jumps within one shot."""
    while film.goes_on:
        scene = film.scene()
        look = "other place"
        framing = film.framing()
        begin = film.rng.uniform(0, 10)
        for _ in range(int(film.rng.integers(2, 6))):
            frames = film.frames((0.4, 2.2))
            path = film.motion(frames) + framing
            shot = film.filmed(scene, path, begin)
            film.timeline.cut(shot, look)
            begin += frames / film.rate
            if film.chance(0.5):
                framing[2] += film.rng.choice([-1, 1]) * np.log2(1.2)
                look = "crop of 1.2"
            else:
                begin += film.rng.uniform(0.8, 2)
                framing[0] += film.rng.choice([-1, 1]) * film.rng.uniform(0.015, 0.06)
                look = "jump cut"


def passers_by(film: Director) -> None:
    """Somebody passes close to the camera, at times right after a cut."""
    while film.goes_on:
        shot = film.shot((1.5, 4))
        film.passes_by(shot)
        film.timeline.cut(shot, "between passers-by")
