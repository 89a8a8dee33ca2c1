"""Hold what a plan expects of a run against what the run then takes, video by video.

    python -m benchmarks.plan_estimates VIDEO... [--clips reencode]

Scans each video into a folder of its own, plans the rest, and runs it. Prints, for the stages after
the scan, the bytes and seconds that were expected, and those that it took. The scan itself is
planned before anything is stored.
"""

import argparse
import os
import tempfile
from pathlib import Path

from heaters_pipeline.assets.estimates import Estimate, estimate
from heaters_pipeline.assets.planning import plan_video
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.config import SourceConfig
from heaters_pipeline_tests.pipeline import VIDEO_ID, Pipeline, folder_pipeline

STAGES = ("frame_scores", "clips", "sprite_sheets", "keyframes")


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("videos", nargs="+", type=Path, metavar="VIDEO")
    parser.add_argument("--clips", choices=("copy", "reencode"), default="copy")
    arguments = parser.parse_args()
    print(f"{'video':<28}{'stage':<15}{'KB':>8}{'expected':>10}{'seconds':>10}{'expected':>10}")
    for video in arguments.videos:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            pipeline = folder_pipeline(folder / "store", folder / "local")
            _print_rows(pipeline, video.resolve(), {"clips": {"mode": arguments.clips}})
            pipeline.instance.dispose()


def _print_rows(pipeline: Pipeline, video: Path, config: dict[str, dict[str, str]]) -> None:
    source = {"origin": str(video), "source_key": f"source_videos/{VIDEO_ID}.mp4"}
    expected = {"frame_scores": _expected(pipeline, source, config)["frame_scores"]}
    seconds = {}
    for stage in ("source_videos", "frame_scores", "scenes"):
        outcome = pipeline.materialize(
            stage, **({"source_videos": source} if stage == "source_videos" else {})
        )
        if not outcome.success:
            raise SystemExit(outcome.error)
        seconds[stage] = outcome.metadata[stage]["seconds/total"]
    later = _expected(pipeline, source, config)
    expected |= {stage: later[stage] for stage in STAGES[1:]}
    outcome = pipeline.process(**config)
    if not outcome.success:
        raise SystemExit(outcome.error)
    seconds |= {stage: outcome.metadata[stage]["seconds/total"] for stage in STAGES[1:]}
    for stage in STAGES:
        size_kb = sum(item.size_bytes for item in pipeline.manifest(stage).items) / 1000
        about = expected[stage]
        print(
            f"{video.name:<28}{stage:<15}{size_kb:>8.0f}{(about.size_bytes or 0) / 1000:>10.0f}"
            f"{seconds[stage]:>10.2f}{about.seconds or 0:>10.2f}",
            flush=True,
        )


def _expected(
    pipeline: Pipeline, source: dict[str, str], config: dict[str, dict[str, str]]
) -> dict[str, Estimate]:
    settings = RunSettings.of(config)
    plan = plan_video(pipeline.workspace(), VIDEO_ID, SourceConfig(**source), settings)
    return estimate(plan, settings, cores=os.cpu_count() or 1)


if __name__ == "__main__":
    main()
