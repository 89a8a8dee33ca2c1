"""The manifest of a video: what all of its stages consist of, in one object.

It is written whole each time a stage is published, after that stage's objects. Who writes it holds
the claim on the video. Should two write at once after all, what one of them recorded is lost: those
objects are then stored without a record, and the next run opens and adopts them.
"""

import base64
import logging
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from typing import Any

from heaters_pipeline.errors import ObjectNotFoundError, StoreError
from heaters_pipeline.names import STORYBOARDS_ASSET, VIDEO_STAGES
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.catalog_changes import note_change
from heaters_pipeline.storage.records.json_records import LARGE_BYTES, damaged, read_limited
from heaters_pipeline.storage.records.manifests import (
    JSON_CONTENT_TYPE,
    Json,
    Manifest,
    canonical_json,
    parse_record,
    read_manifest,
)

FORMAT = "heaters_pipeline/video"
FORMAT_VERSION = 4
"""Versions 1 and 2 were a manifest for each stage; docs/formats.md says what each one brought."""
OLDEST_VERSION = 3
"""Of those that are one object; the next brought the storyboard, which older programs refuse."""

PICTURES = {
    "scenes": ("similarity_picture", "detection_picture"),
    "clips": ("contact_sheet",),
    "sprite_sheets": ("picture",),
    "keyframes": ("picture",),
    "storyboards": ("picture",),
}
"""What the summary of a stage calls its pictures; the first is small, and kept in the manifest."""
OLDER_RECORDS = (*VIDEO_STAGES, "finished")
"""Of the first two versions. The source comes first: without it, none of them is read."""

_IDS_A_PART = 2500
_LISTERS = 8
_OTHERS_PASSED = 1000
"""After a page of records that are not wanted, a listing begins anew behind them."""

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class VideoManifest:
    """What is recorded of a video.

    Attributes:
        video_id: The partition.
        stages: The manifest of each stage that was finished, of ``VIDEO_STAGES``.
        pictures: The small pictures of the Dagster UI by key.
        given: The settings that runs of it were given by hand, by stage and name. They stay until
            they are changed, and decide what the next run makes.
        is_older: It was read from manifests of an older version, and is still to be written as one.
    """

    video_id: str
    stages: Mapping[str, Manifest] = field(default_factory=dict)
    pictures: Mapping[str, bytes] = field(default_factory=dict)
    given: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    is_older: bool = False

    @property
    def is_finished(self) -> bool:
        """Whether all stages are there, and each was made of the others as they are recorded.

        Without a storyboard, too, since a video may be older than those.
        """
        needed = [name for name in VIDEO_STAGES if name != STORYBOARDS_ASSET]
        if not set(needed) <= self.stages.keys():
            return False
        source, track, scenes, clips, sheets, pictures = (self.stages[name] for name in needed)
        storyboard = self.stages.get(STORYBOARDS_ASSET, clips)
        clip_keys = [item.key for item in clips.items]
        return bool(
            track.inputs.get("source_sha256") == clips.inputs.get("source_sha256")
            and clips.inputs.get("source_sha256") == source.summary.get("sha256")
            and storyboard.inputs.get("source_sha256") == source.summary.get("sha256")
            and scenes.inputs.get("frame_scores") == track.fingerprint
            and clips.inputs.get("scenes") == scenes.summary.get("scenes")
            and sheets.inputs.get("clips") == pictures.inputs.get("clips") == clip_keys
        )

    @property
    def picture_keys(self) -> set[str]:
        """The keys of the small pictures that it should hold."""
        named = (
            self.stages[stage].summary.get(name)
            for stage, (name, *_) in PICTURES.items()
            if stage in self.stages
        )
        return {str(key) for key in named if key}

    def with_stage(self, manifest: Manifest) -> "VideoManifest":
        """The same with another manifest of a stage."""
        return replace(self, stages={**self.stages, manifest.stage: manifest})

    def to_bytes(self) -> bytes:
        """The file: canonical JSON with a final newline."""
        stages: dict[str, Json] = {name: one.to_json() for name, one in self.stages.items()}
        content: dict[str, Json] = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "video_id": self.video_id,
            "stages": stages,
            "pictures": {
                key: base64.b64encode(data).decode() for key, data in self.pictures.items()
            },
        }
        if self.given:
            content["given"] = {stage: dict(values) for stage, values in self.given.items()}
        return canonical_json(content) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, video_id: str) -> "VideoManifest":
        """Read a file.

        Raises:
            ManifestError: Damaged, of another video, or newer than this program.
        """
        key = keys.video_manifest_key(video_id)
        content = parse_record(data, key, FORMAT, FORMAT_VERSION, oldest_version=OLDEST_VERSION)
        if content.get("video_id") != video_id:
            raise damaged(key, f"it is that of {content.get('video_id')!r}")
        try:
            stages = {
                name: Manifest.from_json(stage, name, video_id)
                for name, stage in content["stages"].items()
            }
            pictures = {
                name: base64.b64decode(text, validate=True)
                for name, text in content["pictures"].items()
            }
            given = {name: dict(values) for name, values in content.get("given", {}).items()}
        except (KeyError, TypeError, ValueError, ZeroDivisionError, AttributeError) as error:
            raise damaged(key, f"{type(error).__name__}: {error}") from error
        if not stages.keys() <= set(VIDEO_STAGES):
            raise damaged(key, f"it has stages that are none: {sorted(stages)}")
        return cls(video_id, stages, pictures, given)


