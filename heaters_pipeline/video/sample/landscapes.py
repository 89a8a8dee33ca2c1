"""Scenes of the sample video whose layers pass by: mountains, balloons, polar lights, a town.

Each function prepares what a scene needs on a stage and returns its painter, a pure function
of the seconds since the scene began.
"""

import math
from collections.abc import Callable, Mapping, Sequence
from typing import TypeAlias

import cv2
import numpy as np

from heaters_pipeline.video.sample import draw
from heaters_pipeline.video.sample.draw import Layer, Painter, Picture, Stage

# Draws on a picture at an instant, in seconds.
_Brush: TypeAlias = Callable[[Picture, float], None]


def _panorama(stage: Stage, sky: Mapping[float, str], things: Sequence[Layer | _Brush]) -> Painter:
    """A view of things before a sky, far ones first; the nearer a layer is, the faster it passes.

    The colours of the sky are given from the top (0) to the bottom (1).
    """
    heaven = draw.gradient(stage, sky)

    def paint(seconds: float) -> Picture:
        picture, speed = heaven.copy(), 5.0
        for thing in things:
            if isinstance(thing, Layer):
                draw.paste(picture, thing, -40 - speed * seconds, 0)
                speed *= 1.9
            else:
                thing(picture, seconds)
        return picture

    return paint


def _lake(edge: float, squeeze: float) -> _Brush:
    """Rippled water below ``edge`` that mirrors what lies above it, flatter by ``squeeze``."""

    def mirror(picture: Picture, seconds: float) -> None:
        height, width = picture.shape[:2]
        unit = height / 720
        top = round(edge * unit)
        x, y = Stage(width, height).grid()
        y = y[: height - top]
        near = y / (720 - edge)
        phase = 70 / (near + 0.16)
        swell = np.sin(phase + 2.6 * seconds + x / 97)
        swell += np.sin(phase * 0.57 - 1.9 * seconds - x / 61)
        shift = (1 + 7 * near) * swell * unit
        across = np.clip(x * unit + shift, 0, width - 1)
        up = np.clip(np.abs(top - 1 - squeeze * y * unit - 1.4 * np.abs(shift)), 0, top - 1)
        # Small waves draw lights out into upright streaks.
        streaks = cv2.blur(picture[:top], (1, max(1, round(26 * unit))))
        image = cv2.remap(streaks, across, up, cv2.INTER_LINEAR)
        picture[top:] = draw.to_picture(image * np.float32(0.8) + draw.tint("020408"))

    return mirror


