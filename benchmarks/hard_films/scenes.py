"""Scenes that are no places: flights between things, fire, scenes by night."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.hard_films.places import Pose, Scene, paste
from benchmarks.hard_films.textures import Picture, Rng, Textures, colour, coloured, figure

Numbers = npt.NDArray[np.float64]

_DEPTH = 12.0
"""How far one sees on a flight, in heights of the camera over ground."""
_NEAREST = 0.35


@dataclass(frozen=True, slots=True)
class Flight:
    """A camera flying between things that stand on the ground: all grows and goes by.

    Attributes:
        backdrop: Sky, BGR; twice as wide as it is seen.
        ground: Texture of the ground, BGR.
        things: What stands around, BGRA.
        positions: (things, 2): across, along the way.
        speed: Along the way, a second.
    """

    backdrop: Picture
    ground: Picture
    things: Sequence[Picture]
    positions: Numbers
    speed: float

    def view(self, seconds: float, pose: Pose, size_px: tuple[int, int]) -> Picture:
        """See ``Scene``."""
        width, height = size_px
        focus = 0.8 * width * 2 ** pose[2]
        middle = width / 2 - pose[0] * width * 0.5
        horizon = round(float(np.clip(0.45 * height - pose[1] * width, 2, height - 8)))
        travelled = self.speed * seconds
        picture = self._sky(pose, size_px)
        self._lay_ground(picture, horizon, (middle, focus), travelled)
        ahead = (self.positions[:, 1] - travelled - _NEAREST) % _DEPTH + _NEAREST
        for number in np.argsort(-ahead):
            scale = focus / ahead[number]
            foot = horizon + scale * 0.5
            tall = round(scale * 0.9)
            wide = max(2, round(tall * self.things[number].shape[1] / self.things[number].shape[0]))
            left = middle + scale * self.positions[number, 0] - wide / 2
            if tall < 6 * height:
                paste(picture, self.things[number], (round(left), round(foot - tall)), (wide, tall))
        if abs(pose[3]) > 0.1:
            turn = cv2.getRotationMatrix2D((width / 2, height / 2), float(pose[3]), 1.1)
            picture = cv2.warpAffine(picture, turn, size_px, borderMode=cv2.BORDER_REFLECT)
        return np.asarray(cv2.GaussianBlur(picture, (3, 3), 0.6), np.uint8)

    def _sky(self, pose: Pose, size_px: tuple[int, int]) -> Picture:
        matrix = np.array([[1, 0, -pose[0] * size_px[0] * 0.5], [0, 1, -pose[1] * size_px[0]]])
        return np.asarray(
            cv2.warpAffine(self.backdrop, matrix, size_px, borderMode=cv2.BORDER_WRAP), np.uint8
        )

    def _lay_ground(
        self, picture: Picture, horizon: int, lens: tuple[float, float], travelled: float
    ) -> None:
        """The plane under the camera, by its distance in each row."""
        height, width = picture.shape[:2]
        down, across = self.ground.shape[:2]
        distance = 0.5 * lens[1] / (np.arange(horizon, height) - horizon + 1.0)[:, None]
        x = (np.arange(width)[None] - lens[0]) / lens[1] * distance
        along = np.broadcast_to(distance + travelled, x.shape)
        maps = [(x * 0.25 * across).astype(np.float32), (along * 0.25 * down).astype(np.float32)]
        seen = cv2.remap(self.ground, *maps, cv2.INTER_LINEAR, borderMode=cv2.BORDER_WRAP)
        # Far away texture would flicker; haze is what one sees there.
        haze = np.clip((_DEPTH - distance) / _DEPTH, 0, 1)[..., None]
        picture[horizon:] = seen * haze + 150 * (1 - haze)


def flight(rng: Rng, textures: Textures, size_px: tuple[int, int]) -> Flight:
    """A flight low over ground, at any speed."""
    luma = rng.uniform(80, 200)
    sky = colour(rng, min(luma * 1.2, 235), hue=0.6)
    clouds = textures.surface(rng, (2 * size_px[0], size_px[1]), rough=0.0)
    earth = colour(rng, luma * 0.8, vivid=0.45)
    kinds = [_thing(rng, textures, size_px[1], luma) for _ in range(6)]
    count = int(rng.integers(20, 45))
    sides = rng.uniform(0.35, 4, count) * rng.choice([-1, 1], count)
    return Flight(
        backdrop=coloured(clouds, sky * 0.7, sky * 1.1),
        ground=coloured(textures.surface(rng, (512, 512), rough=0.9), earth * 0.4, earth * 1.4),
        things=[kinds[int(rng.integers(0, len(kinds)))] for _ in range(count)],
        positions=np.stack([sides, rng.uniform(0, _DEPTH, count)], axis=1),
        speed=rng.uniform(1.5, 9),
    )


def _thing(rng: Rng, textures: Textures, height_px: int, luma: float) -> Picture:
    """A tree, a rock or somebody."""
    if rng.random() < 0.3:
        return figure(rng, textures, height_px, luma)
    size_px = (round(height_px * rng.uniform(0.4, 1.0)), height_px)
    bark = colour(rng, luma * rng.uniform(0.4, 1.1), hue=0.3, vivid=0.5)
    field = textures.surface(rng, size_px, rough=1.0)
    across = np.linspace(-1, 1, size_px[0])[None]
    down = np.linspace(-1, 1, size_px[1])[:, None]
    ragged = (field.astype(np.float32) - 128) / 128
    mask = (across**2 + down**2 + 0.5 * ragged < 0.85).astype(np.uint8) * 255
    mask[size_px[1] // 2 :, int(size_px[0] * 0.45) : int(size_px[0] * 0.55) + 1] = 255
    return np.dstack([coloured(field, bark * 0.3, bark * 1.6), mask])


@dataclass(frozen=True, slots=True)
class Burning:
    """A scene with fire before it, whose light flickers over everything.

    Attributes:
        scene: What burns.
        flames: Two fields of noise that rise at different speeds.
        flicker: Brightness by hundredths of a second, about 1.
        height: Of the flames, share of the picture.
        rise: Heights of the field a second.
    """

    scene: Scene
    flames: tuple[Picture, Picture]
    flicker: Numbers
    height: float
    rise: float

    def view(self, seconds: float, pose: Pose, size_px: tuple[int, int]) -> Picture:
        """See ``Scene``."""
        width, height = size_px
        level = float(self.flicker[int(seconds * 100) % len(self.flicker)])
        behind = cv2.convertScaleAbs(self.scene.view(seconds, pose, size_px), alpha=0.35 * level)
        heat = np.zeros((height, width), np.float32)
        for number, field in enumerate(self.flames):
            shift = seconds * self.rise * (1 + 0.6 * number) * field.shape[0]
            across = pose[0] * width + 90 * number
            matrix = np.array([[1.0, 0, -across], [0, 1.0, -shift % field.shape[0]]])
            heat += cv2.warpAffine(field, matrix, size_px, borderMode=cv2.BORDER_WRAP)
        down = np.linspace(-1.0, 1.0, height, dtype=np.float32)[:, None]
        heat = np.clip((heat / 2 - 128) * 3 + 255 * (down - 1 + 2 * self.height) * level, 0, 255)
        index = heat.astype(np.uint8)
        return np.asarray(cv2.add(behind, cv2.LUT(cv2.merge([index] * 3), _FLAMES)), np.uint8)


_HEAT = np.arange(256, dtype=np.float32)
_FLAMES = np.stack(
    [
        np.clip(_HEAT * 3 - 510, 0, 255),
        np.clip(_HEAT * 2 - 190, 0, 255),
        np.clip(_HEAT * 2, 0, 255),
    ],
    axis=1,
).astype(np.uint8)[:, None]


def burning(rng: Rng, textures: Textures, scene: Scene, size_px: tuple[int, int]) -> Burning:
    """Set a scene on fire."""
    level = np.zeros(1009)
    for number in range(1, len(level)):
        level[number] = 0.8 * level[number - 1] + rng.normal(0, 0.08)
    flames = [textures.surface(rng, size_px, rough=rough, may_repeat=False) for rough in (0.3, 0.6)]
    return Burning(
        scene,
        (flames[0], flames[1]),
        flicker=np.clip(1 + level, 0.3, 1.9),
        height=rng.uniform(0.2, 0.6),
        rise=rng.uniform(0.5, 1.5),
    )


@dataclass(frozen=True, slots=True)
class Night:
    """A scene in so little light that cuts between two change the mean by a few steps alone."""

    scene: Scene
    light: float
    floor: float

    def view(self, seconds: float, pose: Pose, size_px: tuple[int, int]) -> Picture:
        """See ``Scene``."""
        seen = self.scene.view(seconds, pose, size_px)
        tint = np.array([1.15, 0.95, 0.8], np.float32) * self.light
        table = np.clip(np.arange(256)[:, None] * tint + self.floor, 0, 255).astype(np.uint8)
        return np.asarray(cv2.LUT(seen, table[:, None]), np.uint8)


def night(rng: Rng, scene: Scene) -> Night:
    """Take away nearly all light."""
    return Night(scene, light=rng.uniform(0.04, 0.1), floor=rng.uniform(3, 14))


@dataclass(frozen=True, slots=True)
class Recording:
    """Frames of a real shot, forwards and backwards, which a camera films once more."""

    pictures: Sequence[Picture]
    rate: float

    def view(self, seconds: float, pose: Pose, size_px: tuple[int, int]) -> Picture:
        """See ``Scene``."""
        period = max(1, 2 * (len(self.pictures) - 1))
        place_ = int(seconds * self.rate) % period
        source = self.pictures[min(place_, period - place_)]
        width, height = size_px
        scale = max(width / source.shape[1], height / source.shape[0]) * 1.2 * 2 ** pose[2]
        turn = cv2.getRotationMatrix2D((0, 0), float(pose[3]), float(scale))
        middle = np.array([source.shape[1], source.shape[0]]) / 2 + pose[:2] * width / scale
        turn[:, 2] = np.array([width / 2, height / 2]) - turn[:, :2] @ middle
        return np.asarray(
            cv2.warpAffine(
                source, turn, size_px, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REFLECT_101
            ),
            np.uint8,
        )
