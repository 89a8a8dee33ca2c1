"""Scenes of the sample video that were never outside: a talk, balls, a planet.

Each function prepares what a scene needs on a stage and returns its painter, a pure function
of the moment. Lengths are units of a picture of 720 lines.
"""

import math

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
    disc,
    enlarge,
    glow,
    gradient,
    ink,
    layer,
    moved,
    noise,
    paste,
    paste_centred,
    polygon,
    ramp,
    sample,
    stroke,
    text,
    tint,
    to_picture,
    zoomed,
)


class _Globe:
    """A ball in the light of a lamp, whose texture can be turned.

    Args:
        radius: In length units.
        unit: Pixels of a length unit.
        lamp: Where the light comes from: right, down and towards the viewer.
    """

    def __init__(self, radius: float, unit: float, lamp: tuple[float, float, float]) -> None:
        pixels = max(3, round(radius * unit))
        axis = (np.arange(2 * pixels + 3, dtype=np.float32) - pixels - 1) / pixels
        x, y = np.meshgrid(axis, axis)
        away = np.hypot(x, y)
        z = np.sqrt(np.clip(1 - away**2, 0, 1))
        self._opacity = np.clip((1 - away) * pixels + 0.5, 0, 1)
        self._normals = np.stack([x, y, z], axis=2) / np.maximum(away, 1)[:, :, None]
        light = np.array(lamp, np.float32) / np.float32(np.linalg.norm(lamp))
        between = light + np.array([0, 0, 1], np.float32)
        between /= np.linalg.norm(between)
        self._light = 0.07 + np.clip(self._normals @ light, 0, 1)[:, :, None]
        self._shine = 255 * np.clip(self._normals @ between, 0, 1)[:, :, None] ** 42

    def painted(self, texture: Plane, turn: Plane, gloss: float = 0.0) -> Layer:
        """The ball with a texture of all longitudes and latitudes, turned by a 3 x 3 matrix."""
        right, down, near = np.moveaxis(self._normals @ turn.T, 2, 0)
        height, width = texture.shape[:2]
        x = (np.arctan2(right, near) / (2 * math.pi) + 0.5) * width
        y = (np.arcsin(np.clip(down, -1, 1)) / math.pi + 0.5) * (height - 1)
        inks = sample(texture, x, y) * self._light + gloss * self._shine
        return layer(np.minimum(inks, 255), self._opacity)


