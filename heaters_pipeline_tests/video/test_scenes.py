"""Scenes tile the video, whatever was found and however short scenes are dealt with."""

from fractions import Fraction
from typing import get_args

from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.video.detection_settings import DetectionSettings, ShortScenes
from heaters_pipeline.video.scenes import SceneList, scenes_from
from heaters_pipeline.video.timing import Span, Timeline
from heaters_pipeline.video.transitions import Transition, TransitionKind


def timeline_of(durations: list[int]) -> Timeline:
    """Frames shown for so many hundredths of a second each."""
    starts = [sum(durations[:number]) for number in range(len(durations))]
    return Timeline(tuple(starts), sum(durations), Fraction(1, 100))


def cut(frame: int) -> Transition:
    return Transition("cut", frame, frame)


EVEN = timeline_of([10] * 100)


def scenes(
    *transitions: Transition, minimum: float = 0.0, policy: ShortScenes = "merge"
) -> SceneList:
    return scenes_from(
        EVEN,
        transitions,
        DetectionSettings(min_duration_seconds=minimum, short_scenes=policy),
    )


def spans(scene_list: SceneList) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in scene_list.scenes]


durations = st.lists(st.integers(1, 50), min_size=1, max_size=60)
policies: st.SearchStrategy[ShortScenes] = st.sampled_from(get_args(ShortScenes))


@st.composite
def ordered_transitions(draw: st.DrawFn, frames: int) -> list[Transition]:
    """Transitions that do not overlap, as detection gives them."""
    edges = sorted(draw(st.sets(st.integers(1, frames), max_size=12))) if frames > 1 else []
    found = []
    while edges:
        start = edges.pop(0)
        if edges and draw(st.booleans()):
            gradual = [k for part in get_args(TransitionKind) for k in get_args(part)]
            kind = draw(st.sampled_from([k for k in gradual if k != "cut"]))
            found.append(Transition(kind, start, edges.pop(0)))
        elif start < frames:
            found.append(cut(start))
    return found


@given(data=st.data(), durations=durations, policy=policies, minimum=st.fractions(0, 3))
def test_scenes_and_dropped_ones_hold_each_frame_once(
    data: st.DataObject, durations: list[int], policy: ShortScenes, minimum: Fraction
) -> None:
    timeline = timeline_of(durations)
    transitions = data.draw(ordered_transitions(timeline.frames))
    settings = DetectionSettings(min_duration_seconds=minimum, short_scenes=policy)
    result = scenes_from(timeline, transitions, settings)
    held = sorted((*result.scenes, *result.dropped))
    assert [frame for span in held for frame in range(span.start, span.end)] == list(
        range(timeline.frames)
    )
    assert list(result.scenes) == sorted(result.scenes)
    if policy != "drop":
        assert result.dropped == ()
    if policy == "drop":
        assert all(timeline.duration_of(span) < minimum for span in result.dropped)
        assert all(timeline.duration_of(span) >= minimum for span in result.scenes)
    if policy == "merge" and len(result.scenes) > 1:
        assert all(timeline.duration_of(span) >= minimum for span in result.scenes)


def test_no_transition_is_one_scene() -> None:
    for policy in get_args(ShortScenes):
        assert scenes(policy=policy).scenes == (Span(0, 100),)


def test_a_cut_starts_a_scene() -> None:
    assert spans(scenes(cut(30), cut(70))) == [(0, 30), (30, 70), (70, 100)]


def test_a_gradual_transition_is_split_at_its_middle() -> None:
    assert spans(scenes(Transition("dissolve", 30, 40))) == [(0, 35), (35, 100)]


def test_fades_that_open_and_close_the_video_separate_nothing() -> None:
    fades = (Transition("fade_in", 3, 20), cut(50), Transition("fade_out", 80, 95))
    assert spans(scenes(*fades)) == [(0, 50), (50, 100)]


def test_fades_inside_the_video_separate() -> None:
    fades = (cut(10), Transition("fade_in", 20, 30), Transition("fade_out", 60, 70), cut(90))
    assert spans(scenes(*fades)) == [(0, 10), (10, 25), (25, 65), (65, 90), (90, 100)]


def test_short_scenes_are_merged_into_the_one_before_a_first_one_into_the_next() -> None:
    found = scenes(cut(3), cut(40), cut(44), cut(48), minimum=0.5)
    assert spans(found) == [(0, 48), (48, 100)]
    assert spans(scenes(cut(3), minimum=0.5)) == [(0, 100)]


def test_short_scenes_can_be_kept_or_dropped_and_listed() -> None:
    assert spans(scenes(cut(3), minimum=0.5, policy="keep")) == [(0, 3), (3, 100)]
    assert scenes(cut(3), minimum=0.5, policy="drop") == SceneList((Span(3, 100),), (Span(0, 3),))


def test_a_scene_of_exactly_the_minimum_is_not_short() -> None:
    found = scenes_from(EVEN, [cut(3)], DetectionSettings(min_duration_seconds=Fraction(3, 10)))
    assert spans(found) == [(0, 3), (3, 100)]
