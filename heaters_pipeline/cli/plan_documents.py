"""What ``heaters plan`` says: JSON documents, and tables for people."""

from collections.abc import Mapping
from typing import Any

from heaters_pipeline.assets.planning import StagePlan, VideoPlan
from heaters_pipeline.cli.terminal import megabytes, table_lines

STATES = ("valid", "unrecorded", "missing", "damaged", "stale")


def plan_document(plan: VideoPlan) -> dict[str, Any]:
    """What ``heaters plan --json`` says of a video."""
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
        "stages": {stage.stage: _stage(stage) for stage in plan.stages},
        "counts": {
            "made": plan.total(lambda stage: stage.made),
            "reused": plan.total(lambda stage: stage.reused),
            "stale": sum(len(stage.stale) for stage in plan.stages),
        },
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
    }


def plan_lines(document: Mapping[str, Any]) -> list[str]:
    """A document for people: a line that sums it up, and a table of the stages."""
    rows = [
        (name, *("?" if stage[state] is None else str(stage[state]) for state in STATES))
        for name, stage in document["stages"].items()
    ]
    return [_summary(document), *(f"  {line}" for line in table_lines(("stage", *STATES), rows))]


def _summary(document: Mapping[str, Any]) -> str:
    counts, stages, source = document["counts"], document["stages"], document["source"]
    name, scenes, size_bytes = document["video_id"], document["scenes"], source["size_bytes"]
    stale = ""
    if counts["stale"]:
        stale_bytes = sum(stage["stale_bytes"] or 0 for stage in stages.values())
        stale = f"; stale objects that would stay: {counts['stale']} ({megabytes(stale_bytes)})"
    if all(stage["done"] for stage in stages.values()):
        return f"{name}: all is done, a run would reuse {counts['reused']} and make nothing{stale}"
    if scenes is not None:
        made, reused = counts["made"], counts["reused"]
        about = stages["clips"]["about_bytes"]
        size = f" (clips of about {megabytes(about)})" if about else ""
        return f"{name}: {len(scenes)} scenes; a run would make {made}{size}, reuse {reused}{stale}"
    first = "scan it" if stages["frame_scores"]["known"] else "read it"
    if not source["stored"]:
        size = "" if size_bytes is None else f" ({megabytes(size_bytes)})"
        first = f"bring it in{size}, {first}"
    doing = f"scenes are not known yet; a run would {first}, and make clips of what it finds"
    return f"{name}: {doing}{stale}"


def _stage(stage: StagePlan) -> dict[str, Any]:
    counts = {state: getattr(stage, state) for state in STATES}
    counts |= {
        "stale": len(stage.stale),
        "stale_bytes": sum(found.size_bytes for found in stage.stale),
    }
    return {
        "known": stage.known,
        "done": stage.done,
        **(counts if stage.known else dict.fromkeys(counts)),
        "to_make": [unit.identifier for unit in stage.to_make],
        "about_bytes": stage.about_bytes,
    }
