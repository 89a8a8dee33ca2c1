"""What each materialization tells a person, and that it fits into Dagster's database."""

import base64
import json
import logging
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import requests

from heaters_pipeline.assets.earlier_results import SHOWN_BY
from heaters_pipeline.assets.links import link
from heaters_pipeline.assets.pictures import CONTACT_SHEET_CLIPS, GALLERY_BYTES
from heaters_pipeline.assets.stage_work import SHOWN_SKIP_REASON
from heaters_pipeline.assets.tables import CLIP_SCHEMA, ROWS_SHOWN, SCENE_SCHEMA, scene_table
from heaters_pipeline.assets.units import Scene
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline.storage.records import video_manifests
from heaters_pipeline.video.clips.write import FORMAT_VERSION
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.pipeline import SPANS, STAGES, VIDEO_ID, Outcome, Pipeline
from heaters_pipeline_tests.servers import S3Server
from heaters_pipeline_tests.videos import make_video

MOST_PICTURE_BYTES = 30_000
MOST_EVENT_BYTES = 90_000
"""Of a run that makes nothing; 62,000 are of events for steps and checks, whatever they say."""
GALLERIES = ("sprite_sheets", "keyframes")


@pytest.fixture
def made(pipeline: Pipeline, film: Path) -> Outcome:
    outcome = pipeline.process(source_videos={"origin": str(film)})
    assert outcome.success, outcome.error
    return outcome


def embedded(markdown: str, mime: str) -> bytes:
    """The picture in a Markdown text."""
    found = re.fullmatch(rf"!\[.*\]\(data:{mime};base64,([A-Za-z0-9+/=]+)\)", markdown)
    assert found, markdown[:80]
    return base64.b64decode(found.group(1))


def pixels(data: bytes) -> tuple[int, ...]:
    picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return picture.shape


def table_rows(outcome: Outcome, stage: str) -> list[dict[str, Any]]:
    """The rows of an asset's table by column."""
    records, _ = outcome.metadata[stage]["table"]
    return [record.data for record in records]


def test_each_materialization_records_the_version_of_its_code(
    pipeline: Pipeline, made: Outcome
) -> None:
    again = pipeline.process()
    assert again.data_versions == made.data_versions
    assert set(again.code_versions) == set(STAGES)
    assert again.code_versions == made.code_versions
    assert again.code_versions["clips"] == str(FORMAT_VERSION)
    assert again.code_versions["source_videos"] == str(video_manifests.FORMAT_VERSION)


def test_the_log_has_a_line_a_stage_whatever_the_number_of_clips(
    pipeline: Pipeline, film: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "heaters_pipeline"):
        outcome = pipeline.process(source_videos={"origin": str(film)})
    assert outcome.success, outcome.error
    lines = [one.message for one in caplog.records if one.name.startswith("heaters_pipeline.")]
    # Besides, each ten seconds it says how far it is, of the video.
    of_stages = [line for line in lines if not line.startswith(f"{VIDEO_ID}:")]
    assert sorted(line.partition(":")[0] for line in of_stages) == sorted(STAGES), lines


def test_results_that_are_one_object_say_where_it_is(pipeline: Pipeline, made: Outcome) -> None:
    facts = made.metadata["frame_scores"]
    assert facts["dagster/uri"] == f"{pipeline.store.url}/{facts['track']}"
    for skipped in (False, True):
        catalog = pipeline.build_catalog().metadata["catalog"]
        assert (catalog["skipped"], catalog["videos"]) == (skipped, 1)
        assert catalog["dagster/row_count"] == catalog["clips"] == len(SPANS)
        assert catalog["dagster/uri"] == f"{pipeline.store.url}/{keys.CATALOG_CLIPS}"


