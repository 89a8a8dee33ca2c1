"""The films of a set: what each shows, its size, rate and encoding."""

import zlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from benchmarks.hard_films import edited_films as edited
from benchmarks.hard_films import light_films as light
from benchmarks.hard_films import moving_films as moving
from benchmarks.hard_films.director import Director
from benchmarks.hard_films.encoding import Encoding, Sensor, Telecine, encoder
from benchmarks.hard_films.footage import Footage
from benchmarks.hard_films.timeline import Timeline

_FILM = Fraction(24000, 1001)
_NTSC = Fraction(30000, 1001)
_RECORDINGS = 5
"""Real shots in a film."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """A film.

    Attributes:
        name: Of the file, without suffix.
        make: Puts the shots together.
        encoding: How it is written.
        noise: Standard deviation in the dark in 8-bit steps, variance by step of luma.
        is_telecine: Whether 24 frames are woven into 30 (3:2 pulldown).
        has_recordings: Whether it takes real shots where there are any.
    """

    name: str
    make: Callable[[Director], None]
    encoding: Encoding
    noise: tuple[float, float] = (1.0, 0.02)
    is_telecine: bool = False
    has_recordings: bool = True


def _x264(
    rate: Fraction | int, width: int, height: int, crf: int = 26, bit_rate: int = 0
) -> Encoding:
    options = (("preset", "veryfast"), *(() if bit_rate else (("crf", str(crf)),)))
    return Encoding(Fraction(rate), (width, height), ".mp4", "libx264", options, bit_rate)


def _vp9(rate: Fraction | int, width: int, height: int, bit_rate: int) -> Encoding:
    options = (("deadline", "realtime"), ("cpu-used", "8"))
    return Encoding(Fraction(rate), (width, height), ".webm", "libvpx-vp9", options, bit_rate)


def _mpeg4(rate: Fraction | int, width: int, height: int, bit_rate: int) -> Encoding:
    options = (("g", "120"),)
    return Encoding(Fraction(rate), (width, height), ".avi", "mpeg4", options, bit_rate)


RECIPES: Sequence[Recipe] = (
    Recipe("whip_pans", moving.whip_pans, _x264(25, 640, 360)),
    Recipe("whip_pans_240p", moving.whip_pans, _x264(30, 426, 240, bit_rate=250_000), (2, 0.05)),
    Recipe("handheld", moving.handheld, _x264(_NTSC, 480, 270), (1.5, 0.03)),
    Recipe("zooms", moving.zooms, _x264(_FILM, 480, 270)),
    Recipe("flights", moving.flights, _x264(30, 426, 240, 28), has_recordings=False),
    Recipe("sports_60", moving.sports, _x264(60, 320, 180, bit_rate=500_000)),
    Recipe("montage", moving.montage, _x264(25, 640, 360, 23)),
    Recipe("inserts", moving.inserts, _x264(_FILM, 480, 270, 24)),
    Recipe("like_scenes", moving.like_scenes, _x264(25, 480, 270)),
    Recipe("passers_by", moving.passers_by, _vp9(25, 426, 240, 400_000)),
    Recipe("fire", light.fire, _x264(25, 480, 270, 28), (2, 0.08)),
    Recipe("flashes", light.flashes, _x264(_NTSC, 480, 270)),
    Recipe("flares", light.flares, _x264(_FILM, 480, 270, 24)),
    Recipe("exposure_50", light.exposure, _x264(50, 320, 180), (3, 0.15)),
    Recipe("night", light.night, _x264(_FILM, 640, 272, 22), (1.2, 0.03)),
    Recipe("night_240p", light.night, _x264(25, 426, 240, bit_rate=150_000), (2.5, 0.05)),
    Recipe("overlays", light.overlays, _x264(25, 480, 270)),
    Recipe("cards", edited.cards, _x264(_FILM, 640, 272, 23)),
    Recipe("slides", edited.slides, _x264(30, 480, 360, 24), (0, 0)),
    Recipe("plain_colours", edited.plain_colours, _mpeg4(25, 320, 240, 600_000), (0, 0)),
    Recipe("dissolves", edited.dissolves, _x264(25, 480, 270), (1.5, 0.04)),
    Recipe("fades", edited.fades, _x264(_NTSC, 426, 240)),
    Recipe("wipes", edited.wipes, _x264(25, 480, 270)),
    Recipe("short_sweeps", edited.short_sweeps, _x264(_FILM, 480, 270)),
    Recipe("sweeps_15", edited.short_sweeps, _x264(15, 320, 240, bit_rate=200_000)),
    Recipe("trailer", edited.trailer, _x264(_FILM, 640, 272, 24)),
    Recipe("advert_telecine", edited.trailer, _mpeg4(_NTSC, 352, 240, 900_000), (1.5, 0.03), True),
    Recipe("clip_144p", edited.trailer, _x264(12, 256, 144, bit_rate=60_000), (3, 0.1)),
    Recipe("clip_144p_30", moving.handheld, _vp9(30, 256, 144, 120_000), (3, 0.1)),
)


def build(
    recipe: Recipe, folder: Path, seed: int, seconds: float, material: Footage | None
) -> tuple[str, dict[str, Any]]:
    """Write a film into a folder; gives the file's name and its labels."""
    cv2.setNumThreads(1)
    # By name, so that a film stays what it is when others are added.
    number = zlib.crc32(recipe.name.encode())
    rng = np.random.default_rng([seed, number])
    encoding = recipe.encoding
    recordings = []
    if material and recipe.has_recordings:
        recordings = material.recordings(rng, _RECORDINGS, encoding.size_px[0])
    rate = float(encoding.rate) * (0.8 if recipe.is_telecine else 1)
    name = f"{recipe.name}_{seed}{encoding.suffix}"
    with encoder(folder / name, encoding) as write:
        # Noise has its own source: what is chosen does not depend on it.
        sensor = Sensor(write, np.random.default_rng([seed, number, 1]), *recipe.noise)
        timeline = Timeline(Telecine(sensor) if recipe.is_telecine else sensor)
        film = Director(rng, rate, encoding.size_px, timeline, round(seconds * rate), recordings)
        recipe.make(film)
        label = timeline.finish()
    label = Telecine.relabelled(label) if recipe.is_telecine else label
    return name, {"fps": float(encoding.rate), **label}
