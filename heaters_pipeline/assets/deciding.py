"""The scenes of a video: cuts as found or given, then the corrections of people; marks on clips."""

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from heaters_pipeline.assets.records import Source, track_of
from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.errors import SettingsError
from heaters_pipeline.exchange.rates import EditClock, recorded_clock
from heaters_pipeline.exchange.reading.cut_files import read_cuts
from heaters_pipeline.intake.by_hand import CutsFile
from heaters_pipeline.living_runs import tag_run
from heaters_pipeline.names import CORRECTIONS_TAG
from heaters_pipeline.partitions import corrections_tag
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.corrections import Decision, Mark, edits_json
from heaters_pipeline.storage.records.json_records import damaged
from heaters_pipeline.storage.records.manifests import Json, Manifest, ManifestItem
from heaters_pipeline.video.detection.corrections import Edit, correct
from heaters_pipeline.video.detection.scenes import SceneList, scenes_from
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import Transition, find_transitions
from heaters_pipeline.video.media.timing import Timeline

_logger = logging.getLogger(__name__)

Marks = Mapping[tuple[int, int], Mark]
"""What people said of clips, by span."""


@dataclass(frozen=True, slots=True)
class GivenCuts:
    """Where a person cut the video, in place of detection.

    Attributes:
        name: Key of the file that says so.
        sha256: Of its content.
        data: Its content; None where what it said was recorded.
        frames: What it said, where that was recorded.
    """

    name: str
    sha256: str
    data: bytes | None = None
    frames: tuple[int, ...] = ()

    @classmethod
    def of(cls, file: CutsFile) -> "GivenCuts":
        """From the file in the store."""
        return cls(file.name, file.sha256, file.data)

    def on(self, timeline: Timeline, clock: EditClock) -> tuple[int, ...]:
        """The first frames of new scenes.

        Raises:
            SettingsError: The file cannot be read, or is that of another video.
        """
        if self.data is None:
            return self.frames
        return read_cuts(self.data, self.name, timeline, clock.rate, clock.start_frame)


@dataclass(frozen=True, slots=True)
class Person:
    """What people decided of the scenes of a video.

    Attributes:
        edits: Of this version of its source, in order.
        cuts: In place of detection; None to detect them.
    """

    edits: Sequence[Decision] = ()
    cuts: GivenCuts | None = None

    def inputs(self) -> dict[str, Json]:
        """What of it decides scenes: nothing where nobody decided anything, as it was before.

        Who decided it, and when and why, does not.
        """
        inputs: dict[str, Json] = {}
        if self.edits:
            inputs["corrections"] = edits_json(self.edits)
        if self.cuts is not None:
            inputs["cuts"] = {"name": self.cuts.name, "sha256": self.cuts.sha256}
        return inputs


@dataclass(frozen=True, slots=True)
class DecidedScenes:
    """The scenes of a video, with what people have to do with them.

    Attributes:
        transitions: Where they change.
        scenes: And what is dropped and excluded.
        by_hand: For the summary: what became of each correction, and the cuts that were given;
            nothing where nobody decided anything.
    """

    transitions: tuple[Transition, ...]
    scenes: SceneList
    by_hand: dict[str, Any]


def person_of(run: StageRun, source: Source) -> Person:
    """What counts of what people decided: in a repair, what did when the scenes were decided."""
    workspace, video_id = run.workspace, run.video_id
    recorded = workspace.manifest("scenes", video_id)
    if workspace.takes_config_as_it_is and recorded is not None:
        return _recorded(recorded)
    file = workspace.by_hand.cuts(video_id)
    edits = workspace.by_hand.corrections(video_id).edits(source.sha256)
    return Person(edits, None if file is None else GivenCuts.of(file))


def decide_scenes(
    run: StageRun, source: Source, track: ScoreTrack, settings: DetectionSettings
) -> DecidedScenes:
    """Decide where scenes change, what becomes of the frames, and apply what people decided.

    Raises:
        SettingsError: The track is of a fast scan, which cannot answer the settings; or the cuts
            that were given are none of this video.
    """
    person = person_of(run, source)
    by_hand: dict[str, Any] = {}
    if person.cuts is None:
        transitions = find_transitions(track, settings)
        found = scenes_from(track.timeline, transitions, settings)
    else:
        frames = _given_frames(run, source, person.cuts, track.timeline)
        transitions = tuple(Transition("cut", frame, frame) for frame in frames)
        # No cut of a person is merged away.
        found = scenes_from(track.timeline, transitions, replace(settings, short_scenes="keep"))
        given = {"name": person.cuts.name, "sha256": person.cuts.sha256, "frames": list(frames)}
        by_hand["cuts"] = given
    if not person.edits:
        return DecidedScenes(transitions, found, by_hand)
    outcome = correct(found, transitions, edits_of(person.edits), settings.gradual)
    by_hand["corrections"] = [
        {**decision.to_json(), "refusal": refusal}
        for decision, refusal in zip(person.edits, outcome.refusals, strict=True)
    ]
    return DecidedScenes(outcome.transitions, outcome.scenes, by_hand)


