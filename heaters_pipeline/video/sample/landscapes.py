"""Landscapes of the sample video: mountains, balloons, an island from the air, polar lights.

Each function prepares what a scene needs on a stage and returns its painter, a pure function
of the moment. Lengths are units of a picture of 720 lines.
"""

import math
from collections.abc import Sequence

import cv2
import numpy as np

from heaters_pipeline.video.sample.brushes import (
    Layer,
    Moment,
    Painter,
    Picture,
    Plane,
    Point,
    Stage,
    add,
    disc,
    enlarge,
    glow,
    gradient,
    ink,
    layer,
    mirror,
    mix,
    noise,
    paste,
    paste_centred,
    polygon,
    ramp,
    sample,
    shrunk,
    stroke,
    tint,
    to_picture,
    zoomed,
)
from heaters_pipeline.video.sample.scenery import cloud_field, mountain_range


def dawn(stage: Stage) -> Painter:
    """The sun rises behind five mountain ranges that pass at different speeds."""
    night = gradient(stage, {0: "1d2350", 0.4: "5d4a86", 0.62: "d98a9a", 0.8: "ffc9a0"})
    day = gradient(stage, {0: "3f6fb0", 0.4: "9fb4d8", 0.62: "ffd9b0", 0.8: "fff0cf"})
    halo = glow(560, ink("e08a50"), stage.unit, power=3)
    ranges = [
        mountain_range(stage, 390, 110, 3, "a58fb8", "f6c9b4", seed=11),
        mountain_range(stage, 450, 120, 4, "7d6b9e", "e0aeb0", seed=12),
        mountain_range(stage, 520, 130, 5, "554a80", "b586a0", seed=13),
        mountain_range(stage, 590, 110, 6, "352f5c", "7a5a80", seed=14),
        mountain_range(stage, 650, 70, 5, "17152f", "2c2344", seed=15, pines=70),
    ]

    def paint(moment: Moment) -> Picture:
        picture = mix(night, day, 0.15 + 0.6 * moment.progress)
        sun = (800.0, 395 - 26 * moment.seconds)
        paste_centred(picture, halo, *sun)
        disc(picture, sun, 46, ink("fff6dc"))
        for index, mountains in enumerate(ranges):
            paste(picture, mountains, -40 - moment.seconds * 5 * 1.9**index, 0)
        for bird in range(7):
            at = (250 + 62 * bird + 55 * moment.seconds, 190 + 31 * (bird * 3 % 5))
            _bird(picture, at, moment.seconds * 2.1 + bird * 0.37)
        return picture

    return paint


def _bird(picture: Picture, at: Point, beat: float) -> None:
    lift = 9 * math.sin(beat * 2 * math.pi)
    half = [(17, -lift), (8, -5 - lift * 0.3), (0, 0)]
    wings = half + [(-x, y) for x, y in half[1::-1]]
    stroke(picture, np.array(wings) + at, 2.5, ink("2b2548"))


