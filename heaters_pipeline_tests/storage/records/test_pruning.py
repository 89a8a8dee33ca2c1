"""What is pruned, and what never is: anything that a manifest names, is young, or is not ours."""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heaters_pipeline.errors import StoreError
from heaters_pipeline.names import VIDEO_STAGES
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import Leftover
from heaters_pipeline.storage.records.claims import Claims
from heaters_pipeline.storage.records.manifests import write_manifest
from heaters_pipeline.storage.records.pruning import Pruner
from heaters_pipeline.storage.records.verification import Verifier
from heaters_pipeline.storage.records.video_keys import OWN_RECORDS
from heaters_pipeline.storage.records.video_manifests import VideoManifest
from heaters_pipeline_tests.storage.records.aged_store import (
    CLIP,
    DIGEST,
    FUTURE,
    LIMIT,
    NOW,
    OLD,
    PRODUCTS,
    YOUNG,
    AgedStore,
    look,
    manifest,
    prune,
    record,
)

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
"""The stages that have a manifest of their own."""


@pytest.fixture
def store(tmp_path: Path) -> AgedStore:
    return AgedStore(tmp_path / "store")


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    ages=st.dictionaries(st.sampled_from(PRODUCTS + OTHERS), st.sampled_from([OLD, YOUNG, FUTURE])),
    named=st.dictionaries(
        st.sampled_from([key for key in PRODUCTS if not key.startswith("claims/")]),
        st.sampled_from([*VIDEO_STAGES, *OWN_RECORDS]),
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
    for stage in ("source_videos", *VIDEO_STAGES[1:], *OWN_RECORDS):
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
