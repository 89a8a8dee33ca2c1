"""``frame_scores``: the one expensive pass. Decode once, decide many times."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from heaters_pipeline.assets.policy import DETECTION_GROUP, RETRY_POLICY, STORE_KIND
from heaters_pipeline.assets.records import source_of
from heaters_pipeline.assets.stage import stage_run
from heaters_pipeline.assets.stage_checks import StageEvent, stage_checks
from heaters_pipeline.assets.stage_work import claimed_work
from heaters_pipeline.assets.track_work import complete_track, track_work
from heaters_pipeline.config import ScanConfig
from heaters_pipeline.names import WORK_TAG
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.video.scoring.scores import ALGORITHM_VERSION
from heaters_pipeline.workspace import Workspace


@dg.asset(
    partitions_def=source_videos_partitions,
    deps=["source_videos"],
    group_name=DETECTION_GROUP,
    kinds={"opencv", STORE_KIND},
    tags={WORK_TAG: "decode"},
    code_version=str(ALGORITHM_VERSION),
    retry_policy=RETRY_POLICY,
)
def frame_scores(
    context: dg.AssetExecutionContext,
    config: ScanConfig,
    workspace: dg.ResourceParam[Workspace],
) -> Iterator[StageEvent]:
    """How much each frame differs from the one before, and a small signature of each.

    The one expensive pass over a video: everything that scene detection asks is answered from this
    track, so that another threshold or method costs milliseconds.
    """
    with stage_run(context, workspace, "frame_scores") as run:
        settings = run.chosen(config).settings()
        work = claimed_work(run, lambda: track_work(run, source_of(run), settings))
        source = source_of(run)
        run.tag_source_version(source.version)
        summary: dict[str, Any] = {}
        if not work.done:
            summary = complete_track(work, source, settings)
        elif work.current is not None:
            summary = work.current.summary
        (item,) = work.ordered_items
        yield work.finish(
            summary=summary,
            metadata={
                "scan": summary["scan"],
                "frames": item.end_frame,
                "frames_compared": summary["frames_compared"],
                "faults": "; ".join(summary.get("faults", [])) or "none",
                "video_seconds": round(float(item.end_seconds), 3),
                "track": item.key,
                "dagster/uri": f"{workspace.store.url}/{item.key}",
                "track_bytes": item.size_bytes,
            },
        )
        yield from stage_checks(run)
