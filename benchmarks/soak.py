"""Let a fleet work for hours while its workers are killed, and fail if anything went wrong.

    python -m benchmarks.soak [--minutes 120] [--videos 300] [--kill-every 300]

Brings a fleet of two workers up (``benchmarks.fleet`` says what that needs), uploads the videos one
after the other over the first 80 % of the time, and kills one worker with all of its processes
every few minutes, in turn; it is started again after 20 s, as by a supervisor. Prints the memory
of each program once a minute (MB, its largest process). In the end it waits until nothing is
under way, and ends with an error unless

- each video has one run that succeeded, all of its clips, and no object besides;
- no clip that was finished when a worker was killed was written again;
- the catalog lists every video and every clip, and ``heaters verify`` finds nothing wrong;
- no lock, temporary file or unfinished upload is left;
- the memory of daemon, web server and workers is flat: in the last quarter of the time at most
  10 % and 30 MB above that of the second. Under an hour that is printed and not judged: a program
  is still filling its caches.
"""

import argparse
import io
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pyarrow.parquet as pq

from benchmarks.fleet import print_figures, print_processes, processes
from heaters_pipeline.storage import keys
from heaters_pipeline_tests.end_to_end.programs import find_program
from heaters_pipeline_tests.fleet.machines import Fleet, running_fleet
from heaters_pipeline_tests.fleet.outcome import (
    Finished,
    assert_each_video_is_done_once,
    clip_files,
    done_videos,
    files_left,
    is_at_rest,
    made_again,
)
from heaters_pipeline_tests.videos import make_video

SCENES = (25,) * 12
SIZE_PX = (320, 180)
_UPLOADING = 0.8
_AWAY_SECONDS = 20.0
_SAMPLE_SECONDS = 60.0
_GROWTH, _GROWTH_MB = 1.1, 30.0
_JUDGED_SECONDS = 3000.0


@dataclass(slots=True)
class Soak:
    """What happened so far.

    Attributes:
        fleet: At work.
        video: The file that is uploaded again and again.
        videos: How many scenes each uploaded video has.
        memory: MB of each program's largest process, by its name, once a minute.
        finished: The clips that lay in the bucket when a worker was killed, by kill.
        away: When the worker of this number is to be started again.
    """

    fleet: Fleet
    video: Path
    videos: dict[str, int] = field(default_factory=dict)
    memory: dict[str, list[float]] = field(default_factory=dict)
    finished: list[list[Finished]] = field(default_factory=list)
    away: dict[int, float] = field(default_factory=dict)

    def upload(self) -> None:
        """One more video."""
        name = f"video{len(self.videos):04}"
        self.fleet.upload(self.video, f"{name}.mp4")
        self.videos[name] = len(SCENES)

    def kill(self) -> None:
        """One worker, with all of its processes."""
        number = len(self.finished) % len(self.fleet.workers)
        self.fleet.workers[number].kill()
        self.finished.append([Finished.at(path) for path in clip_files(self.fleet)])
        self.away[number] = time.monotonic() + _AWAY_SECONDS

    def bring_back(self) -> None:
        """The workers that were away long enough."""
        for number in [each for each, due in self.away.items() if time.monotonic() >= due]:
            del self.away[number]
            self.fleet.workers[number].start()

    def sample(self) -> None:
        """Note the memory of the largest process of each program, and print it.

        Those that a run or a reload started come and go: a sum would go up and down.
        """
        fleet = self.fleet
        for service in (fleet.code, fleet.daemon, fleet.webserver, *fleet.workers):
            if not service.is_running:
                continue
            found = processes(service)
            # A run's process ends with it: what stays is the one that it was forked from.
            is_worker = service in fleet.workers
            lasting = [mb for pid, mb, _ in found if not is_worker or pid == service.pid]
            largest = max(lasting, default=0.0)
            self.memory.setdefault(service.name, []).append(largest)
        now = ", ".join(f"{name} {values[-1]:.0f}" for name, values in self.memory.items())
        done = len(done_videos(fleet))
        print(f"{len(self.videos)} uploaded, {done} done, {len(self.finished)} kills; MB: {now}")


