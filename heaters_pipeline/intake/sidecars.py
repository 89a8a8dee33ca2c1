"""Subtitle files beside a video of the same stem: its sidecars, which go where it goes."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Any

from heaters_pipeline.intake.sources import has_video_name
from heaters_pipeline.storage.digests import file_sha256, object_sha256
from heaters_pipeline.storage.local_files import os_errors_explained
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore

CONTENT_TYPES = {
    "srt": "application/x-subrip",
    "vtt": "text/vtt",
    "ass": "text/x-ssa",
    "ssa": "text/x-ssa",
}
"""MIME types by the extensions of subtitle files."""

Rows = Sequence[Mapping[str, Any]]
"""What the manifest says of sidecars: ``key``, ``version``, ``size_bytes`` and ``sha256`` each."""

_MOST_PARTS = 3
_ENDING = re.compile(rf"(\.[A-Za-z0-9_-]{{1,20}}){{0,2}}\.({'|'.join(CONTENT_TYPES)})", re.I)


@dataclass(frozen=True, slots=True)
class LocalSidecar:
    """A subtitle file of this machine, and where in the store it belongs.

    Attributes:
        path: The file.
        key: Beside its video.
        content_type: Its MIME type.
    """

    path: Path
    key: str
    content_type: str


def sidecar_ending(video: str, other: str) -> str | None:
    """What follows the stem that a file shares with a video, if it is its sidecar; else None.

    ``.srt`` of ``clip.srt`` beside ``clip.mp4``; ``.en.srt`` of ``clip.en.srt``, too.

    Args:
        video: Its name or key.
        other: The name or key of the other file.
    """
    stem = stem_of(video)
    matched = _ENDING.fullmatch(other, len(stem)) if other.startswith(stem) else None
    return matched.group() if matched else None


def stem_of(video: str) -> str:
    """The name or key of a video without its extension."""
    return video.removesuffix(PurePosixPath(video).suffix)


def sidecars_by_stem(listing: Iterable[ObjectInfo]) -> dict[str, list[ObjectInfo]]:
    """The subtitle files of a listing, by the stems of the videos whose sidecars they would be."""
    found: dict[str, list[ObjectInfo]] = {}
    for each in listing:
        if PurePosixPath(each.key).suffix[1:].lower() in CONTENT_TYPES:
            stem = each.key
            for _ in range(_MOST_PARTS):
                stem = stem.rpartition(".")[0]
                if sidecar_ending(f"{stem}.mp4", each.key) is not None:
                    found.setdefault(stem, []).append(each)
    return found


def local_sidecars(path: Path, source_key: str) -> Iterator[LocalSidecar]:
    """The sidecars of a local video that is, or will be, stored under a key."""
    with os_errors_explained(f"cannot look into {path.parent}"):
        beside = sorted(path.parent.iterdir())
    for file in beside:
        ending = sidecar_ending(path.name, file.name)
        if ending is not None and file.is_file():
            content_type = CONTENT_TYPES[file.suffix[1:].lower()]
            yield LocalSidecar(file, f"{stem_of(source_key)}{ending}", content_type)


def is_stored(
    store: ObjectStore, sidecar: LocalSidecar, listed: Mapping[str, ObjectInfo], known: Rows
) -> bool:
    """Whether the store has a sidecar with this content.

    Args:
        store: Where it would lie.
        sidecar: The local file.
        listed: What lies beside the video.
        known: What is recorded of sidecars.
    """
    found = listed.get(sidecar.key)
    if found is None or found.size_bytes != sidecar.path.stat().st_size:
        return False
    recorded = str(_row(store, found, known)["sha256"])
    return recorded == file_sha256(sidecar.path)


def sidecar_rows(
    store: ObjectStore, source_key: str, listed: Mapping[str, ObjectInfo], known: Rows
) -> list[dict[str, Any]]:
    """What is to be recorded of the sidecars of a video; only those that changed are read.

    Args:
        store: Where they lie.
        source_key: Of the video.
        listed: What lies beside it.
        known: What is recorded of them.
    """
    found = [each for key, each in listed.items() if sidecar_ending(source_key, key) is not None]
    return [_row(store, each, known) for each in found]


def shared_with(source_key: str, listed: Mapping[str, ObjectInfo]) -> bool:
    """Whether another video has the same stem, and so the same sidecars."""
    return any(
        key != source_key and stem_of(key) == stem_of(source_key) and has_video_name(key)
        for key in listed
    )


def _row(store: ObjectStore, found: ObjectInfo, known: Rows) -> dict[str, Any]:
    for row in known:
        if (row["key"], row["version"]) == (found.key, found.version):
            return dict(row)
    return {
        "key": found.key,
        "version": found.version,
        "size_bytes": found.size_bytes,
        "sha256": object_sha256(store, found.key, found.size_bytes),
    }
