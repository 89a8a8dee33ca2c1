"""Where a data set lies, and which files there are its own: no others are ever taken away."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from heaters_pipeline.datasets.documents import DOCUMENTS
from heaters_pipeline.datasets.parts import is_part
from heaters_pipeline.errors import (
    ManifestError,
    NewerRecordError,
    ObjectNotFoundError,
    SettingsError,
)
from heaters_pipeline.storage.digests import file_sha256, object_sha256
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.json_records import LARGE_BYTES, read_limited
from heaters_pipeline.storage.records.manifests import (
    JSON_CONTENT_TYPE,
    canonical_json,
    parse_record,
)

LEDGER = ".heaters-dataset.json"
"""Which files are the data set's own. Loaders pass over what begins with a dot."""
_FORMAT = "heaters_pipeline/dataset"
_FORMAT_VERSION = 1
_CONTENT_TYPES: Mapping[str, str] = {
    ".json": JSON_CONTENT_TYPE,
    ".mov": "video/quicktime",
    ".mp4": "video/mp4",
    ".parquet": "application/vnd.apache.parquet",
    ".tar": "application/x-tar",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Where a data set lies.

    Attributes:
        store: The store; a folder is one.
        prefix: What the keys of its files begin with.
    """

    store: ObjectStore
    prefix: str = ""

    @property
    def url(self) -> str:
        """As people write it."""
        return f"{self.store.url}/{self.prefix}".rstrip("/")

    def sizes(self, prefix: str) -> dict[str, int]:
        """The length of each file whose name begins so."""
        return {
            found.key.removeprefix(self.prefix): found.size_bytes
            for found in self.store.list(f"{self.prefix}{prefix}")
        }

    def put(self, name: str, path: Path) -> None:
        """Store a file, whole."""
        content_type = _CONTENT_TYPES[PurePosixPath(name).suffix]
        self.store.put_file(f"{self.prefix}{name}", path, content_type=content_type)

    def keep(self, name: str, path: Path) -> bool:
        """Store a file unless it is there; whether it was not."""
        found = self.store.head(f"{self.prefix}{name}")
        size_bytes = path.stat().st_size
        is_as_long = found is not None and found.size_bytes == size_bytes
        if is_as_long and self.digest(name, size_bytes) == file_sha256(path):
            return False
        self.put(name, path)
        return True

    def digest(self, name: str, size_bytes: int) -> str:
        """The SHA-256 of a file, which is read for it."""
        return object_sha256(self.store, f"{self.prefix}{name}", size_bytes)

    def read(self, name: str) -> bytes:
        """The content of a file.

        Raises:
            ObjectNotFoundError: There is none.
        """
        return self.store.read_bytes(f"{self.prefix}{name}")

    def remove(self, name: str) -> None:
        """Remove a file; one that is gone already is no error."""
        self.store.delete(f"{self.prefix}{name}")

    def ledger(self, kind: str) -> dict[str, str]:
        """The files that are the data set's own, with the digests that are known, else "".

        Args:
            kind: The format that is about to be written.
        Raises:
            SettingsError: Something else lies there.
        """
        found = self.recorded()
        if found is None:
            self._require_empty()
            return {}
        recorded, files = found
        if recorded != kind:
            raise SettingsError(
                f"{self.url} has a data set of the format {recorded}; export into another folder"
            )
        return files

    def recorded(self) -> tuple[str, dict[str, str]] | None:
        """The format of the data set with the files that are its own; None if there is none.

        Raises:
            SettingsError: It cannot be told.
        """
        try:
            data = read_limited(self.store, self.prefix + LEDGER, max_bytes=LARGE_BYTES)
            content = parse_record(data, LEDGER, _FORMAT, _FORMAT_VERSION)
            files = dict(content["files"])
            mine = {name: str(digest) for name, digest in files.items() if is_part(name)}
            return str(content["kind"]), mine
        except ObjectNotFoundError:
            return None
        except NewerRecordError:
            raise
        except (ManifestError, KeyError, TypeError, ValueError) as error:
            raise SettingsError(
                f"{self.url}/{LEDGER} is damaged, so that nobody knows which files there are the "
                "data set's own; export into another folder"
            ) from error

    def write_ledger(self, kind: str, files: Mapping[str, str]) -> None:
        """Say which files are the data set's own, before the first of them is written."""
        content = canonical_json(
            {
                "format": _FORMAT,
                "format_version": _FORMAT_VERSION,
                "kind": kind,
                "files": dict(files),
            }
        )
        self.store.write_bytes(self.prefix + LEDGER, content, content_type=JSON_CONTENT_TYPE)

    def _require_empty(self) -> None:
        for name in DOCUMENTS:
            if self.store.head(f"{self.prefix}{name}") is not None:
                raise SettingsError(
                    f"{self.url} has a {name} that is not of this program; export into another "
                    "folder"
                )
