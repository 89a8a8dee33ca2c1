"""Whether the store holds what its manifests say: by LIST pages, and by content if that is asked.

Only looks. No object is asked for by itself, unless its content is.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Executor, ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Literal

from heaters_pipeline.errors import ManifestError, ObjectNotFoundError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import object_sha256
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.manifests import Manifest, ManifestItem
from heaters_pipeline.storage.records.notices import FINISHED_STAGES
from heaters_pipeline.storage.records.recorded import FINISHED, MISSING, Recorded, read_recorded

OBJECT_STAGES = ("frame_scores", "clips", "sprite_sheets", "keyframes")
REPORTS = "reports"
READERS = 16
DIGESTING = 8

_PICTURES = {
    "scenes": ("similarity_picture", "detection_picture"),
    "clips": ("contact_sheet",),
}
_OF_OTHERS = "method_comparison-"
"""Pictures of what is no part of a finished video; nothing is made of them."""

State = Literal["missing", "damaged"]


@dataclass(frozen=True, slots=True)
class Finding:
    """An object that is not what is recorded.

    Attributes:
        stage: Whose object it is; ``manifests`` and ``finished`` for the records.
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
        stage: The stage, ``reports`` for the pictures of the Dagster UI, ``manifests``,
            ``finished`` for the combined record.
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
        recorded: There is a record of it.
        finished: Every stage has its record; a video that is not is no fault.
        stages: In the order of the pipeline.
        manifests: What is recorded, by stage. Kept only if something was found.
        error: Why it could not be verified, or None.
    """

    video_id: str
    recorded: bool = True
    finished: bool = False
    stages: tuple[StageReport, ...] = ()
    manifests: Mapping[str, Manifest] = field(default_factory=dict)
    error: str | None = None

    @property
    def findings(self) -> list[Finding]:
        """All that is not as recorded."""
        return [finding for stage in self.stages for finding in stage.findings]


@dataclass(frozen=True, slots=True)
class _Listed:
    """What the listings show of one video: sizes by key, by stage."""

    manifests: dict[str, int] = field(default_factory=dict)
    objects: dict[str, dict[str, int]] = field(default_factory=lambda: defaultdict(dict))
    changing: bool = False


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
        """Verify each video that has a manifest, by listing each stage once, as one."""
        prefixes = [*OBJECT_STAGES, REPORTS]
        with ThreadPoolExecutor(len(prefixes) + 2) as pool:
            listings = [pool.submit(_sizes, self._store, f"{prefix}/") for prefix in prefixes]
            sources = pool.submit(_sizes, self._store, keys.SOURCE_PREFIX)
            manifests = pool.submit(_sizes, self._store, keys.MANIFEST_PREFIX).result()
            listed = _by_video(manifests, {})
            for prefix, listing in zip(prefixes, listings, strict=True):
                _sort_in(listed, prefix, listing.result())
        yield from self._verify(listed, sources.result().get)

    def videos(self, video_ids: Iterable[str]) -> Iterator[VideoReport]:
        """Verify some videos, by a LIST of each stage of each."""
        with ThreadPoolExecutor(READERS) as pool:
            listed = dict(zip(ids := list(video_ids), pool.map(self._listed, ids), strict=True))
        yield from self._verify(listed, lambda key: _sizes(self._store, key).get(key))

    def _listed(self, video_id: str) -> _Listed:
        manifests: dict[str, int] = {}
        for stage in (*FINISHED_STAGES, FINISHED):
            key = keys.manifest_key(stage, video_id)
            listed_sizes = _sizes(self._store, key)
            if key in listed_sizes:
                manifests[key] = listed_sizes[key]
        listed = _by_video(manifests, {video_id: _Listed()})
        for stage in (*OBJECT_STAGES, REPORTS):
            _sort_in(listed, stage, _sizes(self._store, keys.objects_prefix(stage, video_id)))
        return listed[video_id]

    def _verify(
        self, listed: Mapping[str, _Listed], source_size: Callable[[str], int | None]
    ) -> Iterator[VideoReport]:
        with ThreadPoolExecutor(READERS) as readers, ThreadPoolExecutor(DIGESTING) as digesting:

            def one(video_id: str) -> VideoReport:
                try:
                    return self._video(video_id, listed[video_id], source_size, digesting)
                except ManifestError as error:
                    return VideoReport(video_id, error=str(error))

            try:
                yield from readers.map(one, sorted(listed))
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
        recorded = read_recorded(
            self._store, video_id, listed.manifests, changing=listed.changing, deep=self._deep
        )
        manifests = recorded.manifests
        stages = []
        if "source_videos" in manifests:
            stages.append(self._source(manifests["source_videos"], source_size))
        for stage in OBJECT_STAGES:
            if stage in manifests:
                items = manifests[stage].items
                stages.append(self._objects(stage, items, listed.objects[stage], pool))
        stages.append(_pictures(manifests, listed.objects[REPORTS]))
        stages += _records(recorded, listed.manifests)
        faulty = any(stage.findings for stage in stages)
        return VideoReport(
            video_id,
            recorded=bool(listed.manifests),
            finished=len(manifests) == len(FINISHED_STAGES),
            stages=tuple(stages),
            manifests=manifests if faulty else {},
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
        self, stage: str, items: Iterable[ManifestItem], stored: dict[str, int], pool: Executor
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


def _pictures(manifests: Mapping[str, Manifest], stored: dict[str, int]) -> StageReport:
    """The pictures of the Dagster UI, of which no size is recorded: there, and not empty."""
    named = [
        str(key)
        for stage, names in _PICTURES.items()
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


def _records(recorded: Recorded, listed: Mapping[str, int]) -> list[StageReport]:
    reports = []
    for stage, names in (("manifests", FINISHED_STAGES), (FINISHED, (FINISHED,))):
        findings = tuple(
            Finding(stage, key, "missing" if why == MISSING else "damaged", f"{key} {why}")
            for name in names
            if (why := recorded.faults.get(name))
            for key in (keys.manifest_key(name, recorded.video_id),)
        )
        damaged = sum(finding.state == "damaged" for finding in findings)
        present = sum(name in listed for name in names)
        reports.append(StageReport(stage, valid=present - damaged, findings=findings))
    return reports


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


def _some(finding: Finding | None) -> tuple[Finding, ...]:
    return () if finding is None else (finding,)


def _sizes(store: ObjectStore, prefix: str) -> dict[str, int]:
    return {found.key: found.size_bytes for found in _whole(store.list(prefix))}


def _whole(listed: Iterable[ObjectInfo]) -> Iterator[ObjectInfo]:
    """What is listed, without the markers that some programs make for folders."""
    return (found for found in listed if not found.key.endswith("/"))


def _by_video(manifests: Mapping[str, int], listed: dict[str, _Listed]) -> dict[str, _Listed]:
    for key, size_bytes in manifests.items():
        stage, _, name = key.removeprefix(keys.MANIFEST_PREFIX).partition("/")
        if stage in (*FINISHED_STAGES, FINISHED) and name.endswith(".json"):
            video = listed.setdefault(name.removesuffix(".json"), _Listed())
            video.manifests[stage] = size_bytes
    return listed


def _sort_in(listed: dict[str, _Listed], stage: str, sizes: Mapping[str, int]) -> None:
    for key, size_bytes in sizes.items():
        video_id = key.split("/", 2)[1]
        video = listed.get(video_id)
        if video is None:
            continue
        if keys.is_notice(key):
            listed[video_id] = _Listed(video.manifests, video.objects, changing=True)
        else:
            video.objects[stage][key] = size_bytes
