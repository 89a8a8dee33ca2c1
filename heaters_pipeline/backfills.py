"""Backfills: one that is launched over many videos at once, and who still waits for his run.

What Dagster knows of them is private; the UI launches them by GraphQL, which needs a webserver.
"""

import time
import uuid
from collections.abc import Sequence

import dagster as dg
from dagster._core.execution.backfill import (
    BulkActionsFilter,
    BulkActionStatus,
    PartitionBackfill,
)
from dagster._core.remote_origin import RemotePartitionSetOrigin, RemoteRepositoryOrigin

_DAEMON = "BACKFILL"


def launch_backfill(
    instance: dg.DagsterInstance,
    origin: RemoteRepositoryOrigin,
    job_name: str,
    video_ids: Sequence[str],
    *,
    title: str,
) -> str:
    """Ask for a run of a job for each of some videos; the daemon starts them, 25 at a time.

    Args:
        instance: Where it is recorded.
        origin: The code location, by the name that the daemon has for it.
        job_name: The job.
        video_ids: Partitions that exist.
        title: What people read in the UI.
    Returns:
        Its id.
    """
    backfill_id = uuid.uuid4().hex[:8]
    instance.add_backfill(
        PartitionBackfill(
            backfill_id=backfill_id,
            status=BulkActionStatus.REQUESTED,
            from_failure=False,
            tags={},
            backfill_timestamp=time.time(),
            title=title,
            partition_set_origin=RemotePartitionSetOrigin(
                repository_origin=origin, partition_set_name=f"{job_name}_partition_set"
            ),
            partition_names=list(video_ids),
        )
    )
    return backfill_id


def waiting_partitions(instance: dg.DagsterInstance, job_name: str) -> set[str]:
    """The videos for which a backfill of a job is still to start a run."""
    filters = BulkActionsFilter(statuses=[BulkActionStatus.REQUESTED])
    waiting: set[str] = set()
    for backfill in instance.get_backfills(filters):
        origin = backfill.partition_set_origin
        if origin is None or origin.partition_set_name != f"{job_name}_partition_set":
            continue
        names = list(backfill.partition_names or ())
        last = backfill.last_submitted_partition_name
        waiting.update(names[names.index(last) + 1 :] if last in names else names)
    return waiting


def starts_backfills(instance: dg.DagsterInstance) -> bool:
    """Whether a daemon is at work that starts the runs of backfills."""
    return instance.get_daemon_statuses([_DAEMON])[_DAEMON].healthy is True
