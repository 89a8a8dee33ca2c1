"""``heaters detect``: scenes of a file, without store or Dagster."""

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from heaters_pipeline_tests.cli.heaters_command import TELLS_IMPORTS, Heaters, heaters_program
from heaters_pipeline_tests.pipeline import SPANS


def frames_of(rows: list[dict[str, Any]]) -> list[tuple[int, int]]:
    return [(row["start_frame"], row["end_frame"]) for row in rows]


def test_detect_prints_the_scenes_of_a_file(film: Path, heaters: Heaters) -> None:
    ended = heaters("detect", film, "--json")
    assert ended.code == 0, ended.err
    document = ended.document
    assert list(document) == [
        "video",
        "detection_params",
        "scenes",
        "dropped",
        "excluded",
        "transitions",
    ]
    assert document["video"] == {
        "path": str(film),
        "container": "mov",
        "codec": "h264",
        "width_px": 128,
        "height_px": 72,
        "frame_rate": 25.0,
        "frames": 95,
        "duration_seconds": 3.8,
    }
    assert document["detection_params"]["method"] == "adaptive"
    assert [(scene["start_frame"], scene["end_frame"]) for scene in document["scenes"]] == SPANS
    assert document["transitions"] == [
        {"kind": "cut", "start_frame": start, "end_frame": start} for start, _ in SPANS[1:]
    ]
    options = ["--method", "correl", "--threshold", "-1", "--min-duration", "0.5"]
    other = heaters("detect", film, "--json", *options).document
    assert frames_of(other["scenes"]) == [(0, 95)]


def test_detect_names_every_setting_as_it_was_typed(film: Path, heaters: Heaters) -> None:
    assert heaters("detect", film, "--json").document["detection_params"] == {
        "method": "adaptive",
        "threshold": 4.3,
        "scale": "own",
        "gradual": "split",
        "min_duration_seconds": 0.25,
        "short_scenes": "merge",
        "max_duration_seconds": None,
        "long_scenes": "split",
        "start_seconds": 0.0,
        "end_seconds": None,
    }
    typed = {
        "--method": "correl",
        "--threshold": "0.5",
        "--scale": "unit",
        "--gradual": "exclude",
        "--min-duration": "0.5",
        "--short-scenes": "drop",
        "--max-duration": "0.6",
        "--long-scenes": "split",
        "--start": "0.6",
        "--end": "3",
    }
    ended = heaters("detect", film, "--json", *(word for pair in typed.items() for word in pair))
    document = ended.document
    assert document["detection_params"] == {
        "method": "correl",
        "threshold": 0.5,
        "scale": "unit",
        "gradual": "exclude",
        "min_duration_seconds": 0.5,
        "short_scenes": "drop",
        "max_duration_seconds": 0.6,
        "long_scenes": "split",
        "start_seconds": 0.6,
        "end_seconds": 3.0,
    }
    # 25 frames cannot be two parts of half a second, so the first scene stays longer.
    assert frames_of(document["scenes"]) == [(20, 45), (45, 60), (60, 75)]
    assert frames_of(document["dropped"]) == [(15, 20)]
    assert frames_of(document["excluded"]) == [(0, 15), (75, 95)]


def test_detect_says_how_long_the_video_is_when_the_window_holds_no_frame(
    film: Path, heaters: Heaters
) -> None:
    ended = heaters("detect", film, "--start", "60", "--json")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.endswith(
        "Error: no frame starts in the window from 60 s to the end: the video is 3.8 s long; "
        "change start_seconds or end_seconds\n"
    )


def test_detect_draws_a_picture_beside_what_it_prints(
    film: Path, tmp_path: Path, heaters: Heaters
) -> None:
    plot = tmp_path / "curve.png"
    ended = heaters("detect", film, "--json", "--plot", plot)
    assert ended.code == 0, ended.err
    assert len(ended.document["scenes"]) == len(SPANS)
    assert f"The picture is in {plot}" in ended.err
    assert plot.read_bytes().startswith(b"\x89PNG")


def test_detect_writes_its_scenes_as_a_table(film: Path, tmp_path: Path, heaters: Heaters) -> None:
    path = tmp_path / "scenes.csv"
    ended = heaters("detect", film, "--json", "--csv", path)
    assert ended.code == 0, ended.err
    assert f"The table is in {path}" in ended.err
    table = pd.read_csv(path)
    assert table.to_dict("records") == ended.document["scenes"]
    refused = heaters("detect", film, "--csv", tmp_path / "scenes.json")
    assert (refused.code, refused.out) == (2, "")
    assert "must end with .csv" in refused.err


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("curve.jpg", "must end with .png"),
        ("missing/curve.png", "missing is no folder"),
        ("folder.png", "is a directory"),
    ],
)
def test_a_picture_that_cannot_be_written_is_refused_before_the_work(
    film: Path, tmp_path: Path, heaters: Heaters, name: str, message: str
) -> None:
    (tmp_path / "folder.png").mkdir()
    ended = heaters("detect", film, "--plot", tmp_path / name)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err
    assert "scoring frames" not in ended.err


def test_detect_prints_a_line_a_scene_for_people(film: Path, heaters: Heaters) -> None:
    ended = heaters("detect", film)
    header, *lines = ended.out.splitlines()
    assert header.split() == ["scene", "start_frame", "end_frame", "start", "end", "seconds"]
    assert [line.split()[:3] for line in lines] == [
        [str(number), str(start), str(end)] for number, (start, end) in enumerate(SPANS, 1)
    ]


def test_detect_starts_no_dagster_and_needs_no_home(film: Path, tmp_path: Path) -> None:
    program = heaters_program("detect", film, "--json", folder=tmp_path, script=TELLS_IMPORTS)
    out, err = program.communicate()
    assert program.returncode == 0, err
    assert [scene["start_frame"] for scene in json.loads(out)["scenes"]] == [0, 20, 45, 75]
    assert err.splitlines()[-1] == "[]"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "No such file or directory; check the path"),
        (b"", "is empty"),
        (b"Dear Sir or Madam, this is a letter.", "letter.mp4"),
    ],
)
def test_detect_says_what_is_wrong_with_a_file(
    tmp_path: Path, heaters: Heaters, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / "letter.mp4").write_bytes(content)
    ended = heaters("detect", tmp_path / "letter.mp4", "--json")
    assert (ended.code, ended.out) == (1, "")
    assert message in ended.err
    assert ended.err.startswith("Error: ")
    assert ended.err.count("\n") == 1
