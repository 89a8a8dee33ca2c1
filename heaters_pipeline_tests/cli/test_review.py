"""``heaters review``, cuts of a person for ``heaters process``, and reviews taken for true."""

import hashlib
import io
import json
import shutil
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from heaters_pipeline.storage import keys
from heaters_pipeline_tests.cli.heaters_command import TELLS_IMPORTS, Heaters, heaters_program
from heaters_pipeline_tests.corrections import decision, document
from heaters_pipeline_tests.pipeline import SPANS
from heaters_pipeline_tests.videos import make_video

KEY = keys.correction_key("film")


@pytest.fixture
def store(home: Path, processed_folder: Path) -> Path:
    """The store of the commands, in which the film was processed."""
    shutil.copytree(processed_folder, home / "data", copy_function=shutil.copy2)
    return home / "data"


@pytest.fixture
def sha256(film: Path) -> str:
    return hashlib.sha256(film.read_bytes()).hexdigest()


def approvals(first: int, sha256: str, *spans: tuple[int, int]) -> list[Any]:
    return [decision(first + at, "approve", *span, source=sha256) for at, span in enumerate(spans)]


def test_decisions_are_added_shown_and_made(
    store: Path, sha256: str, heaters: Heaters, tmp_path: Path
) -> None:
    path = tmp_path / "mine.json"
    rows = [
        decision(1, "merge", 45, source=sha256, by="anna", why="one \x1b[31mshot"),
        decision(2, "split", 20, source=sha256),
        decision(3, "reject", 20, 75, source=sha256),
        decision(4, "approve", 20, 45, source=sha256),
        decision(5, "split", 9),
        decision(6, "approve", 0, 20, source=sha256),
        decision(7, "reject", 0, 20, source=sha256),
        decision(8, "tag", 0, 20, source=sha256, tags=["goal"]),
    ]
    path.write_bytes(document("film", *rows[:3]))
    first = heaters("review", "apply", path)
    assert first.code == 0, first.err
    assert first.out.splitlines()[0] == "film: decisions: 3 added, 0 there already"
    path.write_bytes(document("film", *rows))
    ended = heaters("review", "apply", path)
    assert ended.code == 0, ended.err
    said, header, *_, state, to_do = ended.out.splitlines()
    assert said == "film: decisions: 5 added, 3 there already"
    assert header.split() == ["decision", "by", "at", "outcome", "why"]
    assert "\x1b" not in ended.out
    assert state == "film: waiting; 3 clips: 0 approved, 2 rejected, 1 waiting"
    assert to_do == "new clips: 1; heaters process film makes them, or the sensors do"
    shown = heaters("review", "show", "film", "--json").document
    assert [(row["kind"], row["outcome"]) for row in shown["decisions"]] == [
        ("merge", "applied"),
        ("split", "a scene begins at frame 20 already"),
        ("reject", "applied"),
        ("approve", "no clip has these frames any more"),
        ("split", "of another version of the source"),
        ("approve", "a later decision counts"),
        ("reject", "applied"),
        ("tag", "applied"),
    ]
    assert shown["clips"][0] == {
        "start_frame": 0,
        "end_frame": 20,
        "review": "rejected",
        "tags": ["goal"],
    }
    assert shown["to_make"] == 1
    (made,) = heaters("process", "film", "--json").videos
    assert made["counts"]["made"] == 3
    assert heaters("review", "show", "film", "--json").document["to_make"] == 0
    table = pd.read_parquet(store / keys.CATALOG_CLIPS)
    assert list(table["review"]) == ["rejected", "rejected", "waiting"]


def test_what_waits_is_listed_until_all_clips_are_decided(
    store: Path, sha256: str, heaters: Heaters, tmp_path: Path
) -> None:
    assert heaters("catalog").code == 0
    waiting = {"video_id": "film", "clips": 4, "state": "waiting", "approved": 0, "rejected": 0}
    waiting |= {"error": None}
    assert heaters("review", "list", "--json").videos == [{**waiting, "waiting": 4}]
    path = tmp_path / "mine.json"
    rows = approvals(1, sha256, *SPANS[:3])
    path.write_bytes(document("film", *rows))
    assert heaters("review", "apply", path).code == 0
    assert heaters("review", "list", "--json").videos == [{**waiting, "approved": 3, "waiting": 1}]
    last = decision(9, "reject", *SPANS[3], source=sha256)
    path.write_bytes(document("film", last))
    assert heaters("review", "apply", path).code == 0
    assert heaters("review", "list").out.splitlines()[1:] == []
    reviewed = heaters("review", "list", "--all").out.splitlines()[1].split()
    assert reviewed == ["film", "reviewed", "4", "3", "1", "0"]


