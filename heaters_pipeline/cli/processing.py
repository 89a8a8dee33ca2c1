"""``heaters process``: bring videos in and run the whole pipeline for each, in this process."""

import os
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import click
import dagster as dg

from heaters_pipeline.cli.documents import process_document
from heaters_pipeline.cli.given_settings import GivenSettings
from heaters_pipeline.cli.instance import dagster_instance
from heaters_pipeline.cli.local_runs import LocalRun, build_catalog, in_catalog, process_video
from heaters_pipeline.cli.terminal import Watcher
from heaters_pipeline.cli.wanted_cuts import WantedCuts
from heaters_pipeline.cli.wanted_runs import likely_id, stored_settings, video_and_source
from heaters_pipeline.due_catalog import costs_little
from heaters_pipeline.errors import HeatersError, StoreError
from heaters_pipeline.intake.sources import shown_video
from heaters_pipeline.intake.wanted import WantedVideo
from heaters_pipeline.names import CATALOG_ASSET
from heaters_pipeline.report.catalog_record import look_at_catalog
from heaters_pipeline.resources import open_workspace
from heaters_pipeline.settings_files import SettingsFile
from heaters_pipeline.settings_layers import Layers
from heaters_pipeline.status import SHOWN_STATES, video_statuses
from heaters_pipeline.storage.object_store import ObjectStore

LEFT_TO_OTHERS = (
    "the catalog has {clips} clips and is not written anew for this: its sensor does that while "
    "heaters ui runs, and heaters catalog at once"
)


def process_videos(
    videos: Sequence[WantedVideo],
    given: GivenSettings,
    watcher: Watcher,
    on_video: Callable[[Mapping[str, Any]], None],
    to_cut: WantedCuts | None = None,
) -> list[dict[str, Any]]:
    """Process videos one after the other; one that fails does not keep the others from it.

    Args:
        videos: What is wanted; what names no video is said, and nothing is recorded of it.
        given: The settings that were given for them.
        watcher: Shown the progress.
        on_video: Given the document of each video when it is done.
        to_cut: Where a person wants to have them cut, from now on.
    Returns:
        A document for each video, with its ``error`` or None.
    Raises:
        SettingsError: No run could work with the settings; nothing was done.
    """
    settings = stored_settings(videos, given)
    documents = []
    made, unchanged = False, []
    with dagster_instance() as instance:
        for video in videos:
            watcher.start(shown_video(video.text).rpartition("/")[2])
            document, run = _process(instance, video, given, settings, watcher, to_cut)
            watcher.clear()
            on_video(document)
            documents.append(document)
            if run is not None and run.made_nothing:
                unchanged.append(run.video_id)
            made = made or (document["error"] is None and run is not None and not run.made_nothing)
        if made or (unchanged and not in_catalog(instance, unchanged)):
            _follow(instance)
    return documents


def _follow(instance: dg.DagsterInstance) -> None:
    """Bring the catalog up to date, unless that would take much of what the videos took.

    It is written whole. A large one is left to the sensor, or to ``heaters catalog``.
    """
    last = look_at_catalog(open_workspace().store).catalog
    # Not by the clock, which runs on while others have the processor.
    cpu_seconds = sum(os.times()[:4])
    if last is not None and not costs_little(last.clips, cpu_seconds):
        click.echo(LEFT_TO_OTHERS.format(clips=last.clips), err=True)
        return
    catalog = build_catalog(instance)
    if catalog.error and CATALOG_ASSET in catalog.completed:
        click.echo(f"the catalog is made, without all: {catalog.error}", err=True)
    elif catalog.error:
        raise HeatersError(f"the videos are done, but the catalog failed: {catalog.error}")


def _process(
    instance: dg.DagsterInstance,
    video: WantedVideo,
    given: GivenSettings,
    settings: SettingsFile | None,
    watcher: Watcher,
    to_cut: WantedCuts | None,
) -> tuple[dict[str, Any], LocalRun | None]:
    # What is looked up before the run and after it is not asked for again.
    workspace = open_workspace(settings=settings)
    try:
        video_id, source = video_and_source(workspace, video)
    except HeatersError as error:
        name = shown_video(likely_id(video))
        return process_document(name, "download_failed", str(error), {}, {}), None
    try:
        if to_cut is not None:
            to_cut.keep(workspace, video_id)
    except HeatersError as error:
        return process_document(video_id, "splicing_failed", str(error), {}, {}), None
    now = Layers(given.layers(video_id, source.get("source_key")))
    config = {**now.values, "source_videos": source}
    run = process_video(instance, video_id, config, watcher.step, workspace)
    manifests = {
        stage: manifest
        for stage in run.completed
        if (manifest := workspace.manifest(stage, video_id)) is not None
    }
    # The state of a failed video is looked up, which may take a listing of all.
    state = "spliced" if run.success else _state(instance, workspace.store, run)
    return process_document(video_id, state, run.error, manifests, run.stages), run


def _state(instance: dg.DagsterInstance, store: ObjectStore, run: LocalRun) -> str:
    try:
        (status,) = video_statuses(store, instance, [run.video_id])
    except StoreError:
        return "splicing_failed" if "source_videos" in run.completed else "download_failed"
    return status.state


def summary_line(document: Mapping[str, Any]) -> str:
    """What a person reads of a video that is done."""
    if document["error"]:
        return f"{document['video_id']}: failed: {document['error']}"
    counts = document["counts"]
    seconds = sum(document["seconds"].values())
    return (
        f"{document['video_id']}: {SHOWN_STATES[document['state']]}, "
        f"{len(document['scenes'])} scenes, {len(document['clips'])} clips; "
        f"made {counts['made']}, reused {counts['reused']} in {seconds:.1f} s"
    )
