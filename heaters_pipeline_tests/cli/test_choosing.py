"""``heaters compare`` and ``heaters tune``: what people and programs read of them."""

import json
import shutil
from pathlib import Path

import pandas as pd
import pytest

from heaters_pipeline.video.detection.settings import DEFAULT_THRESHOLDS, METHODS
from heaters_pipeline_tests.cli.heaters_command import (
    TELLS_IMPORTS,
    Ended,
    Heaters,
    heaters_program,
)
from heaters_pipeline_tests.pipeline import SPANS

CUTS = [start for start, _ in SPANS[1:]]


@pytest.fixture
def labels(tmp_path: Path) -> Path:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"film.mp4": {"frames": 95, "hard_cuts": CUTS}}))
    return path


@pytest.fixture
def stored(home: Path, processed_folder: Path) -> Path:
    """A home in whose store the film was processed."""
    shutil.copytree(processed_folder, home / "data", copy_function=shutil.copy2)
    return home


def test_compare_prints_a_line_a_method_and_who_has_whose_cuts(
    film: Path, labels: Path, heaters: Heaters
) -> None:
    ended = heaters("compare", film, "--labels", labels)
    assert ended.code == 0, ended.err
    header, *lines = ended.out.splitlines()
    assert header.split() == [
        *("method", "threshold", "scenes", "cuts", "gradual", "agreement"),
        *("precision", "recall", "f1", "wrong", "missed", "gradual_recall"),
    ]
    assert [line.split()[0] for line in lines[: len(METHODS)]] == list(METHODS)
    assert lines[0].split()[:5] == ["adaptive", "4.3", "4", "3", "0"]
    assert lines[0].split()[6:] == ["1.000", "1.000", "1.000", "0", "0", "-"]
    assert "the column has, too, within 1 frame:" in ended.out
    assert ended.err.count("scoring frames") == 1
    plain = heaters("compare", film, "--methods", "adaptive")
    assert "precision" not in plain.out
    assert "the column" not in plain.out


def test_compare_prints_one_document(
    film: Path, labels: Path, heaters: Heaters, tmp_path: Path
) -> None:
    plot = tmp_path / "methods.png"
    options = ["--methods", "adaptive,correl=-1", "--labels", labels, "--plot", plot, "--json"]
    document = heaters("compare", film, *options).document
    assert list(document) == ["video", "labels", "methods", "shared_cuts"]
    assert document["video"] == {
        "name": "film.mp4",
        "frames": 95,
        "duration_seconds": 3.8,
        "decoded": True,
    }
    assert document["labels"] == str(labels)
    adaptive, correl = document["methods"]
    assert adaptive == {
        "name": "adaptive",
        "method": "adaptive",
        "threshold": 4.3,
        "scenes": 4,
        "cuts": 3,
        "gradual": 0,
        "agreement": 0.0,
        "transitions": [{"kind": "cut", "start_frame": cut, "end_frame": cut} for cut in CUTS],
        "right": 3,
        "wrong": 0,
        "missed": 0,
        "precision": 1.0,
        "recall": 1.0,
        "f1": 1.0,
        "gradual_total": 0,
        "gradual_hit": 0,
        "gradual_recall": None,
        "wrong_frames": [],
        "missed_frames": [],
    }
    assert (correl["name"], correl["missed_frames"]) == ("correl=-1", CUTS)
    assert document["shared_cuts"]["adaptive"] == {"adaptive": 1.0, "correl=-1": 0.0}
    assert document["shared_cuts"]["correl=-1"] == {"adaptive": None, "correl=-1": None}
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("name", ["film", "source_videos/film.mp4"])
def test_a_processed_video_is_compared_and_tuned_without_decoding(
    stored: Path, labels: Path, heaters: Heaters, name: str
) -> None:
    methods = ("--methods", "adaptive,adaptive=6")
    compared = heaters("compare", name, *methods, "--labels", labels, "--json")
    assert compared.code == 0, compared.err
    assert not compared.document["video"]["decoded"]
    assert compared.document["methods"][0]["f1"] == 1
    tuned = heaters("tune", name, "--labels", labels, "--json")
    assert tuned.code == 0, tuned.err
    assert tuned.document["videos"] == [{"name": "film", "frames": 95, "decoded": False}]
    assert "scoring frames" not in compared.err + tuned.err


def test_a_stored_track_that_cannot_be_read_is_made_up_for(stored: Path, heaters: Heaters) -> None:
    (track,) = (stored / "data" / "frame_scores" / "film").glob("*.parquet")
    track.write_bytes(b"from another time")
    # A copy of the file has another version than was recorded.
    heaters("process", "film")
    track.write_bytes(b"from another time")
    ended = heaters("compare", "film", "--methods", "adaptive", "--json")
    assert ended.code == 0, ended.err
    assert ended.document["video"]["decoded"]
    assert ended.document["methods"][0]["scenes"] == len(SPANS)


