"""How the clips of a video are named, adopted, made and stored."""

import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, replace
from pathlib import Path
from threading import BoundedSemaphore

from heaters_pipeline.assets.deciding import marked, marks_of
from heaters_pipeline.assets.pictures import require_picture
from heaters_pipeline.assets.records import (
    Source,
    clip_settings_json,
    for_stream,
    local_source,
    source_inputs,
)
from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.assets.stage_work import StageWork, look
from heaters_pipeline.assets.units import Scene, Unit, clip_identifier
from heaters_pipeline.errors import ClipError, HeatersError, InvalidVideoError, ManifestError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import file_sha256
from heaters_pipeline.storage.records.manifests import (
    Json,
    ManifestItem,
    exact_seconds,
    fingerprint_of,
)
from heaters_pipeline.video.clips.settings import ClipContainer, Verify
from heaters_pipeline.video.clips.write import (
    FORMAT_VERSION,
    ClipFile,
    ClipSettings,
    inspect_whole_clip,
    left_out,
    write_clips,
)
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.probe import VideoInfo, shown_name
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.scoring.span_quality import span_quality

_logger = logging.getLogger(__name__)

_CONTENT_TYPES: Mapping[ClipContainer, str] = {"mp4": "video/mp4", "mov": "video/quicktime"}
UPLOADS_AT_ONCE = 4
"""Cutting waits while so many clips are under way: who is killed loses no more than those."""


def clips_work(
    run: StageRun, source: Source, scenes: Sequence[Scene], settings: ClipSettings
) -> StageWork:
    """What is to be done for the clips of these scenes; nothing if they are there."""
    settings = for_stream(settings, source.video_stream)
    work = look(
        run,
        inputs={
            "scenes": [scene.to_json() for scene in scenes],
            "settings": clip_settings_json(settings, source.codec),
            "format_version": FORMAT_VERSION,
            **source_inputs(source),
            "stage": "clips",
        },
    )
    require_picture(work, "contact_sheet")
    marks = marks_of(run, source)
    if any(marked(item, marks).details != item.details for item in work.items.values()):
        # People said something else of clips that are there: their record is to be written.
        work.outdated()
    return work


def mark_clips(work: StageWork, source: Source) -> None:
    """Note on each clip what people said of it."""
    marks = marks_of(work.run, source)
    work.items.update({key: marked(item, marks) for key, item in work.items.items()})


def clip_units(
    video_id: str, source: Source, scenes: Sequence[Scene], settings: ClipSettings
) -> list[Unit]:
    """The clips that a video should have."""
    settings = for_stream(settings, source.video_stream)
    units = []
    container = settings.clip_container(source.codec)
    for position, scene in enumerate(scenes):
        digest = fingerprint_of(
            {
                "end_frame": scene.span.end,
                "format_version": FORMAT_VERSION,
                "settings": clip_settings_json(settings, source.codec),
                **source_inputs(source),
                "start_frame": scene.span.start,
            }
        )
        units.append(
            Unit(
                clip_identifier(video_id, position),
                (keys.clip_key(video_id, scene.span.start, scene.span.end, digest, container),),
                scene,
                {
                    "clip_identifier": clip_identifier(video_id, position),
                    "scene_index": position,
                },
            )
        )
    return units


def adopt_clips(work: StageWork) -> None:
    """Adopt clips that exist without a record, if they hold the span that their name says."""
    for unit in work.unrecorded:
        _adopt(work, unit)


def _adopt(work: StageWork, unit: Unit) -> None:
    (key,) = unit.keys
    found = work.stored(key)
    with work.run.phase("adopt"), work.run.workspace.local_copy(key, found.version) as path:
        try:
            facts = work.run.children.call(f"{key} was looked at", inspect_whole_clip, path)
            details = {
                **clip_details(facts),
                "sha256": file_sha256(path),
                "made_at": found.modified.isoformat(),
            }
        except (ClipError, InvalidVideoError) as error:
            # Not what it is named; it is made again under the same key.
            _logger.warning("%s is made again: %s", key, error)
            return
    if facts.span == unit.scene.span and facts.frames == len(facts.span):
        work.reuse(unit, [unit.scene.item(key, found.size_bytes, details)])


def clip_details(clip: ClipFile) -> dict[str, Json]:
    """What a manifest keeps of a clip besides its span."""
    return {
        "method": clip.method,
        "container": clip.container,
        "fallback_reason": clip.fallback_reason,
        "exact": True,
        "checked": list(clip.checked),
        "copied": [[part.start, part.end] for part in clip.copied],
        "hidden_frames": clip.hidden_frames,
        "first_pts": clip.first_pts,
        "last_pts": clip.last_pts,
        "time_base": exact_seconds(clip.time_base),
        "width_px": clip.width_px,
        "height_px": clip.height_px,
        "codec": clip.codec,
        "sound": None if clip.sound is None else asdict(clip.sound),
    }


