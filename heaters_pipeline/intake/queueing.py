"""``heaters submit``: what the sensors are given to do."""

from collections.abc import Callable, Mapping
from typing import Any

from heaters_pipeline.intake.bring import KnownSources, bring_file, choose_key, find_stored
from heaters_pipeline.intake.sources import LocalFile, StoreKey, classify
from heaters_pipeline.intake.submissions import submit
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore

Values = Mapping[str, Mapping[str, Any]]


def queue_video(
    store: ObjectStore,
    text: str,
    known: KnownSources,
    settings: Callable[[str], Values] = lambda _: {},
) -> str:
    """Queue a video and say what happens next.

    A file is copied into the store, where the sensor for uploads finds it, since the daemon may
    run on another machine. A link is recorded for the sensor for submissions; so is a video that
    lies in the store, to be processed once more.

    Args:
        store: Where videos and submissions lie.
        text: What the user typed.
        known: What is recorded of source objects.
        settings: Gives what a video with this key is to be made with, by asset and field.
    Raises:
        InvalidVideoError: The file is no video; nothing was stored.
        ObjectNotFoundError: It names nothing.
    """
    wanted = classify(text)
    if isinstance(wanted, LocalFile):
        key = choose_key(store, wanted, known)
        brought = bring_file(store, wanted.path, source_key=key, known=known)
        if brought.copied:
            if settings(key):
                submit(store, key, None, settings(key))
            return f"{keys.video_id_of(key)}: stored as {key}, waits for the sensor"
        submit(store, key, None, settings(key))
        return f"{keys.video_id_of(key)}: lies in the store already, queued to be processed again"
    if isinstance(wanted, StoreKey):
        key = find_stored(store, wanted).key
        submit(store, key, None, settings(key))
        return f"{keys.video_id_of(key)}: queued to be processed again"
    submission = submit(store, wanted.source_key, wanted.url, settings(wanted.source_key))
    return f"{submission.video_id}: queued to be downloaded"