def test_every_asset_tells_counts_seconds_memory_and_requests(made: Outcome) -> None:
    for stage in STAGES:
        facts = made.metadata[stage]
        assert {"made", "reused", "failed", "skipped"} <= facts.keys()
        phases = [value for name, value in facts.items() if name.startswith("seconds/")]
        assert facts["seconds/look"] <= facts["seconds/total"]
        assert sum(phases) <= 2 * facts["seconds/total"] + 0.01
        assert facts["peak_memory_mb"] > 10
        assert facts["store_requests"] >= 1
    for stage in ("clips", "sprite_sheets", "keyframes"):
        assert made.metadata[stage]["clips"] == len(SPANS)
        assert made.metadata[stage]["clips_per_minute"] > 0


def test_the_source_is_described(pipeline: Pipeline, made: Outcome) -> None:
    facts = made.metadata["source_videos"]
    assert facts["picture"] == "128x72 h264, yuv420p"
    assert facts["container"] == "mov"
    assert facts["duration_seconds"] == pytest.approx(SPANS[-1][1] / 25, abs=0.1)
    assert facts["frames_per_second"] == 25.0
    assert facts["size_bytes"] > 1000
    assert facts["audio"]
    assert facts["source"] == str(pipeline.store.local_path("source_videos/film.mp4"))
    assert facts["origin"].endswith("film.mp4")
    assert re.fullmatch("[0-9a-f]{64}", facts["sha256"])


def test_sheets_and_key_frames_are_shown_small_and_every_object_has_its_link(
    pipeline: Pipeline, made: Outcome
) -> None:
    for stage, pages in (("sprite_sheets", "jpg"), ("keyframes", "jpg"), ("clips", "mp4")):
        shown = [
            item
            for item in pipeline.manifest(stage).items
            if item.key.endswith(pages) and "thumbnail_of" not in item.details
        ]
        links = made.metadata[stage]["links"].splitlines()
        assert len(links) == len(shown) == len(SPANS)
        for line, item in zip(links, shown, strict=True):
            assert str(item.details["clip_identifier"]) in line
            assert f"`{pipeline.store.local_path(item.key)}`" in line
    for stage in GALLERIES:
        picture = embedded(made.metadata[stage]["picture"], "image/jpeg")
        assert len(picture) <= GALLERY_BYTES
        assert pixels(picture)[0] > 90
    # Whoever has lost the database sees them again.
    pipeline.lose_database()
    again = pipeline.process()
    for stage in GALLERIES:
        assert again.metadata[stage]["picture"] == made.metadata[stage]["picture"]
        assert again.metadata[stage]["made"] == 0


def test_a_run_that_makes_nothing_links_to_the_one_that_shows_pictures_and_tables(
    pipeline: Pipeline, made: Outcome
) -> None:
    for _ in range(2):
        again = pipeline.process()
        for stage in ("scenes", "storyboards", "clips", "sprite_sheets", "keyframes"):
            facts, first = again.metadata[stage], made.metadata[stage]
            assert facts[SHOWN_BY] == made.run_id
            large = first.keys() - facts.keys()
            assert {name for name in large if "links" in name or "table" in name}
            assert all(len(str(value)) < 500 for value in facts.values())
            assert (
                facts.items() >= {"made": 0, "skipped": True, "reason": SHOWN_SKIP_REASON}.items()
            )
            # Of numbers only zeros are left out, and those that tell of work.
            assert not [name for name in large if first[name] and is_result(name, first[name])]
        assert bytes_recorded(pipeline, again) < MOST_EVENT_BYTES
    assert bytes_recorded(pipeline, made) > MOST_EVENT_BYTES
    # What that run recorded is gone, so that all is shown again.
    pipeline.instance.delete_run(made.run_id)
    last = pipeline.process()
    assert last.metadata["clips"]["contact_sheet"] == made.metadata["clips"]["contact_sheet"]
    assert SHOWN_BY not in last.metadata["clips"]


def is_result(name: str, value: Any) -> bool:
    """Whether a fact is a number that tells of a result, and of no work."""
    of_work = name in ("peak_memory_mb", "clips_per_minute") or name.startswith("seconds/")
    return isinstance(value, int | float) and not of_work


