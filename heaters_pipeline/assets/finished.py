"""The combined record of a video, kept when its last stage ends, whichever that is."""

from collections.abc import Mapping

from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.errors import ObjectNotFoundError
from heaters_pipeline.storage.records.finished import FinishedVideo
from heaters_pipeline.storage.records.manifests import Manifest
from heaters_pipeline.storage.records.notices import FINISHED_STAGES


def small_pictures(manifests: Mapping[str, Manifest]) -> list[str]:
    """The keys of the pictures that the Dagster UI embeds."""
    scenes, clips = manifests["scenes"].summary, manifests["clips"].summary
    return [key for key in (scenes.get("similarity_picture"), clips.get("contact_sheet")) if key]


def keep_finished(run: StageRun) -> None:
    """Write the combined record if all stages are done and it does not say so already."""
    workspace, video_id = run.workspace, run.video_id
    manifests = {
        stage: manifest
        for stage in FINISHED_STAGES
        if (manifest := workspace.manifest(stage, video_id)) is not None
    }
    if len(manifests) < len(FINISHED_STAGES) or not of_one_run(manifests):
        return
    known = workspace.finished(video_id)
    if known is not None and known.manifests == manifests:
        return
    try:
        pictures = {key: workspace.picture(key) for key in small_pictures(manifests)}
    except ObjectNotFoundError:
        # Removed just now; the run that draws it again writes the record.
        return
    workspace.finish(FinishedVideo(video_id, manifests, pictures))


def of_one_run(manifests: Mapping[str, Manifest]) -> bool:
    """Whether each manifest was made of the others, and none is still to be made anew.

    Args:
        manifests: Of all ``FINISHED_STAGES``.
    """
    source, track, scenes, clips, sheets, pictures = (manifests[stage] for stage in FINISHED_STAGES)
    clip_keys = [item.key for item in clips.items]
    return bool(
        track.inputs["source_sha256"] == clips.inputs["source_sha256"] == source.summary["sha256"]
        and scenes.inputs["frame_scores"] == track.fingerprint
        and clips.inputs["scenes"] == scenes.summary["scenes"]
        and sheets.inputs["clips"] == pictures.inputs["clips"] == clip_keys
    )
