"""Time ``heaters process`` of a film as a whole process, beside its peers, in one run.

    python -m benchmarks.film --videos DIR --labels FILE --out film.mp4
    python -m benchmarks.pipeline film.mp4 [--runs 1] [--modes copy auto] [--scenedetect PATH]

Peers: the ffmpeg program decoding all frames once, and PySceneDetect's ``detect-adaptive
split-video``, which encodes its clips, alone and with ``save-images``. Runs alternate, so that a
machine whose speed drifts slows all down alike; medians are printed, and the ratios to trust. Each
run of ours has a store and a Dagster instance of its own, both empty. Where the CPU of the last run
went is told by phase: process-wide, so with all threads, and without the phases inside a phase.
PySceneDetect comes with the extra ``bench``; it may also be installed elsewhere.
"""

import argparse
import json
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

import imageio_ffmpeg

from benchmarks.timing import Spent, median_of, print_table, run, versions

OURS = """
import json, os, time
from collections import Counter
from contextlib import contextmanager
from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.cli import main

spent, running, phase, mark = Counter(), [], StageRun.phase, [0.0]

def pass_on():
    now = time.process_time()
    name = running[-1] if running else "between the phases: imports, Dagster"
    spent[name] += now - mark[0]
    mark[0] = now

@contextmanager
def timed(self, name):
    pass_on()
    running.append(f"{self.stage}: {name}")
    try:
        with phase(self, name):
            yield
    finally:
        pass_on()
        running.pop()

StageRun.phase = timed
try:
    main()
finally:
    pass_on()
    with open(os.environ["PHASES"], "w") as file:
        json.dump(spent, file)
"""


def ours(
    film: Path, mode: str, folder: Path, options: Sequence[str] = ()
) -> tuple[Spent, dict[str, float]]:
    """Run the whole pipeline in folders of its own, and tell its CPU by phase."""
    home, phases = folder / "home", folder / "phases.json"
    home.mkdir(parents=True)
    shutil.copyfile(Path(__file__).parent.parent / "dagster.yaml", home / "dagster.yaml")
    places = {
        "HEATERS_STORE": str(folder / "store"),
        "HEATERS_CACHE": str(folder / "cache"),
        "DAGSTER_HOME": str(home),
        "PHASES": str(phases),
    }
    command = [sys.executable, "-c", OURS, "process", str(film), "--clips", mode, *options]
    one = run(command, {**os.environ, **places})
    return one, json.loads(phases.read_text())


def peers(film: Path, scenedetect: str | None, folder: Path) -> dict[str, list[str]]:
    """The commands of the peers, by name; the first is what all are compared with."""
    ffmpeg = imageio_ffmpeg.get_ffmpeg_exe()
    null = ["-i", str(film), "-map", "0:v", "-fps_mode", "passthrough", "-f", "null", "-"]
    found = {"ffmpeg, one decode of all frames": [ffmpeg, "-v", "error", "-nostdin", *null]}
    if scenedetect is None:
        print("PySceneDetect is not installed (pip install -e '.[bench]')", file=sys.stderr)
        return found
    detect = [scenedetect, "-q", "-i", str(film), "-o", str(folder), "detect-adaptive"]
    found["PySceneDetect, split-video"] = [*detect, "split-video"]
    found["PySceneDetect, split-video save-images"] = [*detect, "split-video", "save-images"]
    return found


def main() -> None:
    """Measure and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("film", type=Path)
    parser.add_argument("--runs", type=int, default=1)
    parser.add_argument("--modes", nargs="+", default=["copy", "auto"])
    parser.add_argument("--scenedetect", default=shutil.which("scenedetect"))
    options = parser.parse_args()
    spent: dict[str, list[Spent]] = {}
    phases: dict[str, dict[str, float]] = {}
    for at in range(options.runs):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            for peer, command in peers(options.film, options.scenedetect, folder).items():
                spent.setdefault(peer, []).append(run(command))
            for mode in options.modes:
                one, phases[mode] = ours(options.film, mode, folder / f"{mode}-{at}")
                spent.setdefault(f"heaters process --clips {mode}", []).append(one)
    base, *others = (median_of(runs) for runs in spent.values())
    rows = [["", "CPU s", "of one decode", "wall s", "peak MB"]]
    for name, one in zip(spent, (base, *others), strict=True):
        share = one.cpu_seconds / base.cpu_seconds
        cells = f"{one.cpu_seconds:.1f}", f"{share:.2f}", f"{one.wall_seconds:.1f}"
        rows.append([name, *cells, f"{one.peak_mb:.0f}"])
    print_table(rows)
    for mode, seconds in phases.items():
        print(f"\nCPU seconds of --clips {mode}, by phase")
        largest = sorted(seconds.items(), key=lambda item: -item[1])
        print_table([[name, f"{cpu:.1f}"] for name, cpu in largest if cpu >= _LEAST_SHOWN])
    print(versions("av", "numpy", "opencv-python-headless", "dagster", "imageio-ffmpeg"))


_LEAST_SHOWN = 0.05

if __name__ == "__main__":
    main()
