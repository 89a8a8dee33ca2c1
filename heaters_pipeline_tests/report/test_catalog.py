"""The catalog's tables: what they hold, who can read them, and what a new one reads again."""

import io
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from heaters_pipeline.assets.catalog import READABLE_CHECK
from heaters_pipeline.assets.stage_work import SHOWN_SKIP_REASON
from heaters_pipeline.report.catalog import build_catalog, record_versions
from heaters_pipeline.report.catalog_columns import CLIP_COLUMNS, VIDEO_COLUMNS
from heaters_pipeline.report.catalog_record import look_at_catalog
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.claims import OnWait
from heaters_pipeline.workspace import Workspace
from heaters_pipeline_tests.pipeline import SPANS, Pipeline

TABLES = (keys.CATALOG_VIDEOS, keys.CATALOG_CLIPS)
PARQUET = "application/vnd.apache.parquet"
CHECKOUT = Path(__file__).resolve().parents[2]


@pytest.fixture
def built(processed: Pipeline) -> Pipeline:
    """The film, another of the same content, and the catalog of both."""
    clone(processed, "trip")
    outcome = processed.build_catalog()
    assert outcome.success, outcome.error
    return processed


def clone(pipeline: Pipeline, video_id: str) -> None:
    """Finish another video: the manifest of the film under another name of four letters."""
    data = pipeline.store.read_bytes(keys.video_manifest_key("film"))
    other = data.replace(b"film", video_id.encode())
    key = keys.video_manifest_key(video_id)
    pipeline.store.write_bytes(key, other, content_type="application/json")


def table(pipeline: Pipeline, key: str) -> pa.Table:
    return pq.read_table(io.BytesIO(pipeline.store.read_bytes(key)))


def clips_by_video(pipeline: Pipeline) -> dict[str, int]:
    videos = table(pipeline, keys.CATALOG_CLIPS)["video_id"].to_pylist()
    return {video_id: videos.count(video_id) for video_id in dict.fromkeys(videos)}


def test_pandas_reads_both_tables(built: Pipeline, tmp_path: Path) -> None:
    videos = pd.read_parquet(tmp_path / "store" / keys.CATALOG_VIDEOS)
    assert list(videos.columns) == [column.name for column in VIDEO_COLUMNS]
    assert list(videos["video_id"]) == ["film", "trip"]
    film = videos.iloc[0]
    source = built.manifest("source_videos").summary
    assert film["source_key"] == "source_videos/film.mp4"
    assert film["source_sha256"] == source["sha256"]
    assert film["size_bytes"] == built.store.read_bytes("source_videos/film.mp4").__len__()
    assert (film["width_px"], film["height_px"], film["frame_rate"]) == (128, 72, 25.0)
    assert (film["frames"], film["duration_seconds"], film["clips"]) == (95, 3.8, 4)
    clips = pd.read_parquet(tmp_path / "store" / keys.CATALOG_CLIPS)
    assert list(clips.columns) == [column.name for column in CLIP_COLUMNS]
    of_film = clips[clips["video_id"] == "film"]
    assert list(zip(of_film["start_frame"], of_film["end_frame"], strict=True)) == SPANS
    assert list(of_film["scene_index"]) == [0, 1, 2, 3]
    assert list(of_film["clip_identifier"]) == [f"film_clip_00{number}" for number in (1, 2, 3, 4)]
    assert list(of_film["start_time_seconds"]) == [start / 25 for start, _ in SPANS]
    assert list(of_film["duration_seconds"]) == pytest.approx([0.8, 1.0, 1.2, 0.8])


def test_duckdb_joins_them_and_every_path_is_an_object(built: Pipeline, tmp_path: Path) -> None:
    videos, clips = (str(tmp_path / "store" / key) for key in TABLES)
    with duckdb.connect() as connection:
        rows = connection.execute(
            "SELECT clip_filepath, sprite_index_filepath, sprite_sheet_filepaths, "
            "keyframe_filepaths, clips.size_bytes "
            "FROM read_parquet(?) AS clips JOIN read_parquet(?) AS videos USING (video_id) "
            "WHERE videos.video_id = 'film' ORDER BY scene_index",
            [clips, videos],
        ).fetchall()
    assert len(rows) == len(SPANS)
    for clip, index, sheets, pictures, size_bytes in rows:
        found = built.store.head(clip)
        assert found is not None
        assert found.size_bytes == size_bytes
        assert len(sheets) == len(pictures) == 1
        assert index.endswith(".json")
        assert all(built.store.head(key) for key in (index, *sheets, *pictures))


