"""``heaters plan``: what ``heaters process`` would do for each video, without doing it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from heaters_pipeline.assets.bringing import give_submitted
from heaters_pipeline.assets.planning import plan_video
from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.assets.video_settings import video_layers, video_settings
from heaters_pipeline.cli.given_settings import GivenSettings
from heaters_pipeline.cli.plan_documents import plan_document, refusal_document
from heaters_pipeline.cli.wanted_cuts import WantedCuts
from heaters_pipeline.cli.wanted_runs import stored_settings, video_and_source
from heaters_pipeline.config import SourceConfig
from heaters_pipeline.errors import HeatersError
from heaters_pipeline.intake.sources import shown_video
from heaters_pipeline.intake.wanted import WantedVideo
from heaters_pipeline.names import SOURCE_ASSET
from heaters_pipeline.resources import open_workspace
from heaters_pipeline.settings_files import SettingsFile


def plan_videos(
    videos: Sequence[WantedVideo],
    given: GivenSettings,
    on_video: Callable[[Mapping[str, Any]], None],
    to_cut: WantedCuts | None = None,
) -> list[dict[str, Any]]:
    """Plan videos one after the other; one that cannot be planned does not keep the others.

    Args:
        videos: What is wanted.
        given: The settings that were given for them.
        on_video: Given the document of each video.
        to_cut: Where a person wants to have them cut.
    Returns:
        A document for each video, with its ``error`` or None.
    """
    settings = stored_settings(videos, given)
    documents = []
    for video in videos:
        document = _plan(video, given, settings, to_cut)
        on_video(document)
        documents.append(document)
    return documents


def _plan(
    video: WantedVideo,
    given: GivenSettings,
    settings: SettingsFile | None,
    to_cut: WantedCuts | None,
) -> dict[str, Any]:
    workspace = open_workspace(settings=settings)
    try:
        video_id, source = video_and_source(workspace, video)
        key = source.get("source_key")
        if to_cut:
            to_cut.suppose(workspace.by_hand, video_id)
        give_submitted(StageRun(workspace, SOURCE_ASSET, video_id))
        with given.said_as_typed():
            layers = video_layers(workspace, video_id, given.layers(video_id, key), key)
            chosen = video_settings(layers)
        plan = plan_video(workspace, video_id, SourceConfig(**source), chosen)
    except HeatersError as error:
        return refusal_document(shown_video(video.text), str(error))
    return plan_document(plan)
