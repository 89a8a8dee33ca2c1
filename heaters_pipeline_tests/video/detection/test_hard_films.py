"""Behind bars, logos, titles, in slides, dark scenes and montages: all cuts, nothing else."""

from dataclasses import dataclass
from pathlib import Path
from typing import get_args

import numpy as np
import pytest

from heaters_pipeline.video.detection.score_track import Scan
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import find_transitions
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.scoring.scores import ScoreSettings, score_frames
from heaters_pipeline_tests.video.detection.encoding import Encoding, encode
from heaters_pipeline_tests.video.detection.found_transitions import found_in_film, mistakes
from heaters_pipeline_tests.video.detection.hard_films import HARD_FILMS
from heaters_pipeline_tests.video.detection.hard_shots import shot, spliced
from heaters_pipeline_tests.videos import make_video

FAST = Encoding(options={"preset": "veryfast"})
CUTS_INSIDE_GOPS = Encoding(options={"preset": "medium", "g": "50", "sc_threshold": "0", "bf": "3"})


# A known limit, measured in docs/benchmarks.md: a plate that slides in is taken for a wipe, though
# for no cut.
PLATES = "lower-thirds"


@pytest.mark.parametrize("name", HARD_FILMS)
def test_all_cuts_and_nothing_else_are_found(tmp_path: Path, name: str) -> None:
    wrong = {}
    for seed, encoding in enumerate((FAST, CUTS_INSIDE_GOPS)):
        film = HARD_FILMS[name](np.random.default_rng(seed))
        found = found_in_film(tmp_path / "film", film, encoding)
        if name == PLATES:
            found = [each for each in found if each[0] == "cut"]
        wrong[seed] = mistakes(film, found)
    assert wrong == {0: [], 1: []}


@pytest.mark.parametrize("name", [name for name in HARD_FILMS if name.startswith("animated")])
def test_a_full_scan_finds_the_same_in_repeated_pictures(tmp_path: Path, name: str) -> None:
    film = HARD_FILMS[name](np.random.default_rng(1))
    path = encode(tmp_path / "film", film.pictures, CUTS_INSIDE_GOPS)
    found = {
        scan: find_transitions(
            score_frames(path, probe(path), ScoreSettings(scan)), DetectionSettings()
        )
        for scan in get_args(Scan)
    }
    assert found["fast"] == found["full"]


@dataclass(frozen=True, slots=True)
class Pulse:
    """An encoding whose I-frames are so much better than the rest that each can be seen."""

    name: str
    encoding: Encoding


PULSES = (
    Pulse(
        "mpeg2-of-a-low-bit-rate",
        Encoding("mpeg2video", {"b": "150000", "g": "12", "bf": "2"}, suffix=".mkv"),
    ),
    Pulse(
        "x264-of-a-high-crf",
        Encoding(
            options={"preset": "veryfast", "crf": "42", "g": "12", "sc_threshold": "0", "bf": "3"}
        ),
    ),
)


@pytest.mark.parametrize("pulse", PULSES, ids=[pulse.name for pulse in PULSES])
def test_pulses_of_quality_are_no_transitions(tmp_path: Path, pulse: Pulse) -> None:
    wrong = {}
    for seed in (0, 1):
        rng = np.random.default_rng(seed)
        film = spliced(shot(rng, 70), shot(rng, 70))
        wrong[seed] = mistakes(film, found_in_film(tmp_path / "film", film, pulse.encoding))
    assert not any(wrong.values()), wrong


def test_a_board_that_changes_in_a_plain_scene_is_no_cut(tmp_path: Path) -> None:
    # All bits of the number flip at 512 and at 768, and nearly all structure with them.
    path = make_video(tmp_path / "video.mp4", (300, 300, 300))
    found = find_transitions(score_frames(path, probe(path)), DetectionSettings())
    assert [(each.kind, each.start) for each in found] == [("cut", 300), ("cut", 600)]
