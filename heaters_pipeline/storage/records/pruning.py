"""Objects that nothing names any more: what changed settings, replaced videos and dead runs left.

Only what the pipeline named itself is ever looked at: objects of its own form under its own
prefixes. What a manifest or the stored catalog names stays, since the catalog is what people read.
The age of the others counts from when they were first seen to be named by nothing, by the store's
clock alone, and begins anew with each change of the video's records: one may have named them in
between. What comes from the future stays. A video's objects are removed under the claim on it,
unless its records have changed since they were read, so that no run adopts an object while it is
being removed. The manifests that older versions left beside that of their video, where nobody reads
them, are removed like objects.
"""

import logging
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial

from heaters_pipeline.errors import (
    HeatersError,
    ManifestError,
    StoreError,
    StoreUnavailableError,
)
from heaters_pipeline.names import COMPARISON_ASSET, REVIEW_ASSET, VIDEO_STAGES
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import Leftover, ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.catalog_keys import CatalogKeys
from heaters_pipeline.storage.records.claims import Claims
from heaters_pipeline.storage.records.manifests import read_manifest
from heaters_pipeline.storage.records.unnamed import Unnamed, read_unnamed, write_unnamed
from heaters_pipeline.storage.records.video_manifests import (
    OLDER_RECORDS,
    lost_manifest,
    read_video,
)
from heaters_pipeline.storage.records.video_streams import mapped_ahead, objects_by_video

