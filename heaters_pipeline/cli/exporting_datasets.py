"""``heaters export --format webdataset`` or ``videofolder``: clips as a data set for training."""

import fcntl
import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from heaters_pipeline import home
from heaters_pipeline.cli.terminal import Watcher
from heaters_pipeline.datasets.exporting import export_dataset
from heaters_pipeline.datasets.place import Place
from heaters_pipeline.datasets.settings import DatasetSettings
from heaters_pipeline.errors import SettingsError, printable
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.file_locks import (
    held_folder,
    lock_file,
    remove_abandoned_folders,
    unlock_file,
)
from heaters_pipeline.storage.local_files import make_folder, os_errors_explained
from heaters_pipeline.storage.open_store import open_store

_LOCK = ".heaters-dataset.lock"


def export_into_folder(
    wanted: Sequence[Sequence[str]], settings: DatasetSettings, folder: Path
) -> dict[str, Any]:
    """Write a data set into a folder, or what changed of it.

    Args:
        wanted: For each video the ids that it may have, likeliest first; none for all videos.
        settings: What it is asked to be.
        folder: Where.
    Returns:
        What became of it, for ``--json``.
    Raises:
        SettingsError: Another export writes there, something else lies there, or a setting is
            wrong.
    """
    store = open_store(home.store_location(), base_folder=home.home_folder())
    target = DirectoryObjectStore(folder)
    if f"{target.url}/".startswith(f"{store.url}/") or f"{store.url}/".startswith(f"{target.url}/"):
        raise SettingsError(f"{folder} has the store in it, or lies in it; name another --output")
    scratch_folder = home.cache_folder() / "scratch"
    with _alone(folder), ExitStack() as at_end, Watcher() as watcher:
        at_end.callback(target.remove_temporary_folder)
        watcher.start(folder.name)
        remove_abandoned_folders(scratch_folder)
        target.tidy()
        with held_folder(scratch_folder) as scratch:
            done = export_dataset(
                store,
                Place(target),
                settings,
                scratch,
                wanted=wanted,
                on_progress=lambda done, total: watcher.step("dataset", done, total),
            )
        watcher.clear()
        for video_id, reason in done.unreadable.items():
            watcher.warn(f"{video_id} is left out: {reason}")
    return {
        "format": settings.format,
        "folder": str(folder),
        "where": settings.where,
        "clips": done.clips,
        "videos": done.videos,
        "rejected": done.rejected,
        "unfinished_videos": done.unfinished,
        "unreadable": dict(done.unreadable),
        "kept": done.kept,
        "written": list(done.written),
        "removed": list(done.removed),
        "documents": list(done.documents),
    }


def dataset_lines(document: Mapping[str, Any]) -> list[str]:
    """What a person reads of a data set."""
    files = "shards" if document["format"] == "webdataset" else "files"
    left_out = [
        f"{count} {what}"
        for count, what in (
            (document["rejected"], "rejected clips"),
            (document["unfinished_videos"], "videos that are not finished"),
            (len(document["unreadable"]), "videos that cannot be read"),
        )
        if count
    ]
    holds = f"{document['clips']} clips of {document['videos']} videos"
    return [
        f"{printable(document['folder'])}: {holds}",
        f"  {files}: {len(document['written'])} written, {document['kept']} there already, "
        f"{len(document['removed'])} removed",
        *([f"  left out: {', '.join(left_out)}"] if left_out else []),
    ]


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Be the only export that writes into a folder, which one that is refused does not leave."""
    path = folder / _LOCK
    is_new = not folder.exists()
    with os_errors_explained(f"cannot write {folder}"):
        make_folder(folder)
        try:
            lock = lock_file(path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise SettingsError(
                f"another export writes into {folder}; wait for it, or name another --output"
            ) from error
    try:
        yield
    finally:
        path.unlink(missing_ok=True)
        unlock_file(lock)
        if is_new and not any(folder.iterdir()):
            folder.rmdir()
