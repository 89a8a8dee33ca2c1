"""Each frame is in one scene, dropped or excluded, whatever was found and whatever is set."""

from collections.abc import Iterable
from dataclasses import replace
from fractions import Fraction
from typing import Any, get_args

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.detection.scenes import SceneList, scenes_from
from heaters_pipeline.video.detection.settings import (
    DetectionSettings,
    GradualFrames,
    LongScenes,
    ShortScenes,
)
from heaters_pipeline.video.detection.transitions import Transition, TransitionKind
from heaters_pipeline.video.media.timing import Span, Timeline


def timeline_of(durations: list[int]) -> Timeline:
    """Frames shown for so many hundredths of a second each."""
    starts = [sum(durations[:number]) for number in range(len(durations))]
    return Timeline(tuple(starts), sum(durations), Fraction(1, 100))


def cut(frame: int) -> Transition:
    return Transition("cut", frame, frame)


EVEN = timeline_of([10] * 100)


def scenes(*transitions: Transition, minimum: float = 0.0, **settings: Any) -> SceneList:
    return scenes_from(
        EVEN, transitions, DetectionSettings(min_duration_seconds=minimum, **settings)
    )


def spans(scene_list: SceneList) -> list[tuple[int, int]]:
    return [(span.start, span.end) for span in scene_list.scenes]


durations = st.lists(st.integers(1, 50), min_size=1, max_size=60)


@st.composite
def any_settings(draw: st.DrawFn, timeline: Timeline) -> DetectionSettings:
    """Settings of which the window holds a frame."""
    start, end = sorted(draw(st.lists(st.integers(0, timeline.frames), min_size=2, max_size=2)))
    if start == end:
        start, end = 0, timeline.frames
    minimum = Fraction(draw(st.integers(0, 300)), 100)
    return DetectionSettings(
        gradual=draw(st.sampled_from(get_args(GradualFrames))),
        min_duration_seconds=minimum,
        short_scenes=draw(st.sampled_from(get_args(ShortScenes))),
        max_duration_seconds=draw(
            st.none() | st.integers(1, 300).map(lambda more: minimum + Fraction(more, 100))
        ),
        long_scenes=draw(st.sampled_from(get_args(LongScenes))),
        start_seconds=timeline.seconds_at(start),
        end_seconds=draw(st.sampled_from([None, timeline.seconds_at(end)])),
    )


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


def frames_of(listed: Iterable[Span]) -> list[int]:
    return [frame for span in listed for frame in range(span.start, span.end)]


@given(data=st.data(), durations=durations)
@settings(max_examples=400)
def test_scenes_dropped_ones_and_excluded_frames_hold_each_frame_once(
    data: st.DataObject, durations: list[int]
) -> None:
    timeline = timeline_of(durations)
    transitions = data.draw(ordered_transitions(timeline.frames))
    chosen = data.draw(any_settings(timeline))
    minimum = chosen.min_duration_seconds
    result = scenes_from(timeline, transitions, chosen)
    lists = (result.scenes, result.dropped, result.excluded)
    assert frames_of(sorted(span for spans in lists for span in spans)) == list(
        range(timeline.frames)
    )
    assert all(list(spans) == sorted(spans) for spans in lists)
    end_seconds = timeline.seconds_at(timeline.frames)
    if chosen.end_seconds is not None:
        end_seconds = Fraction(chosen.end_seconds)
    in_window = {
        frame
        for frame in range(timeline.frames)
        if chosen.start_seconds <= timeline.seconds_at(frame) < end_seconds
    }
    if chosen.gradual != "exclude":
        assert set(frames_of(result.excluded)) == set(range(timeline.frames)) - in_window
    assert set(frames_of((*result.scenes, *result.dropped))) <= in_window
    assert all(timeline.duration_of(span) < minimum for span in result.dropped)
    if chosen.short_scenes == "drop":
        assert all(timeline.duration_of(span) >= minimum for span in result.scenes)
    else:
        assert result.dropped == ()
    if chosen.short_scenes == "merge":
        touching = {span.end for span in result.scenes} & {span.start for span in result.scenes}
        assert all(
            timeline.duration_of(span) >= minimum
            for span in result.scenes
            if touching & {span.start, span.end}
        )


