"""What is pruned, and what never is: anything that a manifest names, is young, or is not ours."""

import io
import json
import shutil
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heaters_pipeline.errors import ManifestError, StoreError
from heaters_pipeline.names import VIDEO_STAGES
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import Leftover, ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.claims import Claims
from heaters_pipeline.storage.records.manifests import Manifest, write_manifest
from heaters_pipeline.storage.records.pruning import Pruner, Removal
from heaters_pipeline.storage.records.verification import Verifier
from heaters_pipeline.storage.records.video_manifests import VideoManifest, read_video, write_video
from heaters_pipeline.storage.s3.client import S3Options, connect
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.servers import S3Server

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
    f"review_pages/film/{DIGEST}.html",
    f"claims/film/{DIGEST * 2}.json",
    f"clips/other/00000000-00000020-{DIGEST}.mp4",
]
OTHERS = [
    "source_videos/film.mp4",
    "submissions/film.json",
    "rejections/film/x.json",
    "catalog/videos.parquet",
    "clips/film/my notes.txt",
    "clips/film/00000000-00000020.mp4",
    f"clips/00000000-00000020-{DIGEST}.mp4",
    f"review_pages/_assets/{DIGEST}/decoder.js",
    f"exports/film/00000000-00000020-{DIGEST}.mp4",
]
APART = ("method_comparison", "review_pages")
"""The stages that have a manifest of their own."""
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


@pytest.fixture
def store(tmp_path: Path) -> AgedStore:
    return AgedStore(tmp_path / "store")


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


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ages=st.dictionaries(st.sampled_from(PRODUCTS + OTHERS), st.sampled_from([OLD, YOUNG, FUTURE])),
    named=st.dictionaries(
        st.sampled_from([key for key in PRODUCTS if not key.startswith("claims/")]),
        st.sampled_from([*VIDEO_STAGES, *APART]),
    ),
    older=st.booleans(),
)
def test_what_is_old_ours_and_unnamed_is_removed_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory,
    ages: dict[str, timedelta],
    named: dict[str, str],
    older: bool,
) -> None:
    # A younger claim is that of a run at work, for which everything of the video stays.
    ages |= {key: OLD for key in ages if key.startswith(keys.CLAIM_PREFIX)}
    folder = tmp_path_factory.mktemp("prune")
    store = AgedStore(folder / "store")
    store.fill(ages)
    # The source is the first stage to be recorded, always.
    for stage in ("source_videos", *VIDEO_STAGES[1:], *APART):
        if stage in named.values() or stage == "source_videos":
            names = (key for key in named if named[key] == stage)
            record(store, manifest(stage, *names), older=older)
    expected = {
        key
        for key, age in ages.items()
        if age == OLD and key in PRODUCTS and not (key in named and "/film/" in key)
    }
    before = store.all_keys()
    store.clock = NOW - LIMIT
    look(store, folder)
    store.clock = NOW
    found = {each.key for removal in look(store, folder) for each in removal.objects}
    assert store.all_keys() == before, "looking removes nothing"
    assert found == expected
    prune(store, folder / "locks")
    assert store.all_keys() == before - expected


def test_a_video_that_somebody_works_on_is_left(store: AgedStore, tmp_path: Path) -> None:
    store.fill({CLIP: OLD})
    with Claims(store, tmp_path / "elsewhere").held("film", lambda _: None):
        (removal,) = prune(store, tmp_path / "locks")
        assert (removal.removed, removal.errors) == (0, [])
        assert removal.kept is not None
        assert removal.kept.endswith("works on it")
        assert CLIP in store.all_keys()
    (removal,) = prune(store, tmp_path / "locks")
    assert removal.removed == 1


def test_a_claim_of_a_run_at_work_is_never_taken_for_old(
    tmp_path: Path,
) -> None:
    store = DirectoryObjectStore(tmp_path / "store")
    store.write_bytes(CLIP, b"a clip", content_type="x")
    with Claims(store, tmp_path / "elsewhere").held("film", lambda _: None):
        (removal,) = prune(store, tmp_path / "locks", older_than=timedelta(days=-1))
        assert [found.key for found in removal.objects] == [CLIP]
        assert (removal.removed, removal.kept is not None) == (0, True)


def test_what_a_manifest_names_since_it_was_looked_at_stays(
    store: AgedStore, tmp_path: Path
) -> None:
    store.fill({CLIP: OLD, PRODUCTS[1]: OLD})
    pruner = Pruner(store, Claims(store, tmp_path / "locks"), timedelta(0))
    (removal,) = pruner.look()
    assert len(removal.objects) == 2
    record(store, manifest("clips", CLIP))
    pruner.remove(removal)
    assert (removal.removed, removal.kept) == (0, "its manifest has changed meanwhile")
    (removal,) = prune(store, tmp_path / "locks", older_than=timedelta(0))
    assert (removal.removed, removal.kept) == (1, None)
    assert CLIP in store.all_keys()


