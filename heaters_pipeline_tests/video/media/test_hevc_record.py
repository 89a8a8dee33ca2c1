"""The header of HEVC tracks holds the source's parameter sets and others beside them."""

from pathlib import Path

import av
import pytest

from heaters_pipeline.video.media.hevc_record import HevcRecord
from heaters_pipeline.video.media.hevc_sets import SLICE_PPS_IDS, SetIds
from heaters_pipeline_tests.videos import make_video


def extradata_of(path: Path, params: str = "", pixel_format: str = "yuv420p") -> bytes:
    options = {"preset": "ultrafast", "x265-params": f"log-level=none:{params}".rstrip(":")}
    make_video(path, [6], codec="libx265", options=options, pixel_format=pixel_format)
    with av.open(str(path)) as container:
        return container.streams.video[0].codec_context.extradata or b""


@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le", "yuv422p10le"])
def test_a_header_is_written_as_it_was_read(pixel_format: str, tmp_path: Path) -> None:
    extradata = bytearray(extradata_of(tmp_path / "a.mkv", "", pixel_format))
    # How pictures are divided does not hold for others.
    extradata[13:16] = bytes([0xF0, 0, 0xFC])
    record = HevcRecord.parse(bytes(extradata))
    assert record.encode(is_complete=False) == extradata
    assert HevcRecord.parse(record.encode(is_complete=True)) == record


def test_streams_for_broadcasting_give_the_same_header(tmp_path: Path) -> None:
    boxed = HevcRecord.parse(extradata_of(tmp_path / "a.mp4", "info=0"))
    streamed = HevcRecord.parse(extradata_of(tmp_path / "a.ts", "info=0"))
    assert streamed.units == boxed.units
    written = streamed.encode(is_complete=False)
    assert written == boxed.encode(is_complete=False)


def test_zeros_behind_a_unit_are_no_part_of_it(tmp_path: Path) -> None:
    streamed = extradata_of(tmp_path / "a.ts", "info=0")
    record = HevcRecord.parse(streamed)
    assert HevcRecord.parse(streamed.rstrip(b"\0")) == record
    assert HevcRecord.parse(streamed + b"\0\0") == record


def test_others_stand_beside_those_of_the_source(tmp_path: Path) -> None:
    source = HevcRecord.parse(extradata_of(tmp_path / "a.mp4"))
    other = HevcRecord.parse(extradata_of(tmp_path / "b.mp4", "ref=4"))
    assert source.free_ids == SetIds(1, 1, SLICE_PPS_IDS[0])
    ids = SetIds(1, 1, SLICE_PPS_IDS[0])
    sets = [ids.apply(unit, source.sps.profile) for unit in other.units]
    joined = source.with_sets(sets)
    assert joined.free_ids == SetIds(2, 2, SLICE_PPS_IDS[1])
    assert joined.sps == source.sps
    assert sorted(HevcRecord.parse(joined.encode(is_complete=True)).units) == sorted(joined.units)
    assert joined.with_sets(sets) == joined


def test_another_set_under_the_same_id_is_a_change(tmp_path: Path) -> None:
    source = HevcRecord.parse(extradata_of(tmp_path / "a.mp4", "ref=1"))
    other = HevcRecord.parse(extradata_of(tmp_path / "b.mp4", "ref=5"))
    with pytest.raises(ValueError, match="parameter sets change"):
        source.with_sets(other.units)


def test_there_may_be_no_free_id(tmp_path: Path) -> None:
    record = HevcRecord.parse(extradata_of(tmp_path / "a.mp4"))
    for number in SLICE_PPS_IDS:
        ids = SetIds(1, 1, number)
        record = record.with_sets(
            [ids.apply(unit, record.sps.profile) for unit in record.units[2:3]]
        )
    assert record.free_ids is None


@pytest.mark.parametrize("extradata", [b"", b"\x01", b"\x01" + bytes(22), b"\0\0\0\1\x46\x01\x10"])
def test_a_header_without_parameter_sets_is_refused(extradata: bytes) -> None:
    with pytest.raises(ValueError, match="holds no parameter sets"):
        HevcRecord.parse(extradata)


def test_a_header_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    extradata = extradata_of(tmp_path / "a.mp4")
    with pytest.raises(ValueError, match="cut short"):
        HevcRecord.parse(extradata[:40])