def test_the_columns_are_those_that_are_declared_and_documented(built: Pipeline) -> None:
    documented = (CHECKOUT / "docs" / "formats.md").read_text()
    for key, columns in zip(TABLES, (VIDEO_COLUMNS, CLIP_COLUMNS), strict=True):
        schema = table(built, key).schema
        assert [(field.name, field.type) for field in schema] == [
            (column.name, column.type) for column in columns
        ]
        for column in columns:
            assert column.description
            assert f"`{column.name}`" in documented


def test_a_catalog_that_is_up_to_date_is_left_alone(built: Pipeline) -> None:
    before = built.versions("catalog/")
    built.lose_database()
    outcome = built.build_catalog()
    assert outcome.metadata["catalog"]["skipped"] is True
    assert outcome.metadata["catalog"]["reason"] == SHOWN_SKIP_REASON
    assert built.versions("catalog/") == before


def test_only_what_changed_is_read_again(built: Pipeline) -> None:
    clone(built, "trip")
    outcome = built.build_catalog()
    facts = outcome.metadata["catalog"]
    assert (facts["videos_read"], facts["videos_reused"], facts["skipped"]) == (1, 1, False)
    # The manifest of one video, and the catalog's record, before and under the claim; the tables
    # are copied where they lie. The check of the settings reads them.
    assert outcome.requests["read_bytes"] == 1 + 2 + 1
    assert clips_by_video(built) == {"film": 4, "trip": 4}


def test_what_is_copied_equals_what_is_read(built: Pipeline) -> None:
    before = [table(built, key).to_pylist() for key in TABLES]
    delete_catalog(built)
    assert built.build_catalog().metadata["catalog"]["videos_read"] == 2
    assert [table(built, key).to_pylist() for key in TABLES] == before
    clone(built, "walk")
    assert built.build_catalog().metadata["catalog"]["videos_reused"] == 2
    for key, rows in zip(TABLES, before, strict=True):
        again = [row for row in table(built, key).to_pylist() if row["video_id"] != "walk"]
        assert again == rows


def test_a_video_that_is_gone_drops_out(built: Pipeline) -> None:
    built.store.delete(keys.video_manifest_key("trip"))
    facts = built.build_catalog().metadata["catalog"]
    assert (facts["videos"], facts["videos_read"]) == (1, 0)
    assert clips_by_video(built) == {"film": 4}


def test_a_video_that_is_not_finished_is_not_in_it(built: Pipeline) -> None:
    built.forget("keyframes", "trip")
    built.build_catalog()
    assert clips_by_video(built) == {"film": 4}


def test_a_video_that_stays_unfinished_is_read_once(built: Pipeline) -> None:
    built.forget("keyframes", "trip")
    assert built.build_catalog().metadata["catalog"]["videos_read"] == 1
    clone(built, "walk")
    facts = built.build_catalog().metadata["catalog"]
    assert (facts["videos"], facts["videos_read"], facts["videos_reused"]) == (2, 1, 1)
    assert clips_by_video(built) == {"film": 4, "walk": 4}


@pytest.mark.parametrize("stage", ["source_videos", "sprite_sheets", "keyframes"])
def test_a_video_whose_manifests_are_of_different_runs_is_left_out_until_it_is_processed(
    built: Pipeline, stage: str
) -> None:
    manifest = built.manifest(stage, "trip")
    other = replace(
        manifest,
        summary={**manifest.summary, "sha256": "0" * 64},
        inputs={**manifest.inputs, "clips": ["clips/trip/other.mp4"]},
    )
    built.record(other)
    facts = built.build_catalog().metadata["catalog"]
    assert facts["videos"] == 1
    assert clips_by_video(built) == {"film": 4}
    built.record(manifest)
    assert built.build_catalog().metadata["catalog"]["videos"] == 2
    assert clips_by_video(built) == {"film": 4, "trip": 4}


@pytest.mark.parametrize("key", TABLES)
@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda data: b"", id="empty"),
        pytest.param(lambda data: b"no table", id="text"),
        pytest.param(lambda data: data[: len(data) // 2], id="half"),
        pytest.param(lambda data: data[:-1], id="a byte short"),
        pytest.param(lambda data: data[:100] + bytes(200) + data[300:], id="zeros inside"),
    ],
)
def test_a_damaged_table_is_made_anew(
    built: Pipeline, key: str, damage: Callable[[bytes], bytes]
) -> None:
    rows = {name: table(built, name).to_pylist() for name in TABLES}
    built.store.write_bytes(key, damage(built.store.read_bytes(key)), content_type=PARQUET)
    outcome = built.build_catalog()
    assert outcome.success, outcome.error
    assert outcome.metadata["catalog"]["skipped"] is False
    assert {name: table(built, name).to_pylist() for name in TABLES} == rows


