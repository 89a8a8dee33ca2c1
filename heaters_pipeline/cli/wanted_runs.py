"""What a run is asked to do: its config, and where its video comes from. Plans ask the same."""

from collections.abc import Mapping
from typing import Any

from heaters_pipeline.assets.bringing import known_to
from heaters_pipeline.errors import StoreError
from heaters_pipeline.intake.bring import choose_key
from heaters_pipeline.intake.sources import LocalFile, StoreKey, classify
from heaters_pipeline.resources import Workspace
from heaters_pipeline.storage import keys

Config = Mapping[str, Mapping[str, Any]]
"""Config by asset."""


def video_and_source(workspace: Workspace, video: str) -> tuple[str, dict[str, Any]]:
    """The partition of a video, and where a run is to take it from.

    Args:
        workspace: Of the run; what is seen now is not asked for again.
        video: As it was typed.
    Returns:
        The partition, and the config of ``source_videos``.
    Raises:
        SettingsError: It names no video.
        InvalidVideoError: The file is missing, cannot be read, or is no video.
    """
    wanted = classify(video)
    if isinstance(wanted, StoreKey):
        return wanted.video_id, {"source_key": wanted.source_key} if wanted.source_key else {}
    if isinstance(wanted, LocalFile):
        try:
            key = choose_key(
                workspace.store,
                wanted,
                lambda key: known_to(workspace, key),
                head=workspace.prefetch_head,
            )
        except StoreError:
            # The run will meet the same trouble, and shows it where people look.
            key = wanted.source_key
        return keys.video_id_of(key), {"origin": str(wanted.path), "source_key": key}
    # What a run is configured with is recorded, and shown in the UI: it gets the link from here.
    workspace.given_links[wanted.source_key] = wanted
    return keys.video_id_of(wanted.source_key), {
        "origin": wanted.origin,
        "source_key": wanted.source_key,
    }
