"""Water and fire in the sample video: the open sea, a reef, a thunderstorm, a camp fire.

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
    Stage,
    add,
    cut_out,
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
    shrunk,
    stroke,
    tint,
    to_picture,
    zoomed,
)
from heaters_pipeline.video.sample.scenery import Sea, cloud_field


def ocean(stage: Stage) -> Painter:
    """A sailing boat crosses the glitter of the evening sun on the open sea."""
    half = stage.reduced(2)
    horizon = 330.0
    sea = Sea(half, horizon, seed=51)
    sky = gradient(stage, {0: "23386b", 0.2: "6a5b8f", 0.36: "e8836b", 0.46: "ffd08a", 1: "ffd08a"})
    clouds = cloud_field(stage, "6b4470", "ff9c78", height=320, seed=52)
    halo = glow(420, ink("d87a3c"), stage.unit, power=2.6)
    x, _ = half.grid()
    boat = _sailing_boat(stage.unit)

    def paint(moment: Moment) -> Picture:
        picture = sky.copy()
        sun = (760.0, 262 + 5 * moment.seconds)
        paste_centred(picture, halo, *sun)
        disc(picture, sun, 44, ink("fff3d0"))
        paste(picture, clouds, -60 - 9 * moment.seconds, 20)
        slope = sea.slope(moment.seconds)
        path = np.exp(-(((x - sun[0]) / (70 + 330 * sea.nearness)) ** 2))
        shine = np.clip(slope * 1.6 + path * 1.1 - 0.75, 0, 1) * (0.25 + path)
        tone = np.clip(0.42 + slope * 0.55 - sea.nearness * 0.22, 0, 1)[:, :, None]
        water = tint("0c2340") * (1 - tone) + tint("d58272") * tone
        water += shine[:, :, None] * tint("ffd890") * 1.3
        lower = picture[stage.height - 2 * water.shape[0] :]
        lower[:] = enlarge(to_picture(water), Stage(stage.width, lower.shape[0]))
        bob = 4 * math.sin(moment.seconds * 1.7)
        paste_centred(picture, boat, 300 + 42 * moment.seconds, 318 + bob)
        return zoomed(picture, 1.04, (640, 360), 0.9 * math.sin(moment.seconds * 1.1))

    return paint


def _sailing_boat(unit: float) -> Layer:
    """A boat of 150 units, seen against the light."""
    size = max(8, round(150 * unit) * 2)
    art = np.zeros((size, size, 3), np.uint8)
    # Art is drawn on 720 lines whatever its size, like every picture.
    polygon(art, [(110, 560), (640, 560), (560, 650), (190, 650)], ink("2a1a24"))
    polygon(art, [(395, 60), (395, 530), (130, 530)], ink("f2dcc2"))
    polygon(art, [(415, 110), (415, 530), (610, 530)], ink("d9a58a"))
    stroke(art, [(405, 40), (405, 560)], 14, ink("2a1a24"))
    return cut_out(art, size // 2)


def reef(stage: Stage) -> Painter:
    """A shoal passes over a reef with swaying weed, bubbles and shafts of light."""
    half = stage.reduced(2)
    x, y = half.grid()
    deep = gradient(half, {0: "4fd0d8", 0.35: "1687a8", 1: "072a50"}).astype(np.float32)
    shafts = noise(1024, 1, cells=26, seed=61, octaves=3)
    net = noise(512, 512, cells=12, seed=62, octaves=2)
    web = np.clip(1 - np.abs(net - 0.5) * 14, 0, 1) ** 2
    zero = np.zeros((1, 1), np.float32)
    murk = np.exp(-y / 330)
    floor = int(np.argmax(y[:, 0] > 610))
    sand = np.clip((y[floor:] - 610) / 60, 0, 1)[:, :, None]
    depth = 1 / (y[floor:] - 560)
    kinds = ((54, "ffb347", "ffffff"), (84, "ffe04a", "2a4bd0"), (130, "ff6b4a", "ffffff"))
    fish = [
        [_fish(round(length * stage.unit), body, stripe, beat) for beat in range(8)]
        for length, body, stripe in kinds
    ]
    generator = np.random.default_rng(63)
    shoal = generator.uniform((-500, 130, 0), (1100, 520, 8), (34, 3))
    bubbles = generator.uniform((0, 0, 3), (1280, 760, 11), (46, 3))
    weeds = generator.uniform((0, 90, 0), (1280, 270, 6.3), (26, 3))

    def paint(moment: Moment) -> Picture:
        seconds = moment.seconds
        fan = x + (y + 300) * (x - 500) * 0.0009
        beam = sample(shafts, fan * 0.62 + 9 * seconds, zero)
        beam *= sample(shafts, fan * 0.9 - 13 * seconds, zero) * murk
        canvas = deep + beam[:, :, None] * tint("98be8f")
        ripple = sample(web, (x - 640) * depth * 60 + 12 * seconds, 9000 * depth + 9 * seconds)
        ground = tint("2f7f86") + ripple[:, :, None] * 75
        canvas[floor:] += (ground - canvas[floor:]) * sand
        picture = enlarge(to_picture(canvas), stage)
        for index, (weed_x, height, phase) in enumerate(weeds):
            _weed(picture, weed_x, height, seconds * 1.5 + phase, index)
        for index, (fish_x, fish_y, phase) in enumerate(shoal):
            kind = 0 if index < 22 else 1 if index < 31 else 2
            at_x = fish_x + (95 + 22 * kind + 2 * phase) * seconds
            at_y = fish_y + 12 * math.sin(seconds * 1.6 + phase)
            paste_centred(picture, fish[kind][int(seconds * 18 + phase) % 8], at_x, at_y)
        for bubble_x, bubble_y, radius in bubbles:
            at = (
                bubble_x + 7 * math.sin(seconds * 3 + bubble_y),
                (bubble_y - seconds * 14 * radius) % 760 - 20,
            )
            _bubble(picture, at, radius)
        return picture

    return paint


def _fish(length_px: int, body: str, stripe: str, beat: int) -> Layer:
    """One of eight phases of a fish that swims to the right."""
    swing = 34 * math.sin(beat * math.pi / 4)
    art = np.zeros((720, 1100, 3), np.uint8)
    mask = np.zeros(art.shape[:2], np.uint8)
    turn = np.linspace(0, 2 * math.pi, 48)
    belly = 190 * np.sin(turn) * (1 - 0.25 * np.cos(turn))
    outline = np.stack([640 + 400 * np.cos(turn), 360 + belly], axis=1)
    tail = [(300, 360), (60, 190 + swing), (120, 360 + swing), (60, 530 + swing)]
    fin = [(520, 210), (760, 110), (820, 250)]
    for part, code in ((tail, stripe), (fin, stripe), (outline, body)):
        polygon(art, part, ink(code))
        polygon(mask, part, (255,))
    for start in (450, 640):
        band = [(0, 190), (70, 182), (100, 538), (30, 532)]
        polygon(art, moved(band, (start, 0)), ink(stripe))
    shade = np.interp(np.arange(720), [200, 700], [1.15, 0.6])[:, None, None]
    art = to_picture(art * shade)
    disc(art, (890, 310), 34, ink("ffffff"))
    disc(art, (900, 310), 18, ink("101018"))
    return shrunk(art, mask / np.float32(255), max(6, length_px))


def _weed(picture: Picture, x: float, height: float, phase: float, index: int) -> None:
    part = np.linspace(0, 1, 9)
    bend = 34 * part**1.5 * np.sin(phase + 2.2 * part)
    spine = np.stack([x + bend, 722 - height * part], axis=1)
    width = (9 * (1 - part) + 2)[:, None] * np.array([1.0, 0.0])
    colour = [ink("1f7a4d"), ink("2fa35c"), ink("7a3f78"), ink("13604f")][index % 4]
    polygon(picture, np.concatenate([spine - width, (spine + width)[::-1]]), colour)


def _bubble(picture: Picture, at: tuple[float, float], radius: float) -> None:
    turn = np.linspace(0, 2 * math.pi, 22)
    ring = np.stack([at[0] + radius * np.cos(turn), at[1] + radius * np.sin(turn)], axis=1)
    stroke(picture, ring, 1.6, ink("bdf3f5"))
    disc(picture, (at[0] - radius * 0.35, at[1] - radius * 0.35), radius * 0.24, ink("ffffff"))


def storm(stage: Stage) -> Painter:
    """A lighthouse in a thunderstorm; a flash of lightning lights the whole picture."""
    half = stage.reduced(2)
    horizon = 470.0
    sea = Sea(half, horizon, seed=71)
    x, y = half.grid()
    puffs = noise(1024, 512, cells=5, seed=72, octaves=6)
    upper = slice(0, sea.first_line + 2)
    height = np.clip(1 - y[upper] / horizon, 0.06, 1)
    lamp = (930.0, 205.0)
    angle = np.arctan2(y - lamp[1], x - lamp[0])
    haze = np.exp(-np.hypot(y - lamp[1], x - lamp[0]) / 620)
    rock = _lighthouse(stage)
    spark = glow(130, ink("ffe9a8"), stage.unit)
    generator = np.random.default_rng(73)
    drops = generator.uniform((0, 0, 0.6), (1500, 900, 1.4), (200, 3))
    drops = drops[np.argsort(drops[:, 2])]
    bolt = _bolt(generator, 330, horizon)

    def paint(moment: Moment) -> Picture:
        seconds = moment.seconds
        far = 130 / (height + 0.18)
        billow = sample(puffs, (x - 640) * 0.0042 * far + 26 * seconds, far * 1.5 + 12 * seconds)
        lit = 2.6 if moment.flash else 1.0
        billow = billow**2 * np.clip((horizon - y[upper]) / 110, 0, 1) ** 0.7
        sky = (tint("0b1220") + billow[:, :, None] * tint("5d6f86")) * lit
        slope = sea.slope(seconds * 1.6)
        foam = np.clip(slope - 0.35, 0, 1)[:, :, None] * 190
        water = (tint("0d1c28") + (0.5 + 0.5 * slope)[:, :, None] * tint("26434f") + foam) * lit
        canvas = np.concatenate([sky[: sea.first_line], water], axis=0)
        # The lamp shines both ways: half turns count, and the nearest of them is the beam.
        half_turns = (angle - seconds * 1.5) / math.pi
        aside = half_turns - np.round(half_turns)
        beam = np.exp(-((aside / 0.024) ** 2)) * haze
        canvas = canvas + beam[:, :, None] * tint("ffe6a0") * 0.8
        if moment.flash:
            canvas = canvas * 0.7 + tint("c4ccff") * 0.52
        picture = enlarge(to_picture(canvas), stage)
        if moment.flash:
            for branch in bolt:
                stroke(picture, branch, 7, ink("e4e6ff"))
                stroke(picture, branch, 3, ink("ffffff"))
        paste(picture, rock, 0, 0)
        paste_centred(picture, spark, *lamp)
        for rain, code in ((drops[:100], "5b6c7d"), (drops[100:], "8fa3b5")):
            way = np.stack([-260 * seconds * rain[:, 2], 1150 * seconds * rain[:, 2]], axis=1)
            tops = (rain[:, :2] + way) % (1500, 900) - (110, 90)
            ends = tops + rain[:, 2:] * (-11, 48)
            stroke(picture, np.stack([tops, ends], axis=1), 1.2, ink(code))
        shake = 2.2 * math.sin(seconds * 23) + 1.5 * math.sin(seconds * 37)
        return zoomed(picture, 1.03, (640 + 40 * shake, 360 - 30 * shake), 0.12 * shake)

    return paint


def _lighthouse(stage: Stage) -> Layer:
    """The tower and its rock, drawn twice as large for smooth edges."""
    width, height = 2 * stage.width, 2 * stage.height
    art = np.zeros((height, width, 3), np.uint8)
    for part in range(7):
        top, near = 235 + 37 * part, 30 + 3.4 * part
        ends = [(930 - near, top), (930 + near, top)]
        ends += [(933.4 + near, top + 37), (926.6 - near, top + 37)]
        polygon(art, ends, ink("9aa3ab") if part % 2 else ink("8e2f35"))
    polygon(art, [(890, 235), (970, 235), (962, 222), (898, 222)], ink("20242e"))
    polygon(art, [(908, 222), (952, 222), (952, 186), (908, 186)], ink("ffe9a8"))
    polygon(art, [(900, 186), (960, 186), (930, 158)], ink("20242e"))
    x = (np.arange(width, dtype=np.float32) + 0.5) / (2 * stage.unit)
    side = np.clip(1.15 - np.abs(x - 915) / 90, 0.35, 1.15)[None, :, None]
    art = to_picture(art * side)
    crags = noise(width // 4, height // 4, cells=14, seed=74)
    crest = 720 - 225 * np.sqrt(np.clip(1 - np.abs(x - 960) / 430, 0, 1))
    crest -= 46 * np.repeat(crags[0], 4)[:width] * (crest < 719)
    rock = np.arange(height)[:, None] / (2 * stage.unit) > crest[None, :]
    relief = np.asarray(cv2.resize(crags - np.roll(crags, 2, axis=0), (width, height)))
    inks = to_picture(tint("20262e") * np.clip(1 + 7 * relief, 0.3, 2.6)[:, :, None])
    np.copyto(art, inks, where=rock[:, :, None])
    return cut_out(art, stage.width)


def _bolt(generator: np.random.Generator, x: float, foot: float) -> list[list[tuple[float, float]]]:
    """A zigzag from the clouds to the sea, and its branches."""
    trunk = [(x, -10.0)]
    while trunk[-1][1] < foot:
        step = generator.uniform((-46, 18), (46, 44))
        trunk.append((trunk[-1][0] + float(step[0]), trunk[-1][1] + float(step[1])))
    branches = [trunk]
    for start in (3, 5, 8):
        branch = [trunk[start]]
        side = 1 if start % 2 else -1
        for _ in range(6):
            step = generator.uniform((6, 12), (48, 34))
            branch.append((branch[-1][0] + side * float(step[0]), branch[-1][1] + float(step[1])))
        branches.append(branch)
    return branches


def camp_fire(stage: Stage) -> Painter:
    """A fire of logs throws sparks and a flickering light on the ground and the trees."""
    half = stage.reduced(2)
    x, y = half.grid()
    rise = noise(512, 512, cells=9, seed=81)
    waver = noise(512, 512, cells=5, seed=82, octaves=2)
    stops = {0: "000000", 0.25: "5f0a04", 0.45: "e1500a", 0.7: "ffcd46", 1: "fffad7"}
    palette = ramp(stops, np.linspace(0, 1, 256, dtype=np.float32))
    trees = _woods(stage)
    logs = _logs(stage)
    generator = np.random.default_rng(83)
    sparks = generator.uniform((-70, 0, 0.6), (70, 1.6, 1.5), (60, 3))
    ember = glow(9, ink("ffa040"), stage.unit)
    fade = np.hypot((x - 640) / 560, (y - 590) / 300)
    up = (640 - y) / 420
    slender = 1 / (150 * np.sqrt(np.clip(1.12 - up, 0.01, 1)))
    ground = np.clip(1.1 - fade, 0, 1)[:, :, None] ** 1.5 * tint("7c3711")

    def paint(moment: Moment) -> Picture:
        seconds = moment.seconds
        flicker = 1 + 0.1 * math.sin(seconds * 19) + 0.08 * math.sin(seconds * 31 + 1)
        picture = np.asarray(cv2.convertScaleAbs(trees, alpha=flicker), np.uint8)
        lean = (sample(waver, x * 0.5, y * 0.7 + 190 * seconds) - 0.5) * 190 * np.clip(up, 0, 1)
        flame = sample(rise, (x + lean) * 0.85, y * 0.62 + 330 * seconds)
        wide = np.clip(1 - ((x + lean - 640) * slender) ** 2, 0, 1)
        heat = wide * np.clip(1.35 - up * 1.1, 0, 1.2) * (0.35 + 1.05 * flame) - 0.22 * up - 0.12
        heat *= np.clip((668 - y) / 40, 0, 1)
        fire = palette[(np.clip(heat, 0, 1) * 255).astype(np.uint8)]
        fire = fire + ground * flicker
        picture = add(picture, enlarge(to_picture(fire), stage))
        paste(picture, logs, 0, 0)
        for spark_x, start, life in sparks:
            age = (seconds + start) % life / life
            at = 640 + spark_x * (1 + age) + 26 * math.sin(age * 9 + spark_x)
            if age < 0.95:
                paste_centred(picture, ember, at, 560 - 520 * age * life / 1.2)
        return zoomed(picture, 1.02 + 0.05 * moment.progress, (640, 520))

    return paint


def _woods(stage: Stage) -> Picture:
    """Trunks around a clearing, brighter towards the fire."""
    art = gradient(stage, {0: "0a1024", 0.5: "121528", 0.76: "2a1c18", 1: "1c110c"})
    generator = np.random.default_rng(84)
    bark = noise(stage.width, stage.height // 4, cells=160, seed=85, octaves=3)
    bark = np.asarray(cv2.resize(bark, (stage.width, stage.height)), np.float32)
    columns, lines = stage.grid()
    light = np.exp(-np.hypot(columns - 640, (lines - 560) * 0.8) / 370) * 1.7 + 0.08
    for near in (0.25, 0.5, 1.0):
        mask = np.zeros((stage.height, stage.width), np.uint8)
        wide = 12 + 26 * near
        trunk = [(-wide, 740.0), (-wide * 0.6, -10.0), (wide * 0.6, -10.0), (wide, 740.0)]
        for x in generator.uniform(0, stage.span, 11):
            if abs(x - 640) > 130 + 160 * near:
                polygon(mask, moved(trunk, (x, 0)), (255,))
        inks = tint("7a4a2a") * (light * (0.5 + bark) * (0.45 + 0.55 * near))[:, :, None]
        foot = np.clip((600 + 90 * near - lines) / 30, 0, 1)
        paste(art, layer(inks, mask * foot / 255), 0, 0)
    return art


def _logs(stage: Stage) -> Layer:
    """Three logs in a ring of stones, drawn twice as large for smooth edges."""
    art = np.zeros((2 * stage.height, 2 * stage.width, 3), np.uint8)
    logs = [
        (500, 668, 770, 628, "2a1710"),
        (510, 628, 780, 672, "3a2014"),
        (560, 676, 720, 676, "4a2a18"),
    ]
    for x0, y0, x1, y1, bark in logs:
        stroke(art, [(x0, y0), (x1, y1)], 34, ink(bark))
        stroke(art, [(x0, y0 - 11), (x1, y1 - 11)], 4, ink("8f4119"))
    for stone in range(13):
        turn = math.pi * (0.02 + stone / 12.5)
        at = (640 + 225 * math.cos(turn), 672 + 26 * math.sin(turn))
        disc(art, at, 24 - 4 * abs(math.cos(turn)), ink("2b2523"))
        disc(art, (at[0], at[1] - 6), 15, ink("6a4a38"))
    return cut_out(art, stage.width)
