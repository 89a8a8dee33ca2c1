"""Measure how quickly the review page of a video with very many clips opens, and how it scrolls.

    python -m benchmarks.review_page [--clips 2000] [--runs 5]

Processes a film of that many scenes, opens its page in Chromium by ``heaters serve`` and as a file,
each time in a new browser, and prints the median and the worst: seconds to the first paint of
content, until clips are shown, until the first frame is shown exactly, and until all clips are
there; how many pictures were loaded by the first frame; the longest time between two frames that
the browser drew, and how many took over 50 ms, while all of the page was scrolled through, a third
of a screen a frame, and what the page's main thread worked for each, which other programs hardly
change; the same for a plain list of text as high as that, which shows what of it is
the browser's own; the pictures loaded in the end; the longest that the page kept the browser from
anything else, while it opened and after it; and how long a decision takes until it is shown.
"""

import argparse
import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import CDPSession, Page

from benchmarks.timing import versions
from heaters_pipeline_tests.browser import open_page
from heaters_pipeline_tests.pipeline import VIDEO_ID, folder_pipeline
from heaters_pipeline_tests.review_server import serving, shown
from heaters_pipeline_tests.videos import make_video

FRAMES_A_CLIP = 7
SETTINGS = {"min_duration_seconds": 0.2}
FIRST_PAINT = "performance.getEntriesByName('first-contentful-paint')[0].startTime / 1000"
CLIPS_SHOWN = "heaters.clips / 1000"
LONGEST_TASK = "Math.max(0, ...heaters.tasks.splice(0)) / 1000"
DECISION = """(async () => {
  const before = performance.now();
  document.getElementById('approve').click();
  await new Promise(requestAnimationFrame);
  await new Promise((resolve) => setTimeout(resolve));
  return (performance.now() - before) / 1000;
})()"""
# In the page before its own script: notes when clips are drawn, and each task of 50 ms or more.
WATCH = """
globalThis.heaters = { clips: 0, tasks: [] };
new PerformanceObserver((list) => {
  heaters.tasks.push(...list.getEntries().map((one) => one.duration));
}).observe({ type: 'longtask', buffered: true });
requestAnimationFrame(function look() {
  if (document.querySelector('.card')) {
    requestAnimationFrame(() => (heaters.clips = performance.now()));
  } else requestAnimationFrame(look);
});
"""
PICTURES = """performance.getEntriesByType('resource')
  .filter((one) => one.initiatorType === 'img' || one.initiatorType === 'css').length"""
ALL_CLIPS = """(async () => {
  const clips = Number(document.getElementById('chosen').textContent.split(' of ')[1]);
  while (document.querySelectorAll('.card').length < clips) {
    await new Promise(requestAnimationFrame);
  }
  return performance.now() / 1000;
})()"""
HEIGHT = "document.documentElement.scrollHeight"
PLAIN_LIST = """(height) => {
  document.documentElement.innerHTML =
    `<body><ul>${'<li style="height: 60px">A line of text'.repeat(height / 60)}</ul></body>`;
}"""
SLOW_SECONDS = 0.05
SCROLL = """(async () => {
  const took = [];
  let before = performance.now();
  const step = innerHeight / 3;
  for (let y = 0; y < document.documentElement.scrollHeight; y += step) {
    scrollTo(0, y);
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    took.push((now - before) / 1000);
    before = now;
  }
  return took;
})()"""


def main() -> None:
    """Measure, and print a line for each way of opening the page."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--clips", type=int, default=2000)
    parser.add_argument("--runs", type=int, default=5)
    given = parser.parse_args()
    print(versions())
    with tempfile.TemporaryDirectory() as folder, many_clips(Path(folder), given.clips) as places:
        for way, url in places.items():
            report(way, [opened(url) for _ in range(given.runs)])


def report(way: str, runs: list[dict[str, float]]) -> None:
    """Print the median and the worst of each number."""
    print(f"{way}:")
    for name in runs[0]:
        values = [run[name] for run in runs]
        print(f"  {name:<28} {statistics.median(values):8.3f}, at worst {max(values):8.3f}")


def opened(url: str) -> dict[str, float]:
    """What opening a page once, in a new browser, takes."""
    with open_page() as page:
        page.set_viewport_size({"width": 1440, "height": 900})
        page.add_init_script(WATCH)
        # Else the browser notes the first 250 of what it loads.
        page.add_init_script("performance.setResourceTimingBufferSize(100000)")
        started = time.perf_counter()
        page.goto(url, wait_until="commit")
        shown_after = first_frame(page, started)
        opening = {
            "first paint, s": page.evaluate(FIRST_PAINT),
            "clips are shown, s": page.evaluate(CLIPS_SHOWN),
            "first frame is exact, s": shown_after,
            "pictures then": page.evaluate(PICTURES),
            "all clips are there, s": page.evaluate(ALL_CLIPS),
            "longest task, opening, s": page.evaluate(LONGEST_TASK),
        }
        after = {
            **scrolled(page, "scrolling"),
            "pictures in the end": page.evaluate(PICTURES),
            "decision is shown, s": page.evaluate(DECISION),
            "longest task after, s": page.evaluate(LONGEST_TASK),
        }
        height = page.evaluate(HEIGHT)
        page.goto("about:blank")
        page.evaluate(PLAIN_LIST, height)
        return {**opening, **after, **scrolled(page, "plain list")}


def scrolled(page: Page, what: str) -> dict[str, float]:
    """The frames drawn while all of a page is scrolled through."""
    session = page.context.new_cdp_session(page)
    session.send("Performance.enable", {"timeDomain": "threadTicks"})
    before = cpu_seconds(session)
    took = page.evaluate(SCROLL)
    return {
        f"CPU a frame, {what}, s": (cpu_seconds(session) - before) / len(took),
        f"longest frame, {what}, s": max(took),
        f"frames over 50 ms, {what}": sum(each > SLOW_SECONDS for each in took),
    }


def cpu_seconds(session: CDPSession) -> float:
    """What the main thread of the page has worked so far."""
    found = session.send("Performance.getMetrics")["metrics"]
    return float(next(one["value"] for one in found if one["name"] == "TaskDuration"))


def first_frame(page: Page, started: float) -> float:
    """Seconds until the first frame is shown."""
    page.wait_for_selector("#stage[data-frame]")
    shown(page)
    return time.perf_counter() - started


@contextmanager
def many_clips(folder: Path, clips: int) -> Iterator[dict[str, str]]:
    """The addresses of the page of a video with so many clips."""
    film = make_video(folder / "film.mp4", [FRAMES_A_CLIP] * clips, options={"g": "7"})
    pipeline = folder_pipeline(folder / "store", folder)
    outcome = pipeline.process(source_videos={"origin": str(film)}, scenes=SETTINGS)
    assert outcome.success, outcome.error
    outcome = pipeline.review()
    assert outcome.success, outcome.error
    pipeline.instance.dispose()
    page = next((folder / "store" / "review_pages" / VIDEO_ID).iterdir())
    found = len(pipeline.manifest("clips").items)
    print(f"{found} clips of {FRAMES_A_CLIP} frames, a page of {page.stat().st_size / 1e6:.2f} MB")
    with serving(folder / "store", folder / "cache") as url:
        yield {"by heaters serve": f"{url}videos/{VIDEO_ID}", "as a file": page.as_uri()}


if __name__ == "__main__":
    main()
