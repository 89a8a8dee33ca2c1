"""HEVC clips of the mode ``auto`` are joined of copied and encoded frames, as those of H.264."""

from itertools import pairwise
from pathlib import Path

import av
import pytest

from heaters_pipeline.video.clips import splice
from heaters_pipeline.video.media.hdr_metadata import HdrMetadata
from heaters_pipeline.video.media.hevc_record import HevcRecord
from heaters_pipeline.video.media.hevc_sets import PARAMETER_SETS
from heaters_pipeline.video.media.nal_units import (
    HEVC_BLA_N_LP,
    HEVC_CRA,
    HEVC_IRAP_TYPES,
    UnitReader,
    hevc_type,
)
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.auto_clips import (
    lumas,
    make_all,
    numbers_in,
    path_of,
    psnr_db,
    remux,
)
from heaters_pipeline_tests.video.clips.clip_sources import know
from heaters_pipeline_tests.videos import frame_number_of, make_video

STRUCTURES = {
    "closed": ("open-gop=0:bframes=3", "yuv420p"),
    "leading that need nothing": ("open-gop=0:radl=3:bframes=3", "yuv420p"),
    "open": ("open-gop=1:bframes=4", "yuv420p"),
    "open, no pyramid": ("open-gop=1:bframes=3:b-pyramid=0", "yuv420p"),
    "open, no B-frames": ("open-gop=1:bframes=0", "yuv420p"),
    "10 bits": ("open-gop=1:bframes=3", "yuv420p10le"),
    "4:2:2": ("open-gop=1:bframes=3", "yuv422p10le"),
    "layers": ("open-gop=1:bframes=3:temporal-layers=2", "yuv420p"),
    "sets in band": ("open-gop=1:bframes=3:repeat-headers=1:aud=1", "yuv420p"),
}


@pytest.mark.parametrize("structure", STRUCTURES)
@pytest.mark.parametrize("extension", ["mp4", "mkv", "ts"])
def test_frames_of_hevc_come_in_order_across_switches(
    structure: str, extension: str, tmp_path: Path
) -> None:
    params, pixel_format = STRUCTURES[structure]
    known = know(make_hevc(tmp_path / f"a.{extension}", params, pixel_format))
    spans = [Span(24, 96), Span(30, 101), Span(24, 94), Span(17, 72), Span(0, 120), Span(2, 20)]
    made = make_all(known, spans, tmp_path, verify="full")
    assert made[Span(0, 120)].copied == (Span(0, 120),)
    assert made[Span(17, 72)].copied[0].start == 24
    assert made[Span(24, 96)].copied[0].start == 24
    (middle,) = made[Span(30, 101)].copied
    assert middle.start == 48
    assert 93 <= middle.end <= 101
    assert made[Span(2, 20)].copied == ()
    in_source, headers = lumas(known.path), set()
    for span in spans:
        path = path_of(tmp_path, span)
        assert numbers_in(path) == list(range(span.start, span.end))
        close = zip(lumas(path), in_source[span.start : span.end], strict=True)
        assert min(psnr_db(*pair) for pair in close) >= 44
        headers.add(header_of(path))
    # What was encoded whole, too.
    assert len(headers) == 1


def make_hevc(path: Path, params: str, pixel_format: str = "yuv420p", frames: int = 120) -> Path:
    params = f"log-level=none:keyint=24:scenecut=0:{params}"
    options = {"preset": "ultrafast", "crf": "26", "x265-params": params}
    return make_video(path, [frames], codec="libx265", options=options, pixel_format=pixel_format)


def header_of(path: Path) -> tuple[str, bytes | None]:
    with av.open(str(path)) as container:
        context = container.streams.video[0].codec_context
        return context.codec_tag, context.extradata


