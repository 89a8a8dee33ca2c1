"""The files that describe a data set: its table of clips, the index of its shards, Croissant."""

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from heaters_pipeline.datasets.croissant import File, croissant
from heaters_pipeline.datasets.parts import Part, sample_key
from heaters_pipeline.datasets.selecting import SAMPLE_COLUMNS, SelectedClips
from heaters_pipeline.datasets.settings import DatasetSettings
from heaters_pipeline.report.catalog_columns import Column
from heaters_pipeline.storage.digests import file_sha256

SHARDS, TABLE, CROISSANT = "shards.json", "metadata.parquet", "croissant.json"
DOCUMENTS = (SHARDS, TABLE, CROISSANT)

_FILE = Column("file_name", pa.string(), "The file of the clip, from where the table lies")
_SHARD = Column("shard_name", pa.string(), "The shard that the clip is in")
_KEY = Column("sample_key", pa.string(), "What the clip is called in its shard")


def write_documents(
    folder: Path,
    settings: DatasetSettings,
    clips: SelectedClips,
    parts: Sequence[Part],
    digests: Mapping[str, str],
) -> Iterator[Path]:
    """Write what describes a data set.

    Args:
        folder: For the files.
        settings: What the data set was asked to be.
        clips: Those that it holds.
        parts: The files that hold them.
        digests: The SHA-256 of each shard, by its name.
    """
    table = folder / TABLE
    columns = [_SHARD, _KEY] if settings.is_sharded else [_FILE]
    _write_table(table, columns, clips, parts)
    yield table
    shards = [File(part.name, part.size_bytes, digests[part.name]) for part in parts]
    if settings.is_sharded:
        yield _written(folder / SHARDS, _shard_index(settings, clips, parts, digests))
    described = croissant(
        settings,
        f"{clips.table.num_rows} clips, each a scene of a video",
        File(TABLE, table.stat().st_size, file_sha256(table)),
        [*columns, *SAMPLE_COLUMNS],
        shards if settings.is_sharded else (),
    )
    yield _written(folder / CROISSANT, described)


def _write_table(
    path: Path, columns: Sequence[Column], clips: SelectedClips, parts: Sequence[Part]
) -> None:
    """Write what the data set says of the clips, after where each of them is."""
    places = [""] * clips.table.num_rows
    for part in parts:
        for at in part.rows:
            places[at] = part.name
    keys = (
        sample_key({"video_id": one, "clip_identifier": other})
        for one, other in zip(
            *(clips.table[name].to_pylist() for name in ("video_id", "clip_identifier")),
            strict=True,
        )
    )
    values = {_FILE: places, _SHARD: places, _KEY: keys}
    table = clips.table
    for at, column in enumerate(columns):
        table = table.add_column(at, column.name, pa.array(values[column], column.type))
    pq.write_table(table.replace_schema_metadata(None), path, compression="zstd")


def _shard_index(
    settings: DatasetSettings,
    clips: SelectedClips,
    parts: Sequence[Part],
    digests: Mapping[str, str],
) -> bytes:
    videos = clips.table["video_id"]
    index = {
        "where": settings.where,
        "with_rejected": settings.with_rejected,
        "samples": clips.table.num_rows,
        "shards": [
            {
                "name": part.name,
                "samples": len(part.rows),
                "size_bytes": part.size_bytes,
                "sha256": digests[part.name],
                "videos": videos.take(pa.array(part.rows, pa.int64())).unique().to_pylist(),
            }
            for part in parts
        ],
    }
    return f"{json.dumps(index, indent=1)}\n".encode()


def _written(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path