def test_tune_names_a_threshold_and_says_why(film: Path, labels: Path, heaters: Heaters) -> None:
    ended = heaters("tune", film, "--labels", labels)
    assert ended.code == 0, ended.err
    header, *lines = ended.out.splitlines()
    assert header.split()[:6] == ["threshold", "scenes", "cuts", "precision", "recall", "f1"]
    assert any(line.endswith("default") for line in lines)
    taken, reason = lines[-2:]
    assert taken.startswith("Take --method adaptive --threshold ")
    assert "the best F1, 1.000 (3 right, 0 wrong, 0 missed)" in reason
    threshold = taken.split()[-1].rstrip(".")
    found = heaters("detect", film, "--threshold", threshold, "--json").document
    assert [scene["start_frame"] for scene in found["scenes"]] == [0, *CUTS]


def test_tune_prints_one_document(film: Path, heaters: Heaters, tmp_path: Path) -> None:
    copy = shutil.copy(film, tmp_path / "copy.mp4")
    plot = tmp_path / "thresholds.png"
    options = ["--method", "correl", "--plot", plot, "--json"]
    document = heaters("tune", film, copy, *options).document
    assert list(document) == [
        *("videos", "labels", "method", "default_threshold", "threshold", "range", "reason"),
        "thresholds",
    ]
    assert [video["name"] for video in document["videos"]] == ["film.mp4", "copy.mp4"]
    assert (document["method"], document["default_threshold"]) == ("correl", 0.6)
    low, high = sorted(document["range"])
    assert low <= document["threshold"] <= high
    default = next(
        one for one in document["thresholds"] if one["threshold"] == DEFAULT_THRESHOLDS["correl"]
    )
    assert list(default) == ["threshold", "scenes", "cuts"]
    assert default["cuts"] % 2 == 0
    assert plot.read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["compare", "FILM", "--methods", "magic"], "method 'magic' is none of adaptive"),
        (["compare", "FILM", "--methods", "correl=7"], "threshold of correl must be from -1 to 1"),
        (["compare", "FILM", "--methods", ""], "method '' is none of adaptive"),
        (["compare", "missing.mp4"], "No such file or directory; check the path"),
        (["compare", "unknown"], "unknown is neither a file here nor a processed video in"),
        (["compare", "https://example.com/a.mp4"], "is a link; bring it in with heaters process"),
        (["tune", "unknown"], "unknown is neither a file here nor a processed video in"),
        (["tune", "OTHER", "--labels", "LABELS"], "has no labels of other.mp4; it knows film.mp4"),
        (["compare", "FILM", "--labels", "OTHER"], "are no JSON"),
    ],
)
def test_what_is_wrong_is_said_in_one_line(
    home: Path,
    film: Path,
    labels: Path,
    tmp_path: Path,
    heaters: Heaters,
    arguments: list[str],
    message: str,
) -> None:
    files = {"FILM": film, "LABELS": labels, "OTHER": tmp_path / "other.mp4"}
    shutil.copy(film, files["OTHER"])
    ended = heaters(*(files.get(argument, argument) for argument in arguments), "--json")
    assert (ended.code, ended.out) == (1, "")
    assert message in ended.err
    assert "Traceback" not in ended.err


def test_labels_of_another_version_of_the_video_are_refused(
    film: Path, tmp_path: Path, heaters: Heaters
) -> None:
    path = tmp_path / "labels.json"
    path.write_text(json.dumps({"film.mp4": {"frames": 96, "hard_cuts": []}}))
    ended = heaters("tune", film, "--labels", path)
    assert isinstance(ended, Ended)
    assert (ended.code, ended.out) == (1, "")
    assert "labels 96 frames of film.mp4, but it has 95" in ended.err


def test_both_read_labels_from_a_table_and_write_one(
    film: Path, tmp_path: Path, heaters: Heaters
) -> None:
    labels, path = tmp_path / "labels.csv", tmp_path / "out.csv"
    rows = [{"file": "film.mp4", "kind": "cut", "start": cut, "end": None} for cut in CUTS]
    pd.DataFrame(rows).to_csv(labels, index=False)
    options = ("--labels", labels, "--csv", path, "--json")
    methods = heaters("compare", film, "--methods", "adaptive,correl=-1", *options).document
    table = pd.read_csv(path)
    assert list(table["name"]) == ["adaptive", "correl=-1"]
    assert list(table["missed"]) == [0, len(CUTS)]
    assert list(table["f1"]) == [method["f1"] for method in methods["methods"]]
    assert "transitions" not in table
    tuned = heaters("tune", film, *options)
    assert tuned.code == 0, tuned.err
    assert list(pd.read_csv(path)["threshold"]) == [
        trial["threshold"] for trial in tuned.document["thresholds"]
    ]


@pytest.mark.parametrize("command", ["compare", "tune"])
def test_choosing_starts_no_dagster(film: Path, tmp_path: Path, command: str) -> None:
    program = heaters_program(command, film, "--json", folder=tmp_path, script=TELLS_IMPORTS)
    out, err = program.communicate()
    assert program.returncode == 0, err
    assert json.loads(out)
    assert err.splitlines()[-1] == "[]"
