"""The pages can be used by everybody: with a keyboard, a screen reader, on a small screen."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from heaters_pipeline_tests.browser import open_page
from heaters_pipeline_tests.pipeline import VIDEO_ID
from heaters_pipeline_tests.review_server import serving, shown

AXE = Path(__file__).resolve().parents[3] / ".players" / "node_modules" / "axe-core" / "axe.min.js"
WIDTHS_PX = (360, 768, 1440)
HEIGHT_PX = 800


@pytest.fixture(scope="module")
def url(processed_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with serving(processed_folder, tmp_path_factory.mktemp("cache")) as address:
        yield address


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with open_page() as page:
        yield page


def faults(page: Page) -> list[Any]:
    """What axe-core finds that is wrong, in short."""
    page.evaluate(AXE.read_text())
    found = page.evaluate("axe.run().then((result) => result.violations)")
    return [
        (one["id"], one["impact"], [node["html"][:120] for node in one["nodes"]]) for one in found
    ]


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width_px", WIDTHS_PX)
@pytest.mark.parametrize("path", ["", f"videos/{VIDEO_ID}"])
def test_axe_finds_nothing(page: Page, url: str, path: str, width_px: int, scheme: Any) -> None:
    if not AXE.is_file():
        pytest.skip("axe-core is missing: run make players")
    page.set_viewport_size({"width": width_px, "height": HEIGHT_PX})
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{url}{path}")
    if path:
        shown(page)
        page.keyboard.press("x")
    assert faults(page) == []
    if path:
        page.keyboard.press("?")
        assert page.is_visible("#help-dialog")
        assert faults(page) == []


@pytest.mark.parametrize("path", ["", f"videos/{VIDEO_ID}"])
def test_nothing_stands_out_at_360_px(page: Page, url: str, path: str) -> None:
    page.set_viewport_size({"width": 360, "height": HEIGHT_PX})
    page.goto(f"{url}{path}")
    if path:
        shown(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


def test_one_card_takes_the_focus_and_arrows_move_it(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 1440, "height": HEIGHT_PX})
    page.goto(f"{url}videos/{VIDEO_ID}")
    shown(page)
    assert page.locator(".card .open[tabindex='0']").count() == 1
    page.focus(".card:nth-child(1) .open")
    page.keyboard.press("ArrowDown")
    shown(page)
    focused = page.locator(":focus")
    assert focused.inner_text().split() == ["2", "0:00.800", "·", "1.00", "s", "waiting"]
    # It is heard in whole, and what was decided as well.
    heard = "Clip 2 0:00.800 · 1.00 s {}, to 0:01.800"
    expect(focused).to_have_accessible_name(heard.format("waiting"))
    page.keyboard.press("x")
    page.keyboard.press("ArrowUp")
    expect(focused).to_have_accessible_name(heard.format("rejected"))
    page.keyboard.press("Control+z")
    expect(focused).to_have_accessible_name(heard.format("waiting"))
    assert page.get_attribute("#timeline", "aria-valuetext") == "frame 20, 00:00:00:20"


def test_the_focus_stays_on_the_clip_that_is_cut_and_merged(page: Page, url: str) -> None:
    page.goto(f"{url}videos/{VIDEO_ID}")
    shown(page)
    for key, clip in (("ArrowDown", 2), (".", 2), ("b", 3), ("m", 2), ("Backspace", 1)):
        page.keyboard.press(key)
        shown(page)
        words = page.evaluate("document.activeElement.querySelector('.number')?.textContent")
        assert words == str(clip), key
    for _ in range(3):
        page.keyboard.press("Control+z")


@pytest.mark.parametrize(("wanted", "moves"), [("no-preference", True), ("reduce", False)])
def test_tiles_pass_by_on_focus_unless_motion_is_unwanted(
    page: Page, url: str, wanted: Any, moves: bool
) -> None:
    page.emulate_media(reduced_motion=wanted)
    page.goto(f"{url}videos/{VIDEO_ID}")
    shown(page)
    page.focus(".card:nth-child(1) .open")
    page.keyboard.press("ArrowDown")
    tile = ".card:nth-child(2) .tile"
    if moves:
        page.wait_for_selector(tile, state="visible")
    else:
        # Longer than any tile would stand.
        page.wait_for_timeout(600)
        assert not page.is_visible(tile)
    page.emulate_media(reduced_motion="no-preference")


def test_the_sprite_follows_the_pointer(page: Page, url: str) -> None:
    page.set_viewport_size({"width": 1440, "height": HEIGHT_PX})
    page.goto(f"{url}videos/{VIDEO_ID}")
    shown(page)
    box = page.locator(".card:nth-child(3) .open").bounding_box()
    assert box is not None
    places = []
    for share in (0.05, 0.95):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + 20)
        tile = page.locator(".card:nth-child(3) .tile")
        assert tile.is_visible()
        places.append(tile.evaluate("(one) => one.style.backgroundPosition"))
    assert places[0] != places[1]
    page.mouse.move(0, 0)
    assert not page.locator(".card:nth-child(3) .tile").is_visible()
