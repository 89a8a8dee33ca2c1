"""The files of clips, fetched a few ahead of their use and compared with what is recorded."""

import secrets
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from heaters_pipeline.errors import ManifestError, ObjectNotFoundError
from heaters_pipeline.storage.digests import file_sha256
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.video_streams import mapped_ahead

_FETCHERS = 4
"""So many clips are under way, and so many more lie on the disk until they are used."""


class ClipFiles:
    """The files of clips of a store.

    Args:
        store: Where they lie.
        scratch: A folder for those that cannot be read in place.
    """

    def __init__(self, store: ObjectStore, scratch: Path) -> None:
        self._store = store
        self._scratch = scratch

    def of(self, rows: Iterable[Mapping[str, Any]]) -> Iterator[tuple[Mapping[str, Any], Path]]:
        """Each row with the file of its clip, which is there until the next is asked for.

        Raises:
            ManifestError: A clip is missing, or is not what is recorded.
        """
        with ThreadPoolExecutor(_FETCHERS) as pool:
            for row, path in mapped_ahead(pool, self._checked, rows, ahead=2 * _FETCHERS):
                yield row, path
                if path.parent == self._scratch:
                    path.unlink()

    def _checked(self, row: Mapping[str, Any]) -> tuple[Mapping[str, Any], Path]:
        key = str(row["clip_filepath"])
        try:
            path = self._store.local_path(key) or self._fetched(key)
        except ObjectNotFoundError as error:
            raise ManifestError(f"{key} is missing; {_ADVICE}") from error
        size_bytes = path.stat().st_size
        if size_bytes != row["size_bytes"]:
            raise ManifestError(
                f"{key} has {size_bytes} bytes, and {row['size_bytes']} are recorded; {_ADVICE}"
            )
        # Of clips of older versions none is recorded.
        recorded = row.get("sha256")
        if recorded is not None and file_sha256(path) != recorded:
            raise ManifestError(f"{key} has another content than is recorded; {_ADVICE}")
        return row, path

    def _fetched(self, key: str) -> Path:
        path = self._scratch / f"{secrets.token_hex(8)}.clip"
        self._store.fetch(key, path)
        return path


_ADVICE = "heaters verify --deep --repair makes it again, then export once more"
