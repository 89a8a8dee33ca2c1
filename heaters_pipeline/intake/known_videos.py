"""What a store shows of each video before its records are read: of all by listing, or of some."""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import MappingProxyType

from heaters_pipeline.errors import HeatersError
from heaters_pipeline.intake.rejections import list_rejections
from heaters_pipeline.intake.sources import has_video_name
from heaters_pipeline.intake.submissions import read_listed
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.parted_listing import list_in_parts
from heaters_pipeline.storage.records.video_manifests import (
    newest_records,
    read_video,
    record_of,
)

READERS = 16
_LISTERS = 4
"""Threads that list: the work on a page takes as long as it is waited for, and more threads than
that take turns at it, which cost a fifth of the CPU time."""


@dataclass(frozen=True, slots=True)
class KnownVideo:
    """What lies in the store under the name of a video.

    Attributes:
        upload: Its source.
        submission: The request to bring it in.
        rejected_versions: ``keys.version_digest`` of the versions that were refused.
        manifest: The newest record of it.
    """

    upload: ObjectInfo | None = None
    submission: ObjectInfo | None = None
    rejected_versions: frozenset[str] = frozenset()
    manifest: ObjectInfo | None = None

    @property
    def is_video(self) -> bool:
        """Whether it is a video for all that is known, and no other file that was dropped in."""
        if self.manifest or self.submission or self.rejected_versions:
            return True
        return self.upload is not None and has_video_name(self.upload.key)


def all_known_videos(
    store: ObjectStore, expected: Mapping[str, str] = MappingProxyType({})
) -> dict[str, KnownVideo]:
    """What is known of every video, by listing each prefix that tells once.

    Args:
        store: Where they lie.
        expected: The keys of sources that are likely to be there, by video; they only help to list
            many videos by several at a time.
    """
    manifest_keys = map(keys.video_manifest_key, expected)
    with ThreadPoolExecutor(_LISTERS) as pool, ThreadPoolExecutor(4) as each:
        listed = each.submit(list_in_parts, store, keys.SOURCE_PREFIX, expected.values(), pool)
        recorded = each.submit(list_in_parts, store, keys.MANIFEST_PREFIX, manifest_keys, pool)
        asked = each.submit(_submissions, store)
        refused = each.submit(lambda: list(list_rejections(store)))
        uploads, manifests = _uploads(listed.result()), newest_records(recorded.result())
        submissions = asked.result()
        rejected: dict[str, set[str]] = {}
        for video_id, digest in refused.result():
            rejected.setdefault(video_id, set()).add(digest)
    return {
        video_id: KnownVideo(
            uploads.get(video_id),
            submissions.get(video_id),
            frozenset(rejected.get(video_id, ())),
            manifests.get(video_id),
        )
        for video_id in uploads.keys() | submissions.keys() | rejected.keys() | manifests.keys()
    }


def known_videos(store: ObjectStore, wanted: Mapping[str, str | None]) -> dict[str, KnownVideo]:
    """What is known of some videos: a few requests for each, however large the store is.

    Only where nothing tells the key of a source whose name the id hides, all sources are listed.

    Args:
        store: Where they lie.
        wanted: The key of the source of each, None where the caller does not know it.
    """
    with ThreadPoolExecutor(READERS) as pool:
        found = pool.map(lambda video_id: _known(store, video_id, wanted[video_id]), wanted)
        return dict(zip(wanted, found, strict=True))


def _known(store: ObjectStore, video_id: str, source_key: str | None) -> KnownVideo:
    manifest = record_of(store, video_id)
    submission = store.head(keys.submission_key(video_id))
    rejected = frozenset(digest for _, digest in list_rejections(store, video_id))
    source_key = source_key or keys.guess_source_key(video_id)
    source_key = source_key or _recorded_key(store, video_id, manifest, submission)
    if source_key is not None:
        upload = store.head(source_key) if keys.is_video_upload(source_key) else None
    else:
        upload = _uploads(store.list(keys.SOURCE_PREFIX)).get(video_id)
        submission = submission or _submissions(store).get(video_id)
    return KnownVideo(upload, submission, rejected, manifest)


def _recorded_key(
    store: ObjectStore, video_id: str, manifest: ObjectInfo | None, submission: ObjectInfo | None
) -> str | None:
    """The key of a source by what is recorded of it; None if that does not tell."""
    try:
        if manifest is not None:
            source = read_video(store, video_id).stages.get("source_videos")
            return str(source.summary["source_key"]) if source else None
        return read_listed(store, submission).source_key if submission else None
    except (HeatersError, KeyError):
        # Whoever needs what it says reads it again, and meets what is wrong with it.
        return None


def _uploads(listed: Iterable[ObjectInfo]) -> dict[str, ObjectInfo]:
    return {
        keys.video_id_of(found.key): found for found in listed if keys.is_video_upload(found.key)
    }


def _submissions(store: ObjectStore) -> dict[str, ObjectInfo]:
    return {
        video_id: found
        for found in store.list(keys.SUBMISSION_PREFIX)
        if (video_id := keys.submission_video_id(found.key)) is not None
    }
