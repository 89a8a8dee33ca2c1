"""Requests to bring a video in: one record a video, written again when it is submitted again.

What may be secret of a link stands in an object of its own, which is removed as soon as the video
is stored, or its link proves to be of no use.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from heaters_pipeline.errors import (
    DownloadError,
    InvalidVideoError,
    ManifestError,
    NewerRecordError,
    ObjectNotFoundError,
    StoreError,
)
from heaters_pipeline.intake.sources import shown_url
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.json_records import SMALL_BYTES, damaged, read_limited
from heaters_pipeline.storage.records.manifests import (
    JSON_CONTENT_TYPE,
    Json,
    canonical_json,
    parse_record,
)

FORMAT = "heaters_pipeline/submission"
FORMAT_VERSION = 2
"""Version 1 held the whole link."""
LINK_FORMAT = "heaters_pipeline/link"
LINK_FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Submission:
    """A request to bring a video in.

    Attributes:
        video_id: The partition that the video gets.
        source_key: The key under ``source_videos/`` that it gets, or has.
        url: Where it comes from, as it is shown; None if it lies in the store already.
        is_shortened: Whether the whole link is an object of its own.
        title: What people call it; None to leave that as it is.
        tags: What people sort it by; None to leave that as it is.
        submitted_at: When it was asked for, in UTC. It makes the record another object when a
            video is submitted again, which is how the sensor sees it.
        settings: What the video is to be made with, by asset and field; they stay with it.
    """

    video_id: str
    source_key: str
    url: str | None
    is_shortened: bool
    submitted_at: datetime
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    title: str | None = None
    tags: tuple[str, ...] | None = None

    @property
    def config(self) -> dict[str, Any]:
        """What the run is told of the video, as ``source_videos`` takes it."""
        told = {"title": self.title, "tags": self.tags and list(self.tags)}
        return {name: value for name, value in told.items() if value is not None}


def submit(
    store: ObjectStore,
    source_key: str,
    url: str | None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
    *,
    title: str | None = None,
    tags: tuple[str, ...] | None = None,
) -> Submission:
    """Ask for a video; a sensor starts the run.

    Args:
        store: Where it is asked for.
        source_key: The key that the video gets, or has.
        url: The whole link; None for a video that lies in the store.
        settings: What it is to be made with, by asset and field.
        title: What people call it; None to leave that as it is.
        tags: What people sort it by; None to leave that as it is.
    """
    video_id, shown = keys.video_id_of(source_key), _shown(url)
    submission = Submission(
        video_id, source_key, shown, shown != url, datetime.now(UTC), settings or {}, title, tags
    )
    if submission.is_shortened:
        # First, since the sensor may see the submission at once.
        link: dict[str, Json] = {
            "format": LINK_FORMAT,
            "format_version": LINK_FORMAT_VERSION,
            "url": url,
        }
        _write(store, keys.link_key(video_id), link)
    content: dict[str, Json] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "video_id": video_id,
        "source_key": source_key,
        "url": shown,
        "is_shortened": submission.is_shortened,
        "submitted_at": submission.submitted_at.isoformat(),
        **submission.config,
    }
    if submission.settings:
        content["settings"] = {name: dict(values) for name, values in submission.settings.items()}
    _write(store, keys.submission_key(video_id), content)
    return submission


def read_submission(store: ObjectStore, video_id: str) -> Submission:
    """Read the record of a video.

    Raises:
        ObjectNotFoundError: It was not submitted.
        ManifestError: The record is damaged, or newer than this program.
    """
    key = keys.submission_key(video_id)
    data = read_limited(store, key, max_bytes=SMALL_BYTES)
    content = parse_record(data, key, FORMAT, FORMAT_VERSION)
    try:
        submission = Submission(
            video_id=content["video_id"],
            source_key=content["source_key"],
            url=content["url"],
            is_shortened=content["format_version"] > 1 and content["is_shortened"],
            submitted_at=datetime.fromisoformat(content["submitted_at"]),
            settings={name: dict(values) for name, values in content.get("settings", {}).items()},
            title=content.get("title"),
            tags=None if content.get("tags") is None else tuple(content["tags"]),
        )
        _require_sound(submission, video_id)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(key, str(error)) from error
    return submission


def read_listed(store: ObjectStore, found: ObjectInfo) -> Submission:
    """Read what a listing shows under ``submissions/``, where anyone may have put anything.

    Raises:
        InvalidVideoError: It is no submission, and will not become one; it is to be rejected.
        ObjectNotFoundError: It was removed meanwhile.
        NewerRecordError: It can be read by a newer version.
        StoreUnavailableError: It cannot be read now.
    """
    name = found.key.removeprefix(keys.SUBMISSION_PREFIX).removesuffix(".json")
    if not keys.is_video_id(name):
        raise _rejected(f"{found.key} is no submission: its name is that of no video; remove it")
    if found.size_bytes > SMALL_BYTES:
        raise _rejected(str(damaged(found.key, f"it has {found.size_bytes} bytes")))
    try:
        return read_submission(store, name)
    except (ObjectNotFoundError, NewerRecordError):
        raise
    except (ManifestError, StoreError) as error:
        if error.transient:
            raise
        raise _rejected(str(error)) from error


def _rejected(message: str) -> InvalidVideoError:
    return InvalidVideoError("bad_submission", message)


def whole_link(store: ObjectStore, submission: Submission) -> str:
    """The link of a submission that has one, with what may be secret.

    Raises:
        DownloadError: It was removed, since it had been of use, or of none.
        ManifestError: It is damaged, or newer than this program.
    """
    if not submission.is_shortened:
        return submission.url or ""
    key = keys.link_key(submission.video_id)
    try:
        data = read_limited(store, key, max_bytes=SMALL_BYTES)
    except ObjectNotFoundError as error:
        raise DownloadError(
            f"the whole link of {submission.url} is no longer kept, since it was used, or refused; "
            "submit the link again"
        ) from error
    url = parse_record(data, key, LINK_FORMAT, LINK_FORMAT_VERSION).get("url")
    if not isinstance(url, str):
        raise damaged(key, "it has no url")
    return url


def forget_link(store: ObjectStore, video_id: str, submission: Submission | None = None) -> None:
    """Remove what may be secret of a video's link; nothing if there is nothing.

    Args:
        store: Where it was submitted.
        video_id: The partition.
        submission: As it was read; one of version 1 is removed if it holds the whole link.
    """
    store.delete(keys.link_key(video_id))
    if submission and not submission.is_shortened and _shown(submission.url) != submission.url:
        store.delete(keys.submission_key(video_id))


def _shown(url: str | None) -> str | None:
    # In a key of S3 a question mark means nothing.
    return url if url is None or url.startswith("s3://") else shown_url(url)


def _write(store: ObjectStore, key: str, content: dict[str, Json]) -> None:
    store.write_bytes(key, canonical_json(content) + b"\n", content_type=JSON_CONTENT_TYPE)


def _require_sound(submission: Submission, video_id: str) -> None:
    said = (submission.title or "", *(submission.tags or ()))
    for text in (submission.source_key, submission.url or "", *said):
        if not isinstance(text, str):
            raise TypeError("its source_key, url, title or a tag is no text")
    if not isinstance(submission.is_shortened, bool):
        raise TypeError("is_shortened is neither true nor false")
    if not video_id == submission.video_id == keys.video_id_of(submission.source_key):
        raise ValueError("it belongs to another video")
    if submission.submitted_at.tzinfo is None:
        raise ValueError("its time has no zone")
