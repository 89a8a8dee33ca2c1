"""The town at night in the sample video: its skyline, rain on a window, fireworks.

Each function prepares what a scene needs on a stage and returns its painter, a pure function
of the moment. Lengths are units of a picture of 720 lines.
"""

import math

import cv2
import numpy as np

from heaters_pipeline.video.sample.brushes import (
    Colour,
    Layer,
    Moment,
    Painter,
    Picture,
    Plane,
    Point,
    Stage,
    add,
    blur,
    cut_out,
    disc,
    enlarge,
    glow,
    gradient,
    ink,
    layer,
    mirror,
    moved,
    paste,
    paste_centred,
    polygon,
    stroke,
    tint,
    to_picture,
    warp,
)


def skyline(stage: Stage) -> Painter:
    """The camera pans along towers with lit windows; cars cross a bridge over the river."""
    sky = gradient(stage, {0: "0c1236", 0.3: "35296a", 0.52: "92487f", 0.7: "ff9a6a", 1: "ff9a6a"})
    moon = glow(170, ink("8f8fb8"), stage.unit, power=2.2)
    rows = [
        _towers(stage, 70, (150, 470), "6a4a86", "ffc49a", 0.16, seed=91),
        _towers(stage, 84, (110, 330), "3c2c62", "ffcf94", 0.3, seed=92),
        _towers(stage, 100, (60, 190), "17142f", "ffdc90", 0.45, seed=98),
    ]
    bridge = _bridge(stage)
    white, red = glow(26, ink("fff2c8"), stage.unit), glow(24, ink("ff3a2a"), stage.unit)

    def paint(moment: Moment) -> Picture:
        seconds = moment.seconds
        picture = sky.copy()
        paste_centred(picture, moon, 236, 120)
        disc(picture, (236, 120), 42, ink("f4efdc"))
        for index, towers in enumerate(rows):
            paste(picture, towers, -20 - seconds * 14 * 1.9**index, 0)
        paste(picture, bridge, -60 - 110 * seconds, 0)
        for car in range(16):
            at = (car * 190 + 37 * (car * 7 % 5) + 330 * seconds) % 3000 - 700
            paste_centred(picture, white, at - 110 * seconds, 536)
            at = (car * 205 + 51 * (car * 3 % 7) - 260 * seconds) % 3000 - 300
            paste_centred(picture, red, at - 110 * seconds, 527)
        mirror(picture, 572, seconds, "151233", 0.8)
        return picture

    return paint


def _towers(
    stage: Stage,
    wide: float,
    tall: tuple[float, float],
    wall: str,
    window: str,
    lit: float,
    *,
    seed: int,
) -> Layer:
    """A row of towers wider than the stage.

    Args:
        stage: Gives the height of the layer.
        wide: Usual width of a tower.
        tall: Least and greatest height above the river bank.
        wall: Colour ``rrggbb``.
        window: Colour ``rrggbb`` of a lit window.
        lit: Part of the windows that are lit.
        seed: Of the generator.
    """
    generator = np.random.default_rng(seed)
    width = int(stage.width * 1.7)
    art = np.zeros((stage.height, width, 3), np.uint8)
    mask = np.zeros(art.shape[:2], np.uint8)
    x = -20.0
    while x < width / stage.unit:
        across = float(generator.uniform(0.6, 1.3)) * wide
        top = 572 - float(generator.uniform(*tall))
        outline = _tower(generator, x, across, top)
        polygon(mask, outline, (255,))
        shade = generator.uniform(0.85, 1.2)
        polygon(art, outline, [channel * shade for channel in ink(wall)])
        pitch = 9 + wide * 0.05
        columns = np.arange(x + 0.7 * pitch, x + across - 0.9 * pitch, pitch)
        for column in columns:
            for line in np.arange(top + pitch, 566, pitch * 1.3):
                if generator.random() < lit:
                    bright = generator.uniform(0.4, 1)
                    pane = [(0, 0), (pitch / 2, 0), (pitch / 2, pitch * 0.75), (0, pitch * 0.75)]
                    shine = [channel * bright for channel in ink(window)]
                    polygon(art, moved(pane, (column, line)), shine)
        x += across * float(generator.uniform(0.95, 1.2))
    return layer(art, mask / np.float32(255))


def _tower(generator: np.random.Generator, x: float, across: float, top: float) -> list[Point]:
    """Outline of a tower: flat, stepped, or with a spire."""
    end, middle = x + across, x + across / 2
    left = [(x, 600.0), (x, top)]
    kind = generator.random()
    if kind < 0.3:
        step = across * 0.22
        left += [(x + step, top), (x + step, top - step)]
    elif kind < 0.55:
        left += [(middle - 9, top - 24), (middle - 1.5, top - 30), (middle - 1.5, top - 80)]
    right = [(x + end - at, y) for at, y in reversed(left)]
    return [*left, *right]


