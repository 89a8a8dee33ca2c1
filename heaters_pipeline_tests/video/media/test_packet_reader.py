"""Packets are read from a place that is early enough, in whatever container."""

from pathlib import Path

import pytest

from heaters_pipeline.errors import SourceChangedError
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline_tests.video.clips.clip_sources import ENCODINGS, Encoding, know
from heaters_pipeline_tests.videos import make_video

ONE_OF_EACH_CONTAINER = {
    encoding.extension: encoding for encoding in ENCODINGS if encoding.refusal is None
}


@pytest.mark.parametrize("encoding", ONE_OF_EACH_CONTAINER.values(), ids=str)
def test_reading_starts_before_the_timestamp(encoding: Encoding, tmp_path: Path) -> None:
    known = know(encoding.write(tmp_path))
    pts = known.timeline.pts
    with SourceReader(known.path, known.info) as reader:
        for position in (0, 1, 30, 47, 95, 60, 2):
            packets = reader.packets_from(pts[position])
            timestamps = [
                packet.pts if packet.dts is None else packet.dts
                for packet in packets
                if packet.stream_index == known.info.stream_index
            ]
            first = next(at for at in timestamps if at is not None)
            assert first <= pts[position]
        whole = [
            packet.pts
            for packet in reader.packets_from_start()
            if packet.stream_index == known.info.stream_index
        ]
    assert sorted(at for at in whole if at is not None) == list(pts)


def test_a_file_that_is_another_now_is_not_read(tmp_path: Path) -> None:
    known = know(make_video(tmp_path / "a.mp4", [10]))
    make_video(tmp_path / "a.mp4", [12])
    with SourceReader(known.path, known.info) as reader, pytest.raises(SourceChangedError):
        reader.packets_from(0)
