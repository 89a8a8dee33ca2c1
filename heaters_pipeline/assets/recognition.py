"""Finished videos are recognised before any stage runs, so that the stages ask the store little.

A video is finished if every stage would say so. The functions that the stages ask are asked here,
with one difference: the score track and the pictures of the Dagster UI are not looked for, since
nothing is made of them any more. As soon as anything is to be made, they are looked for like all
else.
"""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import dagster as dg
from pydantic import ValidationError

from heaters_pipeline.assets.clip_work import clips_work
from heaters_pipeline.assets.derived import clips_of
from heaters_pipeline.assets.finished import small_pictures
from heaters_pipeline.assets.keyframes import keyframe_work
from heaters_pipeline.assets.records import Source, scenes_of
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.assets.scenes import scenes_work
from heaters_pipeline.assets.sprite_sheets import sprite_work
from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.assets.stage_work import StageWork
from heaters_pipeline.assets.track_work import track_work
from heaters_pipeline.errors import SettingsError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.records.finished import FinishedVideo

_NEVER = datetime.fromtimestamp(0, UTC)


def settings_of_run(context: dg.AssetExecutionContext) -> RunSettings | None:
    """What a run of Dagster is to make of its video; None if it is not to finish it."""
    if not context.job_def.has_node_named("keyframes"):
        return None
    run_config: Mapping[str, Any] = context.run.run_config
    try:
        return RunSettings.of(
            {name: op.get("config", {}) for name, op in run_config.get("ops", {}).items()}
        )
    except (SettingsError, ValidationError):
        # The stage whose setting it is says what is wrong with it.
        return None


def recognise(run: StageRun, source: Source, settings: RunSettings) -> bool:
    """Whether the video is finished, so that what lies there unseen may be taken for granted.

    Args:
        run: Of any stage.
        source: The source as it was just found.
        settings: Of all stages.
    """
    workspace = run.workspace
    record = workspace.finished(run.video_id)
    if record is None:
        return False
    for prefix, objects in _unseen(record).items():
        workspace.assume(prefix, objects)
    if all(work.done for work in _works(run, source, settings)):
        return True
    workspace.doubt()
    return False


def _works(run: StageRun, source: Source, settings: RunSettings) -> Iterator[StageWork]:
    """The work of the stages after the source, each asked for only if those before are done."""
    track = track_work(run.of_stage("frame_scores"), source, settings.scan)
    yield track
    yield scenes_work(run.of_stage("scenes"), track.fingerprint, settings.detection)
    yield clips_work(run.of_stage("clips"), source, scenes_of(run), settings.clips)
    clips = clips_of(run)
    yield sprite_work(run.of_stage("sprite_sheets"), clips, settings.sprites)
    yield keyframe_work(run.of_stage("keyframes"), clips, settings.keyframes)


def _unseen(record: FinishedVideo) -> dict[str, list[ObjectInfo]]:
    """The objects of the record that nothing is made of any more, by prefix."""
    track, scenes = record.manifests["frame_scores"], record.manifests["scenes"]
    pictures = [*small_pictures(record.manifests), scenes.summary.get("detection_picture")]
    return {
        keys.objects_prefix("frame_scores", record.video_id): [
            ObjectInfo(item.key, item.size_bytes, "", _NEVER) for item in track.items
        ],
        keys.objects_prefix("reports", record.video_id): [
            ObjectInfo(key, 0, "", _NEVER) for key in pictures if key
        ],
    }
