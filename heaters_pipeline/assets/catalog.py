"""``catalog``: the tables of all finished videos and clips."""

from collections.abc import Iterable
from typing import Any

import dagster as dg

from heaters_pipeline.assets.policy import CATALOG_GROUP, RETRY_POLICY
from heaters_pipeline.assets.stage import lasting_errors_fail
from heaters_pipeline.assets.stage_work import SKIP_REASON
from heaters_pipeline.report.catalog import (
    CLIP_COLUMNS,
    VIDEO_COLUMNS,
    Column,
    build_catalog,
    catalog_fingerprint,
    record_versions,
    stored_fingerprint,
)
from heaters_pipeline.resources import Workspace
from heaters_pipeline.storage import keys

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
    kinds={"python", "parquet", "s3"},
    retry_policy=RETRY_POLICY,
    metadata={
        "dagster/column_schema": _schema(CLIP_COLUMNS),
        "videos_columns": _schema(VIDEO_COLUMNS),
    },
)
def catalog(
    context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
) -> dg.MaterializeResult[Any]:
    """All finished videos and clips: ``catalog/videos.parquet`` and ``catalog/clips.parquet``.

    Readable by pandas and DuckDB. Only what changed since the last catalog is read anew.
    """
    with lasting_errors_fail():
        store = workspace.store
        versions = record_versions(store)
        fingerprint = catalog_fingerprint(versions)
        skipped = stored_fingerprint(store) == fingerprint
        result: dict[str, Any] = {
            "videos": len(versions),
            "skipped": skipped,
            "videos_filepath": keys.CATALOG_VIDEOS,
            "clips_filepath": keys.CATALOG_CLIPS,
        }
        if skipped:
            result["reason"] = SKIP_REASON
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
        context.log.info("catalog: %s", result)
        return dg.MaterializeResult(metadata=result, data_version=dg.DataVersion(fingerprint))
