"""Clips of masters keep what is said of pictures and sound: colours, timecode, languages, text."""

import subprocess
from collections.abc import Sequence
from fractions import Fraction
from pathlib import Path

import av
import numpy as np

from heaters_pipeline.video.media.picture_boxes import Crop, crop_of, picture_boxes
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import glance_at
from heaters_pipeline_tests.video.clips.mov_masters import RATE_HZ, cut, prores, samples_of
from heaters_pipeline_tests.video.described_pictures import add_boxes, box, crop_mp4
from heaters_pipeline_tests.videos import make_video


def test_what_is_said_of_pictures_stays(tmp_path: Path) -> None:
    crop = Crop(41, 20, 90, 61)
    path = make_video(
        tmp_path / "a.mov",
        [30],
        codec="prores_ks",
        options={"profile": "hq"},
        pixel_format="yuv422p10le",
        rotation_degrees=90,
        sample_aspect_ratio=Fraction(4, 3),
    )
    hdr = box(b"mdcv", bytes(range(24))) + box(b"clli", bytes(range(4)))
    known = glance_at(add_boxes(crop_mp4(path, crop, (160, 90)), hdr))
    cut(known, Span(5, 20), tmp_path / "clip.mov")
    with av.open(str(tmp_path / "clip.mov")) as container:
        video = container.streams.video[0]
        assert crop_of(video) == crop
        boxes = picture_boxes(video)
        assert boxes[b"mdcv"] + boxes[b"clli"] == hdr
        assert video.sample_aspect_ratio == Fraction(4, 3)
        assert next(container.decode(video)).rotation == 90


def marked(path: Path, timecode: str, languages: Sequence[str] = ("ger", "fra")) -> Path:
    """ProRes with colours, a timecode and two audio tracks, one of which begins late."""
    plain = make_video(
        path.with_name("plain.mov"),
        [30],
        codec="prores_ks",
        options={"profile": "hq"},
        pixel_format="yuv422p10le",
        audio="pcm_s16le",
    )
    with av.open(str(plain)) as source, av.open(str(path), "w") as target:
        video = target.add_stream_from_template(source.streams.video[0], opaque=True)
        video.metadata["timecode"] = timecode
        context = video.codec_context
        context.framerate = 25
        context.color_primaries, context.color_trc, context.colorspace = 9, 16, 9
        sounds = [target.add_stream_from_template(source.streams.audio[0]) for _ in range(2)]
        for sound, language in zip(sounds, languages, strict=True):
            sound.metadata["language"] = language
        for packet in source.demux():
            if not packet.size:
                continue
            if packet.stream.type == "video":
                packet.stream = video
                target.mux(packet)
            else:
                content, pts = bytes(packet), packet.pts
                for sound in sounds:
                    late = RATE_HZ // 2 if sound is sounds[1] else 0
                    if pts >= late:
                        again = av.Packet(content)
                        again.pts = again.dts = pts
                        again.duration, again.time_base = packet.duration, packet.time_base
                        again.stream = sound
                        target.mux(again)
    return path


def test_timecode_colours_languages_and_all_sound_stay(tmp_path: Path) -> None:
    path = marked(tmp_path / "a.mov", "10:00:00:20")
    known, clip = glance_at(path), tmp_path / "clip.mov"
    cut(known, Span(10, 25), clip)
    with av.open(str(clip)) as container:
        video = container.streams.video[0]
        assert video.metadata["timecode"] == "10:00:01:05"
        context = video.codec_context
        assert (context.color_primaries, context.color_trc, context.colorspace) == (9, 16, 9)
        languages = [stream.metadata["language"] for stream in container.streams.audio]
        assert languages == ["ger", "fra"]
    first = samples_of(path, 0)
    assert np.array_equal(samples_of(clip, 0), first[10 * 1920 : 25 * 1920])
    # The second one begins in the clip.
    with av.open(str(path)) as container:
        late = next(container.demux(container.streams.audio[1])).pts
    with av.open(str(clip)) as container:
        packet = next(container.demux(container.streams.audio[1]))
        begins = Fraction(late, RATE_HZ) - Fraction(10, 25)
        # The list of edits counts in the ticks of the pictures.
        assert abs(packet.pts * packet.time_base - begins) < Fraction(1, 12800)
    assert np.array_equal(samples_of(clip, 1), first[late : 25 * 1920])


def test_languages_stay_that_a_macintosh_has_no_number_for(tmp_path: Path) -> None:
    path = marked(tmp_path / "a.mkv", "10:00:00:20", ["deu", "nob"])
    cut(glance_at(path), Span(10, 25), tmp_path / "clip.mov")
    with av.open(str(tmp_path / "clip.mov")) as container:
        languages = [stream.metadata["language"] for stream in container.streams.audio]
    assert languages == ["deu", "nob"]


def test_text_stays(tmp_path: Path) -> None:
    path = prores("hq", "mkv").write(tmp_path).path
    srt = tmp_path / "a.srt"
    srt.write_text("1\n00:00:00,400 --> 00:00:00,800\nseen\n")
    command = ["ffmpeg", "-v", "error", "-i", str(path), "-i", str(srt), "-map", "0", "-map", "1"]
    target = tmp_path / "b.mkv"
    subprocess.run([*command, "-c", "copy", "-c:s", "srt", str(target)], check=True)
    cut(glance_at(target), Span(5, 25), tmp_path / "clip.mov")
    command = ["ffmpeg", "-v", "error", "-i", str(tmp_path / "clip.mov"), "-f", "srt", "-"]
    shown = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    assert shown.split() == ["1", "00:00:00,200", "-->", "00:00:00,600", "seen"]
