"""``method_comparison``: what each method would find in a video, side by side."""

from pathlib import Path
from typing import Any

import dagster as dg

from heaters_pipeline.assets.pictures import (
    keep_full_picture,
    keep_picture,
    require_picture,
    shown_picture,
)
from heaters_pipeline.assets.policy import DETECTION_GROUP, RETRY_POLICY, STORE_KIND
from heaters_pipeline.assets.records import (
    Source,
    recorded_track,
    settings_json,
    source_names,
    source_of,
    track_of,
)
from heaters_pipeline.assets.stage import StageRun, stage_run
from heaters_pipeline.assets.stage_work import StageWork, claimed_work, look
from heaters_pipeline.assets.tables import COMPARISON_SCHEMA, comparison_table
from heaters_pipeline.assets.track_work import scan_in_full
from heaters_pipeline.config import ComparisonConfig
from heaters_pipeline.errors import SettingsError
from heaters_pipeline.names import COMPARE_JOB, WORK_TAG
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.storage.records.manifests import Json, Manifest
from heaters_pipeline.video.detection.comparing import Comparison, compare
from heaters_pipeline.video.detection.labels import Labels, labels_for, read_labels
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import ALGORITHM_VERSION, full_scan_reason
from heaters_pipeline.video.scoring.method_scores import suffices
from heaters_pipeline.workspace import Workspace

_USES = ("source_videos", "frame_scores")


@dg.asset(
    partitions_def=source_videos_partitions,
    deps=["frame_scores"],
    group_name=DETECTION_GROUP,
    kinds={"numpy", STORE_KIND},
    tags={WORK_TAG: "decide"},
    code_version=str(ALGORITHM_VERSION),
    retry_policy=RETRY_POLICY,
    metadata={"dagster/column_schema": COMPARISON_SCHEMA},
)
def method_comparison(
    context: dg.AssetExecutionContext,
    config: ComparisonConfig,
    workspace: dg.ResourceParam[Workspace],
) -> dg.MaterializeResult[Any]:
    """How many scenes each method finds, how far they agree, and how far labels agree with them.

    For choosing a method and a threshold; nothing is made of it. Decided from the stored track.
    A method that it cannot answer for is left out, unless `full_scan` is set.
    """
    with stage_run(context, workspace, "method_comparison") as run:
        source_of(run)
        labels = _labels(run, config, recorded_track(run).items[0].end_frame)
        work = claimed_work(run, lambda: _work(run, config, labels), uses=_USES)
        variants, left_out = _answered(config, recorded_track(run))
        if work.done and work.current is not None:
            summary = work.current.summary
        else:
            summary = _compare(work, source_of(run), variants, labels)
        return work.finish(
            summary,
            metadata={
                "comparison": shown_picture(run, summary["picture"], f"methods on {run.video_id}"),
                "full_picture": summary["full_picture"],
                "table": comparison_table(summary["methods"]),
                "shared_cuts": dg.MetadataValue.json(summary["shared_cuts"]),
                "labels": config.labels or "none",
                "left_out": "; ".join(left_out) or "none",
            },
        )


def _work(run: StageRun, config: ComparisonConfig, labels: Labels | None) -> StageWork:
    track = recorded_track(run)
    variants, _ = _answered(config, track)
    work = look(
        run,
        inputs={
            "algorithm_version": ALGORITHM_VERSION,
            "frame_scores": track.fingerprint,
            "labels": settings_json(labels) if labels else None,
            "methods": [settings_json(settings) for settings in variants],
            "stage": "method_comparison",
        },
        has_objects=False,
    )
    require_picture(work, "picture")
    require_picture(work, "full_picture")
    return work


def _answered(
    config: ComparisonConfig, track: Manifest
) -> tuple[tuple[DetectionSettings, ...], list[str]]:
    """The methods that are compared, and of the others why they are not.

    Raises:
        SettingsError: None is left, or one is wrong.
    """
    variants = config.variants()
    if config.full_scan or track.summary["scan"] == "full":
        return variants, []
    reasons = {settings: full_scan_reason(settings) for settings in variants}
    left_out = [reason for reason in reasons.values() if reason is not None]
    if left_out:
        left_out.append(
            f"the track is of a fast scan, so launch {COMPARE_JOB} with full_scan: true to have "
            "the video decoded once more"
        )
    answered = tuple(settings for settings, reason in reasons.items() if reason is None)
    if not answered:
        raise SettingsError("; ".join(left_out))
    return answered, left_out


def _labels(run: StageRun, config: ComparisonConfig, frames: int) -> Labels | None:
    if config.labels is None:
        return None
    path = Path(config.labels)
    return labels_for(read_labels(path), source_names(run), frames, path)


def _compare(
    work: StageWork,
    source: Source,
    variants: tuple[DetectionSettings, ...],
    labels: Labels | None,
) -> dict[str, Any]:
    run = work.run
    track = _sufficient_track(run, source, variants)
    with run.phase("decide"):
        comparison = compare(track, variants, labels)
    # matplotlib takes a third of a second to import, which every start of the project would pay.
    from heaters_pipeline.report.plots.comparison_picture import (
        comparison_picture,
        small_comparison_picture,
    )

    drawn = (track.timeline, comparison, labels)
    picture = keep_picture(
        work, "png", lambda: small_comparison_picture(*drawn, title=run.video_id)
    )
    full = keep_full_picture(work, "png", lambda: comparison_picture(*drawn, title=run.video_id))
    names = [decision.name for decision in comparison.decisions]
    return {
        "units": len(names),
        "methods": _rows(comparison),
        "shared_cuts": {
            name: dict(zip(names, row, strict=True))
            for name, row in zip(names, comparison.shared, strict=True)
        },
        "picture": picture,
        "full_picture": full,
    }


def _sufficient_track(
    run: StageRun, source: Source, variants: tuple[DetectionSettings, ...]
) -> ScoreTrack:
    track = track_of(run)
    if not suffices(track, variants):
        reasons = filter(None, (full_scan_reason(settings) for settings in variants))
        scan_in_full(run, source, next(reasons))
        track = track_of(run)
    return track


def _rows(comparison: Comparison) -> list[dict[str, Json]]:
    """A row a method, as the manifest and the table have it."""
    rows: list[dict[str, Json]] = []
    for position, decision in enumerate(comparison.decisions):
        counts = decision.judgement.counts if decision.judgement else None
        rows.append(
            {
                "method": decision.settings.method,
                "threshold": decision.settings.effective_threshold,
                "scenes": decision.scenes,
                "cuts": len(decision.cuts),
                "gradual": len(decision.gradual),
                "agreement": comparison.agreement(position),
                "precision": counts.precision if counts else None,
                "recall": counts.recall if counts else None,
                "f1": counts.f1 if counts else None,
                "gradual_recall": counts.gradual_recall if counts else None,
            }
        )
    return rows
