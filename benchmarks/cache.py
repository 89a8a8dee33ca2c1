"""What it costs to add a copy to the local cache, and to use one, as the cache grows.

python -m benchmarks.cache [--copies 100 40000]
"""

import argparse
import tempfile
import time
from pathlib import Path

from benchmarks.timing import print_table, versions
from heaters_pipeline.storage.cache import LocalCache
from heaters_pipeline_tests.storage.remote_folder import RemoteFolder

_TIMES = 200
_ROOM = 10**12


def milliseconds_each(copies: int, folder: Path) -> tuple[float, float]:
    """Of an add, and of a use with its release, in a cache that has so many copies."""
    store, cache = RemoteFolder(folder / "store"), LocalCache(folder / "cache", max_bytes=_ROOM)
    made = folder / "made"
    made.write_bytes(b"x")
    versions_of = {}
    for number in range(_TIMES):
        key = f"clips/{number}.mp4"
        versions_of[key] = store.put_file(key, made, content_type="video/mp4").version
    (folder / "cache/copies").mkdir(parents=True)
    for number in range(copies):
        (folder / f"cache/copies/{number:040}.mp4").write_bytes(b"x")
    cache.tidy()
    began = time.perf_counter()
    for key, version in versions_of.items():
        cache.add(store, key, version, made)
    added = time.perf_counter()
    for key, version in versions_of.items():
        with cache.local_copy(store, key, version):
            pass
    used = time.perf_counter()
    return (added - began) / _TIMES * 1e3, (used - added) / _TIMES * 1e3


def main() -> None:
    """Measure and print the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--copies", nargs="+", type=int, default=[100, 40_000])
    options = parser.parse_args()
    rows = [["copies", "ms an add", "ms a use"]]
    for copies in options.copies:
        with tempfile.TemporaryDirectory() as name:
            added, used = milliseconds_each(copies, Path(name))
        rows.append([str(copies), f"{added:.2f}", f"{used:.2f}"])
    print_table(rows)
    print(versions())


if __name__ == "__main__":
    main()
