"""Copies with chapters: all packets, and each chapter begins with its frame."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.media.chaptered_copy import ChapterOfFrames, write_with_chapters
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline_tests.videos import frame_number_of, make_video

_STARTS = (0, 7, 20, 45, 59)
_FRAMES = 60


def chapters_of(path: Path) -> list[ChapterOfFrames]:
    reader = FrameReader(path, probe(path))
    assert len(list(reader)) == _FRAMES
    at = reader.timeline.seconds_at
    ends = (*_STARTS[1:], _FRAMES)
    return [
        ChapterOfFrames(start, at(start), at(end), f"{path.name}: {start} = 1; #")
        for start, end in zip(_STARTS, ends, strict=True)
    ]


def frames_at_chapters(path: Path) -> list[int]:
    """The number in the picture that a player shows at the start of each chapter."""
    with av.open(str(path)) as container:
        starts = [chapter["start"] * chapter["time_base"] for chapter in container.chapters()]
        shown = []
        for frame in container.decode(video=0):
            assert frame.pts is not None
            assert frame.time_base is not None
            number = frame_number_of(frame.to_ndarray(format="bgr24"))
            shown.append((frame.pts * frame.time_base, number))
    return [[number for time, number in shown if time <= start][-1] for start in starts]


def titles(path: Path) -> list[str]:
    with av.open(str(path)) as container:
        return [chapter["metadata"]["title"] for chapter in container.chapters()]


@pytest.mark.parametrize(
    "made",
    [
        {"path": "film.mp4", "audio": "aac"},
        {"path": "film.mkv", "frame_rate": Fraction(24000, 1001)},
        {"path": "film.mp4", "frame_rate": Fraction(30000, 1001), "audio": "aac"},
        {"path": "film.mp4", "frame_rate": Fraction(60000, 1001)},
        {"path": "film.ts", "frame_rate": Fraction(50), "codec": "mpeg2video"},
        {"path": "film.webm", "codec": "libvpx-vp9", "options": {"cpu-used": "8"}},
        {
            "path": "film.mp4",
            "pts": [number * 3 + number % 2 for number in range(_FRAMES)],
            "time_base": Fraction(1, 90),
        },
    ],
    ids=lambda made: f"{made['path']} {made.get('frame_rate', 25)}",
)
def test_each_chapter_begins_with_its_frame(tmp_path: Path, made: dict[str, object]) -> None:
    options = {name: value for name, value in made.items() if name != "path"}
    source = make_video(tmp_path / str(made["path"]), (20, 25, 15), **options)  # type: ignore[arg-type]
    target, chapters = tmp_path / "copy.mkv", chapters_of(source)
    assert write_with_chapters(source, target, probe(source).stream_index, chapters) == []
    assert frames_at_chapters(target) == list(_STARTS)
    assert titles(target) == [one.title for one in chapters]
    with av.open(str(source)) as before, av.open(str(target)) as after:
        assert [one.type for one in after.streams] == [one.type for one in before.streams]
        sizes = [
            [packet.size for packet in container.demux(video=0) if packet.size]
            for container in (before, after)
        ]
        assert len(sizes[0]) == len(sizes[1]) == _FRAMES


def test_the_same_chapters_give_the_same_bytes(tmp_path: Path) -> None:
    source = make_video(tmp_path / "film.mp4", (20, 25, 15), audio="aac")
    chapters = chapters_of(source)
    copies = [tmp_path / name for name in ("one.mkv", "two.mkv")]
    for copy in copies:
        write_with_chapters(source, copy, 0, chapters)
    assert copies[0].read_bytes() == copies[1].read_bytes()


def test_what_matroska_cannot_hold_is_said(tmp_path: Path) -> None:
    plain = make_video(tmp_path / "plain.mp4", (20, 25, 15))
    source = tmp_path / "film.mp4"
    with av.open(str(plain)) as read, av.open(str(source), "w") as written:
        pictures = written.add_stream_from_template(read.streams.video[0])
        # The muxer makes a track of it.
        pictures.metadata["timecode"] = "01:00:00:00"
        for packet in read.demux(video=0):
            if packet.dts is not None:
                packet.stream = pictures
                written.mux(packet)
    notes = write_with_chapters(source, tmp_path / "copy.mkv", 0, chapters_of(source))
    assert notes == ["stream 1 (data) is left out: Matroska cannot hold it"]
    assert frames_at_chapters(tmp_path / "copy.mkv") == list(_STARTS)


def test_frames_without_times_are_refused(tmp_path: Path) -> None:
    source = make_video(tmp_path / "film.avi", (20, 25, 15), codec="mpeg4", options={"bf": "2"})
    with pytest.raises(ClipError, match="does not say when its frames are shown"):
        write_with_chapters(source, tmp_path / "copy.mkv", 0, chapters_of(source))


def test_chapters_of_other_frames_are_refused(tmp_path: Path) -> None:
    source = make_video(tmp_path / "film.mp4", (20, 25, 15))
    (*_, last) = chapters_of(source)
    late = ChapterOfFrames(30, last.start_seconds, last.end_seconds, "late")
    with pytest.raises(ClipError, match="jump"):
        write_with_chapters(source, tmp_path / "copy.mkv", 0, [late])
