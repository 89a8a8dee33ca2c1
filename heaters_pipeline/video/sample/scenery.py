"""Scenery that several scenes of the sample video share: ranges, clouds, the sea."""

import cv2
import numpy as np

from heaters_pipeline.video.sample.brushes import (
    Layer,
    Picture,
    Plane,
    Stage,
    layer,
    noise,
    polygon,
    ramp,
    sample,
    tint,
)


def mountain_range(
    stage: Stage,
    level: float,
    height: float,
    cells: float,
    crest: str,
    foot: str,
    *,
    seed: int,
    pines: int = 0,
) -> Layer:
    """A mountain range wider than the stage.

    Args:
        stage: Gives the height of the layer.
        level: Where the crest line is about, in length units from the top.
        height: Of its peaks.
        cells: Mountains side by side.
        crest: Colour ``rrggbb`` at the top.
        foot: Colour ``rrggbb`` where it stands in the mist.
        seed: Of the generator.
        pines: Number of trees on its crest.
    """
    unit = stage.unit
    width = int(stage.width * 1.75)
    line = level - height * (noise(width, 1, cells=cells, seed=seed, octaves=8)[0] - 0.4) * 2
    mask = np.zeros((stage.height, width), np.uint8)
    x = np.arange(width) / unit
    bottom = [(x[-1], 730.0), (0.0, 730.0)]
    polygon(mask, np.concatenate([np.stack([x, line], axis=1), bottom]), (255,))
    generator = np.random.default_rng(seed)
    for place in generator.integers(0, width, pines):
        _pine(mask, x[place], line[place] + 12, float(generator.uniform(50, 130)))
    depth = (np.arange(stage.height) / unit - level + height * 0.9) / 260
    inks = ramp({0: crest, 1: foot}, depth)[:, None]
    grain = noise(width // 4, stage.height // 4, cells=cells * 4, seed=seed + 50)
    grain = np.asarray(cv2.resize(grain, (width, stage.height)))
    inks = inks * (0.9 + 0.2 * grain[:, :, None])
    return layer(inks, mask / np.float32(255))


def _pine(mask: Picture, x: float, base: float, height: float) -> None:
    for part in range(5):
        top = base - height * (1 - part * 0.17)
        reach = height * (0.09 + 0.045 * part)
        foot = top + height * 0.34
        polygon(mask, [(x, top), (x + reach, foot), (x - reach, foot)], (255,))


def cloud_field(stage: Stage, shade: str, light: str, *, height: float, seed: int) -> Layer:
    """A field of clouds wider than the stage, lit from the upper left."""
    width, lines = int(stage.width * 0.75), max(8, round(height * stage.unit / 2))
    # Drawn too high and pressed flat: clouds are wider than high.
    puffs = noise(width, 3 * lines, cells=5, seed=seed, octaves=6)
    puffs = np.asarray(cv2.resize(puffs, (width, lines), interpolation=cv2.INTER_AREA))
    reach = max(1, round(5 * stage.unit))
    relief = puffs - np.roll(puffs, (-reach, -reach), axis=(0, 1))
    lit = np.clip(0.62 + 2.2 * relief, 0, 1)[:, :, None]
    inks = tint(shade) * (1 - lit) + tint(light) * lit
    across = np.linspace(0, 3.14, lines)[:, None]
    cover = np.clip((puffs - 0.46) * 3.2, 0, 1) * np.sin(across)
    size = (2 * width, 2 * lines)
    return layer(np.asarray(cv2.resize(inks, size)), np.asarray(cv2.resize(cover, size)))


class Sea:
    """Waves in perspective, from a horizon to the lower edge."""

    def __init__(self, stage: Stage, horizon: float, *, seed: int) -> None:
        x, y = stage.grid()
        self.first_line = int(np.argmax(y[:, 0] > horizon))
        self.nearness = (y[self.first_line :] - horizon) / (720 - horizon)
        distance = 1 / (self.nearness + 0.035)
        self._x = (x - stage.span / 2) * distance * 0.21
        self._y = distance * 230
        swell = noise(512, 512, cells=9, seed=seed)
        self._slope = (swell - np.roll(swell, 5, axis=0)) * 9
        self._height = np.minimum(1, 0.35 + self.nearness * 2)

    def slope(self, seconds: float) -> Plane:
        """How much each pixel leans towards the viewer, about -1 to 1."""
        first = sample(self._slope, self._x + 14 * seconds, self._y + 26 * seconds)
        second = sample(self._slope, self._x * 2.3 - 21 * seconds, self._y * 2.1 + 44 * seconds)
        return np.asarray((first + 0.6 * second) * self._height, np.float32)
