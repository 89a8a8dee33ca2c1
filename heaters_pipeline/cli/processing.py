"""``heaters process``: bring videos in and run the whole pipeline for each, in this process."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import dagster as dg

from heaters_pipeline.cli.documents import process_document
from heaters_pipeline.cli.instance import dagster_instance
from heaters_pipeline.cli.local_runs import LocalRun, build_catalog, in_catalog, process_video
from heaters_pipeline.cli.terminal import Watcher
from heaters_pipeline.cli.wanted_runs import Config, likely_id, video_and_source
from heaters_pipeline.errors import HeatersError, StoreError
from heaters_pipeline.intake.wanted import WantedVideo
from heaters_pipeline.resources import open_workspace
from heaters_pipeline.status import video_statuses
from heaters_pipeline.storage.object_store import ObjectStore


def process_videos(
    videos: Sequence[WantedVideo],
    config: Config,
    watcher: Watcher,
    on_video: Callable[[Mapping[str, Any]], None],
) -> list[dict[str, Any]]:
    """Process videos one after the other; one that fails does not keep the others from it.

    Args:
        videos: What is wanted; what names no video is said, and nothing is recorded of it.
        config: Config by asset.
        watcher: Shown the progress.
        on_video: Given the document of each video when it is done.
    Returns:
        A document for each video, with its ``error`` or None.
    """
    documents = []
    made, unchanged = False, []
    with dagster_instance() as instance:
        for video in videos:
            watcher.start(video.text.rpartition("/")[2])
            document, run = _process(instance, video, config, watcher)
            watcher.clear()
            on_video(document)
            documents.append(document)
            if run is not None and run.made_nothing:
                unchanged.append(run.video_id)
            made = made or (document["error"] is None and run is not None and not run.made_nothing)
        if made or (unchanged and not in_catalog(instance, unchanged)):
            catalog = build_catalog(instance)
            if catalog.error:
                raise HeatersError(f"the videos are done, but the catalog failed: {catalog.error}")
    return documents


def _process(
    instance: dg.DagsterInstance, video: WantedVideo, config: Config, watcher: Watcher
) -> tuple[dict[str, Any], LocalRun | None]:
    # What is looked up before the run and after it is not asked for again.
    workspace = open_workspace()
    try:
        video_id, source = video_and_source(workspace, video)
    except HeatersError as error:
        return process_document(likely_id(video), "download_failed", str(error), {}, {}), None
    config = {**config, "source_videos": source}
    run = process_video(instance, video_id, config, watcher.step, workspace)
    manifests = {
        stage: manifest
        for stage in run.completed
        if (manifest := workspace.manifest(stage, video_id)) is not None
    }
    state = "spliced" if run.made_nothing else _state(instance, workspace.store, run)
    return process_document(video_id, state, run.error, manifests, run.stages), run


def _state(instance: dg.DagsterInstance, store: ObjectStore, run: LocalRun) -> str:
    try:
        (status,) = video_statuses(store, instance, [run.video_id])
    except StoreError:
        if run.success:
            raise
        return "splicing_failed" if "source_videos" in run.completed else "download_failed"
    return status.state


def summary_line(document: Mapping[str, Any]) -> str:
    """What a person reads of a video that is done."""
    if document["error"]:
        return f"{document['video_id']}: {document['state']}: {document['error']}"
    counts = document["counts"]
    seconds = sum(document["seconds"].values())
    return (
        f"{document['video_id']}: {document['state']}, {len(document['scenes'])} scenes, "
        f"{len(document['clips'])} clips; made {counts['made']}, reused {counts['reused']} "
        f"in {seconds:.1f} s"
    )
