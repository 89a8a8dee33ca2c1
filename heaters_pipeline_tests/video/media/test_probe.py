"""The gate: what the header of a good file says, and why each bad one is refused."""

import errno
import os
import subprocess
import wave
from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.error
import av.stream
import av.video.stream
import cv2
import imageio_ffmpeg
import pytest

from heaters_pipeline.errors import InvalidVideoError, SettingsError, StoreUnavailableError
from heaters_pipeline.video.media.probe import (
    AudioInfo,
    VideoInfo,
    probe,
    reading,
    require_readable,
)
from heaters_pipeline.video.scoring.scores import score_frames
from heaters_pipeline_tests.videos import make_picture, make_video

Disposition = av.stream.Disposition


def write_streams(
    path: Path, streams: Sequence[tuple[str, tuple[int, int], Disposition]], frames: int = 3
) -> Path:
    """Write a file with several video streams: (encoder, size, disposition)."""
    with av.open(str(path), "w") as container:
        for codec, (width, height), disposition in streams:
            stream = cast("av.video.stream.VideoStream", container.add_stream(codec, 25))
            stream.width, stream.height = width, height
            stream.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
            stream.disposition = disposition
        for stream in container.streams.video:
            for number in range(1 if stream.codec_context.name == "mjpeg" else frames):
                picture = make_picture(number, size_px=(stream.width, stream.height))
                frame = av.VideoFrame.from_ndarray(picture, "bgr24")
                frame = frame.reformat(format=stream.pix_fmt)
                frame.pts = number
                container.mux(stream.encode(frame))
            container.mux(stream.encode(None))
    return path


def write_empty_picture(path: Path, size_px: tuple[int, int]) -> None:
    """Write a header that promises pictures of a size, and a packet that holds none."""
    with av.open(str(path), "w", format="matroska") as container:
        stream = container.add_stream("mjpeg", 25)
        stream.width, stream.height = size_px
        stream.pix_fmt = "yuvj420p"
        container.start_encoding()
        packet = av.Packet(b"\xff\xd8\xff\xd9")
        packet.stream = stream
        packet.pts = packet.dts = 0
        container.mux(packet)


def test_the_header_of_a_good_file_is_read_whole(tmp_path: Path) -> None:
    path = make_video(
        tmp_path / "holiday.mp4",
        [10, 5],
        frame_rate=Fraction(30_000, 1001),
        sample_aspect_ratio=Fraction(4, 3),
        audio="aac",
    )
    info = probe(path)
    assert info == VideoInfo(
        container="mov",
        codec="h264",
        stream_index=0,
        width_px=160,
        height_px=90,
        sample_aspect_ratio=Fraction(4, 3),
        time_base=Fraction(1, 30_000),
        frame_rate=Fraction(30_000, 1001),
        pixel_format="yuv420p",
        frames_promised=15,
        duration_promised_seconds=None,
        audio=(AudioInfo(1, "aac", 48_000, 1, "und"),),
        size_bytes=path.stat().st_size,
    )
    assert info.nominal_ticks == 1001


@pytest.mark.parametrize("name", ["b.mov", "b.mp4", "b.mkv", "b.mxf"])
@pytest.mark.parametrize("label", ["01:00:00:00", "10:59:58;20"])
def test_the_start_timecode_is_what_the_file_says(tmp_path: Path, name: str, label: str) -> None:
    codec = "mpeg2video" if name == "b.mxf" else "libx264"
    plain = make_video(tmp_path / "a.mov", [10], codec=codec, frame_rate=Fraction(30_000, 1001))
    assert probe(plain).start_timecode is None
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", plain, "-codec", "copy"]
    said = ["-metadata", f"timecode={label}"] if name == "b.mkv" else ["-timecode", label]
    subprocess.run([*command, *said, tmp_path / name], check=True)
    assert probe(tmp_path / name).start_timecode == label


def test_other_text_is_no_timecode(tmp_path: Path) -> None:
    plain = make_video(tmp_path / "a.mkv", [10])
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", plain, "-codec", "copy"]
    for label in ("soon", "01:00:00:00 or so", "\x1b[2J"):
        said = ["-metadata", f"timecode={label}", "-y"]
        subprocess.run([*command, *said, tmp_path / "b.mkv"], check=True)
        assert probe(tmp_path / "b.mkv").start_timecode is None


@pytest.mark.parametrize(
    ("name", "codec", "expected"),
    [
        ("a.mkv", "libx264", ("matroska", "h264", None, Fraction(1))),
        ("a.webm", "libvpx-vp9", ("matroska", "vp9", None, Fraction(1))),
        ("a.avi", "mpeg4", ("avi", "mpeg4", None, None)),
        ("a.ts", "mpeg2video", ("mpegts", "mpeg2video", None, None)),
        ("a.mov", "libx264", ("mov", "h264", 25, None)),
    ],
)
def test_containers_promise_only_what_they_keep(
    tmp_path: Path,
    name: str,
    codec: str,
    expected: tuple[str, str, int | None, Fraction | None],
) -> None:
    info = probe(make_video(tmp_path / name, [25], codec=codec))
    assert (
        info.container,
        info.codec,
        info.frames_promised,
        info.duration_promised_seconds,
    ) == expected


