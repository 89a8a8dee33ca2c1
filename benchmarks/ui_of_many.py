"""Measure what the UI's pages and the sensors cost with very many videos.

    python -m benchmarks.many_videos STORE --videos 100000 --without-pictures --s3
    python -m benchmarks.ui_of_many [--videos 100000] [--store STORE] [--sqlite] [--shots FOLDER]

Brings the instance up (``benchmarks.large_instance``) and opens each page in Chromium until what a
person came for is shown; launches a backfill of 100 videos; lets each sensor look by the UI's test
of sensors, in the code server, which starts no run; runs ``heaters status`` and ``import``. Each is
done three times: median and the first, which finds nothing remembered, in seconds by the clock. Of
a page that takes long, the requests that it waited for are named. What is not there after two
minutes is given up. With ``--shots``, what the browser showed is kept there.
"""

import argparse
import json
import os
import re
import statistics
import subprocess
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests
from playwright.sync_api import Error, Page, Request

from benchmarks.large_instance import LOCATION, Instance, add_arguments, large_instance
from benchmarks.many_videos import HEATERS
from benchmarks.timing import versions
from heaters_pipeline.names import PROCESS_JOB
from heaters_pipeline_tests.browser import open_page

TIMES = 3
GIVEN_UP_SECONDS = 120
_NAMED_SECONDS = 5.0
_JOB = f"/locations/__repository__@{LOCATION}/jobs/{PROCESS_JOB}"
_REPOSITORY = {"repositoryName": "__repository__", "repositoryLocationName": LOCATION}
_FILLED = re.compile(r"\d+% filled")
_PARTITIONED = 7
SENSORS = (
    "bring_in_submissions",
    "process_uploads",
    "update_catalog",
    "apply_changed_settings",
    "report_dead_runs",
)
_DRY_RUN = """
mutation($sensor: SensorSelector!, $cursor: String) {
  sensorDryRun(selectorData: $sensor, cursor: $cursor) { __typename
    ... on PythonError { message }
    ... on DryRunInstigationTick { evaluationResult {
      cursor skipReason error { message } runRequests { runKey } } } } }
"""


@dataclass(slots=True)
class Waiting:
    """The GraphQL requests of a page.

    Attributes:
        begun: Operation and start of each that is not answered.
        took: The longest seconds of each operation that was.
    """

    begun: dict[Request, tuple[str, float]] = field(default_factory=dict)
    took: dict[str, float] = field(default_factory=dict)

    def watch(self, page: Page) -> None:
        """From now on."""
        page.on("request", lambda request: self._begin(request))
        page.on("requestfinished", lambda request: self._end(request))
        page.on("requestfailed", lambda request: self._end(request))

    def _begin(self, request: Request) -> None:
        if request.url.endswith("/graphql") or "/graphql?" in request.url:
            operation = json.loads(request.post_data or "{}").get("operationName", "")
            self.begun[request] = (operation, time.perf_counter())

    def _end(self, request: Request) -> None:
        if request in self.begun:
            operation, started = self.begun.pop(request)
            seconds = time.perf_counter() - started
            self.took[operation] = max(seconds, self.took.get(operation, 0))

    def longest(self) -> str:
        """Those that took a second or more, the longest first."""
        now = time.perf_counter()
        unanswered = {name: now - started for name, started in self.begun.values()}
        both = sorted({**self.took, **unanswered}.items(), key=lambda one: -one[1])
        return ", ".join(f"{name} {seconds:.1f}" for name, seconds in both if seconds >= 1)


def _lineage(page: Page) -> None:
    page.get_by_text("scene_detection").last.wait_for()
    page.keyboard.press("Alt+e")
    page.locator("svg").get_by_text(_FILLED).nth(_PARTITIONED - 1).wait_for()


def _sensors(page: Page) -> None:
    for name in SENSORS:
        page.get_by_text(name, exact=True).first.wait_for()
    # Switches come with the states of the sensors.
    page.locator("input[type=checkbox]:checked").nth(len(SENSORS) - 1).wait_for(state="attached")


