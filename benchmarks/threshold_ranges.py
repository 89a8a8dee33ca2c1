"""Over which range of each threshold of ``adaptive`` the results stay the same.

    python -m benchmarks.threshold_ranges --real DIR LABELS [--real DIR LABELS] --tracks FOLDER

Each constant of ``video/detection`` that decides something is moved down and up, alone, until the
number of missed or wrong cuts or gradual transitions changes, on real videos or on the films that
the tests generate. A wide range tells that a value needs no care, a narrow one that the results
hang on it. Tracks are made once and kept in ``--tracks``: delete it when scoring has changed.
Constants of ``video/scoring`` are moved on real videos alone, whose samples are taken once.
"""

import argparse
import json
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from fractions import Fraction
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.detection_accuracy import Label, Score
from benchmarks.timing import print_table, versions
from heaters_pipeline.video.arrays import BoolArray
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import find_transitions
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.packet_index import index_packets
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.timing import Timeline
from heaters_pipeline.video.scoring.analysed_frames import choose_analysed, frame_step_of
from heaters_pipeline.video.scoring.sampling import FrameSample, Sampler
from heaters_pipeline.video.scoring.scores import score_frames
from heaters_pipeline.video.scoring.track_builder import TrackBuilder
from heaters_pipeline_tests.video.detection.distractors import distracted_film
from heaters_pipeline_tests.video.detection.edited_films import GRADUAL_FILMS
from heaters_pipeline_tests.video.detection.encoding import Encoding, encode
from heaters_pipeline_tests.video.detection.hard_films import HARD_FILMS
from heaters_pipeline_tests.video.detection.hard_shots import Film

PACKAGE = "heaters_pipeline.video"
CONSTANTS = {
    "detection.cuts": (
        "FLOOR RESTING_FLOOR _NEAR_FRAMES _SPIKE_RATIO _SPIKE_GAP_FRAMES "
        "_MOST_LEFT _LIKE _UNLIKE_WEIGHT _OTHER_SCENE _SAME_SCENE _OTHER_COLOURS "
        "_LEAST_USUAL _RESTING _GROWTH"
    ),
    "detection.glare": (
        "_MOST_FRAMES _LEAST_LUMA _LEAST_BRIGHTER _SAME_LUMA _LEAST_CELLS _MOST_LEFT _MOST_AT_ONCE "
        "_LEAST_ALIKE"
    ),
    "detection.gradual.find": (
        "_LEAST_LEFT _SAME_PICTURE _LEAST_PACE _FEW_FRAMES _LEAST_STRAIGHT_IF_SHORT _LEAST_STRAIGHT"
    ),
    "detection.gradual.short": (
        "_MOST_FRAMES _SIDE_FRAMES _LEAST_FRAMES _LEAST_DIFFERENCE _MOST_CHANGE _LEAST_MIXED "
        "_MOST_AT_ONCE _MOST_AT_ONCE_FADING _LEAST_MIXED_ALONE _MOST_DETOUR _LEAST_BETWEEN "
        "_LEAST_PROGRESS _LEAST_GLARE _GLARE_CELLS _SAME_LUMA _LEAST_LEFT _SAME_PICTURE "
        "_MOST_BETWEEN"
    ),
    "detection.gradual.measures": (
        "LEAST_STEP _MOST_BEND LEAST_MIX LEAST_SPREAD _LEAST_EXPLAINED NO_DETAIL NO_DETAIL_LOST"
    ),
    "detection.gradual.wipes": (
        "LEAST_WIPE_FRAMES LEAST_SHARPNESS _LEAST_WIPE _LEAST_LASTING _MOST_RAGGED _BLUR_FRAMES "
        "_MARGIN_FRAMES _FIT_ROUNDS"
    ),
    "detection.gradual.search": "_LEAST_FRAMES _NEIGHBOURS",
    "detection.gradual.fit": "_ROUNDS _STEPS _LEAST_LENGTH _LEAST_SCALE",
    "detection.repeats": (
        "_LONGEST_FRAMES _MOST_CHANGE _MOST_SHARE _LEAST_KEPT _LEAST_LIKE _AROUND _LEAST_HELD"
    ),
    "detection.blank": "_MOST_DETAIL _MOST_SPREAD",
    "detection.gradual.curves": "_BLACK_LUMA _WHITE_LUMA",
    "detection.gradual.fades": (
        "_DEEP _LEAST_FADE_FRAMES _MOST_FADE_FRAMES _LEAST_STRENGTH _MOST_SEEN _MOST_UNEVEN"
    ),
    "detection.gradual.kinds": (
        "_BLANK_SECONDS_BETWEEN _FADED_LUMA _FADED_CELLS _STILL _DARK_LUMA _LEAST_CONTRAST_KEPT "
        "_LEAST_LIGHT_KEPT _LEAST_ALIKE _MOST_SHOWN"
    ),
    "scoring.sampling": (
        "_TEXTURE _SAME _SAME_IN_PLACE _LEAST_TEXTURED _DISTANCE_CAP LEAST_MOTION _LEAST_STRUCTURE"
    ),
    "scoring.analysed_frames": "FRAMES_ACROSS",
}
FACTORS = (1.1, 1.25, 1.5, 2.0, 4.0)
STEPS = (1, 2, 3, 5, 8)
"""Whole numbers below 20 are moved by these instead."""

