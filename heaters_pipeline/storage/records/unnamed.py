"""Since when nothing names an object: what ``heaters prune`` saw when it looked.

No object tells that itself. The table costs one GET and one PUT each time; if it is lost, all ages
begin anew, so that nothing is removed too early.
"""

import io
import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

import pyarrow as pa
import pyarrow.parquet as pq

from heaters_pipeline.errors import ObjectNotFoundError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore

_SCHEMA = pa.schema(
    [
        ("video_id", pa.string()),
        ("key", pa.string()),
        ("since", pa.timestamp("us", "UTC")),
        ("records", pa.string()),
    ]
)

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Unnamed:
    """An object that nothing named when somebody looked.

    Attributes:
        video_id: Whose it is.
        key: Its key.
        since: When it was first seen so, by the store's clock, in UTC.
        records: Which records of the video there were then. Where they are others now, one of
            them may have named it in between.
    """

    video_id: str
    key: str
    since: datetime
    records: str


def read_unnamed(store: ObjectStore) -> dict[str, Unnamed]:
    """What was seen so far, by key."""
    key = keys.UNNAMED_OBJECTS
    try:
        table = pq.read_table(io.BytesIO(store.read_bytes(key)), schema=_SCHEMA)
    except ObjectNotFoundError:
        return {}
    except MemoryError:
        # Arrow's is an ArrowException as well, and says nothing about the table.
        raise
    except (pa.ArrowException, OSError) as error:
        _logger.warning("%s is damaged (%s): ages are counted from now on", key, error)
        return {}
    return {row["key"]: Unnamed(**row) for row in table.to_pylist()}


def write_unnamed(store: ObjectStore, known: Mapping[str, Unnamed]) -> None:
    """Record what was seen."""
    table = pa.Table.from_pylist([_row(one) for one in _ordered(known.values())], schema=_SCHEMA)
    buffer = io.BytesIO()
    pq.write_table(table, buffer, compression="zstd")
    content_type = "application/vnd.apache.parquet"
    store.write_bytes(keys.UNNAMED_OBJECTS, buffer.getvalue(), content_type=content_type)


def _ordered(known: Iterable[Unnamed]) -> list[Unnamed]:
    return sorted(known, key=lambda one: one.key)


def _row(one: Unnamed) -> dict[str, str | datetime]:
    return {
        "video_id": one.video_id,
        "key": one.key,
        "since": one.since,
        "records": one.records,
    }
