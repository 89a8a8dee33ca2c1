"""Run the pipeline for a video in this process, recorded in the Dagster instance like any run."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any

import dagster as dg
from dagster import DagsterEvent, JobDefinition
from sqlalchemy.exc import IntegrityError

from heaters_pipeline import home
from heaters_pipeline.assets.stage import ProgressListener, progress_listener
from heaters_pipeline.cli.run_origin import execute_recorded
from heaters_pipeline.definitions import defs
from heaters_pipeline.latest_runs import run_error
from heaters_pipeline.living_runs import living_process
from heaters_pipeline.names import (
    CATALOG_ASSET,
    CATALOG_JOB,
    GIVEN_TAG,
    INTERRUPTED,
    PARTITION_TAG,
    PROCESS_JOB,
    SOURCE_VIDEOS,
    VIDEO_STAGES,
)
from heaters_pipeline.partitions import add_partitions
from heaters_pipeline.resources import given_workspace
from heaters_pipeline.workspace import Workspace

_EVENTS_PER_QUERY = 500
QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}


@dataclass(frozen=True, slots=True)
class LocalRun:
    """A run that ended.

    Attributes:
        video_id: The partition; empty for the catalog.
        success: Whether all of it went well, checks included.
        error: What a person should read, None after success.
        completed: The assets that were materialized.
        stages: What each asset that ran recorded, also when it failed: values by name.
    """

    video_id: str
    success: bool
    error: str | None
    completed: frozenset[str]
    stages: dict[str, dict[str, Any]]

    @property
    def made_nothing(self) -> bool:
        """Whether every stage found its results finished."""
        return self.success and all(facts.get("skipped") for facts in self.stages.values())


def process_video(
    instance: dg.DagsterInstance,
    video_id: str,
    config: Mapping[str, Mapping[str, Any]],
    listener: ProgressListener | None = None,
    workspace: Workspace | None = None,
) -> LocalRun:
    """Run the processing job for one video here and wait for it.

    Args:
        instance: Where the run is recorded.
        video_id: The partition; added if it is new.
        config: Config by asset.
        listener: Told of the progress.
        workspace: Fresh, with what was just seen of the video; the run opens one if it is None.
    """
    _add_partition(instance, video_id)
    listener_token = progress_listener.set(listener)
    workspace_token = given_workspace.set(workspace)
    try:
        return _run(instance, PROCESS_JOB, config, video_id, {GIVEN_TAG: "given"})
    finally:
        given_workspace.reset(workspace_token)
        progress_listener.reset(listener_token)


def build_catalog(instance: dg.DagsterInstance, *, all_videos: bool = False) -> LocalRun:
    """Run the catalog's job here and wait for it.

    Args:
        instance: Where the run is recorded.
        all_videos: Look at all records, not only at those that are noted as changed.
    """
    return _run(instance, CATALOG_JOB, {CATALOG_ASSET: {"all_videos": all_videos}}, "")


def in_catalog(instance: dg.DagsterInstance, video_ids: Collection[str]) -> bool:
    """Whether this instance recorded a catalog since anything of the videos was made."""
    latest = instance.fetch_materializations(dg.AssetKey(CATALOG_ASSET), limit=1).records
    if not latest:
        return False
    return not any(
        _made_since(instance, stage, video_id, latest[0].storage_id)
        for video_id in video_ids
        for stage in VIDEO_STAGES
    )


def resolve_job(job_name: str) -> JobDefinition:
    """One of the pipeline's jobs; Dagster calls this by name."""
    return defs.resolve_job_def(job_name)


def _add_partition(instance: dg.DagsterInstance, video_id: str) -> None:
    try:
        add_partitions(instance, [video_id])
    except IntegrityError:
        # On SQLite Dagster looks first and inserts then; another process may come between.
        if not instance.has_dynamic_partition(SOURCE_VIDEOS, video_id):
            raise


def _run(
    instance: dg.DagsterInstance,
    job_name: str,
    config: Mapping[str, Mapping[str, Any]],
    video_id: str,
    tags: Mapping[str, str] | None = None,
) -> LocalRun:
    ops = {asset: {"config": dict(values)} for asset, values in config.items() if values}
    of_video = {PARTITION_TAG: video_id, **(tags or {})} if video_id else {}
    with living_process(home.cache_folder()) as alive:
        result = execute_recorded(
            dg.build_reconstructable_job(__name__, resolve_job.__name__, (job_name,)),
            instance,
            run_config={**QUIET, "ops": ops},
            tags={**alive, **of_video},
        )
    events = list(result.all_events)
    failed_checks = _failed_checks(events)
    error = run_error(instance, result.run_id) if not result.success else failed_checks
    if error == INTERRUPTED:
        # Dagster took the signal, which was meant for the whole command.
        raise KeyboardInterrupt
    return LocalRun(
        video_id=video_id,
        success=result.success and failed_checks is None,
        error=error,
        completed=frozenset(
            event.step_materialization_data.materialization.asset_key.to_user_string()
            for event in events
            if event.is_step_materialization
        ),
        stages=_stages(events),
    )


def _made_since(instance: dg.DagsterInstance, stage: str, video_id: str, storage_id: int) -> bool:
    wanted = dg.AssetRecordsFilter(
        dg.AssetKey(stage), asset_partitions=[video_id], after_storage_id=storage_id
    )
    cursor, more = None, True
    while more:
        found = instance.fetch_materializations(wanted, limit=_EVENTS_PER_QUERY, cursor=cursor)
        for record in found.records:
            event = record.asset_materialization
            if event is not None and not _plain(event.metadata).get("skipped"):
                return True
        cursor, more = found.cursor, found.has_more
    return False


def _failed_checks(events: list[DagsterEvent]) -> str | None:
    failed = [
        f"{check.check_name}: {check.description or 'failed'}"
        for check in (
            event.asset_check_evaluation_data
            for event in events
            if event.event_type_value == "ASSET_CHECK_EVALUATION"
        )
        if not check.passed
    ]
    return "; ".join(failed) or None


def _stages(events: list[DagsterEvent]) -> dict[str, dict[str, Any]]:
    stages: dict[str, dict[str, Any]] = {}
    for event in events:
        if event.is_step_materialization:
            materialization = event.step_materialization_data.materialization
            stages[materialization.asset_key.to_user_string()] = _plain(materialization.metadata)
        elif event.is_step_failure and event.step_failure_data.user_failure_data:
            stages[event.step_key or ""] = _plain(
                event.step_failure_data.user_failure_data.metadata
            )
    return stages


def _plain(metadata: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value.value for name, value in metadata.items() if hasattr(value, "value")}
