"""Measure a fleet on this machine: videos a minute with 1 and 2 workers, and what a start costs.

    python -m benchmarks.fleet [--videos 200] [--workers 1 2]

Brings up PostgreSQL, Redis, an S3 server, Dagster's daemon and web server, and the workers (see
``heaters_pipeline_tests/fleet/machines.py``; it needs the extra ``test`` and the programs that CI
installs), and starts a backfill over small videos by GraphQL. Prints, from Dagster's own records:

- videos a minute, from the start of the first run to the end of the last;
- what a run takes, and of that the pipeline's own work: the rest is Dagster's share;
- seconds from launch to the first step, and to the first decode (``frame_scores`` begins);
- by ``ps`` the processes of the fleet with their memory, when the last run is over.
"""

import argparse
import os
import re
import statistics
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import boto3
import dagster as dg
import requests

from heaters_pipeline.names import SOURCE_VIDEOS
from heaters_pipeline_tests.fleet.machines import BUCKET, LOCATION, PREFIX, Fleet, running_fleet
from heaters_pipeline_tests.fleet.services import Service
from heaters_pipeline_tests.videos import make_video

SCENES = (30, 45, 25)
SIZE_PX = (640, 360)
_HOURS = 3600
_BACKFILL = """mutation ($params: LaunchBackfillParams!) {
  launchPartitionBackfill(backfillParams: $params) {
    __typename ... on LaunchBackfillSuccess { backfillId } ... on PythonError { message }
  }
}"""
_SENSORS = """query ($at: RepositorySelector!) {
  sensorsOrError(repositorySelector: $at) {
    __typename ... on Sensors { results { name id sensorState { id selectorId } } }
  }
}"""
_STOP = """mutation ($id: String!) {
  stopSensor(id: $id) { __typename ... on PythonError { message } }
}"""
_SPANS = (
    ("enqueued to launch", "PIPELINE_ENQUEUED", "PIPELINE_STARTING", None),
    ("launch to the start of the run", "PIPELINE_STARTING", "PIPELINE_START", None),
    ("launch to the first step", "PIPELINE_STARTING", "STEP_START", None),
    ("launch to the first decode", "PIPELINE_STARTING", "STEP_START", "frame_scores"),
    ("launch to the end", "PIPELINE_STARTING", "PIPELINE_SUCCESS", None),
)
_TOTAL = re.compile(r'"value": ([0-9.e-]+)}[^{]*"label": "seconds/total"')
_SELECTOR = {"repositoryName": "__repository__", "repositoryLocationName": LOCATION}


