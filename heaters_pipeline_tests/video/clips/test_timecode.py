"""A clip's timecode is the source's, moved to its first frame."""

from dataclasses import replace
from fractions import Fraction
from pathlib import Path

import av
import pytest

from heaters_pipeline.video.clips.settings import ClipMethod, ClipSettings
from heaters_pipeline.video.clips.timecode import moved_timecode
from heaters_pipeline.video.media.probe import VideoInfo, probe
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import know, write_clip
from heaters_pipeline_tests.videos import make_video

NTSC, NTSC_TWICE, PAL = Fraction(30000, 1001), Fraction(60000, 1001), Fraction(25)
FILM = Fraction(24000, 1001)


@pytest.fixture(scope="module")
def info(tmp_path_factory: pytest.TempPathFactory) -> VideoInfo:
    return probe(make_video(tmp_path_factory.mktemp("a") / "a.mp4", [3]))


@pytest.mark.parametrize(
    ("written", "rate", "frames", "expected"),
    [
        ("10:00:00:00", PAL, 0, "10:00:00:00"),
        ("10:00:00:20", PAL, 30, "10:00:02:00"),
        ("23:59:59:24", PAL, 1, "00:00:00:00"),
        ("01:00:00:00", FILM, 24 * 60, "01:01:00:00"),
        ("01:00:59;29", NTSC, 1, "01:01:00;02"),
        ("01:09:59;29", NTSC, 1, "01:10:00;00"),
        # An hour of 29.97 has 107,892 frames.
        ("00:00:00;00", NTSC, 107_892, "01:00:00;00"),
        ("00:00:59:29", NTSC, 1, "00:01:00:00"),
        ("00:00:59;59", NTSC_TWICE, 1, "00:01:00;04"),
        ("00:00:00.00", NTSC, 1800, "00:01:00.02"),
    ],
)
def test_it_is_moved_by_frames(
    written: str, rate: Fraction, frames: int, expected: str, info: VideoInfo
) -> None:
    assert moved_timecode(written, frames / rate, replace(info, frame_rate=rate)) == expected


@pytest.mark.parametrize("written", ["", "later", "01:00:00", "00:00:00:25", "00:00:00;00"])
def test_what_is_none_or_does_not_fit_the_rate_is_left_out(written: str, info: VideoInfo) -> None:
    assert moved_timecode(written, Fraction(1), replace(info, frame_rate=PAL)) is None
    assert moved_timecode("00:00:00:00", Fraction(1), replace(info, frame_rate=None)) is None


def stamped(path: Path, timecode: str, rate: Fraction) -> Path:
    plain = make_video(path.with_stem("plain"), [90], frame_rate=rate, options={"g": "24"})
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.video[0])
        stream.metadata["timecode"] = timecode
        for packet in source.demux():
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    return path


@pytest.mark.parametrize("method", ["copy", "reencode"])
@pytest.mark.parametrize("extension", ["mov", "mp4"])
@pytest.mark.parametrize(
    ("written", "rate", "expected"),
    [("01:00:59;20", NTSC, "01:01:00;22"), ("09:59:59:20", PAL, "10:00:01:10")],
)
def test_clips_have_it(
    written: str,
    rate: Fraction,
    expected: str,
    extension: str,
    method: ClipMethod,
    tmp_path: Path,
) -> None:
    known = know(stamped(tmp_path / f"a.{extension}", written, rate))
    clip = write_clip(
        known, Span(30 if rate == NTSC else 40, 70), tmp_path / "c.mp4", SETTINGS[method]
    )
    assert clip.method == method
    with av.open(str(tmp_path / "c.mp4")) as container:
        said = {stream.type: stream.metadata.get("timecode") for stream in container.streams}
    assert said == {"video": expected, "data": expected}


SETTINGS = {"copy": ClipSettings("copy"), "reencode": ClipSettings("reencode", preset="ultrafast")}
