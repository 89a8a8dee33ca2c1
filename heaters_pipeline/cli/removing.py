"""``heaters remove`` and ``heaters dismiss``: a video, or a failure, that nobody wants any more."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from dagster import DagsterRunStatus

from heaters_pipeline.cli.forgetting import forget_video
from heaters_pipeline.cli.local_runs import build_catalog
from heaters_pipeline.cli.settings_work import forget_rules
from heaters_pipeline.cli.terminal import megabytes
from heaters_pipeline.datasets.in_store import datasets_that_may_hold
from heaters_pipeline.errors import HeatersError, InvalidVideoError, SettingsError
from heaters_pipeline.intake.rejections import dismiss_rejections, write_rejection
from heaters_pipeline.intake.sidecars import shared_with, sidecar_ending
from heaters_pipeline.names import DISMISSED_TAG, PARTITION_TAG, SOURCE_ASSET, SOURCE_VIDEOS
from heaters_pipeline.status import REMOVED, video_statuses
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.records.catalog_keys import CatalogKeys
from heaters_pipeline.storage.records.removing import VideoRemoval
from heaters_pipeline.storage.records.video_keys import keys_of_video, source_objects
from heaters_pipeline.workspace import Workspace

DECISION_PREFIXES = (keys.CORRECTION_PREFIX, keys.CUTS_PREFIX)
_FAILED = [DagsterRunStatus.FAILURE, DagsterRunStatus.CANCELED]
_AT_WORK = [DagsterRunStatus.STARTING, DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]


@dataclass(frozen=True, slots=True)
class Removable:
    """What there is of a video.

    Attributes:
        video_id: The partition.
        objects: How many objects of the store are of it.
        size_bytes: Of all of them.
        runs: How many runs Dagster has recorded of it.
        decisions: Whether people decided anything of it.
    """

    video_id: str
    objects: int
    size_bytes: int
    runs: int
    decisions: bool

    def line(self, *, keep_source: bool) -> str:
        """For the person who is asked."""
        size = megabytes(self.size_bytes)
        line = f"{self.video_id}: objects: {self.objects}, {size}; runs in Dagster: {self.runs}"
        if not self.decisions:
            return line
        return f"{line}; what people decided of it {'stays' if keep_source else 'goes, too'}"


def find_removable(
    workspace: Workspace, instance: dg.DagsterInstance, wanted: Iterable[Sequence[str]]
) -> list[Removable]:
    """What there is of some videos.

    Args:
        workspace: Of their store.
        instance: Where their runs are recorded.
        wanted: For each video the ids that it may have, likeliest first.
    Raises:
        SettingsError: There is nothing of one of them.
    """
    catalog = CatalogKeys(workspace.store)
    catalog.refresh()
    found: dict[str, Removable] = {}
    for candidates in wanted:
        known = (_removable(workspace, instance, catalog, video_id) for video_id in candidates)
        first = next((one for one in known if one is not None), None)
        if first is None:
            raise SettingsError(f"there is no video {candidates[0]}; heaters status lists all")
        found[first.video_id] = first
    return list(found.values())


def _removable(
    workspace: Workspace, instance: dg.DagsterInstance, catalog: CatalogKeys, video_id: str
) -> Removable | None:
    objects = list(keys_of_video(workspace.store, video_id))
    runs = instance.get_runs_count(_runs_of(video_id))
    recorded = instance.has_dynamic_partition(SOURCE_VIDEOS, video_id) or catalog.has(video_id)
    if not (objects or runs or recorded):
        return None
    size_bytes = sum(found.size_bytes for found in objects)
    decisions = any(found.key.startswith(DECISION_PREFIXES) for found in objects)
    return Removable(video_id, len(objects), size_bytes, runs, decisions)


def remove_videos(
    workspace: Workspace,
    instance: dg.DagsterInstance,
    video_ids: Sequence[str],
    *,
    keep_source: bool,
    on_video: Callable[[Mapping[str, Any]], None],
) -> list[dict[str, Any]]:
    """Remove videos from the store, the catalog, this machine's cache and Dagster.

    Args:
        workspace: Of their store.
        instance: Where their runs are recorded.
        video_ids: Which.
        keep_source: Leave the source videos; no sensor processes them again.
        on_video: Given the document of each video when it is done.
    Returns:
        A document for each video, with its ``error`` or None.
    """
    errors: dict[str, str] = {}
    removals: list[VideoRemoval] = []
    try:
        for video_id in video_ids:
            try:
                removals.append(_begin(workspace, instance, video_id, keep_source=keep_source))
            except HeatersError as error:
                errors[video_id] = str(error)
        if removals and (catalog := build_catalog(instance)).error:
            raise HeatersError(
                f"the catalog failed, and names what is removed: {catalog.error}; mend that, and "
                "remove the videos again"
            )
        for removal in removals:
            removal.remove_objects(_kept(workspace, removal.video_id))
    finally:
        for removal in removals:
            removal.close()
    documents = []
    for video_id in video_ids:
        held: list[str] = []
        if video_id not in errors:
            forget_video(instance, video_id)
            held = datasets_that_may_hold(workspace.store, video_id)
        documents.append({"video_id": video_id, "error": errors.get(video_id), "in_datasets": held})
        on_video(documents[-1])
    return documents


def _begin(
    workspace: Workspace, instance: dg.DagsterInstance, video_id: str, *, keep_source: bool
) -> VideoRemoval:
    """Have a video alone, and remove its source and what is recorded of it.

    Raises:
        HeatersError: A run is at work on it; nothing is removed.
    """
    removal = VideoRemoval(workspace.store, workspace.claims, workspace.cache, video_id)
    try:
        at_work = instance.get_runs(_runs_of(video_id, _AT_WORK), limit=1)
        if at_work:
            raise HeatersError(
                f"run {at_work[0].run_id[:8]} of it has not ended: terminate it in heaters ui, or "
                "wait for it, and remove the video again"
            )
        if keep_source:
            _set_aside(workspace, video_id)
        else:
            source_keys = _source_keys(workspace, video_id)
            forget_rules(workspace, video_id, source_keys)
            for key in source_keys:
                removal.remove_source(key, _own_sidecars(workspace, key))
            removal.remove_decisions()
        removal.remove_records()
    except BaseException:
        removal.close()
        raise
    return removal


def _set_aside(workspace: Workspace, video_id: str) -> None:
    """Keep the sensors from processing the source that stays."""
    store = workspace.store
    for source in source_objects(store, video_id):
        why = f"it was removed by hand; heaters process {source.key} makes it again"
        write_rejection(store, video_id, source.version, InvalidVideoError(REMOVED, why))


def _source_keys(workspace: Workspace, video_id: str) -> set[str]:
    """Where the source lies, or lay before somebody deleted it."""
    source = workspace.manifest(SOURCE_ASSET, video_id)
    recorded = [str(source.summary["source_key"])] if source else []
    return {*recorded, *(found.key for found in source_objects(workspace.store, video_id))}


def _own_sidecars(workspace: Workspace, source_key: str) -> list[ObjectInfo]:
    prefix = keys.beside_prefix(source_key)
    listed = {found.key: found for found in workspace.store.list(prefix)} if prefix else {}
    if shared_with(source_key, listed):
        return []
    return [found for key, found in listed.items() if sidecar_ending(source_key, key)]


def _kept(workspace: Workspace, video_id: str) -> list[str]:
    """The records that keep sensors from a source that is still there."""
    return [
        keys.rejection_key(video_id, source.version)
        for source in source_objects(workspace.store, video_id)
    ]


def _runs_of(video_id: str, statuses: Sequence[DagsterRunStatus] | None = None) -> dg.RunsFilter:
    return dg.RunsFilter(tags={PARTITION_TAG: video_id}, statuses=statuses)


def dismiss_failure(
    workspace: Workspace, instance: dg.DagsterInstance, candidates: Sequence[str]
) -> str:
    """Let a failure be shown no more; the next one is.

    A video of which nothing was made loses its partition, so that backfills leave it alone.

    Args:
        workspace: Of the video's store.
        instance: Where its runs are recorded.
        candidates: The ids that it may have.
    Returns:
        What was done, for people.
    Raises:
        SettingsError: It has no failure.
    """
    statuses = video_statuses(workspace.store, instance, candidates)
    # A finished one shows the failure of its last run, too.
    failing = ("download_failed", "splicing_failed", "spliced")
    failed = [one for one in statuses if one.error and one.state in failing]
    if not failed:
        raise SettingsError(f"{candidates[0]} has no failure; heaters status lists all videos")
    video_id = failed[0].video_id
    now = datetime.now(UTC).isoformat(timespec="seconds")
    for run in instance.get_runs(_runs_of(video_id, _FAILED)):
        instance.add_run_tags(run.run_id, {DISMISSED_TAG: now})
    dismiss_rejections(workspace.store, video_id)
    if not workspace.video(video_id).stages:
        instance.delete_dynamic_partition(SOURCE_VIDEOS, video_id)
    return f"{video_id}: its failure is shown no more, until it fails again"


def removed_line(document: Mapping[str, Any]) -> str:
    """What a person reads of a video that was to be removed."""
    if document["error"]:
        return f"{document['video_id']}: nothing is removed, since {document['error']}"
    if not document["in_datasets"]:
        return f"{document['video_id']}: removed"
    return (
        f"{document['video_id']}: removed, but for its clips in the data sets "
        f"{', '.join(document['in_datasets'])} of the store: run export_dataset for each of them "
        f"again, or delete it from {keys.DATASET_PREFIX}"
    )
