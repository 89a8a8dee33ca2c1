"""What stands in a page: right numbers, and nothing that titles and names could make it do."""

import base64
import hashlib
import json
import re
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import expect

from heaters_pipeline.errors import ManifestError
from heaters_pipeline.report.review_page.page_data import page_data, times_json
from heaters_pipeline.report.review_page.page_html import page_html
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.video_manifests import VideoManifest, read_video
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.timing import Timeline
from heaters_pipeline_tests.browser import SHOWING_MILLISECONDS, open_page
from heaters_pipeline_tests.pipeline import SPANS, VIDEO_ID
from heaters_pipeline_tests.review_server import shown

HOSTILE = (
    "</script><script>alert(1)</script><img src=x onerror=alert(2)>\u202e\"'`${alert(3)}{{7*7}}"
)


@pytest.fixture(scope="module")
def video(processed_folder: Path) -> VideoManifest:
    return read_video(DirectoryObjectStore(processed_folder), VIDEO_ID)


@pytest.fixture(scope="module")
def track(processed_folder: Path, video: VideoManifest) -> ScoreTrack:
    key = video.stages["frame_scores"].items[0].key
    return ScoreTrack.from_bytes((processed_folder / key).read_bytes())


def with_texts(video: VideoManifest, text: str) -> VideoManifest:
    """The same with a text wherever people and files bring one in."""
    source = video.stages["source_videos"]
    summary = {
        **source.summary,
        "title": text,
        "tags": [text],
        "source_key": f"source_videos/{text}",
    }
    return video.with_stage(replace(source, summary=summary))


def read_back(page: bytes) -> tuple[dict[str, Any], str]:
    """The data of a page, and the policy."""
    text = page.decode()
    data = re.search(r'<script id="data" type="application/json">(.*?)</script>', text)
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert data is not None
    assert policy is not None
    return json.loads(data[1]), policy[1].replace("&#39;", "'")


def test_it_has_the_clips_the_times_and_the_curve(
    video: VideoManifest, track: ScoreTrack, processed_folder: Path
) -> None:
    data: Any = page_data(video, track, lambda key: f"../../{key}")
    assert [(clip["start"], clip["end"]) for clip in data["clips"]] == SPANS
    assert (data["frames"], data["timecode"]["rate"]) == (95, [25, 1])
    assert Fraction(*data["shape"]) == Fraction(16, 9)
    num, den = data["times"]["time_base"]
    ticks, frames = data["times"]["steps"]
    assert (Fraction(ticks * num, den), frames) == (Fraction(1, 25), 95)
    strongest = sorted(range(95), key=lambda at: data["curve"]["points"][at], reverse=True)
    assert sorted(strongest[:3]) == [20, 45, 75]
    for clip in data["clips"]:
        urls = [clip["url"], clip["picture"]["url"], *(sheet["url"] for sheet in clip["tiles"])]
        assert all((processed_folder / url.removeprefix("../../")).is_file() for url in urls)


def test_uneven_times_are_kept_frame_by_frame() -> None:
    timeline = Timeline((5, 15, 25, 40, 41), 51, Fraction(1, 1000))
    assert times_json(timeline) == {"time_base": [1, 1000], "steps": [10, 2, 15, 1, 1, 1, 10, 1]}


@pytest.mark.parametrize(
    ("said", "shown_at_20"), [("10:00:00:10", "10:00:01:05"), (None, "00:00:00:20")]
)
def test_timecode_begins_with_that_of_the_source(
    video: VideoManifest, track: ScoreTrack, tmp_path: Path, said: str | None, shown_at_20: str
) -> None:
    source = video.stages["source_videos"]
    info = {**source.summary["info"], "start_timecode": said}
    changed = replace(source, summary={**source.summary, "info": info})
    path = tmp_path / "page.html"
    path.write_bytes(page_html(page_data(video.with_stage(changed), track, str), "decoder.js"))
    with open_page() as page:
        page.goto(path.as_uri())
        page.keyboard.press("ArrowDown")
        expect(page.locator("#number")).to_have_text("20", timeout=SHOWING_MILLISECONDS)
        expect(page.locator("#timecode")).to_have_text(shown_at_20)


def test_an_unfinished_video_has_no_page(video: VideoManifest, track: ScoreTrack) -> None:
    stages = {name: one for name, one in video.stages.items() if name != "keyframes"}
    with pytest.raises(ManifestError, match="run heaters process film"):
        page_data(VideoManifest(VIDEO_ID, stages), track, str)


def test_titles_and_names_stay_texts(video: VideoManifest, track: ScoreTrack) -> None:
    page = page_html(page_data(with_texts(video, HOSTILE), track, str), "decoder.js")
    text = page.decode()
    assert text.count("<script") == 2
    assert "<img src=x" not in text
    assert "\u202e" not in text
    data, _ = read_back(page)
    assert data["title"] == HOSTILE.replace("\u202e", "\\u202e")


def test_nothing_runs_but_the_script_of_the_page(video: VideoManifest, track: ScoreTrack) -> None:
    page = page_html(page_data(video, track, str), "https://bucket.example/decoder.js?signed")
    _, policy = read_back(page)
    text = page.decode()
    for kind, tag in (("script", "<script>"), ("style", "<style>")):
        content = text.partition(tag)[2].partition(f"</{kind}>")[0]
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        assert f"{kind}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "connect-src https://bucket.example;" in policy
    assert "unsafe" not in policy
    assert not re.search(
        r"\son\w+=|style=|javascript:", text.partition("<body>")[2].partition("<script")[0]
    )


def test_a_browser_runs_nothing_that_a_title_brings(
    video: VideoManifest, track: ScoreTrack, processed_folder: Path, tmp_path: Path
) -> None:
    data = page_data(
        with_texts(video, HOSTILE), track, lambda key: (processed_folder / key).as_uri()
    )
    path = tmp_path / "page.html"
    path.write_bytes(page_html(data, "../decoder.js"))
    said: list[str] = []
    with open_page() as page:
        page.on("dialog", lambda dialog: (said.append(dialog.message), dialog.dismiss()))
        page.on("console", lambda message: said.append(message.text))
        page.on("pageerror", lambda error: said.append(str(error)))
        page.goto(path.as_uri())
        assert page.locator("h1").inner_text() == HOSTILE.replace("\u202e", "\\u202e")
        page.keyboard.press("ArrowDown")
        assert shown(page)["frame"] == 20
        page.keyboard.press("t")
        page.fill("#tag-input", HOSTILE[:40].replace(",", ""))
        page.keyboard.press("Enter")
        tags = page.locator(".card .tags").nth(1)
        expect(tags).to_have_text(HOSTILE[:40], timeout=SHOWING_MILLISECONDS)
        widths = "(all) => new Set(all.map((one) => one.clientWidth)).size"
        assert page.locator(".card .picture").evaluate_all(widths) == 1
    assert said == []
