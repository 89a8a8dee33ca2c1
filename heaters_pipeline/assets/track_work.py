"""How the score track of a video is looked for, made and stored; asked for by two assets.

``frame_scores`` makes it. ``scenes`` has it made again, in full, if it is asked for what the track
of a fast scan cannot answer. A full track answers everything, so a fast one gives way to it and
the fingerprint is the same.
"""

import logging
from dataclasses import replace
from fractions import Fraction
from typing import get_args

from heaters_pipeline.assets.records import Source, local_source
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.assets.stage_work import StageWork, look
from heaters_pipeline.assets.units import Scene, Unit
from heaters_pipeline.errors import ManifestError
from heaters_pipeline.exchange.rates import constant_rate, recorded_rate
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.digests import bytes_sha256
from heaters_pipeline.storage.records.manifests import Json, exact_seconds
from heaters_pipeline.video.detection.score_track import Scan, ScoreTrack
from heaters_pipeline.video.media.probe import shown_name
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline.video.scoring.method_scores import scan_settings
from heaters_pipeline.video.scoring.scores import ALGORITHM_VERSION, ScoreSettings, score_frames
from heaters_pipeline.video.stills.scan_pictures import ScanPictures

_logger = logging.getLogger(__name__)

TRACK_CONTENT_TYPE = "application/vnd.apache.parquet"


def track_work(run: StageRun, source: Source, settings: ScoreSettings) -> StageWork:
    """What is to be done for a track that answers these settings; nothing if it is there.

    Args:
        run: Of the stage ``frame_scores``.
        source: The video.
        settings: Of the scan. A full track serves a fast scan as well.
    """
    work = look(
        run,
        inputs={
            "algorithm_version": ALGORITHM_VERSION,
            "settings": scan_json(settings),
            "source_sha256": source.sha256,
            "stage": "frame_scores",
        },
    )
    recorded = work.current.summary["scan"] if work.done and work.current else None
    if settings.scan == "full" and recorded == "fast":
        work.outdated()
    return work


def complete_track(work: StageWork, source: Source, settings: ScoreSettings) -> dict[str, Json]:
    """Adopt the track that lies in the store, or make it; gives the manifest's summary."""
    run = work.run
    found = _stored_bytes(work, settings.scan)
    track = ScoreTrack.from_bytes(found) if found else _score(run, source, settings)
    unit = track_unit(work, track.scan, _whole_video(track))
    (key,) = unit.keys
    work.plan([unit])
    if found is not None:
        work.reuse(unit, [unit.scene.item(key, len(found), {"sha256": bytes_sha256(found)})])
    else:
        data = track.to_bytes()
        with run.phase("upload"):
            stored = run.workspace.write_bytes(key, data, TRACK_CONTENT_TYPE)
        details = {"sha256": bytes_sha256(data)}
        work.add(unit, [unit.scene.item(key, stored.size_bytes, details)])
    return {
        "scan": track.scan,
        "frames_compared": len(track.analysed_frames),
        "faults": list(track.faults),
        "constant_frame_rate": _constant_rate(run, track.timeline),
    }


def stored_track(work: StageWork, scan: Scan) -> ScoreTrack | None:
    """A track that answers the scan, if one lies in the store whole, recorded or not."""
    data = _stored_bytes(work, scan)
    return None if data is None else ScoreTrack.from_bytes(data)


def _stored_bytes(work: StageWork, scan: Scan) -> bytes | None:
    """The content of such a track, which can be read."""
    run = work.run
    for kind in ("full",) if scan == "full" else get_args(Scan)[::-1]:
        key = keys.frame_scores_key(run.video_id, work.fingerprint, kind)
        if key in run.objects():
            try:
                data = run.workspace.store.read_bytes(key)
                ScoreTrack.from_bytes(data)
            except ManifestError as error:
                _logger.warning("%s is made again: %s", key, error)
            else:
                return data
    return None


def track_unit(work: StageWork, scan: Scan, whole_video: Scene) -> Unit:
    """The one unit of the stage: the track of a scan."""
    video_id = work.run.video_id
    return Unit(video_id, (keys.frame_scores_key(video_id, work.fingerprint, scan),), whole_video)


def scan_in_full(run: StageRun, source: Source, reason: str) -> None:
    """Give a video whose track is of a fast scan a full one, since a later stage asks for it.

    Args:
        run: Of the stage that asks.
        source: The video.
        reason: Why the fast track does not do; people read it in the log.
    """
    _logger.warning("%s: %s; the video is decoded once more, in full", run.video_id, reason)
    inputs = run.workspace.require_manifest("frame_scores", run.video_id).inputs
    recorded = inputs["settings"]
    settings = scan_settings("full", recorded["ignored"], recorded.get("video_stream"))
    with run.phase("scan in full"):
        work = track_work(run.of_stage("frame_scores"), source, settings)
        work.finish(complete_track(work, source, settings), {})


def scan_json(settings: ScoreSettings) -> dict[str, Json]:
    """What decides a track, as manifests keep it; a full track serves a fast scan as well."""
    ignored: list[Json] = [str(region) for region in settings.ignored]
    # Tracks that were made without a choice keep their names.
    chosen = {} if settings.video_stream is None else {"video_stream": settings.video_stream}
    return {"ignored": ignored, **chosen}


def _score(run: StageRun, source: Source, settings: ScoreSettings) -> ScoreTrack:
    source = replace(source, video_stream=settings.video_stream)
    shelf = run.workspace.shelf(source.pictures_name)
    shelf.clear()
    with local_source(run, source) as (path, info), run.phase("decode"):
        frames = info.frames_promised or 0
        return run.children.call(
            f"the frames of {shown_name(path)} were scored",
            score_frames,
            path,
            info,
            settings,
            on_progress=lambda done: run.progress("decode", done, frames),
            aside=_scan_pictures(run),
            on_picture=lambda picture: shelf.add(*picture),
            on_restart=shelf.clear,
        )


def _scan_pictures(run: StageRun) -> ScanPictures | None:
    """What later steps of the run can make of frames that the scan decodes."""
    if run.workspace.takes_config_as_it_is:
        # A repair makes what was lost, of whatever settings.
        return None
    settings = RunSettings.of(run.sound_settings())
    return ScanPictures(
        settings.sprites if run.includes("sprite_sheets") else None,
        settings.storyboards if run.includes("storyboards") else None,
    )


def _constant_rate(run: StageRun, timeline: Timeline) -> str | None:
    """Frames a second that all frames keep to, as manifests have it; None of a variable rate."""
    header = run.workspace.require_manifest("source_videos", run.video_id).summary["info"]
    rate = constant_rate(timeline, recorded_rate(header))
    return None if rate is None else exact_seconds(rate)


def _whole_video(track: ScoreTrack) -> Scene:
    frames = track.timeline.frames
    return Scene(Span(0, frames), Fraction(0), track.timeline.seconds_at(frames))
