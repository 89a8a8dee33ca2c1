"""``review_pages``: the page on which a person reviews the clips of a video."""

from datetime import datetime, timedelta
from typing import Any

import dagster as dg

from heaters_pipeline.assets.links import link
from heaters_pipeline.assets.policy import CLIPS_GROUP, RETRY_POLICY, STORE_KIND
from heaters_pipeline.assets.stage import StageRun, stage_run
from heaters_pipeline.assets.stage_work import StageWork, claimed_work, look
from heaters_pipeline.assets.units import Scene, Unit
from heaters_pipeline.names import REVIEW_ASSET, WORK_TAG
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.report.review_page.page_data import PAGE_VERSION, require_finished
from heaters_pipeline.report.review_page.page_html import DECODER_NAME, decoder_bytes, page_digest
from heaters_pipeline.report.review_page.stored_page import stored_page
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import bytes_sha256
from heaters_pipeline.storage.records.corrections import Corrections, read_corrections
from heaters_pipeline.storage.records.video_manifests import VideoManifest
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.workspace import Workspace

LINKS_LAST = timedelta(days=7)
"""How long presigned links open what they lead to, at most."""
RENEWED_BEFORE = timedelta(days=2)
"""A page whose links have no longer than that is made again."""


@dg.asset(
    partitions_def=source_videos_partitions,
    deps=["scenes", "sprite_sheets", "keyframes"],
    group_name=CLIPS_GROUP,
    kinds={"html", STORE_KIND},
    tags={WORK_TAG: "decide"},
    code_version=str(PAGE_VERSION),
    retry_policy=RETRY_POLICY,
    automation_condition=dg.AutomationCondition.eager(),
)
def review_pages(
    context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
) -> dg.MaterializeResult[Any]:
    """A page with the curve, the cuts and the clips of a video, on which a person reviews them.

    It opens from a folder, and by a presigned link from a bucket; decisions are downloaded there.
    `heaters serve` shows the same pages and saves decisions into the store.
    """
    with stage_run(context, workspace, REVIEW_ASSET) as run:
        video = workspace.video(run.video_id)
        require_finished(video)
        corrections = read_corrections(workspace.store, run.video_id)
        work = claimed_work(run, lambda: _work(run, video, corrections))
        summary = work.current.summary if work.current else {}
        if not work.done:
            summary = _make(work, video, corrections)
        (page,) = work.ordered_items
        facts = {"page": link(workspace.store, page.key), "decisions": summary["decisions"]}
        if summary["links_until"] is not None:
            facts["links_until"] = summary["links_until"]
        return work.finish(summary, metadata=facts)


def _work(run: StageRun, video: VideoManifest, corrections: Corrections) -> StageWork:
    work = look(
        run,
        inputs={
            "corrections": bytes_sha256(corrections.to_bytes()),
            "format_version": PAGE_VERSION,
            "page": page_digest(),
            "stage": REVIEW_ASSET,
            "stages": {name: video.stages[name].fingerprint for name in sorted(video.stages)},
        },
    )
    until = work.current.summary["links_until"] if work.current else None
    if until is not None:
        left = datetime.fromisoformat(until) - run.workspace.store.now()
        if left < RENEWED_BEFORE:
            work.outdated()
    return work


def _make(work: StageWork, video: VideoManifest, corrections: Corrections) -> dict[str, Any]:
    """Store the page, and return what the manifest says of it."""
    workspace = work.run.workspace
    key = keys.review_page_key(video.video_id, work.fingerprint)
    decoder_key = keys.review_decoder_key(bytes_sha256(decoder_bytes()), DECODER_NAME)
    # Of a bucket, a page reaches nothing that was not signed for it.
    is_signed = not workspace.store.url.startswith("file:")
    until = (workspace.store.now() + LINKS_LAST).isoformat() if is_signed else None
    unit = _unit(video, key)
    work.plan([unit])

    def address(of: str) -> str:
        return workspace.store.link(of) if is_signed else f"../../{of}"

    with work.run.phase("make"):
        if workspace.store.head(decoder_key) is None:
            workspace.write_bytes(decoder_key, decoder_bytes(), "text/javascript")
        page = stored_page(
            workspace.store,
            video,
            corrections,
            address,
            address(decoder_key),
            more={"links_until": until},
        )
        workspace.write_bytes(key, page, "text/html; charset=utf-8")
    item = unit.scene.item(key, len(page), {"sha256": bytes_sha256(page)})
    work.add(unit, [item])
    return {"decisions": len(corrections.decisions), "links_until": until}


def _unit(video: VideoManifest, key: str) -> Unit:
    track = video.stages["frame_scores"].items[0]
    scene = Scene(Span(0, track.end_frame), track.start_seconds, track.end_seconds)
    return Unit(video.video_id, (key,), scene, adoptable=False)
