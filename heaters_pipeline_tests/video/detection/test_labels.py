"""Labels are read with care, and what was found is judged as the shared scorer judges it."""

import importlib.util
import json
import os
import random
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.detection.labels import (
    Counts,
    LabelledGradual,
    Labels,
    judge,
    labels_for,
    match,
    read_labels,
)


def write(path: Path, content: Any) -> Path:
    path.write_text(json.dumps(content), encoding="utf-8")
    return path


def test_cuts_match_one_to_one_and_the_nearest_first() -> None:
    assert match([10, 12], [11]) == {10: 11}
    assert match([10, 12], [11, 12]) == {10: 11, 12: 12}
    assert match([10], [9, 11]) == {10: 9}
    assert match([10], [12]) == {}
    assert match([10], [13], tolerance=3) == {10: 13}


def test_what_was_found_is_right_wrong_or_neither() -> None:
    labels = Labels(
        frames=300,
        hard_cuts=(10, 100),
        gradual=(LabelledGradual(40, 60, "dissolve"), LabelledGradual(200, 220, "wipe")),
        ambiguous=((250, 260),),
        slides=(150,),
    )
    found = judge(labels, [0, 11, 11, 38, 50, 63, 151, 262, 263])
    assert found.matched == {10: 11}
    assert found.missed == (100,)
    assert found.absorbed == (38, 50, 262)
    assert found.wrong == (63, 263)
    assert 151 not in (*found.matched.values(), *found.wrong, *found.absorbed)
    counts = found.counts
    assert counts == Counts(right=1, wrong=2, missed=1, gradual_total=2, gradual_hit=1)
    assert counts.precision == pytest.approx(1 / 3)
    assert counts.recall == pytest.approx(1 / 2)
    assert counts.f1 == pytest.approx(2 / 5)
    assert counts.gradual_recall == pytest.approx(1 / 2)


def test_nothing_to_find_and_nothing_found_is_perfect() -> None:
    nothing = Labels(None, ())
    counts = judge(nothing, []).counts
    assert (counts.precision, counts.recall, counts.f1) == (1, 1, 1)
    assert counts.gradual_recall is None
    assert judge(nothing, [5]).counts.f1 == 0
    assert judge(Labels(None, (5,)), []).counts.f1 == 0


def test_counts_of_videos_add_up() -> None:
    assert Counts(1, 2, 3, 4, 2) + Counts(1, 0, 1, 1, 1) == Counts(2, 2, 4, 5, 3)


def random_labels(rng: random.Random) -> dict[str, Any]:
    def interval() -> tuple[int, int]:
        start = rng.randrange(1, 280)
        return start, start + rng.randrange(0, 40)

    def frames() -> list[int]:
        return [rng.randrange(1, 300) for _ in range(rng.randrange(0, 12))]

    return {
        "frames": 300,
        "hard_cuts": frames(),
        "gradual": [
            {"start": start, "end": end, "kind": "dissolve"}
            for start, end in (interval() for _ in range(rng.randrange(0, 4)))
        ],
        "ambiguous": [[*interval(), "who knows"] for _ in range(rng.randrange(0, 3))],
        "slides": frames(),
    }


