"""Notes of what the next catalog has to look at, so that it need not look at all videos.

Who writes or removes the manifest of a video puts up a note first: an object under
``catalog/changes/`` whose key names the video and a digest of the manifest that is to come. Whoever
makes the catalog reads the manifests of the noted videos, and takes the notes down when the tables
are stored. A note stays while the manifest that was read is not the one that it announced: its
writer is about to write it, or died. So nothing is missed, whoever is killed, and whenever.
"""

import hashlib
import secrets
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta

from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore

SETTLED_AFTER = timedelta(minutes=15)
"""A manifest that is not written by then will not be: a request and its repeats take less."""
_DELETERS = 16


@dataclass(frozen=True, slots=True)
class ChangeNote:
    """A note that a video changed, or is about to.

    Attributes:
        key: Its own.
        video_id: Whose manifest is written.
        digest: Of what is written.
        noted: When, by the store's clock.
    """

    key: str
    video_id: str
    digest: str
    noted: datetime


def manifest_digest(data: bytes) -> str:
    """What a note says of the content of a manifest; of none, if it is removed."""
    return hashlib.sha256(data).hexdigest()[:16]


def note_change(store: ObjectStore, video_id: str, data: bytes) -> None:
    """Announce that the manifest of a video is about to be written, or removed.

    Args:
        store: Where it lies.
        video_id: Whose it is.
        data: What it will hold; empty if it is removed.
    """
    key = keys.catalog_change_key(video_id, manifest_digest(data), secrets.token_hex(4))
    store.write_bytes(key, b"{}\n", content_type="application/json")


def change_notes(listing: Iterable[ObjectInfo]) -> list[ChangeNote]:
    """The notes among what lies under ``catalog/``."""
    notes = []
    for found in listing:
        parts = keys.catalog_change(found.key)
        if parts is not None:
            notes.append(ChangeNote(found.key, *parts, found.modified))
    return notes


def settled(
    notes: Iterable[ChangeNote], read: Mapping[str, str], now: datetime
) -> list[ChangeNote]:
    """The notes whose manifests are written, or never will be.

    Args:
        notes: As they were listed before the manifests were read.
        read: The digest of the manifest of each noted video.
        now: By the store's clock.
    """
    notes = list(notes)
    announced = {note.video_id: note.noted for note in notes if note.digest == read[note.video_id]}
    return [
        note
        for note in notes
        if note.digest == read[note.video_id]
        # Those that write one video do so one after the other.
        or (note.video_id in announced and note.noted < announced[note.video_id])
        or now - note.noted > SETTLED_AFTER
    ]


def take_down(store: ObjectStore, notes: Iterable[ChangeNote]) -> None:
    """Remove notes that the catalog has followed."""
    with ThreadPoolExecutor(_DELETERS) as pool:
        list(pool.map(store.delete, [note.key for note in notes]))
