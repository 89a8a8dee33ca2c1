"""What ``heaters plan`` says: JSON documents, and tables for people."""

from collections.abc import Callable, Mapping
from typing import Any

from heaters_pipeline.assets.estimates import Estimate, total
from heaters_pipeline.assets.planning import StagePlan, VideoPlan
from heaters_pipeline.cli.terminal import table_lines

STATES = ("valid", "unrecorded", "missing", "damaged")
_HEADER = ("stage", *STATES, "stale", "about MB", "about s")


def plan_document(plan: VideoPlan, costs: Mapping[str, Estimate]) -> dict[str, Any]:
    """What ``heaters plan --json`` says of a video.

    Args:
        plan: What a run would do.
        costs: What is expected of each stage.
    """
    source = plan.source
    return {
        "video_id": plan.video_id,
        "error": None,
        "source": {
            "key": source.key,
            "sha256": source.sha256,
            "size_bytes": source.size_bytes,
            "stored": source.stored,
        },
        "known": plan.known,
        "scenes": None if plan.scenes is None else [scene.cells() for scene in plan.scenes],
        "stages": {stage.stage: _stage(stage, costs[stage.stage]) for stage in plan.stages},
        "counts": {
            "made": plan.total(lambda stage: stage.made),
            "reused": plan.total(lambda stage: stage.reused),
            "stale": sum(len(stage.stale) for stage in plan.stages),
        },
        **_about(total(costs.values())),
    }


def refusal_document(video: str, error: str) -> dict[str, Any]:
    """The same of a video that a run would refuse."""
    return {
        "video_id": video,
        "error": error,
        "source": {},
        "known": False,
        "scenes": None,
        "stages": {},
        "counts": {"made": 0, "reused": 0, "stale": 0},
        **_about(Estimate(None, None)),
    }


def plan_lines(document: Mapping[str, Any]) -> list[str]:
    """A document for people: a line that sums it up, and a table of the stages."""
    rows = [
        (
            name,
            *(_shown(stage[state]) for state in STATES),
            _shown(stage["stale"]),
            _megabytes(stage["about_bytes"]),
            _rounded(stage["about_seconds"]),
        )
        for name, stage in document["stages"].items()
    ]
    return [_summary(document), *(f"  {line}" for line in table_lines(_HEADER, rows))]


def _summary(document: Mapping[str, Any]) -> str:
    counts, stages = document["counts"], document["stages"]
    name, scenes = document["video_id"], document["scenes"]
    stale = f"; stale objects that would stay: {counts['stale']}" if counts["stale"] else ""
    if all(stage["done"] for stage in stages.values()):
        return f"{name}: all is done, a run would reuse {counts['reused']} and make nothing{stale}"
    expected = ", ".join(
        (
            _expected(document, "about_bytes", _megabytes, "MB to store"),
            _expected(document, "about_seconds", _rounded, "s"),
        )
    )
    if scenes is None:
        scan = "scan it" if stages["frame_scores"]["known"] else "read it"
        first = scan if document["source"]["stored"] else f"bring it in, {scan}"
        doing = f"scenes are not known yet; a run would {first}, and make clips of what it finds"
    else:
        doing = f"{len(scenes)} scenes; a run would make {counts['made']}, reuse {counts['reused']}"
    return f"{name}: {doing}: {expected}{stale}"


def _expected(
    document: Mapping[str, Any], name: str, shown: Callable[[Any], str], unit: str
) -> str:
    if document[name] is None:
        return f"an unknown number of {unit}"
    some_unknown = any(stage[name] is None for stage in document["stages"].values())
    return f"{'at least ' if some_unknown else ''}about {shown(document[name])} {unit}"


def _stage(stage: StagePlan, cost: Estimate) -> dict[str, Any]:
    counts = {state: getattr(stage, state) if stage.known else None for state in STATES}
    return {
        "known": stage.known,
        "done": stage.done,
        **counts,
        "stale": len(stage.stale) if stage.known else None,
        "stale_bytes": sum(found.size_bytes for found in stage.stale) if stage.known else None,
        "to_make": [unit.identifier for unit in stage.to_make],
        **_about(cost),
    }


def _about(cost: Estimate) -> dict[str, Any]:
    seconds = None if cost.seconds is None else round(cost.seconds, 1)
    return {"about_bytes": cost.size_bytes, "about_seconds": seconds}


def _shown(count: int | None) -> str:
    return "?" if count is None else str(count)


def _megabytes(size_bytes: int | None) -> str:
    return _rounded(None if size_bytes is None else size_bytes / 1e6)


def _rounded(value: float | None) -> str:
    if value is None:
        return "?"
    return f"{value:.0f}" if value >= 10 or value == 0 else f"{max(value, 0.1):.1f}"
