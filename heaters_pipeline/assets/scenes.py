"""``scenes``: a pure decision on the stored track, and on what people decided."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import dagster as dg

from heaters_pipeline.assets.deciding import decide_scenes, person_of, tag_corrections
from heaters_pipeline.assets.later_pictures import later_pictures
from heaters_pipeline.assets.pictures import (
    keep_full_picture,
    keep_picture,
    require_picture,
    shown_picture,
)
from heaters_pipeline.assets.policy import DETECTION_GROUP, RETRY_POLICY, STORE_KIND
from heaters_pipeline.assets.records import (
    Source,
    recorded_track,
    settings_json,
    source_of,
    track_of,
)
from heaters_pipeline.assets.source_pictures import source_pictures
from heaters_pipeline.assets.stage import StageRun, stage_run
from heaters_pipeline.assets.stage_checks import StageEvent, stage_checks
from heaters_pipeline.assets.stage_work import StageWork, claimed_work, look
from heaters_pipeline.assets.tables import SCENE_SCHEMA, by_hand_metadata, scene_table
from heaters_pipeline.assets.track_work import scan_in_full
from heaters_pipeline.assets.units import Scene
from heaters_pipeline.config import DetectionConfig
from heaters_pipeline.names import WORK_TAG
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.report.plots.decision_curve import decision_curve, times_seconds
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.manifests import Json
from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import (
    ALGORITHM_VERSION,
    Transition,
    full_scan_reason,
    gradual_spans,
)
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline.video.stills.picture_shelf import WantedPicture
from heaters_pipeline.workspace import Workspace


@dg.asset(
    partitions_def=source_videos_partitions,
    deps=["frame_scores"],
    group_name=DETECTION_GROUP,
    kinds={"numpy", STORE_KIND},
    tags={WORK_TAG: "decide"},
    code_version=str(ALGORITHM_VERSION),
    retry_policy=RETRY_POLICY,
    metadata={"dagster/column_schema": SCENE_SCHEMA},
)
def scenes(
    context: dg.AssetExecutionContext,
    config: DetectionConfig,
    workspace: dg.ResourceParam[Workspace],
) -> Iterator[StageEvent]:
    """Where the video is cut, and which frames belong to each scene.

    Scenes, `[start, end)`, tile the video, but for what the settings drop or exclude, which is
    listed. Decided from the stored track and the corrections of people: changing a setting decodes
    nothing, unless it asks for frames that a fast scan left out.
    """
    with stage_run(context, workspace, "scenes") as run:
        settings = run.chosen(config).settings()

        def find() -> StageWork:
            return scenes_work(run, source_of(run), recorded_track(run).fingerprint, settings)

        work = claimed_work(run, find)
        tag_corrections(run)
        if work.done and work.current is not None:
            summary = work.current.summary
        else:
            source = source_of(run)
            reason = full_scan_reason(settings)
            if reason and recorded_track(run).summary["scan"] == "fast":
                scan_in_full(run, source, reason)
            summary = _decide(work, source, track_of(run), settings)
        found = [Scene.from_json(row) for row in summary["scenes"]]
        hard = sum(row["kind"] == "cut" for row in summary["transitions"])
        picture = summary["similarity_picture"]
        yield work.finish(
            summary,
            metadata={
                "similarity": shown_picture(run, picture, f"similarity of {run.video_id}"),
                "full_picture": summary["detection_picture"],
                "scenes": len(found),
                "cuts": hard,
                "gradual": len(summary["transitions"]) - hard,
                "dropped": len(summary["dropped"]),
                "excluded": len(summary["excluded"]),
                "method": settings.method,
                "threshold": settings.effective_threshold,
                "table": scene_table(found),
                **by_hand_metadata(summary),
            },
        )
        yield from stage_checks(run)


def scenes_work(
    run: StageRun, source: Source, track_fingerprint: str, settings: DetectionSettings
) -> StageWork:
    """What is to be done for the scenes of a track; nothing if they were decided."""
    work = look(
        run,
        inputs={
            "algorithm_version": ALGORITHM_VERSION,
            "frame_scores": track_fingerprint,
            "settings": settings_json(settings),
            "stage": "scenes",
            **person_of(run, source).inputs(),
        },
        has_objects=False,
    )
    require_picture(work, "similarity_picture")
    require_picture(work, "detection_picture")
    return work


def scenes_on(timeline: Timeline, spans: Sequence[Span]) -> list[Scene]:
    """Spans with their times."""
    return [
        Scene(span, timeline.seconds_at(span.start), timeline.seconds_at(span.end))
        for span in spans
    ]


def _decide(
    work: StageWork, source: Source, track: ScoreTrack, settings: DetectionSettings
) -> dict[str, Any]:
    with work.run.phase("decide"):
        decided = decide_scenes(work.run, source, track, settings)
    run = work.run
    transitions, found = decided.transitions, decided.scenes
    on_track = scenes_on(track.timeline, found.scenes)
    picture = keep_picture(work, "png", lambda: _plot(run.video_id, track, transitions, settings))
    full_picture = keep_full_picture(
        work, "png", lambda: _full_picture(run, source, track, transitions, on_track, settings)
    )

    def rows(spans: Sequence[Span]) -> list[dict[str, Json]]:
        return [scene.to_json() for scene in scenes_on(track.timeline, spans)]

    return {
        "units": len(found.scenes),
        "scenes": rows(found.scenes),
        "dropped": rows(found.dropped),
        "excluded": rows(found.excluded),
        "transitions": [
            {"kind": one.kind, "start_frame": one.start, "end_frame": one.end}
            for one in transitions
        ],
        "similarity_picture": picture,
        "detection_picture": full_picture,
        **decided.by_hand,
    }


def _plot(
    video_id: str,
    track: ScoreTrack,
    transitions: tuple[Transition, ...],
    settings: DetectionSettings,
) -> bytes:
    # matplotlib takes a third of a second to import; runs that find all done draw nothing.
    from heaters_pipeline.report.plots.similarity_plot import similarity_plot_png

    curve, times = decision_curve(track, settings), times_seconds(track.timeline)
    return similarity_plot_png(
        times,
        curve.values,
        curve.threshold,
        [float(times[one.start]) for one in transitions if one.kind == "cut"],
        [
            (float(times[one.start]), float(track.timeline.seconds_at(one.end)))
            for one in transitions
            if one.kind != "cut"
        ],
        title=video_id,
        value_name=curve.name,
        logarithmic=curve.logarithmic,
    )


def _full_picture(
    run: StageRun,
    source: Source,
    track: ScoreTrack,
    transitions: tuple[Transition, ...],
    found: Sequence[Scene],
    settings: DetectionSettings,
) -> bytes:
    """The large picture, with pictures of the scenes as long as the source is in the store."""
    from heaters_pipeline.report.plots.detection_picture import detection_picture
    from heaters_pipeline.report.plots.detection_plot import PICTURE_SIDE_PX

    gradual = gradual_spans(transitions)

    def pictures_of(frames: Sequence[int]) -> Mapping[int, Picture]:
        wanted = {frame: WantedPicture(frame, PICTURE_SIDE_PX) for frame in frames}
        shelf = source_pictures(
            run,
            source,
            lambda: track.timeline,
            wanted.values(),
            lambda: later_pictures(run, source, found, gradual, track),
        )
        # Where the source is gone, other settings can still be tried: they need the track alone.
        return {} if shelf is None else {at: shelf.pixels(wanted[at]) for at in wanted}

    title = source.key.removeprefix(keys.SOURCE_PREFIX)
    return detection_picture(pictures_of, track, settings, transitions, title=title)
