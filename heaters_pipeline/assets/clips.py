"""``clips``: one file a scene, exact to the frame; only what is missing is made."""

import os
from collections.abc import Iterator
from functools import cache

import dagster as dg

from heaters_pipeline.assets.clip_work import (
    adopt_clips,
    clip_units,
    clips_work,
    frame_totals,
    frames_by_origin,
    make_clips,
    mark_clips,
    note_quality,
    reviewed,
)
from heaters_pipeline.assets.links import links
from heaters_pipeline.assets.pictures import contact_sheet, shown_picture
from heaters_pipeline.assets.policy import CLIPS_GROUP, RETRY_POLICY, STORE_KIND
from heaters_pipeline.assets.records import scenes_of, source_of, track_of
from heaters_pipeline.assets.stage import stage_run
from heaters_pipeline.assets.stage_checks import StageEvent, stage_checks
from heaters_pipeline.assets.stage_work import claimed_work
from heaters_pipeline.assets.tables import CLIP_SCHEMA, clip_table
from heaters_pipeline.config import ClipConfig
from heaters_pipeline.names import WORK_TAG
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.video.clips.write import FORMAT_VERSION
from heaters_pipeline.workspace import Workspace


@dg.asset(
    partitions_def=source_videos_partitions,
    deps=["source_videos", "frame_scores", "scenes"],
    group_name=CLIPS_GROUP,
    kinds={"ffmpeg", STORE_KIND},
    tags={WORK_TAG: "encode"},
    code_version=str(FORMAT_VERSION),
    retry_policy=RETRY_POLICY,
    metadata={"dagster/column_schema": CLIP_SCHEMA},
)
def clips(
    context: dg.AssetExecutionContext,
    config: ClipConfig,
    workspace: dg.ResourceParam[Workspace],
) -> Iterator[StageEvent]:
    """A file for each scene, holding exactly its frames.

    A clip is named by what decides it (source, span, encode settings), so a changed threshold
    reuses every clip whose span is unchanged and never takes an old one for a new one.
    """
    with stage_run(context, workspace, "clips") as run:
        chosen = run.chosen(config)
        settings = chosen.settings()
        work = claimed_work(run, lambda: clips_work(run, source_of(run), scenes_of(run), settings))
        summary = work.current.summary if work.current else {}
        if not work.done:
            source, scenes = source_of(run), scenes_of(run)
            work.plan(clip_units(run.video_id, source, scenes, settings))
            adopt_clips(work)
            track = cache(lambda: track_of(run))
            workers = os.cpu_count() or 1
            missed = make_clips(
                work, source, settings, track, verify=chosen.verify, workers=workers
            )
            work.require_complete()
            note_quality(work, track)
            mark_clips(work, source)
            frames = frame_totals(run, work.ordered_items)
            summary = {"contact_sheet": contact_sheet(work), "frames": frames, "left_out": missed}
        items = work.ordered_items
        yield work.finish(
            summary,
            metadata={
                "contact_sheet": shown_picture(run, summary["contact_sheet"], "clips"),
                "links": links(workspace.store, items),
                "clips": len(items),
                **({"left_out": summary["left_out"]} if summary.get("left_out") else {}),
                **{f"frames/{kind}": count for kind, count in summary["frames"].items()},
                **run.clips_per_minute(work.made_count),
                **frames_by_origin(items),
                **reviewed(items),
                "table": clip_table(items),
            },
        )
        yield from stage_checks(run)
