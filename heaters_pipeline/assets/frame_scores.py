"""``frame_scores``: the one expensive pass. Decode once, decide many times."""

import logging
from fractions import Fraction
from typing import Any

import dagster as dg

from heaters_pipeline.assets.policy import DETECTION_GROUP, RETRY_POLICY
from heaters_pipeline.assets.records import Source, local_source, settings_json, source_of
from heaters_pipeline.assets.stage import StageRun, stage_run
from heaters_pipeline.assets.units import Scene, Unit
from heaters_pipeline.errors import ManifestError
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.resources import Workspace
from heaters_pipeline.storage import keys
from heaters_pipeline.video.score_track import ScoreTrack
from heaters_pipeline.video.scores import ALGORITHM_VERSION, ScoreSettings, score_frames
from heaters_pipeline.video.timing import Span

_logger = logging.getLogger(__name__)

TRACK_CONTENT_TYPE = "application/vnd.apache.parquet"


@dg.asset(
    partitions_def=source_videos_partitions,
    deps=["source_videos"],
    group_name=DETECTION_GROUP,
    kinds={"python", "opencv", "s3"},
    retry_policy=RETRY_POLICY,
)
def frame_scores(
    context: dg.AssetExecutionContext, workspace: dg.ResourceParam[Workspace]
) -> dg.MaterializeResult[Any]:
    """How much each frame differs from the one before, and a small signature of each.

    The one expensive pass over a video: everything that scene detection asks is answered from this
    track, so that another threshold or method costs milliseconds.
    """
    with stage_run(context, workspace, "frame_scores") as run:
        source = source_of(run)
        run.tag_source_version(source.version)
        work = run.work(
            inputs={
                "algorithm_version": ALGORITHM_VERSION,
                "settings": settings_json(ScoreSettings()),
                "source_sha256": source.sha256,
                "stage": "frame_scores",
            }
        )
        key = keys.frame_scores_key(run.video_id, work.fingerprint)
        if not work.done:
            stored = _stored_track(run, key)
            track = stored or _score(run, source)
            unit = Unit(run.video_id, (key,), _whole_video(track))
            work.plan([unit])
            if stored is None:
                with run.phase("upload"):
                    found = workspace.write_bytes(key, track.to_bytes(), TRACK_CONTENT_TYPE)
                work.add(unit, [unit.scene.item(key, found.size_bytes, {})])
            else:
                size_bytes = run.objects()[key].size_bytes
                work.reuse(unit, [unit.scene.item(key, size_bytes, {})])
        item = work.items[key]
        return work.finish(
            summary={},
            metadata={
                "frames": item.end_frame,
                "video_seconds": round(float(item.end_seconds), 3),
                "track": key,
                "track_bytes": item.size_bytes,
            },
        )


def _stored_track(run: StageRun, key: str) -> ScoreTrack | None:
    """The track if it lies in the store whole, recorded or not."""
    if key not in run.objects():
        return None
    try:
        return ScoreTrack.from_bytes(run.workspace.store.read_bytes(key))
    except ManifestError as error:
        _logger.warning("%s is made again: %s", key, error)
        return None


def _score(run: StageRun, source: Source) -> ScoreTrack:
    with local_source(run, source) as (path, info), run.phase("decode"):
        frames = info.frames_promised or 0
        return score_frames(
            path, info, on_progress=lambda done: run.progress("decode", done, frames)
        )


def _whole_video(track: ScoreTrack) -> Scene:
    frames = track.timeline.frames
    return Scene(Span(0, frames), Fraction(0), track.timeline.seconds_at(frames))