@pytest.mark.skipif("HEATERS_SHARED" not in os.environ, reason="HEATERS_SHARED is not set")
def test_the_shared_scorer_judges_alike(tmp_path: Path) -> None:
    path = Path(os.environ["HEATERS_SHARED"]) / "tools" / "score.py"
    spec = importlib.util.spec_from_file_location("shared_scorer", path)
    assert spec
    assert spec.loader
    scorer = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(scorer)
    rng = random.Random(5)
    content = {f"{number}.mp4": random_labels(rng) for number in range(300)}
    labels = read_labels(write(tmp_path / "labels.json", content))
    for name, entry in content.items():
        found = [rng.randrange(0, 300) for _ in range(rng.randrange(0, 25))]
        found += [cut + rng.randrange(-2, 3) for cut in entry["hard_cuts"]]
        wanted = scorer.score_file(entry, found)
        ours = judge(labels[name], found)
        counts = ours.counts
        assert (counts.right, counts.wrong, counts.missed) == (
            wanted["tp"],
            wanted["fp"],
            wanted["fn"],
        )
        assert (counts.precision, counts.recall) == (wanted["precision"], wanted["recall"])
        assert counts.f1 == pytest.approx(wanted["f1"])
        assert [ours.matched[cut] - cut for cut in sorted(ours.matched)] == wanted["offsets"]
        assert list(ours.wrong) == wanted["false_positives"]
        assert list(ours.missed) == wanted["missed"]
        assert len(ours.absorbed) == wanted["absorbed"]
        assert (counts.gradual_total, counts.gradual_hit) == (
            wanted["gradual_total"],
            wanted["gradual_hit"],
        )
        slides = {frame for frame in found if frame > 0} - {*ours.matched.values(), *ours.wrong}
        assert len(slides - {*ours.absorbed}) == wanted["slides_hit"]


@pytest.mark.skipif("HEATERS_SHARED" not in os.environ, reason="HEATERS_SHARED is not set")
def test_the_shared_labels_are_read() -> None:
    labels = read_labels(Path(os.environ["HEATERS_SHARED"]) / "videos" / "labels.json")
    assert labels["bikes.mp4"] == Labels(250, (30, 76, 137, 187, 242))


def test_a_file_with_all_fields_is_read(tmp_path: Path) -> None:
    entry = {
        "frames": 90,
        "hard_cuts": [30, 10],
        "gradual": [{"start": 50, "end": 60, "kind": "wipe"}],
        "ambiguous": [[0, 5, "logo"]],
        "slides": [70],
        "notes": "10: night to day",
    }
    labels = read_labels(write(tmp_path / "labels.json", {"a.mp4": entry}))
    assert labels == {
        "a.mp4": Labels(90, (10, 30), (LabelledGradual(50, 60, "wipe"),), ((0, 5),), (70,))
    }
    least = read_labels(write(tmp_path / "least.json", {"a.mp4": {"hard_cuts": []}}))
    assert least == {"a.mp4": Labels(None, ())}


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ([], "must be an object by file name"),
        ({"a.mp4": [3]}, "a.mp4: there must be an object with hard_cuts"),
        ({"a.mp4": {"frames": 3}}, "a.mp4: there must be an object with hard_cuts"),
        ({"a.mp4": {"hard_cuts": 3}}, "a.mp4: hard_cuts must be a list, got 3"),
        ({"a.mp4": {"hard_cuts": [1.5]}}, "hard_cuts must hold whole frames"),
        ({"a.mp4": {"hard_cuts": [True]}}, "hard_cuts must hold whole frames"),
        ({"a.mp4": {"hard_cuts": [-1]}}, "hard_cuts must hold whole frames"),
        ({"a.mp4": {"hard_cuts": [], "frames": "9"}}, "frames must be a number of frames"),
        ({"a.mp4": {"hard_cuts": [], "gradual": [{"start": 3}]}}, "needs start <= end"),
        ({"a.mp4": {"hard_cuts": [], "gradual": [[3, 4]]}}, "needs start <= end"),
        (
            {"a.mp4": {"hard_cuts": [], "gradual": [{"start": 3, "end": 2}]}},
            "needs start <= end",
        ),
        ({"a.mp4": {"hard_cuts": [], "ambiguous": [[3]]}}, "is [first frame, last frame, why]"),
        ({"a.mp4": {"hard_cuts": [], "ambiguous": [[3, 2, ""]]}}, "[first frame, last frame, why]"),
    ],
)
def test_labels_that_are_not_as_they_should_be_are_refused(
    tmp_path: Path, content: Any, message: str
) -> None:
    path = write(tmp_path / "labels.json", content)
    with pytest.raises(SettingsError) as refused:
        read_labels(path)
    assert message in str(refused.value)
    assert str(path) in str(refused.value)