def test_the_age_counts_from_when_nothing_names_an_object_any_more(
    store: AgedStore, tmp_path: Path
) -> None:
    # 31 days old, and named until a moment ago.
    store.fill({CLIP: OLD})
    record(store, manifest("clips", CLIP))
    assert look(store, tmp_path) == []
    record(store, manifest("clips"))
    (removal,) = look(store, tmp_path)
    assert (removal.objects, [each.key for each in removal.waiting]) == ([], [CLIP])
    assert removal.waiting_since == NOW
    store.clock = NOW + YOUNG
    (removal,) = look(store, tmp_path)
    assert (removal.objects, removal.waiting_since) == ([], NOW)
    store.clock = NOW + LIMIT
    (removal,) = look(store, tmp_path)
    assert [each.key for each in removal.objects] == [CLIP]


def test_the_age_begins_anew_where_the_object_may_have_been_named_in_between(
    store: AgedStore, tmp_path: Path
) -> None:
    store.fill({CLIP: OLD})
    record(store, manifest("clips"))
    look(store, tmp_path)
    store.clock = NOW + LIMIT - timedelta(minutes=1)
    # Settings are changed, and changed back, and nobody looks meanwhile.
    record(store, manifest("clips", CLIP))
    record(store, manifest("clips"))
    store.ages[keys.video_manifest_key("film")] = timedelta(minutes=1) - LIMIT
    store.clock = NOW + LIMIT
    (removal,) = look(store, tmp_path)
    assert (removal.objects, removal.waiting_since) == ([], store.clock)


@pytest.mark.parametrize("lost", [True, False])
def test_without_what_was_seen_before_nothing_goes_too_early(
    store: AgedStore, tmp_path: Path, lost: bool
) -> None:
    store.fill({CLIP: OLD})
    record(store, manifest("clips"))
    look(store, tmp_path)
    if lost:
        store.delete(keys.UNNAMED_OBJECTS)
    else:
        store.write_bytes(keys.UNNAMED_OBJECTS, b"PAR1 damaged", content_type="x")
    store.clock = NOW + LIMIT
    (removal,) = look(store, tmp_path)
    assert (removal.objects, removal.waiting_since) == ([], store.clock)


def test_of_some_videos_the_ages_of_the_others_are_kept(store: AgedStore, tmp_path: Path) -> None:
    other = PRODUCTS[-1]
    store.fill({CLIP: OLD, other: OLD})
    assert len(look(store, tmp_path)) == 2
    store.clock = NOW + LIMIT
    pruner = Pruner(store, Claims(store, tmp_path), LIMIT)
    (removal,) = pruner.look(["film"])
    pruner.remove(removal)
    assert CLIP not in store.all_keys()
    (removal,) = look(store, tmp_path)
    assert [each.key for each in removal.objects] == [other]


def write_catalog(store: ObjectStore, *clips: dict[str, object]) -> None:
    table = pa.Table.from_pylist(list(clips))
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    store.write_bytes(keys.CATALOG_CLIPS, buffer.getvalue(), content_type="x")


def test_what_the_catalog_names_stays_whatever_the_manifests_say(
    store: AgedStore, tmp_path: Path
) -> None:
    ours = [key for key in PRODUCTS if "/film/" in key and not key.startswith("claims/")]
    clip, second, _, track, sheet, index, picture, small, report, page = ours
    store.fill(dict.fromkeys(ours, OLD))
    record(store, manifest("clips"))
    row = {
        "video_id": "film",
        "clip_filepath": clip,
        "sprite_index_filepath": index,
        "sprite_sheet_filepaths": [sheet],
        "keyframe_filepaths": [picture],
        "thumbnail_filepaths": [small],
    }
    others = {name: [] if name.endswith("s") else None for name in row}
    write_catalog(store, others | {"video_id": "a"}, row, others | {"video_id": "z"})
    prune(store, tmp_path / "locks")
    left = store.all_keys()
    assert {clip, index, sheet, picture, small} <= left
    assert not {second, track, report, page} & left


def test_what_a_catalog_names_since_it_was_looked_at_stays(
    store: AgedStore, tmp_path: Path
) -> None:
    store.fill({CLIP: OLD, PRODUCTS[1]: OLD})
    pruner = Pruner(store, Claims(store, tmp_path / "locks"), timedelta(0))
    (removal,) = pruner.look()
    write_catalog(store, {"video_id": "film", "clip_filepath": CLIP})
    pruner.remove(removal)
    assert removal.removed == 1
    assert CLIP in store.all_keys()


