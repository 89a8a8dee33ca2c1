"""Small videos as the search for gradual transitions sees them, without any file."""

from collections.abc import Sequence
from fractions import Fraction

import cv2
import numpy as np
import numpy.typing as npt

from heaters_pipeline.video.detection.gradual.find import GradualCurves
from heaters_pipeline.video.media.timing import Timeline

Pictures = npt.NDArray[np.float32]

_HEIGHT, _WIDTH = 36, 64


def scene(
    seed: int, frames: int, *, speed_px: float = 0.05, brightness: float = 1.0, noise: float = 0.5
) -> Pictures:
    """A camera that moves over a textured scene: (frames, 36, 64, 3) Y, Cr and Cb."""
    rng = np.random.default_rng(seed)
    size = (_WIDTH + 80, _HEIGHT + 8)
    texture = np.zeros((size[1], size[0], 3), np.float32)
    for cells, contrast in ((3, 50), (8, 30), (24, 25)):
        coarse = rng.uniform(-1, 1, (cells, 2 * cells, 3)).astype(np.float32)
        texture += contrast * cv2.resize(coarse, size, interpolation=cv2.INTER_CUBIC)
    texture += rng.uniform((70, 100, 100), (180, 156, 156)).astype(np.float32)
    texture[..., 0] *= brightness
    texture[..., 1:] = 128 + (texture[..., 1:] - 128) * min(1, brightness)
    pictures = []
    for number in range(frames):
        shift = np.array([[1, 0, -(number * speed_px % 80)], [0, 1, -4]], np.float32)
        picture = cv2.warpAffine(texture, shift, (_WIDTH, _HEIGHT))
        pictures.append(picture + rng.normal(0, noise, picture.shape))
    return np.clip(np.array(pictures, np.float32), 0, 255)


def wide_view(seed: int, pixels: int) -> Pictures:
    """What a camera that turns sees one part of after the other: (36, pixels, 3)."""
    rng = np.random.default_rng(seed)
    view = np.broadcast_to(np.float32([110, 128, 128]), (_HEIGHT, pixels, 3)).copy()
    for cells, contrast in ((3, 50), (8, 30), (24, 25)):
        coarse = rng.uniform(-1, 1, (cells, cells * pixels // _WIDTH, 3)).astype(np.float32)
        view += contrast * cv2.resize(coarse, (pixels, _HEIGHT), interpolation=cv2.INTER_CUBIC)
    return view


def blank(frames: int, luma: float = 0) -> Pictures:
    """Black frames, or white ones at a luma of 255."""
    return np.broadcast_to(np.float32([luma, 128, 128]), (frames, _HEIGHT, _WIDTH, 3)).copy()


def mix(before: Pictures, after: Pictures) -> Pictures:
    """A dissolve over all of two equally long stretches, neither shown alone."""
    shares = np.arange(1, len(before) + 1, dtype=np.float32) / (len(before) + 1)
    shares = shares[:, None, None, None]
    return (1 - shares) * before + shares * after


def wipe(before: Pictures, after: Pictures, direction: str) -> Pictures:
    """A straight front from one side of the picture to the other: left, right, up or down."""
    pictures = before.copy()
    size = _WIDTH if direction in ("left", "right") else _HEIGHT
    for number, picture in enumerate(pictures):
        front = round(size * (number + 1) / (len(before) + 1))
        where = slice(0, front) if direction in ("right", "down") else slice(size - front, size)
        place = np.s_[:, where] if direction in ("left", "right") else np.s_[where, :]
        picture[place] = after[number][place]
    return pictures


def joined(
    before: Pictures, after: Pictures, length: int, how: str = "mix"
) -> tuple[Pictures, tuple[int, int]]:
    """Two scenes that share ``length`` frames, and the range of these."""
    at = len(before) - length
    ends = before[at:], after[:length]
    middle = mix(*ends) if how == "mix" else wipe(*ends, how)
    return np.concatenate([before[:at], middle, after[length:]]), (at, at + length)


def through(before: Pictures, after: Pictures, length: int, between: Pictures) -> Pictures:
    """Two scenes that fade to and from a blank picture, in ``length`` frames each."""
    empty = np.repeat(between[:1], length, axis=0)
    out = mix(before[-length:], empty)
    into = mix(empty, after[:length])
    return np.concatenate([before[:-length], out, between, into, after[length:]])


def curves(
    pictures: Pictures,
    *,
    cuts: Sequence[int] = (),
    every: int = 1,
    frame_rate: Fraction = Fraction(25),
) -> GradualCurves:
    """What is measured of pictures; of every second or third one, what lies between is put in."""
    signatures = np.array([cv2.resize(p, (8, 6), interpolation=cv2.INTER_AREA) for p in pictures])
    luma = pictures[..., 0]
    across, down = np.diff(luma, axis=2), np.diff(luma, axis=1)
    detail = np.square(across).mean(axis=(1, 2)) + np.square(down).mean(axis=(1, 2))
    frames = np.arange(len(pictures))
    known = frames[::every]
    cells = signatures.reshape(len(pictures), -1)
    cells = np.stack([np.interp(frames, known, cell[known]) for cell in cells.T], axis=1)
    return GradualCurves(
        signatures=cells.reshape(signatures.shape).astype(np.float32),
        detail=np.interp(frames, known, detail[known]).astype(np.float32),
        cuts=tuple(cuts),
        frame_step=max(1, round(frame_rate / 25)),
        timeline=Timeline(range(len(pictures)), len(pictures), 1 / frame_rate),
    )