def test_the_largest_stream_is_the_video(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    small, large = (96, 54), (160, 90)
    none, default = Disposition(0), Disposition.default
    by_size = write_streams(
        tmp_path / "a.mkv", [("libx264", small, default), ("libx264", large, none)]
    )
    assert (probe(by_size).stream_index, probe(by_size).width_px) == (1, 160)
    others = "has several video streams: stream 1 (160x90) is taken, stream 0 (96x54) is left out"
    assert score_frames(by_size, probe(by_size)).faults == (others,)
    assert f"a.mkv {others}" in caplog.text
    by_default = write_streams(
        tmp_path / "b.mkv", [("libx264", large, none), ("libx264", large, default)]
    )
    assert probe(by_default).stream_index == 1
    first = write_streams(tmp_path / "c.mkv", [("libx264", large, none), ("libx264", large, none)])
    assert probe(first).stream_index == 0


def test_a_cover_picture_is_no_video(tmp_path: Path) -> None:
    cover = ("mjpeg", (64, 64), Disposition.attached_pic)
    video = write_streams(
        tmp_path / "a.mp4", [("libx264", (160, 90), Disposition(0)), cover, cover]
    )
    assert probe(video).codec == "h264"
    with pytest.raises(InvalidVideoError, match="no video stream") as refusal:
        probe(write_streams(tmp_path / "b.mp4", [cover]))
    assert refusal.value.reason == "no_video"


def test_unknown_sound_does_not_stop_a_video(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mkv", audio="aac")
    path.write_bytes(path.read_bytes().replace(b"A_AAC", b"A_ZZZ"))
    assert probe(path).audio == (AudioInfo(1, "unknown", 0, 0, None),)


def _empty(path: Path) -> None:
    path.write_bytes(b"")


def _text(path: Path) -> None:
    path.write_text("this is not a video\n" * 200)


def _web_page(path: Path) -> None:
    path.write_text("<!DOCTYPE html><html><body>sign in</body></html>")


def _missing(path: Path) -> None:
    del path


def _fifo(path: Path) -> None:
    os.mkfifo(path)


def _symlink(path: Path) -> None:
    path.symlink_to(make_video(path.with_name("good.mp4")))


def _playlist(path: Path) -> None:
    make_video(path.with_name("other.ts"), codec="mpeg2video")
    path.write_text("#EXTM3U\n#EXT-X-TARGETDURATION:3\n#EXTINF:3,\nother.ts\n#EXT-X-ENDLIST\n")


def _concat_script(path: Path) -> None:
    make_video(path.with_name("other.mp4"))
    path.write_text("ffconcat version 1.0\nfile other.mp4\n")


def _still_picture(path: Path) -> None:
    path.write_bytes(cv2.imencode(".jpg", make_picture(0))[1].tobytes())


def _photo(path: Path) -> None:
    """One frame in a file that says that it is a photo, as phones write it."""
    make_video(path, [1])
    content = path.read_bytes()
    path.write_bytes(content[:8] + b"heic" + content[12:])


def _wave_file(path: Path) -> None:
    with wave.open(str(path), "wb") as sound:
        sound.setparams((1, 2, 8000, 0, "NONE", ""))
        sound.writeframes(bytes(8000))


def _sound_in_mp4(path: Path) -> None:
    whole = make_video(path.with_name("whole.mp4"), audio="aac")
    with av.open(str(whole)) as source, av.open(str(path), "w") as target:
        stream = target.add_stream_from_template(source.streams.audio[0])
        for packet in source.demux(source.streams.audio[0]):
            if packet.size:
                packet.stream = stream
                target.mux(packet)


def _raw_h264(path: Path) -> None:
    raw = make_video(path.with_name("raw.h264"))
    raw.rename(path)


def _real_media(path: Path) -> None:
    path.write_bytes(b".RMF\0\0\0\x12" + bytes(1000))


def _motion_jpeg(path: Path) -> None:
    path.write_bytes(cv2.imencode(".jpg", make_picture(0))[1].tobytes() * 5)


def _photo_of_several(path: Path) -> None:
    jpeg = cv2.imencode(".jpg", make_picture(0))[1].tobytes()
    path.write_bytes(jpeg[:2] + b"\xff\xe2\0\x06MPF\0" + jpeg[2:] + jpeg * 2)


def _flash_film(path: Path) -> None:
    path.write_bytes(b"CWS\x0a" + bytes(1000))


def _broadcast_server(path: Path) -> None:
    path.write_bytes(b"\0\0\0\0\1\xbc" + bytes(1000))


def _without_index(path: Path) -> None:
    make_video(path)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"moov") - 4])


def _index_cut(path: Path) -> None:
    make_video(path)
    content = path.read_bytes()
    path.write_bytes(content[: content.index(b"stbl") + 36])


def _unknown_codec(path: Path) -> None:
    make_video(path)
    path.write_bytes(path.read_bytes().replace(b"avc1", b"zzq9"))


def _tiny(path: Path) -> None:
    write_empty_picture(path, (4, 64))


