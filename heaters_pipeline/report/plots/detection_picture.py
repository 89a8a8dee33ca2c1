"""The large picture of how a video was cut, from its track and its file.

Decodes the pictures of the scenes and gathers what is drawn; how is in ``detection_plot``.
"""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from heaters_pipeline.isolation.calls import Children, isolated
from heaters_pipeline.report.plots.curve_drawing import length_of
from heaters_pipeline.report.plots.decision_curve import decision_curve, times_seconds
from heaters_pipeline.report.plots.detection_plot import (
    PICTURE_SIDE_PX,
    Mark,
    Opening,
    detection_plot_png,
    lay_out,
)
from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import Transition
from heaters_pipeline.video.media.probe import VideoInfo, shown_name
from heaters_pipeline.video.media.still_pictures import pictures_at
from heaters_pipeline.video.media.timing import Timeline


def detection_picture(
    source: tuple[Path, VideoInfo] | None,
    track: ScoreTrack,
    settings: DetectionSettings,
    transitions: Sequence[Transition],
    *,
    title: str,
    most_pictures: int = 60,
    children: Children | None = None,
) -> bytes:
    """Draw the curve, the transitions, and the first picture of each scene as a PNG.

    Args:
        source: The file with its header's facts; None where it is no longer at hand.
        track: Of the file.
        settings: What was decided by.
        transitions: What was found.
        title: Taken literally.
        most_pictures: Each one costs a seek; if there are more scenes, an even choice is shown.
        children: Who reads the file; a child of its own by default.
    Raises:
        SourceChangedError: The file is not the one that was scored.
        InvalidVideoError: The file cannot be read.
        StoreUnavailableError: The disk failed.
    """
    timeline = track.timeline
    openings = list(_openings(timeline, transitions))
    duration = float(timeline.seconds_at(timeline.frames))
    layout = lay_out(duration, openings, most_pictures)
    times = times_seconds(timeline)
    pictures: Mapping[int, Picture] = {}
    if source is not None:
        path, info = source
        frames = [openings[at].frame for at in layout.pictured]
        call = children.call if children else isolated
        pictures = call(
            f"pictures of {shown_name(path)} were taken",
            pictures_at,
            path,
            info,
            timeline,
            frames,
            PICTURE_SIDE_PX,
        )
    curve = decision_curve(track, settings)
    return detection_plot_png(
        times,
        curve,
        [
            Mark(one.kind, float(times[one.start]), float(timeline.seconds_at(one.end)))
            for one in transitions
        ],
        openings,
        pictures,
        layout,
        title=title,
        subtitle=f"{settings.method}: {curve.rule}. {length_of(timeline)}",
    )


def _openings(timeline: Timeline, transitions: Sequence[Transition]) -> Iterator[Opening]:
    """The first frame, and each that shows a new scene alone."""
    times = times_seconds(timeline)
    if not transitions or transitions[0].kind != "fade_in":
        yield Opening(0, 0.0, "")
    for one in transitions:
        # After a fade out there is nothing to see.
        if one.end < timeline.frames and one.kind != "fade_out":
            yield Opening(one.end, float(times[one.end]), one.kind)
