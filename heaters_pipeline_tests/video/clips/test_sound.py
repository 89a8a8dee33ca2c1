"""The sound of a clip is cut at the times of its pictures, and stays with them."""

from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from heaters_pipeline.video.clips.mp4_index import read_tracks
from heaters_pipeline.video.clips.write import ClipSettings, inspect_clip, left_out
from heaters_pipeline.video.media import packet_reader
from heaters_pipeline.video.media.pyav import Packet, packets_of
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import (
    AUDIO_RATE_HZ,
    Encoding,
    Known,
    know,
    random_spans,
    write_clip,
)
from heaters_pipeline_tests.videos import make_video

VIDEO = {
    "flv": ("libx264", {"preset": "ultrafast", "g": "12"}),
    "mpg": ("mpeg2video", {"g": "40", "b": "900k", "bf": "2"}),
}
# FFmpeg does not tell the layers of MPEG audio apart in MP4, and decodes all with one decoder.
MP2_IN_MP4 = "mp3"
ALLOWED_SECONDS = 0.002
NEAR_AN_EDGE_SECONDS = 0.005

COPIED = [
    ("mp4", "aac"),
    ("mkv", "aac"),
    ("ts", "aac"),
    ("flv", "aac"),
    # Packets of FLV do not say how long these last.
    ("flv", "eac3"),
    ("flv", "flac"),
    ("mp4", "libmp3lame"),
    ("avi", "libmp3lame"),
    ("ts", "mp2"),
    ("mpg", "mp2"),
    ("mkv", "ac3"),
    ("mkv", "eac3"),
    ("mkv", "libopus"),
    ("mkv", "flac"),
    ("mp4", "alac"),
]


def clicking(folder: Path, extension: str, *sound: str, start_seconds: int = 0) -> Known:
    codec, options = VIDEO.get(extension, ("mpeg4", {"g": "12", "b": "500k", "bf": "0"}))
    encoding = Encoding(
        "clicks", extension, codec, options, 100, sound=sound, start_seconds=start_seconds
    )
    return know(encoding.write(folder))


def clicks_of(path: Path, stream: int = 0) -> list[float]:
    """Seconds at which the sound of a file suddenly becomes loud."""
    heard: list[float] = []
    last = -1.0
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", AUDIO_RATE_HZ)
        for frame in container.decode(container.streams.audio[stream]):
            for block in resampler.resample(frame):
                loud = np.nonzero(np.abs(block.to_ndarray()[0]) > 0.3)[0]
                for second in float(block.pts * block.time_base) + loud / AUDIO_RATE_HZ:
                    if second - last > 0.05:
                        heard.append(float(second))
                    last = second
    return heard


def cut(known: Known, span: Span, target: Path, mode: str) -> None:
    settings = ClipSettings(mode, preset="ultrafast")
    clip = write_clip(known, span, target, settings)
    assert clip.method == mode


def require_in_sync(known: Known, span: Span, target: Path, stream: int = 0) -> int:
    tick = known.timeline.time_base
    start = float(known.timeline.boundary_pts(span.start) * tick)
    end = float(known.timeline.boundary_pts(span.end) * tick)
    inside = [
        second - start
        for second in clicks_of(known.path, stream)
        if start + NEAR_AN_EDGE_SECONDS < second < end - NEAR_AN_EDGE_SECONDS
    ]
    # A decoder gives the last packet whole, so a click may follow that is not asked for.
    heard = [second for second in clicks_of(target, stream) if second < end - start]
    near = [second for second in heard if second < end - start - NEAR_AN_EDGE_SECONDS]
    assert len(inside) <= len(heard) <= len(inside) + 2
    for expected, second in zip(inside, near[-len(inside) :] if inside else [], strict=True):
        assert abs(expected - second) <= ALLOWED_SECONDS, (span, inside, heard)
    return len(inside)


@pytest.mark.parametrize(("extension", "codec"), COPIED)
def test_copied_sound_is_in_sync(extension: str, codec: str, tmp_path: Path) -> None:
    known = clicking(tmp_path, extension, codec, start_seconds=1 if extension == "mp4" else 0)
    checked = 0
    for span in random_spans(100, 6, f"sound {extension} {codec}"):
        cut(known, span, tmp_path / "clip.mp4", "copy")
        if len(span) > 1:
            with av.open(str(tmp_path / "clip.mp4")) as container:
                copied = container.streams.audio[0].codec_context.codec.canonical_name
            assert copied in (MP2_IN_MP4 if codec == "mp2" else codec)
            (sound,) = [t for t in read_tracks(tmp_path / "clip.mp4") if t.handler == "soun"]
            # Firefox plays its samples to the end, and takes the clip to be as long as they last.
            samples = Fraction(sound.samples_ticks - sound.shown.media_start_ticks, sound.timescale)
            assert abs(samples - sound.shown.duration_seconds) < Fraction(1, 1000)
            checked += require_in_sync(known, span, tmp_path / "clip.mp4")
    assert checked > 10


