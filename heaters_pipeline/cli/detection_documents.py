"""What ``heaters compare`` and ``heaters tune`` say: JSON documents, and tables for people."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from heaters_pipeline.cli.detection_inputs import ScoredVideo
from heaters_pipeline.cli.terminal import table_lines
from heaters_pipeline.video.detection.comparing import Comparison, Decision
from heaters_pipeline.video.detection.labels import Counts
from heaters_pipeline.video.detection.settings import DEFAULT_THRESHOLDS, Method
from heaters_pipeline.video.detection.tuning import Choice, Trial


def compare_document(
    video: ScoredVideo, comparison: Comparison, labels: Path | None
) -> dict[str, Any]:
    """What ``heaters compare --json`` says."""
    timeline = video.track.timeline
    names = [decision.name for decision in comparison.decisions]
    return {
        "video": {
            "name": video.name,
            "frames": timeline.frames,
            "duration_seconds": round(float(timeline.seconds_at(timeline.frames)), 3),
            "decoded": video.decoded,
        },
        "labels": str(labels) if labels else None,
        "methods": [
            _method(decision, comparison.agreement(at))
            for at, decision in enumerate(comparison.decisions)
        ],
        "shared_cuts": {
            name: dict(zip(names, map(_share, row), strict=True))
            for name, row in zip(names, comparison.shared, strict=True)
        },
    }


def compare_lines(comparison: Comparison) -> list[str]:
    """The same for people: a line a method, then who has whose cuts."""
    decisions = comparison.decisions
    header = ["method", "threshold", "scenes", "cuts", "gradual", "agreement"]
    rows = [
        [
            decision.name.partition("=")[0],
            f"{decision.settings.effective_threshold:g}",
            str(decision.scenes),
            str(len(decision.cuts)),
            str(len(decision.gradual)),
            _percent(comparison.agreement(at)),
        ]
        for at, decision in enumerate(decisions)
    ]
    if all(decision.judgement for decision in decisions):
        header += ["precision", "recall", "f1", "wrong", "missed", "gradual_recall"]
        for row, decision in zip(rows, decisions, strict=True):
            row += _judged(decision.judgement.counts if decision.judgement else Counts())
    lines = _table(header, rows)
    if len(decisions) > 1:
        names = [decision.name for decision in decisions]
        shares = [
            [name, *map(_percent, row)] for name, row in zip(names, comparison.shared, strict=True)
        ]
        lines += ["", "How many of a line's cuts the column has, too, within 1 frame:", ""]
        lines += _table(["", *names], shares)
    return lines


def tune_document(
    videos: Iterable[ScoredVideo],
    method: Method,
    trials: Sequence[Trial],
    choice: Choice,
    labels: Path | None,
) -> dict[str, Any]:
    """What ``heaters tune --json`` says."""
    return {
        "videos": [
            {"name": video.name, "frames": video.track.frames, "decoded": video.decoded}
            for video in videos
        ],
        "labels": str(labels) if labels else None,
        "method": method,
        "default_threshold": DEFAULT_THRESHOLDS[method],
        "threshold": choice.threshold,
        "range": [trials[choice.first].threshold, trials[choice.last].threshold],
        "reason": choice.reason,
        "thresholds": [
            {
                "threshold": trial.threshold,
                "scenes": trial.scenes,
                "cuts": trial.cuts,
                **(_counts(trial.counts) if trial.counts else {}),
            }
            for trial in trials
        ],
    }


def tune_lines(method: Method, trials: Sequence[Trial], choice: Choice) -> list[str]:
    """The same for people: a line a threshold, then what to take, and why."""
    header = ["threshold", "scenes", "cuts"]
    judged = all(trial.counts for trial in trials)
    if judged:
        header += ["precision", "recall", "f1", "wrong", "missed", "gradual_recall"]
    rows = []
    for at, trial in enumerate(trials):
        note = "equally good" if choice.first <= at <= choice.last else ""
        if trial.threshold == DEFAULT_THRESHOLDS[method]:
            note = f"{note}, default".removeprefix(", ")
        cells = [f"{trial.threshold:g}", str(trial.scenes), str(trial.cuts)]
        rows.append([*cells, *(_judged(trial.counts) if trial.counts else ()), note])
    taken = f"Take --method {method} --threshold {choice.threshold:g}."
    return [*_table([*header, ""], rows), "", taken, choice.reason]


def _method(decision: Decision, agreement: float | None) -> dict[str, Any]:
    judgement = decision.judgement
    return {
        "name": decision.name,
        "method": decision.settings.method,
        "threshold": decision.settings.effective_threshold,
        "scenes": decision.scenes,
        "cuts": len(decision.cuts),
        "gradual": len(decision.gradual),
        "agreement": _share(agreement),
        "transitions": [
            {"kind": one.kind, "start_frame": one.start, "end_frame": one.end}
            for one in decision.transitions
        ],
        **(
            {
                **_counts(judgement.counts),
                "wrong_frames": list(judgement.wrong),
                "missed_frames": list(judgement.missed),
            }
            if judgement
            else {}
        ),
    }


def _counts(counts: Counts) -> dict[str, Any]:
    return {
        "right": counts.right,
        "wrong": counts.wrong,
        "missed": counts.missed,
        "precision": round(counts.precision, 4),
        "recall": round(counts.recall, 4),
        "f1": round(counts.f1, 4),
        "gradual_total": counts.gradual_total,
        "gradual_hit": counts.gradual_hit,
        "gradual_recall": _share(counts.gradual_recall),
    }


def _judged(counts: Counts) -> list[str]:
    return [
        f"{counts.precision:.3f}",
        f"{counts.recall:.3f}",
        f"{counts.f1:.3f}",
        str(counts.wrong),
        str(counts.missed),
        f"{counts.gradual_hit}/{counts.gradual_total}" if counts.gradual_total else "-",
    ]


def _share(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    return [line.rstrip() for line in table_lines(tuple(header), [tuple(row) for row in rows])]
