"""The same film has the same transitions, however it is delivered."""

from dataclasses import dataclass, field
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from heaters_pipeline_tests.video.detection.edited_films import at_25, whole_film_at_50, woven
from heaters_pipeline_tests.video.detection.encoding import Encoding, encode
from heaters_pipeline_tests.video.detection.found_transitions import Found, agree, found_in_film
from heaters_pipeline_tests.video.detection.hard_shots import Film, shot, spliced
from heaters_pipeline_tests.video.detection.moving_shots import found_in

X264 = {"preset": "veryfast"}
X265 = {"preset": "ultrafast", "x265-params": "log-level=none:pools=none:frame-threads=1"}
INTERLACED = Encoding(interlaced=True, options={**X264, "x264-params": "tff=1"})


@dataclass(frozen=True, slots=True)
class Delivery:
    """A way to deliver a film, with ids for people."""

    name: str
    encoding: Encoding = field(default_factory=Encoding)


FORMATS = (
    Delivery("x264-10-bit", Encoding(pixel_format="yuv420p10le")),
    Delivery("x265-10-bit", Encoding("libx265", X265, "yuv420p10le")),
    Delivery("full-range", Encoding(full_range=True)),
    Delivery("full-range-yuvj", Encoding(pixel_format="yuvj420p", full_range=True)),
    Delivery("hdr-pq", Encoding(pixel_format="yuv420p10le", hdr=True)),
    Delivery("coded-interlaced", INTERLACED),
    Delivery("rotated", Encoding(rotation_degrees=90)),
)

CODECS = (
    Delivery("x264-medium", Encoding(options={"preset": "medium"})),
    Delivery(
        "x264-fixed-gop", Encoding(options={**X264, "g": "50", "sc_threshold": "0", "bf": "3"})
    ),
    Delivery(
        "x264-open-gop",
        Encoding(
            options={
                **X264,
                "g": "25",
                "sc_threshold": "0",
                "bf": "3",
                "x264-params": "open-gop=1",
            },
            suffix=".mkv",
        ),
    ),
    Delivery("x265", Encoding("libx265", X265)),
    Delivery("mpeg2", Encoding("mpeg2video", {"b": "1000000", "bf": "2"}, suffix=".ts")),
    Delivery("mpeg4", Encoding("mpeg4", {"b": "1000000", "bf": "2"})),
    Delivery(
        "vp9",
        Encoding(
            "libvpx-vp9",
            {"deadline": "realtime", "cpu-used": "8", "crf": "32", "b": "0"},
            suffix=".webm",
        ),
    ),
    Delivery("av1", Encoding("libsvtav1", {"preset": "12", "crf": "35"})),
)


@pytest.fixture(scope="module")
def dense_film() -> Film:
    return whole_film_at_50()


@pytest.fixture(scope="module")
def film(dense_film: Film) -> Film:
    return at_25(dense_film)


@pytest.fixture(scope="module")
def plain(film: Film, tmp_path_factory: pytest.TempPathFactory) -> Found:
    return found_in_film(tmp_path_factory.mktemp("plain") / "film", film)


def test_the_plain_film_has_its_transitions(film: Film, plain: Found) -> None:
    assert agree(plain, film.transitions, gradual_frames=4, cut_frames=0), (plain, film.transitions)


@pytest.mark.parametrize(
    "delivery",
    FORMATS,
    ids=lambda delivery: delivery.name,
)
def test_formats_do_not_change_transitions(
    tmp_path: Path, film: Film, plain: Found, delivery: Delivery
) -> None:
    found = found_in_film(tmp_path / "film", film, delivery.encoding)
    assert agree(found, plain, gradual_frames=2, cut_frames=0), (found, plain)


@pytest.mark.parametrize("steps", [(1, 2, 3), (1, 1, 1, 60)], ids=["uneven", "pauses"])
def test_a_variable_frame_rate_does_not_change_transitions(
    tmp_path: Path, film: Film, plain: Found, steps: tuple[int, ...]
) -> None:
    ticks = np.cumsum(np.random.default_rng(5).choice(steps, len(film.pictures)))
    # The mean stays at 25 frames a second, which is what the shares of a second are made of.
    tick = Fraction(len(ticks), 25 * int(ticks[-1]))
    times = [int(each) * tick for each in ticks]
    found = found_in(encode(tmp_path / "film", film.pictures, times_seconds=times))
    assert agree(found, plain, gradual_frames=2, cut_frames=0), (found, plain)


def test_fifty_frames_a_second_have_the_transitions_at_the_same_times(
    tmp_path: Path, dense_film: Film, plain: Found
) -> None:
    found = found_in_film(tmp_path / "film", dense_film, Encoding(frame_rate=50))
    expected = [(kind, 2 * start, 2 * end) for kind, start, end in plain]
    assert agree(found, expected, gradual_frames=2 * 2, cut_frames=0), (found, expected)


def test_interlaced_pictures_have_the_same_transitions(
    tmp_path: Path, dense_film: Film, plain: Found
) -> None:
    film = Film(woven(dense_film.pictures))
    found = found_in_film(tmp_path / "film", film, INTERLACED)
    assert agree(found, plain, gradual_frames=2, cut_frames=0), (found, plain)


def test_a_cut_between_the_two_fields_of_a_frame_is_one_cut(tmp_path: Path) -> None:
    rng = np.random.default_rng(11)
    fields = spliced(
        shot(rng, 51, frame_rate=50), shot(rng, 50, frame_rate=50), shot(rng, 49, frame_rate=50)
    )
    found = found_in_film(tmp_path / "film", Film(woven(fields.pictures)), INTERLACED)
    expected = [("cut", field // 2, field // 2) for field in fields.cuts]
    assert agree(found, expected, gradual_frames=0), found


@pytest.mark.parametrize("delivery", CODECS, ids=lambda delivery: delivery.name)
def test_codecs_do_not_change_cuts(tmp_path: Path, film: Film, delivery: Delivery) -> None:
    frames = 165
    part = Film(film.pictures[:frames])
    found = found_in_film(tmp_path / "film", part, delivery.encoding)
    expected = [("cut", cut, cut) for cut in film.cuts if cut < frames]
    assert agree([each for each in found if each[0] == "cut"], expected, gradual_frames=0), found