@given(data=st.data(), durations=durations)
def test_a_window_and_a_maximum_only_cut_what_is_found_without_them(
    data: st.DataObject, durations: list[int]
) -> None:
    timeline = timeline_of(durations)
    transitions = data.draw(ordered_transitions(timeline.frames))
    chosen = replace(data.draw(any_settings(timeline)), short_scenes="keep")
    whole = replace(chosen, start_seconds=0, end_seconds=None, max_duration_seconds=None)
    for span in scenes_from(timeline, transitions, chosen).scenes:
        around = [
            one
            for one in scenes_from(timeline, transitions, whole).scenes
            if one.start <= span.start and span.end <= one.end
        ]
        assert len(around) == 1


def test_no_transition_is_one_scene() -> None:
    for policy in get_args(ShortScenes):
        assert scenes(short_scenes=policy).scenes == (Span(0, 100),)


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
    assert spans(scenes(cut(3), minimum=0.5, short_scenes="keep")) == [(0, 3), (3, 100)]
    assert scenes(cut(3), minimum=0.5, short_scenes="drop") == SceneList(
        (Span(3, 100),), (Span(0, 3),)
    )


def test_a_scene_of_exactly_the_minimum_is_not_short() -> None:
    found = scenes_from(EVEN, [cut(3)], DetectionSettings(min_duration_seconds=Fraction(3, 10)))
    assert spans(found) == [(0, 3), (3, 100)]


DISSOLVE = Transition("dissolve", 30, 40)


@pytest.mark.parametrize(
    ("gradual", "expected", "excluded"),
    [
        ("split", [(0, 35), (35, 60), (60, 100)], ()),
        ("before", [(0, 40), (40, 60), (60, 100)], ()),
        ("after", [(0, 30), (30, 60), (60, 100)], ()),
        ("exclude", [(0, 30), (40, 60), (60, 100)], (Span(30, 40),)),
    ],
)
def test_the_frames_of_a_gradual_transition_go_where_they_are_sent(
    gradual: str, expected: list[tuple[int, int]], excluded: tuple[Span, ...]
) -> None:
    found = scenes(DISSOLVE, cut(60), gradual=gradual)
    assert spans(found) == expected
    assert found.excluded == excluded


FADES = (Transition("fade_in", 3, 20), cut(50), Transition("fade_out", 80, 95))


@pytest.mark.parametrize("gradual", ["split", "before", "after"])
def test_fades_that_open_and_close_belong_to_the_only_scene_beside_them(gradual: str) -> None:
    assert scenes(*FADES, gradual=gradual) == SceneList((Span(0, 50), Span(50, 100)))


def test_fades_that_open_and_close_are_excluded_with_the_blank_frames_beyond() -> None:
    assert scenes(*FADES, gradual="exclude") == SceneList(
        (Span(20, 50), Span(50, 80)), (), (Span(0, 20), Span(80, 100))
    )


def test_a_cut_in_the_midst_of_what_is_excluded_makes_no_scene() -> None:
    found = scenes(Transition("fade_through_black", 30, 50), cut(40), gradual="exclude")
    assert found == SceneList((Span(0, 30), Span(50, 100)), (), (Span(30, 50),))


def test_transitions_that_overlap_lose_no_frame_and_give_none_twice() -> None:
    both = (Transition("dissolve", 30, 50), Transition("wipe", 40, 60))
    assert scenes(*both, gradual="exclude") == SceneList(
        (Span(0, 30), Span(60, 100)), (), (Span(30, 50), Span(50, 60))
    )
    assert spans(scenes(Transition("dissolve", 30, 60), cut(35))) == [(0, 35), (35, 45), (45, 100)]


