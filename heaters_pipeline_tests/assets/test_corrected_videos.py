"""What people decide of a video: just what it changes is made, and who changed it is shown."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from heaters_pipeline.assets.planning import plan_video
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.config import SourceConfig
from heaters_pipeline.names import STORYBOARDS_ASSET
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.manifests import fingerprint_of
from heaters_pipeline_tests.corrections import decision, document
from heaters_pipeline_tests.pipeline import SOURCE_KEY, SPANS, STAGES, VIDEO_ID, Pipeline, spans
from heaters_pipeline_tests.videos import make_video

KEY = keys.correction_key(VIDEO_ID)
CUTS_KEY = keys.cuts_key(VIDEO_ID, "csv")
FROM_CLIPS = ("clips", "sprite_sheets", "keyframes")


@pytest.fixture
def done(processed: Pipeline) -> Pipeline:
    """A store in which a run finds all done: those of ``processed`` are new copies of files."""
    assert processed.process().success
    return processed


def decide(pipeline: Pipeline, *rows: Mapping[str, Any]) -> None:
    """Let people have decided this of the video as it is."""
    sha256 = pipeline.manifest("source_videos").summary["sha256"]
    named = [
        {**row, "source_sha256": row["source_sha256"].replace("5" * 64, sha256)} for row in rows
    ]
    pipeline.store.write_bytes(KEY, document(VIDEO_ID, *named), content_type="application/json")


@pytest.mark.parametrize(
    ("rows", "expected", "made"),
    [
        pytest.param([decision(1, "split", 60)], [*SPANS[:2], (45, 60), (60, 75), SPANS[3]], 2),
        pytest.param([decision(1, "merge", 45)], [(0, 20), (20, 75), (75, 95)], 1),
        pytest.param([decision(1, "move", 45, 47)], [(0, 20), (20, 47), (47, 75), (75, 95)], 2),
        pytest.param([decision(1, "split", 47)], [*SPANS[:2], (45, 47), (47, 75), SPANS[3]], 2),
    ],
    ids=["split", "merge", "move", "shorter than any scene"],
)
def test_only_clips_whose_span_changed_are_made(
    done: Pipeline, rows: list[Any], expected: list[tuple[int, int]], made: int
) -> None:
    before = done.versions()
    decide(done, *rows)
    outcome = done.process()
    assert outcome.success, outcome.error
    assert not outcome.failed_checks
    clips = done.manifest("clips")
    assert spans(clips) == expected
    assert spans(clips, reused=False) == [one for one in expected if one not in SPANS]
    counts = outcome.count("made")
    assert {counts[stage] for stage in FROM_CLIPS} == {made}
    assert counts["frame_scores"] == counts["source_videos"] == counts[STORYBOARDS_ASSET] == 0
    after = done.versions()
    kept = [key for key in before if not key.startswith(keys.MANIFEST_PREFIX)]
    assert {key: after[key] for key in kept} == {key: before[key] for key in kept}
    again = done.process()
    assert again.count("skipped") == dict.fromkeys(STAGES, True)
    assert again.data_versions == outcome.data_versions
    assert done.versions() == after


def test_the_record_and_the_lineage_show_who_changed_what(done: Pipeline) -> None:
    before = done.manifest("scenes")
    decide(
        done,
        decision(1, "merge", 45, by="anna", why="one shot"),
        decision(2, "split", 20, by="ben <b>"),
        decision(3, "approve", 0, 20),
    )
    outcome = done.process()
    scenes = done.manifest("scenes")
    assert scenes.fingerprint != before.fingerprint
    assert scenes.inputs == {**before.inputs, "corrections": [["merge", 45], ["split", 20]]}
    assert [(row["by"], row["refusal"]) for row in scenes.summary["corrections"]] == [
        ("anna", None),
        ("ben <b>", "a scene begins at frame 20 already"),
    ]
    assert [row["start_frame"] for row in scenes.summary["transitions"]] == [20, 75]
    shown = outcome.metadata["scenes"]
    assert shown["corrections_applied"] == 1
    rows = [record.data for record in shown["corrections"].records]
    assert rows[0] == {
        "decision": "merge 45",
        "by": "anna",
        "at": "2026-11-30T00:01:00.000Z",
        "why": "one shot",
        "outcome": "applied",
    }
    assert rows[1]["outcome"] == "a scene begins at frame 20 already"


def test_where_nobody_decided_anything_nothing_is_named_anew(done: Pipeline) -> None:
    """Else an update of the program would decide all videos again."""
    scenes = done.manifest("scenes")
    assert scenes.inputs.keys() == {"algorithm_version", "frame_scores", "settings", "stage"}
    assert scenes.fingerprint == fingerprint_of(scenes.inputs)
    assert not {"corrections", "cuts"} & scenes.summary.keys()
    assert not any(
        {"review", "tags"} & item.details.keys() for item in done.manifest("clips").items
    )


def test_an_approval_and_a_tag_make_nothing_and_are_marked(done: Pipeline) -> None:
    before, fingerprints = done.versions(), done.process().data_versions
    decide(
        done,
        decision(1, "approve", 0, 20),
        decision(2, "tag", 0, 20, tags=["goal", "night"]),
        decision(3, "reject", 20, 45),
        decision(4, "approve", 21, 45),
    )
    outcome = done.process()
    assert outcome.success, outcome.error
    assert outcome.count("made") == dict.fromkeys(STAGES, 0)
    assert outcome.data_versions == fingerprints
    changed = {key for key, version in done.versions().items() if before.get(key) != version}
    assert changed == {KEY, keys.video_manifest_key(VIDEO_ID)}
    assert [
        (item.details.get("review"), item.details.get("tags"))
        for item in done.manifest("clips").items
    ] == [("approved", ["goal", "night"]), ("rejected", None), (None, None), (None, None)]
    shown = outcome.metadata["clips"]
    assert {name: shown[f"review/{name}"] for name in ("approved", "rejected", "waiting")} == {
        "approved": 1,
        "rejected": 1,
        "waiting": 2,
    }
    after = done.versions()
    assert done.process().count("skipped") == dict.fromkeys(STAGES, True)
    assert done.versions() == after
    decide(done, decision(5, "approve", 20, 45), decision(6, "tag", 0, 20, tags=[]))
    assert done.process().success
    assert [
        (item.details.get("review"), item.details.get("tags"))
        for item in done.manifest("clips").items
    ] == [(None, None), ("approved", None), (None, None), (None, None)]


def test_the_catalog_tells_what_people_said_of_clips(done: Pipeline, tmp_path: Path) -> None:
    decide(done, decision(1, "reject", 20, 45), decision(2, "tag", 0, 20, tags=["goal"]))
    assert done.process().success
    assert done.build_catalog(all_videos=False).success
    table = pd.read_parquet(tmp_path / "store" / keys.CATALOG_CLIPS)
    assert list(table["review"]) == ["waiting", "rejected", "waiting", "waiting"]
    assert [list(tags) for tags in table["tags"]] == [["goal"], [], [], []]


def test_corrections_are_kept_when_detection_changes_and_applied_where_they_make_sense(
    done: Pipeline,
) -> None:
    decide(done, decision(1, "merge", 45), decision(2, "split", 60))
    assert done.process(scenes={"threshold": 100.0}).success
    scenes = done.manifest("scenes")
    assert [row["start_frame"] for row in scenes.summary["scenes"]] == [0, 60]
    assert [row["refusal"] for row in scenes.summary["corrections"]] == [
        "there is no cut within 2 frames of 45 any more",
        None,
    ]
    assert done.process(scenes={"threshold": 4.0}).success
    assert spans(done.manifest("clips")) == [(0, 20), (20, 60), (60, 75), (75, 95)]


def test_corrections_of_another_version_of_the_source_are_kept_and_change_nothing(
    done: Pipeline, tmp_path: Path
) -> None:
    decide(done, decision(1, "split", 60), decision(2, "reject", 0, 20))
    kept = done.store.read_bytes(KEY)
    other = make_video(tmp_path / "other.mp4", (30, 40), size_px=(128, 72))
    done.store.put_file(SOURCE_KEY, other, content_type="video/mp4")
    assert done.process().success
    assert spans(done.manifest("clips")) == [(0, 30), (30, 70)]
    assert "corrections" not in done.manifest("scenes").inputs
    assert done.store.read_bytes(KEY) == kept


@pytest.mark.usefixtures("config_is_all")
def test_a_repair_takes_in_no_new_corrections(done: Pipeline) -> None:
    """It makes what was lost as it was; what people decided since waits for the next run."""
    Pipeline.config_is_all = False
    decide(done, decision(1, "split", 60), decision(2, "reject", 0, 20))
    assert done.process().success
    made = done.manifest("clips")
    decide(done, decision(3, "merge", 20), decision(4, "approve", 0, 20))
    done.store.delete(made.items[3].key)
    Pipeline.config_is_all = True
    outcome = done.process()
    assert outcome.success, outcome.error
    again = done.manifest("clips")
    assert [item.key for item in again.items] == [item.key for item in made.items]
    assert again.items[0].details["review"] == "rejected"
    assert outcome.metadata["clips"]["made"] == 1


def test_a_plan_tells_what_corrections_make(done: Pipeline) -> None:
    decide(done, decision(1, "split", 60))
    plan = plan_video(done.workspace(), VIDEO_ID, SourceConfig(), RunSettings.of({}))
    assert plan.scenes is not None
    assert [scene.span.start for scene in plan.scenes] == [0, 20, 45, 60, 75]
    made = done.process().count("made")
    assert plan.total(lambda stage: stage.made) == sum(made[stage] for stage in FROM_CLIPS)


def test_damaged_corrections_end_the_run_with_what_is_wrong(done: Pipeline) -> None:
    decide(done, decision(1, "split", 60, at="yesterday"))
    before = done.versions()
    outcome = done.process()
    assert not outcome.success
    assert outcome.error is not None
    assert f"{KEY} is damaged (decision 1: at is a time with its zone" in outcome.error
    assert done.versions() == before


def test_cuts_of_a_person_take_the_place_of_detection(done: Pipeline) -> None:
    table = b"start_frame,note\n0,\n44,early\n46,short\n75,\n"
    done.store.write_bytes(CUTS_KEY, table, content_type="text/csv")
    decide(done, decision(1, "merge", 75))
    outcome = done.process()
    assert outcome.success, outcome.error
    clips = done.manifest("clips")
    assert spans(clips) == [(0, 44), (44, 46), (46, 95)]
    summary = done.manifest("scenes").summary
    assert summary["cuts"]["frames"] == [44, 46, 75]
    assert outcome.metadata["scenes"]["cuts_given_by"] == CUTS_KEY
    done.store.delete(CUTS_KEY)
    assert done.process().success
    assert spans(done.manifest("clips")) == [(0, 20), (20, 45), (45, 95)]


@pytest.mark.parametrize(
    ("name", "data", "said"),
    [
        ("film.csv", b"start_frame\n0\n95\n", "line 3: start_frame must be a frame of the video"),
        ("film.csv", b"frame\n0\n", "have no column start_frame"),
        ("film.csv", b"\xff", "are no text in UTF-8"),
        ("film.txt", b"start_frame\n0\n", "are of no kind that is read: .csv"),
    ],
)
def test_cuts_that_cannot_be_used_end_the_run_with_what_is_wrong(
    done: Pipeline, name: str, data: bytes, said: str
) -> None:
    done.store.write_bytes(f"cuts/{name}", data, content_type="text/csv")
    outcome = done.process()
    assert not outcome.success
    assert outcome.error is not None
    assert f"the cuts cuts/{name}" in outcome.error
    assert said in outcome.error


def test_cuts_of_a_video_whose_name_begins_alike_are_others(done: Pipeline) -> None:
    done.store.write_bytes("cuts/film.mov.csv", b"start_frame\n9\n", content_type="text/csv")
    assert done.process().count("skipped") == dict.fromkeys(STAGES, True)
