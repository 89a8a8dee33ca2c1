"""Side data that PyAV has no name for is passed over."""

import struct
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import cv2
import pytest

from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.hdr_metadata import HdrMetadata
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline_tests.videos import frame_number_of, make_picture

# An EXIF segment with one entry (ImageDescription, "A"), as cameras put it behind a JPEG's start.
TIFF = b"II*\0" + struct.pack("<IHHHI4sI", 8, 1, 0x010E, 2, 2, b"A\0\0\0", 0)
SEGMENT = b"\xff\xe1" + struct.pack(">H", 2 + 6 + len(TIFF)) + b"Exif\0\0" + TIFF


@pytest.fixture
def time_lapse(tmp_path: Path) -> Path:
    """Photos of a camera, copied into a video one after the other."""
    path = tmp_path / "lapse.mov"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mjpeg", 25)
        stream.width, stream.height, stream.pix_fmt = 160, 90, "yuvj420p"
        for number in range(12):
            picture = cv2.imencode(".jpg", make_picture(number))[1].tobytes()
            packet = av.Packet(picture[:2] + SEGMENT + picture[2:])
            packet.pts = packet.dts = number
            packet.time_base = Fraction(1, 25)
            packet.stream = stream
            container.mux(packet)
    return path


def test_photos_with_exif_are_read(time_lapse: Path) -> None:
    frames = list(FrameReader(time_lapse, probe(time_lapse)))
    assert [frame_number_of(frame.picture()) for frame in frames] == list(range(12))
    # PyAV's stubs take it for a mapping, of which this would give the keys.
    side_data: list[Any] = [data for frame in frames for data in frame.decoded.side_data]
    kinds = {data.type.value for data in side_data}
    assert 31 in kinds
    assert {HdrMetadata.of(frame.decoded) for frame in frames} == {HdrMetadata()}
