"""Parameter sets of HEVC, read and renumbered, as x265 writes them and PyAV reads them."""

from dataclasses import replace
from pathlib import Path

import av
import pytest

from heaters_pipeline.video.media.bit_reader import escaped, unescaped
from heaters_pipeline.video.media.hevc_record import HevcRecord
from heaters_pipeline.video.media.hevc_sets import (
    PARAMETER_SETS,
    PPS,
    SLICE_PPS_IDS,
    SPS,
    VPS,
    SetIds,
    after_broken_link,
    parse_sps,
    set_id,
)
from heaters_pipeline.video.media.nal_units import (
    HEVC_BLA_N_LP,
    HEVC_CRA,
    UnitReader,
    hevc_layer,
    hevc_type,
    sized,
)
from heaters_pipeline_tests.videos import make_video


def encoded(path: Path, params: str = "", frames: int = 8, **more: object) -> Path:
    options = {"preset": "ultrafast", "x265-params": f"log-level=none:{params}".rstrip(":")}
    return make_video(path, [frames], codec="libx265", options=options, **more)  # type: ignore[arg-type]


def record_of(path: Path) -> HevcRecord:
    with av.open(str(path)) as container:
        return HevcRecord.parse(container.streams.video[0].codec_context.extradata or b"")


def samples_of(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


def units_of(sample: bytes, record: HevcRecord) -> list[bytes]:
    reader = UnitReader("hevc", record.encode(is_complete=True))
    return [bytes(unit) for unit in reader.units(memoryview(sample))]


def pictures_of(header: bytes, samples: list[bytes]) -> list[bytes]:
    decoder = av.CodecContext.create("hevc", "r")
    decoder.extradata = header
    pictures = [each for sample in samples for each in decoder.decode(av.Packet(sample))]
    return [each.to_ndarray().tobytes() for each in [*pictures, *decoder.decode(None)]]


def type_of(unit: bytes) -> int:
    return hevc_type(memoryview(unit))


@pytest.mark.parametrize(
    ("pixel_format", "profile_idc", "chroma", "depth"),
    [
        ("yuv420p", 1, 1, 8),
        ("yuv420p10le", 2, 1, 10),
        ("yuv422p10le", 4, 2, 10),
        ("yuv444p", 4, 3, 8),
        ("gray", 4, 0, 8),
    ],
)
def test_profiles_and_kinds_of_samples_are_read(
    pixel_format: str, profile_idc: int, chroma: int, depth: int, tmp_path: Path
) -> None:
    path = encoded(tmp_path / "a.mp4", "level-idc=51:high-tier=0", pixel_format=pixel_format)
    sps = record_of(path).sps
    found = (sps.profile_idc, sps.chroma_format_idc, sps.bit_depth_luma, sps.bit_depth_chroma)
    assert found == (profile_idc, chroma, depth, depth)
    assert sps.profile[-1] == 30 * 5.1
    assert (sps.sps_id, sps.vps_id) == (0, 0)
    assert not sps.has_i_frames_alone


@pytest.mark.parametrize(
    ("params", "buffered", "layers"),
    [
        ("bframes=0:ref=1", 3, 1),
        ("bframes=3:b-pyramid=0:ref=1", 4, 1),
        ("bframes=3:b-pyramid=1:ref=1", 5, 1),
        ("bframes=3:b-pyramid=1:ref=6", 7, 1),
        ("bframes=3:temporal-layers=2", 5, 2),
    ],
)
def test_buffer_and_layers_are_read(
    params: str, buffered: int, layers: int, tmp_path: Path
) -> None:
    sps = record_of(encoded(tmp_path / "a.mp4", params)).sps
    assert (sps.buffered_pictures, sps.temporal_layers) == (buffered, layers)


def test_fields_are_told(tmp_path: Path) -> None:
    assert not record_of(encoded(tmp_path / "a.mp4")).sps.is_interlaced
    assert record_of(
        encoded(tmp_path / "b.mp4", "interlace=tff", size_px=(160, 96))
    ).sps.is_interlaced


def test_profiles_of_lower_layers_are_skipped(tmp_path: Path) -> None:
    unit = next(
        each for each in record_of(encoded(tmp_path / "a.mp4")).units if type_of(each) == SPS
    )
    bits = "".join(f"{byte:08b}" for byte in unescaped(unit))
    # Three layers, of whose lower two the first has a profile and the second a level.
    said = "10" + "01" + "00" * 6 + "1" * 88 + "0" * 8
    bits = bits[:20] + "010" + bits[23 : 24 + 96] + said + bits[24 + 96 :]
    layered = escaped(
        int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8), "big")
    )
    plain, found = parse_sps(unit), parse_sps(layered)
    assert found.temporal_layers == 3
    assert (found.chroma_format_idc, found.bit_depth_luma) == (1, 8)
    assert found.profile == plain.profile


