"""Scenes of the sample video that are calculated pixel by pixel: flights, the sea, swirls.

Each function prepares what a scene needs on a stage and returns its painter, a pure function
of the seconds since the scene began.
"""

import math
from collections.abc import Mapping

import numpy as np

from heaters_pipeline.video.sample import draw
from heaters_pipeline.video.sample.draw import Painter, Picture, Plane, Stage


def islands(stage: Stage) -> Painter:
    """A flight over islands of woods, rock and snow."""
    ground = np.clip((draw.noise(1024, 1024, cells=7, seed=36, octaves=7) - 0.44) / 0.56, 0, 1)
    beach = {0: "1f6f9e", 0.02: "4fb3bd", 0.05: "d9c88f", 0.09: "8a9f48", 0.2: "4f7436"}
    peaks = {0.36: "3a5530", 0.47: "76685e", 0.56: "c3cad8", 1: "eeeef4"}
    sky = {0: "2f6db5", 0.22: "8dbbe2", 0.42: "f6dcc0"}
    return _flight(stage, ground**1.25, beach | peaks, sky, seed=37)


def canyon(stage: Stage) -> Painter:
    """A flight between the table mountains of a red desert."""
    rough = draw.noise(1024, 1024, cells=9, seed=46, octaves=7)
    # Steep steps between flat terraces.
    terraces = (np.floor(rough * 5) + np.clip((rough * 5 % 1 - 0.3) * 5, 0, 1)) / 5
    stops = {0: "e0a060", 0.3: "d98a4e", 0.45: "a8482c", 0.6: "c9683c", 0.75: "8c3826", 1: "e8b07a"}
    sky = {0: "2c2f6b", 0.2: "a05a7e", 0.42: "ffc07a"}
    return _flight(stage, 0.85 * terraces + 0.15 * rough, stops, sky, seed=52)


def glacier(stage: Stage) -> Painter:
    """A flight over a glacier and its clefts."""
    rough = draw.noise(1024, 1024, cells=8, seed=56, octaves=7)
    ground = 0.35 * np.clip((rough - 0.46) * 12, 0, 1) + 0.5 * np.clip(rough - 0.5, 0, 1)
    stops = {0: "0b3f6a", 0.1: "2f9fc0", 0.3: "9fdcea", 0.36: "dfeff8", 1: "ffffff"}
    sky = {0: "0f2f7a", 0.22: "5f8fd0", 0.42: "dfe6f2"}
    return _flight(stage, ground, stops, sky, seed=27)


def _flight(
    stage: Stage, ground: Plane, stops: Mapping[float, str], sky: Mapping[float, str], seed: int
) -> Painter:
    """A flight over a height map, lit from the north-west, towards the haze at the horizon.

    Drawn as in height-map flight games: each column of the screen walks into the map, and a
    pixel shows the first step whose ground reaches up to its line.
    """
    half = stage.reduced(2)
    slope = np.roll(ground, 2, axis=1) - ground + np.roll(ground, 2, axis=0) - ground
    light = np.clip(0.82 - slope * 24, 0.3, 1.08)[:, :, None]
    warmth = 1 + (light - 0.8) * np.array([-0.25, 0.02, 0.22], np.float32)
    inks = np.clip(draw.ramp(stops, ground) * light * warmth, 0, 255)
    depth = np.geomspace(40, 1120, 230, dtype=np.float32)[:, None]
    across = np.linspace(-0.66, 0.66, half.width, dtype=np.float32)[None, :]
    far = (depth[:, :, None] / 1120) ** 1.4
    haze = far * draw.tint(sky[0.42])
    column = np.arange(half.width, dtype=np.int32)[None, :]
    row = np.arange(half.height, dtype=np.float32)[:, None]
    heaven = draw.gradient(half, sky)
    draw.paste(heaven, draw.clouds(half, "e0b8a8", "fff6ea", height=330, seed=seed), -80, -10)

    def paint(seconds: float) -> Picture:
        turn = 0.5 + 0.35 * math.sin(0.5 * seconds)
        sine, cosine = math.sin(turn), math.cos(turn)
        x = 310 + 33 * seconds + depth * (sine + across * cosine)
        y = 470 + 51 * seconds + depth * (cosine - across * sine)
        horizon = half.height * (0.34 + 0.03 * math.sin(0.9 * seconds))
        line = (200 - 172 * draw.sample(ground, x, y)) / depth * half.height * 1.15 + horizon
        crest = np.minimum.accumulate(np.clip(line, 0, half.height), axis=0)
        # How many steps reach up to each pixel: no step hides again what a nearer one shows.
        flat = (np.ceil(crest).astype(np.int32) * half.width + column).ravel()
        counts = np.bincount(flat, minlength=(half.height + 1) * half.width)
        reaching = counts.reshape(half.height + 1, half.width)[:-1].cumsum(axis=0)
        first = np.clip(len(depth) - reaching, 1, len(depth) - 1)
        nearer, farther = crest[first - 1, column], crest[first, column]
        part = np.clip((nearer - row) / np.maximum(nearer - farther, 1e-3), 0, 1)[:, :, None]
        seen = draw.sample(inks, x, y) * (1 - far) + haze
        land = seen[first - 1, column] * (1 - part) + seen[first, column] * part
        picture = draw.enlarge(np.where((reaching > 0)[:, :, None], land, heaven), stage)
        return draw.zoomed(picture, 1.06, (640, 360), 5 * math.sin(0.8 * seconds))

    return paint