CUTS_INSIDE_GOPS = Encoding(options={"preset": "medium", "g": "50", "sc_threshold": "0", "bf": "3"})
Set = Mapping[str, tuple[ScoreTrack, Label]]
Counts = tuple[int, int, int, int]
"""Missed and wrong cuts, missed and wrong gradual transitions."""


def generated_films() -> Iterator[tuple[str, Film, Encoding]]:
    """The films of the tests, by name."""
    for name, make in HARD_FILMS.items():
        for seed, encoding in enumerate((Encoding(), CUTS_INSIDE_GOPS)):
            yield f"hard-{name}-{seed}", make(np.random.default_rng(seed)), encoding
    for name, made in GRADUAL_FILMS.items():
        for frames in (8, 12, 24, 40):
            film = made(np.random.default_rng(frames), frames)
            yield f"gradual-{name}-{frames}", film, Encoding()
    for seed in range(15):
        yield f"distract-{seed}", distracted_film(np.random.default_rng(seed)).film, Encoding()


def films_set(tracks: Path) -> Set:
    """Tracks and labels of the films; both are kept in a folder."""
    labels_file = tracks / "films.json"
    if not labels_file.exists():
        labels: dict[str, Label] = {}
        with tempfile.TemporaryDirectory() as temporary:
            for name, film, encoding in generated_films():
                path = encode(Path(temporary) / name, film.pictures, encoding)
                track_of(path, tracks / f"{name}.parquet")
                labels[name] = _label(film)
        labels_file.write_text(json.dumps(labels, indent=1))
    labels = json.loads(labels_file.read_text())
    return {
        name: (ScoreTrack.from_bytes((tracks / f"{name}.parquet").read_bytes()), label)
        for name, label in labels.items()
    }


def _label(film: Film) -> Label:
    gradual = [one for one in film.transitions if one[0] != "cut"]
    return {
        "hard_cuts": list(film.cuts),
        "gradual": [{"start": start - 1, "end": end, "kind": kind} for kind, start, end in gradual],
        "ambiguous": [],
    }


def real(folders: list[tuple[str, str]]) -> Iterator[tuple[str, Path, Label]]:
    """Name, file and label of the labelled videos that are there."""
    for folder, labels in folders:
        for name, label in json.loads(Path(labels).read_text()).items():
            if (path := Path(folder) / name).exists():
                yield name, path, label


def real_set(folders: list[tuple[str, str]], tracks: Path) -> Set:
    """Tracks and labels of labelled videos; the tracks are kept in a folder."""
    return {
        name: (track_of(path, tracks / f"real-{name}.parquet"), label)
        for name, path, label in real(folders)
    }


def track_of(path: Path, kept: Path) -> ScoreTrack:
    """The track of a video, made if it is not kept yet."""
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(score_frames(path, probe(path)).to_bytes())
    return ScoreTrack.from_bytes(kept.read_bytes())


@dataclass(frozen=True)
class SampledVideo:
    """What a full scan takes of a video, so that its track can be made again without decoding."""

    samples: Sequence[FrameSample]
    analysed: BoolArray
    frame_step: int
    timeline: Timeline
    label: Label

    @classmethod
    def of(cls, path: Path, label: Label) -> "SampledVideo":
        """Sample all frames of a video."""
        info = probe(path)
        reader, sampler = FrameReader(path, info), Sampler(histograms=False)
        samples = [sampler.sample(frame) for frame in reader]
        step = frame_step_of(info.frame_rate)
        index = index_packets(path, info)
        references = (
            index.references[np.argsort(index.pts)] if index else np.ones(len(samples), bool)
        )
        return cls(samples, choose_analysed(references, step), step, reader.timeline, label)

    def track(self) -> ScoreTrack:
        """Compare the samples as the constants of today say."""
        builder = TrackBuilder("full", self.frame_step, 0)
        for sample, is_analysed in zip(self.samples, self.analysed.tolist(), strict=True):
            builder.add(sample, analysed=is_analysed)
        return builder.track(self.timeline)


