"""Frames whose fields are pictures of their own are copied whole, and last as long as both."""

from fractions import Fraction
from pathlib import Path

import av
import pytest

from heaters_pipeline.video.clips.settings import ClipMethod, ClipSettings
from heaters_pipeline.video.media.field_pictures import with_whole_frames
from heaters_pipeline.video.media.packet_reader import SourceReader
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.scoring.scores import ScoreSettings, score_frames
from heaters_pipeline_tests.video.clips.clip_sources import ENCODINGS, know, write_clip
from heaters_pipeline_tests.video.field_films import make_field_film
from heaters_pipeline_tests.videos import frame_number_of

FRAMES = 40


@pytest.mark.parametrize("method", ["copy", "reencode"])
@pytest.mark.parametrize("packet_a_field", [True, False])
@pytest.mark.parametrize("extension", ["ts", "mkv", "mp4"])
def test_clips_have_whole_frames_of_full_length(
    extension: str, packet_a_field: bool, method: ClipMethod, tmp_path: Path
) -> None:
    path = make_field_film(tmp_path / f"a.{extension}", FRAMES, packet_a_field=packet_a_field)
    known, clip = know(path), tmp_path / "clip.mp4"
    assert known.timeline.duration_of(Span(0, FRAMES)) == Fraction(FRAMES, 25)
    settings = ClipSettings(method, preset="ultrafast")
    for span in (Span(0, FRAMES), Span(17, 30), Span(24, 25), Span(29, FRAMES)):
        made = write_clip(known, span, clip, settings)
        assert (made.method, made.fallback_reason) == (method, None)
        assert made.duration_seconds == Fraction(len(span), 25)
        shown = know(clip)
        if method == "copy":
            assert shown.pictures == known.pictures[span.start : span.end]
        with av.open(str(clip)) as container:
            numbers = [frame_number_of(f.to_ndarray(format="bgr24")) for f in container.decode()]
        assert numbers == list(range(span.start, span.end))


@pytest.mark.parametrize("scan", ["fast", "full"])
def test_a_scan_counts_frames_not_fields(scan: str, tmp_path: Path) -> None:
    known = know(make_field_film(tmp_path / "a.ts", FRAMES, packet_a_field=True))
    timeline = score_frames(known.path, known.info, ScoreSettings(scan=scan)).timeline
    assert (timeline.frames, timeline.end_pts) == (FRAMES, known.timeline.end_pts)


@pytest.mark.parametrize("name", ["h264-open-ts.ts", "h264-interlaced.ts", "h264-10bit.mkv"])
def test_packets_of_frames_stay_as_they_are(name: str, tmp_path: Path) -> None:
    known = know(next(e for e in ENCODINGS if str(e) == name).write(tmp_path))
    index = known.info.stream_index
    with SourceReader(known.path, known.info) as reader:
        extradata = reader.video.codec_context.extradata or b""
        plain = [(p.stream_index, p.pts, bytes(p)) for p in reader.packets_from_start()]
        wrapped = with_whole_frames(reader.packets_from_start(), index, extradata)
        assert [(p.stream_index, p.pts, bytes(p)) for p in wrapped if p.stream_index == index] == [
            each for each in plain if each[0] == index
        ]


@pytest.mark.parametrize("extradata", [b"", b"\1", b"\1MM\x1e\xff\xe1\0\x09\x67", b"\0\0\1\x67"])
def test_damaged_headers_are_no_reason_to_stop(extradata: bytes, tmp_path: Path) -> None:
    path = make_field_film(tmp_path / "a.ts", 3, packet_a_field=True)
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(video=0) if packet.size]
    for cut in (0, 1, 7, 12):
        broken = []
        for packet in packets:
            part = av.Packet(bytes(packet)[:cut] or b"\0")
            part.stream = packet.stream
            broken.append(part)
        assert len(list(with_whole_frames(broken, 0, extradata))) == len(packets)
