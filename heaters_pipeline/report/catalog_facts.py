"""What the stored catalog says of finished videos, so that their manifests need not be read.

Each row tells the version of the manifest that it was made of. Who finds another version there
reads the manifest; a catalog that is old, or missing, only means more of that.
"""

import io
import logging
from dataclasses import dataclass

import pyarrow as pa
import pyarrow.parquet as pq

from heaters_pipeline.errors import ObjectNotFoundError
from heaters_pipeline.report.catalog_rows import SOURCE_DELETED
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore

_COLUMNS = [
    "video_id",
    "source_key",
    "source_version",
    "sidecars",
    "clips",
    "title",
    "tags",
    "record_version",
]

_logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class FinishedVideo:
    """A row of the catalog: what the manifest of a finished video said.

    Attributes:
        manifest_version: Of the manifest that was read.
        source_key: Of its source.
        source_version: Of the source object that everything was made of.
        sidecars: Key and version of each subtitle file beside it.
        clips: Their number, and that of the scenes.
        title: What people call it.
        tags: What people sort it by.
    """

    manifest_version: str
    source_key: str
    source_version: str | None
    sidecars: frozenset[tuple[str, str]]
    clips: int
    title: str | None
    tags: tuple[str, ...]


def finished_videos(store: ObjectStore) -> dict[str, FinishedVideo]:
    """The videos of the stored catalog by id, by one GET; none if it is missing, damaged or older.

    A row is true only of a manifest that has its version.
    """
    try:
        with pq.ParquetFile(io.BytesIO(store.read_bytes(keys.CATALOG_VIDEOS))) as file:
            if not set(_COLUMNS) <= set(file.schema_arrow.names):
                # Of an older version; the next catalog has them.
                return {}
            table = file.read(_COLUMNS)
    except ObjectNotFoundError:
        return {}
    except MemoryError:
        # Arrow's is an ArrowException as well, and says nothing about the table.
        raise
    except (pa.ArrowException, OSError) as error:
        _logger.warning("%s tells nothing, manifests are read: %s", keys.CATALOG_VIDEOS, error)
        return {}
    return {
        row.pop("video_id"): FinishedVideo(
            manifest_version=row["record_version"].removesuffix(SOURCE_DELETED),
            source_key=row["source_key"],
            source_version=row["source_version"],
            sidecars=frozenset((each["key"], each["version"]) for each in row["sidecars"]),
            clips=row["clips"],
            title=row["title"],
            tags=tuple(row["tags"]),
        )
        for row in table.to_pylist()
    }


class LastCatalog:
    """Which catalog of each store was read last, in this process."""

    def __init__(self) -> None:
        self._versions: dict[str, str | None] = {}

    def is_another(self, store: ObjectStore) -> bool:
        """Whether the stored catalog is another one than when this was last asked, by a HEAD."""
        found = store.head(keys.CATALOG_VIDEOS)
        version = found.version if found else None
        last = self._versions.get(store.url)
        self._versions[store.url] = version
        return version != last
