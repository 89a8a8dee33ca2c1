"""What a run is asked to do: its config, and where its video comes from. Plans ask the same."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from heaters_pipeline.assets.bringing import known_to, require_stored
from heaters_pipeline.assets.video_settings import video_layers
from heaters_pipeline.cli.given_settings import GivenSettings
from heaters_pipeline.errors import (
    ManifestError,
    ObjectNotFoundError,
    SettingsError,
    StoreError,
)
from heaters_pipeline.intake.bring import choose_key
from heaters_pipeline.intake.sources import LocalFile, StoreKey, classify
from heaters_pipeline.intake.wanted import WantedVideo
from heaters_pipeline.resources import open_workspace
from heaters_pipeline.settings_files import SettingsFile
from heaters_pipeline.settings_layers import Layers, file_layers
from heaters_pipeline.storage import keys
from heaters_pipeline.workspace import Workspace

Config = Mapping[str, Mapping[str, Any]]
"""Config by asset."""


def stored_settings(videos: Sequence[WantedVideo], given: GivenSettings) -> SettingsFile | None:
    """The settings of the store, once what was given was checked with them for all videos.

    Args:
        videos: What is wanted.
        given: For all of them.
    Returns:
        None if the store cannot be asked: each run then says so where people look.
    Raises:
        SettingsError: The settings of the store are broken, or no run could work with what was
            given.
    """
    workspace = open_workspace()
    try:
        for video in videos:
            meant = named(video.text)
            if meant is not None:
                _require_sound(workspace, given, *meant)
        return workspace.settings()
    except StoreError:
        return None


def given_values(given: GivenSettings, source_key: str) -> Config:
    """What was given for the video with this key, and nothing else."""
    return Layers(given.layers(keys.video_id_of(source_key), source_key)).values


def named(video: str) -> tuple[str, str | None] | None:
    """The id and the key that a video has or gets, as far as its name tells; None if it is none."""
    try:
        wanted = classify(video)
    except SettingsError:
        # Said for this video alone, when its turn comes.
        return None
    if isinstance(wanted, StoreKey):
        return wanted.video_id, wanted.source_key or keys.guess_source_key(wanted.video_id)
    return keys.video_id_of(wanted.source_key), wanted.source_key


def _require_sound(
    workspace: Workspace, given: GivenSettings, video_id: str, source_key: str | None
) -> None:
    now = given.layers(video_id, source_key)
    with given.said_as_typed():
        try:
            Layers([*file_layers(workspace.settings(), video_id, source_key), *now]).sound_values()
        except SettingsError:
            # What the video was given before may be what makes sense of it.
            video_layers(workspace, video_id, now, source_key).sound_values()


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
    # What a run is configured with is recorded, and shown in the UI: it gets the link from here.
    workspace.given_links[wanted.source_key] = wanted
    return keys.video_id_of(wanted.source_key), {
        "origin": wanted.origin,
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