def ocean(stage: Stage) -> Painter:
    """A sailing boat crosses the glitter of the evening sun on the open sea."""
    x, y = stage.reduced(2).grid()
    y = y[y[:, 0] > 330]
    nearness = (y - 330) / 390
    distance = 1 / (nearness + 0.035)
    swell = draw.noise(512, 512, cells=9, seed=51)
    slopes = (swell - np.roll(swell, 5, axis=0)) * 9
    sky = draw.gradient(stage, {0: "23386b", 0.2: "6a5b8f", 0.36: "e8836b", 0.46: "ffd08a"})
    clouds = draw.clouds(stage, "6b4470", "ff9c78", height=320, seed=52)

    def paint(seconds: float) -> Picture:
        picture = sky.copy()
        sun = (760.0, 262 + 5 * seconds)
        draw.glow(picture, sun, 420, "d87a3c", 2.6)
        draw.disc(picture, sun, 44, "fff3d0")
        draw.paste(picture, clouds, -60 - 9 * seconds, 20)
        # How much the waves, large and small ones, lean towards the viewer, about -1 to 1.
        across, along = (x - 640) * distance * 0.21, distance * 230
        slope = draw.sample(slopes, across + 14 * seconds, along + 26 * seconds)
        across, along = across * 2.3 - 21 * seconds, along * 2.1 + 44 * seconds
        slope += 0.6 * draw.sample(slopes, across, along)
        slope *= np.minimum(1, 0.35 + nearness * 2)
        path = np.exp(-(((x - sun[0]) / (70 + 330 * nearness)) ** 2))
        shine = np.clip(slope * 1.6 + path * 1.1 - 0.75, 0, 1) * (0.25 + path)
        tone = np.clip(0.42 + slope * 0.55 - nearness * 0.22, 0, 1)
        water = draw.ramp({0: "0c2340", 1: "d58272"}, tone)
        water += shine[:, :, None] * draw.tint("ffd890") * 1.3
        picture[-2 * len(water) :] = draw.enlarge(water, Stage(stage.width, 2 * len(water)))
        keel = (300 + 42 * seconds, 366 + 4 * math.sin(seconds * 1.7))
        draw.polygon(picture, np.add([(-50, 0), (58, 0), (42, 18), (-36, 18)], keel), "2a1a24")
        draw.polygon(picture, np.add([(12, -92), (12, -6), (52, -6)], keel), "d9a58a")
        draw.polygon(picture, np.add([(8, -104), (8, -6), (-46, -6)], keel), "f2dcc2")
        return draw.zoomed(picture, 1.04, (640, 360), 0.9 * math.sin(seconds * 1.1))

    return paint


def ink(stage: Stage) -> Painter:
    """Coloured inks swirl through each other in water."""
    stops = {0: "1b0b3a", 0.3: "5a1a8a", 0.42: "e0357a", 0.52: "ff9a3d", 0.62: "fff0c9"}
    return _swirls(stage, stops | {0.72: "35c9c0", 0.86: "0f5fa8", 1: "0a1f4a"})


def lava(stage: Stage) -> Painter:
    """Glowing lava between drifting crusts."""
    stops = {0: "0a0606", 0.4: "2a100c", 0.47: "a01c08", 0.52: "ff7a18", 0.55: "ffe27a"}
    return _swirls(stage, stops | {0.58: "ff7a18", 0.63: "a01c08", 0.7: "2a100c", 1: "140a0a"})


def _swirls(stage: Stage, stops: Mapping[float, str]) -> Painter:
    """Noise that is read where other noise says, and coloured."""
    x, y = (axis * np.float32(0.3) for axis in stage.reduced(2).grid())
    cloud = draw.noise(512, 512, cells=4, seed=171, octaves=4)
    palette = draw.ramp(stops, np.linspace(0, 1, 256, dtype=np.float32))

    def paint(seconds: float) -> Picture:
        right = draw.sample(cloud, x + 12 * seconds, y + 4 * seconds)
        down = draw.sample(cloud, x + 170 - 9 * seconds, y + 90 + 7 * seconds)
        swirl = draw.sample(cloud, x + 180 * right, y + 180 * down + 5 * seconds)
        fine = draw.sample(cloud, 0.7 * x + 240 * swirl + 90 * right, 0.7 * y + 240 * down)
        inks = palette[(255 * fine).astype(np.uint8)] * (0.55 + 0.8 * swirl)[:, :, None]
        return draw.enlarge(inks, stage)

    return paint