def test_a_damaged_document_hides_no_other_video_from_the_list(
    store: Path, sha256: str, heaters: Heaters
) -> None:
    assert heaters("catalog").code == 0
    (store / KEY).parent.mkdir()
    (store / KEY).write_bytes(b"{}")
    ended = heaters("review", "list", "--json")
    assert ended.code == 1
    (row,) = ended.videos
    assert (row["video_id"], row["state"], row["waiting"]) == ("film", "unreadable", 4)
    assert "mend it" in row["error"]
    ended = heaters("review", "list")
    assert ended.code == 1
    assert "unreadable" in ended.out
    assert f"film: {KEY} is damaged (" in ended.err
    (store / KEY).write_bytes(document("film", *approvals(1, sha256, *SPANS[:3])))
    assert heaters("review", "list", "--json").videos[0]["error"] is None


def test_decisions_of_one_video_are_taken_for_another_that_is_named(
    store: Path, sha256: str, heaters: Heaters, tmp_path: Path
) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(document("other", decision(1, "split", 60, source=sha256)))
    refused = heaters("review", "apply", path)
    assert refused.code == 1
    assert "other is no finished video" in refused.err
    assert heaters("review", "apply", path, "--video", "film").code == 0
    assert json.loads((store / KEY).read_bytes())["video_id"] == "film"


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"{", "is damaged ("),
        (document("film", decision(1, "split", 60, at="now")), "decision 1: at is a time"),
    ],
)
def test_a_file_that_is_no_document_changes_nothing(
    store: Path, heaters: Heaters, tmp_path: Path, content: bytes, said: str
) -> None:
    path = tmp_path / "mine.json"
    path.write_bytes(content)
    ended = heaters("review", "apply", path)
    assert ended.code == 1
    assert str(path) in ended.err
    assert said in ended.err
    assert not (store / KEY).exists()


def test_cuts_of_a_file_count_until_they_are_taken_away(
    store: Path, heaters: Heaters, tmp_path: Path
) -> None:
    table = tmp_path / "edit.csv"
    table.write_text("start_frame,end_frame\n0,30\n30,95\n")
    planned = heaters("plan", "film", "--cuts", table, "--json")
    assert [scene["start_frame"] for scene in planned.videos[0]["scenes"]] == [0, 30]
    assert not (store / "cuts").exists()
    ended = heaters("process", "film", "--cuts", table, "--json")
    assert ended.code == 0, ended.err
    assert [scene["start_frame"] for scene in ended.videos[0]["scenes"]] == [0, 30]
    assert (store / "cuts" / "film.csv").read_text() == table.read_text()
    again = heaters("process", "film", "--json").videos[0]
    assert [scene["start_frame"] for scene in again["scenes"]] == [0, 30]
    assert again["counts"]["made"] == 0
    planned = heaters("plan", "film", "--without-cuts", "--json").videos[0]
    assert [scene["start_frame"] for scene in planned["scenes"]] == [start for start, _ in SPANS]
    back = heaters("process", "film", "--without-cuts", "--json").videos[0]
    assert [scene["start_frame"] for scene in back["scenes"]] == [start for start, _ in SPANS]
    assert back["counts"]["made"] == 0
    assert not (store / "cuts" / "film.csv").exists()
    assert heaters("process", "film", "other", "--cuts", table).code == 2
    assert heaters("process", "film", "--cuts", table, "--without-cuts").code == 2
    unknown = heaters("process", "film", "--cuts", shutil.copy(table, tmp_path / "edit.txt"))
    assert unknown.code == 1
    assert "are of no kind that is read: .csv" in unknown.err


def test_cuts_that_are_none_of_the_video_do_not_replace_those_that_are(
    store: Path, heaters: Heaters, tmp_path: Path
) -> None:
    good, bad = tmp_path / "edit.csv", tmp_path / "other.edl"
    good.write_text("start_frame\n0\n30\n")
    assert heaters("process", "film", "--cuts", good).code == 0
    bad.write_text("001  AX  V  C  00:01:00:00 00:01:01:00 00:00:00:00 00:00:01:00\n")
    ended = heaters("process", "film", "--cuts", bad, "--json")
    assert ended.code == 1
    (refused,) = ended.videos
    assert refused["state"] == "splicing_failed"
    assert refused["error"].startswith("other.edl, line 1: 60.000 s lies outside of the video")
    assert [path.name for path in (store / "cuts").iterdir()] == ["film.csv"]
    assert len(heaters("process", "film", "--json").videos[0]["scenes"]) == 2


