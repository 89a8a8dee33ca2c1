"""Public benchmarks are read in the form in which they are distributed, and counted by their rules.

None of them is here: the samples have their form, and the cuts of videos made for the purpose.
"""

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from benchmarks import public_sets
from benchmarks.detectors import our_detector
from benchmarks.shot_annotations import (
    AnnotationError,
    Annotations,
    Change,
    read_autoshot,
    read_bbc,
    read_clipshots,
    read_rai,
    read_shot,
)
from heaters_pipeline_tests.video.detection.edited_films import GRADUAL_FILMS
from heaters_pipeline_tests.video.detection.encoding import encode
from heaters_pipeline_tests.videos import make_video

SCENES = (40, 30, 35, 30)
CUTS = (Change(39, 40), Change(69, 70), Change(104, 105))
FRAMES = sum(SCENES)


def write(path: Path, *lines: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return path


def film(path: Path, scenes: Sequence[int] = SCENES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    return make_video(path, scenes)


def changes_of(annotations: Annotations) -> dict[str, tuple[Change, ...]]:
    return {video.name: video.changes for video in annotations.videos}


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Each set with one video, annotated in the numbers of the set."""
    root = tmp_path_factory.mktemp("sets")
    source = film(root / "film.mp4")
    for place in (
        "BBC/videos/bbc_01.mp4", "AutoShot/videos/1258.mp4", "ClipShots/videos/ab-_1.mp4",
        "RAI/7.mp4", "SHOT/ads_game_videos/1258.mp4",
    ):  # fmt: skip
        (root / place).parent.mkdir(parents=True)
        (root / place).symlink_to(source)
    # So may be a folder, where a set lies on another disk.
    (root / "SHOT/ads_game_videos").rename(root / "elsewhere")
    (root / "SHOT/ads_game_videos").symlink_to(root / "elsewhere")
    shots = ("0\t39", "40\t69", "70\t104", "105\t134")
    write(root / "BBC/fixed/01-scenes.txt", *shots)
    write(root / "AutoShot/annotations/1258.txt", *shots)
    write(root / "RAI/labels/7_gt.txt", *(line.replace("\t", " ") for line in shots))
    pairs = [[39, 40], [69, 70], [104, 105]]
    write(
        root / "ClipShots/annotations/test.json",
        json.dumps({"ab-_1.mp4": {"transitions": pairs, "frame_num": 135.0}}),
    )
    write(root / "SHOT/kuaishou_v2.txt", "1258.mp4 134", "39,40", "69,70", "104,105", "")
    return root


@pytest.mark.parametrize("name", public_sets.SETS)
def test_each_set_says_where_the_detector_cuts_to_the_frame(root: Path, name: str) -> None:
    (video,) = public_sets.SETS[name].read(root / name, False).videos

    assert video.path is not None
    found = our_detector("adaptive")(video.path.resolve())
    assert [one.start for one in found.transitions] == [one.first for one in CUTS]
    assert video.changes == CUTS
    assert video.end in {None, found.frames}
    assert video.frames in {None, found.frames}


def test_bbc_of_the_authors_counts_one_less(tmp_path: Path) -> None:
    write(tmp_path / "annotations/shots/05_Jungles.txt", "0\t38", "39\t68", "70\t90")
    write(tmp_path / "annotations/scenes/annotator_0/05_Jungles.txt", "1,2,8")
    video = film(tmp_path / "bbc_05.mp4", [2])

    (read,) = read_bbc(tmp_path, False).videos

    assert (read.changes, read.end, read.path) == (
        (Change(39, 40), Change(69, 71)),
        92,
        video,
    )


def test_corrected_annotations_of_bbc_come_first(tmp_path: Path) -> None:
    write(tmp_path / "annotations/shots/05_Jungles.txt", "0\t38", "39\t68")
    write(tmp_path / "fixed/05-scenes.txt", "0\t39", "40\t69")

    assert changes_of(read_bbc(tmp_path, False)) == {"05-scenes.txt": (Change(39, 40),)}


def test_frames_between_shots_are_a_gradual_transition(tmp_path: Path) -> None:
    write(tmp_path / "25010_gt.txt", "0 509", "523 531", "532 597")

    (read,) = read_rai(tmp_path, False).videos

    assert read.changes == (Change(509, 523), Change(531, 532))
    assert [one.is_cut for one in read.changes] == [False, True]


def test_rai_finds_videos_that_have_a_name_behind_their_number(tmp_path: Path) -> None:
    write(tmp_path / "labels/25010_gt.txt", "0 1")
    write(tmp_path / "scenes_1.txt", "1 8")
    video = film(tmp_path / "videos/25010_news.mp4", [2])

    (read,) = read_rai(tmp_path, False).videos

    assert read.path == video


def test_shot_and_its_test_videos_have_the_same_numbers(tmp_path: Path) -> None:
    write(tmp_path / "a/annotations/12580139534.txt", "0 80", "81 149", "150 178", "183 253")
    write(tmp_path / "s/kuaishou_v2.txt", "12580139534.mp4  1323", "80,81", "149,150 ", "178,183")

    (shots,) = read_autoshot(tmp_path / "a", False).videos
    (pairs,) = read_shot(tmp_path / "s", False).videos

    assert shots.changes == pairs.changes == (Change(80, 81), Change(149, 150), Change(178, 183))


def test_the_second_half_of_shot_has_blanks_between_frames(tmp_path: Path) -> None:
    lines = ("1.mp4 99", "9,10", "", "2.mp4", "25 26", "613\t626", "", "", "3.mp4")
    write(tmp_path / "kuaishou_v2.txt", *lines)

    assert changes_of(read_shot(tmp_path, False)) == {
        "1.mp4": (Change(9, 10),),
        "2.mp4": (Change(25, 26), Change(613, 626)),
        "3.mp4": (),
    }


def test_clipshots_takes_the_videos_of_the_test_split(tmp_path: Path) -> None:
    entry = {"transitions": [[311, 334], [39, 40]], "frame_num": 400.0}
    nothing = {"transitions": None, "frame_num": 10.0}
    content = {"a.mp4": entry, "b.mp4": nothing, "other.mp4": entry}
    write(tmp_path / "annotations/test.json", json.dumps(content))
    write(tmp_path / "video_lists/test.txt", "a.mp4", "b.mp4", "not_annotated.mp4")
    video = film(tmp_path / "videos/test/a.mp4", [2])

    a, b = read_clipshots(tmp_path, False).videos

    assert (a.path, a.changes, a.frames) == (video, (Change(39, 40), Change(311, 334)), 400)
    assert (b.path, b.changes, b.frames) == (None, (), 10)


def test_transitions_of_clipshots_that_are_none_are_passed_over_and_named(tmp_path: Path) -> None:
    pairs = [[100, 100], [39, 40], [7], [9, 3], ["1", 2]]
    source = tmp_path / "annotations/test.json"
    write(source, json.dumps({"a.mp4": {"transitions": pairs}}))

    read = read_clipshots(tmp_path, False)

    assert changes_of(read) == {"a.mp4": (Change(39, 40),)}
    assert [note.split(": ")[1] for note in read.notes] == [
        f"transition {number} is passed over" for number in (1, 3, 4, 5)
    ]
    assert read.notes[0] == f"{source}, a.mp4: transition 1 is passed over: [100, 100]"


@pytest.mark.parametrize(
    ("name", "file", "lines", "line", "problem"),
    [
        ("BBC", "fixed/01-scenes.txt", ("0\t39", "40"), 2, "two frame numbers, got '40'"),
        ("BBC", "fixed/01-scenes.txt", ("", "0\t9", "9\t12"), 3, "begins before the shot above"),
        ("RAI", "1_gt.txt", ("0 39", "69 40"), 2, "ends before it begins"),
        ("RAI", "1_gt.txt", ("0 39", "40 x"), 2, "two frame numbers"),
        ("AutoShot", "annotations/1.txt", ("0 -3",), 1, "two frame numbers, got '0 -3'"),
        ("SHOT", "kuaishou_v2.txt", ("1.mp4 9", "2959.2960"), 2, "two frame numbers"),
        ("SHOT", "kuaishou_v2.txt", ("1.mp4 9", "1,2", "568,,569"), 3, "two frame numbers"),
        ("SHOT", "kuaishou_v2.txt", ("1.mp4 9", "128,129152,153"), 2, "two frame numbers"),
        ("SHOT", "kuaishou_v2.txt", ("1.mp4", "1 2", "1949 1948"), 3, "is after the last"),
        ("SHOT", "kuaishou_v2.txt", ("1.mp4", "9 12", "11 13"), 3, "before the one above ends"),
    ],
)
def test_a_malformed_line_is_named_or_its_video_left_out(
    tmp_path: Path, name: str, file: str, lines: tuple[str, ...], line: int, problem: str
) -> None:
    source = write(tmp_path / file, *lines)
    read = public_sets.SETS[name].read

    with pytest.raises(AnnotationError) as raised:
        read(tmp_path, False)

    assert str(raised.value).startswith(f"{source}, line {line}: ")
    assert problem in str(raised.value)
    assert "--skip-malformed" in str(raised.value)
    skipped = read(tmp_path, True)
    assert skipped.videos == []
    assert f"is left out: {source}, line {line}: " in skipped.notes[0]


def test_a_malformed_line_costs_no_other_video(tmp_path: Path) -> None:
    lines = ("1.mp4 9", "1,2", "2.mp4 9", "[1160 1161", "3.mp4 9", "3,4")
    write(tmp_path / "kuaishou_v2.txt", *lines)

    assert changes_of(read_shot(tmp_path, True)) == {
        "1.mp4": (Change(1, 2),),
        "3.mp4": (Change(3, 4),),
    }


def test_files_that_are_of_another_form_are_named(tmp_path: Path) -> None:
    source = write(tmp_path / "annotations/test.json", "{", '"a.mp4": [}')
    with pytest.raises(AnnotationError, match=r"test\.json, line 2: no JSON"):
        read_clipshots(tmp_path, False)
    source.write_text("[]")
    with pytest.raises(AnnotationError, match="must be an object by file name"):
        read_clipshots(tmp_path, False)
    source.write_text('{"a.mp4": [1, 2]}')
    with pytest.raises(AnnotationError, match=r"a\.mp4: there must be an object with a list"):
        read_clipshots(tmp_path, False)
    write(tmp_path / "kuaishou_v2.txt", "1,2")
    with pytest.raises(AnnotationError, match="line 1: a line with a video must come first"):
        read_shot(tmp_path, True)
    write(tmp_path / "1_gt.txt")
    with pytest.raises(AnnotationError, match=r"1_gt\.txt holds no shot"):
        read_rai(tmp_path, False)


@pytest.mark.parametrize("name", public_sets.SETS)
def test_a_set_that_is_not_there_says_what_is_wanted(tmp_path: Path, name: str) -> None:
    missing = public_sets.SETS[name].read(tmp_path / name, False).missing

    assert missing is not None
    assert missing.is_relative_to(tmp_path / name)


def test_the_table_has_a_row_for_each_set_and_detector(
    root: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    public_sets.main(["--dataset-root", str(root), "--detectors", "ours"])

    rows = {line.split()[0]: line.split() for line in capsys.readouterr().out.splitlines()[2:7]}
    perfect = ["100.00"] * 3
    nothing = ["-"] * 3
    assert rows.keys() == public_sets.SETS.keys()
    for name in ("BBC", "AutoShot", "RAI", "SHOT"):
        numbers = [*perfect * 2, *nothing * 2, *perfect]
        assert rows[name][:-1] == [name, "1/1", "ours,", "adaptive", *numbers]
    # The end of the video, which the published table counts as a cut that is none.
    cuts = ["75.00", "100.00", "85.71"]
    assert rows["ClipShots"][4:-1] == [*cuts * 2, *nothing * 2, *perfect]


def test_ends_of_videos_can_be_left_out(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    options = ["--detectors", "ours", "--sets", "ClipShots", "--without-ends"]
    public_sets.main(["--dataset-root", str(root), *options])

    assert capsys.readouterr().out.splitlines()[2].split()[4:7] == ["100.00"] * 3


def test_gradual_transitions_are_counted_in_both_ways(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dissolved = GRADUAL_FILMS["dissolved"](np.random.default_rng(24), 24)
    ((kind, start, end),) = dissolved.transitions
    path = encode(tmp_path / "film", dissolved.pictures)
    for name in ("RAI", "ClipShots/videos"):
        (tmp_path / name).mkdir(parents=True)
        (tmp_path / name / "1.mp4").symlink_to(path)
    last = len(dissolved.pictures) - 1
    write(tmp_path / "RAI/1_gt.txt", f"0 {start - 1}", f"{end} {last}")
    entry = {"transitions": [[start - 1, end]], "frame_num": last + 1}
    write(tmp_path / "ClipShots/annotations/test.json", json.dumps({"1.mp4": entry}))

    options = ["--sets", "RAI", "ClipShots", "--detectors", "ours", "--without-ends"]
    public_sets.main(["--dataset-root", str(tmp_path), *options])

    rows = [line.split()[4:-1] for line in capsys.readouterr().out.splitlines()[2:4]]
    assert kind == "dissolve"
    assert rows == [["-"] * 6 + ["100.00"] * 9] * 2


def test_what_is_missing_is_told_below_the_table(
    root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shots = ("0\t39", "40\t69", "70\t104", "105\t134")
    for number in ("01", "02", "03"):
        write(tmp_path / f"BBC/fixed/{number}-scenes.txt", *shots)
    film(tmp_path / "BBC/videos/bbc_01.mp4")
    write(tmp_path / "BBC/videos/bbc_03.mp4", "no video")
    film(tmp_path / "BBC/videos/bbc_04.mp4", [2])
    entry = {"transitions": [[39, 40]], "frame_num": 134.0}
    write(tmp_path / "ClipShots/annotations/test.json", json.dumps({"a.mp4": entry}))
    film(tmp_path / "ClipShots/videos/a.mp4")

    options = ["--sets", "BBC", "ClipShots", "RAI", "--detectors", "ours"]
    public_sets.main(["--dataset-root", str(tmp_path), *options])

    out = capsys.readouterr().out
    assert "BBC        1/3 " in out
    assert "BBC: bbc_04.mp4 has no annotation and is not scored\n" in out
    assert "BBC: 03-scenes.txt is left out: " in out
    assert "BBC: 1 of 3 videos are not there: 02-scenes.txt\n" in out
    assert "ClipShots: 1 of 1 videos were read with numbers of frames that differ, " in out
    assert "RAI        0/0     (no annotation)" in out
    assert f"RAI: there is no annotation {tmp_path / 'RAI' / '<n>_gt.txt'}\n" in out


def test_a_malformed_line_ends_the_command(tmp_path: Path) -> None:
    write(tmp_path / "RAI/1_gt.txt", "0 39", "40")

    with pytest.raises(SystemExit, match=r"1_gt\.txt, line 2: there must be two frame numbers"):
        public_sets.main(["--dataset-root", str(tmp_path)])


def test_a_root_that_is_not_there_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit):
        public_sets.main(["--dataset-root", str(tmp_path / "none")])

    assert f"there is no folder {tmp_path / 'none'}" in capsys.readouterr().err
