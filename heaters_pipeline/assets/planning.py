"""What a run would do for a video, decided by the functions that the run itself uses.

Only looks: nothing is written to the store, nothing stays on this machine, and no run of Dagster is
needed.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from heaters_pipeline.assets.clip_work import clip_units, clips_work
from heaters_pipeline.assets.deciding import decide_scenes
from heaters_pipeline.assets.keyframes import keyframe_units, keyframe_work
from heaters_pipeline.assets.records import Source, gradual_of
from heaters_pipeline.assets.run_settings import RunSettings
from heaters_pipeline.assets.scenes import scenes_on, scenes_work
from heaters_pipeline.assets.source_planning import (
    LATER_STAGES,
    ExpectedSource,
    expected_source,
    results_exist,
)
from heaters_pipeline.assets.sprite_sheets import sprite_units, sprite_work
from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.assets.stage_work import StageWork
from heaters_pipeline.assets.storyboards import storyboard_unit, storyboard_work
from heaters_pipeline.assets.track_work import stored_track, track_unit, track_work
from heaters_pipeline.assets.units import Scene, Unit
from heaters_pipeline.config import SourceConfig
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.records.manifests import ManifestItem
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import gradual_spans
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline.video.scoring.scores import ScoreSettings
from heaters_pipeline.video.stills.sprite_layout import SpriteLayout
from heaters_pipeline.workspace import Workspace

MADE_STAGES = ("frame_scores", "storyboards", "clips", "sprite_sheets", "keyframes")
"""The stages whose units are made, reused or failed, as ``heaters process`` counts them."""


@dataclass(frozen=True, slots=True)
class StagePlan:
    """What a run would do for one stage of a video. Counts are units, such as clips.

    Attributes:
        stage: The asset.
        known: Whether it can be told now. If not, it depends on what an earlier stage would find
            out, and all else here is empty.
        done: Nothing is to do, not even a record to write.
        valid: Recorded, and stored with the right size.
        unrecorded: Stored under the keys that are wanted, without a record: opened, and
            adopted if they hold what they should.
        missing: Neither.
        damaged: Recorded, but an object is gone or of another size.
        stale: Objects of the stage that nothing wants any more; a run leaves them.
        to_make: The missing and damaged units, as far as a unit is more than a row of a record.
        about_bytes: How much the units to make will have, by the source's mean rate; None where
            that tells nothing, as of what is encoded anew.
    """

    stage: str
    known: bool = True
    done: bool = False
    valid: int = 0
    unrecorded: int = 0
    missing: int = 0
    damaged: int = 0
    stale: tuple[ObjectInfo, ...] = ()
    to_make: tuple[Unit, ...] = ()
    about_bytes: int | None = None

    @property
    def made(self) -> int:
        """Units that the run would make."""
        return self.missing + self.damaged

    @property
    def reused(self) -> int:
        """Units that the run would reuse."""
        return self.valid + self.unrecorded


@dataclass(frozen=True, slots=True)
class VideoPlan:
    """What a run would do for a video.

    Attributes:
        video_id: The partition.
        source: The source that the run would work with.
        scenes: The scenes as the run would have them; None before the video is scanned.
        stages: In the order in which they run.
    """

    video_id: str
    source: ExpectedSource
    scenes: tuple[Scene, ...] | None
    stages: tuple[StagePlan, ...]

    @property
    def known(self) -> bool:
        """Whether all of it can be told now."""
        return all(stage.known for stage in self.stages)

    def total(self, count: Callable[[StagePlan], int]) -> int:
        """A sum over the stages whose units are made."""
        return sum(count(stage) for stage in self.stages if stage.stage in MADE_STAGES)


def plan_video(
    workspace: Workspace, video_id: str, source: SourceConfig, settings: RunSettings
) -> VideoPlan:
    """Say what a run would do.

    Args:
        workspace: Fresh, as for a run.
        video_id: The partition.
        source: Where the run would take the video from.
        settings: Of the run.
    Raises:
        InvalidVideoError: It is no video.
        ObjectNotFoundError: There is no such video.
        ManifestError: A record cannot be read.
    """
    run = StageRun(workspace, "source_videos", video_id)
    expected = expected_source(run, source)
    identity = expected.identity
    if identity is None:
        return VideoPlan(video_id, expected, None, _before_reading(run, expected))
    identity = replace(identity, video_stream=settings.scan.video_stream)
    if not expected.registered:
        workspace.expect_work(video_id)
    track = _Track(run.of_stage("frame_scores"), identity, settings.scan, expected)
    scenes, gradual, scenes_plan = _scenes(
        run.of_stage("scenes"), identity, track, settings.detection
    )
    later = (
        _from_scenes(run, identity, (scenes, gradual), track, settings, expected.size_bytes)
        if scenes is not None
        else map(_unknown, LATER_STAGES[2:])
    )
    return VideoPlan(
        video_id,
        expected,
        None if scenes is None else tuple(scenes),
        (_source_plan(expected), track.plan, scenes_plan, *later),
    )


class _Track:
    """The track that a run would decide on: as it is stored, or still to be made.

    Attributes:
        fingerprint: Of the stage.
        plan: For the stage.
    """

    def __init__(
        self, run: StageRun, source: Source, settings: ScoreSettings, expected: ExpectedSource
    ) -> None:
        work = track_work(run, source, settings)
        if not work.done:
            run.workspace.expect_work(run.video_id)
        self.fingerprint = work.fingerprint
        self._work = work
        self._track = None if work.done else stored_track(work, settings.scan)
        if self._track is not None:
            unit = track_unit(work, self._track.scan, _whole_video(expected))
            work.plan([unit])
            # A run takes it as it opened, whatever was recorded of it.
            self.plan = StagePlan(run.stage, unrecorded=1, stale=tuple(work.stale))
        else:
            unit = track_unit(work, settings.scan, _whole_video(expected))
            self.plan = _stage_plan(work, [unit])

    def read(self) -> ScoreTrack | None:
        """The track, None if it is still to be made."""
        if self._track is None and self._work.done:
            (item,) = self._work.ordered_items
            content = self._work.run.workspace.store.read_bytes(item.key)
            self._track = ScoreTrack.from_bytes(content)
        return self._track


def _source_plan(expected: ExpectedSource) -> StagePlan:
    return StagePlan(
        "source_videos",
        done=expected.registered,
        valid=int(expected.registered),
        unrecorded=int(expected.stored and not expected.registered),
        missing=int(not expected.stored and not expected.lost),
        damaged=int(expected.lost),
    )


def _before_reading(run: StageRun, expected: ExpectedSource) -> tuple[StagePlan, ...]:
    """Of a source whose content nobody read: only that a video without results is scanned."""
    track, *later = LATER_STAGES
    scan = _unknown(track) if results_exist(run) else StagePlan(track, missing=1)
    return (_source_plan(expected), scan, *map(_unknown, later))


def _scenes(
    run: StageRun, source: Source, track: _Track, settings: DetectionSettings
) -> tuple[list[Scene] | None, list[Span], StagePlan]:
    """The scenes and the frames of gradual transitions, and the plan for the stage."""
    work = scenes_work(run, source, track.fingerprint, settings)
    if work.done and work.current is not None:
        scenes = [Scene.from_json(row) for row in work.current.summary["scenes"]]
        return scenes, gradual_of(run), StagePlan(run.stage, done=True, valid=len(scenes))
    run.workspace.expect_work(run.video_id)
    scored = track.read()
    if scored is None:
        return None, [], _unknown(run.stage)
    decided = decide_scenes(run, source, scored, settings)
    scenes = scenes_on(scored.timeline, decided.scenes.scenes)
    return scenes, gradual_spans(decided.transitions), StagePlan(run.stage, missing=len(scenes))


def _from_scenes(
    run: StageRun,
    source: Source,
    decided: tuple[Sequence[Scene], Sequence[Span]],
    track: _Track,
    settings: RunSettings,
    source_bytes: int | None,
) -> Iterable[StagePlan]:
    """The stages after the scenes: the storyboard, clips, and what is made of those."""
    video_id = run.video_id
    scenes, gradual = decided
    yield _from_track(
        storyboard_work(run.of_stage("storyboards"), source, settings.storyboards),
        track,
        lambda scored: [storyboard_unit(video_id, source, scored, settings.storyboards)],
    )
    units = clip_units(video_id, source, scenes, settings.clips)
    cut = clips_work(run.of_stage("clips"), source, scenes, settings.clips)
    clips_plan = _stage_plan(cut, units)
    if settings.clips.mode != "reencode" and source_bytes is not None:
        clips_plan = replace(clips_plan, about_bytes=_about_bytes(clips_plan, scenes, source_bytes))
    yield clips_plan
    clips = cut.ordered_items if cut.done else [_as_item(unit) for unit in units]
    yield _from_track(
        sprite_work(run.of_stage("sprite_sheets"), clips, settings.sprites),
        track,
        lambda scored: sprite_units(video_id, clips, scored, settings.sprites),
    )
    pictures = keyframe_work(run.of_stage("keyframes"), clips, settings.keyframes, gradual)
    yield _stage_plan(pictures, keyframe_units(video_id, clips, settings.keyframes, gradual))


def _about_bytes(plan: StagePlan, scenes: Sequence[Scene], source_bytes: int) -> int:
    """The share of a source that is copied into clips, by their time."""
    # What no scene has is behind the last one, or was dropped: the source's bytes are of it, too.
    video_seconds = max((scene.end_seconds for scene in scenes), default=Fraction(1))
    seconds = sum(unit.scene.end_seconds - unit.scene.start_seconds for unit in plan.to_make)
    return round(source_bytes * seconds / video_seconds)


def _from_track(
    work: StageWork,
    track: _Track,
    planned: Callable[[ScoreTrack], Sequence[tuple[Unit, SpriteLayout]]],
) -> StagePlan:
    """Plan a stage whose units follow from the times of frames: how many sheets there are."""
    if work.done:
        return _stage_plan(work, ())
    scored = track.read()
    if scored is None:
        return _unknown(work.run.stage)
    return _stage_plan(work, [unit for unit, _ in planned(scored)])


def _stage_plan(work: StageWork, wanted: Sequence[Unit]) -> StagePlan:
    """Plan a stage with objects.

    Args:
        work: Not yet planned.
        wanted: What it should consist of; does not matter if it is done.
    """
    stage = work.run.stage
    if work.done and work.current is not None:
        valid = int(work.current.summary["units"])
        return StagePlan(stage, done=True, valid=valid, stale=tuple(work.stale))
    work.plan(wanted)
    unrecorded = {unit.identifier for unit in work.unrecorded}
    to_make = tuple(unit for unit in work.missing if unit.identifier not in unrecorded)
    damaged = len(work.damaged)
    return StagePlan(
        stage,
        valid=len(wanted) - len(work.missing),
        unrecorded=len(unrecorded),
        missing=len(to_make) - damaged,
        damaged=damaged,
        stale=tuple(work.stale),
        to_make=to_make,
    )


def _unknown(stage: str) -> StagePlan:
    return StagePlan(stage, known=False)


def _as_item(clip: Unit) -> ManifestItem:
    """A clip as the manifest will have it, as far as later stages ask."""
    (key,) = clip.keys
    return clip.scene.item(key, 0, clip.details)


def _whole_video(source: ExpectedSource) -> Scene:
    """As far as the header tells; no key depends on it."""
    frames = source.info.get("frames_promised") or 1
    seconds = source.info.get("duration_promised_seconds") or 0
    return Scene(Span(0, frames), Fraction(0), Fraction(seconds))