def test_parameter_sets_of_hevc_stand_in_the_header_and_where_decoding_can_begin(
    tmp_path: Path,
) -> None:
    known = know(make_hevc(tmp_path / "a.mp4", "open-gop=1:bframes=3"))
    span = Span(13, 101)
    make_all(known, [span, Span(0, 120)], tmp_path)
    tag, header = header_of(path_of(tmp_path, span))
    assert (tag, header) == header_of(path_of(tmp_path, Span(0, 120)))
    assert tag == "hvc1"
    found = [hevc_type(memoryview(unit)) for unit in HevcRecord.parse(header or b"").units]
    assert [found.count(kind) for kind in PARAMETER_SETS] == [2, 2, 2]
    reader = UnitReader("hevc", header or b"")
    points = []
    with av.open(str(path_of(tmp_path, span))) as container:
        for packet in (each for each in container.demux(video=0) if each.size):
            *sets, kind = [hevc_type(unit) for unit in reader.units(memoryview(packet))]
            assert set(PARAMETER_SETS).issubset(sets) == packet.is_keyframe
            if kind in HEVC_IRAP_TYPES:
                points.append((kind, packet.is_keyframe))
    # The first CRA picture of the copied ones is a BLA picture, at which sets may change. At others
    # of an open GOP readers must not begin, who would miss what is shown before them.
    assert points[:4] == [(20, True), (HEVC_BLA_N_LP, True), (HEVC_CRA, False), (HEVC_CRA, False)]
    # What is copied whole is as it was.
    assert packets_in(path_of(tmp_path, Span(0, 120))) == packets_in(known.path)


def packets_in(path: Path) -> list[bytes]:
    with av.open(str(path)) as container:
        return [bytes(packet) for packet in container.demux(video=0) if packet.size]


@pytest.mark.parametrize("extension", ["mp4", "ts"])
@pytest.mark.parametrize("params", ["open-gop=1:bframes=4", "open-gop=0:bframes=3"])
def test_frames_of_hevc_come_back_from_clips_that_are_joined(
    params: str, extension: str, tmp_path: Path
) -> None:
    known = know(make_hevc(tmp_path / f"a.{extension}", params))
    spans = [Span(*cut) for cut in pairwise([0, 7, 33, 48, 51, 81, 96, 120])]
    make_all(known, spans, tmp_path)
    (tmp_path / "list.txt").write_text(
        "".join(f"file '{path_of(tmp_path, span)}'\n" for span in spans)
    )
    for joined in (tmp_path / "joined.mp4", tmp_path / "joined.mkv"):
        remux(tmp_path / "list.txt", joined, "concat")
        assert numbers_in(joined) == list(range(120))
        close = [psnr_db(*pair) for pair in zip(lumas(joined), lumas(known.path), strict=True)]
        assert min(close) >= 44


def test_hdr_metadata_stands_in_all_parts_of_hevc(tmp_path: Path) -> None:
    display = "G(13250,34500)B(7500,3000)R(34000,16000)WP(15635,16450)L(10000000,1)"
    colours = "colorprim=bt2020:transfer=smpte2084:colormatrix=bt2020nc"
    params = f"open-gop=1:bframes=4:master-display={display}:max-cll=1000,400:{colours}"
    known = know(make_hevc(tmp_path / "a.mp4", params, "yuv420p10le"))
    span = Span(13, 101)
    clip = make_all(known, [span], tmp_path)[span]
    assert 13 < clip.copied[0].start < clip.copied[0].end < 101
    with av.open(str(path_of(tmp_path, span))) as container:
        frames = list(container.decode(video=0))
    found = {(HdrMetadata.of(frame), frame.color_trc, frame.colorspace) for frame in frames}
    ((metadata, transfer, matrix),) = found
    assert metadata.mastering_display is not None
    assert metadata.content_light is not None
    assert (metadata.content_light.max_cll_nits, transfer, matrix) == (1000, 16, 9)


def with_units(source: Path, target: Path, unit: bytes) -> Path:
    """Put a unit behind the slices of each picture."""
    with av.open(str(source)) as container, av.open(str(target), "w") as out:
        stream = out.add_stream_from_template(container.streams.video[0])
        for packet in (each for each in container.demux(video=0) if each.size):
            other = av.Packet(bytes(packet) + len(unit).to_bytes(4, "big") + unit)
            other.pts, other.dts = packet.pts, packet.dts
            other.time_base, other.duration = packet.time_base, packet.duration
            other.is_keyframe, other.stream = packet.is_keyframe, stream
            out.mux(other)
    return target


