"""A store whose objects have to be fetched, and the work of processes that share a cache of it."""

import sys
import time
from pathlib import Path

from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo, ProgressCallback


class RemoteFolder(DirectoryObjectStore):
    """A folder that is treated as if it were far away; writes down who fetched what."""

    def __init__(self, root: Path, *, fetch_seconds: float = 0.0) -> None:
        super().__init__(root)
        self._log = root.with_name("fetches")
        self._fetch_seconds = fetch_seconds

    @property
    def fetched(self) -> list[str]:
        """Keys that were fetched so far, by any process."""
        return self._log.read_text().splitlines() if self._log.exists() else []

    def local_path(self, key: str) -> Path | None:
        """None: objects have to be fetched."""
        return None

    def fetch(
        self, key: str, path: Path, *, on_progress: ProgressCallback | None = None
    ) -> ObjectInfo:
        """Fetch slowly."""
        with self._log.open("a") as log:
            log.write(f"{key}\n")
        path.with_name("half-made").write_bytes(b"half")
        print("fetching", flush=True)  # noqa: T201
        time.sleep(self._fetch_seconds)
        return super().fetch(key, path, on_progress=on_progress)


def main(root: str, cache: str, key: str, version: str, fetch_seconds: str) -> None:
    """Hold a copy until standard input ends."""
    store = RemoteFolder(Path(root), fetch_seconds=float(fetch_seconds))
    with LocalCache(Path(cache), max_bytes=1000).local_copy(store, key, version) as path:
        print(f"holding {len(path.read_bytes())}", flush=True)  # noqa: T201
        sys.stdin.read()


if __name__ == "__main__":
    main(*sys.argv[1:])