def _shows(*texts: str | re.Pattern[str]) -> Callable[[Page], None]:
    def look(page: Page) -> None:
        for text in texts:
            page.get_by_text(text).first.wait_for()

    return look


PAGES: Mapping[str, tuple[str, Callable[[Page], None]]] = {
    "overview: timeline of 12 hours": (
        "/overview/activity/timeline",
        lambda page: page.locator(f"a[href*='{PROCESS_JOB}']").first.wait_for(),
    ),
    "runs": ("/runs", _shows("partition: video-")),
    "assets": ("/assets", _shows(re.compile(r"\d partitions$"))),
    "lineage, groups open": ("/asset-groups", _lineage),
    "asset clips": ("/assets/clips", _shows("Latest materialization", re.compile("^video-"))),
    "asset clips, partitions": (
        "/assets/clips?view=partitions",
        _shows(re.compile(r"Materialized \([1-9]"), "video-000001"),
    ),
    "asset clips, events": ("/assets/clips?view=events", _shows(re.compile("^video-"))),
    "asset clips, checks": ("/assets/clips?view=checks", _shows("clips_have_their_frames")),
    "job process_videos": (_JOB, _shows("Latest run:", "scene_detection")),
    "job process_videos, partitions": (
        f"{_JOB}/partitions",
        lambda page: page.get_by_text(re.compile(r"^[1-9][\d,]{3,}$")).first.wait_for(),
    ),
    "sensors": ("/automation", _sensors),
}


def _open_dialog(page: Page) -> None:
    """From the click on "Materialize" until partitions can be chosen."""
    page.get_by_role("button", name="Materialize").first.click()
    page.get_by_role("dialog").get_by_text("Select a partition or create one").click()
    page.get_by_text(re.compile(r"Select all \([1-9]")).wait_for()


def _choose(page: Page) -> None:
    """From typing what 100 names have in common until they are chosen, and it can be launched."""
    page.get_by_placeholder("Filter partitions").fill("video-0012")
    page.get_by_text("Select all (100)").click()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").get_by_text("100 partitions", exact=True).wait_for()


def _launch(page: Page) -> None:
    page.get_by_role("dialog").get_by_role("button", name="Launch backfill").click()
    page.get_by_role("dialog").wait_for(state="hidden")


class Measuring:
    """Takes times, and keeps what was shown."""

    def __init__(self, url: str, shots: Path | None) -> None:
        self._url = url
        self._shots = shots
        self._taken: dict[str, list[float]] = {}
        self._waited: dict[str, str] = {}

    def pages(self, only: str) -> None:
        """Each page, in a browser of its own that remembers nothing."""
        for name, (path, is_shown) in PAGES.items():
            if re.search(only, name):
                self._steps({name: is_shown}, path)
        if re.search(only, "backfill"):
            for _ in range(TIMES):
                self._backfill()

    def _steps(self, steps: Mapping[str, Callable[[Page], None]], path: str) -> None:
        (name,) = steps
        for _ in range(TIMES):
            with open_page() as page:
                page.set_default_timeout(GIVEN_UP_SECONDS * 1000)
                page.set_viewport_size({"width": 2200, "height": 1100})
                started = time.perf_counter()
                waiting = Waiting()
                waiting.watch(page)
                page.goto(self._url + path, wait_until="commit")
                if not self._step(page, waiting, name, steps[name], started):
                    return

    def _backfill(self) -> None:
        steps = {
            "backfill dialog: partitions shown": _open_dialog,
            "backfill dialog: 100 videos chosen": _choose,
            "backfill launched": _launch,
        }
        with open_page() as page:
            page.set_default_timeout(GIVEN_UP_SECONDS * 1000)
            page.set_viewport_size({"width": 1500, "height": 1000})
            waiting = Waiting()
            waiting.watch(page)
            page.goto(f"{self._url}{_JOB}/partitions")
            page.get_by_role("button", name="Materialize").first.wait_for()
            for name, step in steps.items():
                if not self._step(page, waiting, name, step, time.perf_counter()):
                    return
            started = time.perf_counter()
            page.goto(f"{self._url}/runs?view=backfills", wait_until="commit")
            shown = _shows(PROCESS_JOB, re.compile("Requested|In progress"))
            self._step(page, waiting, "backfills", shown, started)

    def _step(
        self,
        page: Page,
        waiting: Waiting,
        name: str,
        step: Callable[[Page], None],
        started: float,
    ) -> bool:
        waiting.took.clear()
        try:
            step(page)
        except Error as error:
            self._waited[name] = f"{str(error).splitlines()[0]}; {waiting.longest()}"
            seconds = float("inf")
        else:
            seconds = time.perf_counter() - started
            if seconds >= _NAMED_SECONDS:
                self._waited[name] = waiting.longest()
        self._taken.setdefault(name, []).append(seconds)
        if self._shots:
            page.screenshot(path=self._shots / f"{re.sub(r'[^a-z0-9]+', '-', name)}.png")
        if len(self._taken[name]) == TIMES or seconds == float("inf"):
            self.say(name)
        return seconds < float("inf")

    def timed(self, name: str, work: Callable[[], str]) -> None:
        """Something else, which says what it found."""
        said = ""
        for _ in range(TIMES):
            started = time.perf_counter()
            said = work()
            self._taken.setdefault(name, []).append(time.perf_counter() - started)
        self._waited[name] = said
        self.say(name)

    def say(self, name: str) -> None:
        """A row of the table."""
        taken = self._taken[name]
        waited = self._waited.get(name, "")
        first, median = taken[0], statistics.median(taken)
        print(f"| {name} | {first:.1f} | {median:.1f} | {waited} |", flush=True)


