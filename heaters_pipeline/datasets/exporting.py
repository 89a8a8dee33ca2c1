"""Write a data set, or what changed of it: clips first, then what describes them.

A part is named by its content and appears whole, so that one that is there is not written again,
and an export that was interrupted goes on. Parts that belong no more go last: who reads by the old
description finds all that it names until there is a new one.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.compute as pc

from heaters_pipeline.datasets import videofolder, webdataset
from heaters_pipeline.datasets.clip_files import ClipFiles
from heaters_pipeline.datasets.documents import write_documents
from heaters_pipeline.datasets.parts import Part
from heaters_pipeline.datasets.place import Place
from heaters_pipeline.datasets.selecting import SelectedClips, selected_clips
from heaters_pipeline.datasets.settings import DatasetSettings
from heaters_pipeline.errors import SettingsError
from heaters_pipeline.storage.digests import file_sha256
from heaters_pipeline.storage.object_store import ObjectStore

MEGABYTE = 1_000_000


@dataclass(frozen=True, slots=True)
class ExportedDataset:
    """What became of an export.

    Attributes:
        clips: How many it holds.
        videos: Of how many videos.
        rejected: How many were left out since somebody rejected them.
        unfinished: How many videos of the store were left out until they are finished.
        unreadable: Videos of which the records cannot be read, with the reason.
        kept: How many of its files of clips were there already.
        written: The names of those that were not.
        removed: The names of those that belong to it no more.
        documents: The names of the files that describe it and were written.
    """

    clips: int
    videos: int
    rejected: int
    unfinished: int
    unreadable: Mapping[str, str]
    kept: int
    written: Sequence[str]
    removed: Sequence[str]
    documents: Sequence[str]


def export_dataset(
    store: ObjectStore,
    place: Place,
    settings: DatasetSettings,
    scratch: Path,
    *,
    wanted: Sequence[Sequence[str]] = (),
    on_progress: Callable[[int, int], None] | None = None,
) -> ExportedDataset:
    """Write a data set of clips, or what changed of it.

    Args:
        store: Where the clips lie.
        place: Where the data set is to lie; no other export writes there meanwhile.
        settings: What it is asked to be.
        scratch: An empty folder with room for a shard.
        wanted: For each video the ids that it may have, likeliest first; none for all videos.
        on_progress: Called with the megabytes of clips that were written and those to be written.
    Raises:
        SettingsError: No clip was asked for, a setting is wrong, or something else lies there.
        ManifestError: A clip is not what is recorded.
    """
    # What lies there may forbid it, before anything is done.
    mine = place.ledger(settings.format)
    for name in ("catalog", "clips", "documents"):
        (scratch / name).mkdir()
    with selected_clips(
        store,
        scratch / "catalog",
        wanted=wanted,
        where=settings.where,
        with_rejected=settings.with_rejected,
    ) as clips:
        if not clips.table.num_rows:
            raise SettingsError(f"no clip was left to export: {_why_none(clips, settings)}")
        files = ClipFiles(store, scratch / "clips")
        return _write(place, mine, clips, files, settings, scratch, on_progress)


def _why_none(clips: SelectedClips, settings: DatasetSettings) -> str:
    if clips.rejected:
        return (
            f"{clips.rejected} rejected ones are left out without --with-rejected, and none other "
            "was asked for"
        )
    if clips.asked and settings.where is not None:
        return f"none of {clips.asked} clips meets the condition {settings.where!r}"
    return "there is none of a finished video yet; heaters status lists all videos"


def _write(
    place: Place,
    mine: Mapping[str, str],
    clips: SelectedClips,
    files: ClipFiles,
    settings: DatasetSettings,
    scratch: Path,
    on_progress: Callable[[int, int], None] | None,
) -> ExportedDataset:
    parts = list(_planned(clips, settings))
    there = place.sizes(_part_prefix(settings))
    missing = [part for part in parts if there.get(part.name) != part.size_bytes]
    digests = {part.name: mine.get(part.name, "") for part in parts}
    digests |= dict.fromkeys((part.name for part in missing), "")
    if missing:
        place.write_ledger(settings.format, {**mine, **digests})
    made = _made(missing, clips, files, settings, scratch)
    digests |= _put(place, made, missing, settings, on_progress)
    if settings.is_sharded:
        # What a killed export left is whole, and only its content tells its digest.
        untold = [part for part in parts if not digests[part.name]]
        digests |= {part.name: place.digest(part.name, part.size_bytes) for part in untold}
    described = write_documents(scratch / "documents", settings, clips, parts, digests)
    documents = [path.name for path in described if place.keep(path.name, path)]
    removed = sorted((mine.keys() - digests.keys()) & there.keys())
    for name in removed:
        place.remove(name)
    if mine != digests:
        place.write_ledger(settings.format, digests)
    return ExportedDataset(
        clips=clips.table.num_rows,
        videos=pc.count_distinct(clips.table["video_id"]).as_py(),
        rejected=clips.rejected,
        unfinished=clips.unfinished,
        unreadable=clips.unreadable,
        kept=len(parts) - len(missing),
        written=[part.name for part in missing],
        removed=removed,
        documents=documents,
    )


def _put(
    place: Place,
    made: Iterable[tuple[Part, Path]],
    missing: Sequence[Part],
    settings: DatasetSettings,
    on_progress: Callable[[int, int], None] | None,
) -> dict[str, str]:
    """Store parts as they are made; the digests of shards."""
    digests = {}
    written_bytes, all_bytes = 0, sum(part.size_bytes for part in missing)
    for part, path in made:
        if settings.is_sharded:
            digests[part.name] = file_sha256(path)
        place.put(part.name, path)
        written_bytes += part.size_bytes
        if on_progress:
            on_progress(written_bytes // MEGABYTE, all_bytes // MEGABYTE)
    return digests


def _planned(clips: SelectedClips, settings: DatasetSettings) -> Iterator[Part]:
    if settings.is_sharded:
        return webdataset.planned_shards(clips, settings.shard_megabytes * MEGABYTE)
    return videofolder.planned_files(clips)


def _part_prefix(settings: DatasetSettings) -> str:
    """What the names of all files of clips begin with."""
    return webdataset.SHARD_PREFIX if settings.is_sharded else videofolder.FOLDER


def _made(
    parts: Sequence[Part],
    clips: SelectedClips,
    files: ClipFiles,
    settings: DatasetSettings,
    scratch: Path,
) -> Iterator[tuple[Part, Path]]:
    if settings.is_sharded:
        return webdataset.made_shards(parts, clips, files, scratch)
    return videofolder.made_files(parts, clips, files)
