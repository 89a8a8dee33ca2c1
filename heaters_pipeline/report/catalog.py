"""The tables of all finished videos and their clips, for pandas, DuckDB and training jobs.

``catalog/videos.parquet`` and ``catalog/clips.parquet`` are made from the manifests. A video whose
manifest is that of the last catalog is copied from it, or left out again while it is not finished,
so that a new catalog reads only what changed.
"""

import io
import json
import logging
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from heaters_pipeline.errors import HeatersError, ObjectNotFoundError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.json_records import damaged
from heaters_pipeline.storage.records.manifests import (
    Manifest,
    ManifestItem,
    canonical_json,
    fingerprint_of,
)
from heaters_pipeline.storage.records.video_manifests import read_video, recorded_videos

CATALOG_VERSION = 5
"""2 brought ``title``, ``tags`` and ``source_deleted``; 3 ``copied_frames``, ``hidden_frames``;
4 ``thumbnail_filepaths``, ``storyboard_filepaths``; 5 ``source_version``, ``sidecars``."""
READERS = 16
_FINGERPRINT = b"heaters_fingerprint"
_LEFT_OUT = b"heaters_left_out"
SOURCE_DELETED = "-source-deleted"

_logger = logging.getLogger(__name__)

_Rows = tuple[dict[str, Any], list[dict[str, Any]]]
"""The row of a video, and those of its clips."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its name, its type and what it means."""

    name: str
    type: pa.DataType
    description: str


_SPAN = (
    Column("start_frame", pa.int64(), "First frame, counted from 0 in presentation order"),
    Column("end_frame", pa.int64(), "First frame that no longer belongs to it"),
    Column("start_time_seconds", pa.float64(), "Start, from the video's first frame"),
    Column("end_time_seconds", pa.float64(), "End, from the video's first frame"),
    Column("duration_seconds", pa.float64(), "Length"),
)

VIDEO_COLUMNS = (
    Column("video_id", pa.string(), "Partition key"),
    Column("source_key", pa.string(), "Key of the source video"),
    Column("source_sha256", pa.string(), "SHA-256 of the source video's bytes"),
    Column("source_version", pa.string(), "Version of the source object that it was made of"),
    Column(
        "sidecars",
        pa.list_(pa.struct([("key", pa.string()), ("version", pa.string())])),
        "Subtitle files beside the source, as they were then",
    ),
    Column("size_bytes", pa.int64(), "Size of the source video"),
    Column("container", pa.string(), "FFmpeg's name of the container"),
    Column("codec", pa.string(), "FFmpeg's name of the video codec"),
    Column("width_px", pa.int64(), "Width of the stored picture"),
    Column("height_px", pa.int64(), "Height of the stored picture"),
    Column("frame_rate", pa.float64(), "Average frames a second of the header; may be empty"),
    Column("frames", pa.int64(), "Frames that its clips hold"),
    Column("duration_seconds", pa.float64(), "Length of its clips"),
    Column("clips", pa.int64(), "Number of clips"),
    Column("title", pa.string(), "What people call it; may be empty"),
    Column("tags", pa.list_(pa.string()), "What people sort it by"),
    Column(
        "storyboard_filepaths",
        pa.list_(pa.string()),
        "Keys of its storyboard: sheets, BIF, HLS playlist, JSON, WebVTT; none before it is made",
    ),
    Column("source_deleted", pa.bool_(), "Somebody deleted the source video; its clips are here"),
    Column(
        "record_version", pa.string(), "Changes when the video's manifest does, or its source goes"
    ),
)

