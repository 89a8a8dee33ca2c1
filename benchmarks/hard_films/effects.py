"""What happens within a shot and is no transition: light, things that pass, overlays.

Each function changes a shot from frame ``first`` on and notes the event.
"""

import cv2
import numpy as np

from benchmarks.hard_films.cards import title_card
from benchmarks.hard_films.shots import Shot
from benchmarks.hard_films.textures import (
    Floats,
    Picture,
    Rng,
    Textures,
    colour,
    coloured,
)


def _lit(picture: Picture, gain: float, added: float = 0.0) -> Picture:
    return np.asarray(cv2.convertScaleAbs(picture, alpha=max(gain, 0.0), beta=added), np.uint8)


def flash(rng: Rng, shot: Shot, first: int) -> None:
    """A flash of 1 to 4 frames: all brighter, to white at its strongest."""
    frames = int(rng.integers(1, 5))
    strength = rng.uniform(60, 255)
    for number in range(first, min(first + frames, len(shot))):
        added = strength * 0.75 ** (number - first)
        shot.pictures[number] = _lit(shot.pictures[number], 1 + added / 255, added)
    shot.note(first, frames, "flash")


def camera_flash(rng: Rng, shot: Shot, first: int) -> None:
    """A press camera: one white frame, at times only part of one (a rolling shutter)."""
    picture = shot.pictures[first]
    top = 0 if rng.random() < 0.5 else int(rng.integers(0, picture.shape[0] // 2))
    picture = picture.copy()
    picture[top:] = _lit(picture[top:], 1.5, 220)
    shot.pictures[first] = picture
    shot.note(first, 1, "camera flash")


def strobe(rng: Rng, shot: Shot, first: int) -> None:
    """A strobe light: every 2 to 5 frames one that is bright, the others dark."""
    frames, period = int(rng.integers(12, 40)), int(rng.integers(2, 6))
    dark, bright = rng.uniform(0.25, 0.6), rng.uniform(1.2, 2.2)
    for number in range(first, min(first + frames, len(shot))):
        gain = bright if (number - first) % period == 0 else dark
        shot.pictures[number] = _lit(shot.pictures[number], gain)
    shot.note(first, frames, "strobe")


def flicker(rng: Rng, shot: Shot, first: int, frames: int | None = None) -> None:
    """Light that is another one in each frame."""
    frames = int(rng.integers(15, 50)) if frames is None else frames
    depth = rng.uniform(0.08, 0.35)
    for number in range(first, min(first + frames, len(shot))):
        shot.pictures[number] = _lit(shot.pictures[number], 1 + rng.uniform(-depth, depth))
    shot.note(first, frames, "flicker")


def explosion(rng: Rng, shot: Shot, first: int) -> None:
    """A ball of fire that fills most of the picture within 2 frames and fades in half a second."""
    frames = int(rng.integers(8, 18))
    height, width = shot.pictures[first].shape[:2]
    centre = rng.uniform(0.25, 0.75, 2) * (width, height)
    reach = rng.uniform(0.5, 1.2) * width
    distance = _distance((width, height), centre)
    for number in range(first, min(first + frames, len(shot))):
        since = number - first
        size = reach * min(1.0, 0.5 + 0.35 * since)
        left = 0.85**since * (1 - since / frames)
        ball = np.clip(1.3 - distance / size, 0, 1) * left * rng.uniform(0.85, 1.15)
        light = ball[..., None] * np.array([200, 330, 480], np.float32) + 40 * left
        shot.pictures[number] = cv2.add(
            shot.pictures[number], np.clip(light, 0, 255).astype(np.uint8)
        )
    shot.note(first, frames, "explosion")


def _distance(size_px: tuple[int, int], centre: Floats) -> Floats:
    across = np.arange(size_px[0], dtype=np.float32)[None] - centre[0]
    down = np.arange(size_px[1], dtype=np.float32)[:, None] - centre[1]
    return np.asarray(np.hypot(across, down), np.float32)


def lens_flare(rng: Rng, shot: Shot, first: int) -> None:
    """The sun in the lens for 3 to 8 frames: a glow, a streak, ghosts that run the other way."""
    frames = int(rng.integers(3, 9))
    height, width = shot.pictures[first].shape[:2]
    begin, way = rng.uniform(0.1, 0.9, 2), rng.uniform(-0.5, 0.5, 2)
    tint = colour(rng, 200, vivid=0.5) / 255
    strength = rng.uniform(60, 420)
    for number in range(first, min(first + frames, len(shot))):
        share = (number - first + 0.5) / frames
        level = strength * np.sin(np.pi * share)
        sun = (begin + way * share) * (width, height)
        glow = np.exp(-_distance((width, height), sun) / (0.22 * width))
        down = np.arange(height, dtype=np.float32)[:, None] - sun[1]
        glow += 0.6 * np.exp(-np.abs(down) / (0.03 * height))
        for back in (0.4, 0.8, 1.3):
            ghost = sun + ((width / 2, height / 2) - sun) * 2 * back
            glow += 0.25 * (_distance((width, height), ghost) < 0.05 * width * back)
        light = np.clip(level * glow[..., None] * tint, 0, 255).astype(np.uint8)
        shot.pictures[number] = cv2.add(shot.pictures[number], light)
    shot.note(first, frames, "lens flare")


def glints(rng: Rng, shot: Shot, first: int) -> None:
    """Sparks of the sun on water or metal, each for 1 to 3 frames."""
    frames = int(rng.integers(10, 30))
    height, width = shot.pictures[first].shape[:2]
    for _ in range(int(rng.integers(10, 60))):
        begin = first + int(rng.integers(0, frames))
        at = int(rng.integers(0, width)), int(rng.integers(0, height))
        radius = int(rng.integers(2, max(3, width // 25)))
        for number in range(begin, min(begin + int(rng.integers(1, 4)), len(shot), first + frames)):
            picture = shot.pictures[number] = shot.pictures[number].copy()
            cv2.circle(picture, at, radius // 2, (255, 255, 255), -1, cv2.LINE_AA)
            for dx, dy in ((1, 0), (0, 1)):
                end = (at[0] + dx * 3 * radius, at[1] + dy * 3 * radius)
                start = (at[0] - dx * 3 * radius, at[1] - dy * 3 * radius)
                cv2.line(picture, start, end, (255, 250, 240), 1, cv2.LINE_AA)
    shot.note(first, frames, "glints")


def pulse(rng: Rng, shot: Shot, first: int) -> None:
    """Brightness that swings, so that what is white already stays white."""
    frames = len(shot) - first
    period, depth = rng.uniform(8, 30), rng.uniform(0.12, 0.3)
    for number in range(first, len(shot)):
        gain = 1 + depth * np.sin(2 * np.pi * (number - first) / period)
        shot.pictures[number] = _lit(shot.pictures[number], float(gain))
    shot.note(first, frames, "brightness pulses")


def exposure_ramp(rng: Rng, shot: Shot, first: int) -> None:
    """Automatic exposure that settles within 10 to 40 frames, and stays there."""
    frames = int(rng.integers(10, 41))
    target = float(rng.choice([rng.uniform(0.35, 0.7), rng.uniform(1.4, 2.6)]))
    for number in range(first, len(shot)):
        share = min(1.0, (number - first + 1) / frames)
        gain = target ** (share**2 * (3 - 2 * share))
        shot.pictures[number] = _lit(shot.pictures[number], gain)
    shot.note(first, frames, "exposure ramp")


def rack_focus(rng: Rng, shot: Shot, first: int) -> None:
    """Focus that is lost and found again within 8 to 30 frames."""
    frames = int(rng.integers(8, 31))
    most = shot.pictures[first].shape[1] * rng.uniform(0.008, 0.03)
    for number in range(first, min(first + frames, len(shot))):
        sigma = most * np.sin(np.pi * (number - first + 0.5) / frames)
        shot.pictures[number] = cv2.GaussianBlur(shot.pictures[number], (0, 0), float(sigma) + 0.1)
    shot.note(first, frames, "rack focus")


def occluder(rng: Rng, shot: Shot, first: int, textures: Textures) -> None:
    """Somebody out of focus passes close to the camera within 5 to 25 frames."""
    frames = int(rng.integers(5, 26))
    height, width = shot.pictures[first].shape[:2]
    wide = round(width * rng.uniform(0.35, 1.1))
    coat = colour(rng, rng.uniform(15, 130), vivid=0.5)
    field = textures.surface(rng, (wide, height), rough=0.3)
    body = coloured(field, coat * 0.6, coat * 1.3)
    edge = np.full((height, wide), 255, np.uint8)
    slope = rng.uniform(-0.2, 0.2) * height
    sides = [(0, 0), (wide * 0.2 + slope, 0), (wide * 0.2 - slope, height), (0, height)]
    for corners in (np.array(sides), np.array(sides) * (-1, 1) + (wide, 0)):
        cv2.fillPoly(edge, [corners.astype(np.int32)], 0)
    edge = cv2.GaussianBlur(edge, (0, 0), width * 0.015)
    comes_from_left = rng.random() < 0.5
    for number in range(first, min(first + frames, len(shot))):
        share = (number - first + 1) / (frames + 1)
        left = round(-wide + (width + wide) * (share if comes_from_left else 1 - share))
        x, right = max(left, 0), min(left + wide, width)
        if right <= x:
            continue
        picture = shot.pictures[number] = shot.pictures[number].copy()
        part = np.s_[:, x - left : right - left]
        opacity = edge[part][..., None] / np.float32(255)
        picture[:, x:right] = picture[:, x:right] * (1 - opacity) + body[part] * opacity
    shot.note(first, frames, "passer-by")


def smoke(rng: Rng, shot: Shot, first: int, textures: Textures) -> None:
    """Smoke or fog that drifts by, within 15 to 60 frames to its thickest and away."""
    frames = int(rng.integers(15, 61))
    height, width = shot.pictures[first].shape[:2]
    cloud = textures.surface(rng, (width, height), rough=rng.uniform(0, 0.4))
    shade = colour(rng, rng.uniform(60, 230), vivid=0.15)
    most, drift = rng.uniform(0.5, 1.3), rng.uniform(-0.02, 0.02) * width
    for number in range(first, min(first + frames, len(shot))):
        since = number - first
        thick = most * np.sin(np.pi * (since + 0.5) / frames)
        opacity = np.roll(cloud, round(drift * since), axis=1)[..., None] / np.float32(255)
        opacity = np.clip(thick * (opacity * 1.6 - 0.2), 0, 1)
        mixed = shot.pictures[number] * (1 - opacity) + shade * opacity
        shot.pictures[number] = mixed.astype(np.uint8)
    shot.note(first, frames, "smoke")


def overlay(rng: Rng, shot: Shot, first: int, inset: Shot) -> None:
    """A lower third, a logo, a card or a picture in the picture comes, and at times goes.

    Args:
        rng: What it is and how it comes.
        shot: Changed from ``first`` on.
        first: Frame.
        inset: A shot at least as long as ``shot``, for the picture in the picture.
    """
    height, width = shot.pictures[first].shape[:2]
    kind = str(rng.choice(["lower third", "logo", "card", "picture in picture"]))
    across, down, left, top = {
        "lower third": (0.8, 0.2, 0.05, 0.74),
        "logo": (0.2, 0.25, 0.76, 0.05),
        "card": (0.5, 0.55, 0.25, 0.2),
        "picture in picture": (0.4, 0.4, 0.56, 0.06),
    }[kind]
    size_px = round(across * width) // 2 * 2, round(down * height) // 2 * 2
    card = title_card(rng, size_px, is_white=bool(rng.random() < 0.5))
    card[card.mean(axis=2) < 60] = colour(rng, rng.uniform(40, 160), vivid=0.8)
    coming = int(rng.choice([1, rng.integers(4, 13)]))
    slides_in = rng.random() < 0.5
    lasts = len(shot) if rng.random() < 0.5 else int(rng.integers(15, 50))
    for number in range(first, min(first + lasts, len(shot))):
        share = min(1.0, (number - first + 1) / coming)
        shown = card
        if kind == "picture in picture":
            shown = cv2.resize(inset.pictures[number], size_px, interpolation=cv2.INTER_AREA)
        x = round(left * width)
        y = round(top * height + ((1 - share) * (height - top * height) if slides_in else 0))
        picture = shot.pictures[number] = shot.pictures[number].copy()
        target = picture[y : y + size_px[1], x : x + size_px[0]]
        opacity = 1.0 if slides_in else share
        part = shown[: target.shape[0], : target.shape[1]]
        target[:] = cv2.addWeighted(target, 1 - opacity, part, opacity, 0)
    shot.note(first, coming, f"{kind} comes")
    if first + lasts < len(shot):
        shot.note(first + lasts, 1, f"{kind} goes")
