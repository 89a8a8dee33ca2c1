"""Pictures that are no footage: slides of text, title cards, plain colours."""

import cv2
import numpy as np

from benchmarks.hard_films.textures import Picture, Rng

_WORDS = [
    "data", "scene", "picture", "summer", "world", "cinemas", "method", "three",
    "years", "later", "director", "story", "growth", "quarter", "market", "energy",
    "water", "light", "before", "nothing", "everything",
]  # fmt: skip


def plain(size_px: tuple[int, int], colour_bgr: tuple[int, int, int]) -> Picture:
    """One colour."""
    picture = np.empty((size_px[1], size_px[0], 3), np.uint8)
    picture[:] = colour_bgr
    return picture


def text_slide(rng: Rng, size_px: tuple[int, int], *, is_white: bool) -> Picture:
    """A slide of a talk: a heading, some lines, at times a chart; black on white or the inverse."""
    width, height = size_px
    paper, ink = (255, 30) if is_white else (0, 225)
    picture = plain(size_px, (paper, paper, paper))
    _write(picture, _phrase(rng, 3), (0.06, 0.16), 0.085, ink, bold=True)
    has_chart = rng.random() < 0.3
    for line in range(int(rng.integers(2, 7))):
        at = (0.08 + 0.04 * (line % 2), 0.32 + 0.1 * line)
        _write(picture, "- " + _phrase(rng, 2 if has_chart else 5), at, 0.055, ink)
    if has_chart:
        for bar in range(5):
            x, top = round((0.6 + 0.07 * bar) * width), round(rng.uniform(0.35, 0.8) * height)
            fill = tuple(int(v) for v in rng.integers(40, 220, 3))
            corner = (x + round(0.05 * width), round(0.85 * height))
            cv2.rectangle(picture, (x, top), corner, fill, -1)
    return picture


def title_card(rng: Rng, size_px: tuple[int, int], *, is_white: bool = False) -> Picture:
    """Few large words in the middle, white on black or black on white."""
    paper, ink = (255, 0) if is_white else (0, 235)
    picture = plain(size_px, (paper, paper, paper))
    lines = int(rng.integers(1, 3))
    for line in range(lines):
        at = (rng.uniform(0.12, 0.3), 0.55 - 0.09 * lines + 0.2 * line)
        _write(picture, _phrase(rng, 2).upper(), at, rng.uniform(0.09, 0.13), ink, bold=True)
    return picture


def _phrase(rng: Rng, words: int) -> str:
    return " ".join(str(word) for word in rng.choice(_WORDS, words))


def _write(
    picture: Picture,
    text: str,
    at: tuple[float, float],
    height: float,
    ink: int,
    *,
    bold: bool = False,
) -> None:
    down, across = picture.shape[:2]
    place = (round(at[0] * across), round(at[1] * down))
    scale = height * down / 24
    thick = max(1, round(scale * (2.2 if bold else 1.2)))
    cv2.putText(
        picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, scale, (ink, ink, ink), thick, cv2.LINE_AA
    )


def credits_roll(rng: Rng, size_px: tuple[int, int], frames: int, rate: float) -> list[Picture]:
    """White names that roll upwards over black."""
    width, height = size_px
    speed = height * rng.uniform(0.15, 0.4) / rate
    tall = plain((width, height + round(speed * frames) + 1), (0, 0, 0))
    step = height / 9
    for line in range(int(tall.shape[0] / step)):
        place = (round(width * 0.3), round(line * step))
        scale = height * 0.06 / 24
        cv2.putText(
            tall, _phrase(rng, 2).title(), place, cv2.FONT_HERSHEY_SIMPLEX, scale, (220,) * 3, 1,
            cv2.LINE_AA,
        )  # fmt: skip
    tops = [round(speed * number) for number in range(frames)]
    return [tall[top : top + height].copy() for top in tops]
