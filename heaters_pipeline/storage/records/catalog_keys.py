"""Which objects the stored catalog names, video by video: those who read it may still open them."""

import io
from collections.abc import Mapping

import pyarrow as pa
import pyarrow.parquet as pq

from heaters_pipeline.errors import ManifestError, ObjectNotFoundError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore

_KEY_COLUMNS = ("_filepath", "_filepaths")


class CatalogKeys:
    """What the catalog names that lies in a store.

    Args:
        store: Where it lies.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._version: str | None = None
        self._clips = pa.table({"video_id": pa.array([], pa.string())})
        self._rows: Mapping[str, tuple[int, int]] = {}

    def refresh(self) -> None:
        """Look again, by one HEAD unless it is another catalog than before.

        Raises:
            ManifestError: It cannot be read, so that what it names cannot be told.
        """
        found = self._store.head(keys.CATALOG_CLIPS)
        version = found.version if found else None
        if version == self._version:
            return
        clips = self._read() if found else self._clips.slice(0, 0)
        self._rows = _rows_by_video(clips["video_id"].to_pylist())
        self._clips, self._version = clips, version

    def of(self, video_id: str) -> set[str]:
        """The keys that it names of a video."""
        start, length = self._rows.get(video_id, (0, 0))
        named: set[str] = set()
        for column in self._clips.slice(start, length).columns:
            for value in column.to_pylist():
                named.update(value if isinstance(value, list) else [value] if value else [])
        return named

    def _read(self) -> pa.Table:
        key = keys.CATALOG_CLIPS
        try:
            with pq.ParquetFile(io.BytesIO(self._store.read_bytes(key))) as file:
                columns = [name for name in file.schema_arrow.names if name.endswith(_KEY_COLUMNS)]
                # Its rows stand video by video, whatever order they were written in before.
                return file.read(["video_id", *columns]).sort_by("video_id")
        except MemoryError:
            # Arrow's is an ArrowException as well, and says nothing about the table.
            raise
        except (pa.ArrowException, KeyError, OSError) as error:
            raise ManifestError(
                f"{key} is damaged ({error}), so that what it names cannot be told: delete it and "
                "run build_catalog, which makes it again"
            ) from error
        except ObjectNotFoundError:
            return self._clips.slice(0, 0)


def _rows_by_video(video_ids: list[str]) -> dict[str, tuple[int, int]]:
    """The first row and the number of rows of each video, of rows that stand video by video."""
    rows: dict[str, tuple[int, int]] = {}
    for index, video_id in enumerate(video_ids):
        start, length = rows.get(video_id, (index, 0))
        rows[video_id] = (start, length + 1)
    return rows
