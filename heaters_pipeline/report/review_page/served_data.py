"""What the page of a video shows, built once for each version of its manifest, and sent alone."""

from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock

from heaters_pipeline.errors import ObjectNotFoundError
from heaters_pipeline.report.review_page.page_data import Link
from heaters_pipeline.report.review_page.stored_page import (
    applied_edits,
    decided_data,
    stored_data,
)
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.corrections import Corrections
from heaters_pipeline.storage.records.manifests import Json, canonical_json
from heaters_pipeline.storage.records.video_manifests import read_video, record_of

VIDEOS_KEPT = 8
"""About 1 MB each at 2,000 clips."""


@dataclass(frozen=True, slots=True)
class _Built:
    """What was made of a manifest: ``content`` is a JSON object that is not empty."""

    version: str
    content: bytes
    source_sha256: str
    applied: list[Json]


class ServedData:
    """The data of pages, of which that of the last few videos is kept in memory."""

    def __init__(self, store: ObjectStore, link: Link) -> None:
        self._store = store
        self._link = link
        self._kept: OrderedDict[str, _Built] = OrderedDict()
        # Who asks twice waits for the first answer, rather than building it once more.
        self._lock = Lock()

    def of_video(self, video_id: str, corrections: Corrections, more: Mapping[str, Json]) -> bytes:
        """All that the page of a video shows, as JSON; a HEAD while the manifest stays as it was.

        Args:
            video_id: Which.
            corrections: What is decided of it.
            more: What the page is to know besides.
        Raises:
            ManifestError: The video is not finished, or something of it is damaged.
            ObjectNotFoundError: There is no such video, or its track is missing.
        """
        found = record_of(self._store, video_id)
        if found is None:
            raise ObjectNotFoundError(f"there is no video {video_id}")
        with self._lock:
            built = self._kept.pop(video_id, None)
            if built is None or built.version != found.version:
                built = self._build(video_id, found.version)
            self._kept[video_id] = built
            if len(self._kept) > VIDEOS_KEPT:
                self._kept.popitem(last=False)
        decided = decided_data(built.applied, corrections, built.source_sha256)
        # Two JSON objects as one, without parsing the large one again.
        return built.content[:-1] + b"," + canonical_json({**decided, **more})[1:]

    def _build(self, video_id: str, version: str) -> _Built:
        video = read_video(self._store, video_id)
        data = stored_data(self._store, video, self._link)
        sha256 = str(data["source_sha256"])
        return _Built(version, canonical_json(data), sha256, applied_edits(video))