def _bridge(stage: Stage) -> Layer:
    """A suspension bridge with lamps on its cables, wider than the stage."""
    dark = ink("0e0c1c")
    art = np.zeros((stage.height, 2 * stage.width, 3), np.uint8)
    end = 2 * stage.span
    polygon(art, [(0, 540), (end, 540), (end, 554), (0, 554)], dark)
    part = np.linspace(-1, 1, 25)
    for pier in np.arange(120, end, 460):
        corners = [(pier - 9, 352), (pier + 9, 352), (pier + 13, 600), (pier - 13, 600)]
        polygon(art, corners, dark)
        cable = np.stack([pier + 230 + 230 * part, 360 + 165 * (1 - part**2)], axis=1)
        stroke(art, cable, 4, dark)
        for x, y in cable[2:-2:2]:
            stroke(art, [(x, y), (x, 538)], 1.5, dark)
            disc(art, (x, y), 3, ink("ffcf8a"))
    return cut_out(art, art.shape[1])


def rainy_window(stage: Stage) -> Painter:
    """Drops run down a window; each shows the lights of the street upside down."""
    half = stage.reduced(2)
    back = gradient(half, {0: "141a3a", 0.4: "3a2f5c", 0.7: "86504e", 0.85: "3a2430", 1: "1a1220"})
    generator = np.random.default_rng(101)
    codes = ["ff9b3d", "ffd27a", "ff4d5e", "57c7ff", "7dffb0", "c77dff", "fff1c9"]
    lights = [
        (x, y, speed, _bokeh(radius * half.unit, codes[int(code)]))
        for x, y, speed, radius, code in generator.uniform(
            (0, 160, -46, 24, 0), (1500, 560, 46, 76, 6.99), (46, 5)
        ).tolist()
    ]
    running = generator.uniform((20, 0, 13, 70), (1260, 1, 23, 190), (16, 4))
    base = np.zeros((stage.height, stage.width, 3), np.float32)
    for x, y, size in generator.uniform((0, 0, 0), (1280, 720, 1), (420, 3)):
        _add_drop(base, (x, y), 2.5 + 13 * size**3, 1.1)
    columns, lines = (plane * stage.unit for plane in stage.grid())

    def paint(moment: Moment) -> Picture:
        seconds = moment.seconds
        street = back.copy()
        for x, y, speed, bokeh in lights:
            sway = 4 * math.sin(seconds + x)
            paste_centred(street, bokeh, (x + speed * seconds) % 1500 - 110, y + sway)
        lens = base.copy()
        for x, start, radius, speed in running:
            way = start * 900 + speed * seconds + 26 * math.sin(2.4 * seconds + x)
            _run_drop(lens, x, way, radius)
        right, down, shade = cv2.split(lens)
        picture = warp(enlarge(street, stage), columns + right, lines + down)
        rims = cv2.merge([to_picture(255 - 150 * np.maximum(shade, 0))] * 3)
        sparks = cv2.merge([to_picture(-150 * shade)] * 3)
        paste(picture, Layer(np.asarray(sparks, np.uint8), np.asarray(rims, np.uint8)), 0, 0)
        return picture

    return paint


def _bokeh(radius: float, code: str) -> Layer:
    """A light out of focus: an even disc with a brighter rim."""
    pixels = max(2, round(radius))
    axis = (np.arange(2 * pixels + 1, dtype=np.float32) - pixels) / pixels
    away = np.hypot(axis[None, :], axis[:, None])
    strength = np.clip((1 - away) * pixels / 2, 0, 1) * (0.36 + 0.26 * away**4)
    return Layer(to_picture(strength[:, :, None] * tint(code)), None)


def _run_drop(lens: Plane, x: float, way: float, radius: float) -> None:
    """Add a drop that has run ``way`` down a winding path, wiping it and leaving a trail."""
    unit = lens.shape[0] / 720

    def place(back: float) -> Point:
        return x + 5 * math.sin((way - back) / 38), way % 900 - 80 - back

    head = place(0)
    upper, lower = (max(0, round((head[1] - reach) * unit)) for reach in (200, 0))
    left, right = (max(0, round((head[0] + side * radius * 0.8) * unit)) for side in (-1, 1))
    lens[upper:lower, left:right] = 0
    for tail in range(1, 7):
        _add_drop(lens, place(29 * tail), radius * (0.44 - 0.05 * tail), 1.2)
    _add_drop(lens, head, radius, 1.35)