def bytes_recorded(pipeline: Pipeline, outcome: Outcome) -> int:
    """The bytes of the events of a run, as they lie in Dagster's database."""
    return sum(len(entry.to_json()) for entry in pipeline.instance.all_logs(outcome.run_id))


def test_what_is_shown_is_recorded_once(pipeline: Pipeline, made: Outcome) -> None:
    picture = made.metadata["clips"]["contact_sheet"]
    entries = [entry.to_json() for entry in pipeline.instance.all_logs(made.run_id)]
    assert sum(picture in entry for entry in entries) == 1


def test_links_to_a_bucket_open_without_credentials(
    rclone_s3: S3Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    rclone_s3.use(monkeypatch)
    store = open_store(f"s3://{rclone_s3.new_bucket()}/videos", base_folder=Path())
    store.write_bytes("clips/a film/0-9.mp4", b"a clip", content_type="video/mp4")
    before = store.requests
    url = link(store, "clips/a film/0-9.mp4").value
    assert store.requests == before
    assert url is not None
    assert requests.get(url, timeout=30).content == b"a clip"


def test_the_similarity_curve_and_the_contact_sheet_are_small_pictures(
    pipeline: Pipeline, made: Outcome
) -> None:
    plot = embedded(made.metadata["scenes"]["similarity"], "image/png")
    sheet = embedded(made.metadata["clips"]["contact_sheet"], "image/jpeg")
    for data in (plot, sheet):
        assert len(data) < MOST_PICTURE_BYTES
        assert pixels(data)[0] > 90
    # The same pictures lie in the store, and a run that makes nothing shows them, too, unless an
    # earlier one does.
    others = {made.metadata["scenes"]["full_picture"]}
    pictured = (*GALLERIES, "storyboards")
    others |= {str(pipeline.manifest(stage).summary["picture"]) for stage in pictured}
    keys = sorted(pipeline.versions("reports/").keys() - others)
    assert [pipeline.store.read_bytes(key) for key in keys] == [sheet, plot]
    pipeline.lose_database()
    again = pipeline.process()
    assert again.metadata["scenes"]["similarity"] == made.metadata["scenes"]["similarity"]
    assert again.metadata["clips"]["contact_sheet"] == made.metadata["clips"]["contact_sheet"]


def test_a_large_picture_of_the_detection_lies_in_the_store(
    pipeline: Pipeline, made: Outcome
) -> None:
    key = made.metadata["scenes"]["full_picture"]
    assert pixels(pipeline.store.read_bytes(key))[1] == 1600
    again = pipeline.process()
    assert again.metadata["scenes"]["full_picture"] == key
    other = pipeline.process(scenes={"threshold": 5.0}).metadata["scenes"]["full_picture"]
    assert other != key
    assert key in pipeline.versions("reports/")


def test_other_settings_can_be_tried_when_the_source_is_gone(
    pipeline: Pipeline, made: Outcome
) -> None:
    with_pictures = pixels(pipeline.store.read_bytes(made.metadata["scenes"]["full_picture"]))
    pipeline.store.delete("source_videos/film.mp4")
    outcome = pipeline.materialize("scenes", scenes={"threshold": 5.0})
    assert outcome.success, outcome.error
    without = pixels(pipeline.store.read_bytes(outcome.metadata["scenes"]["full_picture"]))
    assert without[0] < with_pictures[0]


def test_a_run_that_makes_nothing_does_not_fetch_the_source(
    pipeline: Pipeline, made: Outcome
) -> None:
    again = pipeline.materialize("scenes")
    assert again.metadata["scenes"]["skipped"]
    assert "seconds/fetch" not in again.metadata["scenes"]
    assert "seconds/pictures" not in again.metadata["scenes"]


def test_a_manifest_without_the_large_picture_gets_it(pipeline: Pipeline, made: Outcome) -> None:
    manifest = pipeline.manifest("scenes")
    key = manifest.summary["detection_picture"]
    older = {name: row for name, row in manifest.summary.items() if name != "detection_picture"}
    pipeline.record(replace(manifest, summary=older))
    pipeline.store.delete(key)
    outcome = pipeline.process()
    assert outcome.success, outcome.error
    assert outcome.metadata["scenes"]["full_picture"] == key
    assert key in pipeline.versions("reports/")
    assert outcome.metadata["clips"]["made"] == 0


def test_tables_of_scenes_and_clips_have_their_columns(made: Outcome) -> None:
    for stage, schema in (("scenes", SCENE_SCHEMA), ("clips", CLIP_SCHEMA)):
        rows = table_rows(made, stage)
        assert [(row["start_frame"], row["end_frame"]) for row in rows] == SPANS
        for row in rows:
            assert list(row) == [column.name for column in schema.columns]
    rows = table_rows(made, "clips")
    assert [row["clip_identifier"] for row in rows] == [
        f"{VIDEO_ID}_clip_00{number}" for number in (1, 2, 3, 4)
    ]
    assert (rows[1]["start_time_seconds"], rows[1]["duration_seconds"]) == (0.8, 1.0)


def test_a_table_is_cut_short_since_events_lie_in_a_database() -> None:
    second = Fraction(1)
    scenes = [Scene(Span(at, at + 1), at * second, at + second) for at in range(ROWS_SHOWN + 1)]
    assert len(scene_table(scenes).records) == ROWS_SHOWN


def test_many_clips_give_one_small_contact_sheet(pipeline: Pipeline, tmp_path: Path) -> None:
    number = CONTACT_SHEET_CLIPS + 6
    many = make_video(tmp_path / "many.mp4", [8] * number)
    outcome = pipeline.process("many", source_videos={"origin": str(many)})
    assert outcome.success, outcome.error
    assert outcome.metadata["clips"]["clips"] == number
    assert pipeline.manifest("clips", "many").items[-1].details["clip_identifier"] == (
        f"many_clip_{number:03d}"
    )
    sheet = embedded(outcome.metadata["clips"]["contact_sheet"], "image/jpeg")
    assert len(sheet) < MOST_PICTURE_BYTES


def test_scenes_that_are_all_dropped_leave_a_video_without_clips(
    pipeline: Pipeline, film: Path
) -> None:
    config = {
        "source_videos": {"origin": str(film)},
        "scenes": {"short_scenes": "drop", "min_duration_seconds": 60.0},
    }
    outcome = pipeline.process(**config)
    assert outcome.success, outcome.error
    assert not outcome.failed_checks
    assert outcome.metadata["scenes"]["dropped"] == len(SPANS)
    for stage in ("clips", "sprite_sheets", "keyframes"):
        assert outcome.metadata[stage]["made"] == 0
        assert not pipeline.manifest(stage).items
    again = pipeline.process(**config)
    assert set(again.count("skipped").values()) == {True}


def test_dropped_scenes_are_listed_and_have_no_clip(pipeline: Pipeline, film: Path) -> None:
    outcome = pipeline.process(
        source_videos={"origin": str(film)},
        scenes={"short_scenes": "drop", "min_duration_seconds": 0.9},
    )
    assert outcome.success, outcome.error
    assert not outcome.failed_checks
    clips = pipeline.manifest("clips").items
    assert [(item.start_frame, item.end_frame) for item in clips] == SPANS[1:3]
    dropped = pipeline.manifest("scenes").summary["dropped"]
    assert [row["start_frame"] for row in dropped] == [0, 75]


def test_excluded_frames_are_counted_and_listed_and_have_no_clip(
    pipeline: Pipeline, film: Path
) -> None:
    outcome = pipeline.process(
        source_videos={"origin": str(film)},
        scenes={"start_seconds": 0.8, "end_seconds": 2.0, "max_duration_seconds": 0.6},
    )
    assert outcome.success, outcome.error
    assert not outcome.failed_checks
    clips = pipeline.manifest("clips").items
    assert [(item.start_frame, item.end_frame) for item in clips] == [(20, 35), (35, 50)]
    excluded = pipeline.manifest("scenes").summary["excluded"]
    assert [(row["start_frame"], row["end_frame"]) for row in excluded] == [(0, 20), (50, 95)]
    assert (outcome.metadata["scenes"]["dropped"], outcome.metadata["scenes"]["excluded"]) == (0, 2)


def test_frames_of_clips_and_frames_left_out_add_up_to_the_video(
    pipeline: Pipeline, film: Path
) -> None:
    outcome = pipeline.process(
        source_videos={"origin": str(film)},
        scenes={"start_seconds": 0.4, "short_scenes": "drop", "min_duration_seconds": 0.81},
    )
    assert outcome.success, outcome.error
    shown = {kind: outcome.metadata["clips"][f"frames/{kind}"] for kind in ("clips", "source")}
    assert shown == {"clips": 55, "source": 95}
    left_out = {
        kind: outcome.metadata["clips"][f"frames/{kind}"] for kind in ("dropped", "excluded")
    }
    assert left_out == {"dropped": 30, "excluded": 10}


def test_a_frame_that_nothing_accounts_for_ends_the_run(pipeline: Pipeline, made: Outcome) -> None:
    record = pipeline.manifest("scenes")
    scenes = record.summary["scenes"]
    summary = {**record.summary, "scenes": [scenes[0], *scenes[2:]]}
    pipeline.record(replace(record, summary=summary))
    outcome = pipeline.materialize("clips")
    assert not outcome.success
    assert "hold 70 frames, 0 are dropped and 0 excluded, which is not the 95" in str(outcome.error)


def test_reencoded_clips_are_apart_from_copied_ones(pipeline: Pipeline, made: Outcome) -> None:
    copied = {item.key for item in pipeline.manifest("clips").items}
    outcome = pipeline.process(clips={"mode": "reencode", "preset": "ultrafast"})
    assert outcome.success, outcome.error
    assert not outcome.failed_checks
    assert outcome.metadata["clips"]["made"] == outcome.metadata["clips"]["reencoded"] == 4
    items = pipeline.manifest("clips").items
    assert not {item.key for item in items} & copied
    assert all(item.details["method"] == "reencode" for item in items)
    # Their sheets and key frames are others, too.
    assert outcome.metadata["sprite_sheets"]["made"] == len(SPANS)


def test_each_clip_has_its_sheets_index_and_key_frames(pipeline: Pipeline, made: Outcome) -> None:
    sprites = pipeline.manifest("sprite_sheets").items
    for clip in pipeline.manifest("clips").items:
        identifier = clip.details["clip_identifier"]
        ours = [item for item in sprites if item.details["clip_identifier"] == identifier]
        pages = [item for item in ours if "page" in item.details]
        (index,) = [item for item in ours if "page" not in item.details]
        content = json.loads(pipeline.store.read_bytes(index.key))
        assert [page["key"] for page in content["pages"]] == [page.key for page in pages]
        assert content["tile_count"] == sum(page.details["tile_count"] for page in pages)
    multi = pipeline.process(keyframes={"strategy": "multi"})
    assert multi.metadata["keyframes"]["pictures"] == 3 * len(SPANS)
    pictures = [item for item in pipeline.manifest("keyframes").items if "percent" in item.details]
    assert [item.details["frame"] for item in pictures[3:6]] == [20 + 6, 20 + 12, 20 + 18]


def test_a_manifest_names_the_software_that_made_it(pipeline: Pipeline, made: Outcome) -> None:
    for stage in STAGES:
        producer = pipeline.manifest(stage).producer
        assert {"heaters_pipeline", "av", "libavcodec", "opencv"} == producer.keys()
        assert all(re.match(r"\d+\.", version) for version in producer.values())
