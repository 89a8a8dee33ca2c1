"""Measure what commands and sensors cost that look at all videos of a large store.

    python -m benchmarks.many_videos FOLDER --videos 50000 --without-pictures --s3
    python -m benchmarks.lists FOLDER [--new 10000] [--only status ...]
    python -m benchmarks.lists --generated 50000 --only verify prune

FOLDER is served by ``benchmarks.listing_server``, which answers a LIST after 0.1 s and everything
else after 0.02 s, as AWS does. Each line is a process of its own: seconds by the clock, CPU
seconds, most memory, and the requests that it sent. ``verify`` and ``prune`` need the objects of
the store as well: those of ``benchmarks.generated_store``.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from benchmarks.generated_store import generated
from benchmarks.listing_server import serving

PEAK = """
import atexit, os, re
from pathlib import Path
def note():
    peak = re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text()).group(1)
    Path(os.environ["NOTED_PEAK"]).write_text(peak)
atexit.register(note)
"""
"""What is known of a child that has ended counts what its parent held as well."""
HEATERS = "from heaters_pipeline.cli import main; main()"
BUCKET = "many"

STATUS = """
import json, sys
from pathlib import Path
from heaters_pipeline import home
from heaters_pipeline.cli.quick_imports import without_collection
with without_collection():
    from heaters_pipeline.cli.instance import dagster_instance
    from heaters_pipeline.status import video_statuses
    from heaters_pipeline.storage.open_store import open_store
wanted, limit = json.loads(sys.argv[1]), json.loads(sys.argv[2])
store = open_store(home.store_location(), base_folder=Path.cwd())
with dagster_instance() as instance:
    found = video_statuses(store, instance, wanted, limit=limit)
print(json.dumps({"videos": len(found), "requests": dict(store.requests)}))
"""

TICKS = """
import json, time
import dagster as dg
from heaters_pipeline.names import SOURCE_VIDEOS
from heaters_pipeline.partitions import add_partitions
from heaters_pipeline.resources import open_workspace
from heaters_pipeline.storage import keys
from heaters_pipeline.uploads_sensor import Place, process_uploads
workspace = open_workspace()
store = workspace.store
instance = dg.DagsterInstance.ephemeral()
sources = [keys.video_id_of(each.key) for each in store.list(keys.SOURCE_PREFIX)]
add_partitions(instance, sources)
cursor, rounds, ticks = None, 0, []
while rounds < 2:
    before, started, cpu = store.requests, time.perf_counter(), time.process_time()
    with dg.build_sensor_context(
        instance=instance, resources={"workspace": workspace}, cursor=cursor
    ) as context:
        result = process_uploads(context)
    cursor = result.cursor
    rounds += not Place.of(cursor).after
    ticks.append({
        "seconds": round(time.perf_counter() - started, 1),
        "cpu_seconds": round(time.process_time() - cpu, 1),
        "requests": dict(store.requests - before),
        "runs": len(result.run_requests),
    })
print(json.dumps({"sources": len(sources), "ticks": ticks}))
"""


def main() -> None:
    """Print a line for each."""
    arguments = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    arguments.add_argument("folder", type=Path, nargs="?", help="with the bucket of a store")
    arguments.add_argument("--generated", type=int, metavar="N", help="videos, in place of FOLDER")
    arguments.add_argument("--new", type=int, default=10_000, help="uploads for heaters import")
    names = ("status", "ticks", "import", "verify", "prune")
    arguments.add_argument("--only", nargs="*", choices=names, default=names[:3])
    chosen = arguments.parse_args()
    if (chosen.folder is None) == (chosen.generated is None):
        arguments.error("name a folder, or how many videos are generated")
    if chosen.generated and not set(chosen.only) <= {"verify", "prune"}:
        arguments.error("a generated store is for --only verify prune")
    served = generated(chosen.generated) if chosen.generated else serving(chosen.folder)
    if "import" in chosen.only:
        folder = chosen.folder / BUCKET / "new" / "source_videos"
        folder.mkdir(parents=True, exist_ok=True)
        for number in range(chosen.new):
            (folder / f"new-{number:06d}.mp4").write_bytes(str(number).encode())
    with tempfile.TemporaryDirectory() as name, served as server:
        home = Path(name)
        (home / "dagster.yaml").write_text("telemetry: {enabled: false}\n")
        os.environ |= server.environment
        os.environ |= {"DAGSTER_HOME": name, "HEATERS_CACHE": str(home / "cache")}
        if "status" in chosen.only:
            _measure("heaters status --json", HEATERS, "status", "--json")
            _measure("status, all", STATUS, "[]", "null")
            _measure("status, one", STATUS, '["video-000001"]', "null")
            _measure("status, --limit 20", STATUS, "[]", "20")
        if "ticks" in chosen.only:
            _measure("process_uploads, two rounds", TICKS)
        for command in ("verify", "prune"):
            if command in chosen.only:
                _measure(command, HEATERS, command, "--json")
        if "import" in chosen.only:
            _measure("import", HEATERS, "import", "--json", store="new")
            _measure("import, again", HEATERS, "import", "--json", store="new")


def _measure(name: str, script: str, *arguments: str, store: str = "store") -> None:
    started = time.perf_counter()
    peak = Path(os.environ["DAGSTER_HOME"]) / "peak"
    places = {"HEATERS_STORE": f"s3://{BUCKET}/{store}", "NOTED_PEAK": str(peak)}
    with tempfile.TemporaryFile("w+") as output:
        process = subprocess.Popen(
            [sys.executable, "-c", PEAK + script, *arguments],
            stdout=output,
            stderr=subprocess.DEVNULL,
            env={**os.environ, **places},
        )
        _, _, used = os.wait4(process.pid, 0)
        seconds = time.perf_counter() - started
        output.seek(0)
        said = json.load(output)
    if isinstance(said.get("videos"), list):
        said["videos"] = len(said["videos"])
    cpu_seconds = used.ru_utime + used.ru_stime
    memory_mb = int(peak.read_text()) / 1000
    print(f"{name}: {seconds:.1f} s, CPU {cpu_seconds:.1f} s, {memory_mb:.0f} MB", flush=True)
    for tick in said.pop("ticks", ()):
        print(f"  {tick}")
    print(f"  {said}", flush=True)


if __name__ == "__main__":
    main()
