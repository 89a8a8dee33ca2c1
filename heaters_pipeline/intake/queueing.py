"""``heaters submit``: what the sensors are given to do."""

import os
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.intake.bring import KnownSources, bring_file, choose_key, find_stored
from heaters_pipeline.intake.sidecars import is_stored, local_sidecars
from heaters_pipeline.intake.sources import LocalFile, StoreKey, classify, has_video_name
from heaters_pipeline.intake.submissions import submit
from heaters_pipeline.intake.wanted import WantedVideo
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore

Values = Mapping[str, Mapping[str, Any]]


def queue_video(
    store: ObjectStore,
    video: WantedVideo,
    known: KnownSources,
    settings: Callable[[str], Values] = lambda _: {},
) -> str:
    """Queue a video and say what happens next.

    A file is copied into the store, where the sensor for uploads finds it, since the daemon may
    run on another machine. A link is recorded for the sensor for submissions; so is a video that
    lies in the store, to be processed once more.

    Args:
        store: Where videos and submissions lie.
        video: What the user wants.
        known: What is recorded of source objects.
        settings: Gives what a video with this key is to be made with, by asset and field.
    Raises:
        SettingsError: It is nothing that can be accepted.
        InvalidVideoError: The file is no video; nothing was stored.
        ObjectNotFoundError: It names nothing.
    """
    if video.refusal is not None:
        raise SettingsError(video.refusal)
    wanted = classify(video.text)
    if isinstance(wanted, LocalFile):
        return _queue_file(store, wanted, video, known, settings)
    if isinstance(wanted, StoreKey):
        key = find_stored(store, wanted).key
        submit(store, key, None, settings(key), title=video.title, tags=video.tags)
        return f"{keys.video_id_of(key)}: queued to be processed again"
    key = wanted.source_key
    submission = submit(store, key, wanted.url, settings(key), title=video.title, tags=video.tags)
    return f"{submission.video_id}: queued to be downloaded"


def _queue_file(
    store: ObjectStore,
    file: LocalFile,
    video: WantedVideo,
    known: KnownSources,
    settings: Callable[[str], Values],
) -> str:
    key = choose_key(store, file, known)
    path = Path(os.path.realpath(file.path))
    beside = {found.key: found for found in store.list(keys.beside_prefix(key) or key)}
    for sidecar in local_sidecars(path, key):
        # Before the video, so that they are there when it is seen.
        if not is_stored(store, sidecar, beside, []):
            store.put_file(sidecar.key, sidecar.path, content_type=sidecar.content_type)
    brought = bring_file(store, file.path, source_key=key, known=known)
    told = video.title is not None or video.tags is not None or bool(settings(key))
    if not brought.copied or told or not has_video_name(key):
        # Sensors look neither into what was there before, nor at what is no video by name.
        submit(store, key, None, settings(key), title=video.title, tags=video.tags)
    if brought.copied:
        return f"{keys.video_id_of(key)}: stored as {key}, waits for the sensor"
    return f"{keys.video_id_of(key)}: lies in the store already, queued to be processed again"
