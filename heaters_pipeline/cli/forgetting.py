"""Let Dagster's records name a video no more: its runs, its partition, and what those leave behind.

Deleting a run leaves the verdicts of its checks, and for each asset a copy of the materialization
that came last (Dagster 1.13), for which there is no public call; hence the private names.
"""

import dagster as dg
from dagster._core.storage.event_log.schema import AssetCheckExecutionsTable, AssetKeyTable
from dagster._core.storage.event_log.sql_event_log import SqlEventLogStorage
from dagster._serdes import serialize_value

from heaters_pipeline.names import (
    COMPARISON_ASSET,
    PARTITION_TAG,
    REVIEW_ASSET,
    SOURCE_VIDEOS,
    VIDEO_STAGES,
)
from heaters_pipeline.source_keys import forget_source_key


def forget_video(instance: dg.DagsterInstance, video_id: str) -> None:
    """Remove what an instance has recorded of a video.

    What stays is what daemons note for a while: the ticks of sensors, and backfills by their keys.
    """
    runs = instance.get_runs(dg.RunsFilter(tags={PARTITION_TAG: video_id}))
    for run in runs:
        instance.compute_log_manager.delete_logs(prefix=[run.run_id])
        instance.delete_run(run.run_id)
    run_ids = {run.run_id for run in runs}
    storage = instance.event_log_storage
    if isinstance(storage, SqlEventLogStorage):
        with storage.index_connection() as connection:
            verdicts = AssetCheckExecutionsTable
            connection.execute(verdicts.delete().where(verdicts.c.partition == video_id))
    for stage in (*VIDEO_STAGES, COMPARISON_ASSET, REVIEW_ASSET):
        _forget_latest(instance, dg.AssetKey(stage), video_id, run_ids)
    instance.delete_dynamic_partition(SOURCE_VIDEOS, video_id)
    forget_source_key(instance, video_id)


def _forget_latest(
    instance: dg.DagsterInstance, asset: dg.AssetKey, video_id: str, run_ids: set[str]
) -> None:
    """Let the latest materialization of an asset be the one of the runs that are left."""
    # It holds the keys of partitions, and is made anew when it is next asked for.
    instance.wipe_asset_cached_status([asset])
    storage = instance.event_log_storage
    records = instance.get_asset_records([asset])
    if not records or not isinstance(storage, SqlEventLogStorage):
        return
    entry = records[0].asset_entry
    last = entry.last_materialization and entry.last_materialization.asset_materialization
    named = last is not None and last.partition == video_id
    if not named and entry.last_run_id not in run_ids:
        return
    left = next(iter(instance.fetch_materializations(asset, limit=1).records), None)
    values = {
        "last_materialization": serialize_value(left) if left else None,
        "last_run_id": left.run_id if left else None,
    }
    with storage.index_connection() as connection:
        is_asset = AssetKeyTable.c.asset_key == asset.to_string()
        connection.execute(AssetKeyTable.update().values(**values).where(is_asset))