READERS = 16
_APART = (COMPARISON_ASSET, REVIEW_ASSET)
"""What has a manifest of its own, beside that of the video."""
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
        waiting: Objects that nothing names either, though not for long enough.
        waiting_since: When the first of those was seen so; None if there is none.
        removed: How many of ``objects`` and ``leftovers`` are gone.
        kept: Why nothing was removed although it was asked for, or None.
        errors: What could not be removed or read.
    """

    video_id: str
    objects: list[ObjectInfo] = field(default_factory=list)
    leftovers: list[Leftover] = field(default_factory=list)
    waiting: list[ObjectInfo] = field(default_factory=list)
    waiting_since: datetime | None = None
    removed: int = 0
    kept: str | None = None
    errors: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Video:
    """What is stored of a video: what may be removed of it, and the records that may name it."""

    objects: list[ObjectInfo] = field(default_factory=list)
    records: list[ObjectInfo] = field(default_factory=list)

    @property
    def version(self) -> str:
        """Another one whenever a record is written that may name an object."""
        current = [one for one in self.records if not _is_older(one.key)]
        if not any(one.key.startswith(_CURRENT) for one in current):
            # Those of older versions are the ones that are read.
            current = self.records
        # When it was written, too: a manifest may become again what it was before.
        return " ".join(f"{one.version}@{one.modified.isoformat()}" for one in current)


class Pruner:
    """Finds what may be removed, and removes it.

    Args:
        store: Where it lies.
        claims: By which a video is had alone while its objects are removed.
        older_than: For how long nothing has to have named an object.
    Attributes:
        warnings: What could not be looked for, or noted.
    """

    def __init__(self, store: ObjectStore, claims: Claims, older_than: timedelta) -> None:
        self.warnings: list[str] = []
        self._store = store
        self._claims = claims
        self._catalog = CatalogKeys(store)
        self._now = store.now()
        self._before = self._now - older_than
        self._dead_before = self._now - max(older_than, LEAST_AGE)
        self._versions: dict[str, str] = {}
        self._seen: dict[str, Unnamed] = {}

    def look(self, video_ids: Sequence[str] | None = None) -> Iterator[Removal]:
        """What may be removed, video by video; what is of no video comes last.

        Once all was looked at, it notes in the store what it saw for the first time.

        Args:
            video_ids: Which; None for all, with what is of no video.
        Raises:
            ManifestError: What the catalog names cannot be told.
        """
        self._catalog.refresh()
        self._seen = read_unnamed(self._store)
        found = []
        with ThreadPoolExecutor(READERS) as pool:
            videos = self._videos(video_ids)
            for removal in mapped_ahead(pool, self._unnamed, videos, ahead=2 * READERS):
                if removal.objects or removal.waiting or removal.errors:
                    # What is removed meanwhile was seen all the same.
                    found.append(replace(removal))
                    yield removal
        self._note(found, None if video_ids is None else set(video_ids))
        if video_ids is None and (leftovers := self._leftovers()):
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
        video_id = removal.video_id
        now = _Video(records=self._records([video_id])[video_id])
        if now.version != self._versions[video_id]:
            removal.kept = "its manifest has changed meanwhile"
            return
        self._catalog.refresh()
        with ThreadPoolExecutor(READERS) as pool:
            for found in removal.objects:
                is_claim = found.key.startswith(keys.CLAIM_PREFIX)
                if not is_claim and not self._catalog.names(found.key):
                    delete = partial(self._store.delete, found.key)
                    pool.submit(self._try, removal, found.key, delete)

    def _try(self, removal: Removal, name: str, remove: Callable[[], None]) -> None:
        try:
            remove()
        except StoreError as error:
            removal.errors.append(str(error))
        else:
            removal.removed += 1
            _logger.info("removed %s", name)

    def _videos(self, video_ids: Sequence[str] | None) -> Iterator[tuple[str, _Video]]:
        """What is stored of videos of which anything may be removed."""
        records = self._records(video_ids)
        older = {
            video_id: [one for one in found if _is_older(one.key)]
            for video_id, found in records.items()
            if any(_is_older(one.key) for one in found)
        }
        if video_ids is None:
            stored = objects_by_video(self._store, keys.PRODUCT_FOLDERS, older)
        else:
            stored = ((each, self._objects(each)) for each in sorted(video_ids))
        for video_id, by_folder in stored:
            objects = [one for found in by_folder.values() for one in found]
            products = [one for one in objects if keys.is_product(one.key)]
            if products or video_id in older:
                mine = [*products, *older.get(video_id, [])]
                yield video_id, _Video(mine, records.get(video_id, []))

    def _objects(self, video_id: str) -> dict[str, list[ObjectInfo]]:
        return {
            folder: list(self._store.list(keys.objects_prefix(folder, video_id)))
            for folder in keys.PRODUCT_FOLDERS
        }

    def _records(self, video_ids: Sequence[str] | None) -> dict[str, list[ObjectInfo]]:
        """What is recorded of videos, by whose it is."""
        records: dict[str, list[ObjectInfo]] = defaultdict(list)
        for record in (*OLDER_RECORDS, "videos", *_APART):
            folder, end = f"{keys.MANIFEST_PREFIX}{record}/", ".json"
            for name in ("",) if video_ids is None else [f"{each}{end}" for each in video_ids]:
                for found in self._store.list(folder + name):
                    # The keys of other videos may begin with that of a video.
                    if found.key.endswith(name or end):
                        records[found.key.removeprefix(folder).removesuffix(end)].append(found)
        return records

    def _unnamed(self, video: tuple[str, _Video]) -> Removal:
        """Those of its objects whose key nothing mentions, by how long that has been so."""
        video_id, stored = video
        self._versions[video_id] = stored.version
        claims = [one for one in stored.objects if one.key.startswith(keys.CLAIM_PREFIX)]
        removal = Removal(video_id, [one for one in claims if one.modified < self._dead_before])
        others = [one for one in stored.objects if not one.key.startswith(keys.CLAIM_PREFIX)]
        if not others:
            return removal
        try:
            named = self._named(video_id, others)
        except (ManifestError, StoreError) as error:
            # What it names cannot be told, so nothing of the video is touched.
            return Removal(video_id, errors=[str(error)])
        for found in others:
            if found.key in named or self._catalog.names(found.key):
                continue
            since = self._since(found, stored.version)
            if since <= self._before:
                removal.objects.append(found)
            else:
                removal.waiting.append(found)
                removal.waiting_since = min(since, removal.waiting_since or since)
        return removal

    def _since(self, found: ObjectInfo, version: str) -> datetime:
        """Since when nothing has named it for certain; what was stored again begins anew."""
        seen = self._seen.get(found.key)
        since = seen.since if seen is not None and seen.records == version else self._now
        return max(since, found.modified)

    def _named(self, video_id: str, stored: Sequence[ObjectInfo]) -> set[str]:
        """All that the records of a video mention, wherever.

        Raises:
            ManifestError: It cannot be told.
        """
        stages = (*VIDEO_STAGES[1:], *_APART)
        video = read_video(self._store, video_id)
        # Without a manifest of the video, those of older versions may lack only the first.
        apart = _APART if video.stages else stages
        others = [read_manifest(self._store, stage, video_id) for stage in apart]
        adopted = [found for found in stored if _is_adopted(found)]
        if not video.stages and adopted and self._has_source(video_id):
            if any(found.modified < self._before for found in adopted):
                raise ManifestError(lost_manifest(video_id))
            return {found.key for found in stored}
        named = {
            text
            for one in (*video.stages.values(), *others)
            if one is not None
            for text in _texts(one.to_json())
        }
        if not video.stages or video.is_older:
            named |= {keys.manifest_key(stage, video_id) for stage in OLDER_RECORDS}
        return named

    def _note(self, removals: Sequence[Removal], looked_at: set[str] | None) -> None:
        """Remember since when nothing names what was found; the rest of it is named, or gone."""
        # Where it could not be told now, that changes nothing of what was seen before.
        unknown = {removal.video_id for removal in removals if removal.errors}
        known = {
            key: one
            for key, one in self._seen.items()
            if (looked_at is not None and one.video_id not in looked_at) or one.video_id in unknown
        }
        for removal in removals:
            for found in (*removal.objects, *removal.waiting):
                if not found.key.startswith(keys.CLAIM_PREFIX):
                    version = self._versions[removal.video_id]
                    since = self._since(found, version)
                    known[found.key] = Unnamed(removal.video_id, found.key, since, version)
        if known == self._seen:
            return
        try:
            write_unnamed(self._store, known)
        except StoreError as error:
            self.warnings.append(
                f"since when nothing names an object could not be noted, so that none comes of "
                f"age: {error}"
            )

    def _leftovers(self) -> list[Leftover]:
        try:
            return [each for each in self._store.leftovers() if each.modified < self._dead_before]
        except StoreUnavailableError:
            raise
        except StoreError as error:
            self.warnings.append(f"unfinished uploads were not looked for: {error}")
            return []

    def _has_source(self, video_id: str) -> bool:
        key = keys.guess_source_key(video_id)
        if key is not None:
            return self._store.head(key) is not None
        return any(
            keys.is_video_upload(found.key) and keys.video_id_of(found.key) == video_id
            for found in self._store.list(keys.SOURCE_PREFIX)
        )


_CURRENT = f"{keys.MANIFEST_PREFIX}videos/"


def _is_older(key: str) -> bool:
    """Whether a record is one that versions of today write no more."""
    return key.removeprefix(keys.MANIFEST_PREFIX).partition("/")[0] in OLDER_RECORDS


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
