"""Files whose clock jumps, as recordings that were joined byte by byte."""

from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest

from heaters_pipeline.video.clips.write import ClipFile, ClipSettings, write_clips
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.frames import FrameReader
from heaters_pipeline.video.media.packet_index import index_packets
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.sound_times import SourceSound
from heaters_pipeline.video.media.timing import Span, Window
from heaters_pipeline.video.scoring.scores import ScoreSettings, score_frames
from heaters_pipeline_tests.videos import frame_number_of, make_video

FRAMES = 50
CLOCK_SECONDS = (1 << 33) / 90_000
OPTIONS = {"g": "25", "bf": "2"}


def joined(
    folder: Path, starts_seconds: Sequence[float], extension: str = "ts", audio: str | None = "aac"
) -> Path:
    """Recordings of 2 s whose clocks begin at these times, one after the other in a file.

    They begin at 1 s or later, since FFmpeg moves those that would begin before 0.
    """
    content = b""
    for number, start in enumerate(starts_seconds):
        part = make_video(
            folder / f"part{number}.{extension}",
            [FRAMES],
            options=OPTIONS,
            audio=audio,
            container_options={"output_ts_offset": str(start)},
        )
        content += part.read_bytes()
    path = folder / f"joined.{extension}"
    path.write_bytes(content)
    return path


@pytest.mark.parametrize(
    "starts_seconds",
    [
        pytest.param((3600, 1), id="back"),
        pytest.param((1, 3600), id="forward"),
        pytest.param((1, 1, 1), id="segments that begin alike"),
        pytest.param((500, 40, 40_000, 1, 1), id="many"),
        pytest.param((95_440, 30), id="near the end of the 33 bits"),
    ],
)
@pytest.mark.parametrize("audio", ["aac", None])
def test_recordings_that_were_joined_follow_each_other(
    starts_seconds: tuple[float, ...], audio: str | None, tmp_path: Path
) -> None:
    path = joined(tmp_path, starts_seconds, audio=audio)
    info = probe(path)
    reader = FrameReader(path, info)
    numbers = [frame_number_of(frame.picture()) for frame in reader]
    assert numbers == list(range(FRAMES)) * len(starts_seconds)
    timeline = reader.timeline
    assert np.diff((*timeline.pts, timeline.end_pts)).tolist() == [3600] * len(numbers)
    assert not timeline.from_stream
    assert index_packets(path, info) is None
    (fault,) = reader.faults
    for number, (start, later) in enumerate(pairwise(starts_seconds), start=1):
        jump = (later - start - 2 + CLOCK_SECONDS / 2) % CLOCK_SECONDS - CLOCK_SECONDS / 2
        assert f"{jump:+.3f} s at {2 * number:.3f} s" in fault


@pytest.mark.parametrize("starts_seconds", [(3600, 1), (1, 3600), (1, 1, 1)])
@pytest.mark.parametrize("mode", ["auto", "reencode"])
def test_the_sound_goes_with_the_pictures(
    starts_seconds: tuple[float, ...], mode: str, tmp_path: Path
) -> None:
    path = joined(tmp_path, starts_seconds)
    info = probe(path)
    track = score_frames(path, info, ScoreSettings(), on_progress=lambda _: None)
    (sound,) = SourceSound(path, info).streams().values()
    part = sound.within(Window(Fraction(-(10**6)), Fraction(10**6)))
    assert part is not None
    seconds = 2 * len(starts_seconds)
    assert float(part.end - part.start) == pytest.approx(seconds, abs=0.05)
    assert float(part.seconds) == pytest.approx(seconds, abs=0.05 * len(starts_seconds))
    for clip in clips_of(path, track, tmp_path, ClipSettings(mode=mode)):
        with av.open(str(clip)) as container:
            audio = container.streams.audio[0]
            assert float(audio.duration * audio.time_base) == pytest.approx(1.0, abs=0.06)
            assert sum(1 for _ in container.decode(video=0)) == 25


def clips_of(path: Path, track: ScoreTrack, folder: Path, settings: ClipSettings) -> list[Path]:
    """Clips of a second each, the first half a second after the start."""
    spans = [Span(at, at + 25) for at in range(13, track.frames - 25, 25)]
    made: dict[Span, object] = {}
    write_clips(
        path,
        probe(path),
        track.timeline,
        spans,
        lambda span: folder / f"clip{span.start}.mp4",
        settings,
        picture_digests=None,
        workers=2,
        on_clip=made.__setitem__,
    )
    assert all(isinstance(clip, ClipFile) for clip in made.values()), made
    return [folder / f"clip{span.start}.mp4" for span in spans]


def test_the_faults_are_kept_with_the_track(tmp_path: Path) -> None:
    path = joined(tmp_path, (100, 1))
    track = score_frames(path, probe(path), ScoreSettings(), on_progress=lambda _: None)
    assert ScoreTrack.from_bytes(track.to_bytes()).faults == track.faults
    assert "clock that jumps by -101.000 s at 2.000 s" in track.faults[0]


def test_pictures_may_pause_while_there_is_sound(tmp_path: Path) -> None:
    pts = [*range(25), *range(25 + 25 * 20, 50 + 25 * 20)]
    path = make_video(tmp_path / "a.ts", [50], pts=pts, codec="mpeg2video", audio="aac")
    info = probe(path)
    reader = FrameReader(path, info)
    assert sum(1 for _ in reader) == 50
    assert reader.timeline.from_stream
    assert reader.faults == ()
    assert float(reader.timeline.seconds_at(50)) == pytest.approx(22, abs=0.1)


def test_a_short_gap_stays(tmp_path: Path) -> None:
    path = joined(tmp_path, (1, 8))
    reader = FrameReader(path, probe(path))
    assert sum(1 for _ in reader) == 2 * FRAMES
    assert reader.timeline.seconds_at(2 * FRAMES) == 9
    assert reader.faults == ()


def test_a_clock_that_wraps_has_not_jumped(tmp_path: Path) -> None:
    path = joined(tmp_path, (95_442.5,))
    info = probe(path)
    reader = FrameReader(path, info)
    assert sum(1 for _ in reader) == FRAMES
    assert reader.timeline.from_stream
    assert reader.faults == ()
