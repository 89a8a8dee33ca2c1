"""The sharpest frame is found among frames of the scene alone, the same one whoever asks."""

from pathlib import Path

import av
import cv2
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.packet_index import index_packets
from heaters_pipeline.video.media.parallel_scan import PresentationOrder
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline.video.stills import source_pictures
from heaters_pipeline.video.stills.keyframes import keyframe_names, write_keyframes
from heaters_pipeline.video.stills.picture_files import decoded_picture
from heaters_pipeline.video.stills.picture_shelf import (
    MadePicture,
    SharpestPicture,
    Wanted,
    WantedPicture,
)
from heaters_pipeline.video.stills.settings import KeyframeSettings, PictureCoding
from heaters_pipeline.video.stills.sharpest import (
    MOST_CANDIDATES,
    candidates,
    frames_without,
    goodness,
)
from heaters_pipeline.video.stills.source_pictures import make_pictures
from heaters_pipeline_tests.video.stills.numbered_clips import damage

SIDE_PX = 160
FRAMES = 96
SHARP, DARK = 37, 61
CODING = PictureCoding(90)


def detailed() -> Picture:
    rng = np.random.default_rng(3)
    coarse = rng.integers(40, 216, (18, 32, 3), np.uint8)
    return cv2.resize(coarse, (SIDE_PX, 96), interpolation=cv2.INTER_NEAREST).astype(np.uint8)


def picture(number: int) -> Picture:
    """Blurred, but for those near ``SHARP``; those near ``DARK`` are sharp and nearly black."""
    if abs(number - SHARP) <= 6:
        return detailed()
    if abs(number - DARK) <= 6:
        return detailed() // 8
    return cv2.GaussianBlur(detailed(), (0, 0), 3 + number % 5).astype(np.uint8)


