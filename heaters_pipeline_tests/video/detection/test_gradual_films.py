"""Gradual transitions between moving shots are found with their kind and their range."""

from pathlib import Path

import numpy as np
import pytest

from heaters_pipeline_tests.video.detection.edited_films import GRADUAL_FILMS
from heaters_pipeline_tests.video.detection.found_transitions import agree, found_in_film

LENGTHS_FRAMES = (8, 12, 24, 40)


@pytest.mark.parametrize("name", GRADUAL_FILMS)
def test_gradual_transitions_are_found_with_kind_and_range(tmp_path: Path, name: str) -> None:
    wrong = []
    for frames in LENGTHS_FRAMES:
        film = GRADUAL_FILMS[name](np.random.default_rng(frames), frames)
        found = found_in_film(tmp_path / "film", film)
        if not agree(found, film.transitions, gradual_frames=4):
            wrong.append((film.transitions, found))
    assert wrong == []
