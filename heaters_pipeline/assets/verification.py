"""What lies in the store against what the manifests name: sizes always, contents if asked to.

Nothing is trusted but the store itself: the combined record of a video stands for its manifests
only as long as they lie there, too.
"""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from heaters_pipeline.assets.finished import small_pictures
from heaters_pipeline.assets.stored_objects import OBJECT_FOLDERS, StoredVideos
from heaters_pipeline.errors import ManifestError, ObjectNotFoundError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import sha256_of_object
from heaters_pipeline.storage.finished import read_finished
from heaters_pipeline.storage.manifests import Manifest, read_manifest
from heaters_pipeline.storage.notices import FINISHED_STAGES
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore

READERS = 16
_VIDEOS_AT_ONCE = 64

FaultKind = Literal["missing", "damaged", "altered"]
"""``damaged``: of another size, or no manifest. ``altered``: of the right size, other content."""


@dataclass(frozen=True, slots=True)
class Fault:
    """An object that is not what the records say.

    Attributes:
        stage: The asset that it belongs to; ``reports`` for pictures of the Dagster UI.
        key: The object.
        kind: See ``FaultKind``.
        message: For people.
    """

    stage: str
    key: str
    kind: FaultKind
    message: str

    @property
    def repairable(self) -> bool:
        """Whether a run can make it again. Nobody can who has not the source."""
        return not self.key.startswith(keys.SOURCE_PREFIX)


