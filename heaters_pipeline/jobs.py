"""The jobs: download, process or repair a video, compare methods on it, build the catalog.

Each run is one process that works through the steps of one video in order; many videos are many
runs. Work inside a step uses threads.
"""

from collections.abc import Callable
from typing import Any

import dagster as dg

from heaters_pipeline.assets.repairing import Config, RunOutcome, repair_video
from heaters_pipeline.assets.stage import lasting_errors_fail
from heaters_pipeline.config import VerifyConfig
from heaters_pipeline.names import (
    CATALOG_ASSET,
    CATALOG_JOB,
    COMPARE_JOB,
    COMPARISON_ASSET,
    DOWNLOAD_JOB,
    PARTITION_TAG,
    PROCESS_JOB,
    REPAIR_JOB,
    REPAIR_TAG,
    REVIEW_ASSET,
    REVIEW_INDEX_ASSET,
    REVIEW_INDEX_JOB,
    REVIEW_JOB,
    SOURCE_ASSET,
    VIDEO_STAGES,
)
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.resources import given_workspace
from heaters_pipeline.storage.records.verification import Verifier, VideoReport
from heaters_pipeline.workspace import Workspace

ProcessJob = Callable[[], dg.JobDefinition]
"""Gives ``process_videos`` as it runs, with its assets, checks and resources."""

_FAULTS_SHOWN = 10

download_videos = dg.define_asset_job(
    DOWNLOAD_JOB,
    selection=dg.AssetSelection.assets(SOURCE_ASSET),
    description="Brings a submitted video into the store and registers it.",
    executor_def=dg.in_process_executor,
)

process_videos = dg.define_asset_job(
    PROCESS_JOB,
    # Each stage evaluates its checks itself.
    selection=dg.AssetSelection.assets(*VIDEO_STAGES).without_checks(),
    description="Runs the whole pipeline for a video; what exists is reused.",
    executor_def=dg.in_process_executor,
)

compare_methods = dg.define_asset_job(
    COMPARE_JOB,
    selection=dg.AssetSelection.assets(COMPARISON_ASSET),
    description="Compares methods and thresholds on a processed video, from its stored track. With "
    "`full_scan`, as the launchpad has it, a video is decoded once more where methods need that.",
    # Who launches the job has chosen to; who materializes all assets has not.
    config={"ops": {COMPARISON_ASSET: {"config": {"full_scan": True}}}},
    executor_def=dg.in_process_executor,
)

make_review_pages = dg.define_asset_job(
    REVIEW_JOB,
    selection=dg.AssetSelection.assets(REVIEW_ASSET),
    description="Makes the page on which a person reviews the clips of a processed video.",
    executor_def=dg.in_process_executor,
)

list_review_pages = dg.define_asset_job(
    REVIEW_INDEX_JOB,
    selection=dg.AssetSelection.assets(REVIEW_INDEX_ASSET),
    description="Writes the page that lists all videos, with what waits for review.",
    executor_def=dg.in_process_executor,
)

build_catalog = dg.define_asset_job(
    CATALOG_JOB,
    selection=dg.AssetSelection.assets(CATALOG_ASSET),
    description="Writes the tables of all videos and clips.",
    executor_def=dg.in_process_executor,
)

CHANGED_VIDEOS = {"ops": {CATALOG_ASSET: {"config": {"all_videos": False}}}}
"""The config of a catalog that looks only at the videos that are noted as changed."""

confirm_catalog_daily = dg.ScheduleDefinition(
    name="confirm_catalog_daily",
    job=build_catalog,
    cron_schedule="0 3 * * *",
    default_status=dg.DefaultScheduleStatus.RUNNING,
    description="Looks at all records once a day, also at what others changed by hand, and whether "
    "the catalog is still true.",
)


def repair_job(process_job: ProcessJob) -> dg.JobDefinition:
    """The job that does what ``heaters verify --repair`` does, for the video of its partition.

    What is lost is made by a run of ``process_videos``, so that it is recorded as all else is.

    Args:
        process_job: Asked when a repair is under way; the definitions above this module have it.
    """

    @dg.op(description="Verifies a video, and makes again what is missing or damaged of it.")
    def repair(
        context: dg.OpExecutionContext, config: VerifyConfig, workspace: dg.ResourceParam[Workspace]
    ) -> None:
        _repair(context, workspace, process_job, deep=config.deep)

    @dg.job(
        name=REPAIR_JOB,
        partitions_def=source_videos_partitions,
        description="Verifies a video; what is missing or damaged of it is made again with the "
        "settings that it was made with, nothing else.",
        executor_def=dg.in_process_executor,
    )
    def repair_videos() -> None:
        repair()

    return repair_videos


def _repair(
    context: dg.OpExecutionContext, workspace: Workspace, process_job: ProcessJob, *, deep: bool
) -> None:
    """Repair the video of the run's partition.

    Raises:
        dagster.Failure: Faults are left, or the records cannot be read.
    """
    video_id = context.partition_key
    with lasting_errors_fail():
        (report,) = Verifier(workspace.store, deep=deep).videos([video_id])
    facts: dict[str, Any] = {"faults": len(report.findings), "finished": report.finished}
    nothing = None if report.recorded else f"nothing is recorded; run {PROCESS_JOB} for it"
    error, left = report.error or nothing, report
    for finding in report.findings:
        context.log.warning(finding.why)
    if report.findings:
        with lasting_errors_fail():
            done = repair_video(
                workspace,
                video_id,
                lambda settings, claimed: _process_again(context, process_job, claimed, settings),
                deep=deep,
            )
        error, left = done.error, done.after
        if done.outcome is not None:
            facts |= {f"made/{stage}": count for stage, count in done.outcome.made.items()}
            facts |= {f"reused/{stage}": count for stage, count in done.outcome.reused.items()}
    facts["faults_left"] = len(left.findings)
    if error or left.findings:
        raise dg.Failure(_what_is_left(video_id, error, left), facts, allow_retries=False)
    context.add_output_metadata(facts)


def _process_again(
    context: dg.OpExecutionContext,
    process_job: ProcessJob,
    workspace: Workspace,
    settings: Config,
) -> RunOutcome:
    token = given_workspace.set(workspace)
    try:
        result = process_job().execute_in_process(
            run_config={"ops": {asset: {"config": values} for asset, values in settings.items()}},
            instance=context.instance,
            tags={PARTITION_TAG: context.partition_key, REPAIR_TAG: context.run.run_id},
            raise_on_error=False,
        )
    finally:
        given_workspace.reset(token)
    counts: dict[str, dict[str, int]] = {"made": {}, "reused": {}}
    for event in result.get_asset_materialization_events():
        asset = event.materialization.asset_key.to_user_string()
        for name, by_asset in counts.items():
            by_asset[asset] = int(str(event.materialization.metadata[name].value))
    failed = None if result.success else f"its run {result.run_id} of {PROCESS_JOB} failed"
    return RunOutcome(failed, counts["made"], counts["reused"])


def _what_is_left(video_id: str, error: str | None, left: VideoReport) -> str:
    faults = [finding.why for finding in left.findings[:_FAULTS_SHOWN]]
    return f"{video_id} is not repaired: {'; '.join(filter(None, [error, *faults]))}"
