"""Which objects the stored catalog names: those who read it may still open them."""

import io
import threading

import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.parquet as pq

from heaters_pipeline.errors import ManifestError, ObjectNotFoundError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore

_KEY_COLUMNS = ("_filepath", "_filepaths")
_ROWS_AT_ONCE = 20_000

IntArray = npt.NDArray[np.int64]


class CatalogKeys:
    """What the catalog names that lies in a store; its table is read when that is first asked.

    Of a million clips it names ten million keys. It keeps their hashes, which of two keys are the
    same once in 10**12 times, and then only keep an object.

    Args:
        store: Where it lies.
    """

    def __init__(self, store: ObjectStore) -> None:
        self._store = store
        self._lock = threading.Lock()
        self._version: str | None = None
        self._hashes: list[IntArray] | None = None
        self._video_ids: set[str] = set()

    def refresh(self) -> None:
        """Look again, by one HEAD unless it is another catalog than before."""
        found = self._store.head(keys.CATALOG_CLIPS)
        version = found.version if found else None
        with self._lock:
            if version != self._version:
                self._version, self._hashes = version, None

    def names(self, key: str) -> bool:
        """Whether it names an object.

        Raises:
            ManifestError: It cannot be read, so that what it names cannot be told.
        """
        wanted = hash(key)
        return any(_is_among(wanted, some) for some in self._read())

    def has(self, video_id: str) -> bool:
        """Whether it has a clip of a video.

        Raises:
            ManifestError: It cannot be read.
        """
        self._read()
        return video_id in self._video_ids

    def _read(self) -> list[IntArray]:
        with self._lock:
            if self._hashes is None:
                self._hashes = self._hashed() if self._version is not None else []
            return self._hashes

    def _hashed(self) -> list[IntArray]:
        key = keys.CATALOG_CLIPS
        hashes, self._video_ids = [], set()
        try:
            with pq.ParquetFile(io.BytesIO(self._store.read_bytes(key))) as file:
                columns = [name for name in file.schema_arrow.names if name.endswith(_KEY_COLUMNS)]
                for rows in file.iter_batches(_ROWS_AT_ONCE, columns=["video_id", *columns]):
                    self._video_ids.update(rows["video_id"].to_pylist())
                    hashes += [_hashes_of(rows[name]) for name in columns]
        except MemoryError:
            # Arrow's is an ArrowException as well, and says nothing about the table.
            raise
        except (pa.ArrowException, KeyError, OSError) as error:
            raise ManifestError(
                f"{key} is damaged ({error}), so that what it names cannot be told: delete it and "
                "run build_catalog, which makes it again"
            ) from error
        except ObjectNotFoundError:
            return []
        return hashes


def _hashes_of(column: pa.Array) -> IntArray:
    """Those of the keys of a column, in order; a row may have several, or none."""
    flat = column.flatten() if pa.types.is_list(column.type) else column
    named = flat.drop_null().to_pylist()
    return np.sort(np.fromiter((hash(key) for key in named), np.int64, len(named)))


def _is_among(wanted: int, ordered: IntArray) -> bool:
    at = np.searchsorted(ordered, wanted)
    return bool(at < len(ordered) and ordered[at] == wanted)
