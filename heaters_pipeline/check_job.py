"""The job ``check_videos``: all checks of a video on what the store holds now, and its schedule."""

import zlib
from collections.abc import Iterator

import dagster as dg

from heaters_pipeline.assets.stage import lasting_errors_fail
from heaters_pipeline.assets.stage_checks import (
    OBJECT_CHECKS,
    SOURCE_CHECK,
    VIDEO_CHECKS,
    newest_of,
    repair_advice,
)
from heaters_pipeline.assets.verdicts import Verdict, source_verdict
from heaters_pipeline.config import VerifyConfig
from heaters_pipeline.errors import HeatersError
from heaters_pipeline.names import (
    CHECK_JOB,
    SOURCE_ASSET,
    SOURCE_VIDEOS,
)
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.storage.records.verification import (
    OBJECT_STAGES,
    StageReport,
    Verifier,
)
from heaters_pipeline.workspace import Workspace

HOURS_PER_WEEK = 168


@dg.op(description="Evaluates the checks of a video on what the store holds now.", out={})
def check(
    context: dg.OpExecutionContext, config: VerifyConfig, workspace: dg.ResourceParam[Workspace]
) -> Iterator[dg.AssetCheckEvaluation]:
    """Evaluate all checks of the video of the run's partition.

    Raises:
        dagster.Failure: A check is red or cannot be evaluated, or a record or a picture is at
            fault, which no check stands for. All others are evaluated first.
    """
    video_id = context.partition_key
    with lasting_errors_fail():
        (report,) = Verifier(workspace.store, deep=config.deep).videos([video_id])
    verified = {stage.stage: stage for stage in report.stages}
    refused = [report.error] if report.error else []
    red: list[str] = []
    for each in VIDEO_CHECKS:
        try:
            if each is SOURCE_CHECK and each.asset in verified:
                verdict = source_verdict(video_id, verified[each.asset].findings)
            elif each in OBJECT_CHECKS and each.asset in verified:
                verdict = _as_verified(verified[each.asset], deep=config.deep)
            else:
                verdict = each.verdict(workspace, video_id)
        except HeatersError as error:
            refused.append(str(error))
            continue
        result = each.result(video_id, verdict)
        if not result.passed:
            red.append(f"{each.name}: {result.description}")
        target = newest_of(context.instance, each.asset, video_id)
        yield each.evaluation(video_id, result, target)
    refused += red
    stands_for = (SOURCE_ASSET, *OBJECT_STAGES)
    others = [finding for finding in report.findings if finding.stage not in stands_for]
    refused += [finding.why for finding in others]
    # Where the manifest is lost there is nothing to repair by, and what was found says what to do.
    if report.findings and not any(each.stage == "manifests" for each in others):
        refused.append(
            "run " + repair_advice(video_id, deep=any(each.hidden for each in report.findings))
        )
    if refused:
        raise dg.Failure("; ".join(dict.fromkeys(refused)), allow_retries=False)


def _as_verified(found: StageReport, *, deep: bool) -> Verdict:
    """The verdict on objects of a stage that were just looked at, and are not listed again."""
    facts = {"without_digest": found.without_digest} if deep else {}
    return Verdict(
        [finding.why for finding in found.findings],
        {"objects": found.valid + len(found.findings), **facts},
        deep=any(finding.hidden for finding in found.findings),
    )


@dg.job(
    name=CHECK_JOB,
    partitions_def=source_videos_partitions,
    description="Evaluates the checks of a video again, on what the store holds now. Dagster runs "
    "checks of single videos by themselves only as a job.",
    executor_def=dg.in_process_executor,
)
def check_videos() -> None:
    """The op alone."""
    check()


@dg.schedule(
    job=check_videos,
    cron_schedule="30 * * * *",
    description="Checks every video once a week, spread over its hours. Switch it on if you want "
    "to hear of objects that somebody deleted or damaged.",
)
def check_videos_weekly(context: dg.ScheduleEvaluationContext) -> list[dg.RunRequest]:
    """The videos whose hour of the week it is."""
    at = context.scheduled_execution_time
    hour = at.weekday() * 24 + at.hour
    return [
        dg.RunRequest(partition_key=video_id)
        for video_id in context.instance.get_dynamic_partitions(SOURCE_VIDEOS)
        if zlib.crc32(video_id.encode()) % HOURS_PER_WEEK == hour
    ]