CLIP_COLUMNS = (
    Column("video_id", pa.string(), "Partition key of the source video"),
    Column("clip_identifier", pa.string(), "<video_id>_clip_001 onwards"),
    Column("scene_index", pa.int64(), "Position in the video, from 0"),
    Column("clip_filepath", pa.string(), "Key of the clip"),
    *_SPAN,
    Column("method", pa.string(), "auto, copy, or reencode"),
    Column(
        "copied_frames",
        pa.list_(pa.list_(pa.int64())),
        "Frames of the video that are copied bit for bit, as [first, first not copied]; the others "
        "are encoded. Empty where the record is older",
    ),
    Column("hidden_frames", pa.int64(), "Frames that it holds and does not show; may be empty"),
    Column("size_bytes", pa.int64(), "Size of the clip"),
    Column("sprite_index_filepath", pa.string(), "Key of the JSON beside the sprite sheets"),
    Column("sprite_sheet_filepaths", pa.list_(pa.string()), "Keys of the sprite sheets"),
    Column("keyframe_filepaths", pa.list_(pa.string()), "Keys of the key frames"),
    Column(
        "thumbnail_filepaths",
        pa.list_(pa.string()),
        "Keys of the small pictures beside the key frames; none where the record is older",
    ),
)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Both tables, and how they came about.

    Attributes:
        videos: One row a video, by ``video_id``.
        clips: One row a clip, by video and position.
        fingerprint: Of the manifests that they were made from.
        read: Videos whose manifests were read.
        reused: Videos copied from the last catalog.
        left_out: The versions of the videos that are not finished, by ``video_id``.
        unreadable: The videos whose manifests cannot be read, with the reason.
    """

    videos: pa.Table
    clips: pa.Table
    fingerprint: str
    read: int
    reused: int
    left_out: Mapping[str, str]
    unreadable: Mapping[str, str]

    def parquet(self, table: pa.Table) -> bytes:
        """One of the tables as a file."""
        marked = table.replace_schema_metadata(
            {
                _FINGERPRINT: self.fingerprint.encode(),
                _LEFT_OUT: canonical_json(dict(self.left_out)),
            }
        )
        buffer = io.BytesIO()
        pq.write_table(marked, buffer, compression="zstd")
        return buffer.getvalue()


def record_versions(store: ObjectStore) -> dict[str, str]:
    """A version for each video of which anything is recorded, by a LIST of those and of sources.

    It is another one once the source is gone, so that the catalog says so.
    """
    sources = {
        keys.video_id_of(found.key)
        for found in store.list(keys.SOURCE_PREFIX)
        if keys.is_video_upload(found.key)
    }
    return {
        video_id: found.version if video_id in sources else f"{found.version}{SOURCE_DELETED}"
        for video_id, found in sorted(recorded_videos(store).items())
    }


def catalog_fingerprint(versions: Mapping[str, str]) -> str:
    """What decides a catalog."""
    return fingerprint_of({"catalog_version": CATALOG_VERSION, "videos": dict(versions)})


def build_catalog(
    store: ObjectStore,
    versions: Mapping[str, str],
    *,
    on_progress: Callable[[int, int], None] | None = None,
) -> Catalog:
    """Make both tables, reading only the manifests that are not in the last catalog.

    Args:
        store: Where manifests and the last catalog lie.
        versions: From ``record_versions``.
        on_progress: Called with the videos read and their number.
    """
    videos, clips, last_left_out = _last_rows(store)
    kept = {
        video_id: videos[video_id]
        for video_id, version in versions.items()
        if video_id in videos and videos[video_id]["record_version"] == version
    }
    left_out = dict(versions.items() & last_left_out.items())
    wanted = [video_id for video_id in versions if video_id not in kept | left_out]
    fresh: dict[str, _Rows] = {}
    unreadable: dict[str, str] = {}
    with ThreadPoolExecutor(READERS) as pool:
        rows = pool.map(
            lambda video_id: _readable_rows(store, video_id, versions[video_id]), wanted
        )
        for done, (video_id, row) in enumerate(zip(wanted, rows, strict=True), 1):
            if isinstance(row, str):
                unreadable[video_id] = row
            elif row is None:
                left_out[video_id] = versions[video_id]
            else:
                fresh[video_id] = row
            if on_progress:
                on_progress(done, len(wanted))
    ordered = sorted(kept.keys() | fresh.keys())
    return Catalog(
        videos=_table(
            (kept[video_id] if video_id in kept else fresh[video_id][0] for video_id in ordered),
            VIDEO_COLUMNS,
        ),
        clips=_table(
            (
                row
                for video_id in ordered
                for row in (clips.get(video_id, []) if video_id in kept else fresh[video_id][1])
            ),
            CLIP_COLUMNS,
        ),
        fingerprint=catalog_fingerprint(versions),
        read=len(wanted),
        reused=len(kept),
        left_out=left_out,
        unreadable=unreadable,
    )


def _last_tables(store: ObjectStore) -> tuple[pa.Table, pa.Table] | None:
    """Both tables of the stored catalog; None unless they are whole and of one making."""
    videos = _stored_table(store, keys.CATALOG_VIDEOS)
    clips = _stored_table(store, keys.CATALOG_CLIPS)
    if videos is None or clips is None or not _mark(videos) == _mark(clips) != b"":
        return None
    return videos, clips


def _stored_table(store: ObjectStore, key: str) -> pa.Table | None:
    try:
        data = store.read_bytes(key)
    except ObjectNotFoundError:
        return None
    try:
        return pq.read_table(io.BytesIO(data))
    except MemoryError:
        # Arrow's is an ArrowException as well, and says nothing about the table.
        raise
    except (pa.ArrowException, OSError) as error:
        # It is made of the manifests alone, so nothing is lost by making it again.
        _logger.warning("%s is damaged and made again: %s", key, error)
        return None


def _mark(table: pa.Table) -> bytes:
    return bytes((table.schema.metadata or {}).get(_FINGERPRINT, b""))


def _last_rows(
    store: ObjectStore,
) -> tuple[dict[str, dict[str, Any]], dict[str, list[dict[str, Any]]], dict[str, str]]:
    """Rows of the stored catalog by video, and what it left out; none unless its columns fit."""
    tables = _last_tables(store)
    if tables is None:
        return {}, {}, {}
    videos, clips = tables
    if not (_fits(videos, VIDEO_COLUMNS) and _fits(clips, CLIP_COLUMNS)):
        return {}, {}, {}
    left_out: dict[str, str] = json.loads(videos.schema.metadata.get(_LEFT_OUT, b"{}"))
    by_video: dict[str, list[dict[str, Any]]] = {}
    for row in clips.to_pylist():
        by_video.setdefault(row["video_id"], []).append(row)
    return {row["video_id"]: row for row in videos.to_pylist()}, by_video, left_out


def _fits(table: pa.Table, columns: Iterable[Column]) -> bool:
    return bool(table.schema.equals(_schema(columns), check_metadata=False))


def _schema(columns: Iterable[Column]) -> pa.Schema:
    return pa.schema([(column.name, column.type) for column in columns])


def _table(rows: Iterable[dict[str, Any]], columns: Iterable[Column]) -> pa.Table:
    return pa.Table.from_pylist(list(rows), schema=_schema(columns))


def _readable_rows(store: ObjectStore, video_id: str, version: str) -> _Rows | str | None:
    """The rows of a video that fit the tables; why not, if its manifest cannot be read."""
    try:
        rows = _rows(store, video_id, version)
        if rows is not None:
            _table([rows[0]], VIDEO_COLUMNS)
            _table(rows[1], CLIP_COLUMNS)
    except HeatersError as error:
        # What may pass fails the run, which is tried again.
        if error.transient:
            raise
        return str(error)
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        return str(damaged(keys.video_manifest_key(video_id), f"{type(error).__name__}: {error}"))
    return rows


def _rows(store: ObjectStore, video_id: str, version: str) -> _Rows | None:
    """The rows of a video; None while it is not finished, or once it was removed meanwhile."""
    video = read_video(store, video_id)
    if not video.is_finished:
        _logger.info("%s is left out of the catalog until it is processed", video_id)
        return None
    source, clips = video.stages["source_videos"], video.stages["clips"]
    sheets = _by_clip(video.stages["sprite_sheets"])
    pictures = _by_clip(video.stages["keyframes"])
    rows = [
        _clip_row(video_id, item, sheets.get(_identifier(item), []), pictures)
        for item in clips.items
    ]
    storyboard = video.stages.get("storyboards")
    row = _video_row(source, clips, version)
    row["storyboard_filepaths"] = [item.key for item in storyboard.items] if storyboard else []
    return row, rows


def _identifier(item: ManifestItem) -> str:
    return str(item.details["clip_identifier"])


def _by_clip(manifest: Manifest) -> dict[str, list[ManifestItem]]:
    by_clip: dict[str, list[ManifestItem]] = {}
    for item in manifest.items:
        by_clip.setdefault(_identifier(item), []).append(item)
    return by_clip


def _video_row(source: Manifest, clips: Manifest, version: str) -> dict[str, Any]:
    summary = source.summary
    info = summary["info"]
    rate = info["frame_rate"]
    return {
        "video_id": source.video_id,
        "source_key": summary["source_key"],
        "source_sha256": summary["sha256"],
        "source_version": summary.get("version"),
        "sidecars": [
            {"key": row["key"], "version": row["version"]} for row in summary.get("sidecars", ())
        ],
        "size_bytes": summary["size_bytes"],
        "container": info["container"],
        "codec": info["codec"],
        "width_px": info["width_px"],
        "height_px": info["height_px"],
        "frame_rate": _ratio(rate) if rate else None,
        "frames": sum(item.end_frame - item.start_frame for item in clips.items),
        "duration_seconds": float(
            sum(item.end_seconds - item.start_seconds for item in clips.items)
        ),
        "clips": len(clips.items),
        "title": summary.get("title"),
        "tags": summary.get("tags", []),
        "source_deleted": version.endswith(SOURCE_DELETED),
        "record_version": version,
    }


def _clip_row(
    video_id: str,
    item: ManifestItem,
    sheets: list[ManifestItem],
    pictures: dict[str, list[ManifestItem]],
) -> dict[str, Any]:
    indexes = [sheet.key for sheet in sheets if "page" not in sheet.details]
    taken = pictures.get(_identifier(item), [])
    return {
        "video_id": video_id,
        "clip_identifier": _identifier(item),
        "scene_index": item.details["scene_index"],
        "clip_filepath": item.key,
        "start_frame": item.start_frame,
        "end_frame": item.end_frame,
        "start_time_seconds": float(item.start_seconds),
        "end_time_seconds": float(item.end_seconds),
        "duration_seconds": float(item.end_seconds - item.start_seconds),
        "method": item.details["method"],
        "copied_frames": item.details.get("copied"),
        "hidden_frames": item.details.get("hidden_frames"),
        "size_bytes": item.size_bytes,
        "sprite_index_filepath": indexes[0] if indexes else None,
        "sprite_sheet_filepaths": [sheet.key for sheet in sheets if "page" in sheet.details],
        "keyframe_filepaths": [each.key for each in taken if "thumbnail_of" not in each.details],
        "thumbnail_filepaths": [each.key for each in taken if "thumbnail_of" in each.details],
    }


def _ratio(text: str) -> float:
    numerator, _, denominator = text.partition("/")
    return int(numerator) / int(denominator or 1)
