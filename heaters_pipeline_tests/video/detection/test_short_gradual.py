"""Transitions of a few frames are found whole; short shots, light and cuts are told from them."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import find_transitions
from heaters_pipeline_tests.video.detection.found_transitions import agree, found_in_film
from heaters_pipeline_tests.video.detection.hard_shots import (
    Blend,
    Camera,
    Editor,
    Film,
    Rng,
    blank,
    card,
    dissolve,
    filmed,
    scenery,
    spliced,
    wipe,
)
from heaters_pipeline_tests.video.detection.moving_shots import Picture
from heaters_pipeline_tests.video.detection.tracks import made_track

_STILL = Camera(0.3, 0.1)


def calm(rng: Rng, frames: int = 40, camera: Camera = _STILL) -> list[Picture]:
    """A shot in which little moves."""
    return filmed(rng, scenery(rng), frames, camera, objects=0, grain=1.5)


def smear(before: Picture, after: Picture, share: float) -> Picture:
    """Both pictures drawn out sideways, as editors join shots of a whip pan."""
    return np.asarray(cv2.blur(dissolve(before, after, share), (121, 1)), np.uint8)


def leak(before: Picture, after: Picture, share: float) -> Picture:
    """Light falls into the lens, and another shot is there when it has gone."""
    light = np.sin(np.pi * share) * np.linspace(210, 120, before.shape[1])
    mixed = (before if share < 0.5 else after) + light[None, :, None]
    return np.asarray(mixed.clip(0, 255), np.uint8)


@pytest.mark.parametrize("frames", [3, 4, 5])
@pytest.mark.parametrize(
    ("kind", "blend"),
    [("dissolve", dissolve), ("dissolve", smear), ("dissolve", leak), ("wipe", wipe("right"))],
    ids=["dissolve", "smear", "leak", "wipe"],
)
def test_a_transition_of_a_few_frames_is_one(
    tmp_path: Path, kind: str, blend: Blend, frames: int
) -> None:
    rng = np.random.default_rng(frames)
    editor = Editor.starting_with(calm(rng))
    for _ in range(3):
        editor.cross_to(calm(rng), frames, kind, blend)
    found = found_in_film(tmp_path / "film", editor.film)
    # Every second frame is analysed where little moves.
    assert agree(found, editor.film.transitions, gradual_frames=2)


@pytest.mark.parametrize("frames", [2, 3, 5, 7])
def test_a_short_shot_is_no_transition(tmp_path: Path, frames: int) -> None:
    rng = np.random.default_rng(frames)
    bright = [np.clip(picture * 1.3 + 40, 0, 255).astype(np.uint8) for picture in calm(rng, frames)]
    film = spliced(calm(rng), calm(rng, frames), calm(rng), bright, calm(rng))
    assert agree(found_in_film(tmp_path / "film", film), film.transitions, gradual_frames=0)


def test_a_cut_between_moving_shots_stays_a_cut(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    film = spliced(*(calm(rng, camera=Camera(across, 1.0)) for across in (3.0, -4.0, 2.0, 5.0)))
    assert agree(found_in_film(tmp_path / "film", film), film.transitions, gradual_frames=0)


def lit(shot: Sequence[Picture], at: int, strengths: Sequence[float]) -> list[Picture]:
    """A shot over which light comes at a frame, as strong as these, 0 to 1, frame by frame."""
    pictures = list(shot)
    for number, strength in enumerate(strengths, at):
        mixed = pictures[number] * (1 - strength) + np.array([120, 235, 255]) * strength
        pictures[number] = np.asarray(mixed.clip(0, 255), np.uint8)
    return pictures


@pytest.mark.parametrize("strengths", [np.linspace(0.95, 0.05, 12), np.linspace(0.9, 0.1, 7)])
def test_light_that_comes_at_once_and_fades_is_no_cut(
    tmp_path: Path, strengths: Sequence[float]
) -> None:
    rng = np.random.default_rng(7)
    film = spliced(lit(calm(rng, 60), 20, strengths), calm(rng), lit(calm(rng, 60), 30, strengths))
    assert agree(found_in_film(tmp_path / "film", film), film.transitions, gradual_frames=0)


def test_a_dissolve_may_lead_back_to_the_shot_before_a_cut(tmp_path: Path) -> None:
    rng = np.random.default_rng(3)
    long = calm(rng, 100)
    editor = Editor.starting_with(long[:40])
    editor.cut_to(calm(rng, 26))
    editor.cross_to(long[40:], 14, "dissolve", dissolve)
    found = found_in_film(tmp_path / "film", editor.film)
    assert agree(found, editor.film.transitions, gradual_frames=2)


@pytest.mark.parametrize("darker", [0.8, 0.6])
def test_a_cut_to_black_of_what_got_darker_is_a_cut(tmp_path: Path, darker: float) -> None:
    rng = np.random.default_rng(5)
    shot = calm(rng)
    gains = np.interp(np.arange(len(shot)), [len(shot) - 7, len(shot) - 3], [1, darker])
    dimmed = [
        np.asarray(picture * gain, np.uint8) for picture, gain in zip(shot, gains, strict=True)
    ]
    film = spliced(dimmed, blank(25), calm(rng))
    assert agree(found_in_film(tmp_path / "film", film), film.transitions, gradual_frames=0)


@pytest.mark.parametrize("frames", [6, 7, 9])
def test_the_last_step_of_a_fast_fade_is_no_cut(tmp_path: Path, frames: int) -> None:
    rng = np.random.default_rng(frames)
    editor = Editor.starting_with(calm(rng))
    for _ in range(3):
        editor.fade_out(frames, 12)
        editor.fade_in(calm(rng), frames)
    found = found_in_film(tmp_path / "film", editor.film)
    assert [kind for kind, _, _ in found if kind == "cut"] == []


@pytest.mark.parametrize("black_frames", [1, 2, 12])
def test_a_title_right_after_a_fade_is_a_cut(tmp_path: Path, black_frames: int) -> None:
    rng = np.random.default_rng(2)
    editor = Editor.starting_with(calm(rng))
    for _ in range(2):
        editor.fade_out(12, black_frames)
        editor.cut_to([card(rng, lines=3)] * 25)
        editor.cut_to(calm(rng))
    found = found_in_film(tmp_path / "film", editor.film)
    assert agree(found, editor.film.transitions, gradual_frames=1 + black_frames)


def _with_logo(film: Film) -> Film:
    pictures = [picture.copy() for picture in film.pictures]
    for picture in pictures:
        cv2.rectangle(picture, (150, 82), (178, 96), (250, 250, 250), -1)
    return replace(film, pictures=pictures)


def test_what_fades_while_a_logo_stays_is_a_fade(tmp_path: Path) -> None:
    rng = np.random.default_rng(5)
    editor = Editor.starting_with(calm(rng))
    editor.fade_out(20, 30)
    editor.fade_in(calm(rng), 20)
    film = _with_logo(editor.film)
    assert agree(found_in_film(tmp_path / "film", film), film.transitions, gradual_frames=6)


def _track(seed: int, events: Sequence[tuple[int, int]]) -> ScoreTrack:
    """Pictures that hold still for so many frames, or go to another within so many, or to black."""
    rng = np.random.default_rng(seed)
    rows = [rng.uniform(0, 255, (6, 8, 3))]
    for kind, frames in events:
        goal = (rows[-1], rng.uniform(0, 255, (6, 8, 3)), np.zeros((6, 8, 3)))[kind]
        start = rows[-1]
        rows += [start + (goal - start) * number / frames for number in range(1, frames + 1)]
    cells = np.array(rows)
    change = np.abs(np.diff(cells, axis=0, prepend=cells[:1])).mean(axis=(1, 2, 3)) / 8
    empty = made_track(len(cells), {})
    values = change.astype(np.float32)
    kept = (1 - values / 4).clip(0, 1)
    detail = cells[..., 0].std(axis=(1, 2)).astype(np.float32) ** 2
    return replace(
        empty,
        change=values,
        across=values,
        residual=values,
        steps=values,
        kept=kept,
        still=kept,
        detail=detail,
        signatures=cells.astype(np.uint8),
    )


@given(
    st.integers(0, 1000),
    st.lists(st.tuples(st.integers(0, 2), st.integers(1, 14)), min_size=1, max_size=25),
)
@settings(max_examples=150, deadline=None)
def test_transitions_never_overlap(seed: int, events: Sequence[tuple[int, int]]) -> None:
    track = _track(seed, events)
    found = find_transitions(track, DetectionSettings())
    assert all(0 < one.start <= one.end <= track.frames for one in found)
    assert all((one.kind == "cut") == (one.start == one.end) for one in found)
    for one, following in pairwise(found):
        assert one.end <= following.start
        assert one.start < following.start
