"""Brushes of the sample video: noise, gradients, shapes, layers and clouds. Pure.

Lengths are in units of a picture of 1280x720, whatever size is drawn. Pictures are BGR, uint8,
(height, width, 3), masks the same, (height, width); planes are floats, (height, width) or (height,
width, channels); colours are written as ``rrggbb``.
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Picture: TypeAlias = npt.NDArray[np.uint8]
Plane: TypeAlias = npt.NDArray[np.floating[Any]]
Point: TypeAlias = tuple[float, float]
Points: TypeAlias = npt.ArrayLike
# Draws the picture of a scene at an instant: seconds since it began.
Painter: TypeAlias = Callable[[float], Picture]

_SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True)
class Stage:
    """The size in pixels that a scene is drawn in."""

    width: int
    height: int

    @property
    def unit(self) -> float:
        """Pixels that one length unit takes."""
        return self.height / 720

    def reduced(self, factor: int) -> "Stage":
        """A smaller stage for soft things, which ``enlarge`` brings back to this size."""
        return Stage(self.width // factor, self.height // factor)

    def grid(self) -> tuple[Plane, Plane]:
        """Length units of each pixel: x as a row, y as a column, ready to broadcast."""
        x = (np.arange(self.width, dtype=np.float32) + 0.5) / np.float32(self.unit)
        y = (np.arange(self.height, dtype=np.float32) + 0.5) / np.float32(self.unit)
        return x[None, :], y[:, None]


@dataclass(frozen=True, slots=True)
class Layer:
    """Something to lay over a picture.

    Attributes:
        colour: Already multiplied with its opacity.
        keep: How much of what lies below stays, in each channel.
        top: Lines that were trimmed off above, because nothing is in them.
    """

    colour: Picture
    keep: Picture
    top: int


def tint(code: str) -> Plane:
    """BGR of a colour, as an array to calculate with, (3,) float32."""
    return np.array([int(code[at : at + 2], 16) for at in (4, 2, 0)], np.float32)


def to_picture(values: npt.NDArray[Any]) -> Picture:
    """Clip to 0..255 and round to uint8."""
    return np.asarray(cv2.convertScaleAbs(np.maximum(values, 0)), np.uint8)


def noise(width: int, height: int, *, cells: float, seed: int, octaves: int = 5) -> Plane:
    """Fractal value noise that continues seamlessly at its edges.

    Args:
        cells: Lumps side by side across the width in the coarsest octave.
        octaves: How often finer detail of half the strength is added.
    Returns:
        From 0 to 1, (height, width) float32.
    """
    generator = np.random.default_rng(seed)
    total = np.zeros((height, width), np.float32)
    for octave in range(octaves):
        columns = max(1, round(cells * 2**octave))
        rows = max(1, round(columns * height / width))
        if columns > width:
            break
        lumps = generator.random((rows, columns), dtype=np.float32)
        x = (np.arange(width, dtype=np.float32) + 0.5) * (columns / width) - 0.5
        y = (np.arange(height, dtype=np.float32) + 0.5) * (rows / height) - 0.5
        total += sample(lumps, x[None, :], y[:, None], interpolation=cv2.INTER_CUBIC) * 0.5**octave
    return np.asarray((total - total.min()) / max(float(np.ptp(total)), 1e-6), np.float32)


def sample(texture: Plane, x: Plane, y: Plane, *, interpolation: int = cv2.INTER_LINEAR) -> Plane:
    """Read a texture at positions in pixels, broadcast together; it repeats in all directions."""
    height, width = texture.shape[:2]
    # Far faster than np.mod, and these arrays are large.
    x, y = x - np.floor(x / width) * width, y - np.floor(y / height) * height
    across, down = (np.asarray(at, np.float32) for at in np.broadcast_arrays(x, y))
    found = cv2.remap(texture, across, down, interpolation, borderMode=cv2.BORDER_WRAP)
    return np.asarray(found, np.float32)


def enlarge(values: npt.NDArray[Any], stage: Stage) -> Picture:
    """Bring what was drawn on a smaller stage to the size of this one."""
    return np.asarray(cv2.resize(to_picture(values), (stage.width, stage.height)), np.uint8)


def add_light(picture: Picture, light: npt.NDArray[Any]) -> None:
    """Add light to a picture in place; it may be drawn on a smaller stage."""
    cv2.add(picture, cv2.resize(to_picture(light), picture.shape[1::-1]), picture)


def mix(first: Picture, second: Picture, part: float) -> Picture:
    """Blend two pictures; ``part`` is that of the second, from 0 to 1."""
    if part == 0:
        return first
    return np.asarray(cv2.addWeighted(first, 1 - part, second, part, 0), np.uint8)


def zoomed(picture: Picture, factor: float, centre: Point, turn_degrees: float = 0.0) -> Picture:
    """Move the camera nearer (``factor`` above 1) to a point, and turn it."""
    height, width = picture.shape[:2]
    middle = centre[0] * height / 720, centre[1] * height / 720
    matrix = cv2.getRotationMatrix2D(middle, turn_degrees, factor)
    near = cv2.warpAffine(picture, matrix, (width, height), borderMode=cv2.BORDER_REFLECT)
    return np.asarray(near, np.uint8)


def ramp(stops: Mapping[float, str], at: Plane) -> Plane:
    """Colours at positions along a scale of stops in ascending order, (*at.shape, 3) float32."""
    inks = np.array([tint(code) for code in stops.values()])
    channels = [np.interp(at, list(stops), inks[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def gradient(stage: Stage, stops: Mapping[float, str]) -> Picture:
    """Colours from the top (0) to the bottom (1), with a fixed grain against visible steps."""
    y = (np.arange(stage.height, dtype=np.float32) + 0.5) / stage.height
    grain = np.random.default_rng(1).random((stage.height, stage.width, 1), np.float32) * 2 - 1
    return to_picture(ramp(stops, y)[:, None, :] + grain)


def disc(picture: Picture, centre: Point, radius: float, code: str, light: float = 1) -> None:
    """Draw a filled circle with smooth edges; ``light`` multiplies its colour."""
    pixels = max(1, round(radius * picture.shape[0] / 720 * 2**_SUBPIXEL_BITS))
    inks = (tint(code) * light).tolist()
    at = _fixed(picture, centre).tolist()
    cv2.circle(picture, at, pixels, inks, -1, cv2.LINE_AA, _SUBPIXEL_BITS)


def polygon(picture: Picture, points: Points, code: str, light: float = 1) -> None:
    """Draw a filled polygon with smooth edges; ``light`` multiplies its colour."""
    inks = (tint(code) * light).tolist()
    cv2.fillPoly(picture, [_fixed(picture, points)], inks, cv2.LINE_AA, _SUBPIXEL_BITS)


def box(left: float, top: float, right: float, bottom: float) -> list[Point]:
    """Corners of an upright rectangle, for ``polygon``."""
    return [(left, top), (right, top), (right, bottom), (left, bottom)]


def stroke(picture: Picture, points: Points, width: float, code: str, light: float = 1) -> None:
    """Draw a line through points, (points, 2), or many such lines, (lines, points, 2)."""
    fixed = _fixed(picture, points)
    lines = list(fixed.reshape(-1, *fixed.shape[-2:]))
    pixels = max(1, round(width * picture.shape[0] / 720))
    inks = (tint(code) * light).tolist()
    cv2.polylines(picture, lines, False, inks, pixels, cv2.LINE_AA, _SUBPIXEL_BITS)


def _fixed(picture: Picture, points: Points) -> npt.NDArray[np.int32]:
    pixels = np.asarray(points) * (picture.shape[0] / 720) - 0.5
    return np.array(np.round(pixels * 2**_SUBPIXEL_BITS), np.int32, order="C")


def layer(colour: npt.NDArray[Any], opacity: Plane) -> Layer:
    """Make a layer of colours that broadcast, and of their opacity from 0 to 1, (height, width)."""
    filled = np.flatnonzero(opacity.max(axis=1) > 0)
    top = int(filled[0]) if filled.size else 0
    inks = np.broadcast_to(colour, (*opacity.shape, 3))[top:]
    opacity = np.repeat(opacity[top:, :, None], 3, axis=2)
    return Layer(to_picture(inks * opacity), to_picture(255 - 255 * opacity), top)


def glow(picture: Picture, at: Point, radius: float, code: str, power: float = 2.0) -> None:
    """Add a soft round light, bright in the middle, to a picture in place."""
    x, y = Stage(picture.shape[1] // 4, picture.shape[0] // 4).grid()
    strength = np.clip(1 - np.hypot(x - at[0], y - at[1]) / radius, 0, 1) ** power
    add_light(picture, strength[:, :, None] * tint(code))


def paste(picture: Picture, piece: Layer, x: float, y: float) -> None:
    """Lay a layer over a picture with its upper left corner at ``(x, y)``; x to part pixels."""
    column, upper = x * picture.shape[0] / 720, round(y * picture.shape[0] / 720) + piece.top
    left = math.ceil(column)
    part = left - column
    height, width = piece.colour.shape[:2]
    x0, x1 = max(0, left), min(picture.shape[1], left + width - math.ceil(part))
    y0, y1 = max(0, upper), min(picture.shape[0], upper + height)
    target = picture[y0:y1, x0:x1]
    if target.size:
        lines, here = slice(y0 - upper, y1 - upper), slice(x0 - left, x1 - left)
        aside = slice(here.start + 1, here.stop + 1)
        keep = mix(piece.keep[lines, here], piece.keep[lines, aside], part)
        cv2.multiply(target, keep, target, 1 / 255)
        cv2.add(target, mix(piece.colour[lines, here], piece.colour[lines, aside], part), target)


def clouds(stage: Stage, shade: str, light: str, *, height: float, seed: int) -> Layer:
    """A field of clouds wider than the stage, lit from the upper left."""
    width, lines = int(stage.width * 0.75), max(8, round(height * stage.unit / 2))
    # Drawn too high and pressed flat: clouds are wider than high.
    puffs = noise(width, 3 * lines, cells=5, seed=seed, octaves=6)
    puffs = np.asarray(cv2.resize(puffs, (width, lines), interpolation=cv2.INTER_AREA))
    reach = max(1, round(5 * stage.unit))
    lit = np.clip(0.62 + 2.2 * (puffs - np.roll(puffs, (-reach, -reach), axis=(0, 1))), 0, 1)
    inks = ramp({0: shade, 1: light}, lit)
    cover = np.clip((puffs - 0.46) * 3.2, 0, 1) * np.sin(np.linspace(0, np.pi, lines))[:, None]
    size = (2 * width, 2 * lines)
    return layer(np.asarray(cv2.resize(inks, size)), np.asarray(cv2.resize(cover, size)))
