"""The tables that people see in the Dagster UI, with their columns described."""

from collections.abc import Sequence

import dagster as dg

from heaters_pipeline.assets.units import Scene
from heaters_pipeline.storage.manifests import ManifestItem

ROWS_SHOWN = 500
"""Events lie in Dagster's database; the whole table is in the manifest."""

_SPAN_COLUMNS = [
    dg.TableColumn("start_frame", "int", description="First frame"),
    dg.TableColumn("end_frame", "int", description="First frame that no longer belongs to it"),
    dg.TableColumn("start_time_seconds", "float", description="Start, from the first frame"),
    dg.TableColumn("end_time_seconds", "float", description="End, from the first frame"),
    dg.TableColumn("duration_seconds", "float", description="Length"),
]

SCENE_SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn("scene_index", "int", description="Position in the video, from 0"),
        *_SPAN_COLUMNS,
    ]
)

CLIP_SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn("clip", "int", description="Number in the clip's identifier, from 1"),
        *_SPAN_COLUMNS,
        dg.TableColumn("method", "string", description="copy, or reencode"),
        dg.TableColumn("reused", "bool", description="It existed before this run"),
        dg.TableColumn("size_bytes", "int", description="Size of the file"),
        dg.TableColumn("file", "string", description="Name under clips/<video_id>/"),
    ]
)


def scene_table(scenes: Sequence[Scene]) -> dg.TableMetadataValue:
    """The scenes of a video."""
    records = [
        dg.TableRecord({"scene_index": index, **scene.cells()})
        for index, scene in enumerate(scenes[:ROWS_SHOWN])
    ]
    return dg.MetadataValue.table(records=records, schema=SCENE_SCHEMA)


def clip_table(items: Sequence[ManifestItem]) -> dg.TableMetadataValue:
    """The clips of a video."""
    records = [
        dg.TableRecord(
            {
                "clip": item.details["scene_index"] + 1,
                **Scene.of(item).cells(),
                "method": str(item.details["method"]),
                "reused": item.reused,
                "size_bytes": item.size_bytes,
                # The whole key would push the other columns out of sight.
                "file": item.key.rpartition("/")[2],
            }
        )
        for item in items[:ROWS_SHOWN]
    ]
    return dg.MetadataValue.table(records=records, schema=CLIP_SCHEMA)
