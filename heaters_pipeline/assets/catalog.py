"""``catalog``: the tables of all finished videos and clips."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import dagster as dg

from heaters_pipeline.assets.links import link
from heaters_pipeline.assets.policy import CATALOG_GROUP, RETRY_POLICY, STORE_KIND
from heaters_pipeline.assets.stage import lasting_errors_fail
from heaters_pipeline.assets.stage_work import SHOWN_SKIP_REASON
from heaters_pipeline.names import CATALOG_POOL, WORK_TAG
from heaters_pipeline.report.catalog import (
    CATALOG_VERSION,
    CLIP_COLUMNS,
    VIDEO_COLUMNS,
    Column,
    build_catalog,
    catalog_fingerprint,
    record_versions,
    stored_catalog,
)
from heaters_pipeline.resources import Workspace
from heaters_pipeline.storage import keys

FRESHNESS_POLICY = dg.FreshnessPolicy.time_window(
    fail_window=timedelta(hours=48), warn_window=timedelta(hours=25)
)
"""The schedule looks once a day whether the catalog is still true, also if no video came."""

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
        for stage in ("clips", "sprite_sheets", "keyframes")
    ],
    group_name=CATALOG_GROUP,
    kinds={"python", "parquet", STORE_KIND},
    tags={WORK_TAG: "decide"},
    code_version=str(CATALOG_VERSION),
    retry_policy=RETRY_POLICY,
    freshness_policy=FRESHNESS_POLICY,
    pool=CATALOG_POOL,
    metadata={
        "dagster/column_schema": _schema(CLIP_COLUMNS),
        "videos_columns": _schema(VIDEO_COLUMNS),
    },
)
def catalog(
    context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
) -> dg.MaterializeResult[Any]:
    """All finished videos and clips: `catalog/videos.parquet` and `catalog/clips.parquet`.

    Readable by pandas and DuckDB. Only what changed since the last catalog is read again.
    """
    with lasting_errors_fail():
        store = workspace.store
        versions = record_versions(store)
        fingerprint = catalog_fingerprint(versions)
        last = stored_catalog(store)
        skipped = last is not None and last.fingerprint == fingerprint
        result: dict[str, Any] = {
            "skipped": skipped,
            "videos_filepath": keys.CATALOG_VIDEOS,
            "clips_filepath": keys.CATALOG_CLIPS,
            "videos_table": link(store, keys.CATALOG_VIDEOS),
            "clips_table": link(store, keys.CATALOG_CLIPS),
            "dagster/uri": f"{store.url}/{keys.CATALOG_CLIPS}",
        }
        if last is not None and skipped:
            result |= {"videos": last.videos, "clips": last.clips, "reason": SHOWN_SKIP_REASON}
        else:
            built = build_catalog(store, versions)
            for key, table in (
                (keys.CATALOG_CLIPS, built.clips),
                (keys.CATALOG_VIDEOS, built.videos),
            ):
                store.write_bytes(key, built.parquet(table), content_type=PARQUET_CONTENT_TYPE)
            result |= {
                "videos": built.videos.num_rows,
                "clips": built.clips.num_rows,
                "videos_read": built.read,
                "videos_reused": built.reused,
            }
        result["dagster/row_count"] = result["clips"]
        context.log.info("catalog: %s", result)
        return dg.MaterializeResult(metadata=result, data_version=dg.DataVersion(fingerprint))
