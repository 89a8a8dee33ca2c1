"""``heaters plan``: what ``heaters process`` would do for each video, without doing it."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from heaters_pipeline.assets.planning import plan_video
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.cli.plan_documents import plan_document, refusal_document
from heaters_pipeline.cli.wanted_runs import Config, video_and_source
from heaters_pipeline.config import SourceConfig
from heaters_pipeline.errors import HeatersError
from heaters_pipeline.intake.wanted import WantedVideo
from heaters_pipeline.resources import open_workspace


def plan_videos(
    videos: Sequence[WantedVideo], config: Config, on_video: Callable[[Mapping[str, Any]], None]
) -> list[dict[str, Any]]:
    """Plan videos one after the other; one that cannot be planned does not keep the others.

    Args:
        videos: What is wanted.
        config: Config by asset.
        on_video: Given the document of each video.
    Returns:
        A document for each video, with its ``error`` or None.
    """
    settings = RunSettings.of(config)
    documents = []
    for video in videos:
        document = _plan(video, settings)
        on_video(document)
        documents.append(document)
    return documents


def _plan(video: WantedVideo, settings: RunSettings) -> dict[str, Any]:
    workspace = open_workspace()
    try:
        video_id, source = video_and_source(workspace, video)
        plan = plan_video(workspace, video_id, SourceConfig(**source), settings)
    except HeatersError as error:
        return refusal_document(video.text, str(error))
    return plan_document(plan)
