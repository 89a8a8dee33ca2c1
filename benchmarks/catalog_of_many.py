"""Measure what one more video, the catalog and its sensor cost on a store of very many videos.

    python -m benchmarks.many_videos FOLDER
    python -m benchmarks.catalog_of_many FOLDER [--runs 3]

Prints medians, in CPU seconds and peak memory of whole processes: ``heaters process`` of a video of
three clips in an empty store and in FOLDER, in turn; the tables of the catalog after one changed
video, which are written and thrown away; a tick of the sensor ``update_catalog``, with the requests
that it sends; and the bytes of the events that a run leaves in Dagster's database which makes
something, and one that makes nothing. FOLDER keeps the new videos.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import dagster as dg

from benchmarks.many_videos import HEATERS
from heaters_pipeline_tests.videos import make_video

SCENES = (40, 30, 30)
TABLES = """
import sys, tempfile
from pathlib import Path
from heaters_pipeline.report.catalog import update_catalog
from heaters_pipeline.storage.open_store import open_store
store = open_store(sys.argv[1], base_folder=Path.cwd())
with tempfile.TemporaryDirectory() as folder:
    made = update_catalog(store, [sys.argv[2]], {}, Path(folder))
    print(made.video_rows, "videos,", made.clip_rows, "clips, read:", made.read)
"""
TICK = """
import sys
from datetime import UTC, datetime
import dagster as dg
from heaters_pipeline.due_catalog import why_no_catalog
from heaters_pipeline.storage.open_store import open_store
from pathlib import Path
store = open_store(sys.argv[1], base_folder=Path.cwd())
with dg.DagsterInstance.ephemeral() as instance:
    why_not = why_no_catalog(store, instance, datetime.now(UTC))
    print(dict(store.requests), why_not or "due")
"""


def main() -> None:
    """Print them."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("store", help="a folder that many_videos wrote")
    arguments.add_argument("--runs", type=int, default=3)
    chosen = arguments.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        stores = {"empty": str(folder / "empty"), "many": str(Path(chosen.store).resolve())}
        costs: dict[str, list[tuple[float, float]]] = {}
        for number in range(chosen.runs + 1):
            film = make_video(folder / f"one-{time.time_ns()}.mp4", SCENES)
            for label, store in stores.items():
                cost = _cost([*HEATERS, "process", str(film)], _places(folder / label, store))
                # The first round fills the caches of the machine.
                if number:
                    costs.setdefault(f"heaters process, {label}", []).append(cost)
            here = _places(folder / "many", stores["many"])
            for label, program in (("tables of the catalog", TABLES), ("a tick", TICK)):
                command = [sys.executable, "-c", program, stores["many"], film.stem]
                costs.setdefault(label, []).append(_cost(command, here, shown=not number))
        for label, measured in costs.items():
            seconds, memory = (statistics.median(one) for one in zip(*measured, strict=True))
            print(f"{label:<28}{seconds:>8.2f} s{memory:>8.0f} MB")
        _cost([*HEATERS, "process", film.stem], _places(folder / "empty", stores["empty"]))
        os.environ |= _places(folder / "empty", stores["empty"])
        with dg.DagsterInstance.get() as instance:
            wanted = dg.RunsFilter(job_name="process_videos")
            last = instance.get_runs(wanted, limit=2)
            for label, run in zip(("makes nothing", "makes all"), last, strict=True):
                events = instance.all_logs(run.run_id)
                print(f"a run that {label}: {sum(len(one.to_json()) for one in events)} bytes")


def _places(folder: Path, store: str) -> dict[str, str]:
    home = folder.with_name(f"home-{folder.name}")
    home.mkdir(exist_ok=True)
    (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
    return {"DAGSTER_HOME": str(home), "HEATERS_STORE": store, "HEATERS_CACHE": str(home / "cache")}


def _cost(
    command: list[str], places: dict[str, str], *, shown: bool = False
) -> tuple[float, float]:
    """CPU seconds and the peak memory in MB of a process."""
    output = None if shown else subprocess.DEVNULL
    child = subprocess.Popen(
        command, stdout=output, stderr=subprocess.DEVNULL, env={**os.environ, **places}
    )
    _, status, usage = os.wait4(child.pid, 0)
    if status:
        raise SystemExit(f"{command} failed")
    return usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1000


if __name__ == "__main__":
    main()
