"""Parameter sets of H.264, read as x264 writes them."""

from collections.abc import Mapping
from pathlib import Path

import av
import pytest

from heaters_pipeline.video.media.avc_record import AvcRecord
from heaters_pipeline.video.media.bit_reader import BitReader
from heaters_pipeline.video.media.h264_sets import parse_sps, set_id
from heaters_pipeline_tests.videos import make_video


def record_of(path: Path) -> AvcRecord:
    with av.open(str(path)) as container:
        return AvcRecord.parse(container.streams.video[0].codec_context.extradata or b"")


def encoded(path: Path, params: str, **more: object) -> AvcRecord:
    options: Mapping[str, str] = {"preset": "ultrafast", "x264-params": params}
    return record_of(make_video(path, [6], options=options, **more))  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("params", "reordered", "buffered", "references"),
    [
        ("bframes=0:ref=1", 0, 1, 1),
        ("bframes=2:b-pyramid=none:ref=2:b-adapt=0", 1, 2, 2),
        ("bframes=3:b-pyramid=normal:ref=4:b-adapt=0", 2, 4, 4),
        ("bframes=3:b-pyramid=none:ref=1:dpb-size=7:b-adapt=0", 1, 7, 7),
    ],
)
def test_buffer_and_reordering_are_read(
    params: str, reordered: int, buffered: int, references: int, tmp_path: Path
) -> None:
    sps = parse_sps(encoded(tmp_path / "a.mp4", params).sps[0])
    found = (sps.reordered_frames, sps.buffered_frames, sps.reference_frames)
    assert found == (reordered, buffered, references)
    assert (sps.sps_id, sps.frames_only, sps.chroma_format_idc) == (0, True, 1)


@pytest.mark.parametrize(
    ("pixel_format", "params", "profile_idc", "chroma", "depth"),
    [
        ("yuv420p", "cabac=0:8x8dct=0:bframes=0:weightp=0", 66, 1, 8),
        ("yuv420p", "8x8dct=0:cabac=1", 77, 1, 8),
        ("yuv420p", "8x8dct=1:cqm=jvt", 100, 1, 8),
        ("yuv420p10le", "", 110, 1, 10),
        ("yuv422p10le", "", 122, 2, 10),
        ("yuv444p", "cqm=jvt:8x8dct=1", 244, 3, 8),
    ],
)
def test_profiles_and_kinds_of_samples_are_read(
    pixel_format: str, params: str, profile_idc: int, chroma: int, depth: int, tmp_path: Path
) -> None:
    params = f"level=40:{params}".rstrip(":")
    sps = parse_sps(encoded(tmp_path / "a.mp4", params, pixel_format=pixel_format).sps[0])
    assert (sps.profile_idc, sps.level_idc) == (profile_idc, 40)
    assert (sps.chroma_format_idc, sps.bit_depth_luma, sps.bit_depth_chroma) == (
        chroma,
        depth,
        depth,
    )


def test_fields_bit_rate_and_shape_of_pixels_do_not_lead_astray(tmp_path: Path) -> None:
    params = "tff=1:nal-hrd=vbr:vbv-maxrate=800:vbv-bufsize=800:bitrate=600:sar=5/4:bframes=1"
    params += ":b-pyramid=none:ref=3:colorprim=bt709:transfer=bt709:colormatrix=bt709:chromaloc=1"
    sps = parse_sps(encoded(tmp_path / "a.ts", params, size_px=(160, 96)).sps[0])
    assert not sps.frames_only
    assert (sps.reordered_frames, sps.buffered_frames) == (1, 3)


def test_ids_are_read_of_both_kinds(tmp_path: Path) -> None:
    record = encoded(tmp_path / "a.mp4", "sps-id=9")
    assert [set_id(unit) for unit in record.sps + record.pps] == [9, 9]
    assert record.free_id == 0


def test_bits_are_read_without_what_keeps_start_codes_away() -> None:
    # The header's byte, then 0, 0, and 1 behind the byte that was put in.
    bits = BitReader.of_unit(b"\x67\x00\x00\x03\x01")
    assert [bits.number(16), bits.number(8)] == [0, 1]
    with pytest.raises(ValueError, match="cut short"):
        bits.flag()


@pytest.mark.parametrize(
    ("coded", "number", "signed"),
    [("1", 0, 0), ("010", 1, 1), ("011", 2, -1), ("00100", 3, 2), ("0001000", 7, 4)],
)
def test_exp_golomb_numbers(coded: str, number: int, signed: int) -> None:
    unit = b"\0" + int(coded.ljust(8, "1"), 2).to_bytes(1, "big")
    assert BitReader.of_unit(unit).exp_golomb() == number
    assert BitReader.of_unit(unit).signed_exp_golomb() == signed


def test_a_set_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    (sps,) = encoded(tmp_path / "a.mp4", "bframes=0").sps
    for length in range(1, len(sps) - 2):
        with pytest.raises(ValueError, match="cut short"):
            parse_sps(sps[:length])
