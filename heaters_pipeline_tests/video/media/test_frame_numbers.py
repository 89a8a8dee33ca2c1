"""Reference frames of H.264 that are missing are seen without decoding."""

from collections.abc import Collection
from pathlib import Path

import av
import pytest

from heaters_pipeline.video.media.frame_numbers import FrameNumbers
from heaters_pipeline.video.media.nal_units import UnitReader
from heaters_pipeline.video.media.packet_index import index_packets
from heaters_pipeline.video.media.probe import open_input, probe
from heaters_pipeline.video.media.pyav import packets_of
from heaters_pipeline.video.scoring.scores import score_frames
from heaters_pipeline_tests.video.clips.interlaced_clips import make_interlaced_video
from heaters_pipeline_tests.video.field_films import make_field_film
from heaters_pipeline_tests.videos import make_video


def without(path: Path, target: Path, lost: Collection[int]) -> Path:
    """The same file without some of its packets, in decoding order."""
    with av.open(str(path)) as source, av.open(str(target), "w") as container:
        stream = container.add_stream_from_template(source.streams.video[0])
        for number, packet in enumerate(source.demux(video=0)):
            if packet.size and number not in lost:
                packet.stream = stream
                container.mux(packet)
    return target


@pytest.mark.parametrize("extension", ["mkv", "ts", "flv"])
@pytest.mark.parametrize(
    "options",
    [
        {"bf": "0"},
        {"bf": "3"},
        {"x264-params": "bframes=5:b-pyramid=normal:b-adapt=0"},
        {"x264-params": "bframes=2:open-gop=1:keyint=12"},
    ],
)
def test_a_reference_frame_that_is_missing_has_the_file_decoded(
    options: dict[str, str], extension: str, tmp_path: Path
) -> None:
    path = make_video(tmp_path / f"whole.{extension}", [60], options={"g": "30", **options})
    index = index_packets(path, probe(path))
    assert index is not None
    assert index.packets == 60
    # Not the last of a GOP, after which all begins anew.
    lost = next(number for number in index.references.nonzero()[0].tolist() if 3 <= number <= 8)
    gap = without(path, tmp_path / f"gap.{extension}", [lost])
    assert index_packets(gap, probe(gap)) is None
    assert score_frames(gap, probe(gap)).scan == "full"


@pytest.mark.parametrize("packet_a_field", [True, False])
def test_fields_repeat_the_number_of_their_frame(packet_a_field: bool, tmp_path: Path) -> None:
    path = make_field_film(tmp_path / "fields.mkv", 30, packet_a_field=packet_a_field)
    with open_input(path) as container:
        stream = container.streams.video[0]
        extradata = stream.codec_context.extradata or b""
        numbers, units = FrameNumbers(extradata), UnitReader("h264", extradata)
        packets = list(packets_of(container, stream))
    assert len(packets) == (60 if packet_a_field else 30)
    assert all(numbers.follow(units.units(memoryview(packet))) for packet in packets)


def test_interlaced_frames_of_both_fields_have_a_number_each(tmp_path: Path) -> None:
    path = make_interlaced_video(tmp_path / "a.mkv", 30, "tff", codec="libx264")
    assert index_packets(path, probe(path)) is not None
