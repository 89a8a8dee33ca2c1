"""What the units of HEVC say of a source: where other parameter sets may hold, and what forbids it.

Those of H.264 are looked at in ``test_auto``.
"""

from collections.abc import Iterator
from pathlib import Path

import av
import pytest

from heaters_pipeline.errors import ClipError
from heaters_pipeline.video.clips.source_units import SourceUnits, source_units
from heaters_pipeline.video.media.nal_units import UnitReader, hevc_type, sized
from heaters_pipeline_tests.videos import make_video

RPU = b"\x7c\x01\x19\x08\x09"
HDR10_PLUS = b"\x4e\x01\x04\x08\xb5\x00\x3c\x00\x01\x04\x01\x40\x80"
OTHER_LAYER = b"\x02\x09\xd0\x80"


def made(path: Path, params: str, **more: object) -> tuple[bytes, list[bytes]]:
    """Header and packets of a stream with a GOP of six frames."""
    options = {"preset": "ultrafast", "x265-params": f"log-level=none:keyint=6:{params}"}
    make_video(path, [24], codec="libx265", options=options, **more)  # type: ignore[arg-type]
    with av.open(str(path)) as container:
        header = container.streams.video[0].codec_context.extradata or b""
        return header, [bytes(packet) for packet in container.demux(video=0) if packet.size]


def units_of(header: bytes, samples: list[bytes]) -> tuple[SourceUnits, list[bool]]:
    units = source_units("hevc", header)
    assert units is not None
    return units, [units.note(av.Packet(sample)) for sample in samples]


def types_of(header: bytes, sample: bytes) -> Iterator[int]:
    return (hevc_type(unit) for unit in UnitReader("hevc", header).units(memoryview(sample)))


@pytest.mark.parametrize("extension", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize("params", ["open-gop=1:bframes=2", "open-gop=0:bframes=2"])
def test_sets_may_change_at_irap_pictures(params: str, extension: str, tmp_path: Path) -> None:
    header, samples = made(tmp_path / f"a.{extension}", params)
    units, switches = units_of(header, samples)
    assert units.refusal is None
    is_point = [any(16 <= kind < 22 for kind in types_of(header, each)) for each in samples]
    assert switches == is_point
    assert sum(switches) >= 4


def test_where_pictures_before_would_not_be_shown_nothing_changes(tmp_path: Path) -> None:
    header, samples = made(tmp_path / "a.mp4", "open-gop=0:info=0")
    silent = []
    for sample in samples:
        changed = bytearray(sample)
        for unit in UnitReader("hevc", header).units(memoryview(changed)):
            if 16 <= hevc_type(unit) < 22:
                # The flag no_output_of_prior_pics_flag.
                unit[2] |= 0x40
        silent.append(bytes(changed))
    assert not any(units_of(header, silent)[1])


@pytest.mark.parametrize(
    ("unit", "reason"),
    [
        (RPU, "would lack its Dolby Vision"),
        (HDR10_PLUS, "would lack its HDR10+"),
        (OTHER_LAYER, "more than one layer"),
    ],
)
def test_units_that_no_encoder_makes_keep_frames_from_being_joined(
    unit: bytes, reason: str, tmp_path: Path
) -> None:
    header, samples = made(tmp_path / "a.mp4", "bframes=2")
    units, switches = units_of(header, [*samples[:9], samples[9] + sized([unit]), *samples[10:]])
    assert reason in str(units.refusal)
    assert sum(switches) >= 4


def test_fields_are_not_joined(tmp_path: Path) -> None:
    header, samples = made(tmp_path / "a.mp4", "interlace=tff", size_px=(160, 96))
    assert "fields" in str(units_of(header, samples)[0].refusal)


def test_sets_that_change_are_not_joined(tmp_path: Path) -> None:
    header, samples = made(tmp_path / "a.ts", "ref=1:repeat-headers=1")
    _, others = made(tmp_path / "b.ts", "ref=5:repeat-headers=1")
    assert units_of(header, samples)[0].refusal is None
    assert units_of(header, samples + others)[0].refusal == "its parameter sets change"


def test_other_sizes_are_not_joined(tmp_path: Path) -> None:
    header, _ = made(tmp_path / "a.mp4", "bframes=2")
    short = header[:21] + bytes([header[21] & 0xFC | 1]) + header[22:]
    assert "four bytes" in str(units_of(short, [])[0].refusal)


def test_without_sets_in_the_header_nothing_is_joined(tmp_path: Path) -> None:
    _, samples = made(tmp_path / "a.mp4", "bframes=2:repeat-headers=1")
    bare = b"\1" + bytes(20) + b"\3\0"
    units, switches = units_of(bare, samples)
    assert (units.refusal, units.sets) == ("its header holds no parameter sets", None)
    assert sum(switches) >= 4


def test_other_codecs_have_no_such_units() -> None:
    assert source_units("vp9", b"") is None
    with pytest.raises(ClipError, match="cannot be copied"):
        source_units("h264", b"")
