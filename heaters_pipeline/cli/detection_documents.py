"""What ``detect``, ``compare`` and ``tune`` say: JSON documents, and tables for people."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from heaters_pipeline.cli.detection_inputs import ScoredVideo
from heaters_pipeline.cli.terminal import table_lines
from heaters_pipeline.video.detection.comparing import Comparison, Decision
from heaters_pipeline.video.detection.labels import Counts
from heaters_pipeline.video.detection.settings import DEFAULT_THRESHOLDS, Method
from heaters_pipeline.video.detection.tuning import Choice, Trial

Format = Callable[[Any], str]


def scene_lines(document: Mapping[str, Any]) -> list[str]:
    """What ``heaters detect`` says to people: a line a scene."""
    header = ("scene", "start_frame", "end_frame", "start", "end", "seconds")
    rows = [
        (str(number), *(_shown(value) for value in scene.values()))
        for number, scene in enumerate(document["scenes"], 1)
    ]
    return table_lines(header, rows)


def compare_document(
    video: ScoredVideo, comparison: Comparison, labels: Path | str | None
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


def compare_lines(document: Mapping[str, Any]) -> list[str]:
    """The same for people: a line a method, then who has whose cuts."""
    methods, shared = document["methods"], document["shared_cuts"]
    counts = dict.fromkeys(("scenes", "cuts", "gradual"), str)
    formats: dict[str, Format] = {
        "method": str,
        "threshold": "{:g}".format,
        **counts,
        "agreement": _percent,
    }
    lines = _table(methods, formats | (_JUDGED if "f1" in methods[0] else {}))
    if len(shared) > 1:
        lines += ["", "How many of a line's cuts the column has, too, within 1 frame:", ""]
        rows = [{"": name, **shares} for name, shares in shared.items()]
        lines += _table(rows, {"": str, **dict.fromkeys(shared, _percent)})
    return lines


def tune_document(
    videos: Iterable[ScoredVideo],
    method: Method,
    trials: Sequence[Trial],
    choice: Choice,
    labels: Path | str | None,
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


def tune_lines(document: Mapping[str, Any]) -> list[str]:
    """The same for people: a line a threshold, then what to take, and why."""
    trials, method, taken = document["thresholds"], document["method"], document["threshold"]
    tried = [trial["threshold"] for trial in trials]
    first, last = (tried.index(threshold) for threshold in document["range"])
    rows = []
    for at, trial in enumerate(trials):
        notes = ["equally good"] * (first <= at <= last)
        notes += ["default"] * (trial["threshold"] == document["default_threshold"])
        rows.append({**trial, "": ", ".join(notes)})
    formats: dict[str, Format] = {"threshold": "{:g}".format, "scenes": str, "cuts": str}
    lines = _table(rows, formats | (_JUDGED if "f1" in trials[0] else {}) | {"": str})
    return [*lines, "", f"Take --method {method} --threshold {taken:g}.", document["reason"]]


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


def _shown(value: int | float) -> str:
    return str(value) if isinstance(value, int) else f"{value:.3f}"


def _share(share: float | None) -> float | None:
    return None if share is None else round(share, 4)


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{share:.0%}"


def _table(rows: Iterable[Mapping[str, Any]], formats: Mapping[str, Format]) -> list[str]:
    """The columns that have a format."""
    cells = [tuple(show(row[name]) for name, show in formats.items()) for row in rows]
    return [line.rstrip() for line in table_lines(tuple(formats), cells)]


_JUDGED: dict[str, Format] = {
    **dict.fromkeys(("precision", "recall", "f1"), "{:.3f}".format),
    "wrong": str,
    "missed": str,
    "gradual_recall": _percent,
}
