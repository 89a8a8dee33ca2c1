"""What a person does on the page: keys, undo, reload, two tabs, and what is saved of it."""

import json
import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.corrections import Corrections, Mark, read_corrections
from heaters_pipeline_tests.browser import SHOWING_MILLISECONDS, open_page
from heaters_pipeline_tests.pipeline import VIDEO_ID
from heaters_pipeline_tests.review_server import serving, shown

SPANS_AS_FOUND = ["0-20", "20-45", "45-75", "75-95"]


@pytest.fixture(scope="module")
def browser_page() -> Iterator[Page]:
    expect.set_options(timeout=SHOWING_MILLISECONDS)
    with open_page() as page:
        page.set_viewport_size({"width": 1280, "height": 900})
        yield page


@pytest.fixture
def store(processed_folder: Path, tmp_path: Path) -> DirectoryObjectStore:
    shutil.copytree(processed_folder, tmp_path / "store", symlinks=True)
    return DirectoryObjectStore(tmp_path / "store")


@pytest.fixture
def url(store: DirectoryObjectStore, tmp_path: Path) -> Iterator[str]:
    with serving(store, tmp_path / "cache") as address:
        yield f"{address}videos/{VIDEO_ID}"


@pytest.fixture
def page(browser_page: Page, url: str) -> Page:
    """The page of the film at its first frame, on a server, and so with storage, of its own."""
    browser_page.goto(url)
    assert shown(browser_page)["frame"] == 0
    return browser_page


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        shown(page)


def at(page: Page) -> int:
    return int(shown(page)["frame"])


def decisions(page: Page) -> list[dict[str, Any]]:
    """What would be saved, as the store would read it."""
    with page.expect_download() as download:
        page.click("#download")
    data = Path(download.value.path()).read_bytes()
    read = Corrections.from_bytes(data, "download")
    assert read.video_id == VIDEO_ID
    assert download.value.suggested_filename == f"{VIDEO_ID}.json"
    return list(json.loads(data)["decisions"])


def told(page: Page) -> list[tuple[Any, ...]]:
    """The decisions, in short."""
    names = ("kind", "frame", "to", "start_frame", "end_frame", "tags")
    return [tuple(one[name] for name in names if name in one) for one in decisions(page)]


def spans(page: Page) -> list[str]:
    """The clips as the cards have them, told by their times."""
    texts = page.locator(".card .open").evaluate_all("(all) => all.map((one) => one.ariaLabel)")
    frames = [
        [round(float(time) * 25) for time in re.findall(r"0:(\d+\.\d+)", one)] for one in texts
    ]
    return [f"{start}-{end}" for start, end in frames]


def states(page: Page) -> list[str]:
    return page.locator(".card").evaluate_all("(all) => all.map((one) => one.dataset.review)")


def test_keys_move_through_frames_and_clips(page: Page) -> None:
    steps = [
        (".", 1), ("ArrowRight", 2), (",", 1), ("ArrowLeft", 0), ("ArrowDown", 20),
        ("Shift+ArrowRight", 44), (".", 45), ("ArrowUp", 20), ("ArrowUp", 0), (",", 0),
    ]  # fmt: skip
    for key, frame in steps:
        press(page, key)
        assert at(page) == frame, key
    assert page.inner_text("#timecode") == "00:00:00:00"
    press(page, "ArrowDown", ".", ".")
    assert (page.inner_text("#number"), page.inner_text("#timecode")) == ("22", "00:00:00:22")


def test_a_clip_plays_on_click_and_stops_at_its_end(page: Page) -> None:
    page.click(".card:nth-child(2) .open")
    expect(page.locator("#video")).to_be_visible()
    expect(page.locator("#stage")).to_have_attribute("data-playing", "")
    assert at(page) == 44
    assert page.locator("[aria-current]").count() == 1
    press(page, "ArrowUp")
    page.keyboard.press("l")
    expect(page.locator("#stage")).to_have_attribute("data-playing", "1")
    expect(page.locator("#number")).not_to_have_text("0")
    page.keyboard.press("l")
    expect(page.locator("#stage")).to_have_attribute("data-playing", "2")
    page.keyboard.press("k")
    stopped = at(page)
    page.keyboard.press("j")
    expect(page.locator("#number")).not_to_have_text(str(stopped))
    page.keyboard.press("k")
    assert at(page) < stopped