def frame_totals(run: StageRun, clips: Sequence[ManifestItem]) -> dict[str, int]:
    """How many frames the clips hold, how many were left out, and how many the video has.

    Raises:
        ManifestError: They do not add up, so that a frame would be lost or be there twice.
    """
    (track,) = run.workspace.require_manifest("frame_scores", run.video_id).items
    scenes = run.workspace.require_manifest("scenes", run.video_id).summary
    totals = {
        "clips": sum(item.end_frame - item.start_frame for item in clips),
        **{
            kind: sum(len(Scene.from_json(row).span) for row in scenes[kind])
            for kind in ("dropped", "excluded")
        },
    }
    if sum(totals.values()) != track.end_frame:
        raise ManifestError(
            f"the clips of {run.video_id} hold {totals['clips']} frames, {totals['dropped']} are "
            f"dropped and {totals['excluded']} excluded, which is not the {track.end_frame} of the "
            f"video; delete {keys.video_manifest_key(run.video_id)} and run it again with its "
            "options: what is stored is adopted"
        )
    return {**totals, "source": track.end_frame}


def frames_by_origin(clips: Sequence[ManifestItem]) -> dict[str, int]:
    """Frames copied, encoded and hidden, and clips encoded whole, where their record says so."""
    said = [item for item in clips if "copied" in item.details]
    copied = sum(end - start for item in said for start, end in item.details["copied"])
    return {
        "frames/copied": copied,
        "frames/encoded": sum(item.end_frame - item.start_frame for item in said) - copied,
        "frames/hidden": sum(item.details["hidden_frames"] for item in said),
        "reencoded": sum(not item.details["copied"] for item in said),
    }


def reviewed(clips: Sequence[ManifestItem]) -> dict[str, int]:
    """How many clips were approved, rejected, or wait for that; nothing before one was."""
    states = Counter(str(item.details.get("review", "waiting")) for item in clips)
    return {} if set(states) <= {"waiting"} else {f"review/{name}": n for name, n in states.items()}


def note_quality(work: StageWork, track: Callable[[], ScoreTrack]) -> None:
    """Note what the pictures of each clip are like, where a clip is recorded for the first time.

    Clips of older records are left as they are unless the track is read anyway.
    """
    unknown = {key: item for key, item in work.items.items() if "quality" not in item.details}
    if any("codec" in item.details for item in unknown.values()):
        for key, item in unknown.items():
            quality = span_quality(track(), Span(item.start_frame, item.end_frame))
            work.items[key] = replace(item, details={**item.details, "quality": quality})


def make_clips(
    work: StageWork,
    source: Source,
    settings: ClipSettings,
    track: Callable[[], ScoreTrack],
    *,
    verify: Verify,
    workers: int,
) -> Json:
    """Make and store what is missing; what fails is recorded and the others go on.

    Args:
        work: What is missing.
        source: Of which clips are made.
        settings: How.
        track: Reads that of the source.
        verify: How much of each is checked.
        workers: Threads.
    Returns:
        What of the source clips have not, None where that was not looked at now nor before.
    """
    units = {unit.scene.span: unit for unit in work.missing}
    if not units:
        return work.current.summary.get("left_out") if work.current else None
    settings = for_stream(settings, source.video_stream)
    run = work.run
    known = track()
    waiting = BoundedSemaphore(UPLOADS_AT_ONCE)
    uploads: list[Future[None]] = []
    with (
        local_source(run, source) as (path, info),
        run.workspace.scratch() as folder,
        ThreadPoolExecutor(UPLOADS_AT_ONCE) as pool,
    ):
        container = settings.clip_container(info.codec)
        targets = {span: folder / f"{span.start}-{span.end}.{container}" for span in units}

        def on_clip(span: Span, outcome: ClipFile | ClipError) -> None:
            if isinstance(outcome, ClipFile):
                waiting.acquire()
                upload = pool.submit(_store, work, units[span], targets[span], outcome)
                upload.add_done_callback(lambda _: waiting.release())
                uploads.append(upload)
            else:
                work.fail(units[span], outcome)
            run.progress("clips", len(uploads), len(units))

        missed = _left_out(run, path, info, settings)
        with run.phase("cut"):
            run.children.call(
                f"clips of {shown_name(path)} were made",
                write_clips,
                path,
                info,
                known.timeline,
                list(units),
                targets.__getitem__,
                settings,
                picture_digests=known.known_digests(),
                workers=workers,
                on_clip=on_clip,
                tags={"source_sha256": source.sha256},
                verify=verify,
            )
        with run.phase("upload"):
            for upload in uploads:
                upload.result()
    return list(missed)


def _left_out(run: StageRun, path: Path, info: VideoInfo, settings: ClipSettings) -> Sequence[str]:
    """What of the source no clip has, which is warned of."""
    doing = f"the streams of {shown_name(path)} were read"
    missed = run.children.call(doing, left_out, path, info, settings)
    if missed:
        _logger.warning("no clip of %s has its %s", run.video_id, ", ".join(missed))
    return missed


def _store(work: StageWork, unit: Unit, path: Path, clip: ClipFile) -> None:
    (key,) = unit.keys
    try:
        details: dict[str, Json] = {**clip_details(clip), "sha256": file_sha256(path)}
        stored = work.run.workspace.put_file(
            key, path, _CONTENT_TYPES[clip.container], keep_local=True
        )
    except HeatersError as error:
        work.fail(unit, error)
    else:
        details["made_at"] = stored.modified.isoformat()
        work.add(unit, [unit.scene.item(key, stored.size_bytes, details)])
    finally:
        path.unlink(missing_ok=True)
