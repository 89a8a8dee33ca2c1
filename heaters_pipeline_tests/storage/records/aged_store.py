"""A store whose objects are as old as a test says, and who prunes it."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

from heaters_pipeline.names import VIDEO_STAGES
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.claims import Claims
from heaters_pipeline.storage.records.manifests import Manifest, write_manifest
from heaters_pipeline.storage.records.pruning import Pruner, Removal
from heaters_pipeline.storage.records.video_manifests import read_video, write_video

DIGEST = "0123456789abcdef"
CLIP = f"clips/film/00000000-00000020-{DIGEST}.mp4"
PRODUCTS = [
    CLIP,
    f"clips/film/00000020-00000045-{DIGEST}.mp4",
    f"clips/film/changing-{DIGEST * 2}.json",
    f"frame_scores/film/{DIGEST}-fast.parquet",
    f"sprite_sheets/film/00000000-00000020-{DIGEST}-000.jpg",
    f"sprite_sheets/film/00000000-00000020-{DIGEST}.json",
    f"keyframes/film/00000000-00000020-{DIGEST}-50.jpg",
    f"keyframes/film/00000000-00000020-{DIGEST}-50-thumbnail.jpg",
    f"reports/film/scenes-{DIGEST}-full.png",
    f"exports/film/{DIGEST}.edl",
    f"exports/film/{DIGEST}.chapters.xml",
    f"review_pages/film/{DIGEST}.html",
    f"claims/film/{DIGEST * 2}.json",
    f"clips/other/00000000-00000020-{DIGEST}.mp4",
]
OLD, YOUNG, FUTURE = timedelta(days=31), timedelta(days=29), -timedelta(days=400)
LIMIT = timedelta(days=30)
NOW = datetime(2026, 11, 26, tzinfo=UTC)


class AgedStore(DirectoryObjectStore):
    """A store whose clock stands still, and whose objects are as old as a test says."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.ages: dict[str, timedelta] = {}
        self.clock = NOW

    def now(self) -> datetime:
        return self.clock

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        for found in super().list(prefix, start_after=start_after):
            yield replace(found, modified=NOW - self.ages.get(found.key, timedelta(0)))

    def fill(self, ages: dict[str, timedelta]) -> None:
        for key in ages:
            self.write_bytes(key, b"content", content_type="text/plain")
        self.ages |= ages

    def all_keys(self) -> set[str]:
        return {found.key for found in self.list("")} - {keys.UNNAMED_OBJECTS}


def prune(store: ObjectStore, locks: Path, *, older_than: timedelta = LIMIT) -> list[Removal]:
    """Remove what nothing has named for so long, as somebody saw who looked that long ago."""
    if isinstance(store, AgedStore):
        store.clock = NOW - older_than
        look(store, locks)
        store.clock = NOW
    pruner = Pruner(store, Claims(store, locks), older_than)
    removals = [each for each in pruner.look() if each.objects or each.leftovers or each.errors]
    for removal in removals:
        pruner.remove(removal)
    return removals


def look(store: ObjectStore, locks: Path, *, older_than: timedelta = LIMIT) -> list[Removal]:
    return list(Pruner(store, Claims(store, locks), older_than).look())


def record(store: ObjectStore, one: Manifest, *, older: bool = False) -> None:
    """Record a stage as it is done today, or was done by older versions."""
    if older or one.stage not in VIDEO_STAGES:
        write_manifest(store, one)
    else:
        write_video(store, read_video(store, "film").with_stage(one))


def manifest(stage: str, *named: str) -> Manifest:
    """A manifest that names keys anywhere but among its items."""
    return Manifest(stage, "film", "f", {}, {}, {"pictures": {"of": list(named)}}, ())