def read_video(store: ObjectStore, video_id: str) -> VideoManifest:
    """What is recorded of a video; no stages if nothing is.

    Raises:
        ManifestError: It cannot be read.
    """
    try:
        data = read_limited(store, keys.video_manifest_key(video_id), max_bytes=LARGE_BYTES)
    except ObjectNotFoundError:
        return _read_older(store, video_id)
    return VideoManifest.from_bytes(data, video_id)


def write_video(
    store: ObjectStore, video: VideoManifest, before: VideoManifest | None = None
) -> None:
    """Publish what a video consists of; all of its objects must exist already.

    Manifests of older versions that it was read from are removed: nobody reads them any more.

    Args:
        store: Where it lies.
        video: What it consists of.
        before: What was recorded of it until now, if that is known. The catalog has nothing of a
            video that is not finished, and is told of no change until it is.
    """
    key = keys.video_manifest_key(video.video_id)
    data = video.to_bytes()
    if before is None or before.is_finished or video.is_finished:
        note_change(store, video.video_id, data)
    store.write_bytes(key, data, content_type=JSON_CONTENT_TYPE)
    if not video.is_older:
        return
    try:
        for stage in OLDER_RECORDS:
            store.delete(keys.manifest_key(stage, video.video_id))
    except StoreError as error:
        _logger.warning("manifests of an older version stay beside %s, unread: %s", key, error)


def lost_manifest(video_id: str) -> str:
    """What to do where objects of a video are stored, and no manifest of it."""
    return (
        f"{keys.video_manifest_key(video_id)} is missing: run heaters process {video_id} with its "
        "options, which adopts what is stored"
    )


def lost_source(video_id: str) -> str:
    """What to do where the source of a video was deleted."""
    return (
        "the source cannot be made again, upload it again, or take what was made of it away with "
        f"heaters remove {video_id}"
    )


def record_of(store: ObjectStore, video_id: str) -> ObjectInfo | None:
    """The newest record of a video, as ``recorded_videos`` finds it; by two HEADs at most."""
    newest = store.head(keys.video_manifest_key(video_id))
    return newest or store.head(keys.manifest_key("source_videos", video_id))


def recorded_videos(store: ObjectStore) -> dict[str, ObjectInfo]:
    """The newest record of each video, by one LIST; of older versions that of the source."""
    return newest_records(store.list(keys.MANIFEST_PREFIX))


def newest_records(listed: Iterable[ObjectInfo]) -> dict[str, ObjectInfo]:
    """The same of a listing of all manifests, or of a part of it."""
    found = {}
    for each in listed:
        kind, _, name = each.key.removeprefix(keys.MANIFEST_PREFIX).partition("/")
        if kind in ("source_videos", "videos") and name.endswith(".json"):
            # In ascending order, so that the newer one comes last.
            found[name.removesuffix(".json")] = each
    return found


def records_among(store: ObjectStore, video_ids: Iterable[str]) -> dict[str, ObjectInfo]:
    """The newest record of each of some videos, by listing only where those stand.

    It takes the pages that the videos fill where they stand together, and one or two for each that
    stands apart.
    """
    wanted = sorted(set(video_ids), key=_order)
    parts = [wanted[first : first + _IDS_A_PART] for first in range(0, len(wanted), _IDS_A_PART)]
    # Of older versions first, so that the newer ones come last.
    stages = [stage for stage in ("source_videos", "videos") if _has_records(store, stage)]
    with ThreadPoolExecutor(_LISTERS) as pool:
        listed = pool.map(
            lambda which: list(_listed(store, *which)),
            [(stage, part) for stage in stages for part in parts],
        )
        return newest_records(found for some in listed for found in some)


def _has_records(store: ObjectStore, stage: str) -> bool:
    return stage == "videos" or any(True for _ in store.list(f"{keys.MANIFEST_PREFIX}{stage}/"))


def _listed(store: ObjectStore, stage: str, video_ids: Sequence[str]) -> Iterator[ObjectInfo]:
    """The records of some videos, which are in order."""
    wanted = deque(keys.manifest_key(stage, video_id) for video_id in video_ids)
    while wanted:
        others = 0
        # From right before the first that is wanted.
        for found in store.list(f"{keys.MANIFEST_PREFIX}{stage}/", start_after=wanted[0][:-1]):
            while wanted and _bytes(wanted[0]) < _bytes(found.key):
                wanted.popleft()
            if wanted and wanted[0] == found.key:
                others = 0
                wanted.popleft()
                yield found
            else:
                others += 1
            if not wanted or others == _OTHERS_PASSED:
                break
        else:
            return


def _order(video_id: str) -> bytes:
    """In which order listings have the records of videos."""
    return _bytes(f"{video_id}.json")


def _bytes(key: str) -> bytes:
    return key.encode("utf-8", "surrogateescape")


def _read_older(store: ObjectStore, video_id: str) -> VideoManifest:
    source, *later = VIDEO_STAGES
    first = read_manifest(store, source, video_id)
    if first is None:
        return VideoManifest(video_id)
    others = (read_manifest(store, stage, video_id) for stage in later)
    stages = {one.stage: one for one in (first, *others) if one is not None}
    return VideoManifest(video_id, stages, is_older=True)
