"""Whether the store holds what its manifests say: by LIST pages, and by content if that is asked.

Only looks. No object is asked for by itself, unless its content is.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from heaters_pipeline.errors import ManifestError, ObjectNotFoundError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import object_sha256
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.manifests import Manifest, ManifestItem
from heaters_pipeline.storage.records.video_manifests import (
    PICTURES,
    VideoManifest,
    lost_manifest,
    lost_source,
    read_video,
    recorded_videos,
)
from heaters_pipeline.storage.records.video_streams import mapped_ahead, objects_by_video

OBJECT_STAGES = ("frame_scores", "storyboards", "clips", "sprite_sheets", "keyframes")
REPORTS = "reports"
READERS = 16
DIGESTING = 8

_OF_OTHERS = "method_comparison-"
"""Pictures of what is no part of a finished video; nothing is made of them."""

State = Literal["missing", "damaged"]


@dataclass(frozen=True, slots=True)
class Finding:
    """An object that is not what is recorded.

    Attributes:
        stage: Whose object it is; ``manifests`` for the manifest of the video.
        key: Its key.
        state: ``missing``, or ``damaged``: of another size or content.
        why: What was found, for people.
        hidden: A run would take it for right, since it has the size that is recorded; only
            reading it tells.
    """

    stage: str
    key: str
    state: State
    why: str
    hidden: bool = False


@dataclass(frozen=True, slots=True)
class StageReport:
    """What was found of one stage of a video. Counts are objects.

    Attributes:
        stage: The stage, ``reports`` for the pictures of the Dagster UI, ``manifests``.
        valid: Recorded, and stored as recorded.
        stale: Stored, and named by no record; no fault.
        without_digest: Of the valid ones, those whose content could not be compared, since an
            older version of this program recorded none.
        findings: The others.
    """

    stage: str
    valid: int = 0
    stale: int = 0
    without_digest: int = 0
    findings: tuple[Finding, ...] = ()

    def count(self, state: State) -> int:
        """How many objects are missing, or damaged."""
        return sum(finding.state == state for finding in self.findings)


@dataclass(frozen=True, slots=True)
class VideoReport:
    """What was found of a video.

    Attributes:
        video_id: The partition.
        recorded: There is a manifest of it, or anything that was made of it.
        finished: All stages are recorded and belong together; a video that is not is no fault.
        stages: In the order of the pipeline.
        manifest: What is recorded. Kept only if something was found.
        error: Why it could not be verified, or None.
    """

    video_id: str
    recorded: bool = True
    finished: bool = False
    stages: tuple[StageReport, ...] = ()
    manifest: VideoManifest | None = None
    error: str | None = None

    @property
    def findings(self) -> list[Finding]:
        """All that is not as recorded."""
        return [finding for stage in self.stages for finding in stage.findings]


_Listed = Mapping[str, Mapping[str, int]]
"""What the listings show of one video: sizes by key, by stage; nothing of a stage without any."""


class Verifier:
    """Compares what is recorded of videos with what is stored.

    Args:
        store: Where they lie.
        deep: Read the content of each object and compare its digest.
    """

    def __init__(self, store: ObjectStore, *, deep: bool = False) -> None:
        self._store = store
        self._deep = deep

    def all_videos(self) -> Iterator[VideoReport]:
        """Verify each video that has a manifest or objects, by listing each stage once, as one.

        What is listed is held for a few videos at a time.
        """
        with ThreadPoolExecutor(2) as pool:
            sources = pool.submit(_sizes, self._store, keys.SOURCE_PREFIX)
            recorded = set(recorded_videos(self._store))
        yield from self._verify(self._all_listed(recorded), sources.result().get)

    def _all_listed(self, recorded: Collection[str]) -> Iterator[tuple[str, _Listed]]:
        folders = (*OBJECT_STAGES, REPORTS)
        for video_id, found in objects_by_video(self._store, folders, recorded):
            listed = {
                folder: {each.key: each.size_bytes for each in _whole(objects)}
                for folder, objects in found.items()
            }
            if video_id in recorded or _has_products(listed):
                yield video_id, listed

    def videos(self, video_ids: Iterable[str]) -> Iterator[VideoReport]:
        """Verify some videos, by a LIST of each stage of each."""
        with ThreadPoolExecutor(READERS) as pool:
            listed = list(zip(ids := sorted(video_ids), pool.map(self._listed, ids), strict=True))
        yield from self._verify(listed, lambda key: _sizes(self._store, key).get(key))

    def _listed(self, video_id: str) -> _Listed:
        return {
            stage: _sizes(self._store, keys.objects_prefix(stage, video_id))
            for stage in (*OBJECT_STAGES, REPORTS)
        }

    def _verify(
        self,
        listed: Iterable[tuple[str, _Listed]],
        source_size: Callable[[str], int | None],
    ) -> Iterator[VideoReport]:
        with ThreadPoolExecutor(READERS) as readers, ThreadPoolExecutor(DIGESTING) as digesting:

            def one(each: tuple[str, _Listed]) -> VideoReport:
                video_id, stored = each
                try:
                    return self._video(video_id, stored, source_size, digesting)
                except ManifestError as error:
                    return VideoReport(video_id, error=str(error))

            try:
                yield from mapped_ahead(readers, one, listed, ahead=2 * READERS)
            finally:
                readers.shutdown(cancel_futures=True)
                digesting.shutdown(cancel_futures=True)

    def _video(
        self,
        video_id: str,
        listed: _Listed,
        source_size: Callable[[str], int | None],
        pool: Executor,
    ) -> VideoReport:
        video = read_video(self._store, video_id)
        manifests = video.stages
        stages = []
        if "source_videos" in manifests:
            stages.append(self._source(manifests["source_videos"], source_size))
        for stage in OBJECT_STAGES:
            if stage in manifests:
                items = manifests[stage].items
                stages.append(self._objects(stage, items, listed.get(stage, {}), pool))
        stages.append(_pictures(manifests, listed.get(REPORTS, {})))
        has_objects = _has_products(listed)
        stages.append(_record(video, has_objects=has_objects))
        faulty = any(stage.findings for stage in stages)
        return VideoReport(
            video_id,
            recorded=bool(manifests or has_objects),
            finished=video.is_finished,
            stages=tuple(stages),
            manifest=video if faulty else None,
        )

    def _source(self, manifest: Manifest, source_size: Callable[[str], int | None]) -> StageReport:
        summary = manifest.summary
        key, size_bytes = str(summary["source_key"]), int(summary["size_bytes"])
        found = source_size(key)
        finding = size_finding("source_videos", key, size_bytes, found)
        if finding is None and self._deep:
            finding = self._content_finding("source_videos", key, size_bytes, summary["sha256"])
        return StageReport("source_videos", valid=int(not finding), findings=_some(finding))

    def _objects(
        self, stage: str, items: Iterable[ManifestItem], stored: Mapping[str, int], pool: Executor
    ) -> StageReport:
        items = list(items)
        findings = [
            size_finding(stage, item.key, item.size_bytes, stored.get(item.key)) for item in items
        ]
        right = [item for item, finding in zip(items, findings, strict=True) if finding is None]
        digests = [item for item in right if item.details.get("sha256") is not None]
        if self._deep:
            findings += pool.map(
                lambda item: self._content_finding(
                    stage, item.key, item.size_bytes, item.details["sha256"]
                ),
                digests,
            )
        faults = tuple(finding for finding in findings if finding is not None)
        return StageReport(
            stage,
            valid=len(items) - len(faults),
            stale=len(stored.keys() - {item.key for item in items}),
            without_digest=len(right) - len(digests) if self._deep else 0,
            findings=faults,
        )

    def _content_finding(
        self, stage: str, key: str, size_bytes: int, sha256: str
    ) -> Finding | None:
        try:
            found = object_sha256(self._store, key, size_bytes)
        except ObjectNotFoundError:
            return Finding(stage, key, "missing", f"{key} is missing")
        if found == sha256:
            return None
        why = f"{key} has other content of the same size: SHA-256 {found[:16]}…, not {sha256[:16]}…"
        return Finding(stage, key, "damaged", why, hidden=True)


def _pictures(manifests: Mapping[str, Manifest], stored: Mapping[str, int]) -> StageReport:
    """The pictures of the Dagster UI, of which no size is recorded: there, and not empty."""
    named = [
        str(key)
        for stage, names in PICTURES.items()
        if stage in manifests
        for name in names
        if (key := manifests[stage].summary.get(name))
    ]
    findings = []
    for key in named:
        if key not in stored:
            findings.append(Finding(REPORTS, key, "missing", f"{key} is missing"))
        elif not stored[key]:
            findings.append(Finding(REPORTS, key, "damaged", f"{key} is empty", hidden=True))
    others = stored.keys() - set(named)
    stale = [key for key in others if not key.rpartition("/")[2].startswith(_OF_OTHERS)]
    return StageReport(
        REPORTS, valid=len(named) - len(findings), stale=len(stale), findings=tuple(findings)
    )


def _record(video: VideoManifest, *, has_objects: bool) -> StageReport:
    """The manifest, which is the first thing that is written of a video and cannot be absent."""
    key = keys.video_manifest_key(video.video_id)
    lost = (
        Finding("manifests", key, "missing", lost_manifest(video.video_id))
        if has_objects and not video.stages
        else None
    )
    return StageReport("manifests", valid=int(bool(video.stages)), findings=_some(lost))


def source_advice(video_id: str, finding: Finding) -> str:
    """What helps where a source is not as recorded, which no repair can make again."""
    if finding.state == "missing":
        return lost_source(video_id)
    return (
        f"the source cannot be made again, upload it again and run heaters verify {video_id} "
        f"--repair; if it was replaced on purpose, run heaters process {video_id}"
    )


def size_finding(stage: str, key: str, size_bytes: int, found: int | None) -> Finding | None:
    """What is wrong with an object by its size alone, None if nothing is.

    Args:
        stage: Whose object it is.
        key: Its key.
        size_bytes: What is recorded.
        found: What is stored; None if there is no such object.
    """
    if found is None:
        return Finding(stage, key, "missing", f"{key} is missing")
    if found != size_bytes:
        return Finding(stage, key, "damaged", f"{key} has {found} bytes, not {size_bytes}")
    return None


def _has_products(listed: _Listed) -> bool:
    """Whether there is anything that the pipeline made of a video and might adopt."""
    return any(keys.is_product(key) for stage in OBJECT_STAGES for key in listed.get(stage, ()))


def _some(finding: Finding | None) -> tuple[Finding, ...]:
    return () if finding is None else (finding,)


def _sizes(store: ObjectStore, prefix: str) -> dict[str, int]:
    return {found.key: found.size_bytes for found in _whole(store.list(prefix))}


def _whole(listed: Iterable[ObjectInfo]) -> Iterator[ObjectInfo]:
    """What is listed, without the markers that some programs make for folders."""
    return (found for found in listed if not found.key.endswith("/"))
