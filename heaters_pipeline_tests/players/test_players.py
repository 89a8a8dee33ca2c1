"""Players in a browser show the tile of the time under the pointer.

The players come from npm, ``make players`` installs them. The film shows the number of each frame.
"""

import time
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path

import cv2
import numpy as np
import pytest
from playwright.sync_api import FloatRect, Page, Route

from heaters_pipeline.video.stills.settings import StoryboardSettings
from heaters_pipeline_tests.browser import open_page
from heaters_pipeline_tests.players.folder_server import serving
from heaters_pipeline_tests.players.pages import FOLDER, PLAYERS, Player, page_of
from heaters_pipeline_tests.video.clips.clip_sources import know
from heaters_pipeline_tests.video.stills.test_storyboards import make
from heaters_pipeline_tests.videos import frame_number_of, make_video

INSTALLED = Path(__file__).resolve().parents[2] / ".players" / "node_modules"
FRAMES_A_SECOND = 5
SECONDS = 132
# On both sheets, and on both sides of where one ends. Shaka rounds to whole seconds.
TIMES_SECONDS = (12.25, 47.25, 99.25, 100.25, 118.25)
PATIENCE_SECONDS = 60
HLS_OPTIONS = {"hls_playlist_type": "vod", "hls_segment_type": "fmp4", "hls_time": "10"}
MAIN_PLAYLIST = """#EXTM3U
#EXT-X-VERSION:7
#EXT-X-STREAM-INF:BANDWIDTH=500000,RESOLUTION=320x180,CODECS="avc1.64000c"
film.m3u8
#EXT-X-IMAGE-STREAM-INF:BANDWIDTH=70000,RESOLUTION=320x180,CODECS="{codec}",URI="../storyboards/film.m3u8"
"""


@pytest.fixture(scope="module", params=["jpg", "webp"])
def site(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Iterator[str]:
    """The address of a server with pages, film, storyboard and players."""
    if not INSTALLED.is_dir():
        pytest.skip("the players are missing: run make players")
    root = tmp_path_factory.mktemp("site")
    folders = {f"/{name}/": root / name for name in ("pages", "film", "storyboards")}
    for folder in folders.values():
        folder.mkdir()
    film, _ = (
        make_video(
            root / "film" / name,
            [60 * FRAMES_A_SECOND, (SECONDS - 60) * FRAMES_A_SECOND],
            size_px=(320, 180),
            frame_rate=Fraction(FRAMES_A_SECOND),
            options={"g": "25"},
            container_options=options,
        )
        for name, options in (("film.mp4", {}), ("film.m3u8", HLS_OPTIONS))
    )
    storyboard = make(know(film), root / "storyboards", StoryboardSettings(format=request.param))
    assert storyboard.layout.page_count == 2
    (root / "storyboards" / "film.vtt").write_bytes(storyboard.webvtt())
    (root / "storyboards" / "film.m3u8").write_bytes(storyboard.images_playlist())
    (root / "film" / "main.m3u8").write_text(
        MAIN_PLAYLIST.format(codec="jpeg" if request.param == "jpg" else "webp")
    )
    for name, player in PLAYERS.items():
        text = page_of(player, "../film/film.mp4", "../storyboards/film.vtt")
        (root / "pages" / f"{name}.html").write_text(text)
    with serving({**folders, FOLDER: INSTALLED}) as address:
        yield address


@pytest.fixture(scope="module")
def page(site: str) -> Iterator[Page]:
    """A page that is not let to any other server."""

    def keep_here(route: Route) -> None:
        is_here = route.request.url.removeprefix("blob:").startswith(site)
        route.continue_() if is_here else route.abort()

    with open_page() as page:
        page.set_viewport_size({"width": 1400, "height": 875})
        page.route("**/*", keep_here)
        yield page


@pytest.mark.parametrize("name", PLAYERS)
def test_the_thumbnail_under_the_pointer_is_the_tile_of_its_time(
    name: str, page: Page, site: str
) -> None:
    player = PLAYERS[name]
    page.goto(f"{site}/pages/{name}.html")
    page.wait_for_function("document.querySelector('video')?.readyState >= 1")
    page.mouse.move(700, 400)
    page.locator(player.bar).first.wait_for(state="visible")
    expected = [int(seconds) * FRAMES_A_SECOND for seconds in TIMES_SECONDS]
    seen = [number_shown(page, player, *each) for each in zip(TIMES_SECONDS, expected, strict=True)]
    assert seen == expected


def number_shown(page: Page, player: Player, seconds: float, expected: int) -> int | None:
    """The number in the thumbnail of a time, after waiting for the expected one to come."""
    give_up = time.monotonic() + PATIENCE_SECONDS
    seen = None
    while seen != expected and time.monotonic() < give_up:
        bar = page.locator(player.bar).first.bounding_box()
        if bar is not None:
            width_px = bar["width"] - 2 * player.inset_px
            x = bar["x"] + player.inset_px + width_px * seconds / SECONDS
            page.mouse.move(x, bar["y"] + bar["height"] / 2)
        page.wait_for_timeout(100)
        thumbnail = page.locator(player.thumbnail).first
        place = thumbnail.bounding_box() if thumbnail.is_visible() else None
        seen = number_at(page, place) if place and place["height"] > 50 else None
    return seen


def number_at(page: Page, place: FloatRect) -> int | None:
    """The number that a person reads there; None while there is none."""
    data = np.frombuffer(page.screenshot(clip=place), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    try:
        return frame_number_of(np.asarray(picture, np.uint8))
    except ValueError:
        return None
