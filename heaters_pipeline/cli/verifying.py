"""``heaters verify``: whether the store holds what is recorded, and the repair of what it lost."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from heaters_pipeline import home
from heaters_pipeline.cli.terminal import Watcher, table_lines
from heaters_pipeline.errors import SettingsError, printable
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline.storage.records.verification import (
    OBJECT_STAGES,
    StageReport,
    Verifier,
    VideoReport,
    source_advice,
)

if TYPE_CHECKING:
    from heaters_pipeline.assets.repairing import Config, Repair, RunOutcome
    from heaters_pipeline.workspace import Workspace

COUNTS = ("valid", "missing", "damaged", "stale", "without_digest")
FINDINGS_SHOWN = 10


def verify_videos(
    wanted: Sequence[Sequence[str]],
    *,
    deep: bool,
    repair: bool,
    on_video: Callable[[Mapping[str, Any]], None],
) -> dict[str, Any]:
    """Verify videos, and repair those that are at fault if that is asked.

    Args:
        wanted: For each video the ids that it may have, likeliest first; none for all videos.
        deep: Read and compare the contents.
        repair: Make again what is missing or damaged.
        on_video: Given the document of each video.
    Returns:
        The document of ``heaters verify --json``, without its videos, and with what they come to.
    Raises:
        SettingsError: There is no such video.
    """
    store = open_store(home.store_location(), base_folder=home.home_folder())
    verifier = Verifier(store, deep=deep)
    stages: dict[str, dict[str, int]] = {}
    counts = dict.fromkeys(("videos", "at_fault", "unfinished", "repaired"), 0)
    for report in _reports(verifier, wanted):
        repaired = _repair(report.video_id, deep=deep) if repair and report.findings else None
        document = _document(report, repaired)
        on_video(document)
        _add(stages, document)
        counts["videos"] += 1
        counts["at_fault"] += at_fault(document)
        counts["unfinished"] += not report.finished
        counts["repaired"] += repaired is not None
    return {
        "deep": deep,
        "videos": [],
        "stages": stages,
        "counts": counts,
        "requests": dict(store.requests),
    }


def at_fault(document: Mapping[str, Any]) -> bool:
    """Whether something is wrong with a video, and still is after a repair."""
    repaired = document["repair"]
    left = repaired["faults_left"] if repaired else len(document["findings"])
    return bool(left or document["error"] or (repaired and repaired["error"]))


def video_lines(document: Mapping[str, Any]) -> list[str]:
    """What a person reads of a video."""
    # Anyone may have put objects of any name there.
    name = printable(document["video_id"])
    findings, repaired = document["findings"], document["repair"]
    if document["error"]:
        return [f"{name}: {document['error']}"]
    if not findings:
        unfinished = "" if document["finished"] else "; it is not finished"
        valid = sum(stage["valid"] for stage in document["stages"].values())
        return [f"{name}: {_objects(valid)} as recorded{unfinished}"]
    lines = [f"{name}: {_objects(len(findings))} not as recorded"]
    lines += [f"  {printable(finding['why'])}" for finding in findings[:FINDINGS_SHOWN]]
    if len(findings) > FINDINGS_SHOWN:
        lines.append(f"  and {len(findings) - FINDINGS_SHOWN} more")
    if repaired is None and any(finding["stage"] == "manifests" for finding in findings):
        return lines
    if repaired is None and document["advice"]:
        return [*lines, f"  {document['advice']}"]
    if repaired is None:
        deep = " --deep" if any(finding["hidden"] for finding in findings) else ""
        return [*lines, f"  to make them again: heaters verify {name}{deep} --repair"]
    if repaired["error"]:
        return [*lines, f"  not repaired: {repaired['error']}"]
    made, reused = (
        sum(repaired[count].get(stage, 0) for stage in OBJECT_STAGES)
        for count in ("made", "reused")
    )
    left = repaired["faults_left"]
    state = f"{_objects(left)} still not as recorded" if left else "repaired"
    return [*lines, f"  {state}; made {made}, reused {reused}"]


def summary_lines(document: Mapping[str, Any]) -> list[str]:
    """A table of the stages, and a line on all videos."""
    counted = document["counts"]
    columns = COUNTS if document["deep"] else COUNTS[:-1]
    rows = [
        (stage, *(str(counts[name]) for name in columns))
        for stage, counts in document["stages"].items()
    ]
    header = ("stage", *(name.replace("_", " ") for name in columns))
    before = ["", "before the repair:"] if counted["repaired"] else []
    count = "1 video" if counted["videos"] == 1 else f"{counted['videos']} videos"
    return [
        *before,
        *table_lines(header, rows),
        f"{count}, {counted['at_fault']} at fault, {counted['unfinished']} unfinished",
    ]


def _objects(count: int) -> str:
    return "1 object is" if count == 1 else f"{count} objects are"


def _reports(verifier: Verifier, wanted: Sequence[Sequence[str]]) -> Iterator[VideoReport]:
    if not wanted:
        yield from verifier.all_videos()
        return
    for candidates in wanted:
        known = (
            report
            for video_id in candidates
            for report in verifier.videos([video_id])
            if report.recorded
        )
        report = next(known, None)
        if report is None:
            raise SettingsError(
                f"nothing is recorded of {candidates[0]}; heaters status lists all videos"
            )
        yield report


def _repair(video_id: str, *, deep: bool) -> "Repair":
    # Dagster takes seconds to import.
    from heaters_pipeline.assets.repairing import RunOutcome, repair_video
    from heaters_pipeline.cli.instance import dagster_instance
    from heaters_pipeline.cli.local_runs import process_video
    from heaters_pipeline.resources import open_workspace

    with dagster_instance() as instance, Watcher() as watcher:
        watcher.start(video_id)

        def run(config: "Config", workspace: "Workspace") -> "RunOutcome":
            done = process_video(instance, video_id, config, watcher.step, workspace)
            watcher.clear()
            return RunOutcome(
                done.error,
                {stage: int(facts.get("made", 0)) for stage, facts in done.stages.items()},
                {stage: int(facts.get("reused", 0)) for stage, facts in done.stages.items()},
            )

        return repair_video(open_workspace(), video_id, run, deep=deep)


def _document(report: VideoReport, repaired: "Repair | None") -> dict[str, Any]:
    return {
        "video_id": report.video_id,
        "error": report.error,
        "finished": report.finished,
        "stages": {stage.stage: _counts(stage) for stage in report.stages},
        "findings": [
            {
                "stage": finding.stage,
                "key": finding.key,
                "state": finding.state,
                "why": finding.why,
                "hidden": finding.hidden,
            }
            for finding in report.findings
        ],
        "advice": next(
            (
                source_advice(report.video_id, finding)
                for finding in report.findings
                if finding.stage == "source_videos"
            ),
            None,
        ),
        "repair": repaired and _repair_document(repaired),
    }


def _repair_document(repaired: "Repair") -> dict[str, Any]:
    outcome = repaired.outcome
    return {
        "error": repaired.error,
        "made": outcome.made if outcome else {},
        "reused": outcome.reused if outcome else {},
        "faults_left": len(repaired.after.findings),
    }


def _counts(stage: StageReport) -> dict[str, int]:
    return {
        "valid": stage.valid,
        "missing": stage.count("missing"),
        "damaged": stage.count("damaged"),
        "stale": stage.stale,
        "without_digest": stage.without_digest,
    }


def _add(sums: dict[str, dict[str, int]], document: Mapping[str, Any]) -> None:
    for stage, counts in document["stages"].items():
        total = sums.setdefault(stage, dict.fromkeys(COUNTS, 0))
        for name in COUNTS:
            total[name] += counts[name]
