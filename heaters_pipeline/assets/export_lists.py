"""What is exported of a video: its scenes as editors count them, from what is recorded of it."""

from collections.abc import Container, Mapping
from typing import Any

from heaters_pipeline.assets.units import Scene, clip_identifier
from heaters_pipeline.errors import ManifestError, SettingsError
from heaters_pipeline.exchange.edit_list import (
    EditList,
    GradualTransition,
    ListedScene,
    Sound,
)
from heaters_pipeline.exchange.formats import ExportSettings
from heaters_pipeline.exchange.rates import EditClock, edit_clock, recorded_clock, recorded_rate
from heaters_pipeline.exchange.timecode import frame_number
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.corrections import Mark, edits_json, read_corrections
from heaters_pipeline.storage.records.manifests import Manifest
from heaters_pipeline.storage.records.video_manifests import VideoManifest
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.timing import Span, Timeline

REJECTED = "rejected"


def edit_list_of(
    store: ObjectStore,
    video: VideoManifest,
    settings: ExportSettings,
    clips: Container[str] | None = None,
) -> EditList:
    """The scenes of a video; those that were rejected are left out unless they are asked for.

    Args:
        store: In which its track lies.
        video: What is recorded of it.
        settings: What is asked for.
        clips: The names of the clips to choose from; None for all.
    Raises:
        ManifestError: Its scenes were not decided yet, or of another version of its source; or what
            people decided cannot be read.
        SettingsError: No clip is left, or there is no such timecode at its rate.
    """
    source, track, scenes = _decided(video)
    source_sha256 = str(source.summary["sha256"])
    corrections = read_corrections(store, video.video_id)
    edits = corrections.edits(source_sha256)
    is_applied = edits_json(edits) == scenes.inputs.get("corrections", [])
    timeline = ScoreTrack.from_bytes(store.read_bytes(track.items[0].key)).timeline
    info = source.summary["info"]
    clock = _clock(timeline, info, settings.start_timecode)
    key = str(source.summary["source_key"])
    local = store.local_path(key)
    audio = next((each for each in info["audio"] if each["channels"] > 0), None)
    marked = _listed(video, scenes, corrections.marks(source_sha256))
    listed = [one for one in marked if clips is None or one.name in clips]
    if not listed:
        raise SettingsError(f"no clip of {video.video_id} meets the condition")
    kept = [one for one in listed if settings.with_rejected or one.review != REJECTED]
    if not kept:
        raise SettingsError(
            f"all clips of {video.video_id} are rejected; --with-rejected exports them as well"
        )
    return EditList(
        name=video.video_id,
        media_name=key.rpartition("/")[2],
        media_uri=local.as_uri() if local else None,
        rate=clock.rate,
        is_constant=clock.is_constant,
        frames=timeline.frames,
        duration_seconds=timeline.seconds_at(timeline.frames),
        start_frame=clock.start_frame,
        drop=clock.drop,
        refused_timecode=clock.refused,
        size_px=(info["width_px"], info["height_px"]),
        sound=Sound(audio["channels"], audio["sample_rate_hz"]) if audio else None,
        scenes=tuple(kept),
        transitions=_gradual(scenes, timeline),
        left_out=len(listed) - len(kept),
        is_corrected=is_applied,
    )


def _decided(video: VideoManifest) -> tuple[Manifest, Manifest, Manifest]:
    """The records of the source, its track and its scenes, which belong together."""
    source, track, scenes = (
        _recorded(video, stage) for stage in ("source_videos", "frame_scores", "scenes")
    )
    # A run that failed in between leaves scenes of the source that was replaced.
    if (track.inputs["source_sha256"], scenes.inputs["frame_scores"]) != (
        source.summary["sha256"],
        track.fingerprint,
    ):
        raise ManifestError(
            f"the scenes of {video.video_id} are those of another version of its source or track; "
            f"heaters process {video.video_id} decides them anew"
        )
    return source, track, scenes


def _clock(timeline: Timeline, info: Mapping[str, Any], start_timecode: str | None) -> EditClock:
    """How editors count the frames; with the start timecode that is asked for, else the file's."""
    if not start_timecode:
        return recorded_clock(timeline, info)
    clock = edit_clock(timeline, recorded_rate(info), start_timecode)
    if clock.refused is not None:
        # Says what is wrong with the one that is asked for; the file's own is only noted.
        frame_number(start_timecode, clock.rate)
    return clock


def _recorded(video: VideoManifest, stage: str) -> Manifest:
    if stage not in video.stages:
        raise ManifestError(
            f"{video.video_id} has no {stage} yet; run process_videos for it, or heaters process"
        )
    return video.stages[stage]


def _listed(
    video: VideoManifest, scenes: Manifest, marks: Mapping[tuple[int, int], Mark]
) -> list[ListedScene]:
    """All scenes, named as the clips that were made of them, with what people say of them now."""
    clips = video.stages.get("clips")
    names = {
        Span(item.start_frame, item.end_frame): str(item.details["clip_identifier"])
        for item in (clips.items if clips else ())
    }
    found = []
    for position, row in enumerate(scenes.summary["scenes"]):
        scene = Scene.from_json(row)
        mark = marks.get((scene.span.start, scene.span.end), Mark())
        found.append(
            ListedScene(
                name=names.get(scene.span) or clip_identifier(video.video_id, position),
                span=scene.span,
                start_seconds=scene.start_seconds,
                end_seconds=scene.end_seconds,
                review="" if mark.review == "waiting" else mark.review,
                tags=mark.tags,
            )
        )
    return found


def _gradual(scenes: Manifest, timeline: Timeline) -> tuple[GradualTransition, ...]:
    return tuple(
        GradualTransition(
            row["kind"],
            Span(row["start_frame"], row["end_frame"]),
            timeline.seconds_at(row["start_frame"]),
            timeline.seconds_at(row["end_frame"]),
        )
        for row in scenes.summary["transitions"]
        if row["kind"] != "cut"
    )
