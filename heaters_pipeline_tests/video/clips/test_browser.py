"""Clips as a page in a browser shows them: the right first frame, the right last, no longer.

These are slow tests: half a minute as a rule, but Linux 6.18 was seen to spin over /proc for ten
minutes while Chromium reaped its processes, with two processors at a standstill.
"""

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from playwright.sync_api import Error, Page

from heaters_pipeline.video.clips.settings import ClipMethod
from heaters_pipeline.video.clips.write import ClipSettings
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.browser import open_page
from heaters_pipeline_tests.video.clips.clip_sources import Known, know, write_clip
from heaters_pipeline_tests.videos import frame_number_of, make_video
from heaters_pipeline_tests.web_server import Served, WebServer, running_web_server

pytestmark = pytest.mark.slow

FRAME_SECONDS = 0.04
SIZE_PX = (320, 180)
PAGE = Served(
    b"<!doctype html><title>clip</title><video muted preload=auto></video>",
    {"Content-Type": "text/html"},
)
SHOW = """async (url) => {
    const video = document.querySelector("video");
    const heard = name => new Promise((done, failed) => {
        video.addEventListener(name, done, {once: true});
        video.addEventListener("error", () => failed(video.error.message), {once: true});
    });
    const canvas = document.createElement("canvas");
    const shown = async () => {
        [canvas.width, canvas.height] = [video.videoWidth, video.videoHeight];
        const context = canvas.getContext("2d", {willReadFrequently: true});
        // Loaded is not yet drawn; the video stands still, so that waiting changes nothing.
        for (let patience = 0; patience < 200; patience++) {
            context.drawImage(video, 0, 0);
            const {data} = context.getImageData(0, 0, canvas.width, canvas.height);
            if (data.some(value => value > 0)) break;
            await new Promise(done => setTimeout(done, 25));
        }
        return canvas.toDataURL("image/png").split(",")[1];
    };
    const loaded = heard("loadeddata");
    video.src = url;
    await loaded;
    const first = await shown();
    const ended = heard("ended");
    await video.play();
    await ended;
    return {first, last: await shown(), duration: video.duration};
}"""
# What Chromium of Debian plays; builds without licensed codecs do not know H.264.
CODECS = {
    "h264": ("libx264", {"g": "20", "bf": "3", "sc_threshold": "0"}),
    "vp9": ("libvpx-vp9", {"g": "20", "deadline": "realtime", "cpu-used": "8"}),
    "av1": ("libsvtav1", {"g": "20", "preset": "12"}),
}
# What it may refuse: whether it plays HEVC depends on the machine.
OTHER_CODECS = {
    "hevc": ("libx265", {"preset": "ultrafast", "x265-params": "log-level=none:keyint=20"}),
    "mpeg4": ("mpeg4", {"g": "20", "bf": "2", "b": "800k"}),
}
# On an I-frame and off it, the first frame and the last.
SPANS = [Span(0, 25), Span(20, 41), Span(33, 52), Span(58, 80)]


@dataclass(frozen=True, slots=True)
class Shown:
    """What a browser showed of a clip: numbers of frames, and its length."""

    first: int
    last: int
    duration_seconds: float


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with open_page() as page:
        yield page


@pytest.fixture(scope="module")
def server() -> Iterator[WebServer]:
    with running_web_server() as server:
        server.served["/"] = PAGE
        yield server


@pytest.fixture(scope="module")
def sources(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Known]:
    """A video of each codec."""
    folder = tmp_path_factory.mktemp("sources")
    return {
        name: know(
            make_video(
                folder / f"{name}.mp4",
                [80],
                codec=codec,
                options=options,
                size_px=SIZE_PX,
                audio="aac",
            )
        )
        for name, (codec, options) in CODECS.items()
    }


def cut(known: Known, span: Span, target: Path, method: ClipMethod) -> Path:
    settings = ClipSettings(method, preset="ultrafast", crf=20)
    clip = write_clip(known, span, target, settings)
    assert (clip.method, clip.fallback_reason) == (method, None)
    return target


def show(page: Page, server: WebServer, clip: Path) -> Shown:
    server.served["/clip.mp4"] = Served(clip.read_bytes())
    page.goto(server.url("/"))
    seen: dict[str, Any] = page.evaluate(SHOW, "/clip.mp4")
    return Shown(number_in(seen["first"]), number_in(seen["last"]), seen["duration"])


def ends_or_refusal(page: Page, server: WebServer, clip: Path) -> tuple[int, int] | str:
    """The first and the last frame that are shown, or why the browser shows none."""
    try:
        shown = show(page, server, clip)
    except Error as error:
        return error.message.splitlines()[0].rpartition(": ")[2]
    return shown.first, shown.last


def number_in(png_base64: str) -> int:
    data = np.frombuffer(base64.b64decode(png_base64), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert picture is not None
    return frame_number_of(np.asarray(picture, np.uint8))


@pytest.mark.parametrize(
    ("codec", "method"),
    [("h264", "copy"), ("vp9", "copy"), ("av1", "copy"), ("h264", "reencode")],
)
@pytest.mark.parametrize("span", SPANS, ids=str)
def test_the_first_and_the_last_frame_are_those_of_the_span(
    sources: dict[str, Known],
    codec: str,
    method: ClipMethod,
    span: Span,
    page: Page,
    server: WebServer,
    tmp_path: Path,
) -> None:
    shown = show(page, server, cut(sources[codec], span, tmp_path / "clip.mp4", method))
    assert (shown.first, shown.last) == (span.start, span.end - 1)
    assert shown.duration_seconds == pytest.approx(len(span) * FRAME_SECONDS, abs=FRAME_SECONDS)


@pytest.mark.parametrize("method", ["copy", "reencode"])
def test_frames_of_different_lengths(
    method: ClipMethod, page: Page, server: WebServer, tmp_path: Path
) -> None:
    pts = [number * 3 + number % 3 for number in range(60)]
    known = know(
        make_video(
            tmp_path / "a.mkv",
            [60],
            pts=pts,
            time_base=Fraction(1, 50),
            options={"g": "25", "bf": "2"},
            size_px=SIZE_PX,
        )
    )
    span = Span(11, 47)
    shown = show(page, server, cut(known, span, tmp_path / "clip.mp4", method))
    assert (shown.first, shown.last) == (11, 46)
    length = float(known.timeline.duration_of(span))
    assert shown.duration_seconds == pytest.approx(length, abs=FRAME_SECONDS)


@pytest.mark.parametrize("codec", OTHER_CODECS)
def test_a_copy_is_exact_or_refused_and_an_encoded_clip_is_shown(
    codec: str, page: Page, server: WebServer, tmp_path: Path
) -> None:
    name, options = OTHER_CODECS[codec]
    source = tmp_path / "a.mp4"
    known = know(make_video(source, [60], codec=name, options=options, size_px=SIZE_PX))
    span = Span(33, 52)
    ends = (span.start, span.end - 1)
    copied = cut(known, span, tmp_path / "copied.mp4", "copy")
    assert ends_or_refusal(page, server, copied) in (ends, "no supported streams")
    shown = show(page, server, cut(known, span, tmp_path / "encoded.mp4", "reencode"))
    assert (shown.first, shown.last) == ends
