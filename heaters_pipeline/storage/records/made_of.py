"""Which version of its source each manifest was made of, read again only when it changed."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from heaters_pipeline.errors import HeatersError, ManifestError
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.video_manifests import read_video

READERS = 16


@dataclass(frozen=True, slots=True)
class MadeOf:
    """What a manifest says of its source.

    Attributes:
        version: Of the source object; None if the manifest does not tell.
        finished: Whether all stages are done.
        sidecars: Key and version of each.
        readable: Whether the store gave it at all.
    """

    version: str | None
    finished: bool
    sidecars: frozenset[tuple[str, str]] = frozenset()
    readable: bool = True


@dataclass(slots=True)
class KnownManifests:
    """What one process remembers of the manifests of a store, by the versions that it read.

    Attributes:
        read: By the store's address and video: the version of its manifest, and what that says.
    """

    read: dict[tuple[str, str], tuple[str, MadeOf]] = field(default_factory=dict)

    def unknown(self, store: ObjectStore, listing: Mapping[str, ObjectInfo]) -> list[str]:
        """The videos of a listing whose manifests are other ones than those that were read."""
        return [
            video_id
            for video_id, found in listing.items()
            if self.read.get((store.url, video_id), ("",))[0] != found.version
        ]

    def learn(self, store: ObjectStore, told: Mapping[str, tuple[str, MadeOf]]) -> None:
        """Take what another record tells of manifests, with their versions, for read."""
        for video_id, known in told.items():
            self.read[store.url, video_id] = known

    def update(
        self,
        store: ObjectStore,
        listing: Mapping[str, ObjectInfo],
        wanted: Iterable[str],
        *,
        most: int,
    ) -> dict[str, MadeOf]:
        """What the manifests of the wanted videos were made of.

        Args:
            store: Where they lie.
            listing: From ``recorded_videos``.
            wanted: The videos; those without a manifest are left out.
            most: How many manifests to read; the videos of the others are left out this time.
        """
        recorded = [video_id for video_id in wanted if video_id in listing]
        changed = self.unknown(store, {each: listing[each] for each in recorded})
        with ThreadPoolExecutor(READERS) as pool:
            found = pool.map(lambda video_id: _made_of(store, video_id), changed[:most])
            for video_id, made_of in zip(changed, found, strict=False):
                # What was refused may be permitted without the manifest changing.
                version = listing[video_id].version if made_of.readable else ""
                self.read[store.url, video_id] = (version, made_of)
        left = set(changed[most:])
        return {
            video_id: self.read[store.url, video_id][1]
            for video_id in recorded
            if video_id not in left
        }


def _made_of(store: ObjectStore, video_id: str) -> MadeOf:
    try:
        video = read_video(store, video_id)
    except HeatersError as error:
        if error.transient:
            raise
        # Its own run fails with the message, where people look.
        return MadeOf(None, finished=False, readable=isinstance(error, ManifestError))
    source = video.stages.get("source_videos")
    summary = source.summary if source else {}
    sidecars = frozenset((row["key"], row["version"]) for row in summary.get("sidecars", ()))
    return MadeOf(summary.get("version"), video.is_finished, sidecars)
