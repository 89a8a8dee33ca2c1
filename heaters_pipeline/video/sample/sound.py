"""The sound of the sample video: a chord for each scene and a click at each hard cut. Pure."""

from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from heaters_pipeline.video.sample.film import FRAME_RATE, Film, Scene

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
        start, samples = shot.start * SAMPLES_PER_FRAME, (shot.end - shot.start) * SAMPLES_PER_FRAME
        # Where shots overlap, their sounds are blended.
        rise = shot.appears * SAMPLES_PER_FRAME or _EDGE_SAMPLES
        fall = shot.vanishes * SAMPLES_PER_FRAME or _EDGE_SAMPLES
        loudness = np.interp(np.arange(samples), [0, rise, samples - fall, samples], [0, 1, 1, 0])
        sound[:, start : start + samples] += _music(shot.scene, samples) * loudness
    seconds = np.arange(SAMPLE_RATE // 200) / SAMPLE_RATE
    click = 0.6 * np.exp(-seconds / 0.0015) * np.cos(2 * np.pi * 5000 * seconds)
    for at in film.truth.clicks_seconds:
        start = int(at * SAMPLE_RATE)
        sound[:, start : start + click.size] += click
    return np.clip(sound, -1, 1)


def _music(scene: Scene, samples: int) -> Samples:
    """The noise of the air, a held chord and its notes plucked in turn; (2, samples)."""
    seconds = np.arange(samples) / SAMPLE_RATE
    pitches = 440 * 2 ** ((np.array(scene.notes) - 69) / 12)
    # Soft noise that swells like wind or waves.
    generator = np.random.default_rng(scene.notes[0])
    sums = np.cumsum(generator.normal(size=(2, samples + 47)), axis=1)
    swell = 0.6 + 0.4 * np.sin(2 * np.pi * 0.31 * seconds + scene.notes[0])
    sound = scene.air * 0.16 / 47 * (sums[:, 47:] - sums[:, :-47]) * swell
    for side, detune in enumerate((0.998, 1.002)):
        for number, pitch in enumerate(pitches):
            turns = 2 * np.pi * pitch * detune * seconds
            swell = 0.75 + 0.25 * np.sin(2 * np.pi * 0.4 * seconds + number + side)
            tone = np.sin(turns) + 0.35 * np.sin(2 * turns) + 0.12 * np.sin(3 * turns)
            sound[side] += 0.05 * swell * tone
    # Two octaves up, from alternate sides; each note rings on during the next two.
    for back in range(3):
        numbers = np.floor(seconds * _PLUCKS_PER_SECOND) - back
        ages = seconds - numbers / _PLUCKS_PER_SECOND
        turns = 2 * np.pi * 4 * pitches[(numbers * 2).astype(int) % len(pitches)] * ages
        shape = 0.09 * np.minimum(ages / 0.008, 1) * np.exp(-ages * 7) * (numbers >= 0)
        left = 0.35 + 0.3 * (numbers % 2)
        sound += np.stack([left, 1 - left]) * shape * (np.sin(turns) + 0.25 * np.sin(2 * turns))
    return np.asarray(sound, np.float32)
