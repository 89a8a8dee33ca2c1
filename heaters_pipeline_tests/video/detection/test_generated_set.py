"""The generated set of hard films: what its labels say is what its pictures show."""

import json
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest

from benchmarks.hard_films import joins
from benchmarks.hard_films.encoding import Telecine
from benchmarks.hard_films.footage import footage
from benchmarks.hard_films.recipes import RECIPES, Recipe, build
from benchmarks.hard_films.shots import Shot
from benchmarks.hard_films.textures import Picture, noise
from benchmarks.hard_films.timeline import Timeline
from heaters_pipeline.video.detection.labels import read_labels
from heaters_pipeline_tests.videos import make_video

SIZE_PX = (96, 54)
SHOT_FRAMES = 30


def still(level: int, frames: int = SHOT_FRAMES) -> Shot:
    field = noise(np.random.default_rng(level), SIZE_PX, 1.0) // 4 + level
    return Shot([np.dstack([field] * 3)] * frames)


Join = Callable[[Timeline, Shot, int], None]


def mixed(name: str, seed: int) -> Join:
    rng = np.random.default_rng(seed)
    blend = {
        "dissolve": lambda: joins.dissolve,
        "wipe": lambda: joins.wipe(rng, SIZE_PX),
        "push": lambda: joins.push(rng),
        "smear": lambda: joins.smear(rng),
        "light leak": lambda: joins.light_leak(rng, SIZE_PX),
    }[name]()
    return lambda film, shot, frames: film.mix(shot, frames, blend, "dissolve", name)


JOINS: dict[str, Join] = {
    **{
        f"{name} {seed}": mixed(name, seed)
        for name, seeds in (
            ("dissolve", 1), ("wipe", 12), ("push", 6), ("smear", 2), ("light leak", 2),
        )
        for seed in range(seeds)
    },
    "through black": lambda film, shot, frames: film.fade_through(shot, frames, 0, frames, 0),
    "through white": lambda film, shot, frames: film.fade_through(shot, frames, 3, frames, 255),
}  # fmt: skip


def made(first: Shot, join: Callable[[Timeline], None]) -> tuple[list[Picture], dict[str, Any]]:
    pictures: list[Picture] = []
    film = Timeline(pictures.append)
    film.cut(first, "first")
    join(film)
    label = film.finish()
    assert label["frames"] == len(pictures)
    return pictures, label


@pytest.mark.parametrize("frames", [3, 7])
@pytest.mark.parametrize("name", JOINS)
def test_a_gradual_transition_is_labelled_to_the_frame(name: str, frames: int) -> None:
    before, after = still(20).pictures[0], still(150).pictures[0]
    pictures, label = made(still(20), lambda film: JOINS[name](film, still(150), frames))

    assert label["hard_cuts"] == []
    (gradual,) = label["gradual"]
    for number, picture in enumerate(pictures):
        assert np.array_equal(picture, before) == (number <= gradual["start"]), number
        assert np.array_equal(picture, after) == (number >= gradual["end"]), number


def test_a_card_right_after_a_fade_is_a_cut_of_its_own() -> None:
    def join(film: Timeline) -> None:
        film.fade_out(6, 0, 1)
        film.cut(still(150), "card")

    pictures, label = made(still(20), join)

    (gradual,) = label["gradual"]
    is_black = [not picture.any() for picture in pictures]
    assert gradual["kind"] == "fade_out"
    assert gradual["end"] == is_black.index(True)
    assert label["hard_cuts"] == [gradual["end"] + 1]
    assert np.array_equal(pictures[gradual["end"] + 1], still(150).pictures[0])


def test_transitions_do_not_change_the_frames_of_one_before() -> None:
    film = Timeline(lambda picture: None)
    film.cut(still(20), "first")
    for join in ("dissolve 0", "through black", "dissolve 0", "through white"):
        JOINS[join](film, still(150), 9)
        assert film.can_change == SHOT_FRAMES - 9


def test_events_of_a_shot_are_numbered_as_in_the_film() -> None:
    shot = still(150)
    shot.note(12, 2, "flash")

    _, label = made(still(20), lambda film: film.mix(shot, 5, joins.dissolve, "dissolve", ""))

    assert label["events"] == [[SHOT_FRAMES - 5 + 12, SHOT_FRAMES - 5 + 14, "flash"]]


