"""Old objects that no manifest names: what changed settings, replaced videos and dead runs left.

Only what the pipeline named itself is ever looked at: objects of its own form under its own
prefixes. Their age is told by the store's clock alone, and what is younger than asked for, or comes
from the future, stays. A video's objects are removed under the claim on it and after its manifest
was read once more, so that no run adopts an object while it is being removed. The manifests that
older versions left beside that of their video, where nobody reads them, are removed like objects.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial

from heaters_pipeline.errors import HeatersError, ManifestError, StoreError
from heaters_pipeline.names import VIDEO_STAGES
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import Leftover, ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.claims import Claims
from heaters_pipeline.storage.records.manifests import read_manifest
from heaters_pipeline.storage.records.video_manifests import (
    OLDER_RECORDS,
    lost_manifest,
    read_video,
)

READERS = 16
LEAST_AGE = timedelta(days=1)
"""How old claims and unfinished writes are at least; younger ones may be of runs at work."""

_logger = logging.getLogger(__name__)


@dataclass(slots=True)
class Removal:
    """What may be, or was, removed.

    Attributes:
        video_id: Whose objects they are; empty for what is of no video.
        objects: The objects.
        leftovers: Half-written files and unfinished uploads.
        removed: How many of both are gone.
        kept: Why nothing was removed although it was asked for, or None.
        errors: What could not be removed or read.
    """

    video_id: str
    objects: list[ObjectInfo] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    removed: int = 0
    kept: str | None = None
    errors: list[str] = field(default_factory=list)


class Pruner:
    """Finds what may be removed, and removes it.

    Args:
        store: Where it lies.
        claims: By which a video is had alone while its objects are removed.
        older_than: How old an object has to be.
    """

    def __init__(self, store: ObjectStore, claims: Claims, older_than: timedelta) -> None:
        self._store = store
        self._claims = claims
        now = store.now()
        self._before = now - older_than
        self._dead_before = now - max(older_than, LEAST_AGE)

    def look(self, video_ids: Sequence[str] | None = None) -> Iterator[Removal]:
        """What may be removed, video by video; what is of no video comes last.

        Args:
            video_ids: Which; None for all, with what is of no video.
        """
        old = self._old(video_ids)
        with ThreadPoolExecutor(READERS) as pool:
            for removal in pool.map(self._unnamed, sorted(old), map(old.get, sorted(old))):
                if removal.objects or removal.errors:
                    yield removal
        if video_ids is None:
            leftovers = [
                each for each in self._store.leftovers() if each.modified < self._dead_before
            ]
            if leftovers:
                yield Removal("", leftovers=leftovers)

    def remove(self, removal: Removal) -> None:
        """Remove what was found, unless something has changed, or somebody works on the video."""
        if removal.errors:
            return
        for leftover in removal.leftovers:
            self._try(removal, leftover.name, partial(self._store.remove, leftover))
        # Who is at work renews its claim every few seconds: these are of the dead.
        dead = [found for found in removal.objects if found.key.startswith(keys.CLAIM_PREFIX)]
        for found in dead:
            self._try(removal, found.key, partial(self._store.delete, found.key))
        if len(dead) == len(removal.objects):
            return
        try:
            with self._claims.held(removal.video_id, _busy):
                self._remove_unnamed(removal)
        except _BusyError as error:
            removal.kept = f"{error} works on it"

    def _remove_unnamed(self, removal: Removal) -> None:
        others = [found for found in removal.objects if not found.key.startswith(keys.CLAIM_PREFIX)]
        again = self._unnamed(removal.video_id, others)
        removal.errors += again.errors
        with ThreadPoolExecutor(READERS) as pool:
            for found in again.objects:
                pool.submit(self._try, removal, found.key, partial(self._store.delete, found.key))

    def _try(self, removal: Removal, name: str, remove: Callable[[], None]) -> None:
        try:
            remove()
        except StoreError as error:
            removal.errors.append(str(error))
        else:
            removal.removed += 1
            _logger.info("removed %s", name)

    def _old(self, video_ids: Sequence[str] | None) -> dict[str, list[ObjectInfo]]:
        """The old objects of each video."""
        old: dict[str, list[ObjectInfo]] = defaultdict(list)
        for found in self._objects(video_ids):
            is_claim = found.key.startswith(keys.CLAIM_PREFIX)
            before = self._dead_before if is_claim else self._before
            if found.modified < before and keys.is_product(found.key):
                old[found.key.split("/")[1]].append(found)
        for video_id, found in self._older_records(video_ids):
            if found.modified < self._before:
                old[video_id].append(found)
        return old

    def _objects(self, video_ids: Sequence[str] | None) -> Iterator[ObjectInfo]:
        for folder in keys.PRODUCT_FOLDERS:
            if video_ids is None:
                yield from self._store.list(f"{folder}/")
            else:
                for video_id in video_ids:
                    yield from self._store.list(keys.objects_prefix(folder, video_id))

    def _older_records(self, video_ids: Sequence[str] | None) -> Iterator[tuple[str, ObjectInfo]]:
        """What older versions recorded, with whose it is; it may be all that is recorded."""
        for record in OLDER_RECORDS:
            folder, end = f"{keys.MANIFEST_PREFIX}{record}/", ".json"
            for name in ("",) if video_ids is None else [f"{each}{end}" for each in video_ids]:
                for found in self._store.list(folder + name):
                    # The keys of other videos may begin with that of a video.
                    if found.key.endswith(name or end):
                        yield found.key.removeprefix(folder).removesuffix(end), found

    def _unnamed(self, video_id: str, old: Sequence[ObjectInfo]) -> Removal:
        """Those of the objects whose key no record of the video mentions, wherever."""
        stages = (*VIDEO_STAGES[1:], "method_comparison")
        try:
            video = read_video(self._store, video_id)
            # Without a manifest of the video, those of older versions may lack only the first.
            apart = stages[-1:] if video.stages else stages
            others = [read_manifest(self._store, stage, video_id) for stage in apart]
            is_lost = not video.stages and any(map(_is_adopted, old)) and self._has_source(video_id)
        except (ManifestError, StoreError) as error:
            # What it names cannot be told, so nothing of the video is touched.
            return Removal(video_id, errors=[str(error)])
        if is_lost:
            return Removal(video_id, errors=[lost_manifest(video_id)])
        named = {
            text
            for one in (*video.stages.values(), *others)
            if one is not None
            for text in _texts(one.to_json())
        }
        if not video.stages or video.is_older:
            named |= {keys.manifest_key(stage, video_id) for stage in OLDER_RECORDS}
        return Removal(video_id, [found for found in old if found.key not in named])

    def _has_source(self, video_id: str) -> bool:
        key = keys.guess_source_key(video_id)
        if key is not None:
            return self._store.head(key) is not None
        return any(
            keys.is_video_upload(found.key) and keys.video_id_of(found.key) == video_id
            for found in self._store.list(keys.SOURCE_PREFIX)
        )


class _BusyError(HeatersError):
    """Another run works on the video."""


def _is_adopted(found: ObjectInfo) -> bool:
    """Whether a run may take an object for its own that nothing names."""
    return not found.key.startswith((keys.CLAIM_PREFIX, keys.MANIFEST_PREFIX))


def _busy(whom: str) -> None:
    raise _BusyError(whom)


def _texts(content: object) -> Iterator[str]:
    if isinstance(content, str):
        yield content
    elif isinstance(content, Mapping):
        for name, value in content.items():
            yield str(name)
            yield from _texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value)
