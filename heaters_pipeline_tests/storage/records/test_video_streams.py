"""What looks at all objects of a store holds those of a few videos at a time."""

import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heaters_pipeline.errors import ManifestError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.records.catalog_keys import CatalogKeys
from heaters_pipeline.storage.records.claims import Claims
from heaters_pipeline.storage.records.pruning import Pruner
from heaters_pipeline.storage.records.verification import Verifier
from heaters_pipeline.storage.records.video_streams import mapped_ahead, objects_by_video

IDS = ("a", "a-b", "a.mov", "a0", "b.mp4.0123456789abcdef", "B")
DIGEST = "0" * 16

VERIFIES_MANY = f"""
import resource, sys
from datetime import UTC, datetime
from pathlib import Path
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.records.verification import Verifier

class Many(DirectoryObjectStore):
    def list(self, prefix, *, start_after=""):
        if prefix == "clips/":
            for video in range(1000):
                for clip in range(400):
                    key = f"clips/video-{{video:04d}}/{{clip:08d}}-{{clip + 1:08d}}-{DIGEST}.mp4"
                    yield ObjectInfo(key, 10, "1", datetime.now(UTC))

store = Many(Path(sys.argv[1]))
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
found = sum(len(report.findings) for report in Verifier(store).all_videos())
print(found, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)
"""


class Counted(DirectoryObjectStore):
    """Counts what is taken of its listings."""

    taken: Counter[str]

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        for found in super().list(prefix, start_after=start_after):
            self.taken[prefix] += 1
            yield found


def clip(video_id: str, number: int = 0) -> str:
    return f"clips/{video_id}/{number:08d}-{number + 1:08d}-{DIGEST}.mp4"


def put(store: DirectoryObjectStore, *names: str) -> None:
    for name in names:
        store.write_bytes(name, b"x", content_type="x")


def test_objects_come_video_by_video_whatever_the_videos_are_called(tmp_path: Path) -> None:
    store = DirectoryObjectStore(tmp_path)
    for video_id in IDS:
        put(store, clip(video_id), clip(video_id, 5), f"keyframes/{video_id}/x.jpg")
    put(store, "clips/notes.txt", "keyframes/a.txt", "keyframes/only/x.jpg", "clips/a0/b/c.mp4")
    found = list(objects_by_video(store, ("clips", "keyframes", "claims"), ["a", "none", "Z"]))
    ids = [video_id for video_id, _ in found]
    assert sorted(ids) == sorted([*IDS, "only", "none", "Z"])
    by_id = {
        video_id: {folder: [each.key for each in objects] for folder, objects in some.items()}
        for video_id, some in found
    }
    assert by_id["a"] == {"clips": [clip("a"), clip("a", 5)], "keyframes": ["keyframes/a/x.jpg"]}
    assert by_id["a0"]["clips"][-1] == "clips/a0/b/c.mp4"
    assert by_id["only"] == {"keyframes": ["keyframes/only/x.jpg"]}
    assert by_id["none"] == by_id["Z"] == {}


def test_work_is_taken_a_little_ahead_and_comes_in_order() -> None:
    taken: list[int] = []

    def items() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    with ThreadPoolExecutor(4) as pool:
        results = mapped_ahead(pool, lambda number: number * number, items(), ahead=5)
        assert next(results) == 0
        assert len(taken) == 6
        assert list(results) == [number * number for number in range(1, 100)]


@pytest.fixture
def many(tmp_path: Path) -> Counted:
    """A store of 400 videos that lost their manifests."""
    store = Counted(tmp_path / "store", settle_seconds=0)
    store.taken = Counter()
    put(store, *(clip(f"film{number:03d}") for number in range(400)))
    return store


def test_the_first_video_is_told_of_before_the_last_one_is_listed(
    many: Counted, tmp_path: Path
) -> None:
    reports = Verifier(many).all_videos()
    assert next(reports).video_id == "film000"
    assert many.taken["clips/"] < 200
    assert len(list(reports)) == 399
    many.taken.clear()
    removals = Pruner(many, Claims(many, tmp_path / "locks"), timedelta(0)).look()
    assert next(removals).video_id == "film000"
    assert many.taken["clips/"] < 200
    assert len(list(removals)) == 399


def test_verifying_holds_a_few_videos_of_many(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", VERIFIES_MANY, str(tmp_path)],
        check=True,
        capture_output=True,
        text=True,
    )
    findings, grown_kb = map(int, done.stdout.split())
    # Each of the videos lost its manifest. All of what is listed takes some 150 MB.
    assert findings == 1000
    assert grown_kb < 60_000


def write_clips(store: DirectoryObjectStore, *rows: dict[str, object]) -> None:
    put(store, keys.CATALOG_CLIPS)
    pq.write_table(pa.Table.from_pylist(list(rows)), store.local_path(keys.CATALOG_CLIPS))


def test_the_catalog_tells_which_objects_and_videos_it_names(tmp_path: Path) -> None:
    store = DirectoryObjectStore(tmp_path)
    catalog = CatalogKeys(store)
    catalog.refresh()
    assert not catalog.names("a")
    assert not catalog.has("a")
    write_clips(
        store,
        {"video_id": "a", "clip_filepath": "c/1", "keyframe_filepaths": ["k/1", "k/2"], "x": "y"},
        {"video_id": "b", "clip_filepath": None, "keyframe_filepaths": []},
    )
    # Until it is looked at again, it is as it was.
    assert not catalog.names("c/1")
    catalog.refresh()
    assert all(map(catalog.names, ("c/1", "k/1", "k/2")))
    assert not any(map(catalog.names, ("c/2", "k", "y", "a", "")))
    assert (catalog.has("a"), catalog.has("b"), catalog.has("c")) == (True, True, False)
    store.write_bytes(keys.CATALOG_CLIPS, b"no table", content_type="x")
    catalog.refresh()
    with pytest.raises(ManifestError, match="cannot be told"):
        catalog.names("c/1")