@pytest.mark.parametrize(
    ("extension", "codec", "mode"),
    [("mkv", "pcm_s16le", "copy"), ("mp4", "aac", "reencode"), ("ts", "mp2", "reencode")],
)
def test_encoded_sound_is_in_sync(extension: str, codec: str, mode: str, tmp_path: Path) -> None:
    known = clicking(tmp_path, extension, codec)
    checked = 0
    for span in random_spans(100, 6, f"sound {extension} {codec}"):
        cut(known, span, tmp_path / "clip.mp4", mode)
        if len(span) > 1:
            checked += require_in_sync(known, span, tmp_path / "clip.mp4")
            (sound,) = [t for t in read_tracks(tmp_path / "clip.mp4") if t.handler == "soun"]
            missing = known.timeline.duration_of(span) - sound.shown.duration_seconds
            assert 0 <= missing < Fraction(1, 20)
    assert checked > 10


@pytest.mark.parametrize(
    ("layout", "rate_hz", "encoded"),
    [
        ("mono", 8000, ("mono", 8000)),
        ("stereo", 37800, ("stereo", 48000)),
        ("5.1(side)", 44100, ("5.1", 44100)),
        ("6.1", 48000, ("stereo", 48000)),
        ("7.1", 192000, ("7.1", 48000)),
    ],
)
def test_sound_of_any_kind_is_encoded(
    layout: str, rate_hz: int, encoded: tuple[str, int], tmp_path: Path
) -> None:
    path = tmp_path / "a.mkv"
    with (
        av.open(str(make_video(tmp_path / "silent.mp4", [50]))) as pictures,
        av.open(str(path), "w") as target,
    ):
        video = target.add_stream_from_template(pictures.streams.video[0])
        sound = target.add_stream("flac", rate=rate_hz, layout=layout)
        wave = np.zeros((2 * rate_hz, len(av.AudioLayout(layout).channels)), np.float32)
        for position in range(rate_hz // 4, 2 * rate_hz, rate_hz // 4):
            wave[position : position + rate_hz // 100] = 0.8
        for position in range(0, len(wave), 4000):
            block = wave[position : position + 4000].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(block, "flt", layout)
            frame.sample_rate, frame.pts = rate_hz, position
            frame.time_base = Fraction(1, rate_hz)
            target.mux(sound.encode(frame))
        target.mux(sound.encode(None))
        for packet in pictures.demux():
            if packet.size:
                packet.stream = video
                target.mux(packet)
    cut(know(path), Span(8, 45), tmp_path / "clip.mp4", "reencode")
    with av.open(str(tmp_path / "clip.mp4")) as container:
        stream = container.streams.audio[0]
        assert (stream.layout.name, stream.rate) == encoded
    heard = clicks_of(tmp_path / "clip.mp4")
    expected = [quarter / 4 - 8 / 25 for quarter in range(2, 8)]
    assert heard == pytest.approx(expected, abs=0.003)


@pytest.mark.parametrize("mode", ["auto", "copy", "reencode"])
def test_all_streams_are_kept_with_their_languages(mode: str, tmp_path: Path) -> None:
    plain = clicking(tmp_path, "mkv", "aac", "ac3")
    path = tmp_path / "named.mkv"
    with av.open(str(plain.path)) as source, av.open(str(path), "w") as target:
        streams = [target.add_stream_from_template(s, opaque=True) for s in source.streams]
        streams[1].metadata["language"] = "fra"
        streams[2].metadata.update(language="jpn", title="for the blind")
        for packet in source.demux():
            if packet.size:
                packet.stream = streams[packet.stream_index]
                target.mux(packet)
    known = know(path)
    cut(known, Span(20, 90), tmp_path / "clip.mp4", mode)
    with av.open(str(tmp_path / "clip.mp4")) as container:
        assert [stream.language for stream in container.streams.audio] == ["fra", "jpn"]
    for stream in (0, 1):
        assert require_in_sync(known, Span(20, 90), tmp_path / "clip.mp4", stream) > 5
    chosen = ClipSettings(mode, audio_languages=("JPN", "deu"))
    write_clip(known, Span(20, 90), tmp_path / "jpn.mp4", chosen)
    with av.open(str(tmp_path / "jpn.mp4")) as container:
        assert [stream.language for stream in container.streams.audio] == ["jpn"]
    left = left_out(path, known.info, chosen)
    assert left == ("audio stream 1 (aac)",)
    # Sound of another language is better than none.
    other = ClipSettings(mode, audio_languages=("deu",))
    write_clip(known, Span(20, 90), tmp_path / "deu.mp4", other)
    with av.open(str(tmp_path / "deu.mp4")) as container:
        assert [stream.language for stream in container.streams.audio] == ["fra", "jpn"]


@pytest.mark.parametrize("mode", ["auto", "copy", "reencode"])
def test_sound_that_starts_within_the_clip_starts_late(mode: str, tmp_path: Path) -> None:
    plain = clicking(tmp_path, "mp4", "aac")
    path = tmp_path / "late.mkv"
    with av.open(str(plain.path)) as source, av.open(str(path), "w") as target:
        streams = [target.add_stream_from_template(s, opaque=True) for s in source.streams]
        for packet in source.demux():
            if packet.size and not (packet.stream_index == 1 and packet.pts < 2 * AUDIO_RATE_HZ):
                packet.stream = streams[packet.stream_index]
                target.mux(packet)
    known = know(path)
    cut(known, Span(30, 80), tmp_path / "clip.mp4", mode)
    assert require_in_sync(known, Span(30, 80), tmp_path / "clip.mp4") >= 4
    assert min(clicks_of(tmp_path / "clip.mp4")) > 0.7
    # Where the sound has not begun at all, there is no track for it.
    cut(known, Span(0, 40), tmp_path / "clip.mp4", mode)
    assert [track.handler for track in read_tracks(tmp_path / "clip.mp4")] == ["vide"]


@pytest.mark.parametrize("mode", ["auto", "copy", "reencode"])
def test_sound_that_ends_early_ends_early(mode: str, tmp_path: Path) -> None:
    known = know(make_video(tmp_path / "silent.mp4", [25], audio="aac"))
    longer = know(make_video(tmp_path / "longer.mp4", [60]))
    path = tmp_path / "short.mp4"
    with (
        av.open(str(longer.path)) as pictures,
        av.open(str(known.path)) as sound,
        av.open(str(path), "w") as target,
    ):
        for source in (pictures.streams.video[0], sound.streams.audio[0]):
            stream = target.add_stream_from_template(source, opaque=True)
            source.metadata["kept"] = str(stream.index)
        for container, kind in ((pictures, "video"), (sound, "audio")):
            for packet in container.demux(**{kind: 0}):
                if packet.size:
                    packet.stream = target.streams[0 if kind == "video" else 1]
                    target.mux(packet)
    whole = know(path)
    cut(whole, Span(10, 50), tmp_path / "clip.mp4", mode)
    assert inspect_clip(tmp_path / "clip.mp4").duration_seconds == Fraction(40, 25)
    (track,) = [t for t in read_tracks(tmp_path / "clip.mp4") if t.handler == "soun"]
    assert abs(float(track.shown.duration_seconds) - 15 / 25) < 0.03


def in_chunks(known: Known, target: Path, chunk_seconds: int) -> Known:
    """The same packets, but for so many seconds those of one stream, then those of the next."""
    with (
        av.open(str(known.path)) as source,
        av.open(str(target), "w", options={"max_interleave_delta": "1"}) as out,
    ):
        streams = [out.add_stream_from_template(s, opaque=True) for s in source.streams]
        packets = [packet for packet in source.demux() if packet.size]
        packets.sort(
            key=lambda each: (
                int(each.dts * each.time_base / chunk_seconds),
                each.stream_index,
                each.dts,
            )
        )
        for packet in packets:
            packet.stream = streams[packet.stream_index]
            out.mux(packet)
    return know(target)


@pytest.mark.parametrize("chunk_seconds", [1, 3])
@pytest.mark.parametrize("mode", ["copy", "reencode"])
def test_each_stream_is_whole_however_they_are_interleaved(
    mode: str, chunk_seconds: int, tmp_path: Path
) -> None:
    plain = clicking(tmp_path, "mp4", "aac", "aac")
    known = in_chunks(plain, tmp_path / "chunks.mkv", chunk_seconds)
    for span in random_spans(100, 8, "chunks"):
        cut(known, span, tmp_path / "clip.mp4", mode)
        length = known.timeline.duration_of(span)
        ends = [
            track.shown.empty_seconds + track.shown.duration_seconds
            for track in read_tracks(tmp_path / "clip.mp4")
            if track.handler == "soun"
        ]
        assert [float(end) for end in ends] == pytest.approx([float(length)] * 2, abs=0.01), span
        for stream in (0, 1):
            require_in_sync(known, span, tmp_path / "clip.mp4", stream)


def with_speech(known: Known, target: Path) -> Known:
    """A video with sound of AMR, a codec of telephones."""
    rate_hz, frame_samples = 8000, 160
    wave = np.zeros(4 * rate_hz, np.int16)
    for position in range(rate_hz // 4, len(wave), rate_hz // 4):
        wave[position : position + 400] = 25_000 * np.sin(np.arange(400) * 0.8)
    with av.open(str(known.path)) as pictures, av.open(str(target), "w") as out:
        video = out.add_stream_from_template(pictures.streams.video[0])
        sound = out.add_stream("libopencore_amrnb", rate=rate_hz, layout="mono", bit_rate=12_200)
        for position in range(0, len(wave), frame_samples):
            block = wave[position : position + frame_samples].reshape(1, -1)
            frame = av.AudioFrame.from_ndarray(block, "s16", "mono")
            frame.sample_rate, frame.pts = rate_hz, position
            out.mux(sound.encode(frame))
        for packet in pictures.demux(video=0):
            if packet.size:
                packet.stream = video
                out.mux(packet)
    return know(target)


def joined(packets: Iterator[Packet], frames: int) -> Iterator[Packet]:
    """The packets, but so many of the sound in one, as telephones write them; FFmpeg does not."""
    held: list[Packet] = []
    for packet in packets:
        if packet.stream.type != "audio":
            yield packet
            continue
        held.append(packet)
        if len(held) == frames:
            together = av.Packet(b"".join(map(bytes, held)))
            together.stream, together.time_base = packet.stream, packet.time_base
            together.pts = together.dts = held[0].pts
            together.duration = sum(each.duration or 0 for each in held)
            yield together
            held.clear()


def loud_seconds(path: Path) -> float:
    """How much of a file's sound is no silence, in windows of 10 ms."""
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", 8000)
        blocks = [
            block.to_ndarray()[0]
            for frame in container.decode(audio=0)
            for block in resampler.resample(frame)
        ]
    wave = np.concatenate(blocks)
    return float(np.count_nonzero(np.abs(wave) > 0.05)) / 8000


@pytest.mark.parametrize("mode", ["copy", "reencode"])
@pytest.mark.parametrize("frames", [1, 5, 10])
def test_all_frames_of_a_packet_are_heard(
    mode: str, frames: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    silent = know(make_video(tmp_path / "silent.mp4", [100], codec="mpeg4"))
    known = with_speech(silent, tmp_path / "speech.3gp")
    monkeypatch.setattr(
        packet_reader, "packets_of", lambda container: joined(packets_of(container), frames)
    )
    source_share = loud_seconds(known.path) / 4
    for span in (Span(0, 100), Span(13, 88)):
        cut(known, span, tmp_path / "clip.mp4", mode)
        share = loud_seconds(tmp_path / "clip.mp4") / (len(span) / 25)
        assert share == pytest.approx(source_share, rel=0.15)


def test_opus_says_before_itself_how_much_the_edit_list_hides(tmp_path: Path) -> None:
    # mpv goes by that number (OpusHead, RFC 7845, 5.1), and was 100 ms late by the source's.
    known = clicking(tmp_path, "mkv", "libopus")
    write_clip(known, Span(30, 60), tmp_path / "clip.mp4", ClipSettings("copy"))
    (hidden,) = (
        track.shown.media_start_ticks
        for track in read_tracks(tmp_path / "clip.mp4")
        if track.handler == "soun"
    )
    assert hidden > 0.08 * 48_000
    with av.open(str(tmp_path / "clip.mp4")) as container:
        head = container.streams.audio[0].codec_context.extradata or b""
    assert int.from_bytes(head[10:12], "little") == hidden


def test_what_a_source_leaves_silent_at_its_end_stays_silent(tmp_path: Path) -> None:
    # Matroska says of the last packet of Opus how much of it is not to be heard.
    known = clicking(tmp_path, "mkv", "libopus")
    with av.open(str(known.path)) as container:
        *_, last = container.decode(audio=0)
    end_seconds = float(last.pts * last.time_base) + last.samples / AUDIO_RATE_HZ
    cut(known, Span(60, 100), tmp_path / "clip.mp4", "copy")
    (track,) = [t for t in read_tracks(tmp_path / "clip.mp4") if t.handler == "soun"]
    assert float(track.shown.duration_seconds) == pytest.approx(end_seconds - 60 / 25, abs=0.002)