@pytest.fixture(scope="module")
def video(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sharpest") / "video.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", 25)
        stream.width, stream.height, stream.pix_fmt = SIDE_PX, 96, "yuv420p"
        stream.options = {"crf": "12", "g": "24", "bf": "3", "sc_threshold": "0"}
        for number in range(FRAMES):
            container.mux(stream.encode(av.VideoFrame.from_ndarray(picture(number), "bgr24")))
        container.mux(stream.encode(None))
    return path


def timeline_of(path: Path) -> Timeline:
    reader = FrameReader(path, probe(path))
    for _ in reader:
        pass
    return reader.timeline


def made(path: Path, timeline: Timeline, *wanted: Wanted) -> dict[Wanted, MadePicture]:
    kept: dict[Wanted, MadePicture] = {}

    def keep(one: Wanted, picture: MadePicture) -> None:
        assert one not in kept
        kept[one] = picture

    make_pictures(path, probe(path), timeline, wanted, keep)
    return kept


spans_in_order = st.lists(st.integers(0, 400), min_size=2, max_size=20, unique=True).map(
    lambda edges: [
        Span(start, end)
        for start, end in zip(sorted(edges)[::2], sorted(edges)[1::2], strict=False)
    ]
)


@given(transitions=spans_in_order, start=st.integers(0, 399), frames=st.integers(1, 200))
def test_frames_of_transitions_are_left_out(
    transitions: list[Span], start: int, frames: int
) -> None:
    scene = Span(start, start + frames)
    gone = {frame for one in transitions for frame in range(one.start, one.end)}
    left = [frame for frame in range(scene.start, scene.end) if frame not in gone]
    found = [frame for one in frames_without(scene, transitions) for frame in range(*bounds(one))]
    # Of a scene that is nothing but transitions, there is nothing better.
    assert found == (left or list(range(scene.start, scene.end)))


def bounds(span: Span) -> tuple[int, int]:
    return span.start, span.end


@given(spans=spans_in_order, every=st.integers(1, 50))
def test_few_frames_are_looked_at_and_those_that_are_decoded_anyway(
    spans: list[Span], every: int
) -> None:
    inside = [frame for one in spans for frame in range(one.start, one.end)]
    assert 1 <= len(candidates(spans)) <= MOST_CANDIDATES
    assert set(candidates(spans)) <= set(inside)
    if len(inside) <= MOST_CANDIDATES:
        assert list(candidates(spans)) == inside
    references = np.arange(401) % every == 0
    usable = {frame for frame in inside if references[frame]}
    assert set(candidates(spans, references)) <= (usable or set(inside))


def test_the_middles_of_equal_parts_are_looked_at() -> None:
    assert candidates([Span(0, 160)]) == (10, 30, 50, 70, 90, 110, 130, 150)
    references = np.isin(np.arange(160), [0, 33, 48, 159])
    assert candidates([Span(0, 160)], references) == (0, 33, 48, 159)


def test_blur_and_darkness_count_against_a_picture() -> None:
    sharp = detailed()
    assert goodness(sharp) > 4 * goodness(cv2.GaussianBlur(sharp, (0, 0), 1).astype(np.uint8))
    bright = (255 - (255 - sharp) // 8).astype(np.uint8)
    for badly_exposed in (sharp // 8, bright):
        assert goodness(sharp) > 4 * goodness(badly_exposed)


@pytest.mark.parametrize("frames_a_seek", [0, 10_000])
def test_the_sharpest_and_best_exposed_frame_is_taken(
    video: Path, frames_a_seek: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(source_pictures, "_FRAMES_A_SEEK", frames_a_seek)
    timeline = timeline_of(video)
    best = SharpestPicture((Span(0, FRAMES),), SIDE_PX, CODING)
    found = made(video, timeline, best)[best]
    assert abs(found.frame - SHARP) <= 6
    shown = decoded_picture(found.data)
    assert (found.width_px, found.height_px) == shown.shape[1::-1] == (SIDE_PX, 96)
    assert goodness(shown) > goodness(detailed()) / 2
    exactly = WantedPicture(found.frame, SIDE_PX, CODING)
    assert made(video, timeline, exactly)[exactly] == found


def test_it_is_a_frame_that_others_are_decoded_from_and_in_no_transition(video: Path) -> None:
    info, timeline = probe(video), timeline_of(video)
    index = index_packets(video, info)
    assert index is not None
    references = PresentationOrder(index).references
    assert not references.all()
    best = SharpestPicture((Span(0, FRAMES),), SIDE_PX, CODING)
    assert references[made(video, timeline, best)[best].frame]
    elsewhere = frames_without(Span(0, FRAMES), [Span(SHARP - 10, SHARP + 10)])
    other = SharpestPicture(elsewhere, SIDE_PX, CODING)
    assert abs(made(video, timeline, other)[other].frame - SHARP) > 9


def test_what_else_is_wanted_does_not_change_it(video: Path) -> None:
    timeline = timeline_of(video)
    two = [SharpestPicture((span,), SIDE_PX, CODING) for span in (Span(0, 50), Span(40, FRAMES))]
    tiles = [WantedPicture(frame, 40) for frame in range(FRAMES)]
    together = made(video, timeline, *two, *tiles)
    assert together.keys() == {*two, *tiles}
    for one in two:
        assert made(video, timeline, one) == {one: together[one]}


def test_damage_leaves_a_picture_all_the_same(video: Path, tmp_path: Path) -> None:
    timeline = timeline_of(video)
    path = tmp_path / "video.mp4"
    path.write_bytes(video.read_bytes())
    damage(path, range(30, 60))
    best = SharpestPicture((Span(0, FRAMES),), SIDE_PX, CODING)
    found = made(path, timeline, best)[best]
    assert 0 <= found.frame < FRAMES
    assert decoded_picture(found.data).shape == (96, SIDE_PX, 3)


def test_a_clip_by_itself_gives_its_sharpest_frame_as_well(video: Path, tmp_path: Path) -> None:
    settings = KeyframeSettings("sharpest")
    assert keyframe_names(settings) == ("sharpest",)
    (found,) = write_keyframes(video, FRAMES, settings, [tmp_path / "a.jpg"])
    assert abs(found.frame - SHARP) <= 6
    spans = [Span(0, SHARP - 10), Span(SHARP + 10, FRAMES)]
    (other,) = write_keyframes(video, FRAMES, settings, [tmp_path / "b.jpg"], spans)
    assert abs(other.frame - SHARP) > 9
