"""The header of H.264 tracks holds the source's parameter sets and others beside them."""

from pathlib import Path

import av
import pytest

from heaters_pipeline.video.media.avc_record import AvcRecord
from heaters_pipeline.video.media.h264_sets import set_id
from heaters_pipeline_tests.videos import make_video


def extradata_of(path: Path, params: str, pixel_format: str = "yuv420p") -> bytes:
    options = {"preset": "ultrafast", "x264-params": params}
    make_video(path, [6], options=options, pixel_format=pixel_format)
    with av.open(str(path)) as container:
        return container.streams.video[0].codec_context.extradata or b""


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le", "yuv422p10le"])
def test_a_header_is_written_as_it_was_read(pixel_format: str, tmp_path: Path) -> None:
    extradata = extradata_of(tmp_path / "a.mp4", "8x8dct=1", pixel_format)
    assert AvcRecord.parse(extradata).encode() == extradata


def test_streams_for_broadcasting_give_the_same_header(tmp_path: Path) -> None:
    boxed = extradata_of(tmp_path / "a.mp4", "8x8dct=1")
    streamed = extradata_of(tmp_path / "a.ts", "8x8dct=1")
    assert AvcRecord.parse(streamed) == AvcRecord.parse(boxed)


def test_others_stand_beside_those_of_the_source(tmp_path: Path) -> None:
    source = AvcRecord.parse(extradata_of(tmp_path / "a.mp4", "8x8dct=1"))
    other = AvcRecord.parse(extradata_of(tmp_path / "b.mp4", "sps-id=5"))
    assert source.free_id == 1
    joined = source.with_sets([*other.sps, *other.pps])
    assert [set_id(unit) for unit in joined.sps] == [0, 5]
    assert [set_id(unit) for unit in joined.pps] == [0, 5]
    assert AvcRecord.parse(joined.encode()) == joined
    assert joined.with_sets(other.sps) == joined


def test_another_set_under_the_same_id_is_a_change(tmp_path: Path) -> None:
    source = AvcRecord.parse(extradata_of(tmp_path / "a.mp4", "ref=1"))
    other = AvcRecord.parse(extradata_of(tmp_path / "b.mp4", "ref=3"))
    with pytest.raises(ValueError, match="parameter sets change"):
        source.with_sets(other.sps)


@pytest.mark.parametrize("extradata", [b"", b"\x01", b"\x01dMM\xff\xe0\x00", b"\0\0\0\1\x09\x10"])
def test_a_header_without_parameter_sets_is_refused(extradata: bytes) -> None:
    with pytest.raises(ValueError, match="holds no parameter sets"):
        AvcRecord.parse(extradata)


def test_a_header_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    extradata = extradata_of(tmp_path / "a.mp4", "ref=1")
    with pytest.raises(ValueError, match="cut short"):
        AvcRecord.parse(extradata[:12])
