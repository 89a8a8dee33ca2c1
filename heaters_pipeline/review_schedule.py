"""The schedule that makes review pages in a bucket anew before their links expire."""

from datetime import datetime

import dagster as dg

from heaters_pipeline.assets.review_pages import LINKS_LAST, RENEWED_BEFORE
from heaters_pipeline.jobs import make_review_pages
from heaters_pipeline.names import REVIEW_ASSET, SOURCE_VIDEOS
from heaters_pipeline.storage import keys
from heaters_pipeline.workspace import Workspace


@dg.schedule(
    job=make_review_pages,
    cron_schedule="15 3 * * *",
    description="Makes the review pages of a bucket anew whose links would expire. Switch it on "
    "together with make_pages_when_finished; pages in a folder have no such end.",
)
def renew_review_pages(
    context: dg.ScheduleEvaluationContext, workspace: dg.ResourceParam[Workspace]
) -> list[dg.RunRequest]:
    """The videos whose latest page has links for less than ``RENEWED_BEFORE``, by one LIST."""
    store = workspace.store
    if store.url.startswith("file:"):
        return []
    made: dict[str, datetime] = {}
    for found in store.list(f"{REVIEW_ASSET}/"):
        video_id = keys.review_page_video(found.key)
        if video_id is not None:
            made[video_id] = max(made.get(video_id, found.modified), found.modified)
    old = store.now() - (LINKS_LAST - RENEWED_BEFORE)
    known = set(context.instance.get_dynamic_partitions(SOURCE_VIDEOS))
    return [
        dg.RunRequest(partition_key=video_id)
        for video_id, modified in made.items()
        if modified < old and video_id in known
    ]
