"""Frames come whole, in order and at their exact times, or the file is refused."""

import re
import struct
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from heaters_pipeline.errors import InvalidVideoError, SourceChangedError
from heaters_pipeline.video.media.frames import Frame, FrameReader
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.timing import Timeline
from heaters_pipeline_tests.videos import Picture, frame_number_of, make_picture, make_video


def read(path: Path) -> tuple[list[Frame], Timeline]:
    """Decode a whole file."""
    reader = FrameReader(path, probe(path))
    return list(reader), reader.timeline


def numbers(frames: Sequence[Frame]) -> list[int]:
    """What the pictures themselves say of their order."""
    return [frame_number_of(frame.picture()) for frame in frames]


def mean_difference(picture: Picture, other: Picture) -> float:
    """How far two pictures of the same size are apart, 0 to 255."""
    return float(np.abs(picture.astype(int) - other).mean())


@pytest.mark.parametrize(
    ("name", "codec", "options"),
    [
        ("a.mp4", "libx264", {"bf": "3", "g": "10"}),
        ("a.mkv", "libx264", {"bf": "3", "g": "10"}),
        ("a.ts", "libx264", {"bf": "3", "g": "10"}),
        ("a.flv", "libx264", {"bf": "2"}),
        ("a.webm", "libvpx-vp9", {"deadline": "realtime", "cpu-used": "8"}),
        ("a.mpg", "mpeg2video", {"bf": "2"}),
        ("a.avi", "mpeg4", {"bf": "2"}),
        ("a.wmv", "wmv2", {}),
    ],
)
def test_every_container_gives_its_frames_in_order(
    tmp_path: Path, name: str, codec: str, options: dict[str, str]
) -> None:
    path = make_video(tmp_path / name, [20, 20], codec=codec, options=options)
    frames, timeline = read(path)
    assert numbers(frames) == list(range(40))
    assert [frame.index for frame in frames] == list(range(40))
    assert [frame.pts for frame in frames] == list(timeline.pts)
    assert timeline.from_stream
    assert timeline.seconds_at(40) == Fraction(40, 25)


def test_stamps_of_a_variable_frame_rate_are_exact(tmp_path: Path) -> None:
    pts = [0, 7, 107, 108, 500, 533, 900]
    path = make_video(tmp_path / "a.mkv", [7], pts=pts, time_base=Fraction(1, 1000))
    frames, timeline = read(path)
    assert list(timeline.pts) == pts
    assert timeline.time_base == Fraction(1, 1000)
    assert min(frame.duration_ticks for frame in frames) >= 1


@pytest.mark.parametrize(
    ("name", "codec"), [("a.m1v", "mpeg1video"), ("a.m2v", "mpeg2video"), ("a.ivf", "libvpx-vp9")]
)
def test_streams_that_know_their_rate_need_no_container(
    tmp_path: Path, name: str, codec: str
) -> None:
    path = make_video(tmp_path / name, [40], codec=codec)
    reader = FrameReader(path, probe(path))
    assert [frame_number_of(frame.picture()) for frame in reader] == list(range(40))
    timeline = reader.timeline
    assert [timeline.seconds_at(frame) for frame in range(41)] == [
        Fraction(frame, 25) for frame in range(41)
    ]


def test_packed_b_frames_in_avi_are_in_order(tmp_path: Path) -> None:
    path = tmp_path / "a.avi"
    plain = make_video(tmp_path / "plain.avi", [40], codec="mpeg4", options={"bf": "1", "g": "99"})
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        video = source.streams.video[0]
        stream = target.add_stream_from_template(video)
        whole = [bytes(packet) for packet in source.demux(video) if packet.size]
        # As DivX and XviD did it: a B-frame in the packet before, and one of 6 bytes in its place.
        first, *others = whole
        packed = [b"\0\0\1\xb2DivX503b1393p" + first]
        for reference, b_frame in zip(others[::2], others[1::2], strict=False):
            packed += [reference + b_frame, b"\0\0\1\xb6\x50\x81"]
        for number, content in enumerate(packed):
            packet = av.Packet(content)
            packet.pts = packet.dts = number
            packet.time_base, packet.stream = Fraction(1, 25), stream
            packet.is_keyframe = number == 0
            target.mux(packet)
    reader = FrameReader(path, probe(path))
    numbers = [frame_number_of(frame.picture()) for frame in reader]
    assert numbers == list(range(len(packed)))
    assert [pts - reader.timeline.pts[0] for pts in reader.timeline.pts] == numbers
    assert reader.timeline.end_pts - reader.timeline.pts[0] == len(packed)