@pytest.mark.parametrize("cut", range(8, 16))
def test_telecine_shows_a_cut_where_its_label_says(cut: int) -> None:
    pictures: list[Picture] = []
    film = Timeline(Telecine(pictures.append))
    film.cut(still(20, cut), "first")
    film.cut(still(150, SHOT_FRAMES), "second")
    label = Telecine.relabelled(film.finish())

    shows_second = [bool((picture > 140).any()) for picture in pictures]
    assert len(pictures) == label["frames"]
    assert label["hard_cuts"] == [shows_second.index(True)]
    assert label["cut_tags"] == {str(label["hard_cuts"][0]): "second"}


def small(recipe: Recipe) -> Recipe:
    return replace(recipe, encoding=replace(recipe.encoding, size_px=SIZE_PX))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe.name)
def test_labels_of_each_film_are_of_its_frames(recipe: Recipe, tmp_path: Path) -> None:
    name, label = build(small(recipe), tmp_path, 3, 5, None)
    (tmp_path / "labels.json").write_text(json.dumps({name: label}))

    with av.open(str(tmp_path / name)) as container:
        frames = sum(1 for _ in container.decode(video=0))
    labels = read_labels(tmp_path / "labels.json")[name]
    assert frames == labels.frames
    spans = [(one.start + 1, one.end) for one in labels.gradual]
    spans = sorted([*spans, *((cut, cut) for cut in labels.hard_cuts)])
    assert spans
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert spans[0][0] > 0
    assert spans[-1][1] < frames
    assert all(0 <= start < end <= frames for start, end, _ in label["events"])


def test_a_seed_makes_the_same_film_again_and_another_one_another(tmp_path: Path) -> None:
    recipe = small(next(one for one in RECIPES if one.name == "trailer"))

    _, first = build(recipe, tmp_path, 3, 6, None)
    _, again = build(recipe, tmp_path, 3, 6, None)
    _, other = build(recipe, tmp_path, 4, 6, None)

    assert first == again
    assert first["hard_cuts"] != other["hard_cuts"]


def test_a_single_real_shot_comes_in_turn_with_places(tmp_path: Path) -> None:
    make_video(tmp_path / "a.mp4", scenes=(60,))
    label = {"frames": 60, "hard_cuts": [], "gradual": [], "ambiguous": [], "slides": []}
    (tmp_path / "labels.json").write_text(json.dumps({"a.mp4": label}))
    recipe = small(next(one for one in RECIPES if one.name == "montage"))

    _, film = build(recipe, tmp_path, 3, 5, footage(tmp_path, tmp_path / "labels.json", []))

    assert film["hard_cuts"]


def test_a_video_of_other_frames_than_its_labels_is_no_footage(tmp_path: Path) -> None:
    make_video(tmp_path / "a.mp4", scenes=(60,))
    label = {"frames": 50, "hard_cuts": [], "gradual": [], "ambiguous": [], "slides": []}
    (tmp_path / "labels.json").write_text(json.dumps({"a.mp4": label}))

    assert not footage(tmp_path, tmp_path / "labels.json", []).spans


def test_footage_is_of_the_named_videos_and_between_their_transitions(tmp_path: Path) -> None:
    for name in ("a.mp4", "b.mp4"):
        make_video(tmp_path / name, scenes=(40, 220))
    label = {"frames": 260, "hard_cuts": [40], "gradual": [], "ambiguous": [], "slides": []}
    (tmp_path / "labels.json").write_text(json.dumps({"a.mp4": label, "b.mp4": label}))

    spans = footage(tmp_path, tmp_path / "labels.json", ["b.mp4"]).spans
    films = footage(tmp_path, tmp_path / "labels.json", ["b.mp4"]).recordings(
        np.random.default_rng(1), 5, 80
    )

    assert [(path.name, *span) for path, *span in spans] == [("b.mp4", 2, 38), ("b.mp4", 42, 192)]
    assert sorted(len(one.pictures) for one in films) == [36, 150]
    assert all(picture.shape[1] == 80 for one in films for picture in one.pictures)
