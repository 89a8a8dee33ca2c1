"""The page of all videos: which there are, and which of them wait for review."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from markupsafe import Markup

from heaters_pipeline.errors import printable
from heaters_pipeline.report.catalog_facts import finished_videos
from heaters_pipeline.report.review.page_html import (
    content_policy,
    page_style,
    read_text,
    render,
    script_json,
)
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.corrections import read_corrections
from heaters_pipeline.storage.records.manifests import Json
from heaters_pipeline.storage.records.video_manifests import read_video, recorded_videos


@dataclass(frozen=True, slots=True)
class ListedVideo:
    """A video as the list shows it.

    Attributes:
        video_id: The partition.
        title: What people call it.
        clips: Their number; None if the catalog does not know the video yet.
        tags: What people sort it by.
        waiting: How many clips wait for review.
        is_begun: Whether anything was decided of it.
    """

    video_id: str
    title: str
    clips: int | None
    tags: tuple[str, ...] = ()
    waiting: int | None = None
    is_begun: bool = False

    @property
    def state(self) -> str:
        """``waiting``, ``begun`` or ``reviewed``; ``unknown`` until the catalog has it."""
        if self.clips is None:
            return "unknown"
        if not self.is_begun:
            return "waiting"
        return "begun" if self.waiting else "reviewed"

    def to_json(self) -> dict[str, Json]:
        """As the page has it."""
        return {
            "id": self.video_id,
            "title": printable(self.title),
            "clips": self.clips,
            "tags": [printable(tag) for tag in self.tags],
            "waiting": self.waiting,
            "state": self.state,
        }


def listed_videos(store: ObjectStore) -> list[ListedVideo]:
    """All videos, by the catalog and two LISTs; of those with decisions the manifest is read."""
    known = finished_videos(store)
    found = {}
    for video_id in recorded_videos(store):
        row = known.get(video_id)
        name = keys.guess_source_key(video_id) or video_id
        if row is None:
            title = name.removeprefix(keys.SOURCE_PREFIX)
            found[video_id] = ListedVideo(video_id, title, None)
            continue
        title = row.title or row.source_key.removeprefix(keys.SOURCE_PREFIX)
        found[video_id] = ListedVideo(video_id, title, row.clips, row.tags, row.clips)
    for listed in store.list(keys.CORRECTION_PREFIX):
        decided = keys.corrected_video(listed.key)
        if decided in found and found[decided].clips is not None:
            found[decided] = _with_decisions(store, found[decided])
    return sorted(found.values(), key=lambda one: one.title.casefold())


def list_html(videos: Iterable[ListedVideo], link_prefix: str) -> bytes:
    """The page of all videos, self-contained.

    Args:
        videos: In order.
        link_prefix: What stands before the id of a video in the address of its page.
    """
    script = f'"use strict";\n(() => {{\n{read_text("page/list.js")}}})();\n'
    style = page_style()
    data: Mapping[str, Json] = {"prefix": link_prefix, "videos": [one.to_json() for one in videos]}
    return render(
        "list.html",
        policy=content_policy(script, style, ""),
        data=script_json(data),
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
    )


def _with_decisions(store: ObjectStore, video: ListedVideo) -> ListedVideo:
    """The same with how many of its clips wait."""
    manifest = read_video(store, video.video_id)
    clips, source = manifest.stages.get("clips"), manifest.stages.get("source_videos")
    if clips is None or source is None:
        return video
    corrections = read_corrections(store, video.video_id)
    sha256 = str(source.summary["sha256"])
    marks = corrections.marks(sha256)
    waiting = sum(
        (mark := marks.get((item.start_frame, item.end_frame))) is None or mark.review == "waiting"
        for item in clips.items
    )
    return ListedVideo(
        video.video_id,
        video.title,
        video.clips,
        video.tags,
        waiting,
        is_begun=bool(corrections.of_source(sha256)),
    )
