"""Edits of people are what comes out, whatever the settings say, and stay so where they can."""

from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heaters_pipeline.video.detection.corrections import NEAR_FRAMES, Corrected, Edit, correct
from heaters_pipeline.video.detection.scenes import scenes_from
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import Transition
from heaters_pipeline_tests.video.detection.test_scenes import (
    EVEN,
    any_settings,
    cut,
    durations,
    frames_of,
    ordered_transitions,
    spans,
    timeline_of,
)

DISSOLVE = Transition("dissolve", 40, 50)


def split(frame: int) -> Edit:
    return Edit("split", frame)


def merge(frame: int) -> Edit:
    return Edit("merge", frame)


def move(frame: int, to: int) -> Edit:
    return Edit("move", frame, to)


def corrected(
    transitions: Sequence[Transition], *edits: Edit, minimum: float = 0.0, **chosen: Any
) -> Corrected:
    """Of a video of 100 frames, ten a second."""
    wanted = DetectionSettings(min_duration_seconds=minimum, **chosen)
    found = scenes_from(EVEN, transitions, wanted)
    return correct(found, transitions, edits, wanted.gradual)


@pytest.mark.parametrize(
    ("edits", "expected"),
    [
        pytest.param([], [(0, 30), (30, 60), (60, 100)], id="none"),
        pytest.param([split(45)], [(0, 30), (30, 45), (45, 60), (60, 100)], id="split"),
        pytest.param([merge(30)], [(0, 60), (60, 100)], id="merge"),
        pytest.param([merge(30), merge(60)], [(0, 100)], id="two merges"),
        pytest.param([move(30, 33)], [(0, 33), (33, 60), (60, 100)], id="move"),
        pytest.param([move(30, 3)], [(0, 3), (3, 60), (60, 100)], id="move back"),
        pytest.param([split(45), merge(45)], [(0, 30), (30, 60), (60, 100)], id="undone"),
        pytest.param([merge(30), split(30)], [(0, 30), (30, 60), (60, 100)], id="redone"),
        pytest.param([move(30, 33), merge(33)], [(0, 60), (60, 100)], id="merged after a move"),
        pytest.param([split(31), split(32)], [(0, 30), (30, 31), (31, 32), (32, 60), (60, 100)]),
        pytest.param([move(30, 60)], [(0, 60), (60, 100)], id="moved onto the next cut"),
    ],
)
def test_each_edit_applies_to_the_outcome_of_those_before_it(
    edits: list[Edit], expected: list[tuple[int, int]]
) -> None:
    result = corrected([cut(30), cut(60)], *edits)
    assert spans(result.scenes) == expected
    assert result.refusals == (None,) * len(edits)
    # What detection says of the cuts agrees with the scenes.
    assert [one.start for one in result.transitions] == [start for start, _ in expected[1:]]


def test_a_cut_of_a_person_is_kept_whatever_the_shortest_duration_is() -> None:
    for short_scenes in ("merge", "drop", "keep"):
        result = corrected([], split(50), split(51), minimum=3.0, short_scenes=short_scenes)
        assert spans(result.scenes) == [(0, 50), (50, 51), (51, 100)]
        assert result.scenes.dropped == ()


def test_a_merge_holds_against_the_longest_duration() -> None:
    whole = corrected([], max_duration_seconds=5.0)
    assert spans(whole.scenes) == [(0, 50), (50, 100)]
    assert spans(corrected([], merge(50), max_duration_seconds=5.0).scenes) == [(0, 100)]


def test_scenes_merged_across_a_cut_that_was_short_are_one() -> None:
    """The scene of 3 frames was merged into the one before: the cut at 30 parts no scenes."""
    before = corrected([cut(30), cut(33)], minimum=1.0)
    assert spans(before.scenes) == [(0, 33), (33, 100)]
    assert spans(corrected([cut(30), cut(33)], merge(33), minimum=1.0).scenes) == [(0, 100)]


@pytest.mark.parametrize(
    ("gradual", "seen"), [("split", 45), ("before", 50), ("after", 40), ("exclude", 50)]
)
def test_a_gradual_transition_goes_as_a_whole_from_any_of_its_frames(
    gradual: Any, seen: int
) -> None:
    for frame in {seen, 40, 45, 49}:
        result = corrected([DISSOLVE], merge(frame), gradual=gradual)
        assert spans(result.scenes) == [(0, 100)]
        assert result.scenes.excluded == ()
        assert result.transitions == ()
    moved = corrected([DISSOLVE], move(seen, 43), gradual=gradual)
    assert spans(moved.scenes) == [(0, 43), (43, 100)]
    assert moved.transitions == (cut(43),)


