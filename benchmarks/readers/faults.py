"""What is wrong with what a reader gave of a video, the plainest first."""

import math
from collections.abc import Iterator, Sequence

from benchmarks.readers.reading import Beep, Question, Reading

# Some print two decimals of a rate, and hundredths of a second.
_RATE_TOLERANCE = 0.002
_DURATION_TOLERANCE_SECONDS = 0.011
_SOUND_TOLERANCE_SECONDS = 0.01
_ENDS = ("before playing", "after playing")


def faults_of(reading: Reading, question: Question, expected: Sequence[int]) -> list[str]:
    """What is wrong, each as ``kind: what``; empty if nothing is.

    Args:
        reading: What the reader gave.
        question: What it was asked.
        expected: The number of each frame.
    """
    return [
        *faults_of_order(reading, expected),
        *_of_counts(reading, expected),
        *_of_jumps(reading, expected),
        *_of_time(reading, question),
        *faults_of_sound(reading, question),
    ]


def faults_of_order(reading: Reading, expected: Sequence[int]) -> list[str]:
    """What is wrong with the pictures as they follow each other."""
    shown = reading.in_order
    faults = list(_of_playing(reading, expected))
    if shown is None:
        return faults
    return [*_of_pictures(shown, expected), *faults]


def _of_counts(reading: Reading, expected: Sequence[int]) -> Iterator[str]:
    for name, count in reading.counts.items():
        if count != len(expected):
            yield f"{name}: says {count} of {len(expected)}"


def _of_pictures(shown: Sequence[int | None], expected: Sequence[int]) -> Iterator[str]:
    if len(shown) != len(expected):
        yield f"count: {len(shown)} pictures of {len(expected)}"
    pairs = enumerate(zip(shown, expected, strict=False))
    differing = [(index, seen, right) for index, (seen, right) in pairs if seen != right]
    if shown and shown[0] != expected[0]:
        yield f"first: {shown[0]} instead of {expected[0]}"
    if shown and shown[-1] != expected[-1]:
        yield f"last: {shown[-1]} instead of {expected[-1]}"
    if differing:
        index, seen, right = differing[0]
        yield f"number: {seen} instead of {right} at {index}, {len(differing)} differ"


def _of_playing(reading: Reading, expected: Sequence[int]) -> Iterator[str]:
    for seen, right, name in zip(reading.ends, (expected[0], expected[-1]), _ENDS, strict=False):
        if seen != right:
            yield f"{name}: {seen} instead of {right}"
    alien = [number for number in reading.glimpsed if number not in expected]
    if alien:
        yield f"playing: {alien[0]} is none of the frames, {len(alien)} such were seen"


def _of_jumps(reading: Reading, expected: Sequence[int]) -> Iterator[str]:
    wrong = [(index, seen) for index, seen in reading.at if seen != expected[index]]
    if wrong:
        index, seen = wrong[0]
        count = f"{len(wrong)} of {len(reading.at)}"
        yield f"random: {seen} instead of {expected[index]} at {index}, {count} differ"


def _of_time(reading: Reading, question: Question) -> Iterator[str]:
    duration = question.boundaries_seconds[-1]
    rate = (len(question.boundaries_seconds) - 1) / duration
    if question.is_even:
        for name, said in reading.rates.items():
            if abs(said / rate - 1) > _RATE_TOLERANCE:
                yield f"rate: {name} says {said:.2f} of {rate:.2f}"
    for name, said in reading.durations.items():
        if abs(said - duration) > _DURATION_TOLERANCE_SECONDS:
            yield f"duration: {name} says {said:.3f} of {duration:.3f} s"


def faults_of_sound(reading: Reading, question: Question) -> list[str]:
    """What is wrong with the sound: beeps that come early or late, are missing or too many."""
    faults = []
    for track, (heard, beeps) in enumerate(zip(reading.sounds, question.beeps, strict=False)):
        shifts = [
            min((beep.seconds - seconds for seconds in heard), key=abs, default=math.inf)
            for beep in beeps
            if beep.is_certain
        ]
        worst = max(shifts, key=abs, default=0.0)
        if not reading.sound_seconds[track]:
            faults.append(f"sound: track {track} has none")
        elif abs(worst) > _SOUND_TOLERANCE_SECONDS:
            faults.append(f"sound: a beep of track {track} is {-worst * 1000:.0f} ms away")
        extra = [seconds for seconds in heard if not any(_is_near(seconds, b) for b in beeps)]
        if extra and not faults:
            faults.append(f"sound: track {track} has a beep too many at {extra[0]:.3f} s")
    return faults


def _is_near(seconds: float, beep: Beep) -> bool:
    return abs(seconds - beep.seconds) <= _SOUND_TOLERANCE_SECONDS
