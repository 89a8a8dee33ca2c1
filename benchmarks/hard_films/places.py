"""Scenes to film: places with layers in depth, flights between things, fire."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.hard_films.textures import (
    Floats,
    Picture,
    Rng,
    Textures,
    colour,
    coloured,
    figure,
)

Pose = npt.NDArray[np.float64]

_ROOM = (2.5, 1.7)
"""Widths and heights of a picture that a place has; to the sides it then repeats."""


class Scene(Protocol):
    """What a camera can film."""

    def view(self, seconds: float, pose: Pose, size_px: tuple[int, int]) -> Picture:
        """The picture from a pose (a row of a camera's path) at a time."""


@dataclass(frozen=True, slots=True)
class Walker:
    """Something that moves through a place: BGRA, its way in widths of the picture."""

    picture: Picture
    begin: float
    speed: float
    down: float
    steps_hz: float
    bob: float = 0.01


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer of a place: BGRA canvas, and how far it follows the camera; 0 is the horizon."""

    canvas: Picture
    near: float
    walkers: Sequence[Walker] = ()
    first_row: int = 0
    """Above it the canvas is empty."""


@dataclass(slots=True)
class Place:
    """Layers behind each other, far to near, with light that falls off to the corners."""

    layers: Sequence[Layer]
    light: Floats
    breathing: float = 0.0
    _shades: dict[tuple[int, int], Picture] = field(default_factory=dict)

    def view(self, seconds: float, pose: Pose, size_px: tuple[int, int]) -> Picture:
        """See ``Scene``."""
        width, height = size_px
        picture = np.zeros((height, width, 3), np.uint8)
        for number, layer in enumerate(self.layers):
            matrix = _matrix(layer, pose, size_px, seconds * self.breathing * number)
            _lay(picture, layer, matrix)
            for walker in layer.walkers:
                _paste(picture, walker, seconds, matrix, layer.canvas.shape)
        picture = cv2.GaussianBlur(picture, (3, 3), 0.6)
        return np.asarray(cv2.multiply(picture, self._shade(size_px), scale=1 / 255), np.uint8)

    def _shade(self, size_px: tuple[int, int]) -> Picture:
        if size_px not in self._shades:
            across = np.linspace(-1, 1, size_px[0])[None, :, None]
            down = np.linspace(-1, 1, size_px[1])[:, None, None]
            fall = 1 - 0.22 * (across**2 + down**2)
            self._shades[size_px] = np.clip(255 * fall * self.light, 0, 255).astype(np.uint8)
        return self._shades[size_px]


def _lay(picture: Picture, layer: Layer, matrix: Floats) -> None:
    """Draw a layer, only the rows in which there is something."""
    height, width = picture.shape[:2]
    slope = float(matrix[1, 0] / matrix[1, 1])
    middle = (width / 2 - matrix[0, 2] - matrix[0, 1] * layer.first_row) / matrix[0, 0]
    row = matrix[1] @ np.array([middle, layer.first_row, 1])
    first = 0 if layer.first_row == 0 else max(0, int(row - abs(slope) * width / 2) - 2)
    if first >= height:
        return
    shifted = matrix - np.array([[0, 0, 0], [0, 0, first]], np.float32)
    seen = cv2.warpAffine(
        layer.canvas, shifted, (width, height - first), borderMode=cv2.BORDER_WRAP
    )
    if layer.canvas.shape[2] == 3:
        picture[first:] = seen
    else:
        opacity = cv2.extractChannel(seen, 3)
        cv2.copyTo(cv2.cvtColor(seen, cv2.COLOR_BGRA2BGR), opacity, picture[first:])


def _matrix(layer: Layer, pose: Pose, size_px: tuple[int, int], sway: float) -> Floats:
    """From the canvas to the picture."""
    width, height = size_px
    down_px, across_px = layer.canvas.shape[:2]
    scale = width * _ROOM[0] / across_px * 2 ** (pose[2] * (0.6 + 0.4 * layer.near))
    turn = cv2.getRotationMatrix2D((0, 0), float(pose[3]), float(scale))
    x = across_px / 2 + (pose[0] * layer.near + sway) * across_px / _ROOM[0]
    # Above and below there is an end: the camera comes to rest before it.
    most = 0.9 * (_ROOM[1] - 1) / 2 * height / width
    y = down_px / 2 + most * np.tanh(pose[1] / most) * layer.near * across_px / _ROOM[0]
    turn[:, 2] = np.array([width / 2, height / 2]) - turn[:, :2] @ np.array([x, y])
    return np.asarray(turn, np.float32)


def _paste(
    picture: Picture, walker: Walker, seconds: float, matrix: Floats, canvas: Sequence[int]
) -> None:
    """Draw a walker where he is in the layer."""
    step = np.sin(2 * np.pi * walker.steps_hz * seconds)
    x = ((walker.begin + walker.speed * seconds) / _ROOM[0] % 1) * canvas[1]
    y = (walker.down + walker.bob * step) * canvas[0]
    scale = float(np.hypot(matrix[0, 0], matrix[0, 1]))
    height = round(walker.picture.shape[0] * scale * (1 + 0.015 * step))
    width = round(walker.picture.shape[1] * scale * (1 - 0.12 * abs(step)))
    for round_trip in (-canvas[1], 0, canvas[1]):
        left, foot = matrix[:, :2] @ np.array([x + round_trip, y]) + matrix[:, 2]
        paste(picture, walker.picture, (round(left), round(foot - height)), (width, height))


def paste(
    picture: Picture, figure_bgra: Picture, at: tuple[int, int], size_px: tuple[int, int]
) -> None:
    """Draw a BGRA picture, scaled, its upper left corner at ``at``; parts outside are left out."""
    (left, top), (width, height) = at, size_px
    x, y = max(left, 0), max(top, 0)
    right, bottom = min(left + width, picture.shape[1]), min(top + height, picture.shape[0])
    if right <= x or bottom <= y or width < 2 or height < 2:
        return
    scaled = cv2.resize(figure_bgra, size_px, interpolation=cv2.INTER_LINEAR)
    part = scaled[y - top : bottom - top, x - left : right - left]
    cv2.copyTo(part[..., :3], np.ascontiguousarray(part[..., 3]), picture[y:bottom, x:right])


def place(rng: Rng, textures: Textures, size_px: tuple[int, int]) -> Place:
    """A place of any kind: open land, town, wood, room, stadium, somebody from near."""
    kind = str(rng.choice(["hills", "town", "wood", "room", "crowd", "portrait"]))
    across = round(size_px[0] * _ROOM[0])
    down = round(size_px[1] * _ROOM[1])
    luma = rng.uniform(100, 240)
    horizon = rng.uniform(0.35, 0.6)
    back = _backdrop(rng, textures, (across, down), kind, luma, horizon)
    if kind == "portrait":
        return _portrait(rng, textures, back, luma)
    layers = [Layer(back, 0.45)]
    depths = 1 if kind == "crowd" else int(rng.integers(2, 4))
    for number in range(depths):
        near = 0.7 + 0.55 * number / max(depths - 1, 1)
        top = horizon + (0.16 if kind != "room" else 0.1) * number
        canvas = _silhouette(rng, textures, (across, down), kind, top, luma * (0.8 - 0.2 * number))
        tall = down * (0.1 + 0.13 * number) * rng.uniform(0.8, 1.3)
        walkers = [
            Walker(
                figure(rng, textures, max(8, round(tall)), luma * rng.uniform(0.4, 1.3)),
                begin=rng.uniform(0, _ROOM[0]),
                speed=rng.choice([-1, 1]) * rng.uniform(0.02, 0.25) * (1 + number),
                down=min(0.97, top + 0.2 + 0.12 * number),
                steps_hz=rng.uniform(1.2, 2.4),
            )
            for _ in range(int(rng.integers(0, 3)))
        ]
        first_row = int(np.argmax(canvas[..., 3].any(axis=1)))
        layers.append(Layer(canvas, near, walkers, first_row))
    light = colour(rng, 250, vivid=0.2) / 255
    return Place(layers, light, breathing=rng.uniform(0, 0.004))


def _portrait(rng: Rng, textures: Textures, back: Picture, luma: float) -> Place:
    """People from near, at times running, before a place out of focus."""
    down, across = back.shape[:2]
    blurred = np.asarray(cv2.GaussianBlur(back, (0, 0), across / 150), np.uint8)
    tall = rng.uniform(0.9, 1.8) * down
    runs = rng.random() < 0.4
    people = [
        Walker(
            figure(rng, textures, round(tall), luma * rng.uniform(0.5, 1.2)),
            begin=number * _ROOM[0] / 4 + rng.uniform(-0.1, 0.1),
            speed=rng.choice([-1, 1]) * (rng.uniform(0.3, 1.5) if runs else rng.uniform(0, 0.03)),
            down=0.32 + tall / down * rng.uniform(0.85, 1.0),
            steps_hz=rng.uniform(2, 3.5) if runs else rng.uniform(0.3, 0.8),
            bob=0.04 if runs else 0.01,
        )
        for number in range(4)
    ]
    empty = np.zeros((down, across, 4), np.uint8)
    light = colour(rng, 250, vivid=0.2) / 255
    return Place([Layer(blurred, 0.45), Layer(empty, 1.0, people, first_row=down - 1)], light)


def _backdrop(
    rng: Rng,
    textures: Textures,
    size_px: tuple[int, int],
    kind: str,
    luma: float,
    horizon: float,
) -> Picture:
    """Sky or wall above, ground or floor below."""
    across, down = size_px
    far = textures.surface(rng, size_px, rough=0.0 if kind in ("hills", "town") else 0.5)
    strong = 0.25 if kind == "room" else 0.5
    sky = colour(rng, luma * rng.uniform(0.9, 1.3), hue=None if kind == "room" else 0.6)
    picture = coloured(far, sky * (1 - strong), sky * (1 + 0.6 * strong)).astype(np.float32)
    picture *= np.linspace(0.75, 1.15, down, dtype=np.float32)[:, None, None]
    ground = colour(rng, luma * rng.uniform(0.5, 0.95))
    first = round(horizon * down)
    rows = textures.surface(rng, (across, down - first), rough=0.8)
    floor = coloured(rows, ground * 0.6, ground * 1.3)
    picture[first:] = floor * np.linspace(1.1, 0.7, down - first)[:, None, None]
    if kind == "crowd":
        people = textures.surface(rng, (across, first), rough=1.0)
        hues = (
            rng.normal(130, 32, (first // 6 + 1, across // 4 + 1, 3)).clip(0, 255).astype(np.uint8)
        )
        seats = cv2.resize(hues, (across, first), interpolation=cv2.INTER_NEAREST)
        picture[:first] = 0.65 * seats + 0.5 * people[..., None] - 20
    return np.clip(picture, 0, 255).astype(np.uint8)


def _silhouette(
    rng: Rng, textures: Textures, size_px: tuple[int, int], kind: str, top: float, luma: float
) -> Picture:
    """What stands in front: BGRA, its upper edge at about ``top`` of the height."""
    across, down = size_px
    base = colour(rng, luma, hue=0.3 if kind in ("hills", "wood") else None, vivid=0.35)
    field_ = textures.surface(rng, size_px, rough=rng.uniform(0.5, 1.0))
    picture = coloured(field_, base * 0.35, base * 1.5)
    mask = np.zeros((down, across), np.uint8)
    rows = np.arange(down)[:, None]
    if kind in ("hills", "wood", "crowd"):
        rough = {"hills": 1.8, "wood": 1.0, "crowd": 1.1}[kind]
        ridge = noise_line(rng, across, rough)
        height = {"hills": 0.16, "wood": 0.35, "crowd": 0.03}[kind]
        mask[rows > (top - height * (ridge - 0.35)) * down] = 255
        if kind == "wood":
            mask[(field_ > 150) & (rows < (top + 0.1) * down)] = 0
    else:
        _blocks(rng, picture, mask, top, base)
    return np.dstack([picture, mask])


def noise_line(rng: Rng, length: int, slope: float) -> Floats:
    """A ridge, 0 to 1, that goes on at its ends."""
    frequency = np.maximum(np.fft.rfftfreq(length), 2 / length)
    line = np.fft.irfft(np.fft.rfft(rng.standard_normal(length)) / frequency**slope, length)
    return np.asarray((line - line.min()) / np.ptp(line), np.float32)


def _blocks(rng: Rng, picture: Picture, mask: Picture, top: float, base: Floats) -> None:
    """Houses with windows, or the things of a room."""
    down, across = mask.shape
    left = 0
    while left < across:
        width = int(rng.integers(across // 40, across // 9))
        first = round((top - rng.uniform(-0.1, 0.3)) * down)
        block = np.s_[max(first, 0) :, left : left + width]
        mask[block] = 255
        shade = rng.uniform(0.6, 1.3)
        picture[block] = np.clip(picture[block] * shade, 0, 255)
        step = max(6, width // int(rng.integers(3, 8)))
        window = np.clip(base * rng.uniform(0.2, 1.9), 0, 255)
        for x in range(left + step // 3, left + width - step // 2, step):
            for y in range(first + step // 2, round((top + 0.15) * down), step):
                picture[max(y, 0) : y + step // 2, x : x + step // 2] = window
        left += width + (0 if rng.random() < 0.5 else int(rng.integers(5, across // 12)))