def counts(videos: Set, settings: DetectionSettings) -> Counts:
    """What is missed and wrong in all videos of a set."""
    score = Score()
    for name, (track, label) in videos.items():
        score.add(name, label, find_transitions(track, settings), tolerance=1)
    lists = score.missed, score.wrong, score.gradual_missed, score.gradual_wrong
    missed, wrong, gradual_missed, gradual_wrong = map(len, lists)
    return missed, wrong, gradual_missed, gradual_wrong


@contextmanager
def changed(module: str, name: str, value: Any) -> Iterator[None]:
    """Let a constant have another value in its module, and in those that import it."""
    own = sys.modules[f"{PACKAGE}.{module}"]
    # Others may call something of their own by the same private name.
    others = () if name.startswith("_") else list(sys.modules.items())
    modules = [own] + [
        other
        for path, other in others
        if path.startswith(PACKAGE) and name in vars(other) and other is not own
    ]
    usual = getattr(own, name)
    try:
        for each in modules:
            setattr(each, name, value)
        yield
    finally:
        for each in modules:
            setattr(each, name, usual)


def values_from(value: Any, direction: int) -> Iterator[Any]:
    """Other values, further and further away."""
    if isinstance(value, int) and value < 20:
        yield from (value + direction * step for step in STEPS if value + direction * step > 0)
        return
    for factor in FACTORS:
        exact = Fraction(factor) ** direction
        moved = value * exact if isinstance(value, Fraction) else value * float(exact)
        yield round(moved) if isinstance(value, int) else moved


def measured(sets: Mapping[str, Set], settings: DetectionSettings) -> dict[str, Counts]:
    """The counts of each set."""
    return {name: counts(videos, settings) for name, videos in sets.items()}


def range_of(
    sets: Callable[[], Mapping[str, Set]], usual: Mapping[str, Counts], module: str, name: str
) -> list[str]:
    """A row of the table: the constant, its range, and what changes just beyond."""
    value = getattr(sys.modules[f"{PACKAGE}.{module}"], name)
    ends, beyond = [], []
    for direction in (-1, 1):
        same, change = value, "nothing"
        for moved in values_from(value, direction):
            try:
                with changed(module, name, moved):
                    found = measured(sets(), DetectionSettings())
            except ValueError:
                change = f"{_shown(moved)}: not possible"
                break
            if found != usual:
                change = f"{_shown(moved)}: {_difference(usual, found)}"
                break
            same = moved
        ends.append(same)
        beyond.append(change)
    return [f"{module}.{name}", *map(_shown, (value, *ends)), *beyond]


def _difference(usual: Mapping[str, Counts], found: Mapping[str, Counts]) -> str:
    words = "cuts missed", "cuts wrong", "gradual missed", "gradual wrong"
    return ", ".join(
        f"{after - before:+d} {word} ({name})"
        for name in usual
        for word, before, after in zip(words, usual[name], found[name], strict=True)
        if before != after
    )


def _shown(value: Any) -> str:
    return f"{float(value):.3g}"


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--real", nargs=2, action="append", required=True, metavar=("DIR", "LABELS")
    )
    parser.add_argument("--tracks", type=Path, required=True, help="folder to keep tracks in")
    parser.add_argument("--modules", nargs="*", default=list(CONSTANTS), choices=list(CONSTANTS))
    options = parser.parse_args()
    sets = {"real": real_set(options.real, options.tracks), "films": films_set(options.tracks)}
    usual = measured(sets, DetectionSettings())
    for name, found in usual.items():
        print(f"{name}: {len(sets[name])} videos, {found} cuts missed, wrong, gradual the same")
    for moved in (3.0, 3.5, 4.0, 4.6, 5.0, 6.0) if "detection.cuts" in options.modules else ():
        change = _difference(usual, measured(sets, DetectionSettings(threshold=moved)))
        print(f"threshold {moved:g}: {change or 'nothing changes'}", flush=True)

    @cache
    def sampled() -> Mapping[str, SampledVideo]:
        return {name: SampledVideo.of(path, label) for name, path, label in real(options.real)}

    def compared_again() -> Mapping[str, Set]:
        return {"real": {name: (one.track(), one.label) for name, one in sampled().items()}}

    rows = [["constant", "value", "same from", "to", "below", "above"]]
    for module in options.modules:
        current = compared_again if module.startswith("scoring") else lambda: sets
        of_module = measured(current(), DetectionSettings())
        for name in CONSTANTS[module].split():
            rows.append(range_of(current, of_module, module, name))
            print(" | ".join(rows[-1]), flush=True)
    print_table(rows)
    print(versions("av", "numpy", "opencv-python-headless"))


if __name__ == "__main__":
    main()
