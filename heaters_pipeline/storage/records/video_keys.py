"""Every key of the store that names a video."""

from collections.abc import Iterator

from heaters_pipeline.names import COMPARISON_ASSET, EXPORTS, REVIEW_ASSET
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.video_manifests import OLDER_RECORDS

OWN_RECORDS = (COMPARISON_ASSET, REVIEW_ASSET, EXPORTS)
"""What has a manifest beside that of the video."""
RECORDS = ("videos", *OWN_RECORDS, *OLDER_RECORDS)
"""The records that a video may have under ``manifests/``; the one that says most comes first."""


def keys_of_video(store: ObjectStore, video_id: str) -> Iterator[ObjectInfo]:
    """What lies in the store under the name of a video, what others put there among it.

    The catalog names it as well, and what ``heaters prune`` notes.
    """
    yield from source_objects(store, video_id)
    yield from records_of_video(store, video_id)
    yield from _whole(store, keys.submission_key(video_id))
    yield from _whole(store, keys.link_key(video_id))
    yield from decisions_of_video(store, video_id)
    yield from objects_of_video(store, video_id)


def source_objects(store: ObjectStore, video_id: str) -> Iterator[ObjectInfo]:
    """The source of a video."""
    key = keys.guess_source_key(video_id)
    if key is not None:
        yield from _whole(store, key)
        return
    # A digest in the id hides the name.
    for found in store.list(keys.SOURCE_PREFIX):
        if keys.is_video_upload(found.key) and keys.video_id_of(found.key) == video_id:
            yield found


def records_of_video(store: ObjectStore, video_id: str) -> Iterator[ObjectInfo]:
    """What is recorded of a video."""
    for record in RECORDS:
        yield from _whole(store, keys.manifest_key(record, video_id))


def decisions_of_video(store: ObjectStore, video_id: str) -> Iterator[ObjectInfo]:
    """What people decided of a video: corrections, and where to cut it."""
    yield from _whole(store, keys.correction_key(video_id))
    cuts = store.list(keys.cuts_prefix(video_id))
    yield from (found for found in cuts if keys.is_cuts_of(found.key, video_id))


def objects_of_video(store: ObjectStore, video_id: str) -> Iterator[ObjectInfo]:
    """What was made of a video, with its claims and rejections."""
    for folder in keys.PRODUCT_FOLDERS:
        yield from store.list(keys.objects_prefix(folder, video_id))
    yield from store.list(keys.rejection_prefix(video_id))


def _whole(store: ObjectStore, key: str) -> Iterator[ObjectInfo]:
    found = store.head(key)
    if found is not None:
        yield found