def _huge(path: Path) -> None:
    write_empty_picture(path, (16_000, 16_000))


def _many_streams(path: Path) -> None:
    mkv = path.with_name("many.mkv")
    write_streams(mkv, [("libx264", (64, 36), Disposition(0))] * 65, frames=1).rename(path)


@pytest.mark.parametrize(
    ("make", "reason", "advice"),
    [
        (_empty, "empty", "copy or download it again"),
        (_text, "not_video", "check that it plays"),
        (_web_page, "not_video", "check that it plays"),
        (_missing, "missing", "check the path"),
        (Path.mkdir, "not_regular_file", "give the video file itself"),
        (_fifo, "not_regular_file", "give the video file itself"),
        (_symlink, "not_regular_file", "give the video file itself"),
        (_playlist, "playlist", "join its parts into one file first"),
        (_concat_script, "playlist", "submit the video that it names"),
        (_still_picture, "still_image", "submit a video"),
        (_photo, "still_image", "submit a video"),
        (_motion_jpeg, "not_allowed_container", "ffmpeg -f mjpeg -framerate 25"),
        (_photo_of_several, "still_image", "submit a video"),
        (_flash_film, "not_allowed_container", "convert it to MP4"),
        (_broadcast_server, "not_allowed_container", "is GXF"),
        (_wave_file, "no_video", "submit a video"),
        (_sound_in_mp4, "no_video", "submit a file with pictures"),
        (_raw_h264, "not_allowed_container", "remux it to MP4"),
        (_real_media, "not_allowed_container", "convert it to MP4"),
        (_without_index, "not_video", "download it again"),
        (_index_cut, "no_frames", "copy it again"),
        (_unknown_codec, "no_decoder", "convert it to H.264"),
        (_tiny, "too_small", "scale it up"),
        (_huge, "too_many_pixels", "scale it down"),
        (_many_streams, "too_many_streams", "remux the wanted ones"),
    ],
)
def test_bad_input_is_refused_with_a_reason_and_advice(
    tmp_path: Path, make: Callable[[Path], object], reason: str, advice: str
) -> None:
    path = tmp_path / "holiday.mp4"
    make(path)
    with pytest.raises(InvalidVideoError) as refusal:
        probe(path)
    message = str(refusal.value)
    assert refusal.value.reason == reason
    assert advice in message
    assert "holiday.mp4" in message
    assert "\n" not in message
    assert not refusal.value.transient


def test_messages_survive_any_file_name(tmp_path: Path) -> None:
    path = tmp_path / os.fsdecode(b"new\nline\xff.mp4")
    path.write_text("no video")
    with pytest.raises(InvalidVideoError) as refusal:
        probe(path)
    assert str(refusal.value).encode("utf-8").startswith(b"'new\\nline\\udcff.mp4' is not a video")


def test_a_file_that_may_not_be_read_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path, *_: object, **__: object) -> None:
        raise PermissionError(errno.EACCES, "Permission denied", str(path))

    # Taking the right away would not do: tests may run as root, who may read everything.
    monkeypatch.setattr(Path, "open", refuse)
    with pytest.raises(InvalidVideoError, match="change its mode or owner") as refusal:
        require_readable(tmp_path / "a.mp4")
    assert refusal.value.reason == "unreadable"


def test_a_failing_disk_is_not_blamed_on_the_video(tmp_path: Path) -> None:
    # Reading a folder is the one read that fails on any machine.
    fault = av.error.OSError(errno.EIO, "Input/output error")
    with pytest.raises(StoreUnavailableError, match="check the disk"), reading(tmp_path):
        raise fault
    with pytest.raises(StoreUnavailableError, match="check the disk"):
        require_readable(tmp_path)


def test_damage_that_looks_like_a_failing_disk_is_blamed_on_the_video(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4")
    with pytest.raises(InvalidVideoError, match="damaged") as refusal, reading(path):
        raise av.error.OSError(errno.EIO, "Input/output error")
    assert refusal.value.reason == "too_corrupt"


def test_lack_of_memory_is_not_blamed_on_the_video(tmp_path: Path) -> None:
    path = make_video(tmp_path / "a.mp4")
    with pytest.raises(MemoryError, match=r"not enough memory to read a\.mp4"), reading(path):
        raise av.error.MemoryError(errno.ENOMEM, "Cannot allocate memory")


def test_another_stream_can_be_chosen(tmp_path: Path) -> None:
    none = Disposition(0)
    path = write_streams(
        tmp_path / "a.mkv", [("libx264", (80, 48), none), ("libx264", (160, 90), none)]
    )
    assert probe(path).stream_index == 1
    chosen = probe(path, 0)
    assert (chosen.stream_index, chosen.width_px) == (0, 80)
    with pytest.raises(SettingsError, match=r"no video stream 2 but 0 \(80x48\), 1 \(160x90\)"):
        probe(path, 2)


def test_a_tick_of_dv_is_not_taken_for_a_frame(tmp_path: Path) -> None:
    path = make_video(tmp_path / "tape.dv", [5], codec="dvvideo", size_px=(720, 576))
    assert probe(path).frame_rate == 25
