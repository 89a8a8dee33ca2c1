"""Count what a finished video costs when it is processed again, on a real S3 server.

    python -m benchmarks.rerun VIDEO...

Starts rclone's S3 server (from the extra ``test``) on loopback over a temporary folder, processes
the videos, deletes Dagster's database, processes them again, and once more. Prints, for each run
and video, the requests that the pipeline sent, what it made and reused, and its steps' seconds.
"""

import argparse
import os
import shutil
import tempfile
from pathlib import Path

import dagster as dg

from heaters_pipeline.assets.bringing import known_source
from heaters_pipeline.cli.documents import COUNTED_STAGES
from heaters_pipeline.cli.local_runs import process_video
from heaters_pipeline.intake.bring import choose_key
from heaters_pipeline.intake.sources import LocalFile
from heaters_pipeline.resources import open_workspace
from heaters_pipeline.storage import keys
from heaters_pipeline_tests.servers import running_rclone

ROUNDS = ("first run", "database deleted", "again")


def main() -> None:
    """Print a table."""
    arguments = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    arguments.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    videos = [path.resolve() for path in arguments.parse_args().videos]
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
        sum(int(run.stages[stage][name]) for stage in COUNTED_STAGES) for name in ("made", "reused")
    )
    seconds = sum(float(facts["seconds/total"]) for facts in stages)
    return f"{video_id:<28}{requests:>9}{made:>6}{reused:>8}{seconds:>9.2f}"


if __name__ == "__main__":
    main()