def _range(
    stage: Stage, level: float, height: float, crest: str, foot: str, *, seed: int, pines: int = 0
) -> Layer:
    """A mountain range, wider than the stage, with trees on its crest.

    Its crest is about ``level`` and its peaks are ``height`` high; its colour changes from that
    of the crest to that of the foot, where it stands in the mist.
    """
    width = int(stage.width * 1.75)
    line = level - height * (draw.noise(width, 1, cells=4, seed=seed, octaves=8)[0] - 0.4) * 2
    x = np.arange(width) / stage.unit
    mask = np.zeros((stage.height, width), np.uint8)
    draw.polygon(mask, [*np.stack([x, line], axis=1), (x[-1], 730), (0, 730)], "ffffff")
    generator = np.random.default_rng(seed)
    for place in generator.integers(0, width, pines):
        tall = float(generator.uniform(50, 130))
        for part in range(5):
            top, half = line[place] + 12 - tall * (1 - part * 0.17), tall * (0.09 + 0.045 * part)
            left, middle, right = x[place] - half, x[place], x[place] + half
            corners = [(middle, top), (right, top + tall * 0.34), (left, top + tall * 0.34)]
            draw.polygon(mask, corners, "ffffff")
    depth = (np.arange(stage.height) / stage.unit - level + height * 0.9) / 260
    grain = draw.noise(width // 4, stage.height // 4, cells=18, seed=seed)
    grain = np.asarray(cv2.resize(grain, (width, stage.height)))
    inks = draw.ramp({0: crest, 1: foot}, depth)[:, None] * (0.9 + 0.2 * grain[:, :, None])
    return draw.layer(inks, mask / np.float32(255))


def dawn(stage: Stage) -> Painter:
    """The sun rises behind five mountain ranges, and birds pass before it."""
    ranges = [
        _range(stage, 390, 110, "a58fb8", "f6c9b4", seed=11),
        _range(stage, 450, 120, "7d6b9e", "e0aeb0", seed=12),
        _range(stage, 520, 130, "554a80", "b586a0", seed=13),
        _range(stage, 590, 110, "352f5c", "7a5a80", seed=14),
        _range(stage, 650, 70, "17152f", "2c2344", seed=15, pines=70),
    ]

    def sun_and_birds(picture: Picture, seconds: float) -> None:
        sun = (800.0, 395 - 26 * seconds)
        draw.glow(picture, sun, 560, "e08a50", 3)
        draw.disc(picture, sun, 46, "fff6dc")
        for bird in range(7):
            lift = 9 * math.sin(seconds * 13 + bird * 2.3)
            wings = [(-17, -lift), (-8, -5 - lift / 3), (0, 0), (8, -5 - lift / 3), (17, -lift)]
            at = (250 + 62 * bird + 55 * seconds, 190 + 31 * (bird * 3 % 5))
            draw.stroke(picture, np.add(wings, at), 2.5, "2b2548")

    sky = {0: "2e4a82", 0.4: "7e88b0", 0.62: "d9b0a8", 0.8: "ffdcb4"}
    return _panorama(stage, sky, [sun_and_birds, *ranges])


def balloons(stage: Stage) -> Painter:
    """Hot-air balloons climb over hills while clouds drift."""
    layers = [
        draw.clouds(stage, "b9cbe0", "ffffff", height=500, seed=27),
        _range(stage, 560, 60, "7fae8c", "a9cfa0", seed=22),
        _range(stage, 620, 60, "4f8a4a", "86b552", seed=23),
        _range(stage, 690, 50, "2c5e2f", "4d8636", seed=24, pines=26),
    ]
    # x, y, radius, climb, drift and the colours of the stripes: the far ones first.
    fleet = [
        (980, 330, 34, 8, -3, ("0077b6", "90e0ef", "0077b6", "ffffff")),
        (180, 300, 42, 9, 4, ("ffb703", "fb8500", "ffb703", "d00000")),
        (1130, 200, 60, 12, -6, ("7b2cbf", "c77dff", "7b2cbf", "ffd6ff")),
        (650, 250, 66, 13, 5, ("2a9d8f", "e9c46a", "2a9d8f", "f4a261")),
        (330, 420, 96, 22, 8, ("ef476f", "ffd166", "06d6a0", "118ab2")),
        (860, 470, 140, 34, -12, ("e63946", "f1faee", "e63946", "ffb703")),
    ]
    ropes = [[(-0.15, 1.5), (-0.15, 1.9)], [(0.15, 1.5), (0.15, 1.9)]]
    # An envelope's meridians: a ball whose lower part goes on along its tangent.
    down = np.linspace(-1, 1.5, 30)
    ball, cone = np.sqrt(np.clip(1 - down**2, 0, 1)), 0.835 - (down - 0.55) * 0.66
    turns = np.sin(np.linspace(-np.pi / 2, np.pi / 2, 9))
    reach = np.where(down < 0.55, ball, cone)
    meridians = [np.stack([reach * turn, down], axis=1) for turn in turns]

    def climb(picture: Picture, seconds: float) -> None:
        for x, y, radius, rise, drift, codes in fleet:
            at = (x + drift * seconds + 4 * math.sin(seconds * 1.3 + x), y - rise * seconds)
            draw.stroke(picture, np.multiply(ropes, radius) + at, 1.6, "5a3a1e")
            basket = np.multiply(draw.box(-0.17, 1.85, 0.17, 2.12), radius)
            draw.polygon(picture, basket + at, "5a3a1e")
            for stripe in range(8):
                edges = np.concatenate([meridians[stripe], meridians[stripe + 1][::-1]])
                light = 1.1 - 0.08 * abs(stripe - 2)
                draw.polygon(picture, edges * radius + at, codes[stripe % 4], light)

    return _panorama(stage, {0: "2f7fd0", 0.5: "8cc4f0", 0.8: "e4f3fb"}, [*layers, climb])


def mountain_lake(stage: Stage) -> Painter:
    """Snowy peaks and autumn woods are mirrored in a lake."""
    things: list[Layer | _Brush] = [
        draw.clouds(stage, "a8bfdc", "ffffff", height=330, seed=31),
        _range(stage, 300, 170, "f7f9fd", "5f7fa8", seed=32),
        _range(stage, 390, 80, "6f7f96", "8d9aa0", seed=33),
        _range(stage, 445, 40, "b5652a", "d9a13f", seed=34, pines=40),
        _range(stage, 470, 20, "7a2f22", "c06a2c", seed=35, pines=26),
        _lake(500, 1.9),
    ]
    return _panorama(stage, {0: "1f5fb0", 0.35: "7fb6e6", 0.6: "e8f1f6"}, things)


def snowfall(stage: Stage) -> Painter:
    """Snow falls on wooded hills."""
    hills = [
        _range(stage, 380, 100, "a3b6d0", "dfe4ee", seed=141),
        _range(stage, 480, 60, "7189ab", "c3d0e2", seed=142, pines=60),
        _range(stage, 580, 60, "3c5478", "a9bad4", seed=143, pines=44),
        _range(stage, 680, 30, "f0f4fb", "b9c8e0", seed=144),
    ]
    flakes = np.random.default_rng(145).uniform((0, 0, 0.6), (1400, 760, 4), (420, 3))

    def snow(picture: Picture, seconds: float) -> None:
        for x, y, size in flakes:
            at = ((x - 25 * size * seconds) % 1400 - 60, (y + 60 * size * seconds) % 760 - 20)
            draw.disc(picture, at, size, "ffffff")

    return _panorama(stage, {0: "46648f", 0.35: "8fabc9", 0.6: "e6d5d8"}, [*hills, snow])


def polar_lights(stage: Stage) -> Painter:
    """Curtains of polar light over a lake that mirrors them, under the stars."""
    x, y = stage.reduced(4).grid()
    stars = np.random.default_rng(41).uniform((0, 0, 0.4), (1280, 470, 1.6), (260, 3))
    folds = draw.noise(2048, 1, cells=9, seed=42, octaves=4)
    rays = draw.noise(2048, 1, cells=90, seed=43, octaves=3)
    zero = np.zeros((1, 1), np.float32)
    shore = _range(stage, 500, 45, "0a1522", "0a1522", seed=44, pines=46)
    # The foot of a curtain, its folds, its speed and its colours below and above.
    curtains = [
        (215.0, 0.30, 17.0, "2bff9a", "7a3cff"),
        (300.0, 0.46, -23.0, "3dffb0", "c23cff"),
        (390.0, 0.21, 31.0, "7dffce", "2b7bff"),
    ]

    def lights(picture: Picture, seconds: float) -> None:
        for index, (star_x, star_y, radius) in enumerate(stars):
            shine = 0.6 + 0.35 * math.sin(seconds * 3 + index)
            draw.disc(picture, ((star_x - 5 * seconds) % 1280, star_y), radius, "f0ffff", shine)
        light = np.zeros((y.size, x.size, 3), np.float32)
        for base, stretch, speed, low, high in curtains:
            wave = draw.sample(folds, x * stretch + speed * seconds + base * 3, zero)
            foot = base - 190 * (wave - 0.5) + 26 * np.sin(x / 150 + seconds * 0.8)
            ray = draw.sample(rays, x * 0.5 + wave * 420 + speed * 1.4 * seconds, zero)
            above = (foot - y) / (120 + 230 * ray)
            body = np.where(above > 0, np.exp(-above * 2.2), np.exp(above * 16))
            body *= 0.2 + 0.8 * ray**2
            light += body[:, :, None] * draw.ramp({0: low, 1: high}, above)
        draw.add_light(picture, light)

    sky = {0: "040818", 0.45: "0b1f3a", 0.66: "1c4054"}
    return _panorama(stage, sky, [lights, shore, _lake(545, 2.2)])


def skyline(stage: Stage) -> Painter:
    """The camera pans along the lit towers of a town on a river at dusk."""
    rows = [
        _towers(stage, 70, (150, 470), "6a4a86", 0.16, seed=91),
        _towers(stage, 84, (110, 330), "3c2c62", 0.3, seed=92),
        _towers(stage, 100, (60, 190), "17142f", 0.45, seed=98),
    ]

    def moon(picture: Picture, _: float) -> None:
        draw.glow(picture, (236, 120), 170, "8f8fb8")
        draw.disc(picture, (236, 120), 42, "f4efdc")

    sky = {0: "0c1236", 0.3: "35296a", 0.52: "92487f", 0.7: "ff9a6a"}
    return _panorama(stage, sky, [moon, *rows, _lake(572, 1.5)])


def _towers(
    stage: Stage, wide: float, tall: tuple[float, float], wall: str, lit: float, *, seed: int
) -> Layer:
    """A row of towers of a usual width and a range of heights; a part of the windows is lit."""
    generator = np.random.default_rng(seed)
    art = np.zeros((stage.height, int(stage.width * 1.7), 3), np.uint8)
    mask = np.zeros(art.shape[:2], np.uint8)
    x, pitch = -20.0, 9 + wide * 0.05
    while x < 1.7 * 1280:
        across, top = wide * generator.uniform(0.6, 1.3), 572 - generator.uniform(*tall)
        middle, shade = x + across / 2, generator.uniform(0.85, 1.2)
        # A storey set back, or a mast.
        half, rise = ((across * 0.28, across * 0.22), (1.5, 80))[int(generator.integers(2))]
        roof = draw.box(middle - half, top - rise, middle + half, 600)
        for part in (draw.box(x, top, x + across, 600), roof):
            draw.polygon(art, part, wall, shade)
            draw.polygon(mask, part, "ffffff")
        for column in np.arange(x + 0.7 * pitch, x + across - 0.9 * pitch, pitch):
            for line in np.arange(top + pitch, 566, pitch * 1.3):
                if generator.random() < lit:
                    pane = draw.box(column, line, column + pitch / 2, line + pitch * 0.75)
                    draw.polygon(art, pane, "ffcf94", generator.uniform(0.4, 1))
        x += across * generator.uniform(0.95, 1.2)
    return draw.layer(art, mask / np.float32(255))


def fireworks(stage: Stage) -> Painter:
    """Fireworks burst over the river, above the same town."""
    generator = np.random.default_rng(122)
    codes = ("ff5a5a", "ffd24a", "5affc8", "7aa8ff", "ff7ae0", "fff0d8", "ffa050")
    ways = generator.normal(size=(18, 150, 3))
    ways *= generator.uniform(180, 300, (18, 1, 1)) / np.linalg.norm(ways, axis=2, keepdims=True)
    heights = generator.uniform(120, 290, 18)

    def bursts(picture: Picture, seconds: float) -> None:
        light = np.zeros_like(picture)
        for index, spread in enumerate(ways[:, :, :2]):
            # Steps of the golden ratio spread the bursts over the sky.
            centre = (150 + 980 * (0.62 * index % 1), heights[index])
            age = seconds + 1.2 - 0.32 * index
            if 0 <= age < 2.3:
                # The air slows the sparks, and they fall.
                ages = np.maximum(0, age - np.array([0.3, 0.2, 0.1, 0]))[:, None, None]
                drag, fall = (1 - np.exp(-2.1 * ages)) / 1.6, 38 * ages**2 * (0, 1)
                trails = centre + spread * drag + fall
                for part in range(3):
                    shine = (1 - age / 2.3) * (part + 1) / 3
                    lines = trails[part : part + 2].swapaxes(0, 1)
                    draw.stroke(light, lines, 2, codes[index % 7], shine)
        small = cv2.resize(light, None, fx=0.25, fy=0.25)
        bloom = cv2.GaussianBlur(small, (0, 0), 3 * stage.unit)
        draw.add_light(picture, bloom * np.float32(2.5))
        draw.add_light(picture, light)

    town = _towers(stage, 46, (30, 130), "0b0a1c", 0.3, seed=121)
    sky = {0: "05071a", 0.5: "121640", 0.78: "43306a"}
    return _panorama(stage, sky, [bursts, town, _lake(572, 3.2)])


def storm(stage: Stage) -> Painter:
    """A lighthouse on a rock sends its beam through the rain of a stormy night."""
    x, y = stage.reduced(2).grid()
    lamp = (930.0, 205.0)
    angle = np.arctan2(y - lamp[1], x - lamp[0]) / math.pi
    haze = np.exp(-np.hypot(y - lamp[1], x - lamp[0]) / 620)
    puffs = draw.noise(1024, 512, cells=5, seed=72, octaves=6)
    far = 130 / (np.clip(1 - y / 560, 0.06, 1) + 0.18)
    drops = np.random.default_rng(73).uniform((0, 0, 0.6), (1500, 900, 1.4), (200, 3))
    rock = _range(stage, 560, 60, "20262e", "10141a", seed=76)

    def sky_and_tower(picture: Picture, seconds: float) -> None:
        across, away = (x - 640) * 0.0042 * far + 26 * seconds, far * 1.5 + 12 * seconds
        billow = draw.sample(puffs, across, away) ** 2 * np.clip((530 - y) / 130, 0, 1)
        # The lamp shines both ways: half turns count, and the nearest of them is the beam.
        aside = angle - seconds * 0.5
        beam = np.exp(-(((aside - np.round(aside)) / 0.024) ** 2)) * haze
        light = billow[:, :, None] * draw.tint("5d6f86") + beam[:, :, None] * draw.tint("ccb880")
        draw.add_light(picture, light)
        for part in range(7):
            top, near = 235 + 37 * part, 30 + 3.4 * part
            band = [(930 - near, top), (930 + near, top), (934 + near, top + 38)]
            draw.polygon(picture, [*band, (926 - near, top + 38)], ("7e2b30", "8a939b")[part % 2])
        draw.polygon(picture, [(890, 235), (970, 235), (962, 222), (898, 222)], "20242e")
        draw.polygon(picture, draw.box(908, 186, 952, 222), "ffe9a8")
        draw.polygon(picture, [(900, 186), (960, 186), (930, 158)], "20242e")
        draw.glow(picture, lamp, 130, "ffe9a8")

    def rain(picture: Picture, seconds: float) -> None:
        fall = drops[:, 2:] * (-260 * seconds, 1150 * seconds)
        tops = (drops[:, :2] + fall) % (1500, 900) - (110, 90)
        lines = np.stack([tops, tops + drops[:, 2:] * (-11, 48)], axis=1)
        draw.stroke(picture, lines, 1.2, "8094a8")

    sky = {0: "0b1220", 0.7: "16202c"}
    return _panorama(stage, sky, [sky_and_tower, rock, _lake(610, 2.2), rain])


def lightning(picture: Picture) -> Picture:
    """Light a whole picture up, with a bolt from the clouds to the sea."""
    lit = draw.to_picture(picture * np.float32(1.2) + 0.5 * draw.tint("c4ccff"))
    steps = np.random.default_rng(74).uniform((-46, 18), (46, 44), (19, 2))
    bolt = np.cumsum([(330, -10), *steps], axis=0)
    fork = np.cumsum([(0, 0), *np.abs(steps[:6])], axis=0)
    for branch in (bolt, bolt[3] + fork * (-1, 0.7), bolt[6] + fork * (1, 0.6)):
        draw.stroke(lit, branch, 7, "e4e6ff")
        draw.stroke(lit, branch, 3, "ffffff")
    return lit
