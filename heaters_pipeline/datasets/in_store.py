"""Data sets that lie in the store, and which of them hold clips of a video."""

import io
from collections.abc import Iterator

import pyarrow as pa
import pyarrow.parquet as pq

from heaters_pipeline.datasets.documents import TABLE
from heaters_pipeline.datasets.place import Place
from heaters_pipeline.errors import ObjectNotFoundError, SettingsError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore

_BEHIND_ALL = "\U0010ffff"


def place_in_store(store: ObjectStore, name: str) -> Place:
    """Where a data set of the store lies.

    Raises:
        SettingsError: It cannot have this name.
    """
    try:
        return Place(store, keys.dataset_prefix(name))
    except ValueError as error:
        raise SettingsError(
            f"{error}: give it one of up to 100 letters, digits, _ and -, such as animals-2026"
        ) from error


def datasets_that_may_hold(store: ObjectStore, video_id: str) -> list[str]:
    """The names of the data sets of a store that have clips of a video, or may have.

    An export that was cut off left clips that no table names yet.
    """
    return [name for name in _names(store) if _may_hold(place_in_store(store, name), video_id)]


def _names(store: ObjectStore) -> Iterator[str]:
    """All data sets, by a page of a LIST each: most of their files are passed over."""
    after = ""
    while found := next(store.list(keys.DATASET_PREFIX, start_after=after), None):
        name, slash, _ = found.key.removeprefix(keys.DATASET_PREFIX).partition("/")
        after = f"{keys.DATASET_PREFIX}{name}/{_BEHIND_ALL}" if slash else found.key
        if slash and keys.is_dataset(name):
            yield name


def _may_hold(place: Place, video_id: str) -> bool:
    try:
        recorded = place.recorded()
        with pq.ParquetFile(io.BytesIO(place.read(TABLE))) as table:
            places, *_ = table.schema_arrow.names
            named = table.read([places, "video_id"])
    except (SettingsError, ObjectNotFoundError, pa.ArrowException, OSError, ValueError):
        # It cannot be told.
        return True
    unnamed = set(recorded[1] if recorded else ()) - set(named[places].to_pylist())
    return bool(unnamed) or video_id in named["video_id"].to_pylist()
