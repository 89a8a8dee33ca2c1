"""No frame is lost where B-frames begin late in a stream that does not say how it is reordered."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import pytest
from av.video.frame import PictureType

from heaters_pipeline.video.media.bit_reader import escaped, unescaped
from heaters_pipeline.video.media.frame_spans import read_span
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.nal_units import START_CODE
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.pyav import Packet
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.videos import frame_number_of, make_picture

_FRAMES, _WITHOUT_B_FRAMES = 100, 60
_SIZE_PX = (160, 96)


def encoded() -> Iterator[Packet]:
    """Packets of H.264 in the Main profile, the first without B-frames, with start codes."""
    encoder = av.CodecContext.create("libx264", "w")
    assert isinstance(encoder, av.VideoCodecContext)
    (encoder.width, encoder.height), encoder.pix_fmt = _SIZE_PX, "yuv420p"
    encoder.time_base, encoder.framerate = Fraction(1, 25), Fraction(25)
    encoder.options = {"profile": "main", "bf": "3", "b_strategy": "0", "g": "20", "crf": "20"}
    for number in range(_FRAMES):
        frame = av.VideoFrame.from_ndarray(make_picture(number, 0, _SIZE_PX), "bgr24")
        frame = frame.reformat(format="yuv420p")
        frame.pts = number
        if number < _WITHOUT_B_FRAMES:
            frame.pict_type = PictureType.P if number % 20 else PictureType.I
        yield from encoder.encode(frame)
    yield from encoder.encode(None)


def without_vui(sps: bytes) -> bytes:
    """A parameter set of the Main profile, of pictures that are not cropped, up to its VUI."""
    bits, at = "".join(f"{byte:08b}" for byte in unescaped(sps)), 32
    # Five numbers in Exp-Golomb code, a flag, the size, and three more flags.
    for flags, numbers in ((0, 5), (1, 2), (3, 0)):
        at += flags
        for _ in range(numbers):
            at += 2 * (bits.index("1", at) - at) + 1
    assert bits[at] == "1"
    bits = f"{bits[:at]}01"
    return escaped(int(bits.ljust(-(-len(bits) // 8) * 8, "0"), 2).to_bytes(-(-len(bits) // 8)))


def unmarked(packet: Packet) -> bytes:
    """What a packet holds, with all parameter sets without their VUI."""
    units = bytes(packet).replace(b"\0" + START_CODE, START_CODE).split(START_CODE)[1:]
    return b"".join(
        b"\0" + START_CODE + (without_vui(unit) if unit[0] & 31 == 7 else unit) for unit in units
    )


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """In each container: B-frames from frame 60 on, and no word of them."""
    folder = tmp_path_factory.mktemp("bare")
    packets = list(encoded())
    (folder / "a.h264").write_bytes(b"".join(map(unmarked, packets)))
    for name in ("a.mp4", "a.mkv", "a.ts"):
        with av.open(str(folder / "a.h264")) as raw, av.open(str(folder / name), "w") as container:
            stream = container.add_stream_from_template(raw.streams.video[0])
            for packet in packets:
                copy = av.Packet(unmarked(packet))
                copy.pts, copy.dts, copy.duration = packet.pts, packet.dts, 1
                copy.time_base, copy.stream = Fraction(1, 25), stream
                copy.is_keyframe = packet.is_keyframe
                container.mux(copy)
    return folder


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_each_frame_is_read(bare: Path, name: str) -> None:
    reader = FrameReader(bare / name, probe(bare / name))
    numbers = [frame_number_of(frame.picture()) for frame in reader]
    assert numbers == list(range(_FRAMES))
    assert reader.faults == ()


@pytest.mark.parametrize("name", ["a.mp4", "a.mkv", "a.ts"])
def test_a_span_that_begins_before_them_is_whole(bare: Path, name: str) -> None:
    info = probe(bare / name)
    reader = FrameReader(bare / name, info)
    for _ in reader:
        pass
    span = read_span(bare / name, info, reader.timeline, Span(50, 80))
    assert [frame_number_of(frame.picture()) for frame in span] == list(range(50, 80))