def require_cuts_of(run: StageRun, file: CutsFile) -> None:
    """Refuse cuts that are none of the run's video, as far as its frames are known by now.

    They are of a video whose source is the one that was scanned.

    Raises:
        SettingsError: The file cannot be read, or is that of another video.
    """
    workspace, video_id = run.workspace, run.video_id
    source, track = (
        workspace.manifest(stage, video_id) for stage in ("source_videos", "frame_scores")
    )
    if source is None or track is None:
        return
    stored = workspace.store.head(source.summary["source_key"])
    scanned = track.inputs["source_sha256"] == source.summary["sha256"]
    if stored is None or stored.version != source.summary["version"] or not scanned:
        return
    timeline = track_of(run).timeline
    GivenCuts.of(file).on(timeline, _clock(run, timeline))


def edits_of(decisions: Sequence[Decision]) -> list[Edit]:
    """Decisions that change scenes, without who took them."""
    return [
        Edit(one.kind, one.frame, one.to)  # type: ignore[arg-type] # none of those has no frame
        for one in decisions
        if one.is_edit
    ]


def marks_of(run: StageRun, source: Source) -> Marks:
    """What people said of clips; in a repair, what is recorded of that."""
    workspace, video_id = run.workspace, run.video_id
    recorded = workspace.manifest("clips", video_id)
    if workspace.takes_config_as_it_is and recorded is not None:
        return {
            (item.start_frame, item.end_frame): Mark(
                item.details.get("review", "waiting"), tuple(item.details.get("tags", ()))
            )
            for item in recorded.items
        }
    return workspace.by_hand.corrections(video_id).marks(source.sha256)


def marked(item: ManifestItem, marks: Marks) -> ManifestItem:
    """A clip with what people said of it, and nothing of what they said before."""
    mark = marks.get((item.start_frame, item.end_frame), Mark())
    details = {name: one for name, one in item.details.items() if name not in ("review", "tags")}
    if mark.review != "waiting":
        details["review"] = mark.review
    if mark.tags:
        details["tags"] = list(mark.tags)
    return replace(item, details=details)


def tag_corrections(run: StageRun) -> None:
    """Say on the run which corrections it took in, so that the sensor starts no other for them."""
    if run.context is None or run.workspace.takes_config_as_it_is:
        return
    found = run.workspace.by_hand.found(run.video_id)
    if found is None:
        return
    tag = {CORRECTIONS_TAG: corrections_tag(run.video_id, found)}
    if tag.items() - run.context.run.tags.items():
        tag_run(run.context.instance, run.context.run.run_id, tag)


def _given_frames(
    run: StageRun, source: Source, cuts: GivenCuts, timeline: Timeline
) -> tuple[int, ...]:
    scenes, clips = (run.workspace.manifest(stage, run.video_id) for stage in ("scenes", "clips"))
    if (
        scenes is not None
        and clips is not None
        and scenes.summary.get("cuts", {}).get("sha256") == cuts.sha256
        and clips.inputs["source_sha256"] != source.sha256
    ):
        _logger.warning(
            "%s was given before the source of %s was replaced, and cuts the new one, too",
            cuts.name,
            run.video_id,
        )
    try:
        return cuts.on(timeline, _clock(run, timeline))
    except SettingsError as error:
        raise SettingsError(
            f"{error}; or detect them again: heaters process {run.video_id} --without-cuts"
        ) from error


def _recorded(scenes: Manifest) -> Person:
    """What people had decided when scenes were decided.

    Raises:
        ManifestError: The record is damaged.
    """
    cuts = scenes.summary.get("cuts")
    try:
        edits = [Decision.from_json(row) for row in scenes.summary.get("corrections", ())]
    except ValueError as error:
        raise damaged(keys.video_manifest_key(scenes.video_id), str(error)) from error
    return Person(
        edits,
        GivenCuts(cuts["name"], cuts["sha256"], frames=tuple(cuts["frames"])) if cuts else None,
    )


def _clock(run: StageRun, timeline: Timeline) -> EditClock:
    """How editors count the frames of the video."""
    source = run.workspace.manifest("source_videos", run.video_id)
    info = source.summary["info"] if source else {}
    return recorded_clock(timeline, info)