def main() -> None:
    """Print what happens, and what is wrong in the end."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=120)
    parser.add_argument("--videos", type=int, help="2.5 a minute by default")
    parser.add_argument("--kill-every", type=float, default=300, metavar="SECONDS")
    chosen = parser.parse_args()
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]
    number = chosen.videos or round(chosen.minutes * 2.5)
    with _soak() as soak:
        soak.fleet.wait_for("the UI", soak.fleet.ui_answers, seconds=120)
        _work(soak, chosen.minutes * 60, number, chosen.kill_every)
        soak.fleet.wait_for(
            "all videos",
            lambda: done_videos(soak.fleet) == set(soak.videos) and is_at_rest(soak.fleet),
            seconds=3600,
        )
        print_figures(soak.fleet)
        print_processes(soak.fleet)
        wrong = [*_wrong(soak), *_growth(soak)]
    print("\n".join(wrong) or "nothing lost, nothing done twice, nothing stale, nothing left")
    sys.exit(bool(wrong))


@contextmanager
def _soak() -> Iterator[Soak]:
    with tempfile.TemporaryDirectory() as name, running_fleet() as fleet:
        os.environ |= fleet.environment
        yield Soak(fleet, make_video(Path(name) / "video.mp4", SCENES, size_px=SIZE_PX))


def _work(soak: Soak, seconds: float, number: int, kill_every: float) -> None:
    begun = time.monotonic()
    next_sample, next_kill = begun + _SAMPLE_SECONDS, begun + kill_every
    while (now := time.monotonic()) < begun + seconds:
        due = min(number, int((now - begun) / (seconds * _UPLOADING) * number) + 1)
        if len(soak.videos) < due:
            soak.upload()
        if now >= next_kill and not soak.away:
            soak.kill()
            next_kill += kill_every
        soak.bring_back()
        if now >= next_sample:
            soak.sample()
            next_sample += _SAMPLE_SECONDS
        time.sleep(0.5)
    while soak.away:
        soak.bring_back()
        time.sleep(0.5)


def _wrong(soak: Soak) -> Iterator[str]:
    fleet = soak.fleet
    try:
        assert_each_video_is_done_once(fleet, soak.videos)
    except AssertionError as error:
        yield f"lost or done twice: {error}"
    again = [path for clips in soak.finished for path in made_again(clips)]
    if again:
        yield f"made again though finished: {again}"
    if left := files_left(fleet):
        yield f"files left: {left}"
    yield from _stale_catalog(soak)
    home = {"DAGSTER_HOME": str(fleet.folder / "daemon" / "home")}
    cache = {"HEATERS_CACHE": str(fleet.folder / "operator")}
    checked = subprocess.run(
        [find_program("heaters"), "verify"],
        env={**fleet.environment, **home, **cache},
        capture_output=True,
        text=True,
        check=False,
    )
    if checked.returncode != 0:
        yield f"heaters verify: {checked.stdout[-2000:]}{checked.stderr[-2000:]}"


def _stale_catalog(soak: Soak) -> Iterator[str]:
    """The catalog follows the last video by some minutes; what it lists must be all in the end."""
    store = soak.fleet.store

    def rows(key: str) -> int:
        return int(pq.read_table(io.BytesIO(store.read_bytes(key))).num_rows)

    wanted = (len(soak.videos), sum(soak.videos.values()))
    try:
        soak.fleet.wait_for(
            "the catalog of all",
            lambda: (rows(keys.CATALOG_VIDEOS), rows(keys.CATALOG_CLIPS)) == wanted,
            seconds=900,
        )
    except AssertionError:
        yield f"the catalog is stale: not {wanted} videos and clips"


def _growth(soak: Soak) -> Iterator[str]:
    for name, values in soak.memory.items():
        quarter = len(values) // 4
        if quarter == 0:
            continue
        before = statistics.median(values[quarter : 2 * quarter])
        after = statistics.median(values[-quarter:])
        print(f"memory of {name}: {before:.0f} MB in the second quarter, {after:.0f} in the last")
        is_long = len(values) * _SAMPLE_SECONDS >= _JUDGED_SECONDS
        if is_long and after > before * _GROWTH + _GROWTH_MB:
            yield f"{name} grew from {before:.0f} to {after:.0f} MB"


if __name__ == "__main__":
    main()
