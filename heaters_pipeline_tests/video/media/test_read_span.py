"""``read_span`` gives the very frames that reading the whole file gives."""

import struct
import zlib
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Any, NamedTuple

import av
import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heaters_pipeline.errors import SourceChangedError
from heaters_pipeline.video.media import frame_spans
from heaters_pipeline.video.media.frame_spans import read_frames, read_span
from heaters_pipeline.video.media.frames import Frame, FrameReader, decode_packet
from heaters_pipeline.video.media.probe import VideoInfo, probe
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline_tests.videos import frame_number_of, make_picture, make_video

OPEN_GOP = {"x264-params": "open-gop=1:keyint=8:min-keyint=8:bframes=3:scenecut=0"}


class Known(NamedTuple):
    """A file whose frames have all been seen."""

    path: Path
    info: VideoInfo
    timeline: Timeline
    frames: list[tuple[int, int, int, int, int]]


def _facts(frame: Frame) -> tuple[int, int, int, int, int]:
    picture = zlib.crc32(frame.picture().tobytes())
    return frame.index, frame.pts, frame.duration_ticks, frame.digest, picture


def _know(path: Path) -> Known:
    info = probe(path)
    reader = FrameReader(path, info)
    frames = [_facts(frame) for frame in reader]
    return Known(path, info, reader.timeline, frames)


def _edit_list(folder: Path) -> Path:
    """Copy packets from an I-frame on, with the first ones before zero: an edit list hides them."""
    source = make_video(folder / "whole.mp4", [40], options={"g": "16", "bf": "2"})
    path = folder / "a.mp4"
    with av.open(str(source)) as container, av.open(str(path), "w") as target:
        video = container.streams.video[0]
        stream = target.add_stream_from_template(video)
        container.seek(20 * 512, stream=video)
        for packet in container.demux(video):
            if packet.size and packet.pts is not None and packet.dts is not None:
                packet.pts, packet.dts = packet.pts - 22 * 512, packet.dts - 22 * 512
                packet.stream = stream
                target.mux(packet)
    return path


def _damaged(folder: Path) -> Path:
    path = make_video(folder / "a.mp4", [60], options={"g": "20", "bf": "2"})
    content = bytearray(path.read_bytes())
    middle = len(content) // 3
    content[middle : middle + 400] = np.random.default_rng(1).bytes(400)
    path.write_bytes(content)
    return path


def _palette_in_the_first_packet(folder: Path) -> Path:
    path = folder / "a.avi"
    palette = np.random.default_rng(1).integers(0, 256, (256, 4), np.uint8)
    with av.open(str(path), "w") as container:
        stream = container.add_stream("rawvideo", 25)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "pal8"
        for number in range(12):
            indices = make_picture(number)[:, :, 0]
            frame = av.VideoFrame.from_ndarray((indices, palette), "pal8")  # type: ignore[arg-type]
            frame.pts = number
            container.mux(stream.encode(frame))
    return path


FILES: dict[str, Callable[[Path], Path]] = {
    "closed GOP": lambda folder: make_video(folder / "a.mp4", [40], options={"g": "9", "bf": "2"}),
    "open GOP": lambda folder: make_video(folder / "a.mkv", [40], options=OPEN_GOP),
    "open GOP in TS": lambda folder: make_video(folder / "a.ts", [40], options=OPEN_GOP),
    "one long GOP": lambda folder: make_video(
        folder / "a.mp4", [20, 20], options={"g": "999", "sc_threshold": "0", "bf": "3"}
    ),
    "MPEG-2 program stream": lambda folder: make_video(
        folder / "a.mpg", [40], codec="mpeg2video", options={"g": "9", "bf": "2"}
    ),
    "AVI without timestamps": lambda folder: make_video(
        folder / "a.avi", [40], options={"g": "9", "bf": "3"}
    ),
    "variable rate": lambda folder: make_video(
        folder / "a.mkv",
        [40],
        pts=[number * 40 + number * number for number in range(40)],
        time_base=Fraction(1, 1000),
        options={"g": "9"},
    ),
    "starts late": lambda folder: make_video(
        folder / "a.mkv",
        [40],
        pts=range(2500, 4100, 40),
        time_base=Fraction(1, 1000),
        options={"g": "9"},
    ),
    "fragmented": lambda folder: make_video(
        folder / "a.mp4",
        [40],
        options={"g": "9", "bf": "2"},
        container_options={"movflags": "frag_keyframe+empty_moov"},
    ),
    "edit list": _edit_list,
    "palette": _palette_in_the_first_packet,
}


