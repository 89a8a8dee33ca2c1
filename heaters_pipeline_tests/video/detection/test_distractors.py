"""At most one in a hundred events that are no cuts is taken for one, and true cuts stay found."""

from dataclasses import dataclass

import numpy as np
import pytest

from heaters_pipeline_tests.video.detection.distractors import (
    DISTRACTORS,
    DistractedFilm,
    distracted_film,
)
from heaters_pipeline_tests.video.detection.found_transitions import Found, found_in_film, mistakes

LEAST_DISTRACTORS = 100


@dataclass(frozen=True, slots=True)
class Looked:
    """A film, and what was found in it that is wrong."""

    seed: int
    film: DistractedFilm
    wrong: Found


@pytest.fixture(scope="module")
def looked(tmp_path_factory: pytest.TempPathFactory) -> list[Looked]:
    path = tmp_path_factory.mktemp("distractors") / "film"
    results = []
    for seed in range(-(-LEAST_DISTRACTORS // len(DISTRACTORS))):
        film = distracted_film(np.random.default_rng(seed))
        results.append(Looked(seed, film, mistakes(film.film, found_in_film(path, film.film))))
    return results


def test_at_most_one_distractor_in_a_hundred_is_taken_for_a_cut(looked: list[Looked]) -> None:
    assert sum(len(each.film.names) for each in looked) >= LEAST_DISTRACTORS
    blamed = {
        (each.film.blamed(start), each.seed, start)
        for each in looked
        for kind, start, _ in each.wrong
        if kind == "cut"
    }
    assert len({(name, seed) for name, seed, _ in blamed}) <= 1, sorted(blamed)


def test_no_cut_beside_a_distractor_is_missed(looked: list[Looked]) -> None:
    missed = [
        (each.seed, cut) for each in looked for kind, cut, _ in each.wrong if kind == "missed"
    ]
    assert missed == []


def test_at_most_one_distractor_in_twenty_is_taken_for_a_gradual_transition(
    looked: list[Looked],
) -> None:
    blamed = {
        (each.film.blamed((start + end) // 2), each.seed)
        for each in looked
        for kind, start, end in each.wrong
        if kind not in ("cut", "missed")
    }
    assert len(blamed) <= LEAST_DISTRACTORS // 20, sorted(blamed)
