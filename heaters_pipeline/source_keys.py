"""Under which key a video lies whose partition does not tell it, noted in Dagster's database.

A run of the sensor is told by a tag; runs of a backfill have the tags of all, so that a key cannot
be among them. The notes lie beside the cursors of Dagster's daemons, which is no public place.
"""

import json
from collections.abc import Iterable, Mapping

import dagster as dg
from dagster._core.storage.runs.schema import KeyValueStoreTable
from dagster._core.storage.runs.sql_run_storage import SqlRunStorage

from heaters_pipeline.storage import keys

_NOTE = "heaters/source_key/"
_NOTED_AT_ONCE = 5000
"""SQLite takes 32,766 values in a statement, and a note is two."""


def note_source_keys(instance: dg.DagsterInstance, source_keys: Iterable[str]) -> None:
    """Note the keys that the partitions of their videos do not tell, thousands by a statement."""
    hidden = {
        _NOTE + video_id: json.dumps(key)
        for key in source_keys
        if keys.guess_source_key(video_id := keys.video_id_of(key)) is None
    }
    # A name has a digest of its key, so that what is noted never changes.
    names = list(hidden)
    for first in range(0, len(names), _NOTED_AT_ONCE):
        some = names[first : first + _NOTED_AT_ONCE]
        known = instance.daemon_cursor_storage.get_cursor_values(set(some))
        if new := {name: hidden[name] for name in some if name not in known}:
            instance.daemon_cursor_storage.set_cursor_values(new)


def noted_source_keys(instance: dg.DagsterInstance, video_ids: Iterable[str]) -> Mapping[str, str]:
    """The keys that are noted of some videos, by video."""
    names = {_NOTE + video_id for video_id in video_ids}
    notes = instance.daemon_cursor_storage.get_cursor_values(names) if names else {}
    return {name.removeprefix(_NOTE): json.loads(note) for name, note in notes.items()}


def forget_source_key(instance: dg.DagsterInstance, video_id: str) -> None:
    """Remove what is noted of a video, for which there is no call."""
    storage = instance.run_storage
    if isinstance(storage, SqlRunStorage):
        with storage.connect() as connection:
            notes = KeyValueStoreTable
            connection.execute(notes.delete().where(notes.c.key == _NOTE + video_id))
