"""What the store holds of many videos, by LIST pages alone."""

from collections.abc import Iterable, Iterator
from typing import Protocol

from heaters_pipeline.storage import keys
from heaters_pipeline.storage.notices import FINISHED_STAGES
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore

OBJECT_FOLDERS = ("frame_scores", "clips", "sprite_sheets", "keyframes", "reports")
"""Where the objects of a video lie, each in a folder named after it."""

RECORD_FOLDERS = (*FINISHED_STAGES, "finished")
"""Where its records lie, under ``manifests/``."""


class StoredVideos(Protocol):
    """Videos in ascending order, with what lies in the store of each."""

    def video_ids(self) -> Iterable[str]:
        """The videos, in the order in which ``objects`` has to be asked."""
        ...

    def objects(self, folder: str, video_id: str) -> dict[str, ObjectInfo]:
        """What lies in a folder of ``OBJECT_FOLDERS`` of a video, by key."""
        ...

    def record_bytes(self, folder: str, video_id: str) -> int | None:
        """The size of a record of ``RECORD_FOLDERS``, None if there is none."""
        ...

    def source(self, key: str) -> ObjectInfo | None:
        """A source object."""
        ...


class NamedVideos:
    """A few videos, each looked for by itself.

    Args:
        store: Where they are.
        video_ids: Which.
    """

    def __init__(self, store: ObjectStore, video_ids: Iterable[str]) -> None:
        self._store = store
        self._video_ids = list(dict.fromkeys(video_ids))

    def video_ids(self) -> Iterable[str]:
        """As they were named."""
        return self._video_ids

    def objects(self, folder: str, video_id: str) -> dict[str, ObjectInfo]:
        """One LIST."""
        return {
            found.key: found for found in self._store.list(keys.objects_prefix(folder, video_id))
        }

    def record_bytes(self, folder: str, video_id: str) -> int | None:
        """One HEAD."""
        found = self._store.head(keys.manifest_key(folder, video_id))
        return None if found is None else found.size_bytes

    def source(self, key: str) -> ObjectInfo | None:
        """One HEAD."""
        return self._store.head(key)


class AllVideos:
    """Every video of a store that has a record, by a few long listings.

    Args:
        store: Where they are.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._records = {folder: self._sizes(folder) for folder in RECORD_FOLDERS}
        self._sources = {found.key: found for found in store.list(keys.SOURCE_PREFIX)}
        self._folders = {folder: _ByVideo(store, folder) for folder in OBJECT_FOLDERS}

    def video_ids(self) -> Iterable[str]:
        """Those with a record, in the order of their folders."""
        known = {video_id for sizes in self._records.values() for video_id in sizes}
        return sorted(known, key=lambda video_id: f"{video_id}/".encode())

    def objects(self, folder: str, video_id: str) -> dict[str, ObjectInfo]:
        """From the listing of all."""
        return self._folders[folder].of(video_id)

    def record_bytes(self, folder: str, video_id: str) -> int | None:
        """From the listing of all."""
        return self._records[folder].get(video_id)

    def source(self, key: str) -> ObjectInfo | None:
        """From the listing of all."""
        return self._sources.get(key)

    def _sizes(self, folder: str) -> dict[str, int]:
        prefix = keys.manifest_prefix(folder)
        return {
            name.removesuffix(".json"): found.size_bytes
            for found in self._store.list(prefix)
            if (name := found.key.removeprefix(prefix)).endswith(".json")
        }


class _ByVideo:
    """A listing of one folder that is read along with ascending videos, and never kept whole."""

    def __init__(self, store: ObjectStore, folder: str) -> None:
        self._folder = folder
        self._listing: Iterator[ObjectInfo] = iter(store.list(f"{folder}/"))
        self._next = next(self._listing, None)

    def of(self, video_id: str) -> dict[str, ObjectInfo]:
        prefix = keys.objects_prefix(self._folder, video_id)
        first = prefix.encode()
        found = {}
        while self._next is not None:
            if self._next.key.startswith(prefix):
                found[self._next.key] = self._next
            elif self._next.key.encode("utf-8", "surrogateescape") > first:
                break
            self._next = next(self._listing, None)
        return found
