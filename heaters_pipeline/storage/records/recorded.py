"""What is recorded of a video, and which of its records are lost or contradict each other."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from heaters_pipeline.errors import ManifestError, ObjectNotFoundError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.finished import FinishedVideo
from heaters_pipeline.storage.records.manifest_upgrades import FORMAT_VERSION
from heaters_pipeline.storage.records.manifests import Manifest
from heaters_pipeline.storage.records.notices import FINISHED_STAGES

FINISHED = "finished"
MISSING = "is missing"

_NEEDED_BY = {
    "source_videos": FINISHED_STAGES[1:],
    "frame_scores": FINISHED_STAGES[2:],
    "scenes": FINISHED_STAGES[3:],
    "clips": FINISHED_STAGES[4:],
}
"""Which stages cannot have been finished before another was."""


@dataclass(frozen=True, slots=True)
class Recorded:
    """What is recorded of a video.

    Attributes:
        video_id: The partition.
        manifests: By stage, from the combined record where a manifest is lost.
        faults: What is wrong with a record, by stage; ``finished`` for the combined one.
    """

    video_id: str
    manifests: dict[str, Manifest] = field(default_factory=dict)
    faults: dict[str, str] = field(default_factory=dict)


def read_recorded(
    store: ObjectStore,
    video_id: str,
    sizes: Mapping[str, int],
    *,
    changing: bool = False,
    deep: bool = False,
) -> Recorded:
    """Read what is recorded of a video: the combined record alone, if all fits it.

    Args:
        store: Where it lies.
        video_id: The partition.
        sizes: Of the manifests that were listed, by stage; ``finished`` for the combined record.
        changing: A notice lies there, so that the combined record does not count.
        deep: Read each manifest, whatever the combined record says.
    Raises:
        ManifestError: A manifest is of a newer version of this program.
    """
    recorded = Recorded(video_id)
    copy = None if changing or FINISHED not in sizes else _copy(store, recorded)
    for stage in FINISHED_STAGES:
        copied = copy.manifests[stage] if copy else None
        as_copied = copied is not None and len(copied.to_bytes()) == sizes.get(stage)
        found = copied if as_copied and not deep else _single(store, recorded, stage, sizes)
        if found is not None and copied is not None and found != copied:
            recorded.faults[FINISHED] = f"contradicts {keys.manifest_key(stage, video_id)}"
        kept = found or copied
        if kept is not None:
            recorded.manifests[stage] = kept
    for stage in FINISHED_STAGES:
        needed = copy is not None or any(later in sizes for later in _NEEDED_BY.get(stage, ()))
        if stage not in sizes and needed:
            recorded.faults[stage] = MISSING
    return recorded


def _copy(store: ObjectStore, recorded: Recorded) -> FinishedVideo | None:
    key = keys.finished_key(recorded.video_id)
    try:
        return FinishedVideo.from_bytes(store.read_bytes(key), recorded.video_id)
    except ObjectNotFoundError:
        # A run has just removed it.
        return None
    except ManifestError as error:
        recorded.faults[FINISHED] = f"cannot be read: {error}"
        return None


def _single(
    store: ObjectStore, recorded: Recorded, stage: str, sizes: Mapping[str, int]
) -> Manifest | None:
    if stage not in sizes:
        return None
    key = keys.manifest_key(stage, recorded.video_id)
    try:
        data = store.read_bytes(key)
    except ObjectNotFoundError:
        recorded.faults[stage] = MISSING
        return None
    try:
        manifest = Manifest.from_bytes(data, key)
    except ManifestError as error:
        if _is_newer(data):
            raise
        recorded.faults[stage] = f"cannot be read: {error}"
        return None
    if (manifest.stage, manifest.video_id) != (stage, recorded.video_id):
        recorded.faults[stage] = f"is that of {manifest.stage} of {manifest.video_id}"
        return None
    return manifest


def _is_newer(data: bytes) -> bool:
    try:
        content = json.loads(data)
    except ValueError:
        return False
    version = content.get("format_version") if isinstance(content, dict) else None
    return isinstance(version, int) and version > FORMAT_VERSION
