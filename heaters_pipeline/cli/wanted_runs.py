"""What a run is asked to do: its config, and where its video comes from. Plans ask the same."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

from heaters_pipeline.assets.bringing import known_to, require_stored
from heaters_pipeline.errors import (
    ManifestError,
    ObjectNotFoundError,
    SettingsError,
    StoreError,
)
from heaters_pipeline.intake.bring import choose_key
from heaters_pipeline.intake.sources import LocalFile, StoreKey, classify
from heaters_pipeline.intake.wanted import WantedVideo
from heaters_pipeline.resources import Workspace
from heaters_pipeline.storage import keys

Config = Mapping[str, Mapping[str, Any]]
"""Config by asset."""


def video_and_source(workspace: Workspace, video: WantedVideo) -> tuple[str, dict[str, Any]]:
    """The partition of a video, and where a run is to take it from.

    What names no video is refused here, before anything is recorded of it.

    Args:
        workspace: Of the run; what is seen now is not asked for again.
        video: As it was typed, or stands in a list.
    Returns:
        The partition, and the config of ``source_videos``.
    Raises:
        SettingsError: It names no video.
        InvalidVideoError: The file is missing, cannot be read, or is no video.
        ObjectNotFoundError: The store has no such video, and none was submitted.
    """
    if video.refusal is not None:
        raise SettingsError(video.refusal)
    video_id, source = _place(workspace, video.text)
    if video.title is not None:
        source["title"] = video.title
    if video.tags is not None:
        source["tags"] = list(video.tags)
    return video_id, source


def likely_id(video: WantedVideo) -> str:
    """What to call a video that was refused: by the id that it would have had."""
    try:
        wanted = classify(video.text)
    except SettingsError:
        return video.text
    if isinstance(wanted, LocalFile) and video.refusal is None:
        return keys.video_id_of(wanted.source_key)
    return video.text


def _place(workspace: Workspace, text: str) -> tuple[str, dict[str, Any]]:
    wanted = classify(text)
    if isinstance(wanted, StoreKey):
        with _told_by_the_run():
            require_stored(workspace, wanted)
        return wanted.video_id, {"source_key": wanted.source_key} if wanted.source_key else {}
    if isinstance(wanted, LocalFile):
        key = wanted.source_key
        with _told_by_the_run():
            key = choose_key(
                workspace.store,
                wanted,
                lambda key: known_to(workspace, key),
                head=workspace.prefetch_source,
            )
        return keys.video_id_of(key), {"origin": str(wanted.path), "source_key": key}
    return keys.video_id_of(wanted.source_key), {
        "origin": wanted.url,
        "source_key": wanted.source_key,
    }


@contextmanager
def _told_by_the_run() -> Iterator[None]:
    """Leave trouble with the store to the run, which meets it too, and shows it where people look.

    That there is nothing of that name is no trouble of the store's.
    """
    try:
        yield
    except (StoreError, ManifestError) as error:
        if isinstance(error, ObjectNotFoundError):
            raise