def _add_drop(lens: Plane, at: Point, radius: float, tall: float) -> None:
    """Write a drop into a plane of (right, down, shade) for each pixel.

    The first two say how far aside in pixels the drop lets one look, the third darkens its
    rim (above 0) or lights its spark (below 0).
    """
    unit = lens.shape[0] / 720
    x, y, wide = at[0] * unit, at[1] * unit, max(1.0, radius * unit)
    high = wide * tall
    rows = slice(max(0, math.floor(y - high)), max(0, math.ceil(y + high) + 1))
    columns = slice(max(0, math.floor(x - wide)), max(0, math.ceil(x + wide) + 1))
    target = lens[rows, columns]
    across = (np.arange(target.shape[1], dtype=np.float32) + columns.start - x)[None, :] / wide
    down = (np.arange(target.shape[0], dtype=np.float32) + rows.start - y)[:, None] / high
    away = across**2 + down**2
    view = 150 * unit * (0.6 + 0.4 * away)
    spark = np.exp(-((across + 0.38) ** 2 + (down + 0.42) ** 2) / 0.03)
    right, aside = -across * view, -down * view + (360 * unit - y) * 0.25
    drop = np.stack(np.broadcast_arrays(right, aside, away**3 * 0.9 - spark), axis=2)
    np.copyto(target, drop, where=(away < 1)[:, :, None])


def fireworks(stage: Stage) -> Painter:
    """Rockets burst over the water, in front of the same town."""
    sky = gradient(stage, {0: "05071a", 0.5: "121640", 0.78: "43306a", 1: "43306a"})
    towers = _towers(stage, 46, (30, 130), "0b0a1c", "e8b070", 0.3, seed=121)
    generator = np.random.default_rng(122)
    codes = ["ff5a5a", "ffd24a", "5affc8", "7aa8ff", "ff7ae0", "fff0d8", "ffa050"]
    bursts = []
    for index in range(18):
        ways = generator.normal(size=(150, 3))
        ways /= np.linalg.norm(ways, axis=1, keepdims=True)
        ways *= generator.uniform(190, 330) * generator.uniform(0.85, 1.05, (150, 1))
        # Steps of the golden ratio spread the bursts over the sky.
        place = (150 + 980 * (0.62 * index % 1), float(generator.uniform(120, 290)))
        bursts.append((-1.2 + 0.32 * index, place, ways[:, :2], ink(codes[index % 7])))

    def paint(moment: Moment) -> Picture:
        light = np.zeros((stage.height, stage.width, 3), np.uint8)
        for start, place, ways, colour in bursts:
            _burst(light, moment.seconds - start, place, ways, colour)
        bloom = blur(enlarge(light, stage.reduced(4)), 14)
        picture = add(sky, enlarge(to_picture(bloom * np.float32(2.2)), stage))
        picture = add(picture, light)
        paste(picture, towers, -60 - 11 * moment.seconds, 0)
        mirror(picture, 572, moment.seconds, "0a0b22", 0.85, squeeze=3.2)
        return picture

    return paint


def _burst(light: Picture, age: float, centre: Point, ways: Plane, colour: Colour) -> None:
    """Draw the sparks of a burst and their trails; before it, the rocket that climbs to it."""
    if -0.7 < age < 0:
        y = centre[1] - age * 430
        stroke(light, [(centre[0], y), (centre[0], y + 30)], 3, ink("ffd9a0"))
    if not 0 <= age < 2.3:
        return
    fade = (1 - age / 2.3) ** 1.1
    white = max(0.0, 0.8 - age * 3)
    dim = (np.arange(len(ways)) * 7 + int(age * 25)) % 3 > 0
    for back, part in ((0.3, 0.3), (0.2, 0.6), (0.1, 1.0)):
        starts, ends = (_sparks(centre, ways, age - ago) for ago in (back, back - 0.1))
        trails = np.stack([starts, ends], axis=1)
        for some, strength in ((dim, 0.4 if age > 1.1 else 1.0), (~dim, 1.0)):
            shade = [
                (channel + (255 - channel) * white) * fade * part * strength for channel in colour
            ]
            stroke(light, trails[some], 2, shade)


def _sparks(centre: Point, ways: Plane, age: float) -> Plane:
    """Where the sparks are that left ``centre``: the air slows them, and they fall."""
    age = max(0.0, age)
    drag = (1 - math.exp(-2.1 * age)) / 1.6
    return np.asarray(centre + ways * drag + (0, 38 * age**2), np.float32)
