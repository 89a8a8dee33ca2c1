"""The storyboard of a video: made once, found again, and never asked of videos older than it."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from heaters_pipeline.assets import source_pictures
from heaters_pipeline.assets.changed_settings import made_as
from heaters_pipeline.assets.repairing import RunOutcome, repair_video
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.report.catalog import build_catalog, record_versions
from heaters_pipeline.status import video_statuses
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.verification import Verifier
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline.video.stills.source_pictures import make_pictures
from heaters_pipeline.workspace import Workspace
from heaters_pipeline_tests.pipeline import SOURCE_KEY, STAGES, VIDEO_ID, Pipeline
from heaters_pipeline_tests.video.stills.test_storyboards import cues_of, require_whole

ONE_MADE = {**dict.fromkeys(STAGES, 0), "storyboards": 1}
ENDINGS = ["-000.jpg", ".bif", ".m3u8", ".json", ".vtt"]


@pytest.fixture
def finished(processed: Pipeline) -> Pipeline:
    """The pipeline on a store in which the film is finished."""
    outcome = processed.process()
    assert outcome.success, outcome.error
    return processed


@pytest.fixture
def older(finished: Pipeline) -> Pipeline:
    """The same as a version left it that knew no storyboards."""
    summary = finished.manifest("storyboards").summary
    for key in (*keys_of(finished), summary["picture"]):
        finished.store.delete(key)
    finished.forget("storyboards")
    record = keys.video_manifest_key(VIDEO_ID)
    content = json.loads(finished.store.read_bytes(record)) | {"format_version": 3}
    content["pictures"].pop(summary["picture"])
    data = json.dumps(content).encode()
    finished.store.write_bytes(record, data, content_type="application/json")
    return finished


def keys_of(pipeline: Pipeline) -> list[str]:
    return [item.key for item in pipeline.manifest("storyboards").items]


def contents(pipeline: Pipeline) -> dict[str, bytes]:
    return {key: pipeline.store.read_bytes(key) for key in keys_of(pipeline)}


def test_its_files_lie_in_a_folder_of_their_own_and_name_each_other(finished: Pipeline) -> None:
    files = contents(finished)
    stem = keys_of(finished)[0].removesuffix("-000.jpg")
    assert stem.startswith(f"storyboards/{VIDEO_ID}/")
    assert list(files) == [stem + ending for ending in ENDINGS]
    assert all(keys.is_product(key) for key in files)
    sheet = f"{stem.rpartition('/')[2]}-000.jpg"
    cues = cues_of(files[stem + ".vtt"])
    require_whole(cues, 1000, 3800)
    assert {name for _, _, name, _ in cues} == {sheet}
    assert json.loads(files[stem + ".json"])["url"] == sheet
    assert sheet in files[stem + ".m3u8"].decode().splitlines()
    # Media servers take what lies beside a source for its subtitles.
    assert list(finished.versions("source_videos/")) == [SOURCE_KEY]


def test_people_see_the_first_sheet_and_where_all_files_are(finished: Pipeline) -> None:
    made = finished.process(storyboards={"interval_seconds": 2, "format": "webp"})
    shown = made.metadata["storyboards"]
    assert (shown["sheets"], shown["tiles"], shown["interval_seconds"]) == (1, 2, 2)
    assert shown["picture"].startswith("![the first sheet](data:image/jpeg;base64,")
    for key in keys_of(finished):
        assert key.rpartition("/")[2] in shown["links"]
    assert keys_of(finished)[0].endswith("-000.webp")


@pytest.mark.parametrize("ending", ENDINGS)
def test_a_lost_file_makes_it_again_as_it_was(finished: Pipeline, ending: str) -> None:
    before = contents(finished)
    (lost,) = (key for key in before if key.endswith(ending))
    finished.store.delete(lost)
    assert finished.process().count("made") == ONE_MADE
    assert contents(finished) == before
    assert set(finished.process().count("skipped").values()) == {True}


def test_one_without_a_record_is_opened_and_adopted(finished: Pipeline) -> None:
    before = finished.versions("storyboards/")
    recorded = finished.manifest("storyboards").items
    finished.forget("storyboards")
    outcome = finished.process()
    assert outcome.count("made") == dict.fromkeys(STAGES, 0)
    assert finished.versions("storyboards/") == before
    adopted = finished.manifest("storyboards").items
    assert [(one.key, one.details["sha256"]) for one in adopted] == [
        (one.key, one.details["sha256"]) for one in recorded
    ]


@pytest.mark.parametrize("ending", ENDINGS)
def test_one_that_is_not_what_it_is_named_is_made_again(finished: Pipeline, ending: str) -> None:
    before = contents(finished)
    (key,) = (key for key in before if key.endswith(ending))
    finished.store.write_bytes(key, before[key][:-3], content_type="text/plain")
    if ending.endswith("jpg"):
        finished.store.write_bytes(key, b"no picture", content_type="image/jpeg")
    finished.forget("storyboards")
    assert finished.process().count("made") == ONE_MADE
    assert contents(finished) == before


def catalog_row(pipeline: Pipeline, folder: Path) -> dict[str, Any]:
    """The only row of the table of videos."""
    folder.mkdir()
    made = build_catalog(pipeline.store, record_versions(pipeline.store), folder)
    row: dict[str, Any]
    (row,) = pq.read_table(made.videos).to_pylist()
    return row


def test_a_video_older_than_storyboards_is_done_and_nobody_starts_it(
    older: Pipeline, tmp_path: Path
) -> None:
    video = read_video(older.store, VIDEO_ID)
    assert video.is_finished
    assert made_as(video, RunSettings.of({"storyboards": {"columns": 3}}))
    (status,) = video_statuses(older.store, older.instance)
    assert status.state == "spliced"
    checked = older.check()
    assert not checked.failed_checks
    assert catalog_row(older, tmp_path / "tables")["storyboard_filepaths"] == []


def test_a_run_of_an_older_video_makes_its_storyboard_and_nothing_else(
    older: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    decodes = []

    def noting(path: Path, info: Any, timeline: Any, wanted: Any, on_picture: Any) -> None:
        decodes.append(sorted(one.frame for one in wanted))
        make_pictures(path, info, timeline, wanted, on_picture)

    monkeypatch.setattr(source_pictures, "make_pictures", noting)
    before = {key: one for key, one in older.versions().items() if "manifests/" not in key}
    outcome = older.process()
    assert outcome.success, outcome.error
    assert outcome.count("made") == ONE_MADE
    assert decodes == [[0, 24, 49, 74]]
    after = older.versions()
    assert {key: after[key] for key in before} == before
    assert catalog_row(older, tmp_path / "tables")["storyboard_filepaths"] == keys_of(older)


def test_a_repair_of_an_older_video_makes_what_was_lost_and_no_storyboard(older: Pipeline) -> None:
    older.store.delete(older.manifest("keyframes").items[0].key)

    def run(config: dict[str, dict[str, Any]], workspace: Workspace) -> RunOutcome:
        outcome = older.process(workspace=workspace, **config)
        return RunOutcome(outcome.error, outcome.count("made"), outcome.count("reused"))

    repair = repair_video(older.workspace(), VIDEO_ID, run, deep=False)
    assert repair.outcome is not None
    assert repair.error is None
    assert repair.outcome.made.get("keyframes") == 1
    assert "storyboards" not in read_video(older.store, VIDEO_ID).stages
    (report,) = Verifier(older.store).videos([VIDEO_ID])
    assert not report.findings


def test_without_its_source_there_is_none_and_that_is_said(older: Pipeline) -> None:
    older.store.delete(SOURCE_KEY)
    outcome = older.materialize("storyboards")
    assert not outcome.success
    assert f"{SOURCE_KEY} is missing, and a storyboard is made of it" in str(outcome.error)
    assert "upload it again" in str(outcome.error)