def test_h264_in_avi_gets_even_stamps_though_the_file_has_none(tmp_path: Path) -> None:
    # The ticks are finer than the frames, as ffmpeg writes them when it copies from MP4.
    path = make_video(
        tmp_path / "a.avi",
        [30],
        pts=range(0, 30 * 24, 24),
        time_base=Fraction(1, 600),
        options={"bf": "3", "g": "10"},
    )
    frames, timeline = read(path)
    assert numbers(frames) == list(range(30))
    assert not timeline.from_stream
    assert [timeline.seconds_at(frame) for frame in range(31)] == [
        Fraction(frame, 25) for frame in range(31)
    ]


def test_two_recordings_glued_keep_all_frames(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.ts", [20], codec="mpeg2video")
    path.write_bytes(path.read_bytes() * 2)
    frames, timeline = read(path)
    assert numbers(frames) == [*range(20), *range(20)]
    assert not timeline.from_stream
    assert timeline.seconds_at(40) == Fraction(40, 25)


def test_a_stream_that_shows_up_late_costs_no_frame(tmp_path: Path) -> None:
    # FFmpeg looks at the first 5 MB and at the end of a file to find its streams. PyAV 18 raises
    # IndexError at the end of a file with another one in between.
    noise = np.random.default_rng(1).integers(0, 256, (360, 640, 3), np.uint8)
    silent = tmp_path / "silent.ts"
    with av.open(str(silent), "w") as container:
        stream = container.add_stream("mpeg2video", 25)
        stream.width, stream.height, stream.pix_fmt = 640, 360, "yuv420p"
        stream.bit_rate, stream.options = 60_000_000, {"g": "1"}
        for number in range(30):
            frame = av.VideoFrame.from_ndarray(np.roll(noise, number), "bgr24")
            frame.pts = number
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    loud = make_video(
        tmp_path / "loud.ts", [10], codec="mpeg2video", size_px=(640, 360), audio="mp2"
    )
    late = tmp_path / "late.ts"
    late.write_bytes(silent.read_bytes() + loud.read_bytes() + silent.read_bytes())
    frames, _ = read(late)
    assert len(frames) == 70


def test_pictures_are_bgr_in_the_size_asked_for(tmp_path: Path) -> None:
    frames, _ = read(make_video(tmp_path / "a.mp4", [3], size_px=(160, 90)))
    picture = frames[1].picture()
    assert picture.shape == (90, 160, 3)
    assert picture.dtype == np.uint8
    assert mean_difference(picture, make_picture(1)) < 8
    assert frames[1].picture((80, 40)).shape == (40, 80, 3)


def test_a_digest_tells_pictures_apart_but_not_containers(tmp_path: Path) -> None:
    source = make_video(tmp_path / "a.mp4", [30])
    copy = tmp_path / "copy.mkv"
    with av.open(str(source)) as container, av.open(str(copy), "w") as target:
        stream = target.add_stream_from_template(container.streams.video[0])
        for packet in container.demux(video=0):
            if packet.size:
                packet.stream = stream
                target.mux(packet)
    digests = [frame.digest for frame in read(source)[0]]
    assert digests == [frame.digest for frame in read(copy)[0]]
    assert len(set(digests)) == 30


@pytest.mark.parametrize("pixel_format", ["gray", "gray10le", "yuv420p10le", "bgr24", "yuyv422"])
def test_a_digest_covers_the_pixels_but_not_the_memory_around_them(pixel_format: str) -> None:
    def digest_of(filling: int, changed_byte: int | None = None) -> int:
        decoded = av.VideoFrame(150, 34, pixel_format)
        plane = decoded.planes[0]
        memory = np.frombuffer(memoryview(plane), np.uint8)
        rows = memory.reshape(-1, plane.line_size)
        rows[:] = filling
        used = 150 * bytes_per_pixel[pixel_format]
        assert used < plane.line_size
        rows[:, :used] = 100
        if changed_byte is not None:
            rows[32, changed_byte % used] = 101
        return Frame(0, 0, 1, decoded).digest

    bytes_per_pixel = {"gray": 1, "gray10le": 2, "yuv420p10le": 2, "bgr24": 3, "yuyv422": 2}
    assert digest_of(filling=7) == digest_of(filling=9)
    assert digest_of(7) != digest_of(7, changed_byte=0)
    assert digest_of(7) != digest_of(7, changed_byte=-1)


@pytest.mark.parametrize("pixel_format", ["yuv420p10le", "gray", "bgr0", "yuv444p"])
def test_a_digest_covers_every_pixel_format(tmp_path: Path, pixel_format: str) -> None:
    path = make_video(
        tmp_path / "a.mkv", [5], codec="ffv1", pixel_format=pixel_format, size_px=(150, 90)
    )
    frames, _ = read(path)
    assert [frame.digest for frame in frames] == [frame.digest for frame in read(path)[0]]
    assert len({frame.digest for frame in frames}) == 5


def _truncated_mp4(folder: Path) -> Path:
    path = make_video(folder / "a.mp4", [50], container_options={"movflags": "faststart"})
    path.write_bytes(path.read_bytes()[: path.stat().st_size * 3 // 4])
    return path


def _truncated_mkv(folder: Path) -> Path:
    path = make_video(folder / "a.mkv", [75])
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    return path


def _media_zeroed(folder: Path, share: Fraction) -> Path:
    path = make_video(folder / "a.mp4", [60], options={"g": "10"})
    content = bytearray(path.read_bytes())
    start = content.index(b"mdat") + 4
    end = content.index(b"moov") - 4
    first = end - int(share * (end - start))
    content[first:end] = bytes(end - first)
    path.write_bytes(content)
    return path


def _encrypted(folder: Path) -> Path:
    options = {
        "encryption_scheme": "cenc-aes-ctr",
        "encryption_key": "00112233445566778899aabbccddeeff",
        "encryption_kid": "112233445566778899aabbccddeeff00",
    }
    return make_video(folder / "a.mp4", [25], container_options=options)


def _days_long(folder: Path) -> Path:
    return make_video(folder / "a.mkv", [2], pts=[0, 3 * 86_400], time_base=Fraction(1))


def _without_durations(folder: Path) -> Path:
    path = make_video(folder / "a.mp4", [25])
    content = bytearray(path.read_bytes())
    for box in (b"stts", b"ctts"):
        start = content.index(box) + 8
        (entries,) = struct.unpack_from(">I", content, start)
        for entry in range(entries):
            struct.pack_into(">I", content, start + 8 + 8 * entry, 0)
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    ("make", "reason", "advice"),
    [
        (_truncated_mp4, "truncated", "its header promises 50 frames"),
        (_truncated_mkv, "truncated", "its header promises 3.000 s"),
        (lambda folder: _media_zeroed(folder, Fraction(1)), "no_frames", "download it again"),
        (lambda folder: _media_zeroed(folder, Fraction(2, 3)), "too_corrupt", "copy it again"),
        (_encrypted, "encrypted", "submit a copy without protection"),
        (_days_long, "too_long", "split it or remux it"),
        (_without_durations, "bad_timestamps", "remux it"),
    ],
)
def test_what_only_decoding_shows_is_refused(
    tmp_path: Path, make: Callable[[Path], Path], reason: str, advice: str
) -> None:
    path = make(tmp_path)
    with pytest.raises(InvalidVideoError) as refusal:
        read(path)
    assert refusal.value.reason == reason
    assert advice in str(refusal.value)
    assert path.name in str(refusal.value)


def test_a_little_damage_costs_its_own_frames_only(tmp_path: Path) -> None:
    path = _media_zeroed(tmp_path, Fraction(1, 10))
    reader = FrameReader(path, probe(path))
    found = numbers(list(reader))
    assert found == list(range(len(found)))
    assert 40 < len(found) < 60
    assert reader.packets == 60
    assert reader.decode_errors + reader.corrupt_frames > 0


def _overwritten(folder: Path, every: int) -> Path:
    """One GOP, in which every so many frames the end of one is overwritten."""
    path = make_video(
        folder / "overwritten.mp4",
        [60],
        size_px=(320, 180),
        options={"g": "600", "bf": "0", "sc_threshold": "0"},
    )
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    for packet in packets[every - 1 :: every]:
        assert packet.pos is not None
        half = packet.size // 2
        content[packet.pos + half : packet.pos + packet.size] = b"\x5a" * (packet.size - half)
    path.write_bytes(content)
    return path


def test_one_that_is_spoiled_nearly_everywhere_is_refused(tmp_path: Path) -> None:
    path = _overwritten(tmp_path, every=4)
    with pytest.raises(InvalidVideoError, match="of 60 frames are, and they spoil") as refusal:
        read(path)
    assert refusal.value.reason == "too_corrupt"


def test_few_damaged_frames_do_not_condemn_those_that_follow(tmp_path: Path) -> None:
    path = _overwritten(tmp_path, every=14)
    reader = FrameReader(path, probe(path))
    assert sum(1 for _ in reader) >= 56
    (fault,) = reader.faults
    assert fault == "is damaged: 4 of 60 frames are missing or not as they should be"


def test_frames_that_a_decoder_leaves_out_after_a_damaged_one_are_counted(tmp_path: Path) -> None:
    options = {"g": "20", "bf": "0", "sc_threshold": "0", "forced-idr": "1"}
    path = make_video(tmp_path / "a.mp4", [60], options=options)
    content = bytearray(path.read_bytes())
    with av.open(str(path)) as container:
        first = next(packet for packet in container.demux(video=0) if packet.size)
    assert first.pos is not None
    content[first.pos : first.pos + first.size] = b"\xff" * first.size
    path.write_bytes(content)
    reader = FrameReader(path, probe(path))
    shown = len(list(reader))
    assert shown < 60 - reader.decode_errors
    assert reader.faults == (
        f"is damaged: {60 - shown + reader.corrupt_frames} of 60 frames are missing or not as they "
        "should be",
    )


def test_h264_in_mxf_whose_index_does_not_order_frames(tmp_path: Path) -> None:
    options = {"g": "12", "bf": "2", "x264-params": "scenecut=0:b-adapt=0"}
    path = make_video(tmp_path / "a.mxf", [30], options=options)
    frames, timeline = read(path)
    assert numbers(frames) == list(range(30))
    assert [timeline.seconds_at(frame) * 25 for frame in range(31)] == list(range(31))


def test_gaps_in_a_broadcast_are_told(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.ts", [60], size_px=(320, 180), options={"qscale": "2"})
    content = path.read_bytes()
    packets = [content[at : at + 188] for at in range(0, len(content), 188)]
    del packets[40::40]
    path.write_bytes(b"".join(packets))
    reader = FrameReader(path, probe(path))
    assert list(reader)
    (fault,) = (fault for fault in reader.faults if "gaps" in fault)
    assert re.fullmatch(
        r"has gaps in its data: \d+ of \d+ frames may lack a part, and more may be missing", fault
    )


def test_a_file_without_its_pictures_is_not_called_undecodable(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [25], container_options={"movflags": "faststart"})
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"mdat") + 4])
    with pytest.raises(InvalidVideoError, match="or lie in another file") as refusal:
        read(path)
    assert refusal.value.reason == "no_frames"


def test_a_file_that_is_replaced_by_sound_is_told_from_a_bad_one(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", audio="aac")
    info = probe(path)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzq9"))
    with pytest.raises(SourceChangedError, match="no longer the file that was probed"):
        list(FrameReader(path, info))


def test_a_reader_runs_once(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4", [3])
    reader = FrameReader(path, probe(path))
    assert len(list(reader)) == 3
    with pytest.raises(RuntimeError, match="make another one"):
        list(reader)
