"""Where the camera looks, frame by frame, and the blur of its motion.

A path is an array (frames, 4): right and down in widths of the picture, log2 of the zoom, turn in
degrees. Motions are added, so that a whip pan can be shaky and zoom.
"""

from typing import TypeAlias

import cv2
import numpy as np
import numpy.typing as npt

from benchmarks.hard_films.textures import Picture, Rng

Path: TypeAlias = npt.NDArray[np.float64]

_SHUTTER = 0.5
"""Share of a frame's time in which light falls in, the 180 degrees of film."""
_LEAST_BLUR_PX = 1.5


def still(frames: int) -> Path:
    """A camera on a tripod."""
    return np.zeros((frames, 4))


def drift(rng: Rng, frames: int, rate: float, speed: float = 0.06) -> Path:
    """A slow pan with a slight zoom, ``speed`` in widths a second at most."""
    seconds = np.arange(frames) / rate
    path = still(frames)
    path[:, 0] = rng.uniform(-speed, speed) * seconds
    path[:, 1] = rng.uniform(-speed, speed) * 0.3 * seconds
    path[:, 2] = rng.uniform(-speed, speed) * seconds
    return path


def pan(rng: Rng, frames: int, rate: float) -> Path:
    """A pan that follows something: 0.2 to 0.8 widths a second, not evenly."""
    seconds = np.arange(frames) / rate
    path = still(frames)
    speed = rng.choice([-1, 1]) * rng.uniform(0.2, 0.8)
    swing = rng.uniform(0, 0.1) * np.sin(2 * np.pi * seconds * rng.uniform(0.3, 0.9))
    path[:, 0] = speed * seconds + swing
    return path


def shake(rng: Rng, frames: int, rate: float, strength: float) -> Path:
    """A hand: noise up to 1 to 10 Hz; ``strength`` is its size in widths, 0.001 to 0.05."""
    reach = max(1, round(rate / rng.uniform(2, 12)))
    kernel = np.hanning(2 * reach + 1)
    raw = rng.standard_normal((frames + 2 * reach, 4))
    smooth = np.stack([np.convolve(raw[:, n], kernel, "valid") for n in range(4)], axis=1)
    smooth /= np.sqrt((kernel**2).sum())
    return np.asarray(smooth * strength * np.array([1, 0.8, 0.7, 40.0]))


def _eased(frames: int, first: int, length: int) -> npt.NDArray[np.float64]:
    """From 0 to 1 within frames ``first`` to ``first + length``, with inertia."""
    share = np.clip((np.arange(frames) - first) / length, 0, 1)
    return np.asarray(share**2 * (3 - 2 * share))


def whip(rng: Rng, frames: int, first: int, length: int) -> Path:
    """A whip pan that comes to rest on something else of the same place."""
    path = still(frames)
    reach = rng.choice([-1, 1]) * rng.uniform(0.12, 0.3) * length
    path[:, 0] = reach * _eased(frames, first, length)
    path[:, 1] = rng.uniform(-0.08, 0.08) * reach * _eased(frames, first, length)
    return path


def half_whip(frames: int, length: int, speed: float, *, is_start: bool) -> Path:
    """The half of a whip pan before or after a cut in its middle; ``speed`` in widths a frame."""
    path = still(frames)
    length = min(length, frames - 1)
    moving = np.clip(np.arange(frames) - (frames - 1 - length), 0, None)
    run = speed * moving**2 / (2 * length)
    path[:, 0] = -run[::-1] if is_start else run
    return path


def zoom(rng: Rng, frames: int, first: int, length: int) -> Path:
    """A fast zoom in or out, by a factor of 1.3 to 2.2."""
    path = still(frames)
    by = rng.uniform(0.4, 1.15)
    eased = _eased(frames, first, length)
    path[:, 2] = by * eased if rng.random() < 0.5 else by * (1 - eased)
    return path


def zoom_jump(rng: Rng, frames: int, first: int, length: int) -> Path:
    """A punch in of editors: within some frames closer, over the mark and back a bit."""
    path = still(frames)
    by = rng.uniform(0.25, 0.6)
    beyond = np.clip((np.arange(frames) - first - length) / length, 0, 1)
    path[:, 2] = by * (_eased(frames, first, length) + 0.15 * np.sin(np.pi * beyond))
    return path


def moved(path: Path, frame: int) -> npt.NDArray[np.float64]:
    """What the camera moves during a frame."""
    following = min(frame + 1, len(path) - 1)
    return np.asarray(path[following] - path[following - 1]) if len(path) > 1 else path[0] * 0


def motion_blurred(picture: Picture, motion: npt.NDArray[np.float64]) -> Picture:
    """Smear a picture along what the camera moved in the time of a frame."""
    width = picture.shape[1]
    across, down = _SHUTTER * width * motion[:2]
    length = float(np.hypot(across, down))
    if length < _LEAST_BLUR_PX:
        return picture
    if abs(down) < 0.15 * abs(across):
        return np.asarray(cv2.blur(picture, (max(2, round(length)), 1)), np.uint8)
    side = 2 * int(length / 2) + 3
    kernel = np.zeros((side, side), np.float32)
    centre = side / 2
    half = np.array([across, down]) / 2
    ends = [tuple(int(16 * v) for v in (centre + sign * half)) for sign in (-1, 1)]
    cv2.line(kernel, ends[0], ends[1], 1.0, 1, cv2.LINE_AA, 4)
    return np.asarray(cv2.filter2D(picture, -1, kernel / kernel.sum()), np.uint8)
