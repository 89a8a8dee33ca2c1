"""The tables of all finished videos and their clips, for pandas, DuckDB and training jobs.

``catalog/videos.parquet`` and ``catalog/clips.parquet`` are made from the manifests. What did not
change since the last catalog is copied from it: either the manifests are listed and compared with
it, or, far quicker, only the videos are looked at that somebody noted as changed.
"""

import logging
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from heaters_pipeline.report.catalog_columns import CATALOG_VERSION, CLIP_SCHEMA, VIDEO_SCHEMA
from heaters_pipeline.report.catalog_reading import ReadVideo, read_videos
from heaters_pipeline.report.catalog_record import StoredCatalog
from heaters_pipeline.report.catalog_rows import SOURCE_DELETED
from heaters_pipeline.report.catalog_tables import (
    DamagedTableError,
    GroupWriter,
    LastTables,
    Notes,
    last_tables,
    write_merged,
)
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.manifests import fingerprint_of
from heaters_pipeline.storage.records.video_manifests import newest_records

FEW = 1000
"""What one page of a LIST holds."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Catalog:
    """Both tables as files, and how they came about.

    Attributes:
        videos: The file with one row a video, by ``video_id``.
        clips: That with one row a clip, by video and position.
        video_rows: Rows of ``videos``.
        clip_rows: Rows of ``clips``.
        fingerprint: Of the manifests that they were made from.
        read: Videos whose manifests were read.
        reused: Videos copied from the last catalog.
        left_out: The versions of the videos that are not finished, by ``video_id``.
        unreadable: The videos whose manifests cannot be read, with the reason.
        digests: Of the manifests that were read, by ``video_id``.
    """

    videos: Path
    clips: Path
    video_rows: int
    clip_rows: int
    fingerprint: str
    read: int
    reused: int
    left_out: Mapping[str, str]
    unreadable: Mapping[str, str]
    digests: Mapping[str, str]


def record_versions(store: ObjectStore) -> dict[str, str]:
    """A version for each video of which anything is recorded, by a LIST of those and of sources.

    It is another one once the source is gone, so that the catalog says so.
    """
    return _versions(store.list(keys.SOURCE_PREFIX), store.list(keys.MANIFEST_PREFIX))


def few_record_versions(store: ObjectStore, stored: StoredCatalog | None) -> dict[str, str] | None:
    """The same of a small store, by a page of each LIST; None of a larger one.

    So small ones show at once what others changed by hand.

    Args:
        store: Where it is recorded.
        stored: The last catalog, which may tell that the store is none of these.
    """
    if stored is not None and stored.videos >= FEW:
        return None
    sources = list(islice(store.list(keys.SOURCE_PREFIX), FEW))
    manifests = list(islice(store.list(keys.MANIFEST_PREFIX), FEW))
    if FEW in (len(sources), len(manifests)):
        return None
    return _versions(sources, manifests)


def _versions(sources: Iterable[ObjectInfo], manifests: Iterable[ObjectInfo]) -> dict[str, str]:
    stored = {keys.video_id_of(one.key) for one in sources if keys.is_video_upload(one.key)}
    return {
        video_id: found.version if video_id in stored else f"{found.version}{SOURCE_DELETED}"
        for video_id, found in sorted(newest_records(manifests).items())
    }


def catalog_fingerprint(versions: Mapping[str, str]) -> str:
    """What decides a catalog."""
    return fingerprint_of({"catalog_version": CATALOG_VERSION, "videos": dict(versions)})


def build_catalog(
    store: ObjectStore,
    versions: Mapping[str, str],
    folder: Path,
    *,
    noted: Collection[str] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> Catalog:
    """Make both tables, reading only the manifests that are not in the last catalog.

    Args:
        store: Where manifests and the last catalog lie.
        versions: From ``record_versions``.
        folder: An empty one, for the tables.
        noted: Videos that are read in any case.
        on_progress: Called with the videos read and their number.
    """
    with last_tables(store, folder) as last:
        if last is not None:
            known = {**last.versions, **last.notes.left_out}
            changed = {name for name, version in versions.items() if known.get(name) != version}
            fresh = _read_all(store, changed.union(noted), versions, folder, on_progress)
            try:
                return _made(store, last, fresh, versions, {}, folder)
            except DamagedTableError as error:
                _logger.warning("%s", error)
    fresh = _read_all(store, {*versions, *noted}, versions, folder, on_progress)
    return _made(store, None, fresh, versions, {}, folder)


def update_catalog(
    store: ObjectStore, noted: Collection[str], unreadable: Mapping[str, str], folder: Path
) -> Catalog | None:
    """Make both tables by looking at some videos alone, of all others as they were.

    Args:
        store: Where manifests and the last catalog lie.
        noted: The videos that are looked at.
        unreadable: Why the last catalog left videos out, by ``video_id``.
        folder: An empty one, for the tables.
    Returns:
        None if the last catalog cannot be copied, so that all videos are to be looked at.
    """
    with last_tables(store, folder) as last:
        if last is None:
            return None
        fresh = _read_all(store, noted, None, folder, None)
        versions = {**last.versions, **last.notes.left_out, **last.notes.unreadable}
        for video_id in fresh.digests:
            versions.pop(video_id, None)
        try:
            return _made(store, last, fresh, versions | fresh.versions, unreadable, folder)
        except DamagedTableError as error:
            _logger.warning("%s", error)
            return None


@dataclass(frozen=True, slots=True)
class _Fresh:
    """What was read, by ``video_id``: rows in the files of both tables, and what else is known."""

    videos: Path
    clips: Path
    versions: dict[str, str] = field(default_factory=dict)
    left_out: dict[str, str] = field(default_factory=dict)
    unreadable: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)

    def note(self, one: ReadVideo) -> None:
        self.digests[one.video_id] = one.digest
        if one.version is None:
            return
        self.versions[one.video_id] = one.version
        if one.reason is not None:
            self.unreadable[one.video_id] = one.reason
        elif one.rows is None:
            self.left_out[one.video_id] = one.version


def _read_all(
    store: ObjectStore,
    video_ids: Collection[str],
    versions: Mapping[str, str] | None,
    folder: Path,
    on_progress: Callable[[int, int], None] | None,
) -> _Fresh:
    fresh = _Fresh(folder / "fresh-videos.parquet", folder / "fresh-clips.parquet")
    with (
        GroupWriter(fresh.videos, VIDEO_SCHEMA) as videos,
        GroupWriter(fresh.clips, CLIP_SCHEMA) as clips,
    ):
        reading = read_videos(store, sorted(video_ids), versions)
        for done, one in enumerate(reading, 1):
            fresh.note(one)
            if one.rows is not None:
                videos.add(one.rows[0])
                clips.add(one.rows[1])
            if on_progress:
                on_progress(done, len(video_ids))
    return fresh


def _made(
    store: ObjectStore,
    last: LastTables | None,
    fresh: _Fresh,
    versions: Mapping[str, str],
    unreadable: Mapping[str, str],
    folder: Path,
) -> Catalog:
    """Merge what was read with what is copied.

    Args:
        store: Of the videos.
        last: What is copied, but for what was read.
        fresh: What was read.
        versions: Of all records that there are.
        unreadable: Why videos were left out of the last catalog.
        folder: For the tables.
    """
    rows = last.versions if last else {}
    before = last.notes if last else Notes("", {}, {})
    reread = fresh.digests.keys()
    left_out = _still(before.left_out, versions, reread) | fresh.left_out
    why = _still(unreadable, versions, reread) | fresh.unreadable
    notes = Notes(
        catalog_fingerprint(versions), left_out, {name: versions[name] for name in sorted(why)}
    )
    dropped = sorted(name for name in rows if name in reread or name not in versions)
    videos, clips = folder / "new-videos.parquet", folder / "new-clips.parquet"
    video_rows = write_merged(
        videos, VIDEO_SCHEMA, notes, last.videos if last else None, dropped, fresh.videos, store.url
    )
    clip_rows = write_merged(
        clips, CLIP_SCHEMA, notes, last.clips if last else None, dropped, fresh.clips, store.url
    )
    return Catalog(
        videos=videos,
        clips=clips,
        video_rows=video_rows,
        clip_rows=clip_rows,
        fingerprint=notes.fingerprint,
        read=len(reread),
        reused=len(rows) - len(dropped),
        left_out=left_out,
        unreadable=why,
        digests=fresh.digests,
    )


def _still(
    known: Mapping[str, str], versions: Mapping[str, str], reread: Collection[str]
) -> dict[str, str]:
    """What the last catalog knew of videos that are recorded and were not looked at again."""
    return {name: value for name, value in known.items() if name in versions and name not in reread}
