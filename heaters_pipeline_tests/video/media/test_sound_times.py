"""When there is sound in a source: by what its packets say, without decoding."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from heaters_pipeline.video.arrays import Int64Array
from heaters_pipeline.video.media.probe import probe
from heaters_pipeline.video.media.sound_times import SoundPart, SourceSound, StreamTimes
from heaters_pipeline.video.media.timing import Window
from heaters_pipeline_tests.videos import make_video

RATE_HZ = 1000
SECOND = Fraction(1)


def times(*sounding: tuple[int, int], reached: int = 0) -> StreamTimes:
    starts: Int64Array = np.array([start for start, _ in sounding], np.int64)
    ends: Int64Array = np.array([end for _, end in sounding], np.int64)
    all_reached = np.full(len(starts), reached, np.int64)
    return StreamTimes(RATE_HZ, starts, starts, ends, all_reached, Fraction(1, RATE_HZ))


def window(start_seconds: float, end_seconds: float) -> Window:
    return Window(Fraction(start_seconds), Fraction(end_seconds))


def test_sound_is_cut_at_both_ends() -> None:
    stream = times((0, 800), (800, 1600), (1600, 2400), (2400, 3200))
    assert stream.within(window(1, 2)) == SoundPart(Fraction(0), SECOND, SECOND, packets=1)
    assert stream.within(window(3.25, 5)) is None


def test_gaps_do_not_sound() -> None:
    stream = times((0, 500), (1500, 2500))
    part = stream.within(window(0.25, 2))
    assert part == SoundPart(Fraction(0), Fraction(7, 4), Fraction(3, 4), packets=1)
    assert stream.within(window(0.5, 1.5)) is None
    part = stream.within(window(0.5, 2))
    assert part == SoundPart(SECOND, Fraction(3, 2), Fraction(1, 2), packets=1)


def test_sound_counts_once_where_packets_overlap() -> None:
    stream = times((0, 1500), (500, 1000), (1000, 2000))
    assert stream.within(window(0, 3)) == SoundPart(Fraction(0), 2 * SECOND, 2 * SECOND, 3)


def test_it_is_read_from_where_it_stands_in_the_file() -> None:
    stream = times((0, 1000), (1000, 2000), (2000, 3000), reached=300)
    assert stream.read_from(window(2, 3)) == Fraction(300, RATE_HZ)
    # And never later than what a decoder needs before it.
    assert times((0, 9000), reached=8000).read_from(window(2, 3)) == Fraction(3, 2)
    assert times((0, 9000)).read_from(window(10, 11)) == Fraction(19, 2)


@pytest.mark.parametrize(
    ("extension", "codec"), [("mp4", "aac"), ("mkv", "aac"), ("ts", "aac"), ("mkv", "libopus")]
)
def test_the_sound_of_a_file_is_as_long_as_it_was(
    extension: str, codec: str, tmp_path: Path
) -> None:
    path = make_video(tmp_path / f"a.{extension}", [50], codec="mpeg4", audio=codec)
    (stream,) = SourceSound(path, probe(path)).streams().values()
    part = stream.within(window(-10, 100))
    assert part is not None
    with av.open(str(path)) as container:
        samples = sum(frame.samples for frame in container.decode(audio=0))
    assert float(part.seconds) == pytest.approx(samples / 48_000, abs=0.025)
    assert float(part.seconds) == pytest.approx(2, abs=0.045)
    assert float(part.end - part.start) == pytest.approx(float(part.seconds), abs=0.002)
