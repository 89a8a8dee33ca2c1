"""The rules of public benchmarks of shot detection, on cases that show where they differ."""

import random
from collections.abc import Sequence

import pytest

from benchmarks.detectors import Found, transitions_of_runs
from benchmarks.shot_annotations import AnnotatedVideo, Change
from benchmarks.shot_scores import Rules, Tally, overlaps, published, ranges
from heaters_pipeline.video.detection.transitions import Transition

BBC = Rules(has_gradual=False, end_is_cut=True, end_is_given=True)
CLIPSHOTS = Rules(has_gradual=True, end_is_cut=False, end_is_given=True)
RAI = Rules(has_gradual=True, end_is_cut=False, end_is_given=False)


def cuts(*frames: int) -> tuple[Transition, ...]:
    return tuple(Transition("cut", frame, frame) for frame in frames)


def video(*changes: tuple[int, int], end: int | None = None) -> AnnotatedVideo:
    return AnnotatedVideo("a", None, tuple(Change(last, first) for last, first in changes), end)


def test_the_end_of_the_video_counts_where_shots_are_annotated() -> None:
    bbc = video((39, 40), (69, 70), end=135)

    assert published(bbc, Found(cuts(40), 135), BBC, 0)[0] == Tally(right=2, missed=1)
    assert published(bbc, Found(cuts(40), 133), BBC, 1)[0] == Tally(right=1, wrong=1, missed=2)
    # PySceneDetect gives no scene at all, and so no end, where it finds no cut.
    assert published(bbc, Found((), 135), BBC, 0)[0] == Tally(missed=3)


def test_the_end_of_the_video_is_wrong_where_changes_are_annotated() -> None:
    clipshots = video((39, 40))
    found = Found(cuts(40), 135)

    assert published(clipshots, found, CLIPSHOTS, 0)[0] == Tally(right=1, wrong=1)
    assert published(clipshots, found, RAI, 0)[0] == Tally(right=1)


def test_cuts_may_be_as_far_off_as_is_tolerated() -> None:
    annotated = video((39, 40), (69, 70))
    found = Found(cuts(41, 72), 135)

    assert published(annotated, found, RAI, 0)[0] == Tally(wrong=2, missed=2)
    assert published(annotated, found, RAI, 1)[0] == Tally(right=1, wrong=1, missed=1)


def test_a_dissolve_counts_from_the_end_of_its_shot_where_kinds_are_not_told() -> None:
    bbc = video((744, 760), end=900)

    assert published(bbc, Found(cuts(745), 900), BBC, 0)[0] == Tally(right=2)
    dissolve = Found((Transition("dissolve", 745, 760),), 900)
    assert published(bbc, dissolve, BBC, 1)[0] == Tally(right=1, wrong=1, missed=1)


def test_points_in_a_gradual_transition_belong_to_it() -> None:
    annotated = video((99, 120), (199, 200), (300, 320))

    hard, gradual = published(annotated, Found(cuts(99, 110, 120, 121, 200), 400), RAI, 0)

    assert gradual == Tally(right=1, wrong=2, missed=1)
    assert hard == Tally(right=1, wrong=1)


def test_our_gradual_transitions_count_by_their_middle() -> None:
    found = Found((Transition("dissolve", 100, 120),), 400)

    assert published(video((99, 120)), found, RAI, 0) == (Tally(), Tally(right=1))
    assert published(video((99, 108)), found, RAI, 0) == (Tally(wrong=1), Tally(missed=1))


def test_a_fade_that_opens_or_closes_the_video_parts_no_shots() -> None:
    fade_in, fade_out = Transition("fade_in", 1, 20), Transition("fade_out", 370, 399)
    annotated = video((99, 100))

    found = Found((fade_in, *cuts(100), fade_out), 400)
    assert published(annotated, found, RAI, 0)[0] == overlaps(annotated, found) == Tally(right=1)
    assert ranges(annotated, found) == Tally(wrong=2)
    # Elsewhere they do.
    found = Found((*cuts(50), fade_in, fade_out, *cuts(399)), 400)
    assert overlaps(annotated, found) == Tally(wrong=4, missed=1)
    assert published(annotated, Found((fade_in,), 400), BBC, 0)[0] == Tally(missed=1)


def greedy(found: Sequence[int], wanted: Sequence[int], tolerance: int) -> int:
    """The published rule in other words: take the nearest pair that is left, as long as any is."""
    found, wanted = list(found), list(wanted)
    taken = 0
    while True:
        pairs = [(abs(a - b), a, b) for a in found for b in wanted if abs(a - b) <= tolerance]
        if not pairs:
            return taken
        _, a, b = min(pairs)
        found.remove(a)
        wanted.remove(b)
        taken += 1


@pytest.mark.parametrize("seed", range(20))
def test_as_many_match_as_by_the_published_rule(seed: int) -> None:
    rng = random.Random(seed)
    wanted = sorted(rng.sample(range(1, 60), 12))
    found = sorted(rng.sample(range(1, 60), 12))

    for tolerance in (0, 1):
        annotated = video(*((frame - 1, frame) for frame in wanted))
        hard, _ = published(annotated, Found(cuts(*found), 60), RAI, tolerance)
        assert hard.right == greedy(found, wanted, tolerance)


@pytest.mark.parametrize(("first", "hit"), [(6, True), (5, True), (4, True), (3, False)])
def test_changes_overlap_up_to_two_frames_apart(first: int, hit: bool) -> None:
    """The examples of TransNetV2's ``evaluate_scenes`` for shots 0-5 and 6-9."""
    found = Found(cuts(6), 10)

    assert overlaps(video((first - 1, first)), found) == (
        Tally(right=1) if hit else Tally(wrong=1, missed=1)
    )


def test_overlaps_count_cuts_and_gradual_transitions_alike() -> None:
    found = Found((*cuts(40), Transition("dissolve", 100, 110), *cuts(300)), 400)

    assert overlaps(video((39, 40), (95, 102), (199, 200)), found) == Tally(2, 1, 1)
    assert overlaps(video((99, 110)), Found(cuts(104), 400)) == Tally(right=1)


def test_ranges_count_gradual_transitions_alone() -> None:
    annotated = video((39, 40), (99, 110), (199, 210))
    touching = Transition("dissolve", 111, 120)
    apart = Transition("wipe", 212, 220)

    assert ranges(annotated, Found((*cuts(40, 105), touching, apart), 400)) == Tally(1, 1, 1)
    assert ranges(annotated, Found(cuts(40, 105, 205), 400)) == Tally(missed=2)


def test_shares_of_nothing_are_0() -> None:
    assert (Tally().precision, Tally().recall, Tally().f1) == (0.0, 0.0, 0.0)


def test_shots_of_transnet_end_with_the_first_frame_above_its_threshold() -> None:
    above = [number in {0, 1, 54, 70, 71, 72, 99} for number in range(100)]

    found = transitions_of_runs(above)

    assert [(one.kind == "cut", one.start, one.end) for one in found] == [
        (True, 55, 55),
        (False, 71, 73),
    ]
