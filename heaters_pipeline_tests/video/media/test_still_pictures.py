"""Single pictures of a video are those of the frames that were asked for, as a person sees them."""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.video.media import still_pictures
from heaters_pipeline.video.media.frame_spans import read_frames
from heaters_pipeline.video.media.frames import Frame, FrameReader
from heaters_pipeline.video.media.probe import VideoInfo, probe
from heaters_pipeline.video.media.still_pictures import pictures_at
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline_tests.videos import frame_number_of, make_video


def timeline_of(path: Path, info: VideoInfo) -> Timeline:
    reader = FrameReader(path, info)
    for _ in reader:
        pass
    return reader.timeline


@pytest.fixture
def spans(monkeypatch: pytest.MonkeyPatch) -> list[Span]:
    """The spans that were read."""
    asked: list[Span] = []

    def noting(
        path: Path, info: VideoInfo, timeline: Timeline, frames: Sequence[int]
    ) -> Iterator[Frame]:
        asked.append(Span(frames[0], frames[-1] + 1))
        return read_frames(path, info, timeline, frames)

    monkeypatch.setattr(still_pictures, "read_frames", noting)
    return asked


def test_each_picture_is_its_frame_and_neighbours_are_read_together(
    tmp_path: Path, spans: list[Span]
) -> None:
    path = make_video(tmp_path / "video.mp4", (400,), options={"g": "25", "bf": "2"})
    info = probe(path)
    wanted = [399, 0, 3, 20, 300, 301, 20]
    pictures = pictures_at(path, info, timeline_of(path, info), wanted, 160)
    assert {frame: frame_number_of(picture) for frame, picture in pictures.items()} == {
        frame: frame for frame in wanted
    }
    assert spans == [Span(0, 21), Span(300, 302), Span(399, 400)]


def test_without_stamps_in_the_file_it_is_read_once(tmp_path: Path, spans: list[Span]) -> None:
    path = make_video(tmp_path / "video.avi", (300,), codec="mpeg4", options={"qscale": "2"})
    info = probe(path)
    timeline = timeline_of(path, info)
    rebuilt = Timeline(timeline.pts, timeline.end_pts, timeline.time_base, from_stream=False)
    pictures = pictures_at(path, info, rebuilt, [5, 290], 160)
    assert [frame_number_of(pictures[frame]) for frame in (5, 290)] == [5, 290]
    assert spans == [Span(5, 291)]


@pytest.mark.parametrize(
    ("options", "size_px"),
    [
        ({}, (80, 45)),
        ({"rotation_degrees": 90}, (45, 80)),
        ({"sample_aspect_ratio": Fraction(1, 2)}, (71, 80)),
        ({"size_px": (40, 24)}, (40, 24)),
    ],
)
def test_pictures_are_turned_and_scaled_for_display(
    tmp_path: Path, options: dict[str, Any], size_px: tuple[int, int]
) -> None:
    path = make_video(tmp_path / "video.mp4", (4,), **options)
    info = probe(path)
    pictures = pictures_at(path, info, timeline_of(path, info), [2], 80)
    assert pictures[2].shape == (size_px[1], size_px[0], 3)


def test_no_frames_need_no_file(tmp_path: Path) -> None:
    path = make_video(tmp_path / "video.mp4", (4,))
    info = probe(path)
    timeline = timeline_of(path, info)
    path.unlink()
    assert pictures_at(path, info, timeline, [], 80) == {}