def balloons(stage: Stage) -> Painter:
    """Hot-air balloons climb over hills while clouds drift."""
    sky = gradient(stage, {0: "2f7fd0", 0.5: "8cc4f0", 0.8: "e4f3fb"})
    clouds = cloud_field(stage, "b9cbe0", "ffffff", height=500, seed=27)
    hills = [
        mountain_range(stage, 560, 60, 2, "7fae8c", "a9cfa0", seed=22),
        mountain_range(stage, 620, 60, 3, "4f8a4a", "86b552", seed=23),
        mountain_range(stage, 690, 50, 3, "2c5e2f", "4d8636", seed=24, pines=26),
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
    art = [_balloon(radius * stage.unit, stripes) for _, _, radius, _, _, stripes in fleet]

    def paint(moment: Moment) -> Picture:
        picture = sky.copy()
        paste(picture, clouds, -30 - 14 * moment.seconds, 10)
        for index, hill in enumerate(hills):
            paste(picture, hill, -60 - moment.seconds * 6 * 1.8**index, 0)
        for (x, y, _, climb, drift, _), balloon in zip(fleet, art, strict=True):
            sway = 4 * math.sin(moment.seconds * 1.3 + x)
            at = (x + drift * moment.seconds + sway, y - climb * moment.seconds)
            paste_centred(picture, balloon, *at)
        return picture

    return paint


def _balloon(radius_px: float, stripes: Sequence[str]) -> Layer:
    """A striped balloon with its basket, shaded by a sun at the upper left."""
    pixels = max(4, 2 * round(radius_px))
    x = (np.arange(int(2.1 * pixels), dtype=np.float32) / pixels - 1.05)[None, :]
    y = (np.arange(int(3.3 * pixels), dtype=np.float32) / pixels - 1.05)[:, None]
    # A ball whose lower part goes on along its tangent, down to the mouth.
    ball = np.sqrt(np.clip(1 - y**2, 1e-6, 1))
    reach = np.where(y < 0.55, ball, 0.835 - (y - 0.55) * 0.66)
    envelope = (np.abs(x) < reach) & (y > -1) & (y < 1.5)
    across = np.clip(x / np.maximum(reach, 1e-3), -1, 1)
    stripe = ((np.arcsin(across) / np.pi + 0.5) * 7.999).astype(int) % len(stripes)
    inks = np.array([ink(code) for code in stripes], np.float32)[stripe]
    band = (y > 0.1) & (y < 0.3)
    inks = np.where((band & envelope)[:, :, None], inks[:, ::-1] * 0.4 + 150, inks)
    light = 0.62 + 0.5 * np.clip(-0.55 * across - 0.5 * y + 0.45 * np.sqrt(1 - across**2), -0.5, 1)
    inks = inks * light[:, :, None]
    basket = (np.abs(x) < 0.16) & (y > 1.85) & (y < 2.12)
    ropes = (np.abs(np.abs(x) - 0.15) < 0.012) & (y >= 1.5) & (y <= 1.9)
    inks = np.where((basket | ropes)[:, :, None], tint("5a3a1e"), inks)
    opacity = np.asarray(envelope | basket | ropes, np.float32)
    return shrunk(inks, opacity, opacity.shape[1] // 2)


def island(stage: Stage) -> Painter:
    """A flight over an island of lakes, woods and snow, towards the haze at the horizon.

    Drawn as in height-map flight games: each column of the screen walks into the map, and a
    pixel shows the first step whose ground reaches up to its line.
    """
    half = stage.reduced(2)
    ground = np.clip((noise(1024, 1024, cells=7, seed=36, octaves=7) - 0.44) / 0.56, 0, 1) ** 1.25
    inks = _ground_colours(ground)
    depth = np.geomspace(40, 1120, 230, dtype=np.float32)[:, None]
    across = np.linspace(-0.66, 0.66, half.width, dtype=np.float32)[None, :]
    haze = (depth[:, :, None] / 1120) ** 1.4
    column = np.arange(half.width, dtype=np.int32)[None, :]
    row = np.arange(half.height, dtype=np.float32)[:, None]
    sky = gradient(half, {0: "2f6db5", 0.22: "8dbbe2", 0.42: "f6dcc0", 1: "f6dcc0"})
    clouds = cloud_field(half, "e0b8a8", "fff6ea", height=330, seed=37)

    def paint(moment: Moment) -> Picture:
        seconds = moment.seconds
        turn = 0.5 + 0.35 * math.sin(0.5 * seconds)
        sine, cosine = math.sin(turn), math.cos(turn)
        x = 310 + 33 * seconds + depth * (sine + across * cosine)
        y = 470 + 51 * seconds + depth * (cosine - across * sine)
        horizon = half.height * (0.34 + 0.03 * math.sin(0.9 * seconds))
        line = (200 - 172 * sample(ground, x, y)) / depth * half.height * 1.15 + horizon
        crest = np.minimum.accumulate(np.clip(line, 0, half.height), axis=0)
        # How many steps reach up to each pixel: no step hides again what a nearer one shows.
        flat = (np.ceil(crest).astype(np.int32) * half.width + column).ravel()
        counts = np.bincount(flat, minlength=(half.height + 1) * half.width)
        reaching = counts.reshape(half.height + 1, half.width)[:-1].cumsum(axis=0)
        first = np.clip(len(depth) - reaching, 1, len(depth) - 1)
        nearer, farther = crest[first - 1, column], crest[first, column]
        part = np.clip((nearer - row) / np.maximum(nearer - farther, 1e-3), 0, 1)[:, :, None]
        seen = sample(inks, x, y) * (1 - haze) + tint("eed9c6") * haze
        land = seen[first - 1, column] * (1 - part) + seen[first, column] * part
        above = sky.copy()
        paste(above, clouds, -40 - 10 * seconds, -10)
        picture = enlarge(to_picture(np.where((reaching > 0)[:, :, None], land, above)), stage)
        return zoomed(picture, 1.06, (640, 360), 5 * math.sin(0.8 * seconds))

    return paint


def _ground_colours(ground: Plane) -> Plane:
    """Water, sand, meadow, wood, rock and snow by height, lit from the north-west."""
    stops = {
        0.0: "1f6f9e",
        0.02: "4fb3bd",
        0.05: "d9c88f",
        0.09: "8a9f48",
        0.2: "4f7436",
        0.36: "3a5530",
        0.47: "76685e",
        0.56: "c3cad8",
        1.0: "eeeef4",
    }
    slope = np.roll(ground, 2, axis=1) - ground + np.roll(ground, 2, axis=0) - ground
    light = np.clip(0.82 - slope * 24, 0.3, 1.08)[:, :, None]
    warmth = 1 + (light - 0.8) * np.array([-0.25, 0.02, 0.22], np.float32)
    return np.asarray(np.clip(ramp(stops, ground) * light * warmth, 0, 255), np.float32)


def polar_lights(stage: Stage) -> Painter:
    """Curtains of polar light over a lake that mirrors them, with stars and a shooting star."""
    small = stage.reduced(4)
    x, y = small.grid()
    sky = gradient(stage, {0: "040818", 0.45: "0b1f3a", 0.66: "1c4054", 1: "1c4054"})
    generator = np.random.default_rng(41)
    stars = generator.uniform((0, 0, 0.4), (stage.span, 470, 1.6), (260, 3))
    folds = noise(2048, 1, cells=9, seed=42, octaves=4)
    rays = noise(2048, 1, cells=90, seed=43, octaves=3)
    shore = mountain_range(stage, 500, 45, 3, "0a1522", "0a1522", seed=44, pines=46)
    curtains = [
        (215.0, 0.30, 17.0, "2bff9a", "7a3cff"),
        (300.0, 0.46, -23.0, "3dffb0", "c23cff"),
        (390.0, 0.21, 31.0, "7dffce", "2b7bff"),
    ]

    zero = np.zeros((1, 1), np.float32)

    def light(seconds: float) -> Plane:
        total = np.zeros((small.height, small.width, 3), np.float32)
        for base, stretch, speed, low, high in curtains:
            wave = sample(folds, x * stretch + speed * seconds + base * 3, zero)
            foot = base - 190 * (wave - 0.5) + 26 * np.sin(x / 150 + seconds * 0.8)
            ray = sample(rays, x * 0.5 + wave * 420 + speed * 1.4 * seconds, zero)
            above = (foot - y) / (120 + 230 * ray)
            body = np.where(above > 0, np.exp(-above * 2.2), np.exp(above * 16)) * (0.25 + ray**2)
            fade = np.clip(above, 0, 1)[:, :, None]
            total += body[:, :, None] * (tint(low) * (1 - fade) + tint(high) * fade)
        return total * 0.8

    def paint(moment: Moment) -> Picture:
        picture = sky.copy()
        for index, (star_x, star_y, radius) in enumerate(stars):
            shine = 150 + 90 * math.sin(moment.seconds * 3 + index)
            at = ((star_x - 5 * moment.seconds) % stage.span, star_y)
            disc(picture, at, radius, (shine, shine, shine * 0.9))
        _shooting_star(picture, moment.seconds - 1.4)
        picture = add(picture, enlarge(to_picture(light(moment.seconds)), stage))
        paste(picture, shore, -30 - 7 * moment.seconds, 0)
        mirror(picture, 545, moment.seconds, "081420", 0.8, squeeze=2.2)
        return picture

    return paint


def _shooting_star(picture: Picture, seconds: float) -> None:
    if 0 <= seconds < 0.6:
        head = np.array([260 + 620 * seconds, 70 + 210 * seconds])
        for part in range(14):
            shine = 255 * (1 - part / 14) * (1 - seconds / 0.6)
            tail = head - np.array([(9, 3)]) * np.array([[part], [part + 1]])
            stroke(picture, tail, 2.5, (shine, shine, shine))


def evening_train(stage: Stage) -> Painter:
    """A lit train rushes past close to the camera, which shakes."""
    sky = gradient(stage, {0: "1b2a5e", 0.3: "6b4f8e", 0.52: "f08d74", 0.66: "ffd9a0", 1: "ffd9a0"})
    clouds = cloud_field(stage, "59406f", "ffb08a", height=330, seed=113)
    hills = [
        mountain_range(stage, 470, 80, 4, "8a6488", "e0a08c", seed=110),
        mountain_range(stage, 530, 70, 4, "54446e", "8a6078", seed=111),
        mountain_range(stage, 620, 50, 5, "232340", "3a2f48", seed=112, pines=34),
    ]
    train = _train(stage)
    ground = gradient(stage, {0: "2a2620", 0.89: "2a2620", 0.91: "5a4c3a", 1: "241d18"})
    gravel = noise(stage.width, stage.height, cells=260, seed=114, octaves=2)[:, :, None]
    ground = to_picture(ground * (0.6 + 0.8 * gravel))
    top = round(642 * stage.unit)

    def paint(moment: Moment) -> Picture:
        seconds = moment.seconds
        picture = sky.copy()
        disc(picture, (930, 395), 40, ink("fff3cf"))
        paste(picture, clouds, -40 - 9 * seconds, 20)
        for index, hill in enumerate(hills):
            paste(picture, hill, -30 - 16 * seconds * 2**index, 0)
        picture[top:] = ground[top:]
        for pole in range(4):
            _pole(picture, (pole * 470 - 240 * seconds) % 1880 - 400)
        head = 1560 - 2300 * seconds
        paste(picture, train, head, 0)
        near = math.exp(-max(0.0, abs(head + 1610) - 2250) / 500)
        shake = near * math.sin(seconds * 71), near * math.sin(seconds * 53 + 1)
        middle = (640 + 110 * shake[0], 360 + 130 * shake[1])
        return zoomed(picture, 1.04, middle, 0.2 * shake[0])

    return paint


def _pole(picture: Picture, x: float) -> None:
    """A pole and the wire to the next one."""
    dark = ink("1b1622")
    stroke(picture, [(x, 210), (x, 650)], 7, dark)
    stroke(picture, [(x - 30, 232), (x + 30, 232)], 4, dark)
    wire = np.linspace(0, 1, 12)
    stroke(picture, np.stack([x + 470 * wire, 232 + 80 * wire * (1 - wire)], axis=1), 2, dark)


def _train(stage: Stage) -> Layer:
    """Five coaches with people at the windows, softened along their way as by a shutter."""
    coach = 900
    art = np.zeros((stage.height, round(5 * coach * stage.unit), 3), np.uint8)
    mask = np.zeros(art.shape[:2], np.uint8)
    generator = np.random.default_rng(115)
    for x in range(0, 5 * coach, coach):
        nose = [(x + 14, 560), (x + 60, 400), (x + 150, 318)] if x == 0 else [(x + 8, 318)]
        body = [*nose, (x + 892, 318), (x + 892, 655), (x + 8, 655)]
        polygon(mask, body, (255,))
        polygon(mask, [(x, 600), (x + 900, 600), (x + 900, 690), (x, 690)], (255,))
        polygon(art, body, ink("c22a36"))
        polygon(art, [(x, 655), (x + 900, 655), (x + 900, 690), (x, 690)], ink("15151c"))
        polygon(art, [(x + 12, 566), (x + 892, 566), (x + 892, 596), (x + 10, 596)], ink("f4e6c8"))
        for wheel in (130, 230, 670, 770):
            disc(art, (x + wheel, 684), 32, ink("3a3a46"))
            disc(mask, (x + wheel, 684), 32, (255,))
    lines = np.arange(stage.height)[:, None, None] / stage.unit
    light = np.interp(lines, [318, 345, 420, 560, 655], [0.45, 0.8, 1.15, 0.95, 0.6])
    light = light.astype(np.float32)
    art = to_picture(art * light)
    for x in range(0, 5 * coach, coach):
        for left in range(x + 160, x + 850, 103):
            _window(art, generator, left)
    length = (max(1, round(20 * stage.unit)), 1)
    soft = np.asarray(cv2.blur(mask, length), np.float32)[:, :, None] / 255
    inks = np.asarray(cv2.blur(art, length), np.float32) / np.maximum(soft, 0.02)
    return layer(inks, soft[:, :, 0])


def _window(art: Picture, generator: np.random.Generator, left: float) -> None:
    polygon(art, [(left, 384), (left + 82, 384), (left + 82, 512), (left, 512)], ink("ffe6ac"))
    polygon(art, [(left, 384), (left + 82, 384), (left + 82, 398), (left, 398)], ink("fff8e0"))
    if generator.random() < 0.7:
        at = left + float(generator.uniform(24, 58))
        coat = ("3a4660", "6a3a4a", "3f5a4a")[int(generator.integers(3))]
        disc(art, (at, 452), 18, ink("5a3d34"))
        polygon(art, [(at - 28, 512), (at - 19, 476), (at + 19, 476), (at + 28, 512)], ink(coat))
