"""The sound of the sample video: a chord for each scene and a click at each hard cut. Pure."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from heaters_pipeline.video.sample.film import FRAME_RATE, Film, Scene, Shot

Samples: TypeAlias = npt.NDArray[np.float32]

SAMPLE_RATE: Final = 48_000
SAMPLES_PER_FRAME: Final = int(SAMPLE_RATE / FRAME_RATE)
_EDGE_SAMPLES: Final = SAMPLE_RATE // 50
_PLUCKS_PER_SECOND: Final = 4


def compose(film: Film) -> Samples:
    """Make the sound of a whole film.

    Returns:
        From -1 to 1, (2, samples) float32: left and right, ``SAMPLES_PER_FRAME`` a frame.
    """
    sound = np.zeros((2, film.truth.frames * SAMPLES_PER_FRAME), np.float32)
    for shot in film.shots:
        start, end = shot.start * SAMPLES_PER_FRAME, shot.end * SAMPLES_PER_FRAME
        sound[:, start:end] += _music(shot.scene, end - start) * _loudness(shot)
    click = _click()
    for seconds in film.truth.clicks_seconds:
        start = int(seconds * SAMPLE_RATE)
        sound[:, start : start + click.size] += click
    return np.clip(sound, -1, 1)


def _loudness(shot: Shot) -> Samples:
    """The part of a shot's sound that is heard: scenes that overlap are blended."""
    samples = (shot.end - shot.start) * SAMPLES_PER_FRAME
    rise = shot.appears * SAMPLES_PER_FRAME or _EDGE_SAMPLES
    fall = shot.vanishes * SAMPLES_PER_FRAME or _EDGE_SAMPLES
    points = [0, rise, samples - fall, samples]
    return np.interp(np.arange(samples), points, [0, 1, 1, 0]).astype(np.float32)


def _music(scene: Scene, samples: int) -> Samples:
    """A held chord, its notes plucked in turn, and the noise of the air; (2, samples)."""
    seconds = np.arange(samples, dtype=np.float64) / SAMPLE_RATE
    pitches = [440 * 2 ** ((note - 69) / 12) for note in scene.notes]
    sound = np.zeros((2, samples), np.float32)
    for side, detune in enumerate((0.998, 1.002)):
        for number, pitch in enumerate(pitches):
            turns = 2 * np.pi * pitch * detune * seconds
            swell = 0.75 + 0.25 * np.sin(2 * np.pi * 0.4 * seconds + number + side)
            tone = np.sin(turns) + 0.35 * np.sin(2 * turns) + 0.12 * np.sin(3 * turns)
            sound[side] += 0.05 * swell * tone
    sound += _plucks(pitches, samples)
    return sound + scene.air * _air(seconds, seed=scene.notes[0])


def _plucks(pitches: list[float], samples: int) -> Samples:
    """The notes of a chord one after the other, two octaves up, from alternate sides."""
    sound = np.zeros((2, samples), np.float32)
    pause = SAMPLE_RATE // _PLUCKS_PER_SECOND
    for number, start in enumerate(range(0, samples, pause)):
        seconds = np.arange(min(3 * pause, samples - start)) / SAMPLE_RATE
        turns = 2 * np.pi * 4 * pitches[number * 2 % len(pitches)] * seconds
        shape = np.minimum(seconds / 0.008, 1) * np.exp(-seconds * 7)
        tone = 0.09 * shape * (np.sin(turns) + 0.25 * np.sin(2 * turns))
        left = 0.35 + 0.3 * (number % 2)
        sound[:, start : start + tone.size] += np.outer([left, 1 - left], tone)
    return sound


def _air(seconds: npt.NDArray[np.float64], *, seed: int) -> Samples:
    """Soft noise that swells like wind or waves; (2, samples)."""
    noise = np.random.default_rng(seed).normal(size=(2, seconds.size + 47))
    sums = np.cumsum(noise, axis=1)
    soft = (sums[:, 47:] - sums[:, :-47]) / 47
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 0.31 * seconds + seed)
    return np.asarray(0.16 * soft * swell, np.float32)


def _click() -> Samples:
    seconds = np.arange(SAMPLE_RATE // 200) / SAMPLE_RATE
    return np.asarray(
        0.6 * np.exp(-seconds / 0.001) * np.cos(2 * np.pi * 3500 * seconds), np.float32
    )
