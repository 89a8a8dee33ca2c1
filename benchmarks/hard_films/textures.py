"""Noise, colours and figures of which scenes are made."""

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Picture: TypeAlias = npt.NDArray[np.uint8]
Floats: TypeAlias = npt.NDArray[np.float32]
Rng: TypeAlias = np.random.Generator


def noise(rng: Rng, size_px: tuple[int, int], slope: float) -> Picture:
    """Noise with the spectrum of pictures, amplitude 1/f^slope; it goes on across its borders.

    Args:
        rng: Source of the phases.
        size_px: (width, height).
        slope: About 1 for foliage and crowds, 1.8 for clouds and smoke.
    """
    width, height = size_px
    down = np.fft.fftfreq(height)[:, None]
    across = np.fft.rfftfreq(width)[None]
    frequency = np.maximum(np.hypot(down, across), 1.5 / max(size_px))
    spectrum = np.fft.rfft2(rng.standard_normal((height, width))) / frequency**slope
    field = np.fft.irfft2(spectrum, (height, width))
    return np.clip(128 + 45 * (field - field.mean()) / field.std(), 0, 255).astype(np.uint8)


class Textures:
    """A few fields of noise, from which any number of different surfaces is cut."""

    _SLOPES = (0.9, 1.1, 1.4, 1.8)

    def __init__(self, rng: Rng, side_px: int = 512) -> None:
        self._fields = [noise(rng, (2 * side_px, side_px), slope) for slope in self._SLOPES]

    def surface(
        self, rng: Rng, size_px: tuple[int, int], *, rough: float, may_repeat: bool = True
    ) -> Picture:
        """A field scaled to a size, from another part of it on; ``rough`` is 0 to 1."""
        field = self._fields[round((1 - rough) * (len(self._fields) - 1))]
        shift = tuple(int(rng.integers(0, side)) for side in field.shape)
        field = np.roll(field, shift, axis=(0, 1))[:: rng.choice([-1, 1]), :: rng.choice([-1, 1])]
        if (
            may_repeat and rng.random() < 0.5
        ):  # a finer grain, which still goes on across the borders
            field = np.tile(field, (2, 2))
        return np.asarray(cv2.resize(field, size_px, interpolation=cv2.INTER_LINEAR), np.uint8)


def colour(rng: Rng, luma: float, *, hue: float | None = None, vivid: float = 0.35) -> Floats:
    """A plausible BGR colour of about that luma, 0 to 255.

    Args:
        rng: Source of hue and saturation.
        luma: 0 to 255.
        hue: 0 to 1; red is 0, green a third, any if None.
        vivid: The most saturation.
    """
    hue = float(rng.random()) if hue is None else hue % 1
    saturation = vivid * rng.uniform(0.3, 1)
    red, green, blue = (
        1 - saturation * float(np.clip(abs((hue * 6 + turn) % 6 - 3) * -1 + 2, 0, 1))
        for turn in (0, 4, 2)
    )
    own = 0.299 * red + 0.587 * green + 0.114 * blue
    return np.clip(np.array([blue, green, red], np.float32) * luma / own, 0, 255)


def coloured(field: Picture, dark: Floats, light: Floats) -> Picture:
    """Turn noise into colours between two."""
    steps = np.linspace(0, 1, 256, dtype=np.float32)[:, None]
    table = np.clip(dark * (1 - steps) + light * steps, 0, 255).astype(np.uint8)
    return np.asarray(cv2.LUT(cv2.merge([field] * 3), table[:, None]), np.uint8)


def figure(rng: Rng, textures: Textures, height_px: int, luma: float) -> Picture:
    """A person or a vehicle: BGRA, ``height_px`` high, opaque where there is something."""
    is_person = rng.random() < 0.7
    width_px = max(4, round(height_px * (0.45 if is_person else 2.0)))
    mask = np.zeros((height_px, width_px), np.uint8)
    picture = np.zeros((height_px, width_px, 3), np.uint8)

    def part(draw_mask: Picture, shade: float) -> None:
        field = textures.surface(rng, (width_px, height_px), rough=rng.uniform(0.2, 0.8))
        skin = colour(rng, luma * shade, vivid=0.6)
        painted = coloured(field, skin * 0.55, skin * 1.35)
        if not mask.any():  # so that no edge is mixed with black when it is scaled
            picture[:] = painted
        cv2.copyTo(painted, draw_mask, picture)
        cv2.bitwise_or(mask, draw_mask, mask)

    for kind in ("legs", "body", "head") if is_person else ("body", "cabin", "wheels"):
        shape = np.zeros_like(mask)
        _draw(kind, shape, rng)
        part(shape, rng.uniform(0.5, 1.3))
    return np.dstack([picture, mask])


def _draw(kind: str, shape: Picture, rng: Rng) -> None:
    height, width = shape.shape
    middle = width // 2

    def at(across: float, down: float) -> tuple[int, int]:
        return round(across * width), round(down * height)

    if kind == "legs":
        for side in (0.34, 0.66):
            cv2.line(shape, at(0.5, 0.5), at(side, 0.98), 255, max(1, round(width * 0.2)))
    elif kind == "body" and width < height:
        centre = (middle, round(0.4 * height))
        cv2.ellipse(shape, centre, at(0.36, 0.24), 0, 0, 360, 255, -1)
    elif kind == "head":
        cv2.circle(shape, (middle, round(0.11 * height)), max(1, round(0.1 * height)), 255, -1)
    elif kind == "body":
        cv2.rectangle(shape, at(0.02, 0.45), at(0.98, 0.85), 255, -1)
    elif kind == "cabin":
        left = rng.uniform(0.1, 0.3)
        points = [at(left, 0.45), at(left + 0.1, 0.1), at(left + 0.45, 0.1), at(left + 0.6, 0.45)]
        cv2.fillPoly(shape, [np.array(points)], 255)
    else:
        for across in (0.22, 0.78):
            cv2.circle(shape, at(across, 0.85), max(1, round(0.15 * height)), 255, -1)
