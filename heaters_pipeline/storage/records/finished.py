"""The combined record of a finished video: all of its manifests in one object.

It is a cache. It says nothing that the manifests do not say, and is removed when one of them is
written; ``notices`` says in which order.
"""

import base64
import binascii
import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from heaters_pipeline.errors import ManifestError, ObjectNotFoundError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.manifests import (
    JSON_CONTENT_TYPE,
    Json,
    Manifest,
    canonical_json,
    parse_record,
    read_manifest,
)
from heaters_pipeline.storage.records.notices import FINISHED_STAGES, announce

FORMAT = "heaters_pipeline/finished"
FORMAT_VERSION = 1

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FinishedVideo:
    """What is known of a finished video.

    Attributes:
        video_id: The partition.
        manifests: The manifest of each of ``FINISHED_STAGES``.
        pictures: The small pictures of the Dagster UI by key.
    """

    video_id: str
    manifests: Mapping[str, Manifest]
    pictures: Mapping[str, bytes]

    def to_bytes(self) -> bytes:
        """The file: canonical JSON with a final newline."""
        manifests: dict[str, Json] = {
            stage: json.loads(manifest.to_bytes()) for stage, manifest in self.manifests.items()
        }
        content: dict[str, Json] = {
            "format": FORMAT,
            "format_version": FORMAT_VERSION,
            "video_id": self.video_id,
            "manifests": manifests,
            "pictures": {
                key: base64.b64encode(data).decode() for key, data in self.pictures.items()
            },
        }
        return canonical_json(content) + b"\n"

    @classmethod
    def from_bytes(cls, data: bytes, video_id: str) -> "FinishedVideo":
        """Read a file.

        Raises:
            ManifestError: Damaged, of another video, or newer than this program.
        """
        key = keys.finished_key(video_id)
        content = parse_record(data, key, FORMAT, FORMAT_VERSION)
        try:
            manifests = {
                stage: _manifest(content["manifests"][stage], key, stage, video_id)
                for stage in FINISHED_STAGES
            }
            pictures = {
                name: base64.b64decode(text, validate=True)
                for name, text in content["pictures"].items()
            }
        except (KeyError, TypeError, AttributeError, binascii.Error) as error:
            raise ManifestError(f"{key} is damaged ({type(error).__name__}: {error})") from error
        return cls(video_id, manifests, pictures)


def read_finished(store: ObjectStore, video_id: str) -> FinishedVideo | None:
    """The combined record of a video, None if there is none that can be read.

    The caller has to look for notices afterwards.
    """
    try:
        return FinishedVideo.from_bytes(store.read_bytes(keys.finished_key(video_id)), video_id)
    except ObjectNotFoundError:
        return None
    except ManifestError as error:
        # The manifests say the same, and are refused themselves if they are newer.
        _logger.warning("the manifests of %s are read one by one: %s", video_id, error)
        return None


def write_finished(store: ObjectStore, finished: FinishedVideo) -> None:
    """Write the combined record, if its manifests are those that lie in the store."""
    video_id, key = finished.video_id, keys.finished_key(finished.video_id)
    notice = announce(store, video_id)
    store.write_bytes(key, finished.to_bytes(), content_type=JSON_CONTENT_TYPE)
    if any(
        read_manifest(store, stage, video_id) != manifest
        for stage, manifest in finished.manifests.items()
    ):
        _logger.warning("another run changes %s; its combined record is left to that", video_id)
        store.delete(key)
    store.delete(notice)


def _manifest(content: Any, key: str, stage: str, video_id: str) -> Manifest:
    manifest = Manifest.from_bytes(canonical_json(content), key)
    if (manifest.stage, manifest.video_id) != (stage, video_id):
        raise ManifestError(f"{key} is damaged (it holds a manifest of another stage or video)")
    return manifest
