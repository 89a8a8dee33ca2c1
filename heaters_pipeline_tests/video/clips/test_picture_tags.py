"""What is said of pictures and their colours stays, whether they are copied or encoded."""

from collections.abc import Iterator
from fractions import Fraction
from itertools import islice
from pathlib import Path

import av
import numpy as np
import pytest

from heaters_pipeline.video.clips.settings import ClipMethod, ClipSettings, Codec
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.picture_boxes import Crop, crop_of
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.shown_pictures import ShownPictures
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import Known, glance_at, know, write_clip
from heaters_pipeline_tests.video.described_pictures import crop_mp4
from heaters_pipeline_tests.videos import make_picture, make_video

LIMITED, FULL = 1, 2


def frames(color_range: int, colours: tuple[int, int, int]) -> Iterator[av.VideoFrame]:
    for number in range(40):
        frame = av.VideoFrame.from_ndarray(make_picture(number), "bgr24")
        frame = frame.reformat(format="yuv420p", dst_color_range=color_range)
        frame.color_range = color_range
        frame.color_primaries, frame.color_trc, frame.colorspace = colours
        frame.pts, frame.time_base = number, Fraction(1, 25)
        yield frame


def write(path: Path, codec: str, color_range: int, colours: tuple[int, int, int]) -> Path:
    with av.open(str(path), "w") as container:
        stream = container.add_stream(codec, rate=25, options={"g": "12", "preset": "veryfast"})
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuv420p"
        context = stream.codec_context
        context.color_range = color_range
        context.color_primaries, context.color_trc, context.colorspace = colours
        for frame in frames(color_range, colours):
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def tags_of(path: Path) -> tuple[int, ...]:
    with av.open(str(path)) as container:
        frame = next(container.decode(video=0))
    return frame.color_range, frame.color_primaries, frame.color_trc, frame.colorspace


@pytest.mark.parametrize("method", ["copy", "reencode"])
@pytest.mark.parametrize("colours", [(2, 2, 2), (2, 2, 5), (1, 1, 1)])
@pytest.mark.parametrize("color_range", [LIMITED, FULL])
@pytest.mark.parametrize("codec", ["libx264", "mpeg4"])
def test_range_and_colours_stay_together_or_alone(
    codec: str,
    color_range: int,
    colours: tuple[int, int, int],
    method: ClipMethod,
    tmp_path: Path,
) -> None:
    # Matroska says of colours what the stream does not.
    path = write(tmp_path / "a.mkv", codec, color_range, colours)
    assert tags_of(path) == (color_range, *colours)
    settings = ClipSettings(method, preset="ultrafast")
    clip = write_clip(know(path), Span(5, 30), tmp_path / "clip.mp4", settings)
    assert clip.method == method
    assert tags_of(tmp_path / "clip.mp4") == (color_range, *colours)


@pytest.mark.parametrize("method", ["copy", "reencode"])
def test_what_is_unknown_of_colours_stays_so(method: ClipMethod, tmp_path: Path) -> None:
    known = know(make_video(tmp_path / "a.mp4", [40]))
    write_clip(known, Span(5, 30), tmp_path / "clip.mp4", ClipSettings(method))
    assert tags_of(tmp_path / "clip.mp4") == tags_of(known.path) == (0, 2, 2, 2)


CROP = Crop(41, 20, 90, 61)
KEPT = [
    ClipSettings("copy"),
    ClipSettings("auto"),
    ClipSettings("reencode", interlaced="keep"),
]


def cropped_video(path: Path, size_px: tuple[int, int]) -> Known:
    options = {"qscale": "2"}
    path = make_video(path, [40], size_px=size_px, codec="mpeg4", options=options)
    return glance_at(crop_mp4(path, CROP, size_px))


@pytest.mark.parametrize("settings", KEPT, ids=["copy", "auto", "keep"])
@pytest.mark.parametrize("size_px", [(160, 90), (161, 91)])
def test_the_crop_stays(size_px: tuple[int, int], settings: ClipSettings, tmp_path: Path) -> None:
    known = cropped_video(tmp_path / "a.mp4", size_px)
    clip = write_clip(known, Span(5, 30), tmp_path / "clip.mp4", settings)
    assert clip.method == settings.mode
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert crop_of(container.streams.video[0]) == CROP


@pytest.mark.parametrize("codec", ["h264", "hevc"])
@pytest.mark.parametrize("size_px", [(160, 90), (161, 91)])
def test_encoded_clips_hold_what_is_shown_alone(
    size_px: tuple[int, int], codec: Codec, tmp_path: Path
) -> None:
    known = cropped_video(tmp_path / "a.mp4", size_px)
    settings = ClipSettings("reencode", crf=10, codec=codec)
    write_clip(known, Span(5, 30), tmp_path / "clip.mp4", settings)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert crop_of(container.streams.video[0]) is None
    # Odd heights become even.
    clip = probe(tmp_path / "clip.mp4")
    assert (clip.width_px, clip.height_px) == (90, 62)
    encoded = list(FrameReader(tmp_path / "clip.mp4", clip))
    assert len(encoded) == 25
    shown = ShownPictures(known.path, known.info)
    for frame, picture in zip(
        islice(FrameReader(known.path, known.info), 5, 30), encoded, strict=True
    ):
        wanted = shown.picture(frame, size_px)
        assert np.abs(picture.picture()[:61].astype(int) - wanted).mean() < 4
