"""Of which frames a scan keeps small pictures: near any frame of a clip there is one."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.scoring.analysed_frames import choose_analysed, choose_tile_frames
from heaters_pipeline.video.scoring.scores import ScoreSettings, score_frames
from heaters_pipeline_tests.videos import make_video


@given(data=st.data(), step=st.integers(1, 3))
def test_they_are_analysed_and_none_is_far(data: st.DataObject, step: int) -> None:
    references = np.array(data.draw(st.lists(st.booleans(), min_size=1, max_size=200)))
    starts = np.array(sorted(data.draw(st.sets(st.integers(0, len(references) - 1), max_size=9))))
    starts = np.unique(np.append(starts, 0)).astype(np.int64)
    references[starts] = True
    analysed = choose_analysed(references, step)
    tiles = choose_tile_frames(analysed, starts, step)
    assert analysed[tiles].all()
    assert (np.diff(tiles) > 0).all()
    assert set(starts.tolist()) <= set(tiles.tolist())
    assert tiles[-1] == len(references) - 1
    # Analysed frames are four steps apart at most, and one of every three steps is taken.
    assert np.diff(tiles).max(initial=0) <= 6 * step


@pytest.mark.parametrize(("every", "apart"), [(1, 3), (2, 4), (4, 4)])
def test_of_usual_films_they_are_two_frames_off_at_most(every: int, apart: int) -> None:
    # The first and the last frame of the clips between cuts, where key frames are, are among them.
    references = np.zeros(200, np.bool_)
    references[::every] = references[100:102] = True
    tiles = choose_tile_frames(choose_analysed(references, 1), np.array([0, 101]), 1)
    assert {0, 100, 101} <= set(tiles.tolist())
    assert np.diff(tiles).max() == apart


@pytest.mark.parametrize("scan", [ScoreSettings(), ScoreSettings(scan="full")])
def test_a_track_says_which_they_are(tmp_path: Path, scan: ScoreSettings) -> None:
    options = {"g": "25", "bf": "3", "sc_threshold": "0"}
    path = make_video(tmp_path / "video.mp4", (60, 60), options=options)
    track = score_frames(path, probe(path), scan)
    assert {0, 25, 50, 75, 100, 119} <= set(track.tile_frames.tolist())
    again = ScoreTrack.from_bytes(track.to_bytes())
    assert again.tile_frames.tolist() == track.tile_frames.tolist()
