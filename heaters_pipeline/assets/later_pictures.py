"""Which pictures of the source later steps of a run will ask for, so that it is decoded once."""

from collections.abc import Iterator, Sequence

from heaters_pipeline.assets.clip_work import clip_units, clips_work
from heaters_pipeline.assets.keyframes import keyframe_units, keyframe_work, wanted_keyframes
from heaters_pipeline.assets.pictures import contact_sheet_pictures
from heaters_pipeline.assets.records import Source
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.assets.sprite_sheets import sprite_units, sprite_work, wanted_tiles
from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.assets.stage_work import StageWork
from heaters_pipeline.assets.storyboards import (
    storyboard_unit,
    storyboard_work,
    wanted_pictures,
)
from heaters_pipeline.assets.units import Scene, Unit
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.stills.picture_shelf import Wanted


def later_pictures(
    run: StageRun,
    source: Source,
    scenes: Sequence[Scene],
    gradual: Sequence[Span],
    track: ScoreTrack,
) -> Iterator[Wanted]:
    """What the steps after ``scenes`` that belong to the run will make of the source.

    Only what the store lacks: a video that is reused in part is decoded in part.

    Args:
        run: Of the stage ``scenes``.
        source: The video.
        scenes: As the stage has just decided.
        gradual: Frames of gradual transitions, the same.
        track: That they were decided on.
    """
    if run.workspace.takes_config_as_it_is:
        # A repair makes what was lost, of whatever settings: its steps ask for themselves.
        return
    settings = RunSettings.of(run.sound_settings())
    units = clip_units(run.video_id, source, scenes, settings.clips)
    clips = [unit.scene.item(unit.keys[0], 0, unit.details) for unit in units]
    if run.includes("clips"):
        cut = clips_work(run.of_stage("clips"), source, scenes, settings.clips)
        if not cut.done:
            yield from contact_sheet_pictures(clips)
    if run.includes("sprite_sheets"):
        planned = sprite_units(run.video_id, clips, track, settings.sprites)
        work = sprite_work(run.of_stage("sprite_sheets"), clips, settings.sprites)
        layouts = {unit.identifier: layout for unit, layout in planned}
        for unit in _to_make(work, [unit for unit, _ in planned]):
            yield from wanted_tiles(unit, layouts[unit.identifier])
    if run.includes("keyframes"):
        work = keyframe_work(run.of_stage("keyframes"), clips, settings.keyframes, gradual)
        taken = keyframe_units(run.video_id, clips, settings.keyframes, gradual)
        for unit in _to_make(work, taken):
            yield from wanted_keyframes(unit, settings.keyframes, gradual)
    if run.includes("storyboards"):
        work = storyboard_work(run.of_stage("storyboards"), source, settings.storyboards)
        whole, layout = storyboard_unit(run.video_id, source, track, settings.storyboards)
        if _to_make(work, [whole]):
            yield from wanted_pictures(layout, settings.storyboards)


def _to_make(work: StageWork, units: Sequence[Unit]) -> list[Unit]:
    if work.done:
        return []
    work.plan(units)
    unrecorded = {unit.identifier for unit in work.unrecorded}
    return [unit for unit in work.missing if unit.identifier not in unrecorded]
