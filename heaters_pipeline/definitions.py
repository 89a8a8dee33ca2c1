"""The one place where things are wired together."""

import dagster as dg

from heaters_pipeline.assets.catalog import catalog
from heaters_pipeline.assets.clips import clips
from heaters_pipeline.assets.frame_scores import frame_scores
from heaters_pipeline.assets.keyframes import keyframes
from heaters_pipeline.assets.method_comparison import method_comparison
from heaters_pipeline.assets.policy import OWNERS
from heaters_pipeline.assets.review_index import review_index
from heaters_pipeline.assets.review_pages import review_pages
from heaters_pipeline.assets.scenes import scenes
from heaters_pipeline.assets.source_videos import source_videos
from heaters_pipeline.assets.sprite_sheets import sprite_sheets
from heaters_pipeline.assets.storyboards import storyboards
from heaters_pipeline.check_job import check_videos, check_videos_weekly
from heaters_pipeline.checks import all_checks
from heaters_pipeline.code_references import with_code_references
from heaters_pipeline.corrections_sensor import apply_corrections
from heaters_pipeline.dataset_job import export_dataset
from heaters_pipeline.export_job import export_videos
from heaters_pipeline.heap import use_one_heap
from heaters_pipeline.jobs import (
    build_catalog,
    compare_methods,
    confirm_catalog_daily,
    download_videos,
    list_review_pages,
    make_review_pages,
    process_videos,
    repair_job,
)
from heaters_pipeline.launchpad import settings_to_show, show_as_defaults
from heaters_pipeline.names import PROCESS_JOB
from heaters_pipeline.resources import WorkspaceResource
from heaters_pipeline.review_schedule import renew_review_pages
from heaters_pipeline.sensors import (
    bring_in_submissions,
    make_pages_when_finished,
    report_dead_runs,
    update_catalog,
)
from heaters_pipeline.settings_sensor import apply_changed_settings, settings_are_sound
from heaters_pipeline.uploads_sensor import process_uploads

# Before any run starts threads: whoever processes videos has imported this.
use_one_heap()

_assets = [
    source_videos,
    frame_scores,
    scenes,
    method_comparison,
    clips,
    sprite_sheets,
    keyframes,
    storyboards,
    review_pages,
    review_index,
    catalog,
]


def _process_job() -> dg.JobDefinition:
    return defs.resolve_job_def(PROCESS_JOB)


defs = dg.Definitions(
    assets=dg.map_asset_specs(
        lambda spec: spec.replace_attributes(owners=OWNERS), with_code_references(_assets)
    ),
    asset_checks=[*all_checks, settings_are_sound],
    jobs=[
        download_videos,
        process_videos,
        compare_methods,
        check_videos,
        repair_job(_process_job),
        make_review_pages,
        list_review_pages,
        build_catalog,
        export_videos,
        export_dataset,
    ],
    schedules=[confirm_catalog_daily, check_videos_weekly, renew_review_pages],
    sensors=[
        bring_in_submissions,
        process_uploads,
        update_catalog,
        apply_changed_settings,
        apply_corrections,
        make_pages_when_finished,
        report_dead_runs,
    ],
    resources={"workspace": WorkspaceResource()},
    executor=dg.in_process_executor,
)


@dg.definitions
def location() -> dg.Definitions:
    """What Dagster loads as the code location: the launchpad then shows the store's settings.

    Importing the module asks no store; this does, each time the location is loaded.
    """
    show_as_defaults(_assets, settings_to_show())
    return defs
