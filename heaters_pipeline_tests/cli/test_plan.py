"""``heaters plan``: what ``heaters process`` would do, for people and as one document."""

import shutil
from pathlib import Path

import click
import pytest

from heaters_pipeline.cli import main
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.cli.heaters_command import Heaters
from heaters_pipeline_tests.pipeline import SPANS, STAGES

COUNTS = ("valid", "unrecorded", "missing", "damaged", "stale")


@pytest.fixture
def used_home(home: Path, film: Path, processed_folder: Path, heaters: Heaters) -> Path:
    """A home in whose store the film lies as it was processed here."""
    shutil.copytree(processed_folder, home / "data")
    assert heaters("process", film).code == 0
    return home


def test_a_plan_has_the_options_of_a_run() -> None:
    assert isinstance(main, click.Group)
    plan, process = main.commands["plan"], main.commands["process"]
    assert [one.opts for one in plan.params] == [one.opts for one in process.params]


def test_a_new_video_is_planned_without_a_trace(
    home: Path, film: Path, tmp_path: Path, heaters: Heaters
) -> None:
    before = set(tmp_path.rglob("*"))
    ended = heaters("plan", film, "--json")
    assert (ended.code, ended.err) == (0, "")
    assert set(tmp_path.rglob("*")) == before
    (video,) = ended.videos
    assert list(video) == [
        "video_id",
        "error",
        "source",
        "known",
        "scenes",
        "stages",
        "counts",
    ]
    assert (video["video_id"], video["error"], video["known"]) == ("film", None, False)
    assert video["source"] == {
        "key": "source_videos/film.mp4",
        "sha256": None,
        "size_bytes": film.stat().st_size,
        "stored": False,
    }
    assert video["scenes"] is None
    assert list(video["stages"]) == list(STAGES)
    source, scores, *later = video["stages"].values()
    for stage in (source, scores):
        assert stage["known"]
        assert [stage[name] for name in COUNTS] == [0, 0, 1, 0, 0]
    for stage in later:
        assert not stage["known"]
        assert [stage[name] for name in COUNTS] == [None] * len(COUNTS)
    text = heaters("plan", film)
    line, header, *rows = text.out.splitlines()
    assert line == (
        "film: scenes are not known yet; a run would bring it in (0.1 MB), scan it, and make clips "
        "of what it finds"
    )
    assert header.split() == ["stage", *COUNTS]
    assert [row.split()[0] for row in rows] == list(STAGES)
    assert rows[1].split()[1:6] == ["0", "0", "1", "0", "0"]
    assert rows[3].split()[1:6] == ["?"] * 5


def test_the_counts_of_a_plan_are_those_of_the_run(
    used_home: Path, film: Path, heaters: Heaters
) -> None:
    for options in ([], ["--end", "2.2"], ["--keyframes", "multi"], ["--clips", "reencode"]):
        (planned,) = heaters("plan", film, "--json", *options).videos
        (run,) = heaters("process", film, "--json", *options).videos
        assert planned["counts"]["made"] == run["counts"]["made"]
        assert planned["counts"]["reused"] == run["counts"]["reused"]
        assert planned["scenes"] == run["scenes"]
        assert planned["known"]
    assert planned["counts"]["made"] > 0


def test_a_finished_video_has_nothing_to_do(used_home: Path, heaters: Heaters) -> None:
    (video,) = heaters("plan", "film", "--json").videos
    assert video["counts"] == {"made": 0, "reused": 1 + 3 * len(SPANS), "stale": 0}
    assert all(stage["done"] for stage in video["stages"].values())
    ended = heaters("plan", "source_videos/film.mp4")
    assert ended.out.splitlines()[0] == "film: all is done, a run would reuse 13 and make nothing"


def test_what_is_made_and_what_is_stale_is_summed_up_in_a_line(
    used_home: Path, heaters: Heaters
) -> None:
    store = DirectoryObjectStore(used_home / "data")
    lost = next(iter(store.list("clips/"))).key
    store.delete(lost)
    (video,) = heaters("plan", "film", "--json").videos
    assert video["stages"]["clips"]["to_make"] == ["film_clip_001"]
    assert video["stages"]["clips"]["damaged"] == 1
    # A quarter of the film, about.
    source_bytes = video["source"]["size_bytes"]
    about = video["stages"]["clips"]["about_bytes"]
    assert 0.1 * source_bytes < about < 0.5 * source_bytes
    (encoded,) = heaters("plan", "film", "--json", "--clips", "reencode").videos
    assert encoded["stages"]["clips"]["about_bytes"] is None
    line, *rows = heaters("plan", "film", "--keyframes", "multi").out.splitlines()
    stale = [found.size_bytes for found in store.list("keyframes/")]
    assert line == (
        f"film: 4 scenes; a run would make 5 (clips of about {about / 1e6:.1f} MB), reuse 8; "
        f"stale objects that would stay: 8 ({sum(stale) / 1e6:.1f} MB)"
    )
    assert rows[-1].split()[:6] == ["keyframes", "0", "0", "4", "0", "8"]


def test_a_method_that_needs_a_full_scan_has_one_planned(used_home: Path, heaters: Heaters) -> None:
    (video,) = heaters("plan", "film", "--json", "--method", "correl").videos
    assert video["stages"]["frame_scores"]["missing"] == 1
    assert video["scenes"] is None
    line = heaters("plan", "film", "--method", "correl").out.splitlines()[0]
    assert "a run would scan it, and make clips" in line


def test_a_video_that_does_not_exist_is_an_error_and_the_others_are_answered(
    used_home: Path, tmp_path: Path, heaters: Heaters
) -> None:
    absent = tmp_path / "absent.mp4"
    ended = heaters("plan", absent, "nothing", "film", "--json")
    assert ended.code == 1
    missing, unknown, film = ended.videos
    assert missing["error"] == f"cannot read {absent}: No such file or directory; check the path"
    assert "nothing is neither in" in unknown["error"]
    assert film["error"] is None
    assert ended.err.splitlines() == [
        f"{absent}: {missing['error']}",
        f"nothing: {unknown['error']}",
    ]
    text = heaters("plan", absent)
    assert (text.code, text.out) == (1, "")


def test_a_setting_out_of_bounds_is_refused(home: Path, film: Path, heaters: Heaters) -> None:
    ended = heaters("plan", film, "--threshold", "-1")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith("Error: ")
