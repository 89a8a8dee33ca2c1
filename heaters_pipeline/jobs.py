"""The jobs: download a video, process a video, compare methods on it, build the catalog.

Each run is one process that works through the steps of one video in order; many videos are many
runs. Work inside a step uses threads.
"""

import dagster as dg

DOWNLOAD_JOB = "download_videos"
PROCESS_JOB = "process_videos"
COMPARE_JOB = "compare_methods"
CATALOG_JOB = "build_catalog"

COMPARISON_ASSET = "method_comparison"
"""It says something about a video, and changes nothing of its state."""

download_videos = dg.define_asset_job(
    DOWNLOAD_JOB,
    selection=dg.AssetSelection.assets("source_videos"),
    description="Brings a submitted video into the store and registers it.",
    executor_def=dg.in_process_executor,
)

process_videos = dg.define_asset_job(
    PROCESS_JOB,
    selection=dg.AssetSelection.assets(
        "source_videos", "frame_scores", "scenes", "clips", "sprite_sheets", "keyframes"
    ),
    description="Runs the whole pipeline for a video; what exists is reused.",
    executor_def=dg.in_process_executor,
)

compare_methods = dg.define_asset_job(
    COMPARE_JOB,
    selection=dg.AssetSelection.assets(COMPARISON_ASSET),
    description="Compares methods and thresholds on a processed video, from its stored track.",
    executor_def=dg.in_process_executor,
)

build_catalog = dg.define_asset_job(
    CATALOG_JOB,
    selection=dg.AssetSelection.assets("catalog"),
    description="Writes the tables of all videos and clips.",
    executor_def=dg.in_process_executor,
)
