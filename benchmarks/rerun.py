"""Count what a finished video costs when it is processed again, on a real S3 server.

    python -m benchmarks.rerun VIDEO...

Starts rclone's S3 server (from the extra ``test``) on loopback over a temporary folder, processes
the videos, deletes Dagster's database, processes them again, and once more. Prints, for each run
and video, the requests that the pipeline sent, what it made and reused, and its steps' seconds.
Then, for the finished videos, the medians of whole commands in turn: ``heaters --help``, an empty
run of Dagster with as many steps (``benchmarks.empty_run``), and ``heaters process`` of the video,
by its id and by its file.
"""

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import dagster as dg

from heaters_pipeline.assets.bringing import known_source
from heaters_pipeline.cli.local_runs import process_video
from heaters_pipeline.intake.bring import choose_key
from heaters_pipeline.intake.sources import LocalFile
from heaters_pipeline.resources import open_workspace
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.verification import OBJECT_STAGES
from heaters_pipeline_tests.servers import running_rclone

ROUNDS = ("first run", "database deleted", "again")


def main() -> None:
    """Print a table."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    arguments.add_argument("--runs", type=int, default=3, help="of each command")
    chosen = arguments.parse_args()
    videos, runs = [path.resolve() for path in chosen.videos], chosen.runs
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        home = folder / "home"
        home.mkdir()
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        objects = folder / "objects"
        objects.mkdir()
        with running_rclone(objects) as server:
            os.environ |= server.environment
            os.environ |= {
                "DAGSTER_HOME": str(home),
                "HEATERS_CACHE": str(folder / "cache"),
                "HEATERS_STORE": f"s3://{server.new_bucket()}/benchmark",
            }
            print(f"{'run':<18}{'video':<28}{'requests':>9}{'made':>6}{'reused':>8}{'seconds':>9}")
            for label in ROUNDS:
                if label == ROUNDS[1]:
                    shutil.rmtree(home / "storage", ignore_errors=True)
                    shutil.rmtree(home / "history", ignore_errors=True)
                for video in videos:
                    print(f"{label:<18}{_row(video)}")
            for label, seconds in _commands(videos, runs).items():
                print(f"{label:<46}{seconds:>6.2f} s")


def _commands(videos: Sequence[Path], runs: int) -> dict[str, float]:
    """Median seconds of whole processes, run in turn."""
    heaters = [sys.executable, "-c", "from heaters_pipeline.cli import main; main()"]
    commands = {
        "heaters --help": [*heaters, "--help"],
        "empty run of Dagster": [sys.executable, "-m", "benchmarks.empty_run"],
    }
    for video in videos:
        commands |= {
            f"heaters process {video.stem}": [*heaters, "process", video.stem],
            f"heaters process {video.name}": [*heaters, "process", str(video)],
        }
    seconds: dict[str, list[float]] = {label: [] for label in commands}
    # The first round builds the catalog, and fills the caches of the machine.
    for round_number in range(runs + 1):
        for label, command in commands.items():
            started = time.perf_counter()
            subprocess.run(command, check=True, capture_output=True)
            if round_number:
                seconds[label].append(time.perf_counter() - started)
    return {label: statistics.median(measured) for label, measured in seconds.items()}


def _row(video: Path) -> str:
    store = open_workspace().store
    key = choose_key(store, LocalFile(video), lambda key: known_source(store, key))
    video_id = keys.video_id_of(key)
    with dg.DagsterInstance.get() as instance:
        # As a sensor does it: the video lies in the store after the first run.
        source = {"origin": str(video), "source_key": key} if store.head(key) is None else {}
        run = process_video(instance, video_id, {"source_videos": source})
    if run.error:
        raise SystemExit(run.error)
    stages = run.stages.values()
    requests = sum(int(facts["store_requests"]) for facts in stages)
    made, reused = (
        sum(int(run.stages[stage][name]) for stage in OBJECT_STAGES) for name in ("made", "reused")
    )
    seconds = sum(float(facts["seconds/total"]) for facts in stages)
    return f"{video_id:<28}{requests:>9}{made:>6}{reused:>8}{seconds:>9.2f}"


if __name__ == "__main__":
    main()
