"""A page with thousands of clips: all are there, and the browser has to do with few at a time."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from heaters_pipeline.report.review_page.page_data import PAGE_VERSION
from heaters_pipeline.report.review_page.page_html import page_html
from heaters_pipeline_tests.browser import open_page

CLIPS = 1500
SOME = 100
"""More than are near at first, and far fewer than there are."""
PICTURE = "data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///ywAAAAAAQABAAACAUwAOw=="
NUMBERS = "(all) => all.map((one) => Number(one.textContent))"
LAID_OUT = "(all) => all.filter((one) => one.checkVisibility({contentVisibilityAuto: true})).length"
# Of each card: its column and row, as it lies on the screen.
PLACES = """async (all) => {
  // A card that was put into a block far away has no place before the browser looks at it.
  for (let frame = 0; frame < 600 && all.some((one) => !one.clientWidth); frame++) {
    await new Promise(requestAnimationFrame);
  }
  const boxes = all.map((one) => one.getBoundingClientRect());
  const columns = [...new Set(boxes.map((one) => Math.round(one.x)))].sort((a, b) => a - b);
  const height = Math.max(...boxes.map((one) => one.y)) - boxes[0].y;
  const rows = Math.ceil(boxes.length / columns.length);
  return boxes.map((one) => [
    columns.indexOf(Math.round(one.x)),
    height ? Math.round(((one.y - boxes[0].y) / height) * (rows - 1)) : 0,
    columns.length,
  ]);
}"""


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Page]:
    with open_page() as page:
        yield page


def wait_for_cards(page: Page, number: int) -> None:
    """Until the page has just so many; ``expect`` would describe all of them at each look."""
    page.locator(".card").nth(number - 1).wait_for(state="attached")
    page.locator(".card").nth(number).wait_for(state="detached")


def wait_for_picture(page: Page, number: int) -> None:
    """Until the picture of a clip, from 1, is loaded."""
    page.wait_for_selector(f".card[aria-posinset='{number}'] img[src]", state="attached")


@pytest.fixture
def page(browser_page: Page, tmp_path: Path) -> Page:
    """The page of that many clips, once it has all of them."""
    path = tmp_path / "page.html"
    # What is decided in one test is none of the next.
    data = {**many_clips(CLIPS), "video_id": tmp_path.name}
    path.write_bytes(page_html(data, "decoder.js"))
    browser_page.set_viewport_size({"width": 1440, "height": 900})
    browser_page.goto(path.as_uri())
    assert browser_page.is_hidden("#loading")
    wait_for_cards(browser_page, CLIPS)
    return browser_page


def test_they_come_in_pieces_and_in_order(page: Page) -> None:
    page.reload()
    assert page.is_hidden("#loading")
    page.click("#filters button[value=waiting]")
    wait_for_cards(page, CLIPS)
    assert page.locator(".card .number").evaluate_all(NUMBERS) == [*range(1, CLIPS + 1)]
    # A cut far behind, right after all cards were taken apart for it.
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    page.locator(".card .open").nth(CLIPS - 2).focus()
    page.keyboard.press(".")
    page.keyboard.press("b")
    wait_for_cards(page, CLIPS + 1)
    assert page.locator(".card .number").evaluate_all(NUMBERS) == [*range(1, CLIPS + 2)]
    assert page.inner_text("#chosen") == f"Clip {CLIPS} of {CLIPS + 1}"


def test_those_far_away_are_counted_and_found_and_not_laid_out(page: Page) -> None:
    cards = page.locator(".card")
    assert 0 < cards.evaluate_all(LAID_OUT) < SOME
    # A screen reader is told of those near, and how many there are.
    counted = "(all) => all.map((one) => `${one.ariaPosInSet} of ${one.ariaSetSize}`)"
    assert cards.evaluate_all(counted) == [f"{at} of {CLIPS}" for at in range(1, CLIPS + 1)]
    assert page.evaluate(f"find('{CLIPS - 5}')")
    # It is scrolled to, and so laid out.
    wait_for_picture(page, CLIPS - 5)


def test_pictures_are_loaded_when_they_are_near(page: Page) -> None:
    wait_for_picture(page, 1)
    assert page.locator(".card img[src]").count() < SOME
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    wait_for_picture(page, CLIPS)
    assert page.locator(".card img[src]").count() < 2 * SOME


@pytest.mark.parametrize(("width_px", "columns"), [(360, 2), (1280, 3), (1900, 4)])
def test_rows_are_full_whatever_is_cut_merged_and_filtered(
    page: Page, width_px: int, columns: int
) -> None:
    page.set_viewport_size({"width": width_px, "height": 900})
    cards = page.locator(".card")

    def as_rows(number: int) -> list[list[int]]:
        return [[at % columns, at // columns, columns] for at in range(number)]

    page.keyboard.press(".")
    page.keyboard.press("b")
    wait_for_cards(page, CLIPS + 1)
    assert cards.evaluate_all(PLACES) == as_rows(CLIPS + 1)
    for _ in range(3):
        page.keyboard.press("ArrowDown")
        page.keyboard.press("m")
    wait_for_cards(page, CLIPS - 2)
    page.keyboard.press("x")
    page.click("#filters button[value=waiting]")
    wait_for_cards(page, CLIPS - 3)
    assert cards.evaluate_all(PLACES) == as_rows(CLIPS - 3)
    page.click("#filters button[value=rejected]")
    wait_for_cards(page, 1)
    # The chosen clip is none of those, and the Tab key still finds one.
    assert page.locator(".card .open[tabindex='0']").count() == 1


def many_clips(number: int) -> dict[str, Any]:
    """The data of a page of so many clips, each of four frames and with a picture."""
    clips = [
        {
            "name": f"c{start}",
            "start": start,
            "end": start + 4,
            "url": "no.mp4",
            "tiles": [],
            "picture": {"url": PICTURE, "frame": start},
        }
        for start in range(0, 4 * number, 4)
    ]
    curve = {"name": "curve", "rule": "rule", "frames_a_point": 4, "threshold": 50.0}
    return {
        "format_version": PAGE_VERSION,
        "video_id": "many",
        "title": "many",
        "source_sha256": "0" * 64,
        "frames": 4 * number,
        "timecode": {"rate": [25, 1], "is_constant": True, "start_frame": 0, "drop": False},
        "times": {"time_base": [1, 25], "steps": [1, 4 * number]},
        "shape": [16, 9],
        "facts": [],
        "transitions": [],
        "gaps": [],
        "clips": clips,
        "curve": {**curve, "points": [50] * number},
    }
