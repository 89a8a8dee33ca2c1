"""Kill a run whenever you like: what was finished is never made again, and nothing is lost.

The long form prints what it cost: ``make test-slow PYTEST_ARGS="-k killed_at_any_moment -s"``.
"""

import itertools
import os
import random
from collections.abc import Iterator, Mapping
from pathlib import Path

import pytest

from heaters_pipeline.assets.clip_work import UPLOADS_AT_ONCE
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.s3.client import S3Options, connect
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline.video.clips.write import inspect_clip
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.end_to_end.killed_runs import Moment, Tally, Victim, leftovers
from heaters_pipeline_tests.servers import S3Server

SHORT_KILLS, LONG_KILLS = 10, 100
WORKER_THREADS = (os.cpu_count() or 1) + UPLOADS_AT_ONCE
SHARED = os.environ.get("HEATERS_SHARED")
WAYS = (["--clips", "auto"], ["--clips", "copy"], ["--clips", "reencode", "--preset", "ultrafast"])


class Place:
    """A kind of store, with room for one after the other."""

    def __init__(self, folder: Path, server: S3Server | None) -> None:
        self._folder = folder
        self._server = server
        self._bucket = server.new_bucket() if server else None

    def new_store(self, number: int) -> tuple[ObjectStore, str]:
        """An empty store, and how users name it."""
        if self._bucket is None:
            root = self._folder / f"store-{number}"
            return DirectoryObjectStore(root), str(root)
        return S3ObjectStore(self._bucket, f"{number}"), f"s3://{self._bucket}/{number}"

    def files(self, number: int) -> set[str]:
        """Every file that lies where the store keeps its objects, hidden ones too."""
        root = self._folder / f"store-{number}"
        if self._server is not None:
            assert self._server.folder is not None
            assert self._bucket is not None
            root = self._server.folder / self._bucket / f"{number}"
        return {str(path.relative_to(root)) for path in root.rglob("*") if path.is_file()}

    def unfinished_uploads(self) -> list[object]:
        """The multipart uploads that the server still keeps."""
        if self._bucket is None:
            return []
        found = connect(S3Options()).list_multipart_uploads(Bucket=self._bucket)
        return list(found.get("Uploads", []))


@pytest.fixture(params=["folder", "rclone"])
def place(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, home: Path
) -> Place:
    server: S3Server | None = None
    if request.param == "rclone":
        server = request.getfixturevalue("rclone_s3")
        server.use(monkeypatch)
    return Place(tmp_path, server)


@pytest.fixture
def video(film: Path) -> Path:
    """A real video, where there are any."""
    return Path(SHARED) / "videos" / "bikes.mp4" if SHARED else film


def assert_clips_hold_their_frames(store: ObjectStore, folder: Path) -> None:
    for found in store.list("clips/"):
        store.fetch(found.key, folder / "clip.mp4")
        clip = inspect_clip(folder / "clip.mp4")
        start, end, _ = found.key.rpartition("/")[2].split("-")
        assert clip.span == Span(int(start), int(end))
        assert clip.frames == len(clip.span)


@pytest.mark.parametrize(
    ("kills", "seed"),
    [(SHORT_KILLS, 1), pytest.param(LONG_KILLS, 2, marks=pytest.mark.slow)],
)
def test_killed_at_any_moment_a_run_goes_on_from_there(
    place: Place, video: Path, home: Path, tmp_path: Path, kills: int, seed: int
) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    numbers = random.Random(seed)
    number = 0
    for way in WAYS:
        expected: Mapping[str, str] = {}
        moments: Iterator[Moment] = iter(())
        tally = Tally()
        while tally.kills < kills // len(WAYS):
            number += 1
            store, name = place.new_store(number)
            cache = tmp_path / f"cache-{number}"
            environment = {
                **os.environ,
                "HEATERS_STORE": name,
                "HEATERS_CACHE": str(cache),
                "TMPDIR": str(temporary),
            }
            victim = Victim(store, environment, [*way, str(video)], tmp_path / f"{number}.log")
            if not expected:
                # What a run makes that nobody disturbs.
                undisturbed = victim.undisturbed()
                moments = (undisturbed.moment(numbers) for _ in itertools.count())
                expected = victim.digests()
                continue
            victim.run_to_its_end(moments, expected, tally)
            found = victim.digests()
            assert found.keys() == expected.keys()
            # How many encoders share the processors decides what they write, not what it shows.
            assert found == expected or "copy" not in way
            assert_clips_hold_their_frames(store, tmp_path)
            assert place.files(number) == set(expected)
            assert leftovers(cache, kept=["claims/machine", "objects/bytes_of_copies"]) == []
            assert leftovers(temporary) == []
            # As heaters prune does once they are old enough.
            for leftover in list(store.leftovers()):
                store.remove(leftover)
            assert place.unfinished_uploads() == []
        assert tally.remade == []
        assert max(tally.lost) <= WORKER_THREADS
        print(f"\nseed {seed}, {video.name}, {' '.join(way)}, {name}: {tally}")  # noqa: T201
