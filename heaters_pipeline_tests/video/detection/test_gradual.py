"""Dissolves, fades and wipes are found with their ranges and kinds, and nothing else is."""

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from heaters_pipeline.video.detection.gradual import find
from heaters_pipeline.video.detection.gradual.find import (
    Gradual,
    GradualCurves,
    find_gradual,
    gradual_in,
)
from heaters_pipeline.video.detection.gradual.kinds import named
from heaters_pipeline.video.detection.gradual.search import Stretch
from heaters_pipeline_tests.video.detection.gradual_scenes import (
    Pictures,
    blank,
    curves,
    joined,
    scene,
    through,
    wide_view,
)
from heaters_pipeline_tests.video.detection.tracks import made_track


def assert_found(found: list[Gradual], kind: str, start: int, end: int, tolerance: int) -> None:
    assert [gradual.kind for gradual in found] == [kind]
    assert abs(found[0].start - start) <= tolerance
    assert abs(found[0].end - end) <= tolerance


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("length", [9, 14, 24, 45])
@pytest.mark.parametrize("seed", [1, 2])
def test_a_dissolve_is_found_with_its_range(seed: int, length: int, every: int) -> None:
    before, after = scene(seed, 40 + length), scene(seed + 10, 40 + length)
    pictures, (start, end) = joined(before, after, length)
    found = gradual_in(curves(pictures, every=every))
    assert_found(found, "dissolve", start, end, 1 + every + length // 12)


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize("length", [10, 15, 20, 40])
@pytest.mark.parametrize("direction", ["left", "right", "up", "down"])
def test_a_wipe_in_each_direction_is_found(direction: str, length: int, every: int) -> None:
    before, after = scene(3, 40 + length), scene(4, 40 + length)
    pictures, (start, end) = joined(before, after, length, direction)
    assert_found(gradual_in(curves(pictures, every=every)), "wipe", start, end, 1 + every)


@pytest.mark.parametrize("every", [1, 3])
def test_transitions_of_moving_scenes_are_found(every: int) -> None:
    before, after = scene(5, 60, speed_px=0.4), scene(6, 60, speed_px=0.4)
    for how, kind in (("mix", "dissolve"), ("right", "wipe")):
        pictures, (start, end) = joined(before, after, 18, how)
        assert_found(gradual_in(curves(pictures, every=every)), kind, start, end, 4)


@pytest.mark.parametrize("every", [1, 3])
@pytest.mark.parametrize("length", [8, 16, 30])
@pytest.mark.parametrize(("luma", "name"), [(0, "black"), (255, "white")])
def test_fades_are_told_apart(luma: float, name: str, length: int, every: int) -> None:
    first, second = scene(7, 60, speed_px=0), scene(8, 60, speed_px=0)
    black, moment = blank(40, luma), blank(5, luma)
    whole = through(first, second, length, moment)
    found = gradual_in(curves(whole, every=every))
    assert_found(found, f"fade_through_{name}", 60 - length, 65 + length, 2 * every)
    apart = gradual_in(curves(through(first, second, length, black), every=every))
    assert [gradual.kind for gradual in apart] == ["fade_out", "fade_in"]
    into = np.concatenate([black, whole[65:]])
    found = gradual_in(curves(into, every=every))
    assert_found(found, "fade_in", 40, 40 + length, 2 * every)
    out = np.concatenate([whole[:60], black])
    found = gradual_in(curves(out, every=every))
    assert_found(found, "fade_out", 60 - length, 60, 2 * every)


@pytest.mark.parametrize("brightness", [(0.04, 1.0), (1.0, 0.04), (0.04, 0.04)])
def test_a_fade_through_black_of_a_nearly_black_scene_is_whole(
    brightness: tuple[float, float],
) -> None:
    before, after = (
        scene(seed, 50, speed_px=0, brightness=gain, noise=0)
        for seed, gain in zip((9, 10), brightness, strict=True)
    )
    found = gradual_in(curves(through(before, after, 12, blank(6))))
    assert_found(found, "fade_through_black", 38, 68, 2)


def test_black_between_two_cuts_is_no_fade() -> None:
    pictures = np.concatenate([scene(1, 40), blank(8), scene(2, 40)])
    assert gradual_in(curves(pictures, cuts=[40, 48])) == []


def exposure_pulse(pictures: Pictures) -> None:
    gains = 1 + 0.18 * np.sin(np.arange(len(pictures)) / 2)
    pictures[..., 0] = np.clip(pictures[..., 0] * gains[:, None, None], 0, 255)


def exposure_ramp(pictures: Pictures) -> None:
    gains = np.interp(np.arange(len(pictures)), [40, 60], [1, 0.6])
    pictures[..., 0] *= gains[:, None, None]


def flash(pictures: Pictures) -> None:
    pictures[50:53, ..., 0] = np.minimum(pictures[50:53, ..., 0] + 150, 255)


def title_at_once(pictures: Pictures) -> None:
    pictures[60:, 26:32, 6:40:2, 0] = 240


def title_fading_in(pictures: Pictures) -> None:
    place = np.s_[26:32, 6:40:2, 0]
    for number, share in enumerate(np.linspace(0, 1, 15)):
        picture = pictures[40 + number]
        picture[place] += share * (240 - picture[place])
    pictures[55:, 26:32, 6:40:2, 0] = 240


def passing_body(pictures: Pictures) -> None:
    for number in range(40, 64):
        left = (number - 40) * 4 - 28
        pictures[number, 6:, max(0, left) : max(0, left + 28)] = (60, 120, 140)


def shake(pictures: Pictures) -> None:
    rng = np.random.default_rng(3)
    for number in range(30, 70):
        pictures[number] = np.roll(pictures[number], rng.integers(-2, 3, 2), axis=(0, 1))


def pan(pictures: Pictures) -> None:
    pictures[:] = scene(11, len(pictures), speed_px=0.8)


def swing(pictures: Pictures) -> None:
    speeds_px = np.concatenate([np.full(40, 0.1), [2, 5, 9, 12, 10, 9, 7, 6], np.full(52, 6)])
    at = np.concatenate([[0.0], np.cumsum(speeds_px)])
    view = wide_view(21, int(at[-1]) + pictures.shape[2] + 2)
    for number, speed_px in enumerate(speeds_px):
        # The shutter is open all the time.
        shares = np.arange(max(1, round(speed_px))) / max(1, round(speed_px))
        open_at = (at[number] + speed_px * shares).astype(int)
        width = pictures.shape[2]
        pictures[number] = np.mean([view[:, left : left + width] for left in open_at], axis=0)


def focus(pictures: Pictures) -> None:
    """Out of focus and back, as light comes on."""
    for number, share in enumerate(np.linspace(0, 1, 12), 40):
        soft = np.sin(np.pi * share)
        blurred = cv2.GaussianBlur(pictures[number], (9, 9), 0)
        pictures[number] += soft * (blurred - pictures[number])
        pictures[number, ..., 0] += 12 * share
    pictures[52:, ..., 0] += 12


@pytest.mark.parametrize("every", [1, 2, 3])
@pytest.mark.parametrize(
    "distract",
    [
        focus,
        swing,
        exposure_pulse,
        exposure_ramp,
        flash,
        title_at_once,
        title_fading_in,
        passing_body,
        shake,
        pan,
    ],
)
def test_what_is_no_transition_is_not_found(
    distract: Callable[[Pictures], None], every: int
) -> None:
    pictures = scene(11, 100)
    distract(pictures)
    assert gradual_in(curves(pictures, every=every)) == []


def test_a_dissolve_is_told_from_light_by_what_is_seen() -> None:
    for after, kinds in ((scene(2, 50, brightness=0.6), ["dissolve"]), (None, [])):
        before = scene(1, 50, speed_px=0, noise=0)
        pictures, (start, end) = joined(before, before * 0.6 if after is None else after, 15)
        luma = pictures[..., 0].mean(axis=(1, 2))
        # Contrast goes with brightness in both.
        shown = replace(curves(pictures), detail=np.square(luma + 8).astype(np.float32) / 50)
        found = named(shown, [Stretch(start - 1, end, wipe=False)])
        assert [gradual.kind for gradual in found] == kinds


@pytest.mark.parametrize(
    ("luma", "detail_left", "kinds"), [(0, 0.5, ["fade_through_black"]), (8, 9.0, [])]
)
def test_black_in_which_something_is_seen_is_no_fade(
    luma: float, detail_left: float, kinds: list[str]
) -> None:
    dark = scene(9, 50, speed_px=0, brightness=0.1, noise=0)
    pictures = through(dark, dark, 12, blank(6, luma))
    darker = pictures[..., 0].mean(axis=(1, 2)) - luma
    shares = darker / darker.max()
    shown = replace(
        curves(pictures), detail=(detail_left + (17 - detail_left) * shares).astype(np.float32)
    )
    assert [gradual.kind for gradual in gradual_in(shown)] == kinds


def test_what_changes_all_the_time_is_no_dissolve_where_detail_dips(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    views = np.array([scene(2200 + number, 1, noise=0)[0] for number in range(26)])
    at = np.arange(96) / 4
    share = (at % 1)[:, None, None, None]
    pictures = (1 - share) * views[at.astype(int)] + share * views[at.astype(int) + 1]
    gone = np.clip((np.arange(96) - 39) / 17, 0, 1)
    shown = replace(
        curves(pictures.astype(np.float32)),
        detail=(1000 * (1 - 2 * gone * (1 - gone))).astype(np.float32),
    )
    assert gradual_in(shown) == []
    monkeypatch.setattr(find, "_LEAST_STRAIGHT", 0)
    assert [gradual.kind for gradual in gradual_in(shown)] == ["dissolve"]


def test_twice_the_frame_rate_gives_twice_the_frame_numbers() -> None:
    pictures, (start, end) = joined(scene(1, 120), scene(2, 120), 30)
    found = gradual_in(curves(pictures, frame_rate=Fraction(50)))
    assert_found(found, "dissolve", start, end, 4)


@pytest.mark.parametrize("frames", [1, 2, 5, 9, 13])
def test_the_shortest_videos_have_none(frames: int) -> None:
    assert gradual_in(curves(blank(frames))) == []
    assert gradual_in(curves(scene(1, frames))) == []


_SHOTS = {
    "dissolve": lambda: joined(scene(1, 50), scene(2, 50), 14)[0],
    "wipe": lambda: joined(scene(3, 45, speed_px=0.3), scene(4, 45), 12, "right")[0],
    "through": lambda: through(scene(5, 40), scene(6, 40), 10, blank(4)),
    "out": lambda: through(scene(7, 40), scene(8, 40), 10, blank(30))[:60],
    "in": lambda: through(scene(7, 40), scene(8, 40), 10, blank(30))[50:],
    "dark": lambda: through(scene(9, 30, brightness=0.04, noise=0), scene(2, 40), 9, blank(4)),
    "pan": lambda: scene(10, 60, speed_px=0.9),
    "still": lambda: scene(11, 30, speed_px=0),
    "short": lambda: scene(12, 3),
}
_MEASURED = {name: curves(make()) for name, make in _SHOTS.items()}
_FOUND = {name: gradual_in(measured) for name, measured in _MEASURED.items()}


def test_the_shots_that_are_put_together_hold_transitions() -> None:
    assert sum(bool(found) for found in _FOUND.values()) == 6


@settings(deadline=None, max_examples=40)
@given(st.lists(st.sampled_from(sorted(_SHOTS)), min_size=1, max_size=8))
def test_what_is_found_does_not_depend_on_the_rest_of_the_video(names: list[str]) -> None:
    parts = [_MEASURED[name] for name in names]
    cuts = [int(cut) for cut in np.cumsum([part.frames for part in parts])]
    whole = GradualCurves(
        signatures=np.concatenate([part.signatures for part in parts]),
        detail=np.concatenate([part.detail for part in parts]),
        cuts=cuts[:-1],
        frame_step=1,
        timeline=curves(blank(cuts[-1])).timeline,
    )
    starts = [0, *cuts[:-1]]
    assert gradual_in(whole) == [
        Gradual(gradual.kind, gradual.start + start, gradual.end + start)
        for name, start in zip(names, starts, strict=True)
        for gradual in _FOUND[name]
    ]


def test_a_video_is_searched_in_pieces_and_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    parts = [_MEASURED[name] for name in sorted(_SHOTS) * 2]
    cuts = [int(cut) for cut in np.cumsum([part.frames for part in parts])]
    signatures = np.concatenate([part.signatures for part in parts])
    track = replace(
        made_track(cuts[-1], {}),
        signatures=np.rint(signatures).clip(0, 255).astype(np.uint8),
        detail=np.concatenate([part.detail for part in parts]),
    )
    monkeypatch.setattr(find, "_PIECE_FRAMES", cuts[-1])
    whole = find_gradual(track, cuts[:-1])
    assert len(whole) > 2
    for frames in (1, 200):
        monkeypatch.setattr(find, "_PIECE_FRAMES", frames)
        assert find_gradual(track, cuts[:-1]) == whole


@settings(deadline=None, max_examples=15)
@given(before=st.integers(0, 400), after=st.integers(0, 400))
def test_a_longer_scene_around_a_transition_changes_nothing(before: int, after: int) -> None:
    pictures, _ = joined(scene(1, 160, speed_px=0), scene(2, 160, speed_px=0), 16)
    longer = np.concatenate(
        [np.repeat(pictures[:1], before, axis=0), pictures, np.repeat(pictures[-1:], after, axis=0)]
    )
    (alone,) = gradual_in(curves(pictures))
    assert gradual_in(curves(longer)) == [
        Gradual(alone.kind, alone.start + before, alone.end + before)
    ]


@settings(deadline=None, max_examples=60)
@given(st.integers(0, 2**32 - 1), st.integers(1, 300))
def test_transitions_are_in_order_apart_and_inside_of_scenes(seed: int, frames: int) -> None:
    rng = np.random.default_rng(seed)
    # A walk with jumps and blank stretches holds whatever can be mistaken for a transition.
    steps = rng.normal(0, rng.choice([0.5, 3, 12]), (frames, 6, 8, 3))
    cells = np.cumsum(steps, axis=0) + rng.uniform(0, 255, 3)
    for start in rng.integers(0, frames, 3):
        cells[start : start + rng.integers(1, 40)] = rng.choice([0, 255])
    detail = np.abs(np.cumsum(rng.normal(0, 20, frames)))
    detail[rng.random(frames) < 0.2] = 0
    cuts = sorted({int(cut) for cut in rng.integers(1, max(2, frames), 3) if cut < frames})
    found = gradual_in(
        GradualCurves(
            signatures=cells.clip(0, 255).astype(np.float32),
            detail=detail.astype(np.float32),
            cuts=cuts,
            frame_step=int(rng.integers(1, 3)),
            timeline=curves(blank(frames)).timeline,
        )
    )
    edges = [0]
    for gradual in found:
        assert 0 < gradual.start < gradual.end < frames
        edges += [gradual.start, gradual.end]
        assert not any(gradual.start < cut <= gradual.end for cut in cuts)
    assert edges == sorted(edges)


def test_arrays_of_another_length_are_refused() -> None:
    whole = curves(blank(20))
    for changed in ({"detail": whole.detail[1:]}, {"signatures": whole.signatures[1:]}):
        arrays = {"signatures": whole.signatures, "detail": whole.detail} | changed
        with pytest.raises(ValueError, match="20"):
            GradualCurves(**arrays, cuts=(), frame_step=1, timeline=whole.timeline)
