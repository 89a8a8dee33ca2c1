"""Whether a new catalog is due: by what the stored one was made of, one run at a time."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterRunStatus, RunRecord

from heaters_pipeline.attempts import UNDER_WAY
from heaters_pipeline.names import CATALOG_ASSET, CATALOG_JOB
from heaters_pipeline.report.catalog import catalog_fingerprint, record_versions
from heaters_pipeline.report.catalog_record import stored_catalog
from heaters_pipeline.storage.object_store import ObjectStore

_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)
_RUNS_LOOKED_AT = 10


def why_no_catalog(store: ObjectStore, instance: dg.DagsterInstance, now: datetime) -> str | None:
    """Why no catalog is to be made now; None if one is due.

    Args:
        store: What decides.
        instance: Knows whether a run is under way, and which failed.
        now: In UTC.
    """
    versions = record_versions(store)
    if not versions:
        return "there are no videos yet"
    stored = stored_catalog(store)
    is_current = stored is not None and stored.fingerprint == catalog_fingerprint(versions)
    if is_current and instance.get_latest_materialization_event(dg.AssetKey(CATALOG_ASSET)):
        return "nothing changed since the last catalog"
    wanted = dg.RunsFilter(job_name=CATALOG_JOB)
    runs = instance.get_run_records(wanted, limit=_RUNS_LOOKED_AT)
    if any(record.dagster_run.status in UNDER_WAY for record in runs):
        return "a run makes the catalog already"
    begins = next_try(runs)
    if begins > now:
        return f"the last run failed; the next begins at {begins:%H:%M:%S} UTC"
    return None


def next_try(runs: Sequence[RunRecord]) -> datetime:
    """When a catalog may be tried again: after each failure in a row, twice as late.

    Args:
        runs: The latest runs of its job, newest first.
    """
    failures = 0
    for record in runs:
        if record.dagster_run.status is DagsterRunStatus.SUCCESS:
            break
        failures += 1
    if not failures:
        return datetime.min.replace(tzinfo=UTC)
    ended = runs[0].end_time or runs[0].create_timestamp.timestamp()
    pause = min(_FIRST_PAUSE * (1 << (failures - 1)), _LONGEST_PAUSE)
    return datetime.fromtimestamp(ended, UTC) + pause
