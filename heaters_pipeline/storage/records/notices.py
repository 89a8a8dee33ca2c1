"""Notices that a manifest is about to change: while one lies there, no combined record counts.

A reader of the combined record lists the clips in any case, and finds the notices among them. The
order of the steps is what makes the record safe, whatever ends between two of them:

- Who publishes a manifest: notice, manifest, remove the record, remove the notice.
- Who writes the record: notice, record, read the manifests again and remove the record if they are
  others, remove the notice.

So a record that contradicts the manifests never lies there without a notice: the manifest was
written either before its writer read the manifests again, or after, and then its publisher removes
the record. Each notice has a key of its own, so that nobody removes that of another.
"""

import logging
import uuid
from collections.abc import Iterator
from contextlib import contextmanager

from heaters_pipeline.errors import StoreError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore

FINISHED_STAGES = (
    "source_videos",
    "frame_scores",
    "scenes",
    "clips",
    "sprite_sheets",
    "keyframes",
)
"""The stages whose manifests the combined record of a video holds."""

_logger = logging.getLogger(__name__)


def announce(store: ObjectStore, video_id: str) -> str:
    """Put up a notice and return its key."""
    key = keys.notice_key(video_id, uuid.uuid4().hex)
    store.write_bytes(key, b"{}\n", content_type="application/json")
    return key


@contextmanager
def changing(store: ObjectStore, video_id: str) -> Iterator[None]:
    """Publish a manifest inside. If that fails the notice stays, since it may have arrived."""
    notice = announce(store, video_id)
    yield
    try:
        store.delete(keys.finished_key(video_id))
        store.delete(notice)
    except StoreError as error:
        # The manifest is there and the notice, too, so nothing is lost but requests.
        _logger.warning(
            "%s stays, so that the next runs of %s read each manifest: %s", notice, video_id, error
        )


def remove_notices(store: ObjectStore, video_id: str) -> None:
    """Remove those of killed processes; only for who holds the claim on the video.

    One that was taken for dead and is not still removes the combined record after its manifest.
    """
    for found in list(store.list(keys.notice_prefix(video_id))):
        store.delete(found.key)