@pytest.fixture(scope="module", params=FILES.values(), ids=list(FILES))
def known(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Known:
    return _know(request.param(tmp_path_factory.mktemp("video")))


@settings(max_examples=12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_a_span_holds_the_same_frames_as_the_whole_file(known: Known, data: st.DataObject) -> None:
    start = data.draw(st.integers(0, len(known.frames) - 1))
    end = data.draw(st.integers(start + 1, min(start + 15, len(known.frames))))
    span = read_span(known.path, known.info, known.timeline, Span(start, end))
    assert [_facts(frame) for frame in span] == known.frames[start:end]


def test_a_span_of_a_damaged_file_holds_the_same_times(tmp_path: Path) -> None:
    # Not the same pictures: decoders do not patch damage up in the same way each time.
    known = _know(_damaged(tmp_path))
    times = [facts[:3] for facts in known.frames]
    for start in range(0, len(times) - 5, 3):
        span = read_span(known.path, known.info, known.timeline, Span(start, start + 5))
        assert [_facts(frame)[:3] for frame in span] == times[start : start + 5]


def test_frames_before_an_open_i_frame_need_the_one_before_only(tmp_path: Path) -> None:
    known = _know(make_video(tmp_path / "a.mp4", [120], options=OPEN_GOP))
    content = bytearray(known.path.read_bytes())
    start = content.index(b"mdat") + 4
    content[start : start + 4000] = bytes(4000)
    known.path.write_bytes(content)
    for index in range(90, 110):
        (frame,) = read_span(known.path, known.info, known.timeline, Span(index, index + 1))
        assert _facts(frame) == known.frames[index]


@pytest.fixture
def two_scenes(tmp_path: Path) -> Known:
    return _know(make_video(tmp_path / "a.mp4", [40, 40], options={"g": "40", "bf": "0"}))


def test_a_span_does_not_need_what_lies_before_its_i_frame(two_scenes: Known) -> None:
    content = bytearray(two_scenes.path.read_bytes())
    start = content.index(b"mdat") + 4
    content[start : start + 2000] = bytes(2000)
    two_scenes.path.write_bytes(content)
    span = read_span(two_scenes.path, two_scenes.info, two_scenes.timeline, Span(50, 53))
    assert [frame_number_of(frame.picture()) for frame in span] == [50, 51, 52]


def _shorter(path: Path) -> None:
    make_video(path, [75])


def _faster(path: Path) -> None:
    every_frame = struct.pack(">2I", 80, 512)
    path.write_bytes(path.read_bytes().replace(every_frame, struct.pack(">2I", 80, 500)))


@pytest.mark.parametrize("replace", [_shorter, _faster])
@pytest.mark.parametrize("span", [Span(10, 20), Span(70, 80)])
def test_a_file_that_was_replaced_is_noticed(
    two_scenes: Known, replace: Callable[[Path], None], span: Span
) -> None:
    replace(two_scenes.path)
    with pytest.raises(SourceChangedError, match="replaced while it was processed"):
        list(read_span(two_scenes.path, two_scenes.info, two_scenes.timeline, span))


def test_a_span_after_the_end_is_refused(two_scenes: Known) -> None:
    with pytest.raises(ValueError, match="ends after the 80 frames"):
        list(read_span(two_scenes.path, two_scenes.info, two_scenes.timeline, Span(79, 81)))


@pytest.mark.parametrize("b_frames", ["0", "3"])
def test_single_frames_are_those_of_the_whole_and_others_are_left_out(
    tmp_path: Path, b_frames: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    options = {"g": "60", "bf": b_frames, "b_strategy": "0", "sc_threshold": "0"}
    path = make_video(tmp_path / "video.mp4", (200,), options=options)
    known = _know(path)
    fed: list[int | None] = []

    def noting(stream: Any, packet: Any) -> Any:
        fed.append(None if packet is None else packet.pts)
        return decode_packet(stream, packet)

    monkeypatch.setattr(frame_spans, "decode_packet", noting)
    wanted = [3, 70, 71, 130, 199]
    found = list(read_frames(path, known.info, known.timeline, wanted))
    assert [_facts(frame) for frame in found] == [known.frames[index] for index in wanted]
    # Half of the frames with B-frames in a pyramid are referred to.
    assert len(fed) <= 110 if b_frames == "3" else len(fed) >= 200
