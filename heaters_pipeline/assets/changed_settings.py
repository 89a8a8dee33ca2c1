"""Which finished videos were made with other settings than count for them now."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from heaters_pipeline.assets.planning import plan_video
from heaters_pipeline.assets.records import clip_settings_json, for_stream, settings_json
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.assets.track_work import scan_json
from heaters_pipeline.assets.video_settings import video_layers, video_settings
from heaters_pipeline.config import SourceConfig
from heaters_pipeline.errors import HeatersError
from heaters_pipeline.storage.records.video_manifests import VideoManifest
from heaters_pipeline.workspace import Workspace


@dataclass(frozen=True, slots=True)
class OtherSettings:
    """What was found of some videos.

    Attributes:
        videos: Those that are finished and were made with other settings, in order.
        would_make: How many units a run of each would make, by stage. A video whose scenes would
            have to be decided from a new scan counts as that scan alone.
        problems: Of videos that cannot be told of, a sentence each.
        last: The last video that was looked at; empty if there was none.
        all_seen: Whether none is left.
    """

    videos: tuple[str, ...]
    would_make: Counter[str]
    problems: tuple[str, ...]
    last: str
    all_seen: bool


def made_with_others(
    workspace: Workspace, video_ids: Sequence[str], *, most_videos: int, most_found: int
) -> OtherSettings:
    """Compare what videos were made with to what counts for them now.

    Costs a GET a video; for each that was made with others, what ``heaters plan`` asks besides.

    Args:
        workspace: Fresh, with the settings of the store as they are now.
        video_ids: The videos in question, in order.
        most_videos: How many to look at.
        most_found: After how many finds to stop.
    """
    found: list[str] = []
    would_make: Counter[str] = Counter()
    problems: list[str] = []
    looked = 0
    for video_id in video_ids[:most_videos]:
        looked += 1
        try:
            video = workspace.video(video_id)
            if not video.is_finished:
                continue
            settings = video_settings(video_layers(workspace, video_id))
            if not made_as(video, settings):
                found.append(video_id)
                plan = plan_video(workspace, video_id, SourceConfig(), settings)
                would_make.update({each.stage: each.made for each in plan.stages if each.made})
        except HeatersError as error:
            problems.append(f"{video_id}: {error}")
        if len(found) == most_found:
            break
    last = video_ids[looked - 1] if looked else ""
    return OtherSettings(tuple(found), would_make, tuple(problems), last, looked == len(video_ids))


def made_as(video: VideoManifest, settings: RunSettings) -> bool:
    """Whether a finished video was made with these settings."""
    codec = video.stages["source_videos"].summary["info"]["codec"]
    clips = for_stream(settings.clips, settings.scan.video_stream)
    meant = {
        "frame_scores": scan_json(settings.scan),
        "scenes": settings_json(settings.detection),
        "clips": clip_settings_json(clips, codec),
        "sprite_sheets": settings_json(settings.sprites),
        "keyframes": settings_json(settings.keyframes),
        "storyboards": settings_json(settings.storyboards),
    }
    # That a video is older than storyboards is no change of settings: nobody asked for a run of it.
    return all(
        video.stages[stage].inputs.get("settings") == each
        for stage, each in meant.items()
        if stage in video.stages
    )
