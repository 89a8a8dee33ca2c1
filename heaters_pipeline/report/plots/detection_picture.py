"""The large picture of how a video was cut, from its track and its pictures.

Gathers what is drawn; how is in ``detection_plot``.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence

from heaters_pipeline.report.plots.curve_drawing import length_of
from heaters_pipeline.report.plots.decision_curve import decision_curve, times_seconds
from heaters_pipeline.report.plots.detection_plot import (
    Mark,
    Opening,
    detection_plot_png,
    lay_out,
)
from heaters_pipeline.video.arrays import Picture
from heaters_pipeline.video.detection.score_track import ScoreTrack
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import Transition
from heaters_pipeline.video.media.timing import Timeline

PicturesOf = Callable[[Sequence[int]], Mapping[int, Picture]]
"""From frames to their pictures, at most ``PICTURE_SIDE_PX`` on each side."""


def detection_picture(
    pictures_of: PicturesOf,
    track: ScoreTrack,
    settings: DetectionSettings,
    transitions: Sequence[Transition],
    *,
    title: str,
    most_pictures: int = 60,
) -> bytes:
    """Draw the curve, the transitions, and the first picture of each scene as a PNG.

    Args:
        pictures_of: Gives the pictures of frames; none where the file is no longer at hand.
        track: Of the file.
        settings: What was decided by.
        transitions: What was found.
        title: Taken literally.
        most_pictures: Each one costs a seek; if there are more scenes, an even choice is shown.
    Raises: What ``pictures_of`` raises.
    """
    timeline = track.timeline
    openings = list(_openings(timeline, transitions))
    duration = float(timeline.seconds_at(timeline.frames))
    layout = lay_out(duration, openings, most_pictures)
    times = times_seconds(timeline)
    pictures = pictures_of([openings[at].frame for at in layout.pictured])
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