def test_with_a_damaged_catalog_nothing_is_found(store: AgedStore, tmp_path: Path) -> None:
    store.fill({CLIP: OLD})
    store.write_bytes(keys.CATALOG_CLIPS, b"PAR1 damaged", content_type="x")
    with pytest.raises(ManifestError, match=r"clips\.parquet is damaged .* run build_catalog"):
        look(store, tmp_path)


def test_what_may_not_be_looked_for_is_a_warning_and_the_rest_is_done(
    store: AgedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(self: AgedStore) -> Iterator[Leftover]:
        raise StoreError("give these credentials the permission s3:ListBucketMultipartUploads")
        yield

    monkeypatch.setattr(AgedStore, "leftovers", denied)
    store.fill({CLIP: OLD})
    look(store, tmp_path)
    store.clock = NOW + LIMIT
    pruner = Pruner(store, Claims(store, tmp_path), LIMIT)
    (removal,) = pruner.look()
    pruner.remove(removal)
    assert (removal.removed, removal.errors) == (1, [])
    assert "s3:ListBucketMultipartUploads" in pruner.warnings[0]


def test_where_nothing_may_be_noted_that_is_a_warning(
    store: AgedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def denied(*_: object, **__: object) -> None:
        raise StoreError("permission is denied")

    store.fill({CLIP: OLD})
    monkeypatch.setattr(AgedStore, "write_bytes", denied)
    pruner = Pruner(store, Claims(store, tmp_path), LIMIT)
    (removal,) = pruner.look()
    assert len(removal.waiting) == 1
    assert "permission is denied" in pruner.warnings[0]


@pytest.mark.parametrize("version", [99, "damaged"])
def test_of_a_video_whose_manifests_cannot_be_read_nothing_is_touched(
    store: AgedStore, tmp_path: Path, version: int | str
) -> None:
    store.fill({CLIP: OLD})
    video = VideoManifest("film", {"scenes": manifest("scenes")})
    content = json.loads(video.to_bytes()) | {"format_version": version}
    key = keys.video_manifest_key("film")
    store.write_bytes(key, json.dumps(content).encode(), content_type="application/json")
    (removal,) = prune(store, tmp_path / "locks")
    assert key in removal.errors[0]
    assert CLIP in store.all_keys()


@pytest.mark.parametrize(
    "source_key", [None, "source_videos/film.mp4", "source_videos/my film.mp4"]
)
@pytest.mark.parametrize("named", [[], [CLIP]])
def test_without_a_manifest_what_a_run_would_adopt_stays(
    store: AgedStore, tmp_path: Path, source_key: str | None, named: list[str]
) -> None:
    video_id = keys.video_id_of(source_key) if source_key else "film"
    clip, other = (key.replace("film", video_id) for key in (CLIP, PRODUCTS[1]))
    store.fill(dict.fromkeys([clip, other, *([source_key] if source_key else [])], OLD))
    if named:
        # By an older version, whose record of the source is lost.
        write_manifest(store, replace(manifest("clips", clip), video_id=video_id))
    before = store.all_keys()
    (removal,) = prune(store, tmp_path / "locks")
    if source_key:
        (report,) = Verifier(store).videos([video_id])
        assert removal.errors == [finding.why for finding in report.findings]
        assert f"run heaters process {video_id} with its options" in removal.errors[0]
        assert store.all_keys() == before
    else:
        assert removal.errors == []
        assert before - store.all_keys() == {other, *([] if named else [clip])}


def test_a_dead_claim_is_removed_without_a_manifest_too(store: AgedStore, tmp_path: Path) -> None:
    claim = keys.claim_key("film", DIGEST * 2)
    store.fill({claim: OLD, "source_videos/film.mp4": OLD, CLIP: YOUNG})
    (removal,) = prune(store, tmp_path / "locks")
    assert (removal.removed, removal.errors) == (1, [])
    assert store.all_keys() == {"source_videos/film.mp4", CLIP}


OLDER_RECORDS = [
    keys.manifest_key(stage, "film") for stage in (*VIDEO_STAGES, "finished") if stage != "clips"
]


@pytest.mark.parametrize("asked", [None, ["film"], ["other"]])
@pytest.mark.parametrize("state", ["readable", "missing", "damaged"])
def test_manifests_of_older_versions_are_removed_beside_one_that_is_readable(
    store: AgedStore, tmp_path: Path, asked: list[str] | None, state: str
) -> None:
    # The key of its records begins with that of the film's.
    other = "film.json.0123456789abcdef"
    for stage in VIDEO_STAGES:
        write_manifest(store, manifest(stage))
    of_others = [
        *(keys.manifest_key(stage, "film") for stage in APART),
        keys.manifest_key("scenes", other),
        "manifests/scenes/notes.txt",
    ]
    write_manifest(store, replace(manifest("scenes"), video_id=other))
    for stage in APART:
        write_manifest(store, manifest(stage))
    store.fill({keys.manifest_key("finished", "film"): OLD, of_others[-1]: OLD})
    # That of the clips is young.
    store.ages |= dict.fromkeys([*OLDER_RECORDS, *of_others], OLD)
    if state != "missing":
        write_video(store, VideoManifest("film", {"source_videos": manifest("source_videos")}))
    if state == "damaged":
        store.write_bytes(keys.video_manifest_key("film"), b"{", content_type="x")
    before = store.all_keys()
    store.clock = NOW - LIMIT
    look(store, tmp_path)
    store.clock = NOW
    pruner = Pruner(store, Claims(store, tmp_path / "locks"), LIMIT)
    removals = [each for each in pruner.look(asked) if each.objects or each.errors]
    assert store.all_keys() == before
    for removal in removals:
        pruner.remove(removal)
    wanted = OLDER_RECORDS if state == "readable" and asked != ["other"] else []
    assert [found.key for each in removals for found in each.objects] == wanted
    assert before - store.all_keys() == set(wanted)
    assert bool([each for each in removals if each.errors]) == (
        state == "damaged" and asked != ["other"]
    )


def test_what_cannot_be_removed_is_said_and_the_others_are(
    store: AgedStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.fill({CLIP: OLD, PRODUCTS[1]: OLD})
    delete = AgedStore.delete

    def refuse(self: AgedStore, key: str) -> None:
        if key == CLIP:
            raise StoreError("permission is denied")
        delete(self, key)

    monkeypatch.setattr(AgedStore, "delete", refuse)
    (removal,) = prune(store, tmp_path / "locks")
    assert (removal.removed, removal.errors) == (1, ["permission is denied"])


def test_half_written_files_are_removed_when_they_are_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = DirectoryObjectStore(tmp_path / "store")
    store.write_bytes("a", b"a", content_type="x")
    left = tmp_path / "store" / ".tmp" / ".left.partial"
    left.touch()
    assert prune(store, tmp_path / "locks", older_than=timedelta(0)) == []
    monkeypatch.setattr("heaters_pipeline.storage.records.pruning.LEAST_AGE", timedelta(0))
    (removal,) = prune(store, tmp_path / "locks", older_than=timedelta(0))
    assert removal.removed == 1
    assert not left.exists()
    shutil.rmtree(tmp_path / "store")
    assert prune(store, tmp_path / "locks") == []


@pytest.mark.parametrize("server", ["moto", "rclone"])
def test_unfinished_uploads_are_ended_when_they_are_old(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: str,
) -> None:
    s3: S3Server = request.getfixturevalue(f"{server}_s3")
    s3.use(monkeypatch)
    bucket, client = s3.new_bucket(), connect(S3Options())
    for key in (f"videos/{CLIP}", f"elsewhere/{CLIP}"):
        client.create_multipart_upload(Bucket=bucket, Key=key)
    store = S3ObjectStore(bucket, "videos")
    if server == "rclone":
        # Begun just now, so that it may be of a run at work; moto dates all of them to 2010.
        assert prune(store, tmp_path / "locks", older_than=timedelta(0)) == []
        monkeypatch.setattr(
            "heaters_pipeline.storage.records.pruning.LEAST_AGE", timedelta(days=-1)
        )
    (removal,) = prune(store, tmp_path / "locks", older_than=timedelta(days=-1))
    assert (removal.removed, removal.errors) == (1, [])
    left = client.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [upload["Key"] for upload in left] == [f"elsewhere/{CLIP}"]


@pytest.mark.parametrize("server", ["directory", "moto", "rclone"])
def test_the_stores_clock_is_the_one_that_stamps_objects(
    request: pytest.FixtureRequest,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    server: str,
) -> None:
    store: ObjectStore = DirectoryObjectStore(tmp_path / "store")
    if server != "directory":
        s3: S3Server = request.getfixturevalue(f"{server}_s3")
        s3.use(monkeypatch)
        store = S3ObjectStore(s3.new_bucket(), "videos")
    store.write_bytes("a", b"a", content_type="x")
    found = store.head("a")
    assert found is not None
    assert abs(store.now() - found.modified) < timedelta(seconds=10)