@dataclass(slots=True)
class StageCount:
    """How the objects of a stage are.

    Attributes:
        valid: As the manifest says.
        missing: Named, but not there.
        damaged: Of another size or, if contents were read, of another content.
        stale: There, but not named; ``heaters prune`` removes them.
        unread: Valid by size; their content was asked for, but no digest of it is recorded.
    """

    valid: int = 0
    missing: int = 0
    damaged: int = 0
    stale: int = 0
    unread: int = 0


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What was found of a video.

    Attributes:
        video_id: The partition.
        manifests: By stage, as far as they are known.
        stages: Counts by stage.
        faults: What is wrong.
    """

    video_id: str
    manifests: Mapping[str, Manifest]
    stages: Mapping[str, StageCount]
    faults: tuple[Fault, ...]

    @property
    def finished(self) -> bool:
        """Whether every stage was done; what is missing of an unfinished video is no fault."""
        return len(self.manifests) == len(FINISHED_STAGES)


@dataclass(slots=True)
class _Look:
    """What is being found of a video."""

    video_id: str
    objects: dict[str, dict[str, ObjectInfo]]
    manifests: dict[str, Manifest] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    doubted: set[str] = field(default_factory=set)

    def add(self, stage: str, key: str, kind: FaultKind, message: str) -> None:
        self.faults.append(Fault(stage, key, kind, message))


class Verifier:
    """Looks at videos.

    Args:
        store: Where they are.
        videos: Which, with what lies there of them.
        deep: Whether contents are read.
        folder: Where large objects are fetched to while they are read.
    """

    def __init__(
        self, store: ObjectStore, videos: StoredVideos, *, deep: bool, folder: Path
    ) -> None:
        self._store = store
        self._videos = videos
        self._deep = deep
        self._folder = folder

    def look(self) -> Iterator[VideoFacts]:
        """One video after the other.

        Raises:
            StoreError: The store cannot be read.
        """
        with ThreadPoolExecutor(READERS) as pool:
            video_ids = iter(self._videos.video_ids())
            while batch := list(islice(video_ids, _VIDEOS_AT_ONCE)):
                looks = [self._listed(video_id) for video_id in batch]
                for _ in pool.map(self._read_records, looks):
                    pass
                for look in looks:
                    yield self._compared(look, pool)

    def _listed(self, video_id: str) -> _Look:
        objects = {folder: self._videos.objects(folder, video_id) for folder in OBJECT_FOLDERS}
        return _Look(video_id, objects)

    def _read_records(self, look: _Look) -> None:
        """The manifests: from the combined record where it counts, else each."""
        video_id = look.video_id
        changing = any(keys.is_notice(key) for key in look.objects["clips"])
        listed = self._videos.record_bytes("finished", video_id) is not None
        record = read_finished(self._store, video_id) if listed and not changing else None
        for stage in FINISHED_STAGES:
            size_bytes = self._videos.record_bytes(stage, video_id)
            recorded = record.manifests[stage] if record else None
            manifest = self._manifest(look, stage, size_bytes, recorded)
            if manifest is not None:
                look.manifests[stage] = manifest

    def _manifest(
        self, look: _Look, stage: str, size_bytes: int | None, recorded: Manifest | None
    ) -> Manifest | None:
        key = keys.manifest_key(stage, look.video_id)
        if size_bytes is None:
            if recorded is not None:
                look.add(stage, key, "missing", f"{key} is missing")
            return recorded
        if recorded is not None and not self._deep and size_bytes == len(recorded.to_bytes()):
            return recorded
        try:
            manifest = read_manifest(self._store, stage, look.video_id)
        except ManifestError as error:
            look.add(stage, key, "damaged", str(error))
            return recorded
        if recorded is not None and manifest != recorded:
            # One of the two was touched. A good object must not be taken for a bad one by it.
            look.doubted.add(stage)
            look.add(stage, key, "altered", f"{key} says another thing than the combined record")
            return recorded
        return manifest

    def _compared(self, look: _Look, pool: ThreadPoolExecutor) -> VideoFacts:
        counts = {
            stage: self._count(look, manifest, pool)
            for stage, manifest in look.manifests.items()
            if stage in OBJECT_FOLDERS and stage not in look.doubted
        }
        for stage in OBJECT_FOLDERS:
            if stage not in look.manifests and stage != "reports":
                counts[stage] = StageCount(stale=len(_products(look.objects[stage])))
        if "source_videos" in look.manifests:
            self._check_source(look)
        self._check_pictures(look)
        return VideoFacts(look.video_id, look.manifests, counts, tuple(look.faults))

    def _count(self, look: _Look, manifest: Manifest, pool: ThreadPoolExecutor) -> StageCount:
        stored = _products(look.objects[manifest.stage])
        count = StageCount(stale=len(stored.keys() - {item.key for item in manifest.items}))
        whole = []
        for item in manifest.items:
            found = stored.get(item.key)
            if found is None:
                count.missing += 1
                look.add(manifest.stage, item.key, "missing", f"{item.key} is missing")
            elif found.size_bytes != item.size_bytes:
                count.damaged += 1
                says = f"{item.key} has {found.size_bytes} bytes, not {item.size_bytes}"
                look.add(manifest.stage, item.key, "damaged", says)
            else:
                whole.append((found, item.details.get("sha256")))
        count.valid = len(whole)
        if self._deep:
            self._read(look, manifest.stage, whole, count, pool)
        return count

    def _read(
        self,
        look: _Look,
        stage: str,
        whole: Sequence[tuple[ObjectInfo, str | None]],
        count: StageCount,
        pool: ThreadPoolExecutor,
    ) -> None:
        known = [(found, sha256) for found, sha256 in whole if sha256 is not None]
        count.unread += len(whole) - len(known)
        digests = pool.map(self._digest, (found for found, _ in known))
        for (found, sha256), digest in zip(known, digests, strict=True):
            if digest != sha256:
                count.valid -= 1
                count.damaged += 1
                look.add(stage, found.key, "altered", f"{found.key} has another content")

    def _digest(self, found: ObjectInfo) -> str | None:
        try:
            return sha256_of_object(self._store, found, self._folder)
        except ObjectNotFoundError:
            # Removed since it was listed.
            return None

    def _check_source(self, look: _Look) -> None:
        summary = look.manifests["source_videos"].summary
        key, size_bytes = str(summary["source_key"]), int(summary["size_bytes"])
        advice = "upload it again, or process the video if it was replaced on purpose"
        found = self._videos.source(key)
        if found is None:
            look.add("source_videos", key, "missing", f"{key} is missing: {advice}")
        elif found.size_bytes != size_bytes:
            says = f"{key} has {found.size_bytes} bytes, not {size_bytes}: {advice}"
            look.add("source_videos", key, "damaged", says)
        elif self._deep and self._digest(found) != summary["sha256"]:
            look.add("source_videos", key, "altered", f"{key} has another content: {advice}")

    def _check_pictures(self, look: _Look) -> None:
        if not {"scenes", "clips"} <= look.manifests.keys():
            return
        detection = look.manifests["scenes"].summary.get("detection_picture")
        for key in filter(None, [*small_pictures(look.manifests), detection]):
            found = look.objects["reports"].get(key)
            if found is None:
                look.add("reports", key, "missing", f"{key} is missing")
            elif found.size_bytes == 0:
                look.add("reports", key, "damaged", f"{key} is empty")


def _products(objects: Mapping[str, ObjectInfo]) -> dict[str, ObjectInfo]:
    return {key: found for key, found in objects.items() if not keys.is_notice(key)}