def test_cuts_of_a_source_that_was_replaced_are_said_and_may_be_taken_away(
    store: Path, heaters: Heaters, tmp_path: Path
) -> None:
    table = tmp_path / "edit.csv"
    table.write_text("start_frame\n0\n30\n")
    assert heaters("process", "film", "--cuts", table).code == 0
    make_video(store / "source_videos" / "film.mp4", [20, 30])
    ended = heaters("process", "film")
    assert ended.code == 0
    assert "was given before the source of film was replaced" in ended.err
    assert "was replaced" not in heaters("process", "film").err
    make_video(store / "source_videos" / "film.mp4", [10, 10])
    ended = heaters("process", "film")
    assert ended.code == 1
    assert "heaters process film --without-cuts" in ended.err
    assert heaters("process", "film", "--without-cuts").code == 0


def test_what_people_reviewed_is_taken_for_true(
    store: Path, sha256: str, heaters: Heaters, tmp_path: Path
) -> None:
    """A cut that a person took for none is wrong where a method finds it."""
    none = heaters("tune", "--reviewed")
    assert none.code == 1
    assert "no video in" in none.err
    path = tmp_path / "mine.json"
    path.write_bytes(document("film", decision(1, "merge", 45, source=sha256)))
    assert heaters("review", "apply", path).code == 0
    early = heaters("compare", "film", "--methods", "adaptive", "--reviewed")
    assert "film has corrections that no run took in yet; run heaters process film" in early.err
    assert heaters("process", "film").code == 0
    # All methods, for which it would be decoded.
    half = heaters("compare", "film", "--reviewed")
    assert half.code == 1
    assert half.err.startswith("Error: film is not reviewed yet: 3 of 3 clips wait")
    path.write_bytes(document("film", *approvals(2, sha256, (0, 20), (20, 75), (75, 95))))
    assert heaters("review", "apply", path).code == 0
    compared = heaters("compare", "film", "--methods", "adaptive", "--reviewed", "--json")
    assert compared.code == 0, compared.err
    (method,) = compared.document["methods"]
    assert (method["right"], method["wrong_frames"], method["missed"]) == (2, [45], 0)
    assert compared.document["labels"] == "corrections/"
    tuned = heaters("tune", "--reviewed", "--json")
    assert tuned.code == 0, tuned.err
    assert [video["name"] for video in tuned.document["videos"]] == ["film"]
    assert "f1" in tuned.document["thresholds"][0]
    both = heaters("tune", "film", "--reviewed", "--labels", path)
    assert "exclude each other" in both.err
    assert heaters("tune").code == 2


def test_a_file_that_nobody_reviewed_is_refused(home: Path, film: Path, heaters: Heaters) -> None:
    ended = heaters("compare", film, "--methods", "adaptive", "--reviewed")
    assert ended.code == 1
    assert "film.mp4 is no processed video of the store" in ended.err


def test_truth_of_people_takes_no_dagster(home: Path) -> None:
    program = heaters_program("tune", "--reviewed", folder=home, script=TELLS_IMPORTS)
    _, err = program.communicate()
    assert program.returncode == 1
    assert err.splitlines()[-1] == "[]"


def test_a_removed_video_leaves_no_decisions_unless_its_source_stays(
    store: Path,
    sha256: str,
    heaters: Heaters,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    path, table = tmp_path / "mine.json", tmp_path / "edit.csv"
    path.write_bytes(document("film", decision(1, "split", 60, source=sha256)))
    table.write_text("start_frame\n0\n30\n")
    assert heaters("process", "film", "--cuts", table).code == 0
    assert heaters("review", "apply", path).code == 0
    assert heaters("prune", "--delete", "--older-than", "0").code == 0
    assert heaters("remove", "--yes", "--keep-source", "film").code == 0
    assert (store / KEY).exists()
    monkeypatch.setattr("sys.stdin", io.StringIO("n\n"))
    (asked,) = [line for line in heaters("remove", "film").err.splitlines() if "objects" in line]
    assert asked.endswith("; what people decided of it goes, too")
    assert heaters("remove", "--yes", "film").code == 0
    assert [one for one in store.rglob("*film*") if one.is_file()] == []