def test_labels_that_cannot_be_read_are_refused(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match=r"cannot read the labels .*No such file"):
        read_labels(tmp_path / "missing.json")
    (tmp_path / "letter.json").write_text("Dear Sir or Madam")
    with pytest.raises(SettingsError, match="are no JSON"):
        read_labels(tmp_path / "letter.json")


def test_a_table_says_what_the_json_says(tmp_path: Path) -> None:
    table = tmp_path / "labels.csv"
    table.write_text(
        "note,file,kind,start,end\n"
        ",a.mp4,cut,76,\n"
        ",a.mp4,cut,30.0,\n"
        "slow,a.mp4,dissolve,126,151\n"
        ",a.mp4,ambiguous,0,27\n"
        ",still.mp4,,,\n"
        ",talk.mp4,slide,40,\n"
    )
    entry = {
        "hard_cuts": [30, 76],
        "gradual": [{"start": 126, "end": 151, "kind": "dissolve"}],
        "ambiguous": [[0, 27]],
    }
    same = {
        "a.mp4": entry,
        "still.mp4": {"hard_cuts": []},
        "talk.mp4": {"hard_cuts": [], "slides": [40]},
    }
    assert read_labels(table) == read_labels(write(tmp_path / "labels.json", same))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "cannot be used: it is empty"),
        ("file,kind\na.mp4,cut\n", "there is no column start, end; the first line must be"),
        ("file;kind;start;end\na.mp4;cut;5;\n", "must be file,kind,start,end, separated by commas"),
        ("file,kind,start,end\n,cut,5,\n", "line 2: the file is missing"),
        (
            "file,kind,start,end\na.mp4,cut,3,\n\na.mp4,cut,soon,\n",
            "line 4: the start of a cut must be a whole frame from 0 on, not soon",
        ),
        ("file,kind,start,end\na.mp4,cut,1.5,\n", "line 2: the start of a cut must be"),
        ("file,kind,start,end\na.mp4,cut,,\n", "line 2: the start of a cut is missing"),
        ("file,kind,start,end\na.mp4,fade,5,\n", "line 2: the end of a fade is missing"),
        ("file,kind,start,end\na.mp4,ambiguous,5,4\n", "a.mp4: an ambiguous interval is"),
        ("file,kind,start,end\na.mp4,fade,5,4\n", "a.mp4: a gradual transition needs start"),
        ('file,kind,start,end\n"a.mp4,cut,5,\n', "cannot be used: "),
        (b"file,kind,start,end\n\xe9.mp4,cut,5,\n", "are no CSV: no text in UTF-8"),
    ],
)
def test_a_table_that_is_not_as_it_should_be_is_refused(
    tmp_path: Path, content: str | bytes, message: str
) -> None:
    path = tmp_path / "labels.csv"
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(SettingsError) as refused:
        read_labels(path)
    assert message in str(refused.value)
    assert str(path) in str(refused.value)


def test_the_labels_of_a_video_are_found_by_any_of_its_names() -> None:
    labels = {"holiday.mp4": Labels(90, (10,)), "other.mp4": Labels(None, ())}
    path = Path("labels.json")
    assert labels_for(labels, ["holiday-1a2b.mp4", "holiday.mp4"], 90, path) == Labels(90, (10,))
    assert labels_for(labels, ["other.mp4"], 7, path) == Labels(None, ())
    with pytest.raises(SettingsError, match=r"no labels of new.mp4; it knows holiday.mp4, other"):
        labels_for(labels, ["new.mp4"], 90, path)
    with pytest.raises(SettingsError, match=r"labels 90 frames of holiday.mp4, but it has 91"):
        labels_for(labels, ["holiday.mp4"], 91, path)
