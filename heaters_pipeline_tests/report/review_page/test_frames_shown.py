"""The frame that a person sees is the one whose number stands below, in both browsers."""

import random
from collections.abc import Callable, Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from heaters_pipeline.report.review_page.stored_page import stored_page
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.corrections import Corrections
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline_tests.browser import open_page
from heaters_pipeline_tests.firefox import open_firefox
from heaters_pipeline_tests.review_server import serving, shown
from heaters_pipeline_tests.videos import frame_number_of, make_video

SCENES = (20, 25, 30, 21)
STEPS = 30
FIREFOX_KEYS = {"ArrowDown": "\ue015", "ArrowUp": "\ue013"}
VP9 = {"codec": "libvpx-vp9", "options": {"g": "12", "deadline": "realtime", "cpu-used": "8"}}
H264 = {"options": {"g": "12", "bf": "2"}}
Press = Callable[[str], None]


def uneven() -> dict[str, Any]:
    """Times of frames that follow no rate."""
    rng = random.Random(3)
    pts = [0]
    while len(pts) < sum(SCENES):
        pts.append(pts[-1] + rng.choice((17, 33, 34, 50, 100)))
    return {"pts": pts, "time_base": Fraction(1, 1000)}


# Clips of VP9 are copies with frames that an edit list hides before those that are shown.
FILMS = {
    "h264": (H264, {}),
    "h264-uneven": ({**H264, **uneven()}, {}),
    "vp9": ({**VP9, "frame_rate": Fraction(30000, 1001)}, {"mode": "copy"}),
    "vp9-uneven": ({**VP9, **uneven()}, {"mode": "copy"}),
}


@pytest.fixture(scope="module")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with films of numbered frames, processed."""
    from heaters_pipeline_tests.pipeline import folder_pipeline

    folder = tmp_path_factory.mktemp("films")
    pipeline = folder_pipeline(folder / "store", folder)
    for name, (made, clips) in FILMS.items():
        path = make_video(folder / f"{name}.mp4", SCENES, size_px=(320, 180), **made)
        outcome = pipeline.process(name, source_videos={"origin": str(path)}, clips=clips)
        assert outcome.success, outcome.error
    pipeline.instance.dispose()
    return folder / "store"


@pytest.fixture(scope="module")
def address(films: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(films, tmp_path_factory.mktemp("cache")) as url:
        yield f"{url}videos/"


@pytest.fixture(scope="module")
def chromium() -> Iterator[tuple[Any, Press]]:
    with open_page() as page:
        page.set_viewport_size({"width": 1280, "height": 900})
        yield page, page.keyboard.press


@pytest.fixture(scope="module")
def firefox() -> Iterator[tuple[Any, Press]]:
    with open_firefox() as page:
        yield page, lambda key: page.press(FIREFOX_KEYS.get(key, key))


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
@pytest.mark.parametrize("name", FILMS)
def test_each_of_30_steps_shows_the_frame_of_its_number(
    name: str, browser: str, address: str, request: pytest.FixtureRequest
) -> None:
    page, press = request.getfixturevalue(browser)
    seen = numbers_after_steps(page, press, f"{address}{name}")
    assert seen == [("decoded", number, number) for _, number, _ in seen]
    assert len(seen) == STEPS


@pytest.mark.parametrize("name", FILMS)
def test_so_it_is_in_a_page_that_is_opened_as_a_file(
    name: str, films: Path, chromium: tuple[Any, Press]
) -> None:
    store = DirectoryObjectStore(films)
    page_file = films / "review_pages" / name / "page.html"
    page_file.parent.mkdir(parents=True)
    page_file.write_bytes(
        stored_page(
            store,
            read_video(store, name),
            Corrections(name),
            lambda key: f"../../{key}",
            "../_assets/decoder.js",
        )
    )
    seen = numbers_after_steps(*chromium, page_file.as_uri())
    assert seen == [("sought", number, number) for _, number, _ in seen]


def numbers_after_steps(page: Any, press: Press, url: str) -> list[tuple[str, int, int | None]]:
    """How each frame was shown, which one the page says it is, and which a person sees."""
    rng = random.Random(1)
    page.goto(url)
    shown(page)
    seen = []
    for _ in range(STEPS):
        press(rng.choice((",", ".", ".", ".", ",", "ArrowDown", "ArrowUp")))
        state = shown(page)
        seen.append((state["way"], state["frame"], number_at(page.screenshot(), state)))
    return seen


def number_at(screenshot: bytes, place: dict[str, Any]) -> int | None:
    """The number in the picture that stands there; None if it has none."""
    window = cv2.imdecode(np.frombuffer(screenshot, np.uint8), cv2.IMREAD_COLOR)
    top, left = round(place["y"]), round(place["x"])
    picture = window[top : top + round(place["height"]), left : left + round(place["width"])]
    try:
        return frame_number_of(np.asarray(picture, np.uint8))
    except ValueError:
        return None