def test_hevc_with_dolby_vision_is_copied_whole_or_encoded_whole(tmp_path: Path) -> None:
    plain = make_hevc(tmp_path / "plain.mp4", "open-gop=0:bframes=3")
    known = know(with_units(plain, tmp_path / "a.mp4", b"\x7c\1\x19\x08\x09"))
    made = make_all(known, [Span(24, 96), Span(13, 101)], tmp_path)
    assert made[Span(24, 96)].copied == (Span(24, 96),)
    assert made[Span(13, 101)].copied == ()
    assert "would lack its Dolby Vision" in str(made[Span(13, 101)].fallback_reason)


def test_hevc_whose_parameter_sets_change_is_copied_whole_or_encoded_whole(tmp_path: Path) -> None:
    parts = []
    for start, references in ((0, 1), (48, 5)):
        params = f"log-level=none:keyint=24:scenecut=0:bframes=0:open-gop=0:ref={references}"
        options = {"preset": "ultrafast", "x265-params": params}
        pts = range(start, start + 48)
        path = tmp_path / f"{start}.ts"
        parts.append(make_video(path, [48], pts=pts, codec="libx265", options=options))
    (tmp_path / "a.ts").write_bytes(b"".join(part.read_bytes() for part in parts))
    known = know(tmp_path / "a.ts")
    assert (known.timeline.frames, known.timeline.from_stream) == (96, True)
    made = make_all(known, [Span(24, 48), Span(48, 72), Span(13, 90)], tmp_path, verify="full")
    assert made[Span(24, 48)].copied == (Span(24, 48),)
    assert made[Span(48, 72)].copied == (Span(48, 72),)
    assert made[Span(13, 90)].copied == ()
    assert "parameter sets change" in str(made[Span(13, 90)].fallback_reason)


def test_tails_of_hevc_have_more_than_a_few_frames(tmp_path: Path) -> None:
    known = know(make_hevc(tmp_path / "a.mp4", "open-gop=0:bframes=4:b-adapt=0"))
    spans = [Span(24, end) for end in range(40, 49)]
    made = make_all(known, spans, tmp_path, verify="full")
    lengths = {span.end - clip.copied[0].end for span, clip in made.items()}
    assert min(lengths - {0}) == 4
    for span in spans:
        assert numbers_in(path_of(tmp_path, span)) == list(range(span.start, span.end))


def found_at(path: Path, frame: int, rate: int = 25) -> int | None:
    """The number in the picture that PyAV finds at the time of a frame."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        assert stream.time_base is not None
        pts = round(frame / rate / stream.time_base)
        container.seek(pts, stream=stream)
        shown = next((each for each in container.decode(stream) if (each.pts or 0) >= pts), None)
        return shown and frame_number_of(shown.to_ndarray(format="bgr24"))


@pytest.mark.parametrize("params", ["open-gop=1:bframes=4", "open-gop=1:bframes=3:b-pyramid=0"])
def test_every_frame_is_found_when_it_is_asked_for(params: str, tmp_path: Path) -> None:
    known = know(make_hevc(tmp_path / "a.mp4", params))
    spans = [Span(13, 101), Span(0, 120)]
    make_all(known, spans, tmp_path)
    for span in spans:
        found = [found_at(path_of(tmp_path, span), frame) for frame in range(len(span))]
        assert found == list(range(span.start, span.end))


def test_of_long_open_gops_some_points_are_key_frames(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(splice, "_SEEKABLE_SECONDS", 1)
    known = know(make_hevc(tmp_path / "a.mp4", "open-gop=1:bframes=4"))
    make_all(known, [Span(0, 120)], tmp_path)
    with av.open(str(path_of(tmp_path, Span(0, 120)))) as container:
        packets = [each for each in container.demux(video=0) if each.is_keyframe and each.size]
    # What a reader looks for just before one of these, it finds all the same.
    path = path_of(tmp_path, Span(0, 120))
    assert [found_at(path, frame) for frame in range(120)] == list(range(120))
    # A second is 25 frames, a GOP 24.
    assert [round((each.pts or 0) * each.time_base * 25) for each in packets] == [0, 48, 96]
