"""Records of inputs that cannot be processed, so that nothing tries them again until they change.

The version of the input is part of the key: one LIST tells which ones were refused, also when
Dagster's database is lost.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from heaters_pipeline.errors import InvalidVideoError, ManifestError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.json_records import SMALL_BYTES, read_limited
from heaters_pipeline.storage.records.manifests import (
    JSON_CONTENT_TYPE,
    Json,
    canonical_json,
    parse_record,
)

FORMAT = "heaters_pipeline/rejection"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Rejection:
    """Why one version of a source object, or of a submission, is not processed.

    Attributes:
        video_id: The partition.
        version_digest: ``keys.version_digest`` of the version that was refused.
        reason: The machine word of ``InvalidVideoError``.
        message: What a person reads.
        dismissed: Nobody wants to be told of it any more.
    """

    video_id: str
    version_digest: str
    reason: str
    message: str
    dismissed: bool = False


def write_rejection(
    store: ObjectStore, video_id: str, version: str, error: InvalidVideoError
) -> Rejection:
    """Record that a version was refused."""
    rejection = Rejection(video_id, keys.version_digest(version), error.reason, str(error))
    content: dict[str, Json] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "video_id": video_id,
        "version": version,
        "reason": error.reason,
        "message": str(error),
    }
    store.write_bytes(
        keys.rejection_key(video_id, version),
        canonical_json(content) + b"\n",
        content_type=JSON_CONTENT_TYPE,
    )
    return rejection


def read_rejection(store: ObjectStore, key: str) -> Rejection:
    """Read one record.

    Raises:
        ObjectNotFoundError: There is none.
        ManifestError: It is damaged or newer than this program.
    """
    content = parse_record(
        read_limited(store, key, max_bytes=SMALL_BYTES), key, FORMAT, FORMAT_VERSION
    )
    try:
        return Rejection(
            str(content["video_id"]),
            keys.version_digest(str(content["version"])),
            str(content["reason"]),
            str(content["message"]),
            bool(content.get("dismissed", False)),
        )
    except KeyError as error:
        raise ManifestError(
            f"{key} is damaged (it has no {error}); delete it and run the video again"
        ) from error


def dismiss_rejections(store: ObjectStore, video_id: str) -> None:
    """Let nobody be told any more why versions of a video were refused; they stay refused."""
    for found in list(store.list(keys.rejection_prefix(video_id))):
        content = parse_record(store.read_bytes(found.key), found.key, FORMAT, FORMAT_VERSION)
        if not content.get("dismissed"):
            data = canonical_json({**content, "dismissed": True}) + b"\n"
            store.write_bytes(found.key, data, content_type=JSON_CONTENT_TYPE)


def list_rejections(store: ObjectStore, video_id: str | None = None) -> Iterator[tuple[str, str]]:
    """``(video_id, version digest)`` of everything that was refused, or of one video alone."""
    wanted = keys.REJECTION_PREFIX if video_id is None else keys.rejection_prefix(video_id)
    for found in store.list(wanted):
        whose, _, name = found.key.removeprefix(keys.REJECTION_PREFIX).rpartition("/")
        yield whose, name.removesuffix(".json")
