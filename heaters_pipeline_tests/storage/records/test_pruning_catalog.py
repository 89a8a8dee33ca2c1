"""What the catalog names is not pruned, and without a sound catalog nothing is."""

import io
from datetime import timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heaters_pipeline.errors import ManifestError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.claims import Claims
from heaters_pipeline.storage.records.pruning import Pruner
from heaters_pipeline_tests.storage.records.aged_store import (
    CLIP,
    OLD,
    PRODUCTS,
    AgedStore,
    look,
    manifest,
    prune,
    record,
)


@pytest.fixture
def store(tmp_path: Path) -> AgedStore:
    return AgedStore(tmp_path / "store")


def write_catalog(store: ObjectStore, *clips: dict[str, object]) -> None:
    table = pa.Table.from_pylist(list(clips))
    buffer = io.BytesIO()
    pq.write_table(table, buffer)
    store.write_bytes(keys.CATALOG_CLIPS, buffer.getvalue(), content_type="x")


def test_what_the_catalog_names_stays_whatever_the_manifests_say(
    store: AgedStore, tmp_path: Path
) -> None:
    ours = [key for key in PRODUCTS if "/film/" in key and not key.startswith("claims/")]
    clip, second, _, track, sheet, index, picture, small, *others_of_ours = ours
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
    assert not {second, track, *others_of_ours} & left


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
