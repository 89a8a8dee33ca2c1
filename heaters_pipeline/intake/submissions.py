"""Requests to bring a video in: one record a video, written again when it is submitted again."""

from dataclasses import dataclass
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
        title: What people call it; None to leave that as it is.
        tags: What people sort it by; None to leave that as it is.
        submitted_at: When it was asked for, in UTC. It makes the record another object when a
            video is submitted again, which is how the sensor sees it.
    """

    video_id: str
    source_key: str
    url: str | None
    submitted_at: datetime
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
    title: str | None = None,
    tags: tuple[str, ...] | None = None,
) -> Submission:
    """Ask for a video; a sensor starts the run."""
    video_id = keys.video_id_of(source_key)
    submission = Submission(video_id, source_key, url, datetime.now(UTC), title, tags)
    content: dict[str, Json] = {
        "format": FORMAT,
        "format_version": FORMAT_VERSION,
        "video_id": submission.video_id,
        "source_key": source_key,
        "url": url,
        "submitted_at": submission.submitted_at.isoformat(),
        **submission.config,
    }
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
            title=content.get("title"),
            tags=None if content.get("tags") is None else tuple(content["tags"]),
        )
        _require_sound(submission, video_id)
    except (KeyError, TypeError, ValueError) as error:
        raise ManifestError(f"{key} is damaged ({error}); submit the video again") from error
    return submission


def _require_sound(submission: Submission, video_id: str) -> None:
    said = (submission.title or "", *(submission.tags or ()))
    for text in (submission.source_key, submission.url or "", *said):
        if not isinstance(text, str):
            raise TypeError(f"{text!r} is no text")
    if not video_id == submission.video_id == keys.video_id_of(submission.source_key):
        raise ValueError("it belongs to another video")
    if submission.submitted_at.tzinfo is None:
        raise ValueError("its time has no zone")
