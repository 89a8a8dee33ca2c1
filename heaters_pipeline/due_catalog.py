"""Whether a new catalog is due: by what was noted since the stored one, one run at a time."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta

import dagster as dg
from dagster import DagsterRunStatus, RunRecord

from heaters_pipeline.attempts import UNDER_WAY
from heaters_pipeline.names import CATALOG_ASSET, CATALOG_JOB
from heaters_pipeline.report.catalog import catalog_fingerprint, few_record_versions
from heaters_pipeline.report.catalog_record import Sighting, look_at_catalog
from heaters_pipeline.storage.object_store import ObjectStore

_FIRST_PAUSE = timedelta(minutes=1)
_LONGEST_PAUSE = timedelta(hours=1)
_RUNS_LOOKED_AT = 10
_CLIPS_PER_CPU_SECOND = 350_000
_LITTLE_CPU_SECONDS = 0.3
_LITTLE_SHARE = 0.1


def why_no_catalog(
    store: ObjectStore,
    instance: dg.DagsterInstance,
    now: datetime,
    pause: timedelta = timedelta(),
) -> str | None:
    """Why no catalog is to be made now; None if one is due.

    Asks for the record of the stored catalog and what lies under ``catalog/``; of a small store
    also for what is recorded and the sources, by a page each.

    Args:
        store: What decides.
        instance: Knows whether a run is under way, and which failed.
        now: In UTC.
        pause: From the last catalog to the next, while videos change.
    """
    seen = look_at_catalog(store)
    versions = None if seen.changes else few_record_versions(store, seen.catalog)
    if versions == {}:
        return "there are no videos yet"
    known = instance.get_latest_materialization_event(dg.AssetKey(CATALOG_ASSET))
    if known and _is_current(seen, versions):
        return "nothing changed since the last catalog"
    wanted = dg.RunsFilter(job_name=CATALOG_JOB)
    runs = instance.get_run_records(wanted, limit=_RUNS_LOOKED_AT)
    if any(record.dagster_run.status in UNDER_WAY for record in runs):
        return "a run makes the catalog already"
    begins = next_try(runs)
    if begins > now:
        return f"the last run failed; the next begins at {begins:%H:%M:%S} UTC"
    if seen.made is not None and known:
        begins = max(seen.made, *map(_ended, runs[:1])) + pause
        if begins > now:
            return f"the catalog is new; the next begins at {begins:%H:%M:%S} UTC"
    return None


def _is_current(seen: Sighting, versions: Mapping[str, str] | None) -> bool:
    """Whether nothing changed: nothing is noted, and, where they are listed, no version is new."""
    if seen.catalog is None or seen.changes:
        return False
    return versions is None or seen.catalog.fingerprint == catalog_fingerprint(versions)


def costs_little(clips: int, cpu_seconds: float) -> bool:
    """Whether a catalog takes so little that who finished videos makes it at once.

    Args:
        clips: Of the stored one. All are written anew, however few videos changed.
        cpu_seconds: What the videos took.
    """
    return clips / _CLIPS_PER_CPU_SECOND <= max(_LITTLE_CPU_SECONDS, _LITTLE_SHARE * cpu_seconds)


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
    return _ended(runs[0]) + min(_FIRST_PAUSE * (1 << (failures - 1)), _LONGEST_PAUSE)


def _ended(run: RunRecord) -> datetime:
    return datetime.fromtimestamp(run.end_time or run.create_timestamp.timestamp(), UTC)