def test_cuts_are_made_taken_away_and_moved(page: Page) -> None:
    press(page, ".", ".", ".", "b")
    assert spans(page) == ["0-3", "3-20", "20-45", "45-75", "75-95"]
    press(page, "ArrowDown", "m")
    assert spans(page) == ["0-3", "3-45", "45-75", "75-95"]
    press(page, "ArrowDown", ".", "Backspace")
    assert spans(page) == ["0-3", "3-75", "75-95"]
    press(page, "o", "o", "Shift+o", "i", "i", "Shift+i")
    assert spans(page) == ["0-2", "2-76", "76-95"]
    assert told(page) == [
        ("split", 3), ("merge", 20), ("merge", 45), ("move", 75, 76), ("move", 76, 77),
        ("move", 77, 76), ("move", 3, 2), ("move", 2, 1), ("move", 1, 2),
    ]  # fmt: skip
    for _ in range(9):
        press(page, "Control+z")
    assert (spans(page), told(page)) == (SPANS_AS_FOUND, [])
    for _ in range(9):
        press(page, "Control+Shift+Z")
    assert spans(page) == ["0-2", "2-76", "76-95"]


def test_what_makes_no_sense_is_said_and_not_decided(page: Page) -> None:
    press(page, "b")
    assert page.inner_text("#said") == "There is a cut already."
    press(page, "m")
    assert page.inner_text("#said") == "Nothing lies before this clip."
    press(page, "i")
    assert page.inner_text("#said") == "There is no cut to move."
    press(page, "Control+z")
    assert page.inner_text("#said") == "There is nothing to undo."
    assert told(page) == []


def test_clips_are_judged_and_the_next_that_waits_comes(page: Page) -> None:
    press(page, "a")
    assert at(page) == 20
    press(page, "s", "x")
    assert (states(page), at(page)) == (["approved", "waiting", "rejected", "waiting"], 75)
    assert page.inner_text("#waiting") == "2 waiting"
    page.click("#filters button[value=waiting]")
    assert page.locator(".card:visible").count() == 2
    press(page, "a")
    assert at(page) == 20
    press(page, "x", "s")
    assert page.inner_text("#said") == "No clip waits any more."
    assert page.inner_text("#waiting") == "all reviewed"


def test_a_key_that_is_held_down_decides_once(page: Page) -> None:
    for key in ("a", "a", "a", "."):
        page.keyboard.down(key)
    page.keyboard.down(".")
    for key in ("a", "."):
        page.keyboard.up(key)
    assert (states(page), at(page)) == (["approved", "waiting", "waiting", "waiting"], 22)


def test_tags_are_typed(page: Page) -> None:
    press(page, "t")
    page.fill("#tag-input", "goal,  night , goal,")
    page.keyboard.press("Enter")
    expect(page.locator(".card .tags").first).to_have_text("goal, night")
    assert told(page) == [("tag", 0, 20, ["goal", "night"])]
    # Letters that are typed are no keys.
    press(page, "t")
    page.fill("#tag-input", "")
    page.keyboard.type("abmx")
    page.keyboard.press("Escape")
    assert len(told(page)) == 1
    assert states(page) == ["waiting"] * 4


def test_decisions_survive_a_reload_and_can_be_undone_after_it(page: Page) -> None:
    page.fill("#by", "anna")
    page.keyboard.press("Tab")
    page.click("#stage")
    press(page, "ArrowDown", "b", "a", "ArrowUp", ".", "b")
    before = decisions(page)
    assert {one["by"] for one in before} == {"anna"}
    page.reload()
    shown(page)
    assert decisions(page) == before
    assert page.input_value("#by") == "anna"
    press(page, "Control+z")
    assert decisions(page) == before[:-1]


def test_two_tabs_do_not_overwrite_each_other(page: Page, url: str) -> None:
    with page.expect_popup() as opened:
        page.evaluate(f"void open('{url}')")
    other = opened.value
    shown(other)
    press(page, ".", "b")
    press(other, "ArrowDown", ".", "b")
    press(page, "a")
    for each in (page, other):
        expect(each.locator(".card")).to_have_count(6)
    expect(page.locator("#unsaved")).to_have_text("3 not saved")
    expect(other.locator("#unsaved")).to_have_text("3 not saved")
    assert sorted(told(page)) == sorted(told(other))
    # What is taken back in one does not come back from the other.
    press(page, "Control+z")
    expect(other.locator("#unsaved")).to_have_text("2 not saved")
    press(other, "x")
    expect(page.locator("#unsaved")).to_have_text("3 not saved")
    other.close()


def test_what_is_saved_lies_in_the_store_and_shows_again(
    page: Page, store: DirectoryObjectStore
) -> None:
    press(page, ".", "b", "x")
    page.keyboard.press("Control+s")
    expect(page.locator("#said")).to_have_text("Saved.")
    assert [one.kind for one in read_corrections(store, VIDEO_ID).decisions] == ["split", "reject"]
    page.evaluate("localStorage.clear()")
    page.reload()
    shown(page)
    assert spans(page)[:2] == ["0-1", "1-20"]
    assert page.inner_text("#unsaved") == "saved"


