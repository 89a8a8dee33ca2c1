"""Reads the videos that are new in a catalog, or changed, and makes their rows."""

import logging
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice

import pyarrow as pa

from heaters_pipeline.errors import HeatersError, ObjectNotFoundError
from heaters_pipeline.report.catalog_columns import CLIP_SCHEMA, VIDEO_SCHEMA
from heaters_pipeline.report.catalog_rows import SOURCE_DELETED, rows_of
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.catalog_changes import manifest_digest
from heaters_pipeline.storage.records.json_records import LARGE_BYTES, damaged, read_limited
from heaters_pipeline.storage.records.video_manifests import (
    VideoManifest,
    read_video,
    record_of,
)

READERS = 16

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReadVideo:
    """What was read of a video.

    Attributes:
        video_id: The partition.
        version: Of its record; None if there is none.
        digest: Of its manifest, as ``manifest_digest`` gives it; empty if it cannot be read.
        rows: Its row, and those of its clips; None unless it is finished.
        reason: Why its manifest cannot be read; None if it can.
    """

    video_id: str
    version: str | None
    digest: str
    rows: tuple[pa.Table, pa.Table] | None = None
    reason: str | None = None


def read_videos(
    store: ObjectStore, video_ids: Iterable[str], versions: Mapping[str, str] | None
) -> Iterator[ReadVideo]:
    """Read videos in several threads, and give them in order; only a few are held at a time.

    Args:
        store: Where they are recorded.
        video_ids: Which.
        versions: The versions of all records, as they were listed; asked for one by one if None.
    """
    remaining = iter(video_ids)
    with ThreadPoolExecutor(READERS) as pool:
        while some := list(islice(remaining, 2 * READERS)):
            yield from pool.map(lambda video_id: _read(store, video_id, versions), some)


def _read(store: ObjectStore, video_id: str, versions: Mapping[str, str] | None) -> ReadVideo:
    # Before the manifest, which at worst is a newer one then, so that it is read once more.
    version = _recorded(store, video_id) if versions is None else versions.get(video_id)
    if version is None:
        return ReadVideo(video_id, None, manifest_digest(b""))
    digest = ""
    try:
        data = _content(store, video_id)
        digest = manifest_digest(data)
        video = VideoManifest.from_bytes(data, video_id) if data else read_video(store, video_id)
        if versions is None and _source_is_gone(store, video):
            version += SOURCE_DELETED
        rows = rows_of(video, version)
        if rows is None:
            _logger.info("%s is left out of the catalog until it is processed", video_id)
            return ReadVideo(video_id, version, digest)
        tables = (
            pa.Table.from_pylist([rows[0]], VIDEO_SCHEMA),
            pa.Table.from_pylist(rows[1], CLIP_SCHEMA),
        )
    except HeatersError as error:
        # What may pass fails the run, which is tried again.
        if error.transient:
            raise
        return ReadVideo(video_id, version, digest, reason=str(error))
    except (KeyError, TypeError, ValueError, AttributeError, ArithmeticError) as error:
        why = damaged(keys.video_manifest_key(video_id), f"{type(error).__name__}: {error}")
        return ReadVideo(video_id, version, digest, reason=str(why))
    return ReadVideo(video_id, version, digest, tables)


def _content(store: ObjectStore, video_id: str) -> bytes:
    """The manifest; empty if there is none, or one of an older version."""
    try:
        return read_limited(store, keys.video_manifest_key(video_id), max_bytes=LARGE_BYTES)
    except ObjectNotFoundError:
        return b""


def _source_is_gone(store: ObjectStore, video: VideoManifest) -> bool:
    source = video.stages.get("source_videos")
    key = source.summary["source_key"] if source else keys.guess_source_key(video.video_id)
    return key is not None and store.head(str(key)) is None


def _recorded(store: ObjectStore, video_id: str) -> str | None:
    found = record_of(store, video_id)
    return None if found is None else found.version
