"""Sound that breaks off and goes on, as after a microphone was muted, stays with its pictures."""

from pathlib import Path

import av
import pytest

from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.video.clips.clip_sources import AUDIO_RATE_HZ, Known, know
from heaters_pipeline_tests.video.clips.test_sound import clicking, cut, require_in_sync


def with_a_break(known: Known, path: Path, first_second: int, end_second: int) -> Known:
    """The same packets without those of the sound between two seconds.

    In MP4 and MOV the packet before the break is then said to last until it ends.
    """
    missing = range(first_second * AUDIO_RATE_HZ, end_second * AUDIO_RATE_HZ)
    with av.open(str(known.path)) as source, av.open(str(path), "w") as target:
        streams = [target.add_stream_from_template(s, opaque=True) for s in source.streams]
        for packet in source.demux():
            if packet.size and not (packet.stream_index == 1 and packet.pts in missing):
                packet.stream = streams[packet.stream_index]
                target.mux(packet)
    return know(path)


@pytest.mark.parametrize("mode", ["auto", "copy", "reencode"])
@pytest.mark.parametrize("name", ["broken.mp4", "broken.mov", "broken.mkv"])
def test_all_sound_after_a_break_is_heard(name: str, mode: str, tmp_path: Path) -> None:
    broken = with_a_break(clicking(tmp_path, "mp4", "aac"), tmp_path / name, 1, 2)
    # Right after the break, some time after it, out of it, and across it.
    for span in (Span(50, 90), Span(60, 90), Span(40, 90), Span(10, 90)):
        cut(broken, span, tmp_path / "clip.mp4", mode)
        assert require_in_sync(broken, span, tmp_path / "clip.mp4") >= 3