def test_saving_after_another_person_joins_both(page: Page, store: DirectoryObjectStore) -> None:
    press(page, "a")
    mine = decisions(page)
    other = {**mine[0], "id": "f" * 32, "start_frame": 20, "end_frame": 45, "by": "ben"}
    document = {
        "format": "heaters_pipeline/corrections",
        "format_version": 1,
        "video_id": VIDEO_ID,
        "decisions": [other],
    }
    store.write_bytes(
        f"corrections/{VIDEO_ID}.json",
        json.dumps(document).encode(),
        content_type="application/json",
    )
    page.click("#save")
    expect(page.locator("#said")).to_have_text("Saved.")
    stored = {one.id for one in read_corrections(store, VIDEO_ID).decisions}
    assert stored == {mine[0]["id"], "f" * 32}
    assert states(page)[:2] == ["approved", "approved"]


def save(page: Page) -> None:
    page.click("#save")
    expect(page.locator("#unsaved")).to_have_text("saved")


def test_what_is_saved_is_undone_by_its_opposite(page: Page) -> None:
    press(page, ".", "b")
    save(page)
    press(page, "Control+z")
    assert told(page) == [("split", 1), ("merge", 1)]
    assert spans(page) == SPANS_AS_FOUND
    press(page, "Control+z")
    assert page.inner_text("#said") == "There is nothing to undo."
    press(page, "Control+y")
    assert spans(page)[:2] == ["0-1", "1-20"]


def test_all_that_is_saved_is_undone_after_a_reload_and_done_again(
    page: Page, store: DirectoryObjectStore
) -> None:
    press(page, "x", "ArrowUp", "a", "t")
    page.fill("#tag-input", "goal")
    page.keyboard.press("Enter")
    press(page, "ArrowDown", "ArrowDown", "m", "i", ".", "b")
    made = (spans(page), states(page), told(page))
    save(page)
    page.reload()
    shown(page)
    for _ in made[2]:
        press(page, "Control+z")
    assert (spans(page), states(page)) == (SPANS_AS_FOUND, ["waiting"] * 4)
    assert told(page)[len(made[2]) :] == [
        ("merge", 45), ("move", 44, 45), ("split", 75), ("tag", 20, 45, []),
        ("reject", 0, 20), ("wait", 0, 20),
    ]  # fmt: skip
    save(page)
    marks = read_corrections(store, VIDEO_ID).marks(decisions(page)[0]["source_sha256"])
    assert set(marks.values()) == {Mark()}
    page.reload()
    shown(page)
    for _ in made[2]:
        press(page, "Control+Shift+Z")
    assert (spans(page), states(page)) == made[:2]
    press(page, "Control+Shift+Z")
    assert page.inner_text("#said") == "There is nothing to redo."


def test_tabs_take_back_their_own_and_none_twice(page: Page, url: str) -> None:
    press(page, ".", "b")
    with page.expect_popup() as opened:
        page.evaluate(f"void open('{url}')")
    other = opened.value
    shown(other)
    press(other, "ArrowDown", "ArrowDown", ".", "b")
    save(other)
    for _ in range(2):
        press(page, "Control+z")
    # The other tab began as a copy of the first, which took that split back already.
    for _ in range(2):
        press(other, "Control+z")
    expect(page.locator(".card")).to_have_count(4)
    assert sorted(told(page)) == sorted(told(other))
    assert sorted(told(page)) == [("merge", 1), ("merge", 21), ("split", 1), ("split", 21)]
    assert spans(page) == spans(other) == SPANS_AS_FOUND
    other.close()


def test_decisions_that_no_longer_apply_are_kept_and_named(page: Page, url: str) -> None:
    press(page, "a", "ArrowUp", ".", "b")
    assert page.inner_text("#unused") == (
        "1 decision no longer applies: no clip has these frames any more"
    )
    press(page, "ArrowUp")
    assert page.inner_text("#chosen-times") == "0:00.000 to 0:00.040, 1 frame"
    assert [one[0] for one in told(page)] == ["approve", "split"]


def test_the_keys_are_shown(page: Page) -> None:
    page.keyboard.press("?")
    page.wait_for_selector("#help-dialog[open]")
    assert page.locator("#keys tr").count() > 12
    page.keyboard.press("Escape")
    page.wait_for_selector("#help-dialog:not([open])", state="attached")