def _tick(instance: Instance, name: str) -> Callable[[], str]:
    """One look of a sensor, each from where the one before ended."""
    cursor: list[str | None] = [None]

    def look() -> str:
        variables = {"sensor": {**_REPOSITORY, "sensorName": name}, "cursor": cursor[0]}
        body = {"query": _DRY_RUN, "variables": variables}
        answer = requests.post(f"{instance.url}/graphql", json=body, timeout=300).json()
        tick: dict[str, Any] = answer["data"]["sensorDryRun"]
        found = tick.get("evaluationResult")
        if found is None:
            return str(tick.get("message"))
        cursor[0] = found["cursor"]
        if found["error"]:
            return str(found["error"]["message"]).strip().splitlines()[-1]
        return found["skipReason"] or f"{len(found['runRequests'] or ())} runs"

    return look


def _command(instance: Instance, *arguments: str) -> Callable[[], str]:
    def run() -> str:
        done = subprocess.run(
            [*HEATERS, *arguments],
            env={**os.environ, **instance.environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        return (done.stdout.strip().splitlines() or [""])[-1][:100]

    return run


def main() -> None:
    """Print a row for each."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_arguments(parser)
    parser.add_argument("--shots", type=Path, help="folder for pictures of the pages")
    parser.add_argument("--only", default="", help="pages whose name has this regular expression")
    chosen = parser.parse_args()
    if chosen.shots:
        chosen.shots.mkdir(parents=True, exist_ok=True)
    print(versions("dagster", "dagster-webserver", "playwright"), flush=True)
    started = time.perf_counter()
    with large_instance(chosen.videos, store=chosen.store, sqlite=chosen.sqlite) as instance:
        measure(instance, chosen.videos, chosen.shots, chosen.only, started)


def measure(instance: Instance, videos: int, shots: Path | None, only: str, started: float) -> None:
    """All of it."""
    seconds = time.perf_counter() - started
    size = f"{instance.database_mb:.0f} MB of records"
    print(f"{videos} videos, {size}, brought up in {seconds:.0f} s; load {os.getloadavg()[0]:.1f}")
    print("| what | first | median | |\n|---|---|---|---|", flush=True)
    measuring = Measuring(instance.url, shots)
    measuring.pages(only)
    for name in SENSORS:
        if re.search(only, name):
            measuring.timed(f"tick of {name}", _tick(instance, name))
    for command in ("status", "status --limit 20", "status video-000001", "import"):
        if re.search(only, f"heaters {command}"):
            measuring.timed(f"heaters {command}", _command(instance, *command.split()))
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