def _turn(x: float, y: float, z: float) -> Plane:
    """The matrix that turns about the three axes by angles in radians, (3, 3)."""
    sin, cos = np.sin([x, y, z]), np.cos([x, y, z])
    about_x = np.array([[1, 0, 0], [0, cos[0], -sin[0]], [0, sin[0], cos[0]]])
    about_y = np.array([[cos[1], 0, sin[1]], [0, 1, 0], [-sin[1], 0, cos[1]]])
    about_z = np.array([[cos[2], -sin[2], 0], [sin[2], cos[2], 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z, np.float32)


def talk(stage: Stage) -> Painter:
    """A speaker explains a growing chart with a laser pointer; the slide never changes."""
    hall = gradient(stage, {0: "2a1230", 0.6: "4a1838", 0.8: "5a2040", 1: "1a1020"})
    x, _ = stage.grid()
    folds = 0.75 + 0.25 * np.sin(x / 17 + 1.6 * np.sin(x / 71)) + 0.12 * np.sin(x / 5.3)
    hall = to_picture(hall * folds[:, :, None])
    beam = glow(700, ink("3a4468"), stage.unit, power=1.6)
    slide = _slide()
    heads = _audience(stage)
    dot = glow(24, ink("ff2a1c"), stage.unit, power=1.2)

    def paint(moment: Moment) -> Picture:
        seconds = moment.seconds
        picture = hall.copy()
        paste_centred(picture, beam, 560, 300)
        polygon(picture, [(112, 62), (928, 62), (928, 528), (112, 528)], ink("0c0a14"))
        shown = slide.copy()
        _chart(shown, seconds)
        left, top, width, height = (round(v * stage.unit) for v in (120, 70, 800, 450))
        small = cv2.resize(shown, (width, height), interpolation=cv2.INTER_AREA)
        picture[top : top + height, left : left + width] = small
        at = (700 + 130 * math.sin(seconds * 1.3), 330 + 90 * math.sin(seconds * 2.1 + 0.6))
        paste_centred(picture, dot, *at)
        disc(picture, at, 9, ink("ff8a7a"))
        disc(picture, at, 5, ink("ff1408"))
        _speaker(picture, seconds, at)
        paste(picture, heads, 6 * math.sin(seconds * 0.9), 4 * math.sin(seconds * 1.7))
        return zoomed(picture, 1.02 + 0.05 * moment.progress, (600, 330))

    return paint


def _slide() -> Picture:
    art = np.full((720, 1280, 3), 250, np.uint8)
    polygon(art, [(0, 0), (1280, 0), (1280, 118), (0, 118)], ink("1d3557"))
    text(art, "Nothing is done twice", (56, 80), 46, ink("ffffff"))
    points = "cut at scene changes", "copy, never re-encode", "keep what exists", "retry the rest"
    for line, words in enumerate(points):
        disc(art, (80, 218 + 108 * line), 17, ink("e63946"))
        text(art, words, (118, 230 + 108 * line), 30, ink("22303f"))
    for level in range(5):
        stroke(art, [(700, 600 - 95 * level), (1220, 600 - 95 * level)], 2, ink("d5dbe2"))
    stroke(art, [(700, 180), (700, 600), (1220, 600)], 4, ink("22303f"))
    return art


def _chart(art: Picture, seconds: float) -> None:
    bars = ((150, "457b9d"), (210, "e76f51"), (255, "2a9d8f"), (320, "e9c46a"), (385, "8d5fd3"))
    for number, (full, code) in enumerate(bars):
        grown = 1 - math.exp(-max(0.0, seconds + 0.5 - 0.28 * number) * 1.4)
        top = 598 - full * grown * (1 + 0.03 * math.sin(seconds * 5 + number))
        left, right = 730 + 98 * number, 794 + 98 * number
        polygon(art, [(left, 598), (left, top), (right, top), (right, 598)], ink(code))


def _speaker(picture: Picture, seconds: float, target: Point) -> None:
    """A person at the right who points at a target."""
    skin, suit, hair = ink("c98f6c"), ink("2a3a5a"), ink("15121c")
    x = 1060 + 9 * math.sin(seconds * 1.1)
    coat = [(-62, 720), (-56, 410), (-30, 372), (30, 372), (58, 410), (66, 720)]
    fringe = [(-42, 318), (-34, 280), (0, 268), (36, 282), (43, 322), (26, 300), (-26, 298)]
    polygon(picture, moved(coat, (x, 0)), suit)
    polygon(picture, [(x - 14, 372), (x, 430), (x + 14, 372)], ink("e8e4dc"))
    disc(picture, (x, 322), 40, skin)
    polygon(picture, moved(fringe, (x, 0)), hair)
    reach = math.atan2(target[1] - 430, target[0] - x)
    elbow = (x - 50 + 70 * math.cos(reach + 0.45), 451 + 56 * math.sin(reach + 0.45))
    hand = (elbow[0] + 74 * math.cos(reach), elbow[1] + 74 * math.sin(reach))
    stroke(picture, [(x - 48, 415), elbow, hand], 27, suit)
    disc(picture, hand, 15, skin)
    bend = 1.2 + 0.3 * math.sin(seconds * 2.3)
    wrist = (x + 84 - 60 * math.cos(bend), 490 + 60 * math.sin(bend))
    stroke(picture, [(x + 50, 415), (x + 84, 490), wrist], 26, suit)


def _audience(stage: Stage) -> Layer:
    """Two rows of heads and shoulders, seen from behind."""
    mask = np.zeros((stage.height, stage.width), np.uint8)
    generator = np.random.default_rng(131)
    shoulders = [(-66, 140), (-50, 40), (50, 40), (66, 140)]
    for row, y in enumerate((640, 690)):
        for x in np.arange(-20 + 50 * row, stage.span + 60, 118):
            place = (x + generator.uniform(-16, 16), y + generator.uniform(-12, 12))
            disc(mask, place, 36, (255,))
            polygon(mask, moved(shoulders, place), (255,))
    return layer(tint("0a0810"), mask / np.float32(255))


def balls(stage: Stage) -> Painter:
    """Textured balls jump over a checkered floor with their shadows."""
    half = stage.reduced(2)
    x, y = half.grid()
    edge = half.height * 338 // 720
    wall = gradient(half, {0: "f7d9b8", 0.47: "f2a98a", 1: "f2a98a"})[:edge]
    depth = 1 / (y[edge:] - 300)
    # Far checks are smaller than a pixel: their edges are soft, and they fade to one tone.
    crisp = np.minimum(9, 0.045 / depth)
    soft = np.clip((y[edge:] - 330) / 160, 0, 1)[:, :, None]
    far = tint("b9a79a") * (1 - soft)
    # x, nearness, radius, phase of the jump, jumps a second and texture.
    troupe = [
        (330.0, 0.42, 46, 0.1, 0.95, 2),
        (760.0, 0.5, 54, 0.55, 0.9, 0),
        (1010.0, 0.62, 66, 0.3, 0.85, 1),
        (520.0, 0.78, 84, 0.75, 0.8, 3),
        (860.0, 1.0, 112, 0.0, 0.72, 4),
    ]
    globes = [_Globe(radius, stage.unit, (-0.5, -0.75, 0.6)) for _, _, radius, _, _, _ in troupe]
    textures = _ball_textures()

    def paint(moment: Moment) -> Picture:
        seconds = moment.seconds
        across = np.sin((x - 640 + 22 * seconds) * (2.6 * math.pi * depth))
        along = np.sin(math.pi * (1240 * depth + 0.45 * seconds))
        tone = np.clip(0.5 + across * (along * crisp), 0, 1)[:, :, None]
        ground = far + (tint("2c6e7f") + (tint("f6efe4") - tint("2c6e7f")) * tone) * soft
        canvas = np.concatenate([wall, ground], axis=0)
        picture = enlarge(to_picture(canvas), stage)
        for (at_x, near, radius, phase, rate, kind), globe in zip(troupe, globes, strict=True):
            beat = (seconds * rate + phase) % 1
            lift = 4 * beat * (1 - beat) * 330 * (0.55 + 0.45 * near)
            place_x = at_x + 70 * math.sin(seconds * 0.9 + phase * 6)
            foot = 345 + 330 * near**1.6
            _shadow(picture, (place_x + 0.35 * lift, foot), radius, lift)
            turn = _turn(0.4 + phase, seconds * 2.2 + phase, seconds * (1.4 if kind % 2 else -1.4))
            ball = globe.painted(textures[kind], turn, 0.75)
            paste_centred(picture, ball, place_x, foot - radius - lift)
        return zoomed(picture, 1.03, (640, 360), 1.2 * math.sin(seconds * 0.9))

    return paint


def _shadow(picture: Picture, at: Point, radius: float, lift: float) -> None:
    unit = picture.shape[0] / 720
    wide = radius * (1 + lift / 400)
    size = (max(2, round(2.6 * wide * unit)), max(2, round(0.8 * wide * unit)))
    across = np.linspace(-1, 1, size[0], dtype=np.float32)[None, :]
    down = np.linspace(-1, 1, size[1], dtype=np.float32)[:, None]
    strength = np.clip(1 - np.hypot(across, down), 0, 1) ** 0.8 * 0.75 / (1 + lift / 160)
    paste_centred(picture, layer(tint("14202a"), strength.astype(np.float32)), *at)


def _ball_textures() -> list[Plane]:
    """Beach ball, marble, dots, basket ball and zigzag; each (256, 512, 3), BGR."""
    x, y = np.meshgrid(np.linspace(0, 1, 512, endpoint=False), np.linspace(0, 1, 256))
    colours = ("e63946", "ffffff", "ffb703", "ffffff", "2a7fff", "ffffff")
    beach = np.array([ink(code) for code in colours])[(x * 6).astype(int)]
    beach[np.abs(y - 0.5) > 0.46] = 255
    veins = np.abs(np.sin(9 * noise(512, 256, cells=5, seed=151) + 14 * y)) ** 0.6
    marble = ramp({0: "12503f", 1: "8fe3b0"}, veins)
    spots = np.hypot(x * 10 % 1 - 0.5, y * 5 % 1 - 0.5) < 0.3
    dots = np.where(spots[:, :, None], tint("fff3c4"), tint("7b2cbf"))
    seams = (np.abs(np.sin(2 * np.pi * x)) < 0.05) | (np.abs(y - 0.5) < 0.012)
    seams |= np.abs(np.abs(y - 0.5) - 0.2 - 0.1 * np.cos(4 * np.pi * x)) < 0.012
    grain = 0.85 + 0.3 * noise(512, 256, cells=128, seed=152, octaves=1)[:, :, None]
    basket = np.where(seams[:, :, None], tint("2b1a12"), tint("e0762f") * grain)
    teeth = y * 7 % 1 > 0.3 + 0.4 * np.abs(x * 16 % 2 - 1)
    bands = ((y * 7).astype(int) % 2 == 0) ^ teeth
    zigzag = np.where(bands[:, :, None], tint("ffd23f"), tint("d7263d"))
    return [np.asarray(art, np.float32) for art in (beach, marble, dots, basket, zigzag)]


def planet(stage: Stage) -> Painter:
    """The camera nears a ringed planet; its moon passes before the drifting stars."""
    sky = _deep_sky(stage)
    light = (-0.8, -0.25, 0.5)
    globe, moon = _Globe(178, stage.unit, light), _Globe(34, stage.unit, light)
    bands, craters = _gas_texture(), _moon_texture()
    back, front = _rings(stage)
    stars = np.random.default_rng(161).uniform((-40, -40, 0.5), (1340, 760, 2.0), (300, 3))

    def paint(moment: Moment) -> Picture:
        seconds = moment.seconds
        picture = sky.copy()
        for index, (x, y, radius) in enumerate(stars):
            shine = (110 + 70 * radius) * (0.8 + 0.2 * math.sin(seconds * 4 + index))
            at = (x - 9 * radius * seconds, y + 2 * radius * seconds)
            disc(picture, at, radius, (shine, shine * 0.96, shine * 0.9))
        orbit = 2.5 + seconds * 0.55
        at = (640 + 430 * math.cos(orbit), 350 + 120 * math.sin(orbit))
        ball = moon.painted(craters, _turn(0, seconds * 0.6, 0))
        if math.sin(orbit) < 0:
            paste_centred(picture, ball, *at)
        paste(picture, back, 0, 0)
        paste_centred(picture, globe.painted(bands, _turn(0.32, seconds * 0.35, -0.3)), 640, 360)
        paste(picture, front, 0, 0)
        if math.sin(orbit) >= 0:
            paste_centred(picture, ball, *at)
        return zoomed(picture, 1 + 0.3 * moment.progress, (640, 350), -3 * moment.progress)

    return paint


def _deep_sky(stage: Stage) -> Picture:
    half = stage.reduced(2)
    cloud = noise(half.width, half.height, cells=3, seed=162, octaves=6)[:, :, None]
    other = noise(half.width, half.height, cells=4, seed=163, octaves=6)[:, :, None]
    inks = tint("05060f") + tint("4a1f5e") * cloud**2.5 * 1.5 + tint("123c66") * other**3 * 1.6
    return enlarge(to_picture(inks), stage)


def _gas_texture() -> Plane:
    y = np.linspace(0, 1, 512, dtype=np.float32)[:, None]
    swirl = noise(1024, 512, cells=6, seed=164) - 0.5
    fine = noise(1024, 512, cells=20, seed=165) - 0.5
    level = y + 0.03 * swirl + 0.016 * fine
    codes = (
        "6a4c3e 8a6248 c08a5c e8cfa4 b4764a f2dfc0 9a5a38 e9c894 c98f5e f6e8cc 8f5030 "
        "f4e3c4 b87a4c efd0a0 a0623c f2dcb4 c4905e d8b58a 96684a 7a5644 5f463a"
    )
    stops = {number / 20: code for number, code in enumerate(codes.split())}
    art = ramp(stops, level)
    x = np.linspace(0, 1, 1024, dtype=np.float32)[None, :]
    spot = np.exp(-(((x - 0.62) / 0.045) ** 2 + ((y - 0.62) / 0.04) ** 2))[:, :, None]
    return np.asarray(art + (tint("b8452a") - art) * spot, np.float32)


def _moon_texture() -> Plane:
    relief = noise(256, 128, cells=9, seed=167)
    light = 0.75 + 5 * (relief - np.roll(relief, 2, axis=1)) + 0.3 * relief
    return np.asarray(np.clip(tint("b9b4ad") * light[:, :, None], 0, 255), np.float32)


def _rings(stage: Stage) -> tuple[Layer, Layer]:
    """The half of the rings behind the planet and the half before it."""
    x, y = stage.grid()
    tilt = -0.3
    along = (x - 640) * math.cos(tilt) + (y - 360) * math.sin(tilt)
    across = (-(x - 640) * math.sin(tilt) + (y - 360) * math.cos(tilt)) / 0.27
    away = np.hypot(along, across)
    grain = noise(1024, 1, cells=60, seed=168, octaves=4)
    density = sample(grain, (away - 220) * 3.4, np.zeros((1, 1), np.float32))
    edge = np.clip((away - 228) / 4, 0, 1) * np.clip((392 - away) / 4, 0, 1)
    gap = 1 - np.exp(-(((away - 330) / 6) ** 2))
    # The planet's shadow lies on the rings away from the light.
    lit = 1 / (1 + np.exp((165 - np.abs(across + 0.3 * along)) / 5))
    shade = np.where(along > 0, 0.12 + 0.88 * lit, 1)
    opacity = edge * gap * (0.25 + 0.7 * density)
    inks = tint("e9d3ae") * ((0.55 + 0.5 * density) * shade)[:, :, None]
    behind = across < 0
    return layer(inks, opacity * behind), layer(inks, opacity * ~behind)