def test_a_set_that_is_cut_short_is_refused(tmp_path: Path) -> None:
    unit = next(
        each for each in record_of(encoded(tmp_path / "a.mp4")).units if type_of(each) == SPS
    )
    for length in range(2, 24):
        with pytest.raises(ValueError, match="cut short"):
            parse_sps(unit[:length])


STREAMS = {
    "closed": "bframes=3:open-gop=0:keyint=6",
    "open": "bframes=3:open-gop=1:keyint=6",
    "slices": "bframes=2:slices=2",
    "one thread": "pools=none",
    "weights": "weightb=1:ref=4:bframes=4",
    "lists": "scaling-list=default:amp=1:tu-intra-depth=3",
}


@pytest.mark.parametrize("stream", STREAMS)
@pytest.mark.parametrize("pps_id", [SLICE_PPS_IDS[0], 22, SLICE_PPS_IDS[-1]])
@pytest.mark.parametrize("pixel_format", ["yuv420p", "yuv420p10le"])
def test_renumbered_streams_decode_to_the_same_pictures(
    stream: str, pps_id: int, pixel_format: str, tmp_path: Path
) -> None:
    path = encoded(tmp_path / "a.mp4", STREAMS[stream], 24, pixel_format=pixel_format)
    record, ids = record_of(path), SetIds(15, 7, pps_id)
    changed = replace(
        record, units=tuple(ids.apply(unit, record.sps.profile) for unit in record.units)
    )
    sets = [unit for unit in changed.units if type_of(unit) in PARAMETER_SETS]
    assert [set_id(unit) for unit in sets] == [15, 7, pps_id]
    samples, others = samples_of(path), []
    for sample in samples:
        units = [ids.apply(unit, record.sps.profile) for unit in units_of(sample, record)]
        # Nothing in them looks like a start code, and no byte too many keeps them away.
        assert all(escaped(unescaped(unit)) == unit for unit in units)
        others.append(sized(units))
    expected = pictures_of(record.encode(is_complete=True), samples)
    assert len(expected) == 24
    assert pictures_of(changed.encode(is_complete=True), others) == expected
    # Both in one stream, whose header has the parameter sets of both.
    both = record.with_sets(sets).encode(is_complete=True)
    found = pictures_of(both, [*others, *samples, *others])
    assert found == 3 * expected


def test_parameter_sets_say_the_profile_that_they_are_given(tmp_path: Path) -> None:
    record = record_of(encoded(tmp_path / "a.mp4"))
    other = record_of(encoded(tmp_path / "b.mp4", "level-idc=62", pixel_format="yuv420p10le")).sps
    ids = SetIds(1, 2, 16)
    units = {type_of(unit): ids.apply(unit, other.profile) for unit in record.units}
    assert replace(parse_sps(units[SPS]), sps_id=0, vps_id=0) == replace(
        record.sps, profile=other.profile
    )
    assert other.profile in unescaped(units[VPS])
    assert [set_id(units[kind]) for kind in (VPS, SPS, PPS)] == [1, 2, 16]


def test_what_is_not_numbered_0_is_refused(tmp_path: Path) -> None:
    path = encoded(tmp_path / "a.mp4")
    record, ids = record_of(path), SetIds(3, 4, 18)
    slices = units_of(samples_of(path)[0], record)[-1:]
    for unit in (*record.units, *slices):
        changed = ids.apply(unit, record.sps.profile)
        if type_of(unit) in (*PARAMETER_SETS, type_of(slices[0])):
            with pytest.raises(ValueError, match="in another way"):
                ids.apply(changed, record.sps.profile)
        else:
            assert changed == unit


def test_cra_pictures_become_bla_pictures_and_nothing_else_changes(tmp_path: Path) -> None:
    path = encoded(tmp_path / "a.mp4", "open-gop=1:keyint=6:bframes=2:slices=2", 24)
    record, seen = record_of(path), 0
    for sample in samples_of(path):
        for before in units_of(sample, record):
            after = after_broken_link(before)
            assert before[1:] == after[1:]
            assert (before[0] ^ after[0]) & 0x81 == 0
            is_cra = type_of(before) == HEVC_CRA
            assert type_of(after) == (HEVC_BLA_N_LP if is_cra else type_of(before))
            seen += is_cra
    assert seen >= 4


def test_layers_are_told() -> None:
    assert hevc_layer(memoryview(b"\x40\x01")) == 0
    assert hevc_layer(memoryview(b"\x40\x09")) == 1
    assert hevc_layer(memoryview(b"\x41\x01")) == 32