def test_too_little_memory_is_not_taken_for_a_damaged_table(
    built: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_: object, **__: object) -> pa.Table:
        raise pa.ArrowMemoryError("malloc of size 256 failed")

    clone(built, "walk")
    monkeypatch.setattr(pq, "ParquetFile", no_memory)
    with pytest.raises(MemoryError, match="256"):
        build_catalog(built.store, record_versions(built.store), tmp_path)


def test_tables_of_two_makings_are_made_anew(built: Pipeline) -> None:
    old = built.store.read_bytes(keys.CATALOG_CLIPS)
    clone(built, "walk")
    built.build_catalog()
    # As if the run had been cut off between the two.
    built.store.write_bytes(keys.CATALOG_CLIPS, old, content_type=PARQUET)
    assert look_at_catalog(built.store).catalog is None
    assert built.build_catalog().metadata["catalog"]["videos_read"] == 3
    assert clips_by_video(built) == {"film": 4, "trip": 4, "walk": 4}


def test_tables_with_other_columns_are_made_anew(built: Pipeline) -> None:
    for key in TABLES:
        fewer = table(built, key).drop_columns(["size_bytes"])
        buffer = io.BytesIO()
        pq.write_table(fewer, buffer)
        built.store.write_bytes(key, buffer.getvalue(), content_type=PARQUET)
    clone(built, "walk")
    assert built.build_catalog().metadata["catalog"]["videos_read"] == 3
    assert "size_bytes" in table(built, keys.CATALOG_CLIPS).column_names


def test_without_videos_the_tables_are_empty_and_left_alone(pipeline: Pipeline) -> None:
    assert pipeline.build_catalog().success
    for key, columns in zip(TABLES, (VIDEO_COLUMNS, CLIP_COLUMNS), strict=True):
        assert table(pipeline, key).num_rows == 0
        assert table(pipeline, key).num_columns == len(columns)
    assert pipeline.build_catalog().metadata["catalog"]["skipped"] is True


def test_a_video_that_vanishes_meanwhile_is_left_out(built: Pipeline, tmp_path: Path) -> None:
    delete_catalog(built)
    versions = record_versions(built.store)
    built.store.delete(keys.video_manifest_key("trip"))
    made = build_catalog(built.store, versions, tmp_path)
    assert pq.read_table(made.videos).column("video_id").to_pylist() == ["film"]
    assert made.unreadable == {}


def test_progress_is_told_by_the_videos_read(built: Pipeline, tmp_path: Path) -> None:
    delete_catalog(built)
    told: list[tuple[int, int]] = []
    build_catalog(
        built.store,
        record_versions(built.store),
        tmp_path,
        on_progress=lambda done, total: told.append((done, total)),
    )
    assert told == [(1, 2), (2, 2)]


def delete_catalog(pipeline: Pipeline) -> None:
    """Remove both tables."""
    for key in TABLES:
        pipeline.store.delete(key)


def test_a_damaged_manifest_fails_its_own_video_alone_and_turns_a_check_red(
    built: Pipeline,
) -> None:
    key = keys.video_manifest_key("trip")
    good = built.store.read_bytes(key)
    for bad in (b"{", good.replace(b'"codec":', b'"kodec":'), b"[" * 200_000):
        built.store.write_bytes(key, bad, content_type="application/json")
        outcome = built.build_catalog()
        assert outcome.success, outcome.error
        assert outcome.metadata["catalog"]["unreadable"].keys() == {"trip"}
        assert clips_by_video(built) == {"film": 4}
        assert "manifests/videos/trip.json is damaged" in outcome.failed_checks[READABLE_CHECK]
    # A newer version of the program may read it: it is looked at again.
    assert built.build_catalog().metadata["catalog"]["skipped"] is False
    built.store.write_bytes(key, good, content_type="application/json")
    assert READABLE_CHECK in built.build_catalog().passed_checks
    assert clips_by_video(built) == {"film": 4, "trip": 4}


def test_who_waited_for_the_catalog_lists_again_before_it_writes(
    built: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The older run has listed; before it gets the claim another video is finished and catalogued.
    real, clones = Workspace.claim, ["walk"]

    def claim(workspace: Workspace, video_id: str, on_wait: OnWait) -> None:
        if clones:
            clone(built, clones.pop())
            assert built.build_catalog().metadata["catalog"]["videos"] == 3
        real(workspace, video_id, on_wait)

    monkeypatch.setattr(Workspace, "claim", claim)
    delete_catalog(built)
    assert built.build_catalog().metadata["catalog"]["skipped"] is True
    assert clips_by_video(built) == {"film": 4, "trip": 4, "walk": 4}
