"""Shots that are hard for scene detection, and films made of them whose transitions are known."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from heaters_pipeline_tests.video.detection.moving_shots import SIZE_PX, Picture

Rng: TypeAlias = np.random.Generator
Floats = npt.NDArray[np.float32]
Style = Literal["any", "dark"]
Direction = Literal["left", "right", "up", "down"]

_WORDS = ("the", "sea", "house", "of", "light", "and", "more", "seven", "old", "ways", "to", "read")
_FONTS = (cv2.FONT_HERSHEY_SIMPLEX, cv2.FONT_HERSHEY_DUPLEX, cv2.FONT_HERSHEY_COMPLEX)
_MARGIN_PX = 90


@dataclass(frozen=True, slots=True)
class Film:
    """Pictures, and (kind, start, end) of each transition in them."""

    pictures: list[Picture]
    transitions: tuple[tuple[str, int, int], ...] = ()

    @property
    def cuts(self) -> list[int]:
        """First frames of the shots after a cut."""
        return [start for kind, start, _ in self.transitions if kind == "cut"]


def spliced(*shots: Sequence[Picture]) -> Film:
    """Shots one after the other."""
    pictures: list[Picture] = []
    cuts = []
    for part in shots:
        cuts.append(("cut", len(pictures), len(pictures)))
        pictures += part
    return Film(pictures, tuple(cuts[1:]))


@dataclass(frozen=True, slots=True)
class Camera:
    """How a camera moves over a scene.

    Attributes:
        across_px: Steps to the right a frame, at 25 frames a second.
        down_px: Steps downwards a frame.
        zoom: Growth of the picture a frame.
    """

    across_px: float = 0.0
    down_px: float = 0.0
    zoom: float = 0.0

    @classmethod
    def random(cls, rng: Rng) -> "Camera":
        """A tripod, a slow pan, or a slow zoom."""
        across, down = rng.uniform(-2, 2), rng.uniform(-0.7, 0.7)
        return cls(across, down, rng.uniform(-0.002, 0.002)) if rng.random() < 0.8 else cls()


def scenery(rng: Rng, width_px: int = SIZE_PX[0] + 2 * _MARGIN_PX, style: Style = "any") -> Picture:
    """A place to film: patches of colour, texture, and shapes with edges."""
    height_px = SIZE_PX[1] + 2 * _MARGIN_PX
    scene = np.zeros((height_px, width_px, 3), np.float32)
    for cells, contrast in ((3, rng.uniform(40, 110)), (14, rng.uniform(15, 60)), (60, 25)):
        columns = max(2, round(cells * width_px / height_px))
        coarse = rng.uniform(-1, 1, (cells, columns, 3)).astype(np.float32)
        coarse = coarse * 0.5 + coarse.mean(axis=2, keepdims=True) * 0.5
        scene += contrast * cv2.resize(coarse, (width_px, height_px), interpolation=cv2.INTER_CUBIC)
    scene += rng.uniform(70, 180, 3).astype(np.float32)
    for _ in range(round(10 * width_px / height_px)):
        corners = rng.uniform(-45, 45, (5, 2)) + rng.uniform(0, 1, 2) * (width_px, height_px)
        colour = [float(value) for value in rng.uniform(0, 255, 3)]
        cv2.fillPoly(scene, [corners.astype(np.int32)], colour)
    if style == "dark":
        scene = scene * 0.2 + 4
    return np.asarray(scene.clip(0, 255), np.uint8)


def filmed(
    rng: Rng,
    scene: Picture,
    frames: int,
    camera: Camera,
    *,
    objects: int = 0,
    grain: float = 0.0,
    frame_rate: int = 25,
) -> list[Picture]:
    """Film a place, from its middle: ``frames`` pictures, each (180, 320, 3) uint8 BGR.

    Args:
        rng: Decides on grain and objects.
        scene: The place, larger than a picture.
        frames: How many.
        camera: How it moves.
        objects: Bodies that move through the picture.
        grain: Standard deviation of the noise of the sensor.
        frame_rate: 50 films the same motion with twice the frames.
    """
    bodies = [_Body.random(rng) for _ in range(objects)]
    noise = rng.normal(0, grain, (SIZE_PX[1] + 64, SIZE_PX[0] + 64)) if grain else None
    pictures = []
    for number in range(frames):
        time = number * 25 / frame_rate
        across_px, down_px = camera.across_px * time, camera.down_px * time
        picture = view(scene, across_px, down_px, 1 + camera.zoom * time)
        for body in bodies:
            body.draw(picture, time)
        pictures.append(picture if noise is None else _grained(rng, picture, noise))
    return pictures


def view(scene: Picture, across_px: float, down_px: float, zoom: float = 1.0) -> Picture:
    """What a camera shows that looks so far from the middle of a scene."""
    left = scene.shape[1] / 2 + across_px - SIZE_PX[0] / 2 / zoom
    top = scene.shape[0] / 2 + down_px - SIZE_PX[1] / 2 / zoom
    back = np.array([[1 / zoom, 0, left], [0, 1 / zoom, top]])
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    seen = cv2.warpAffine(scene, back, SIZE_PX, flags=flags, borderMode=cv2.BORDER_REFLECT)
    return np.asarray(seen, np.uint8)


def shot(
    rng: Rng, frames: int, *, style: Style = "any", frame_rate: int = 25, objects: int | None = None
) -> list[Picture]:
    """A shot of a random place with a random camera, moving objects and grain."""
    return filmed(
        rng,
        scenery(rng, style=style),
        frames,
        Camera.random(rng),
        objects=int(rng.integers(0, 4)) if objects is None else objects,
        grain=float(rng.choice([0.0, 1.5, 3.0])) * (0.5 if style == "dark" else 1),
        frame_rate=frame_rate,
    )


@dataclass(frozen=True, slots=True)
class _Body:
    centre_px: npt.NDArray[np.float64]
    speed_px: npt.NDArray[np.float64]
    half_px: npt.NDArray[np.float64]
    colour: npt.NDArray[np.float64]

    @classmethod
    def random(cls, rng: Rng) -> "_Body":
        return cls(
            rng.uniform(0.2, 0.8, 2) * SIZE_PX,
            rng.uniform(-2.5, 2.5, 2) * (1, 0.4),
            rng.uniform(10, 34, 2),
            rng.uniform(0, 255, 3),
        )

    def draw(self, picture: Picture, time: float) -> None:
        x, y = (int(value) for value in self.centre_px + self.speed_px * time)
        half = (int(self.half_px[0]), int(self.half_px[1]))
        colour = [float(value) for value in self.colour]
        level = picture.mean() / 255
        # A body is lit as its surroundings are.
        lit = [value * min(1.0, 2 * level) for value in colour]
        cv2.ellipse(picture, (x, y), half, 0, 0, 360, lit, -1)
        cv2.ellipse(picture, (x, y), (half[0] // 2, half[1] // 2), 0, 0, 360, lit[::-1], -1)


def _grained(rng: Rng, picture: Picture, noise: npt.NDArray[np.float64]) -> Picture:
    x, y = rng.integers(0, 64, 2)
    part = noise[y : y + SIZE_PX[1], x : x + SIZE_PX[0], None]
    return np.asarray((picture + part).clip(0, 255), np.uint8)


def barred(shot: Sequence[Picture], *, rows: float = 0.0, columns: float = 0.0) -> list[Picture]:
    """A shot behind black bars that take these shares of the height and the width, each side."""
    down, across = round(rows * SIZE_PX[1]), round(columns * SIZE_PX[0])
    framed = []
    for picture in shot:
        inner = picture[down : SIZE_PX[1] - down, across : SIZE_PX[0] - across]
        framed.append(
            np.pad(inner, ((down, down), (across, across), (0, 0))).astype(np.uint8, copy=False)
        )
    return framed


def with_overlay(shot: Sequence[Picture], overlay: Picture, opacity: Floats) -> list[Picture]:
    """A shot under a picture that does not move; ``opacity`` (180, 320) is 0 to 1."""
    share = opacity[..., None]
    return [(picture * (1 - share) + overlay * share).astype(np.uint8) for picture in shot]


def card(rng: Rng, *, lines: int | None = None) -> Picture:
    """White text on black, as silent films have it: (180, 320, 3) uint8."""
    picture = np.zeros((SIZE_PX[1], SIZE_PX[0], 3), np.uint8)
    number = lines or int(rng.integers(2, 6))
    _write_lines(picture, rng, (20, 300), 90 - 14 * number, number, 28, 0.7, (235, 235, 235))
    return picture


def slide(rng: Rng, *, bullets: int | None = None) -> Picture:
    """A slide of a talk: dark text on white, and on some slides a diagram."""
    picture = np.full((SIZE_PX[1], SIZE_PX[0], 3), 245, np.uint8)
    _write_lines(picture, rng, (12, 300), 28, 1, 20, 0.7, (120, 40, 20))
    number = bullets or int(rng.integers(3, 7))
    _write_lines(picture, rng, (24, 230), 56, number, 20, 0.42, (40, 40, 40))
    if rng.random() < 0.5:
        left, top = int(rng.integers(120, 200)), int(rng.integers(50, 90))
        colour = [float(value) for value in rng.uniform(0, 255, 3)]
        cv2.rectangle(picture, (left, top), (left + 70, top + 60), colour, -1)
    return picture


def _write_lines(
    picture: Picture,
    rng: Rng,
    columns_px: tuple[int, int],
    top_px: int,
    lines: int,
    height_px: int,
    scale: float,
    colour: tuple[int, int, int],
) -> None:
    font = int(rng.choice(_FONTS))
    for number in range(lines):
        widest = rng.uniform(0.45, 1) * (columns_px[1] - columns_px[0])
        text, longer = "", str(rng.choice(_WORDS))
        while cv2.getTextSize(longer, font, scale, 1)[0][0] < widest:
            text, longer = longer, f"{longer} {rng.choice(_WORDS)}"
        baseline = top_px + height_px * number + height_px // 2
        cv2.putText(picture, text, (columns_px[0], baseline), font, scale, colour, 1, cv2.LINE_AA)


Blend: TypeAlias = Callable[[Picture, Picture, float], Picture]


def dissolve(before: Picture, after: Picture, share: float) -> Picture:
    """Both pictures at once."""
    return np.asarray(cv2.addWeighted(before, 1 - share, after, share, 0), np.uint8)


def wipe(direction: Direction) -> Blend:
    """A straight front that moves in a direction."""

    def blend(before: Picture, after: Picture, share: float) -> Picture:
        axis = 1 if direction in ("left", "right") else 0
        length = before.shape[axis]
        front = round(share * length)
        passed = np.arange(length) < front
        if direction in ("left", "up"):
            passed = passed[::-1]
        mask = passed[None, :, None] if axis == 1 else passed[:, None, None]
        return np.where(mask, after, before)

    return blend


def crossing(before: Sequence[Picture], after: Sequence[Picture], blend: Blend) -> list[Picture]:
    """A gradual transition in even steps, as long as its two sides; shows neither side alone."""
    length = len(before)
    return [
        blend(a, b, number / (length + 1))
        for number, (a, b) in enumerate(zip(before, after, strict=True), start=1)
    ]


def blank(frames: int, level: int = 0) -> list[Picture]:
    """Black frames, or white ones with a level of 255."""
    return [np.full((SIZE_PX[1], SIZE_PX[0], 3), level, np.uint8)] * frames


@dataclass(slots=True)
class Editor:
    """Puts a film together: the tail of the last shot and the head of the next are mixed."""

    pictures: list[Picture]
    transitions: list[tuple[str, int, int]]

    @classmethod
    def starting_with(cls, pictures: Sequence[Picture]) -> "Editor":
        """A film that so far is one shot."""
        return cls(list(pictures), [])

    @property
    def film(self) -> Film:
        """The film so far."""
        return Film(self.pictures, tuple(self.transitions))

    def cut_to(self, shot: Sequence[Picture]) -> None:
        """Go on with a shot at once."""
        self.transitions.append(("cut", len(self.pictures), len(self.pictures)))
        self.pictures += shot

    def cross_to(self, shot: Sequence[Picture], frames: int, kind: str, blend: Blend) -> None:
        """Go on with a shot gradually, within so many frames."""
        end = len(self.pictures)
        tail = self.pictures[end - frames :]
        self.pictures[end - frames :] = crossing(tail, shot[:frames], blend)
        self.pictures += shot[frames:]
        self.transitions.append((kind, end - frames, end))

    def fade_out(self, frames: int, blank_frames: int, level: int = 0) -> None:
        """End the shot in black, or in another level."""
        end = len(self.pictures)
        tail = self.pictures[end - frames :]
        self.pictures[end - frames :] = crossing(tail, blank(frames, level), dissolve)
        self.pictures += blank(blank_frames, level)
        self.transitions.append(("fade_out", end - frames, end))

    def fade_in(self, shot: Sequence[Picture], frames: int, level: int = 0) -> None:
        """Start a shot from black, or from another level, which was shown before."""
        start = len(self.pictures)
        self.pictures += crossing(blank(frames, level), shot[:frames], dissolve)
        self.pictures += shot[frames:]
        self.transitions.append(("fade_in", start, start + frames))

    def fade_through(
        self, shot: Sequence[Picture], frames: int, blank_frames: int, level: int
    ) -> None:
        """End in black or white, and start the next shot from there."""
        self.fade_out(frames, blank_frames, level)
        self.fade_in(shot, frames, level)
        (_, start, _), (_, _, end) = self.transitions[-2:]
        kind = "fade_through_black" if level == 0 else "fade_through_white"
        self.transitions[-2:] = [(kind, start, end)]