def test_scenes_that_are_merged_take_in_what_was_dropped_between_them() -> None:
    found = [cut(30), cut(33), cut(60)]
    before = corrected(found, minimum=1.0, short_scenes="drop")
    assert spans(before.scenes) == [(0, 30), (33, 60), (60, 100)]
    result = corrected(found, merge(33), minimum=1.0, short_scenes="drop")
    assert spans(result.scenes) == [(0, 60), (60, 100)]
    assert result.scenes.dropped == ()
    assert result.transitions == (cut(60),)


@pytest.mark.parametrize("off", range(-NEAR_FRAMES, NEAR_FRAMES + 1))
def test_merges_and_moves_hold_where_detection_puts_the_cut_some_frames_off(off: int) -> None:
    assert spans(corrected([cut(50 + off)], merge(50)).scenes) == [(0, 100)]
    assert spans(corrected([cut(50 + off)], move(50, 56)).scenes) == [(0, 56), (56, 100)]


@pytest.mark.parametrize(
    ("found", "edit", "refusal"),
    [
        ([50], split(50), "a scene begins at frame 50 already"),
        ([50], split(100), "frame 100 is in no scene"),
        ([50], split(0), "a scene begins at frame 0 already"),
        ([53], merge(50), "there is no cut within 2 frames of 50 any more"),
        ([], merge(0), "there is no cut within 2 frames of 0 any more"),
        ([], move(50, 60), "there is no cut within 2 frames of 50 any more"),
        ([60], move(50, 60), "a scene begins at frame 60 already"),
        ([50, 60], move(50, 70), "frame 70 is in neither of the scenes that meet at 50"),
        ([50], move(50, 0), "frame 0 is in neither of the scenes that meet at 50"),
    ],
)
def test_what_no_longer_makes_sense_is_told_and_changes_nothing(
    found: list[int], edit: Edit, refusal: str
) -> None:
    transitions = [cut(frame) for frame in found]
    result = corrected(transitions, edit, split(20))
    assert result.refusals == (refusal, None)
    assert spans(result.scenes) == spans(corrected(transitions, split(20)).scenes)


def test_frames_outside_the_window_are_in_no_scene() -> None:
    result = corrected([], split(10), split(60), start_seconds=2.0)
    assert result.refusals == ("frame 10 is in no scene", None)
    assert spans(result.scenes) == [(20, 60), (60, 100)]


@st.composite
def any_edits(draw: st.DrawFn, frames: int) -> list[Edit]:
    frame = st.integers(0, frames + 2)
    one = st.one_of(st.builds(split, frame), st.builds(merge, frame), st.builds(move, frame, frame))
    return draw(st.lists(one, max_size=12))


@given(data=st.data(), durations=durations)
@settings(max_examples=300)
def test_each_frame_stays_in_one_scene_dropped_or_excluded(
    data: st.DataObject, durations: list[int]
) -> None:
    timeline = timeline_of(durations)
    transitions = data.draw(ordered_transitions(timeline.frames))
    chosen = data.draw(any_settings(timeline))
    edits = data.draw(any_edits(timeline.frames))
    found = scenes_from(timeline, transitions, chosen)
    result = correct(found, transitions, edits, chosen.gradual)
    lists = (result.scenes.scenes, result.scenes.dropped, result.scenes.excluded)
    assert frames_of(sorted(one for each in lists for one in each)) == list(range(timeline.frames))
    # Those that were refused might as well not have been there.
    applied = [edit for edit, why in zip(edits, result.refusals, strict=True) if why is None]
    again = correct(found, transitions, applied, chosen.gradual)
    assert again.scenes == result.scenes
    assert again.refusals == (None,) * len(applied)
    assert correct(found, transitions, [], chosen.gradual).scenes == found


@given(data=st.data(), durations=durations)
def test_the_last_word_on_a_frame_is_what_comes_out(
    data: st.DataObject, durations: list[int]
) -> None:
    timeline = timeline_of(durations)
    transitions = data.draw(ordered_transitions(timeline.frames))
    chosen = data.draw(any_settings(timeline))
    edits = data.draw(any_edits(timeline.frames))
    last = data.draw(st.integers(0, timeline.frames - 1))
    found = scenes_from(timeline, transitions, chosen)
    before = correct(found, transitions, edits, chosen.gradual).scenes.scenes
    starts = {span.start for span in before}
    result = correct(found, transitions, [*edits, split(last)], chosen.gradual)
    is_shown = any(span.start <= last < span.end for span in before)
    after = {span.start for span in result.scenes.scenes}
    assert after == (starts | {last} if is_shown else starts)
    joined = correct(found, transitions, [*edits, merge(last)], chosen.gradual)
    if last in sorted(starts)[1:]:
        assert {span.start for span in joined.scenes.scenes} == starts - {last}
