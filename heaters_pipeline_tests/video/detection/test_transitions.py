"""Cuts are found to the frame, gradual transitions with their range; nothing else is taken for one.

Each distractor is one that users of scene detection tools complain of.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest

from heaters_pipeline.video.detection.score_track import Scan
from heaters_pipeline.video.detection.settings import (
    DEFAULT_THRESHOLDS,
    METHODS,
    DetectionSettings,
)
from heaters_pipeline.video.detection.transitions import Transition, find_transitions
from heaters_pipeline_tests.video.detection.moving_shots import (
    Picture,
    black,
    found_in,
    mixed,
    score,
    shot,
    wiped,
    write,
)


def joined_cuts(*lengths: int, brightness: float = 1.0) -> tuple[list[Picture], list[int]]:
    """Shots of these lengths, and where they meet."""
    pictures: list[Picture] = []
    cuts = []
    for seed, length in enumerate(lengths):
        cuts.append(len(pictures))
        pictures += shot(seed, length, brightness=brightness)
    return pictures, cuts[1:]


def as_cuts(frames: list[int]) -> list[tuple[str, int, int]]:
    return [("cut", frame, frame) for frame in frames]


@pytest.mark.parametrize(
    ("codec", "pixel_format", "options"),
    [
        ("libx264", "yuv420p", {"preset": "veryfast"}),
        ("libx264", "yuv420p10le", {"preset": "veryfast"}),
        ("libx264", "yuv420p", {"preset": "veryfast", "sc_threshold": "0", "bf": "3", "g": "50"}),
        ("mpeg2video", "yuv420p", {"b": "300000", "g": "12", "bf": "2"}),
    ],
    ids=["plain", "10-bit", "cuts-inside-gops", "quality-pulses"],
)
def test_cuts_are_found_to_the_frame(
    tmp_path: Path, codec: str, pixel_format: str, options: dict[str, str]
) -> None:
    pictures, cuts = joined_cuts(30, 25, 40, 30)
    path = tmp_path / "video.mkv"
    write(path, pictures, codec=codec, pixel_format=pixel_format, options=options)
    assert found_in(path) == as_cuts(cuts)


def test_cuts_a_few_frames_apart_do_not_hide_each_other(tmp_path: Path) -> None:
    pictures, cuts = joined_cuts(30, 3, 3, 3, 3, 5, 8, 10, 4, 30)
    assert found_in(write(tmp_path / "video.mp4", pictures)) == as_cuts(cuts)


def test_cuts_of_dark_scenes_are_found(tmp_path: Path) -> None:
    pictures, cuts = joined_cuts(30, 30, 30, brightness=0.12)
    assert found_in(write(tmp_path / "video.mp4", pictures)) == as_cuts(cuts)


def test_cuts_are_found_at_the_same_frames_at_sixty_a_second(tmp_path: Path) -> None:
    pictures, cuts = joined_cuts(70, 60, 70)
    path = write(tmp_path / "video.mp4", pictures, frame_rate=Fraction(60))
    assert found_in(path) == as_cuts(cuts)


def test_cuts_with_letterbox_and_logo_are_found(tmp_path: Path) -> None:
    pictures, cuts = joined_cuts(30, 30, 30)
    for picture in pictures:
        picture[:30] = picture[-30:] = 0
        picture[40:60, 270:310] = 230
    assert found_in(write(tmp_path / "video.mp4", pictures)) == as_cuts(cuts)


@pytest.mark.parametrize("scan", ["fast", "full"])
@pytest.mark.parametrize(
    "colours_bgr",
    [
        ((0, 0, 200), (200, 0, 0), (0, 200, 0)),
        ((0, 0, 0), (255, 255, 255), (128, 128, 128)),
        ((32, 32, 32), (48, 48, 48), (64, 64, 64)),
    ],
)
def test_cuts_between_plain_colours_are_found(
    colours_bgr: Sequence[tuple[int, int, int]], scan: Scan, tmp_path: Path
) -> None:
    pictures = [np.full((180, 320, 3), colour, np.uint8) for colour in colours_bgr]
    path = write(tmp_path / "a.mp4", [each for each in pictures for _ in range(30)])
    found = find_transitions(score(path, scan), DetectionSettings())
    assert found == (Transition("cut", 30, 30), Transition("cut", 60, 60))


def test_a_plain_colour_that_flickers_is_no_cut(tmp_path: Path) -> None:
    levels = np.random.default_rng(1).integers(60, 66, 90)
    pictures = [np.full((180, 320, 3), level, np.uint8) for level in levels]
    assert found_in(write(tmp_path / "a.mp4", pictures)) == []


def test_a_cut_in_one_half_of_the_picture_is_found(tmp_path: Path) -> None:
    pictures, cuts = joined_cuts(30, 30)
    for picture in pictures:
        picture[:, :160] = pictures[0][:, :160]
    assert found_in(write(tmp_path / "video.mp4", pictures)) == as_cuts(cuts)


def flash(pictures: list[Picture]) -> None:
    for number in (40, 41, 42):
        pictures[number] = cv2.add(pictures[number], np.full_like(pictures[number], 150))


def lost_frame(pictures: list[Picture]) -> None:
    pictures[40] = np.zeros_like(pictures[40])


def title(pictures: list[Picture]) -> None:
    for picture in pictures[40:]:
        cv2.putText(picture, "EPISODE 1", (20, 160), cv2.FONT_HERSHEY_SIMPLEX, 0.8, (240,) * 3, 2)


def exposure_pulse(pictures: list[Picture]) -> None:
    for number, picture in enumerate(pictures):
        gain = 1 + 0.18 * np.sin(number / 2)
        pictures[number] = (picture * gain).clip(0, 255).astype(np.uint8)


def exposure_ramp(pictures: list[Picture]) -> None:
    for number, picture in enumerate(pictures):
        gain = 0.5 + 0.5 * min(max((number - 30) / 24, 0), 1)
        pictures[number] = (picture * gain).astype(np.uint8)


def shake(pictures: list[Picture]) -> None:
    rng = np.random.default_rng(1)
    for number in range(30, 60):
        pictures[number] = np.roll(pictures[number], rng.integers(-6, 7, 2), axis=(0, 1))


def passing_object(pictures: list[Picture]) -> None:
    for number in range(30, 50):
        left = (number - 30) * 24 - 160
        pictures[number][40:, max(0, left) : max(0, left + 160)] = (40, 60, 90)


@pytest.mark.parametrize(
    "distract", [flash, lost_frame, title, exposure_pulse, exposure_ramp, shake, passing_object]
)
def test_what_is_no_transition_is_not_found(
    tmp_path: Path, distract: Callable[[list[Picture]], None]
) -> None:
    pictures = shot(1, 90)
    distract(pictures)
    assert found_in(write(tmp_path / "video.mp4", pictures)) == []


def test_fast_pan_is_no_transition(tmp_path: Path) -> None:
    assert found_in(write(tmp_path / "video.mp4", shot(3, 60, speed_px=6))) == []


@pytest.mark.parametrize("length", [8, 14, 25, 45])
@pytest.mark.parametrize(("make", "kind"), [(mixed, "dissolve"), (wiped, "wipe")])
def test_dissolves_and_wipes_are_found_with_their_range(
    tmp_path: Path,
    make: Callable[[list[Picture], list[Picture]], list[Picture]],
    kind: str,
    length: int,
) -> None:
    before, after = shot(1, 40 + length, speed_px=0.5), shot(2, length + 40, speed_px=0.5)
    pictures = before[:40] + make(before[40:], after[:length]) + after[length:]
    found = found_in(write(tmp_path / "video.mp4", pictures))
    assert [name for name, _, _ in found] == [kind]
    _, start, end = found[0]
    # The scenes move on under the transition, so a long one has no sharp ends.
    assert abs(start - 40) <= 1 + length // 8
    assert abs(end - (40 + length)) <= 1 + length // 8


def test_fades_are_told_apart(tmp_path: Path) -> None:
    length = 15
    gains = np.arange(1, length + 1) / (length + 1)
    first, second, third = (shot(seed, 60, speed_px=0.5) for seed in (1, 2, 3))
    for pictures in (first, second, third):
        for number, gain in enumerate(gains):
            pictures[number] = (pictures[number] * gain).astype(np.uint8)
            pictures[-1 - number] = (pictures[-1 - number] * gain).astype(np.uint8)
    # Black: 5 frames, then first, 3 frames, second, 40 frames, third, 5 frames.
    pictures = black(5) + first + black(3) + second + black(40) + third + black(5)
    found = found_in(write(tmp_path / "video.mp4", pictures))
    expected = [
        ("fade_in", 5, 20),
        ("fade_through_black", 50, 83),
        ("fade_out", 113, 128),
        ("fade_in", 168, 183),
        ("fade_out", 213, 228),
    ]
    assert [kind for kind, _, _ in found] == [kind for kind, _, _ in expected]
    for (_, start, end), (_, wanted_start, wanted_end) in zip(found, expected, strict=True):
        assert abs(start - wanted_start) <= 2
        assert abs(end - wanted_end) <= 2


@pytest.mark.parametrize("frames", [1, 2, 3, 7])
def test_the_shortest_videos_have_no_transition(tmp_path: Path, frames: int) -> None:
    track = score(write(tmp_path / "video.mp4", black(frames)), scan="full")
    for method in METHODS:
        assert find_transitions(track, DetectionSettings(method=method)) == ()


def test_a_long_black_video_has_no_transition(tmp_path: Path) -> None:
    assert found_in(write(tmp_path / "video.mp4", black(120))) == []


@pytest.mark.parametrize("method", ["correl", "chisqr", "intersect", "bhattacharyya"])
def test_histogram_methods_cut_exactly_beyond_the_threshold(tmp_path: Path, method: str) -> None:
    track = score(write(tmp_path / "video.mp4", joined_cuts(12, 12, 12)[0]), scan="full")
    scores = track.similarities[method]
    for threshold in (DEFAULT_THRESHOLDS[method], float(np.median(scores[1:]))):
        found = find_transitions(track, DetectionSettings(method=method, threshold=threshold))
        beyond = scores < threshold if method in ("correl", "intersect") else scores > threshold
        assert found == tuple(
            Transition("cut", frame, frame) for frame in range(1, 36) if beyond[frame]
        )


def test_transitions_are_in_order_and_do_not_overlap(tmp_path: Path) -> None:
    before, middle, after = shot(1, 50), shot(2, 60), shot(3, 50)
    pictures = before[:40] + mixed(before[40:], middle[:10]) + middle[10:] + after
    found = found_in(write(tmp_path / "video.mp4", pictures))
    assert [kind for kind, _, _ in found] == ["dissolve", "cut"]
    assert found[0][2] <= found[1][1] == 100