def main() -> None:
    """Print one block for each number of workers."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--videos", type=int, default=200)
    parser.add_argument("--workers", type=int, nargs="+", default=[1, 2])
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        video = make_video(Path(name) / "video.mp4", SCENES, size_px=SIZE_PX, audio="aac")
        for workers in chosen.workers:
            with running_fleet(workers=workers, start=False) as fleet:
                os.environ |= fleet.environment
                print(f"\n{workers} workers, {chosen.videos} videos of {sum(SCENES)} frames")
                _backfill(fleet, video, [f"video{each:04}" for each in range(chosen.videos)])
                print_figures(fleet)
                print_processes(fleet)


def ask(fleet: Fleet, query: str, **variables: Any) -> dict[str, Any]:
    """Ask the web server by GraphQL; gives what it answers to the only field."""
    answer = requests.post(
        f"http://127.0.0.1:{fleet.ui_port}/graphql",
        json={"query": query, "variables": variables},
        timeout=120,
    ).json()
    (found,) = answer["data"].values()
    if found["__typename"] == "PythonError":
        raise RuntimeError(found["message"])
    return dict(found)


def _backfill(fleet: Fleet, video: Path, names: Sequence[str]) -> None:
    """Start it over all videos, and wait for its end."""
    # The daemon comes last: a tick of a sensor that is under way would start the same runs.
    for service in (*fleet.workers, fleet.code, fleet.webserver):
        service.start()
    fleet.wait_for("the UI", fleet.ui_answers, seconds=120)
    sensors = fleet.wait_for("the sensors", lambda: _sensors(fleet), seconds=120)
    for name in ("process_uploads", "update_catalog"):
        ask(fleet, _STOP, id=sensors[name])
    client = boto3.Session().client("s3", endpoint_url=fleet.s3_server.endpoint_url)
    for name in names:
        client.upload_file(str(video), BUCKET, f"{PREFIX}/source_videos/{name}.mp4")
    client.close()
    home = str(fleet.folder / "daemon" / "home")
    with dg.DagsterInstance.from_config(home) as instance:
        instance.add_dynamic_partitions(SOURCE_VIDEOS, list(names))
    fleet.daemon.start()
    begun = time.monotonic()
    ask(
        fleet,
        _BACKFILL,
        params={
            "selector": {
                "partitionSetName": "process_videos_partition_set",
                "repositorySelector": _SELECTOR,
            },
            "partitionNames": list(names),
        },
    )
    fleet.wait_for(
        "all runs",
        lambda: (
            len([1 for _, status, _ in fleet.runs() if status in ("SUCCESS", "FAILURE")])
            >= len(names)
        ),
        seconds=4 * _HOURS,
    )
    print(f"from the call to the last end: {time.monotonic() - begun:.0f} s")


def _sensors(fleet: Fleet) -> dict[str, str]:
    try:
        answer = ask(fleet, _SENSORS, at=_SELECTOR)
    except (requests.RequestException, KeyError):
        return {}
    if answer["__typename"] != "Sensors":
        return {}
    return {each["name"]: each["sensorState"]["id"] for each in answer["results"]}


def print_figures(fleet: Fleet) -> None:
    """What Dagster recorded of the runs of videos."""
    statuses = fleet.query(
        "SELECT status, count(*) FROM runs WHERE pipeline_name = 'process_videos' GROUP BY status"
    )
    print("runs:", ", ".join(f"{number} {status}" for status, number in sorted(statuses)))
    rows = fleet.query(
        "SELECT start_time, end_time FROM runs WHERE pipeline_name = 'process_videos' "
        "AND status = 'SUCCESS'"
    )
    spans = [(float(start), float(end)) for start, end in rows]
    wall = max(end for _, end in spans) - min(start for start, _ in spans)
    print(f"videos a minute: {len(spans) / wall * 60:.1f}")
    print(f"a run, start to end: {_median([end - start for start, end in spans]):.2f} s")
    for label, first, last, step in _SPANS:
        seconds = _between(fleet, first, last, step)
        print(f"{label}: median {_median(seconds):.2f} s, longest {max(seconds):.2f} s")
    print(f"the pipeline's own work: {sum(_work(fleet)) / len(spans):.2f} s a run")


def _work(fleet: Fleet) -> list[float]:
    """Seconds of each step that the pipeline itself counted."""
    rows = fleet.query(
        "SELECT event FROM event_logs WHERE dagster_event_type = 'ASSET_MATERIALIZATION'"
    )
    return [float(found) for (event,) in rows for found in _TOTAL.findall(event)]


def _between(fleet: Fleet, first: str, last: str, step: str | None = None) -> list[float]:
    """Seconds between the first events of these types, for each run of a video."""
    rows = fleet.query(
        "SELECT extract(epoch FROM min(b.timestamp) - min(a.timestamp)) FROM runs r "
        "JOIN event_logs a ON a.run_id = r.run_id AND a.dagster_event_type = %s "
        "JOIN event_logs b ON b.run_id = r.run_id AND b.dagster_event_type = %s "
        "AND (%s::text IS NULL OR b.step_key = %s) "
        "WHERE r.pipeline_name = 'process_videos' GROUP BY r.run_id",
        first,
        last,
        step,
        step,
    )
    return [float(seconds) for (seconds,) in rows]


def _median(values: Sequence[float]) -> float:
    return statistics.median(values)


def processes(service: Service) -> list[tuple[int, float, str]]:
    """Id, memory in MB and command of a program and of all that it started."""
    listed = subprocess.run(
        ["ps", "-o", "pid=,rss=,args=", "--sid", str(service.pid)],
        capture_output=True,
        text=True,
        check=False,
    ).stdout
    lines = [line.split(None, 2) for line in listed.splitlines()]
    return [(int(pid), int(kilobytes) / 1024, command) for pid, kilobytes, command in lines]


def print_processes(fleet: Fleet) -> None:
    """The process list of the fleet, with memory."""
    programs = (fleet.code, fleet.daemon, fleet.webserver, *fleet.workers)
    for service in (fleet.postgres, fleet.redis, fleet.s3, *programs):
        found = processes(service)
        total = sum(megabytes for _, megabytes, _ in found)
        print(f"{service.name}: {len(found)} processes, {total:.0f} MB")
        for _, megabytes, command in found if service in programs else ():
            print(f"    {megabytes:5.0f} MB  {command[:100]}")


if __name__ == "__main__":
    main()
