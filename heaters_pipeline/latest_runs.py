"""The latest run of each video: whether it is under way, failed, and what it says then."""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import dagster as dg
from dagster import DagsterEventType, DagsterRunStatus, RunRecord

from heaters_pipeline.errors import printable
from heaters_pipeline.names import (
    COMPARE_JOB,
    COMPARISON_ASSET,
    DISMISSED_TAG,
    EXPORT_JOB,
    INTERRUPTED,
    PARTITION_TAG,
    REPAIR_JOB,
    REVIEW_ASSET,
    REVIEW_JOB,
    STEP_RETRIES_TAG,
)

RUNS_PER_QUERY = 2000
VIDEOS_PER_QUERY = 500
_MOST_TRIES = 100  # whose number can be asked for; far more than any policy allows
_RETRIES = ("dagster/retry_number", STEP_RETRIES_TAG)
_ASIDE = (COMPARE_JOB, REPAIR_JOB, REVIEW_JOB, EXPORT_JOB)
_INTERRUPT = dg.DagsterExecutionInterruptedError.__name__
_RUNNING = {
    DagsterRunStatus.QUEUED,
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
}
_FAILED = {DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED}
_WHAT_WENT_WRONG = {
    DagsterEventType.STEP_FAILURE,
    DagsterEventType.RUN_FAILURE,
    DagsterEventType.ENGINE_EVENT,
}
_FROM_OUTSIDE = "This run has been marked as failed from outside the execution context."
"""Of a process that died while its code server lived, which noted before what it saw."""


@dataclass(frozen=True, slots=True)
class LatestRun:
    """What is known of a run without reading its events; of many, it is small.

    Attributes:
        run_id: Its id.
        job_name: Its job.
        is_under_way: It waits, or is at work.
        is_failed: It failed, or was canceled.
        is_canceled: Somebody ended it.
        is_dismissed: Nobody wants to be told of its failure.
        retries: How often steps of it, and the run itself, were tried again.
        changed: When it ended, else began, else was asked for, in UTC.
    """

    run_id: str
    job_name: str
    is_under_way: bool
    is_failed: bool
    is_canceled: bool
    is_dismissed: bool
    retries: int
    changed: datetime

    @classmethod
    def of(cls, record: RunRecord) -> "LatestRun":
        """That of a record."""
        run = record.dagster_run
        seconds = record.end_time or record.start_time or record.create_timestamp.timestamp()
        return cls(
            run_id=run.run_id,
            job_name=run.job_name,
            is_under_way=run.status in _RUNNING,
            is_failed=run.status in _FAILED,
            is_canceled=run.status is DagsterRunStatus.CANCELED,
            is_dismissed=run.status in _FAILED and DISMISSED_TAG in run.tags,
            retries=sum(int(run.tags.get(tag, 0)) for tag in _RETRIES),
            changed=datetime.fromtimestamp(seconds, UTC),
        )


def latest_runs(instance: dg.DagsterInstance, wanted: Collection[str] = ()) -> dict[str, LatestRun]:
    """The newest run of each wanted video; or of each of which some run tells more than the store.

    Of many videos nearly all runs succeeded at once, and what those made lies in the store. Reading
    a hundred thousand of them takes Dagster a minute, so that only those of videos are read of
    which a run is under way, failed, or was tried again.

    Runs that only tell something about a video are passed over.
    """
    if wanted:
        return _newest(instance, list(wanted))
    tries = [str(number) for number in range(1, _MOST_TRIES + 1)]
    untold = dg.RunsFilter(statuses=[*_RUNNING, *_FAILED])
    retried = (dg.RunsFilter(tags={tag: tries}) for tag in _RETRIES)
    videos = {
        video_id
        for filters in (untold, *retried)
        for run in _runs(instance, filters)
        if (video_id := run.dagster_run.tags.get(PARTITION_TAG))
    }
    return _newest(instance, sorted(videos))


def _newest(instance: dg.DagsterInstance, videos: Sequence[str]) -> dict[str, LatestRun]:
    latest: dict[str, LatestRun] = {}
    for first in range(0, len(videos), VIDEOS_PER_QUERY):
        some = list(videos[first : first + VIDEOS_PER_QUERY])
        for record in _runs(instance, dg.RunsFilter(tags={PARTITION_TAG: some})):
            video_id = record.dagster_run.tags[PARTITION_TAG]
            if video_id not in latest and not _only_tells(record.dagster_run):
                latest[video_id] = LatestRun.of(record)
    return latest


def _runs(instance: dg.DagsterInstance, filters: dg.RunsFilter) -> Iterator[RunRecord]:
    """Those that pass, newest first, by one query for many."""
    cursor: str | None = None
    while True:
        records = instance.get_run_records(filters, cursor=cursor, limit=RUNS_PER_QUERY)
        yield from records
        if len(records) < RUNS_PER_QUERY:
            return
        cursor = records[-1].dagster_run.run_id


def _only_tells(run: dg.DagsterRun) -> bool:
    """Whether a run tells something about a video but leaves its state alone.

    What a repair makes is made by another run.
    """
    asides = {dg.AssetKey(COMPARISON_ASSET), dg.AssetKey(REVIEW_ASSET)}
    chosen = run.asset_selection
    return run.job_name in _ASIDE or bool(chosen and chosen <= asides)


def run_error(instance: dg.DagsterInstance, run_id: str) -> str | None:
    """The message of the step that made a run fail, or of the run itself; printable."""
    message = _recorded_error(instance, run_id)
    return "\n".join(map(printable, message.splitlines())) if message else None


def _recorded_error(instance: dg.DagsterInstance, run_id: str) -> str | None:
    records = instance.all_logs(run_id, of_type=_WHAT_WENT_WRONG)
    message, noted = None, None
    for record in records:
        event = record.dagster_event
        if event is None:
            continue
        if event.is_step_failure:
            user_data = event.step_failure_data.user_failure_data
            if user_data and user_data.description:
                return user_data.description
            error = event.step_failure_data.error
            if error and error.cls_name == _INTERRUPT:
                return INTERRUPTED
            message = (error.cause or error).message.strip() if error else event.message
        elif event.is_engine_event:
            noted = event.message
        elif message is None:
            # Nothing goes with what was reported in place of a process that died.
            error = event.job_failure_data.error if event.event_specific_data else None
            message = INTERRUPTED if error and error.cls_name == _INTERRUPT else event.message
            if message == _FROM_OUTSIDE:
                message = noted or message
    return message
