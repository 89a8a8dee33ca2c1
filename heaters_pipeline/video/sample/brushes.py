"""Brushes of the sample video: noise, gradients, shapes and layers on arrays. Pure.

Lengths are given for a picture of 1280x720 and scaled to the height that the picture at hand
has, so that one drawing serves every size. Pictures are BGR, uint8, (height, width, 3); planes
are floats, (height, width) or (height, width, channels).
"""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

Picture: TypeAlias = npt.NDArray[np.uint8]
Plane: TypeAlias = npt.NDArray[np.floating[Any]]
Colour: TypeAlias = tuple[int, int, int]
Point: TypeAlias = tuple[float, float]
Points: TypeAlias = Sequence[Point] | npt.NDArray[Any]

REFERENCE_LINES = 720
_SUBPIXEL_BITS = 4


@dataclass(frozen=True, slots=True)
class Stage:
    """The size that a scene is drawn in.

    Attributes:
        width: Pixels a line.
        height: Lines.
    """

    width: int
    height: int

    @property
    def unit(self) -> float:
        """Pixels that one length unit takes."""
        return self.height / REFERENCE_LINES

    @property
    def span(self) -> float:
        """Width of the picture in length units."""
        return self.width / self.unit

    def reduced(self, factor: int) -> "Stage":
        """A smaller stage for soft things, which ``enlarge`` brings back to this size."""
        return Stage(self.width // factor, self.height // factor)

    def grid(self) -> tuple[Plane, Plane]:
        """Length units of each pixel: x as a row, y as a column, ready to broadcast."""
        x = (np.arange(self.width, dtype=np.float32) + 0.5) / self.unit
        y = (np.arange(self.height, dtype=np.float32) + 0.5) / self.unit
        return x.astype(np.float32)[None, :], y.astype(np.float32)[:, None]


@dataclass(frozen=True, slots=True)
class Moment:
    """An instant of a scene.

    Attributes:
        seconds: Since the scene began.
        progress: Part of the scene that is over, from 0 to below 1.
        flash: The frame is lit by a flash.
    """

    seconds: float
    progress: float
    flash: bool = False


Painter: TypeAlias = Callable[[Moment], Picture]


@dataclass(frozen=True, slots=True)
class Layer:
    """Something to lay over a picture.

    Attributes:
        colour: BGR, already multiplied with its opacity.
        keep: How much of what lies below stays, in each channel; None adds light.
        top: Lines that were trimmed off above, because nothing is in them.
    """

    colour: Picture
    keep: Picture | None
    top: int = 0


def ink(code: str) -> Colour:
    """BGR of a colour written as ``rrggbb``."""
    return int(code[4:6], 16), int(code[2:4], 16), int(code[0:2], 16)


def tint(code: str) -> Plane:
    """The same as ``ink``, as an array to calculate with, (3,) float32."""
    return np.array(ink(code), np.float32)


def to_picture(values: npt.NDArray[Any]) -> Picture:
    """Clip to 0..255 and round to uint8."""
    return np.asarray(cv2.convertScaleAbs(np.maximum(values, 0)), np.uint8)


def noise(width: int, height: int, *, cells: float, seed: int, octaves: int = 5) -> Plane:
    """Fractal value noise that continues seamlessly at its edges.

    Args:
        width: Columns of the result.
        height: Rows of the result.
        cells: Lumps side by side across the width in the coarsest octave.
        seed: Of the generator.
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
    low, high = total.min(), total.max()
    return np.asarray((total - low) / max(float(high - low), 1e-6), np.float32)


def sample(texture: Plane, x: Plane, y: Plane, *, interpolation: int = cv2.INTER_LINEAR) -> Plane:
    """Read a texture at positions in pixels, broadcast together; it repeats in all directions."""
    height, width = texture.shape[:2]
    x, y = np.broadcast_arrays(_within(x, width), _within(y, height))
    found = cv2.remap(texture, x, y, interpolation, borderMode=cv2.BORDER_WRAP)
    return np.asarray(found, np.float32)


def _within(positions: Plane, length: int) -> Plane:
    # Far faster than np.mod, and these arrays are large.
    turns = np.floor(positions * (1 / length))
    return np.asarray(positions - turns * length, np.float32)


def warp(picture: Picture, x: Plane, y: Plane) -> Picture:
    """Take each pixel of the result from ``(x, y)`` of a picture; mirrored beyond its edges."""
    return np.asarray(
        cv2.remap(picture, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101), np.uint8
    )


def enlarge(picture: Picture, stage: Stage) -> Picture:
    """Bring a picture that was drawn smaller to the size of the stage."""
    size = (stage.width, stage.height)
    return np.asarray(cv2.resize(picture, size, interpolation=cv2.INTER_LINEAR), np.uint8)


def blur(picture: Picture, radius: float) -> Picture:
    """Soften a picture by a Gaussian with this radius in length units."""
    sigma = max(0.3, radius * _scale(picture))
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.uint8)


def add(picture: Picture, light: Picture) -> Picture:
    """Add light to a picture."""
    return np.asarray(cv2.add(picture, light), np.uint8)


def mix(first: Picture, second: Picture, part: float) -> Picture:
    """Blend two pictures; ``part`` is that of the second, from 0 to 1."""
    return np.asarray(cv2.addWeighted(first, 1 - part, second, part, 0), np.uint8)


def zoomed(picture: Picture, factor: float, centre: Point, turn_degrees: float = 0.0) -> Picture:
    """Move the camera nearer (``factor`` above 1) to a point, and turn it."""
    height, width = picture.shape[:2]
    unit = _scale(picture)
    matrix = cv2.getRotationMatrix2D((centre[0] * unit, centre[1] * unit), turn_degrees, factor)
    return np.asarray(
        cv2.warpAffine(
            picture, matrix, (width, height), flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT
        ),
        np.uint8,
    )


def mirror(
    picture: Picture, top: float, seconds: float, shade: str, strength: float, squeeze: float = 1
) -> None:
    """Turn what lies below ``top`` into water that mirrors what lies above it.

    Args:
        picture: Drawn on in place.
        top: The water's edge, in length units.
        seconds: Moves the ripples.
        shade: Colour of the water itself, ``rrggbb``.
        strength: Part of the mirrored light, from 0 to 1.
        squeeze: How much flatter the mirrored picture is.
    """
    height, width = picture.shape[:2]
    unit = _scale(picture)
    edge = round(top * unit)
    y = (np.arange(height - edge, dtype=np.float32) / unit)[:, None]
    x = (np.arange(width, dtype=np.float32) / unit)[None, :]
    nearness = y / (REFERENCE_LINES - top)
    phase = 70 / (nearness + 0.16)
    swell = np.sin(phase + 2.6 * seconds + x / 97) + np.sin(phase * 0.57 - 1.9 * seconds - x / 61)
    shift = (1 + 7 * nearness) * swell * unit
    # Small waves draw lights out into upright streaks.
    streaks = cv2.blur(picture[:edge], (1, max(1, round(26 * unit))))
    image = warp(
        np.asarray(streaks, np.uint8),
        np.clip(x * unit + shift, 0, width - 1).astype(np.float32),
        np.abs(edge - 1 - squeeze * y * unit - 1.4 * np.abs(shift)).astype(np.float32),
    )
    water = np.empty_like(image)
    water[:] = ink(shade)
    picture[edge:] = mix(water, image, strength)


def gradient(stage: Stage, stops: Mapping[float, str]) -> Picture:
    """Colours from top to bottom, with a fine fixed grain against visible steps.

    Args:
        stage: Size of the result.
        stops: Colour ``rrggbb`` by height, from 0 (top) to 1 (bottom), in ascending order.
    """
    y = (np.arange(stage.height, dtype=np.float32) + 0.5) / stage.height
    grain = np.random.default_rng(1).random((stage.height, stage.width, 1), np.float32) * 2 - 1
    return to_picture(ramp(stops, y)[:, None, :] + grain)


def ramp(stops: Mapping[float, str], at: Plane) -> Plane:
    """Colours at positions along a scale; ``stops`` as for ``gradient``.

    Returns:
        BGR from 0 to 255, float32, in the shape of ``at`` with a last axis of 3.
    """
    inks = np.array([ink(code) for code in stops.values()])
    channels = [np.interp(at, list(stops), inks[:, channel]) for channel in range(3)]
    return np.stack(channels, axis=-1).astype(np.float32)


def disc(picture: npt.NDArray[Any], centre: Point, radius: float, colour: Sequence[float]) -> None:
    """Draw a filled circle with smooth edges."""
    unit = _scale(picture)
    cv2.circle(
        picture,
        _fixed((centre[0] * unit, centre[1] * unit)),
        max(1, round(radius * unit * 2**_SUBPIXEL_BITS)),
        colour,
        -1,
        cv2.LINE_AA,
        _SUBPIXEL_BITS,
    )


def polygon(picture: npt.NDArray[Any], points: Points, colour: Sequence[float]) -> None:
    """Draw a filled polygon with smooth edges."""
    cv2.fillPoly(picture, [_fixed_all(picture, points)], colour, cv2.LINE_AA, _SUBPIXEL_BITS)


def stroke(
    picture: npt.NDArray[Any],
    points: Points,
    thickness: float,
    colour: Sequence[float],
) -> None:
    """Draw a line through points, or many such lines, with smooth edges.

    Args:
        picture: Drawn on in place.
        points: Of one line, (points, 2), or of many, (lines, points, 2).
        thickness: Of the line.
        colour: BGR, or one value for a mask.
    """
    width = max(1, round(thickness * _scale(picture)))
    fixed = _fixed_all(picture, points)
    lines = [fixed] if fixed.ndim == 2 else list(fixed)
    cv2.polylines(picture, lines, False, colour, width, cv2.LINE_AA, _SUBPIXEL_BITS)


def moved(points: Sequence[Point], by: Point) -> npt.NDArray[np.float64]:
    """Points that are drawn around (0, 0), taken to where they belong."""
    return np.add(points, by)


def text(picture: Picture, words: str, at: Point, size: float, colour: Colour) -> None:
    """Write a line of text; ``at`` is the left end of its base line, ``size`` its height."""
    unit = _scale(picture)
    cv2.putText(
        picture,
        words,
        (round(at[0] * unit), round(at[1] * unit)),
        cv2.FONT_HERSHEY_DUPLEX,
        size * unit / 22,
        colour,
        max(1, round(size * unit / 22)),
        cv2.LINE_AA,
    )


def layer(colour: npt.NDArray[Any], opacity: Plane) -> Layer:
    """Make a layer of colours and their opacity.

    Args:
        colour: BGR from 0 to 255, broadcast to (height, width, 3).
        opacity: From 0 to 1, (height, width).
    """
    filled = np.flatnonzero(opacity.max(axis=1) > 0)
    top = int(filled[0]) if filled.size else 0
    opacity = opacity[top:, :, None]
    inks = np.broadcast_to(colour, (*opacity.shape[:2], 3)) if colour.ndim < 3 else colour[top:]
    keep = to_picture(np.repeat(255 - opacity * 255, 3, axis=2))
    return Layer(to_picture(inks * opacity), keep, top)


def glow(radius: float, colour: Colour, unit: float, *, power: float = 2.0) -> Layer:
    """Make a soft round light, bright in the middle, that is added to a picture."""
    pixels = max(2, round(radius * unit))
    axis = (np.arange(2 * pixels + 1, dtype=np.float32) - pixels) / pixels
    strength = np.clip(1 - np.hypot(axis[None, :], axis[:, None]), 0, 1) ** power
    return Layer(to_picture(strength[:, :, None] * np.array(colour, np.float32)), None)


def shrunk(colour: npt.NDArray[Any], opacity: Plane, width: int) -> Layer:
    """Make a layer ``width`` pixels wide of art that was drawn larger: smooth edges."""
    size = (width, max(1, round(opacity.shape[0] * width / opacity.shape[1])))
    inks = np.asarray(cv2.resize(colour, size, interpolation=cv2.INTER_AREA))
    return layer(inks, np.asarray(cv2.resize(opacity, size, interpolation=cv2.INTER_AREA)))


def cut_out(art: Picture, width: int) -> Layer:
    """Make a layer of what was drawn, in other colours than black, on a larger black picture."""
    return shrunk(art, np.asarray(art.max(axis=2) > 0, np.float32), width)


def paste(picture: Picture, piece: Layer, x: float, y: float) -> None:
    """Lay a layer over a picture with its upper left corner at ``(x, y)``, to part pixels."""
    unit = _scale(picture)
    column, row = x * unit, y * unit + piece.top
    left, upper = math.ceil(column), math.ceil(row)
    height, width = piece.colour.shape[:2]
    x0, y0 = max(0, left), max(0, upper)
    part = (left - column, upper - row)
    x1 = min(picture.shape[1], left + width - math.ceil(part[0]))
    y1 = min(picture.shape[0], upper + height - math.ceil(part[1]))
    if x0 >= x1 or y0 >= y1:
        return
    window = (x0 - left, y0 - upper, x1 - left, y1 - upper)
    target = picture[y0:y1, x0:x1]
    if piece.keep is not None:
        cv2.multiply(target, _moved(piece.keep, window, part), target, 1 / 255)
    cv2.add(target, _moved(piece.colour, window, part), target)


def paste_centred(picture: Picture, piece: Layer, x: float, y: float) -> None:
    """Lay a layer over a picture with its middle at ``(x, y)``."""
    unit = _scale(picture)
    height, width = piece.colour.shape[:2]
    paste(picture, piece, x - width / 2 / unit, y - (height / 2 + piece.top) / unit)


def _moved(image: Picture, window: tuple[int, int, int, int], part: Point) -> Picture:
    """Cut a window out of an image that is moved left and up by parts of a pixel."""
    x0, y0, x1, y1 = window
    lines = image[y0 : y1 + 1] if part[1] else image[y0:y1]
    across = lines[:, x0:x1]
    if part[0]:
        across = mix(across, lines[:, x0 + 1 : x1 + 1], part[0])
    return mix(across[:-1], across[1:], part[1]) if part[1] else across


def _scale(picture: npt.NDArray[Any]) -> float:
    return float(picture.shape[0]) / REFERENCE_LINES


def _fixed(point: Point) -> tuple[int, int]:
    factor = 2**_SUBPIXEL_BITS
    return round((point[0] - 0.5) * factor), round((point[1] - 0.5) * factor)


def _fixed_all(picture: npt.NDArray[Any], points: Points) -> npt.NDArray[np.int32]:
    scaled = (np.asarray(points) * _scale(picture) - 0.5) * 2**_SUBPIXEL_BITS
    return np.asarray(np.round(scaled), np.int32)
