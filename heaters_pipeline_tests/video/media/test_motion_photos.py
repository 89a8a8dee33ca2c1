"""Photos of phones with the seconds around them: their video is what is processed."""

import struct
from collections.abc import Callable
from pathlib import Path

import cv2
import pytest

from heaters_pipeline.errors import InvalidVideoError
from heaters_pipeline.video.media.frames import FrameReader, read_span
from heaters_pipeline.video.media.motion_photos import video_in_photo
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.videos import frame_number_of, make_picture, make_video


def box(kind: bytes, content: bytes) -> bytes:
    return struct.pack(">I4s", 8 + len(content), kind) + content


def jpeg(video: bytes) -> bytes:
    return cv2.imencode(".jpg", make_picture(0))[1].tobytes() + video


def jpeg_of_samsung(video: bytes) -> bytes:
    return jpeg(b"\0\0\x30\x0a\x10\0\0\0MotionPhoto_Data" + video + b"SEFH\x6a\0\0\0SEFT")


def heif(video: bytes) -> bytes:
    picture = box(b"ftyp", b"heic\0\0\0\0mif1heic") + box(b"mdat", bytes(2000))
    return picture + (box(b"mpvd", video) if video else b"")


@pytest.mark.parametrize("photo_of", [jpeg, jpeg_of_samsung, heif])
def test_a_motion_photo_gives_its_video(photo_of: Callable[[bytes], bytes], tmp_path: Path) -> None:
    video = make_video(tmp_path / "a.mp4", [40], options={"g": "10"}, audio="aac")
    path = tmp_path / "IMG, 1.heic"
    path.write_bytes(photo_of(video.read_bytes()))
    info = probe(path)
    assert (info.container, info.codec, info.size_bytes) == ("mov", "h264", path.stat().st_size)
    assert len(info.audio) == 1
    reader = FrameReader(path, info)
    assert [frame_number_of(frame.picture()) for frame in reader] == list(range(40))
    span = read_span(path, info, reader.timeline, Span(33, 36))
    assert [frame_number_of(frame.picture()) for frame in span] == [33, 34, 35]


@pytest.mark.parametrize("photo_of", [jpeg, jpeg_of_samsung, heif])
def test_a_photo_without_a_video_is_refused(
    photo_of: Callable[[bytes], bytes], tmp_path: Path
) -> None:
    path = tmp_path / "a.jpg"
    path.write_bytes(photo_of(b""))
    assert video_in_photo(path) is None
    with pytest.raises(InvalidVideoError) as refusal:
        probe(path)
    assert refusal.value.reason in ("still_image", "not_video", "no_video")


def test_what_is_cut_off_is_not_taken_for_a_video(tmp_path: Path) -> None:
    video = make_video(tmp_path / "a.mp4", [40]).read_bytes()
    path = tmp_path / "a.jpg"
    path.write_bytes(jpeg(video[: len(video) // 2]))
    with pytest.raises(InvalidVideoError) as refusal:
        probe(path)
    assert refusal.value.reason == "still_image"


def test_a_video_is_opened_as_it_is(tmp_path: Path) -> None:
    assert video_in_photo(make_video(tmp_path / "a.mp4", [5])) is None


def test_a_file_of_nothing_but_starts_of_videos_is_not_searched_for_ever(tmp_path: Path) -> None:
    video = make_video(tmp_path / "a.mp4", [5]).read_bytes()
    path = tmp_path / "a.jpg"
    for starts, is_found in ((50, True), (200, False)):
        path.write_bytes(jpeg(b"\xff\xff\xff\xffftyp" * starts + video))
        assert (video_in_photo(path) is not None) == is_found
