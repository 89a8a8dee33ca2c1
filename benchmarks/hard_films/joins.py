"""How one shot becomes the next: pictures mixed of both, by how far the transition has come."""

from collections.abc import Callable
from typing import TypeAlias

import cv2
import numpy as np

from benchmarks.hard_films.textures import Floats, Picture, Rng, colour

Blend: TypeAlias = Callable[[Picture, Picture, float], Picture]
"""Of the pictures before and after, and a share between 0 and 1, both excluded."""


def dissolve(before: Picture, after: Picture, share: float) -> Picture:
    """Mix in proportion."""
    return np.asarray(cv2.addWeighted(before, 1 - share, after, share, 0), np.uint8)


def wipe(rng: Rng, size_px: tuple[int, int]) -> Blend:
    """A wipe of any shape, hard or soft."""
    order = _order(
        str(rng.choice(["line", "line", "slant", "circle", "clock", "blinds"])), rng, size_px
    )
    soft = float(rng.choice([0.004, rng.uniform(0.03, 0.3)]))

    def blend(before: Picture, after: Picture, share: float) -> Picture:
        opacity = np.clip((share * (1 + soft) - order) / soft, 0, 1)[..., None]
        return np.asarray(before * (1 - opacity) + after * opacity + 0.5).astype(np.uint8)

    return blend


def _order(shape: str, rng: Rng, size_px: tuple[int, int]) -> Floats:
    """When each point changes, 0 to 1."""
    x = np.linspace(0, 1, size_px[0], dtype=np.float32)[None]
    y = np.linspace(0, 1, size_px[1], dtype=np.float32)[:, None]
    if shape == "line":
        order = x + 0 * y if rng.random() < 0.6 else y + 0 * x
    elif shape == "slant":
        order = (x + y * rng.uniform(0.3, 1)) / 2
    elif shape == "circle":
        order = np.hypot(x - 0.5, y - 0.5)
    elif shape == "clock":
        order = (np.arctan2(y - 0.5, x - 0.5) / (2 * np.pi)) % 1
    else:
        order = x * 6 % 1 + 0 * y
    order = (order - order.min()) / np.ptp(order)
    return np.asarray(order if rng.random() < 0.5 else 1 - order, np.float32)


def push(rng: Rng) -> Blend:
    """The new picture pushes the old one out, or slides over it; to any side."""
    side = int(rng.integers(0, 4))
    slides_over = rng.random() < 0.5

    def blend(before: Picture, after: Picture, share: float) -> Picture:
        turned = [np.rot90(picture, side) for picture in (before, after)]
        width = turned[0].shape[1]
        reach = min(width - 1, max(1, round(share * width)))
        mixed = turned[0].copy()
        if not slides_over:
            mixed[:, : width - reach] = turned[0][:, reach:]
        mixed[:, width - reach :] = turned[1][:, :reach]
        return np.ascontiguousarray(np.rot90(mixed, -side))

    return blend


def smear(rng: Rng) -> Blend:
    """Both shots are swept to one side, blurred along it, and mixed in the middle."""
    way = float(rng.choice([-1, 1])) * rng.uniform(0.3, 0.9)

    def blend(before: Picture, after: Picture, share: float) -> Picture:
        width = before.shape[1]
        swept = [
            np.roll(picture, round(way * width * turn), axis=1)
            for picture, turn in ((before, share), (after, share - 1))
        ]
        length = max(3, round(abs(way) * width * 0.35 * np.sin(np.pi * share)))
        mixed = dissolve(swept[0], swept[1], float(np.clip((share - 0.3) / 0.4, 0, 1)))
        return np.asarray(cv2.blur(mixed, (length, 1)), np.uint8)

    return blend


def light_leak(rng: Rng, size_px: tuple[int, int]) -> Blend:
    """Warm light that runs over the picture from one side and hides the change."""
    tint = colour(rng, 210, hue=rng.uniform(-0.05, 0.15), vivid=0.8) / 255
    across = np.linspace(0, 1, size_px[0], dtype=np.float32)[None, :, None]
    from_left = rng.random() < 0.5
    across = across if from_left else 1 - across

    def blend(before: Picture, after: Picture, share: float) -> Picture:
        mixed = dissolve(before, after, share)
        glow = 420 * np.sin(np.pi * share) * np.exp(-((across - share) ** 2) / 0.15)
        return np.clip(mixed + glow * tint, 0, 255).astype(np.uint8)

    return blend


def faded(picture: Picture, to: int, share: float) -> Picture:
    """A picture on its way to black (``to`` 0) or white (255)."""
    return np.asarray(cv2.convertScaleAbs(picture, alpha=1 - share, beta=to * share), np.uint8)
