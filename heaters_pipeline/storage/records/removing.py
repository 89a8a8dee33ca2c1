"""Take a video out of a store for good, under the claim on it.

In two steps, between which the catalog is made anew, so that it never names what is gone. First the
source goes, without which nothing starts a run, then the records; in the second step the objects.
Whatever cuts it off, what is left is found by the name of the video, and removing it again goes on.
"""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack

from heaters_pipeline.errors import HeatersError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.catalog_changes import note_change
from heaters_pipeline.storage.records.claims import Claims
from heaters_pipeline.storage.records.unnamed import read_unnamed, write_unnamed
from heaters_pipeline.storage.records.video_keys import (
    decisions_of_video,
    objects_of_video,
    records_of_video,
)

DELETERS = 16


class BusyError(HeatersError):
    """Another run works on the video."""


class VideoRemoval:
    """The removal of one video; the claim on it is held until ``close``.

    Args:
        store: Where it lies.
        claims: Of this machine.
        cache: Whose copies of its objects go, too.
        video_id: The partition.
    Raises:
        BusyError: A run is at work on it.
    """

    def __init__(
        self, store: ObjectStore, claims: Claims, cache: LocalCache, video_id: str
    ) -> None:
        self.video_id = video_id
        self._store = store
        self._cache = cache
        self._claim = ExitStack()
        self._claim.enter_context(claims.held(video_id, _busy))

    def remove_source(self, source_key: str, beside: Iterable[ObjectInfo]) -> None:
        """Remove the source after what belongs to it alone."""
        self._delete(beside)
        found = self._store.head(source_key)
        if found is not None:
            self._delete([found])

    def remove_decisions(self) -> None:
        """Remove what people decided of it."""
        self._delete(list(decisions_of_video(self._store, self.video_id)))

    def remove_records(self) -> None:
        """Remove the request to bring it in, and what is recorded; the next catalog is without it.

        The manifest goes last, since it says where the source was.
        """
        self._store.delete(keys.link_key(self.video_id))
        self._store.delete(keys.submission_key(self.video_id))
        note_change(self._store, self.video_id, b"")
        for found in list(records_of_video(self._store, self.video_id))[::-1]:
            self._delete([found])

    def remove_objects(self, kept: Iterable[str] = ()) -> None:
        """Remove what was made of it and what is noted of that, but for the keys that are kept."""
        others = (keys.CLAIM_PREFIX, *kept)
        self._delete(
            found
            for found in objects_of_video(self._store, self.video_id)
            if not found.key.startswith(others)
        )
        noted = read_unnamed(self._store)
        left = {key: one for key, one in noted.items() if one.video_id != self.video_id}
        if left != noted:
            write_unnamed(self._store, left)

    def close(self) -> None:
        """Let others have the video. Claims that dead processes left on it go with ours."""
        self._claim.close()
        self._delete(self._store.list(keys.claim_prefix(self.video_id)))

    def _delete(self, found: Iterable[ObjectInfo]) -> None:
        with ThreadPoolExecutor(DELETERS) as pool:
            list(pool.map(self._delete_one, list(found)))

    def _delete_one(self, found: ObjectInfo) -> None:
        self._store.delete(found.key)
        self._cache.forget(self._store, found.key, found.version)


def _busy(whom: str) -> None:
    raise BusyError(f"{whom} works on it")
