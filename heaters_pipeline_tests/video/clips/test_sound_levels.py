"""How loud clips are, and how much of them is silent, on sound of which it is known."""

from fractions import Fraction
from pathlib import Path
from typing import cast

import av
import av.audio.stream
import numpy as np
import numpy.typing as npt
import pytest

from heaters_pipeline.video.clips.record import ClipSound
from heaters_pipeline.video.clips.sound_levels import with_levels

RATE_HZ = 48_000
UNKNOWN = ClipSound("aac", 2, RATE_HZ)


def tone(dbfs: float, seconds: float) -> npt.NDArray[np.float32]:
    """A tone of 1 kHz."""
    instants = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return (10 ** (dbfs / 20) * np.sin(2 * np.pi * 1000 * instants)).astype(np.float32)


def written(path: Path, samples: npt.NDArray[np.float32], codec: str = "aac") -> Path:
    """A file with this sound on two channels."""
    with av.open(str(path), "w") as container:
        stream = cast(
            "av.audio.stream.AudioStream", container.add_stream(codec, RATE_HZ, layout="stereo")
        )
        frame = av.AudioFrame.from_ndarray(np.stack([samples, samples]), "fltp", "stereo")
        frame.sample_rate, frame.pts, frame.time_base = RATE_HZ, 0, Fraction(1, RATE_HZ)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return path


def levels(path: Path) -> tuple[float | None, float | None]:
    """Loudness and silence of a file."""
    sound = with_levels(UNKNOWN, path)
    assert sound is not None
    return sound.loudness_lufs, sound.silence_share


@pytest.mark.parametrize(("dbfs", "codec"), [(-23, "aac"), (-33, "aac"), (-23, "alac")])
def test_a_tone_has_the_loudness_that_ebu_r_128_gives_it(
    tmp_path: Path, dbfs: float, codec: str
) -> None:
    # Test cases 1 and 2 of EBU Tech 3341: 1 kHz on both channels is as loud as it is high.
    loudness, silence = levels(written(tmp_path / "clip.mp4", tone(dbfs, 20), codec))
    assert loudness == pytest.approx(dbfs, abs=0.1)
    assert silence == 0


@pytest.mark.parametrize(("quiet_dbfs", "expected"), [(-60, 0.5), (-40, 0)])
def test_silence_is_below_50_db_and_does_not_count_for_loudness(
    tmp_path: Path, quiet_dbfs: float, expected: float
) -> None:
    sound = np.concatenate([tone(-23, 2), tone(quiet_dbfs, 2)])
    loudness, silence = levels(written(tmp_path / "clip.mp4", sound))
    assert loudness == pytest.approx(-23, abs=0.5)
    assert silence == pytest.approx(expected, abs=0.05)


def test_nothing_is_as_quiet_as_the_gate_of_ebu_r_128(tmp_path: Path) -> None:
    assert levels(written(tmp_path / "clip.mp4", np.zeros(RATE_HZ, np.float32))) == (-70, 1)


def test_less_than_a_block_has_no_loudness(tmp_path: Path) -> None:
    loudness, silence = levels(written(tmp_path / "clip.mp4", tone(-23, 0.3), "alac"))
    assert (loudness, silence) == (None, 0)


def test_without_sound_there_is_nothing_to_know(tmp_path: Path) -> None:
    assert with_levels(None, tmp_path / "missing.mp4") is None


def test_sound_that_cannot_be_decoded_is_unknown(tmp_path: Path) -> None:
    path = written(tmp_path / "clip.mp4", tone(-23, 1))
    content = bytearray(path.read_bytes())
    at = content.index(b"mdat") + 4
    content[at : at + 2000] = b"\xff" * 2000
    path.write_bytes(content)
    assert with_levels(UNKNOWN, path) in (UNKNOWN, with_levels(UNKNOWN, path))
