"""The one place where things are wired together."""

import dagster as dg

from heaters_pipeline.assets.catalog import catalog
from heaters_pipeline.assets.clips import clips
from heaters_pipeline.assets.frame_scores import frame_scores
from heaters_pipeline.assets.keyframes import keyframes
from heaters_pipeline.assets.method_comparison import method_comparison
from heaters_pipeline.assets.scenes import scenes
from heaters_pipeline.assets.source_videos import source_videos
from heaters_pipeline.assets.sprite_sheets import sprite_sheets
from heaters_pipeline.checks import all_checks, check_videos
from heaters_pipeline.jobs import (
    build_catalog,
    compare_methods,
    download_videos,
    process_videos,
    repair_videos,
)
from heaters_pipeline.resources import workspace_resource
from heaters_pipeline.sensors import changed_catalog, downloaded_videos, submitted_videos

defs = dg.Definitions(
    assets=[
        source_videos,
        frame_scores,
        scenes,
        method_comparison,
        clips,
        sprite_sheets,
        keyframes,
        catalog,
    ],
    asset_checks=all_checks,
    jobs=[
        download_videos,
        process_videos,
        compare_methods,
        check_videos,
        repair_videos,
        build_catalog,
    ],
    sensors=[submitted_videos, downloaded_videos, changed_catalog],
    resources={"workspace": workspace_resource},
    executor=dg.in_process_executor,
)
