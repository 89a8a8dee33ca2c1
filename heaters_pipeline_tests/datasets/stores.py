"""Stores of several videos, of which one was processed, and exports of them."""

import json
import signal
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from heaters_pipeline.datasets import exporting
from heaters_pipeline.datasets.exporting import ExportedDataset, export_dataset
from heaters_pipeline.datasets.place import Place
from heaters_pipeline.datasets.settings import DatasetSettings
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.manifests import ManifestItem
from heaters_pipeline.storage.records.video_manifests import read_video, write_video

CLIPS = 4
"""Of each video."""
CHECKOUT = Path(__file__).resolve().parents[2]
ANY = "application/octet-stream"


def copy_film(film: ObjectStore, store: ObjectStore, *video_ids: str) -> None:
    """Let a store have the film that another has, under some names."""
    manifest = film.read_bytes(keys.video_manifest_key("film"))
    for video_id in video_ids:
        for found in film.list("clips/film/"):
            key = found.key.replace("film", video_id)
            store.write_bytes(key, film.read_bytes(found.key), content_type=ANY)
        data = manifest.replace(b"film", video_id.encode())
        store.write_bytes(keys.video_manifest_key(video_id), data, content_type=ANY)


def change_clips(
    store: ObjectStore, video_id: str, change: Callable[[ManifestItem], ManifestItem]
) -> None:
    """Let something else be recorded of the clips of a video."""
    video = read_video(store, video_id)
    clips = video.stages["clips"]
    items = tuple(map(change, clips.items))
    write_video(store, video.with_stage(replace(clips, items=items)))


def marked(**details: Any) -> Callable[[ManifestItem], ManifestItem]:
    """A change that people's decisions make."""
    return lambda item: replace(item, details={**item.details, **details})


def export(
    store: ObjectStore,
    folder: Path,
    *videos: str,
    on_progress: Callable[[int, int], None] | None = None,
    **settings: Any,
) -> ExportedDataset:
    """Export into a folder."""
    place = Place(DirectoryObjectStore(folder))
    wanted: Sequence[Sequence[str]] = [[each] for each in videos]
    with TemporaryDirectory() as scratch:
        asked = DatasetSettings(**settings)
        return export_dataset(
            store, place, asked, Path(scratch), wanted=wanted, on_progress=on_progress
        )


def export_killed(store: ObjectStore, folder: Path, after: int, **settings: Any) -> None:
    """Export in a process that is killed once it has written so many parts."""
    asked = json.dumps([store.url, str(folder), after, exporting.MEGABYTE, settings])
    command = [sys.executable, "-m", "heaters_pipeline_tests.datasets.killed_export", asked]
    ended = subprocess.run(command, cwd=CHECKOUT, check=False)
    assert ended.returncode == -signal.SIGKILL


def files_in(folder: Path) -> dict[str, int]:
    """When each file of a data set was written, by its name."""
    return {
        path.relative_to(folder).as_posix(): path.stat().st_mtime_ns
        for path in folder.rglob("*")
        if path.is_file() and not path.name.startswith(".")
    }
