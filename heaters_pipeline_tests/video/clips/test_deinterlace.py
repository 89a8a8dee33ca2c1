"""Encoded clips of interlaced sources: whole pictures, or the two fields in their order."""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import av
import numpy as np
import pytest

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.deinterlace import deinterlaced, shows_bottom_first
from heaters_pipeline.video.clips.settings import Interlaced
from heaters_pipeline.video.clips.write import (
    ClipFile,
    ClipSettings,
)
from heaters_pipeline.video.media.frames import Frame, FrameReader
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import Known, know, write_clip, write_many
from heaters_pipeline_tests.video.clips.interlaced_clips import (
    make_interlaced_video,
    rows_of,
    square_left_of_field,
    square_left_px,
)
from heaters_pipeline_tests.videos import Picture, frame_number_of, make_video

FRAMES = 14
SOURCES = [
    ("libx264", "mkv"),
    ("libx264", "ts"),
    ("mpeg2video", "mpg"),
    ("mpeg2video", "mkv"),
]


def encode(known: Known, span: Span, target: Path, interlaced: Interlaced) -> list[av.VideoFrame]:
    settings = ClipSettings("reencode", crf=8, preset="ultrafast", interlaced=interlaced)
    clip = write_clip(known, span, target, settings)
    assert (clip.frames, clip.fallback_reason) == (len(span), None)
    return frames_of(target)


def frames_of(path: Path) -> list[av.VideoFrame]:
    with av.open(str(path)) as container:
        return list(container.decode(video=0))


def picture_of(frame: av.VideoFrame) -> Picture:
    return np.asarray(frame.to_ndarray(format="bgr24"), np.uint8)


def squares_of(frame: av.VideoFrame) -> tuple[int, int]:
    """Where the square is in the even and in the odd rows."""
    return square_left_px(rows_of(frame.planes[0]))


@pytest.mark.parametrize(("codec", "extension"), SOURCES)
@pytest.mark.parametrize("field_order", ["tff", "bff"])
@pytest.mark.parametrize("span", [Span(3, 11), Span(5, 6), Span(12, 14)], ids=str)
def test_each_interlaced_frame_becomes_the_picture_of_its_first_field(
    codec: str, extension: str, field_order: str, span: Span, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{extension}"
    known = know(make_interlaced_video(path, FRAMES, field_order, codec=codec))
    assert all(frame.interlaced_frame for frame in frames_of(path))
    shown = encode(known, span, tmp_path / "clip.mp4", "deinterlace")
    for number, frame in zip(range(span.start, span.end), shown, strict=True):
        assert frame_number_of(picture_of(frame)) == number
        assert squares_of(frame) == pytest.approx([square_left_of_field(2 * number)] * 2, abs=1)
        assert not frame.interlaced_frame
    origin = known.timeline.seconds_at(span.start)
    for offset, frame in enumerate(shown):
        assert frame.pts is not None
        expected = known.timeline.seconds_at(span.start + offset) - origin
        assert frame.pts * frame.time_base == expected


# libx264 itself takes no other heights for interlaced pictures.
@pytest.mark.parametrize(
    ("codec", "extension", "height"),
    [*((*source, 96) for source in SOURCES), ("mpeg2video", "mpg", 90), ("mpeg2video", "mkv", 90)],
)
@pytest.mark.parametrize("field_order", ["tff", "bff"])
def test_fields_are_kept_in_their_order(
    codec: str, extension: str, field_order: str, height: int, tmp_path: Path
) -> None:
    path = tmp_path / f"a.{extension}"
    make_interlaced_video(path, FRAMES, field_order, codec=codec, size_px=(160, height))
    span = Span(3, 11)
    shown = encode(know(path), span, tmp_path / "clip.mp4", "keep")
    for number, frame in zip(range(span.start, span.end), shown, strict=True):
        places = [square_left_of_field(2 * number + late) for late in (0, 1)]
        if field_order == "bff":
            places.reverse()
        assert squares_of(frame) == pytest.approx(places, abs=1)
        assert frame.interlaced_frame
        assert shows_bottom_first(frame) == (field_order == "bff")
        assert frame.height == (96 if height == 96 else 92)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert container.streams.video[0].codec_context.field_order == (
            2 if field_order == "tff" else 3
        )


@pytest.mark.parametrize("interlaced", ["deinterlace", "keep"])
def test_a_clip_is_the_same_whatever_lies_beside_it(interlaced: Interlaced, tmp_path: Path) -> None:
    known = know(make_interlaced_video(tmp_path / "a.ts", FRAMES, "tff", codec="libx264"))
    settings = ClipSettings("reencode", preset="ultrafast", interlaced=interlaced)
    spans = [Span(0, 4), Span(4, 5), Span(5, 9), Span(9, 14)]
    made: dict[Span, ClipFile | ClipError] = {}
    write_many(
        known,
        spans,
        lambda span: tmp_path / f"{span.start}.mp4",
        settings,
        picture_digests=known.digests,
        workers=1,
        on_clip=made.__setitem__,
    )
    for span in spans:
        assert isinstance(made[span], ClipFile)
        alone = tmp_path / "alone.mp4"
        write_many(
            known,
            [span],
            lambda _, alone=alone: alone,
            settings,
            picture_digests=known.digests,
            workers=1,
            on_clip=made.__setitem__,
        )
        assert alone.read_bytes() == (tmp_path / f"{span.start}.mp4").read_bytes()


@pytest.mark.parametrize("interlaced", ["deinterlace", "keep"])
def test_progressive_pictures_are_untouched(interlaced: Interlaced, tmp_path: Path) -> None:
    known = know(make_video(tmp_path / "a.mp4", [20], size_px=(160, 90)))
    for frame, picture in deinterlaced(iter(FrameReader(known.path, known.info)), 1):
        assert picture is frame.decoded
    shown = encode(known, Span(3, 15), tmp_path / "clip.mp4", interlaced)
    for number, found in zip(range(3, 15), shown, strict=True):
        assert frame_number_of(picture_of(found)) == number
        assert (found.interlaced_frame, found.height) == (False, 90)


def test_frames_of_both_kinds_come_out_one_for_one(tmp_path: Path) -> None:
    size_px = (160, 96)
    whole = make_video(tmp_path / "a.mp4", [6], size_px=size_px)
    fields = make_interlaced_video(tmp_path / "b.ts", 6, "tff", codec="libx264")
    larger = make_interlaced_video(
        tmp_path / "c.mkv", 4, "bff", codec="mpeg2video", size_px=(176, 96)
    )
    sources = [whole, fields, whole, larger]
    originals = [rows_of(frame.decoded.planes[0]).copy() for frame in frames_from(*sources)]
    shown = list(deinterlaced(frames_from(*sources), 1))
    numbers = [*range(6), *range(6), *range(6), *range(4)]
    assert [frame.index for frame, _ in shown] == [*range(6)] * 3 + [*range(4)]
    assert [frame_number_of(picture_of(picture)) for _, picture in shown] == numbers
    for at, (_, picture) in enumerate(shown):
        is_whole = at < 6 or 12 <= at < 18
        assert np.array_equal(rows_of(picture.planes[0]), originals[at]) == is_whole


def frames_from(*paths: Path) -> Iterator[Frame]:
    return chain.from_iterable(FrameReader(path, probe(path)) for path in paths)
