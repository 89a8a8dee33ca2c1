"""The page of all videos: which there are, and which of them wait for review."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Literal

from markupsafe import Markup

from heaters_pipeline.errors import ManifestError, printable
from heaters_pipeline.report.catalog_facts import finished_videos
from heaters_pipeline.report.review import review_of
from heaters_pipeline.report.review_page.page_html import (
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
        state: ``waiting``, ``begun`` or ``reviewed``; ``unknown`` until the catalog has it;
            ``unreadable`` where its record or what was decided is damaged.
    """

    video_id: str
    title: str
    clips: int | None
    tags: tuple[str, ...] = ()
    waiting: int | None = None
    state: Literal["waiting", "begun", "reviewed", "unknown", "unreadable"] = "unknown"

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
        found[video_id] = ListedVideo(video_id, title, row.clips, row.tags, row.clips, "waiting")
    for listed in store.list(keys.CORRECTION_PREFIX):
        decided = keys.corrected_video(listed.key)
        if decided in found and found[decided].clips is not None:
            found[decided] = _with_decisions(store, found[decided])
    return sorted(found.values(), key=lambda one: one.title.casefold())


def list_html(
    videos: Iterable[ListedVideo],
    page_link: Callable[[str], str | None],
    *,
    links_until: str | None = None,
) -> bytes:
    """The page of all videos, self-contained.

    Args:
        videos: In order.
        page_link: From the id of a video to the address of its page; None if it has none.
        links_until: When those addresses expire, if they do.
    """
    script = f'"use strict";\n(() => {{\n{read_text("page/list.js")}}})();\n'
    style = page_style()
    rows: list[Json] = [{**one.to_json(), "page": page_link(one.video_id)} for one in videos]
    return render(
        "list.html",
        policy=content_policy(script, style, ""),
        data=script_json({"videos": rows, "links_until": links_until}),
        style=Markup(style),  # noqa: S704
        script=Markup(script),  # noqa: S704
    )


def _with_decisions(store: ObjectStore, video: ListedVideo) -> ListedVideo:
    """The same with how many of its clips wait."""
    try:
        manifest = read_video(store, video.video_id)
        if not manifest.is_finished:
            return video
        review = review_of(manifest, read_corrections(store, video.video_id))
    except ManifestError:
        # Its own page says what is wrong; the others are none the worse for it.
        return replace(video, waiting=None, state="unreadable")
    if not review.decisions:
        return video
    state: Literal["begun", "reviewed"] = "reviewed" if review.state == "reviewed" else "begun"
    return replace(video, waiting=review.counts["waiting"], state=state)
