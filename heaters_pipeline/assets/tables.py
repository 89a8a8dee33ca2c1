"""The tables that people see in the Dagster UI, with their columns described."""

from collections.abc import Mapping, Sequence
from typing import Any

import dagster as dg

from heaters_pipeline.assets.units import Scene
from heaters_pipeline.errors import printable
from heaters_pipeline.storage.records.manifests import ManifestItem

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

# As much as fits beside each other on a screen; the manifest has the rest.
CLIP_SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn("clip_identifier", "string", description="<video_id>_clip_001 onwards"),
        dg.TableColumn("start_frame", "int", description="First frame"),
        dg.TableColumn("end_frame", "int", description="First frame that is no longer shown"),
        dg.TableColumn("start_time_seconds", "float", description="Start, from the first frame"),
        dg.TableColumn("duration_seconds", "float", description="Length"),
        dg.TableColumn("method", "string", description="auto, copy, or reencode"),
        dg.TableColumn("reused", "bool", description="It existed before this run"),
        dg.TableColumn("file", "string", description="Name under clips/<video_id>/"),
    ]
)


CORRECTION_SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn("decision", "string", description="What was corrected, by first frames"),
        dg.TableColumn("by", "string", description="Who decided it"),
        dg.TableColumn("at", "string", description="When"),
        dg.TableColumn("why", "string", description="In that person's words"),
        dg.TableColumn("outcome", "string", description="applied, or why it does not apply now"),
    ]
)

COMPARISON_SCHEMA = dg.TableSchema(
    columns=[
        dg.TableColumn("method", "string", description="How changes are judged"),
        dg.TableColumn("threshold", "float", description="Where a change is a cut"),
        dg.TableColumn("scenes", "int", description="Scenes, short ones merged"),
        dg.TableColumn("cuts", "int", description="Hard cuts"),
        dg.TableColumn("gradual", "int", description="Gradual transitions"),
        dg.TableColumn("agreement", "float", description="Share of its cuts that others have"),
        dg.TableColumn("precision", "float", description="Share of its cuts that are labelled"),
        dg.TableColumn("recall", "float", description="Share of labelled cuts that it found"),
        dg.TableColumn("f1", "float", description="Harmonic mean of precision and recall"),
        dg.TableColumn("gradual_recall", "float", description="Share of gradual ones it touched"),
    ]
)


def by_hand_metadata(scenes: Mapping[str, Any]) -> dict[str, Any]:
    """What people have to do with the scenes of a summary; nothing where that is nothing."""
    facts: dict[str, Any] = {}
    if cuts := scenes.get("cuts"):
        facts["cuts_given_by"] = cuts["name"]
    if rows := scenes.get("corrections"):
        records = [
            dg.TableRecord(
                {
                    "decision": shown_decision(row),
                    "by": printable(row["by"]),
                    "at": row["at"],
                    "why": printable(row["why"]),
                    "outcome": row["refusal"] or "applied",
                }
            )
            for row in rows[-ROWS_SHOWN:]
        ]
        facts["corrections"] = dg.MetadataValue.table(records=records, schema=CORRECTION_SCHEMA)
        facts["corrections_applied"] = sum(row["refusal"] is None for row in rows)
    return facts


def shown_decision(row: Mapping[str, Any]) -> str:
    """A decision in a few words, as ``split 120`` or ``approve 0-120``."""
    if "frame" not in row:
        shown = f"{row['kind']} {row['start_frame']}-{row['end_frame']}"
        return printable(f"{shown} {', '.join(row['tags'])}") if "tags" in row else shown
    to = f" to {row['to']}" if "to" in row else ""
    return f"{row['kind']} {row['frame']}{to}"


def comparison_table(methods: Sequence[Mapping[str, Any]]) -> dg.TableMetadataValue:
    """A line a method; columns that need labels are empty without."""
    records = [
        dg.TableRecord(
            {
                name: round(value, 3) if isinstance(value, float) else value
                for name, value in row.items()
            }
        )
        for row in methods
    ]
    return dg.MetadataValue.table(records=records, schema=COMPARISON_SCHEMA)


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
                "clip_identifier": str(item.details["clip_identifier"]),
                "start_frame": item.start_frame,
                "end_frame": item.end_frame,
                "start_time_seconds": round(float(item.start_seconds), 3),
                "duration_seconds": round(float(item.end_seconds - item.start_seconds), 3),
                "method": str(item.details["method"]),
                "reused": item.reused,
                "file": item.key.rpartition("/")[2],
            }
        )
        for item in items[:ROWS_SHOWN]
    ]
    return dg.MetadataValue.table(records=records, schema=CLIP_SCHEMA)
