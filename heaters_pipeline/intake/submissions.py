"""Requests to bring a video in: one record a video, written again when it is submitted again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from heaters_pipeline.errors import ManifestError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.manifests import (
    JSON_CONTENT_TYPE,
    Json,
    canonical_json,
    parse_record,
)

FORMAT = "heaters_pipeline/submission"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class Submission:
    """A request to bring a video in.

    Attributes:
        video_id: The partition that the video gets.
        source_key: The key under ``source_videos/`` that it gets, or has.
        url: Where it comes from; None if it lies in the store already.
        submitted_at: When it was asked for, in UTC. It makes the record another object when a
            video is submitted again, which is how the sensor sees it.
        settings: What the video is to be made with, by asset and field; they stay with it.
    """

    video_id: str
    source_key: str
    url: str | None
    submitted_at: datetime
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


def submit(
    store: ObjectStore,
    source_key: str,
    url: str | None,
    settings: Mapping[str, Mapping[str, Any]] | None = None,
) -> Submission:
    """Ask for a video; a sensor starts the run."""
    submission = Submission(
        keys.video_id_of(source_key), source_key, url, datetime.now(UTC), settings or {}
    )
    content: dict[str, Json] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "video_id": submission.video_id,
        "source_key": source_key,
        "url": url,
        "submitted_at": submission.submitted_at.isoformat(),
    }
    if submission.settings:
        content["settings"] = {name: dict(values) for name, values in submission.settings.items()}
    store.write_bytes(
        keys.submission_key(submission.video_id),
        canonical_json(content) + b"\n",
        content_type=JSON_CONTENT_TYPE,
    )
    return submission


def read_submission(store: ObjectStore, video_id: str) -> Submission:
    """Read the record of a video.

    Raises:
        ObjectNotFoundError: It was not submitted.
        ManifestError: The record is damaged, or newer than this program.
    """
    key = keys.submission_key(video_id)
    content = parse_record(store.read_bytes(key), key, FORMAT, FORMAT_VERSION)
    try:
        submission = Submission(
            video_id=content["video_id"],
            source_key=content["source_key"],
            url=content["url"],
            submitted_at=datetime.fromisoformat(content["submitted_at"]),
            settings={name: dict(values) for name, values in content.get("settings", {}).items()},
        )
        _require_sound(submission, video_id)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise ManifestError(f"{key} is damaged ({error}); submit the video again") from error
    return submission


def _require_sound(submission: Submission, video_id: str) -> None:
    for text in (submission.source_key, submission.url or ""):
        if not isinstance(text, str):
            raise TypeError(f"{text!r} is no text")
    if not video_id == submission.video_id == keys.video_id_of(submission.source_key):
        raise ValueError("it belongs to another video")
    if submission.submitted_at.tzinfo is None:
        raise ValueError("its time has no zone")
