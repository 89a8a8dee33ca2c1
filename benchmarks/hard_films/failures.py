"""Say film by film, and event by event, where scene detection fails on hard films.

    python -m benchmarks.hard_films.failures SET [SET ...] [--cache FOLDER] [--peers] [--frames]

Judged as by ``benchmarks/detection_accuracy.py``. First a table by film, then what was found of
each kind of cut and of gradual transition, then how many events of each kind, which are no
transitions, were taken for one.
"""

import argparse
import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.detection_accuracy import Label, Score
from benchmarks.detectors import Detector, our_detector, scenedetect_detectors

_MARGIN_FRAMES = 2


@dataclass(slots=True)
class ByEvent:
    """Counts by what happens: (of how many, what happened to how many)."""

    cuts: Counter[str] = field(default_factory=Counter)
    cuts_missed: Counter[str] = field(default_factory=Counter)
    gradual: Counter[str] = field(default_factory=Counter)
    gradual_missed: Counter[str] = field(default_factory=Counter)
    kind_wrong: Counter[str] = field(default_factory=Counter)
    events: Counter[str] = field(default_factory=Counter)
    taken_for_cut: Counter[str] = field(default_factory=Counter)
    taken_for_gradual: Counter[str] = field(default_factory=Counter)

    def add(self, label: Label, score: Score) -> None:
        """Take the score of one film into account."""
        tags = label["cut_tags"]
        missed = _numbers(score.missed)
        self.cuts.update(tags[str(cut)] for cut in label["hard_cuts"])
        self.cuts_missed.update(tags[str(cut)] for cut in missed)
        looks = {one["start"]: one["look"] for one in label["gradual"]}
        self.gradual.update(looks.values())
        self.gradual_missed.update(looks[start] for start in _numbers(score.gradual_missed))
        self.kind_wrong.update(looks[start] for start in _numbers(score.kind_wrong))
        self.events.update(what for _, _, what in label["events"])
        for wrong, taken in (
            (score.wrong, self.taken_for_cut),
            (score.gradual_wrong, self.taken_for_gradual),
        ):
            for start, end in _spans(wrong):
                taken.update(_around(label, start, end))


def _spans(texts: Iterable[str]) -> list[tuple[int, int]]:
    """The frames in ``name:start`` and ``name:start-end kind``."""
    parts = [text.rsplit(":", 1)[1].split()[0].split("-") for text in texts]
    return [(int(part[0]), int(part[-1])) for part in parts]


def _numbers(texts: Iterable[str]) -> list[int]:
    return [start for start, _ in _spans(texts)]


def _around(label: Label, start: int, end: int) -> set[str]:
    """Which events a wrong transition lies in or at, ``nothing special`` if none."""
    near = {
        what
        for first, after, what in label["events"]
        if first - _MARGIN_FRAMES <= end and start <= after + _MARGIN_FRAMES
    }
    return near or {"nothing special"}


def measure(folders: Iterable[Path], detect: Detector, with_frames: bool) -> None:
    """Print the tables for one detector."""
    by_event, total = ByEvent(), Score()
    columns = ["film", "cuts", "missed", "wrong", "gradual", "missed", "wrong", "wrong kind"]
    print(_row(columns))
    for folder in folders:
        labels = json.loads((folder / "labels.json").read_text())
        for name, label in labels.items():
            score, found = Score(), detect(folder / name).transitions
            for one in (score, total):
                one.add(name, label, found, 1)
            by_event.add(label, score)
            print(_row([f"{folder.name}/{name}", *_cells(score)]))
            if with_frames:
                for text in (*score.missed, *score.gradual_missed):
                    print(f"    missed {text}")
                for text in (*score.wrong, *score.gradual_wrong):
                    around = _around(label, *_spans([text])[0])
                    print(f"    wrong {text}: {', '.join(sorted(around))}")
    print(_row(["all", *_cells(total)]))
    f1, precision, recall, _, gradual_recall, gradual_precision, _, kind, _ = total.row()
    print(f"hard cuts: F1 {f1}, precision {precision}, recall {recall}; gradual: recall "
          f"{gradual_recall}, precision {gradual_precision}, right kind {kind}\n")  # fmt: skip
    _print_events(by_event)


def _print_events(by: ByEvent) -> None:
    for title, counts, columns in (
        ("cuts", by.cuts, {"missed": by.cuts_missed}),
        ("gradual", by.gradual, {"missed": by.gradual_missed, "wrong kind": by.kind_wrong}),
        ("no transition", by.events, {
            "taken for cuts": by.taken_for_cut, "taken for gradual": by.taken_for_gradual,
        }),
    ):  # fmt: skip
        print(_row([title, "of", *columns]))
        named = set(counts).union(*columns.values())
        for what in sorted(named, key=lambda what: (-counts[what], what)):
            print(_row([what, counts[what], *(column[what] for column in columns.values())]))
        print()


def _cells(score: Score) -> list[int]:
    return [
        score.right + len(score.missed),
        len(score.missed),
        len(score.wrong),
        score.gradual_total,
        len(score.gradual_missed),
        len(score.gradual_wrong),
        len(score.kind_wrong),
    ]


def _row(cells: Iterable[object]) -> str:
    first, *others = (str(cell) for cell in cells)
    return f"{first:<34}" + "".join(f"{cell:>12}" for cell in others)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("sets", nargs="+", type=Path, metavar="SET", help="folders of hard films")
    parser.add_argument("--cache", type=Path, help="folder to keep score tracks in")
    parser.add_argument("--peers", action="store_true", help="measure PySceneDetect, too")
    parser.add_argument("--frames", action="store_true", help="list each fault")
    options = parser.parse_args()
    detectors = {"adaptive": our_detector("adaptive", {}, options.cache)}
    detectors |= scenedetect_detectors(min_scene_len=1) if options.peers else {}
    for name, detect in detectors.items():
        print(f"== {name}")
        measure(options.sets, detect, options.frames)


if __name__ == "__main__":
    main()