def test_a_short_scene_is_merged_only_with_one_that_it_touches() -> None:
    between = (DISSOLVE, Transition("wipe", 43, 50))
    kept = scenes(*between, gradual="exclude", minimum=0.5)
    assert spans(kept) == [(0, 30), (40, 43), (50, 100)]
    # With a cut behind the dissolve, it is joined to the next one; before the dissolve, too.
    touching = (cut(28), DISSOLVE, cut(43))
    assert spans(scenes(*touching, gradual="exclude", minimum=0.5)) == [(0, 30), (40, 100)]
    dropped = scenes(*between, gradual="exclude", minimum=0.5, short_scenes="drop")
    assert dropped.dropped == (Span(40, 43),)
    assert dropped.excluded == (Span(30, 40), Span(43, 50))


def test_only_frames_that_start_in_the_window_become_scenes() -> None:
    found = scenes(cut(20), cut(50), start_seconds=3.0, end_seconds=7.0)
    assert found == SceneList((Span(30, 50), Span(50, 70)), (), (Span(0, 30), Span(70, 100)))
    assert spans(scenes(cut(20), start_seconds=2)) == [(20, 100)]
    assert spans(scenes(end_seconds=200)) == [(0, 100)]
    assert spans(scenes(start_seconds=2.95, end_seconds=3.01)) == [(30, 31)]


def test_windows_that_follow_each_other_share_no_frame_and_lose_none() -> None:
    first = scenes(end_seconds=4.0).scenes
    assert [*first, *scenes(start_seconds=4.0).scenes] == [Span(0, 40), Span(40, 100)]


def test_a_time_as_it_is_shown_names_its_frame() -> None:
    ntsc = Timeline(tuple(range(0, 100 * 1001, 1001)), 100 * 1001, Fraction(1, 30000))
    shown = round(float(ntsc.seconds_at(45)), 3)
    # Shown rounded up, so that frame 45 starts before the time that is shown for it.
    assert shown > ntsc.seconds_at(45)
    before = scenes_from(ntsc, (), DetectionSettings(end_seconds=shown))
    after = scenes_from(ntsc, (), DetectionSettings(start_seconds=shown))
    assert (spans(before), spans(after)) == ([(0, 45)], [(45, 100)])


def test_a_transition_across_the_edge_of_the_window_is_where_it_is_without_it() -> None:
    assert spans(scenes(DISSOLVE, start_seconds=3.2)) == [(32, 35), (35, 100)]
    found = scenes(DISSOLVE, start_seconds=3.2, gradual="exclude")
    assert found == SceneList((Span(40, 100),), (), (Span(0, 32), Span(32, 40)))


@pytest.mark.parametrize(
    ("window", "message"),
    [
        (
            {"start_seconds": 10},
            "no frame starts in the window from 10 s to the end: the video is 10 s long; "
            "change start_seconds or end_seconds",
        ),
        ({"start_seconds": 20, "end_seconds": 30.5}, "from 20 s to 30.5 s: the video is 10 s long"),
        ({"start_seconds": 0.01, "end_seconds": 0.09}, "from 0.01 s to 0.09 s: the video is 10 s"),
    ],
)
def test_a_window_without_a_frame_is_refused_with_the_length_of_the_video(
    window: dict[str, Any], message: str
) -> None:
    with pytest.raises(SettingsError) as refused:
        scenes(**window)
    assert message in str(refused.value)


def test_long_scenes_are_split_evenly_or_kept() -> None:
    assert spans(scenes(cut(30), max_duration_seconds=2.5)) == [
        (0, 15),
        (15, 30),
        (30, 53),
        (53, 77),
        (77, 100),
    ]
    assert spans(scenes(cut(30), max_duration_seconds=2.5, long_scenes="keep")) == [
        (0, 30),
        (30, 100),
    ]
    # As typed: the binary number 0.3 is a little less than what three frames last.
    assert spans(scenes(cut(3), max_duration_seconds=0.3, end_seconds=0.6)) == [(0, 3), (3, 6)]


def test_long_scenes_are_split_after_short_ones_were_merged() -> None:
    found = scenes(cut(3), minimum=0.5, max_duration_seconds=5)
    assert spans(found) == [(0, 50), (50, 100)]


def test_a_long_scene_is_not_split_into_short_ones() -> None:
    assert spans(scenes(cut(22), minimum=0.8, max_duration_seconds=1.0, end_seconds=3.3)) == [
        (0, 11),
        (11, 22),
        (22, 33),
    ]
