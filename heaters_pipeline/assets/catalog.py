"""``catalog``: the tables of all finished videos and clips."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import dagster as dg

from heaters_pipeline.assets.links import link
from heaters_pipeline.assets.policy import CATALOG_GROUP, RETRY_POLICY, STORE_KIND
from heaters_pipeline.assets.stage import lasting_errors_fail
from heaters_pipeline.assets.stage_work import FAILURES_SHOWN, SHOWN_SKIP_REASON
from heaters_pipeline.config import CatalogConfig
from heaters_pipeline.names import CATALOG_ASSET, CATALOG_POOL, WORK_TAG
from heaters_pipeline.report.catalog import (
    build_catalog,
    catalog_fingerprint,
    few_record_versions,
    record_versions,
    update_catalog,
)
from heaters_pipeline.report.catalog_columns import (
    CATALOG_VERSION,
    CLIP_COLUMNS,
    VIDEO_COLUMNS,
    Column,
)
from heaters_pipeline.report.catalog_record import (
    Sighting,
    StoredCatalog,
    look_at_catalog,
    write_catalog_record,
)
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.catalog_changes import settled, take_down
from heaters_pipeline.workspace import Workspace

FRESHNESS_POLICY = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(hours=48), warn_window=timedelta(hours=25)
)
"""The schedule looks once a day whether the catalog is still true, also if no video came."""

READABLE_CHECK = "every_video_is_readable"
PARQUET_CONTENT_TYPE = "application/vnd.apache.parquet"


def _schema(columns: Iterable[Column]) -> dg.TableSchema:
    return dg.TableSchema(
        columns=[
            dg.TableColumn(column.name, str(column.type), description=column.description)
            for column in columns
        ]
    )


@dg.asset(
    deps=[
        dg.AssetDep(stage, partition_mapping=dg.AllPartitionMapping())
        for stage in ("storyboards", "clips", "sprite_sheets", "keyframes")
    ],
    group_name=CATALOG_GROUP,
    kinds={"parquet", STORE_KIND},
    tags={WORK_TAG: "decide"},
    code_version=str(CATALOG_VERSION),
    retry_policy=RETRY_POLICY,
    freshness_policy=FRESHNESS_POLICY,
    pool=CATALOG_POOL,
    check_specs=[
        dg.AssetCheckSpec(
            READABLE_CHECK,
            asset=CATALOG_ASSET,
            description="The manifest of each video can be read; one that cannot is left out.",
        )
    ],
    metadata={
        "dagster/column_schema": _schema(CLIP_COLUMNS),
        "videos_columns": _schema(VIDEO_COLUMNS),
    },
)
def catalog(
    context: dg.AssetExecutionContext,
    config: CatalogConfig,
    workspace: dg.ResourceParam[Workspace],
) -> dg.MaterializeResult:  # type: ignore[type-arg] # beside checks Dagster wants it so
    """All finished videos and all of their clips, in two tables.

    `catalog/videos.parquet` and `catalog/clips.parquet`, for pandas and DuckDB. Only what changed
    since the last catalog is read again.
    """
    with lasting_errors_fail():
        store = workspace.store
        skipped = True
        made: dict[str, int] = {}
        seen = look_at_catalog(store)
        found = _current(store, seen, config)
        if found is None:
            # Whoever has the claim lists after it got it, so an older catalog is never the last.
            workspace.claim(keys.CATALOG_CLAIM, lambda whom: context.log.info("waits for %s", whom))
            seen = look_at_catalog(store)
            found = _current(store, seen, config)
        if found is None:
            skipped = False
            found, made = make_catalog(workspace, seen, config)
        result: dict[str, Any] = {
            "skipped": skipped,
            **({"reason": SHOWN_SKIP_REASON} if skipped else made),
            "videos": found.videos,
            "clips": found.clips,
            "dagster/row_count": found.clips,
            "unreadable": dict(found.unreadable),
            "videos_filepath": keys.CATALOG_VIDEOS,
            "clips_filepath": keys.CATALOG_CLIPS,
            "videos_table": link(store, keys.CATALOG_VIDEOS),
            "clips_table": link(store, keys.CATALOG_CLIPS),
            "dagster/uri": f"{store.url}/{keys.CATALOG_CLIPS}",
        }
        context.log.info("catalog: %s", result)
        return dg.MaterializeResult(
            metadata=result,
            data_version=dg.DataVersion(found.fingerprint),
            check_results=[_readable(found)],
        )


def _current(store: ObjectStore, seen: Sighting, config: CatalogConfig) -> StoredCatalog | None:
    """The stored catalog, if nothing changed since it was made."""
    if seen.catalog is None or seen.changes:
        return None
    versions = _listed(store, seen, config)
    if versions is None:
        return seen.catalog
    is_same = seen.catalog.fingerprint == catalog_fingerprint(versions)
    # A newer version of this program may be able to read what the last one could not.
    return seen.catalog if is_same and not seen.catalog.unreadable else None


def _listed(store: ObjectStore, seen: Sighting, config: CatalogConfig) -> dict[str, str] | None:
    """The versions of all records, where they are looked at."""
    if config.all_videos:
        return record_versions(store)
    return few_record_versions(store, seen.catalog)


def make_catalog(
    workspace: Workspace, seen: Sighting, config: CatalogConfig
) -> tuple[StoredCatalog, dict[str, int]]:
    """Make the tables and store them; then nothing is noted any more of what they follow.

    Args:
        workspace: Which has claimed the catalog.
        seen: What lay there after that.
        config: Whether all videos are looked at.
    Returns:
        What is stored, and how many videos were read and how many copied.
    """
    store, now = workspace.store, workspace.store.now()
    noted = {note.video_id for note in seen.changes}
    with workspace.scratch() as folder:
        built = None
        versions = _listed(store, seen, config)
        if seen.catalog is not None and versions is None:
            built = update_catalog(store, noted, seen.catalog.unreadable, folder)
        if built is None:
            versions = record_versions(store) if versions is None else versions
            built = build_catalog(store, versions, folder, noted=noted)
        found = StoredCatalog(
            built.fingerprint, built.video_rows, built.clip_rows, built.unreadable
        )
        tables = {}
        for key, path in ((keys.CATALOG_CLIPS, built.clips), (keys.CATALOG_VIDEOS, built.videos)):
            tables[key] = workspace.put_file(key, path, PARQUET_CONTENT_TYPE).version
    workspace.require_claims()
    write_catalog_record(store, found, tables)
    take_down(store, settled(seen.changes, built.digests, now))
    return found, {"videos_read": built.read, "videos_reused": built.reused}


def _readable(found: StoredCatalog) -> dg.AssetCheckResult:
    shown = "; ".join(list(found.unreadable.values())[:FAILURES_SHOWN])
    return dg.AssetCheckResult(
        check_name=READABLE_CHECK,
        passed=not found.unreadable,
        severity=dg.AssetCheckSeverity.ERROR,
        description=f"{len(found.unreadable)} left out: {shown}" if shown else None,
        metadata={"unreadable": dict(found.unreadable)},
    )
