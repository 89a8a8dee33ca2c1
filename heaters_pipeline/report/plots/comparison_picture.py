"""From a comparison of methods to its picture: what each cut is called, and when it is.

How that is drawn is in ``comparison_plot``.
"""

from collections.abc import Iterator, Sequence

from heaters_pipeline.report.plots.canvas import Canvas
from heaters_pipeline.report.plots.comparison_plot import CutMark, Lane, Verdict, draw_comparison
from heaters_pipeline.report.plots.curve_drawing import counted, length_of
from heaters_pipeline.report.plots.time_rows import MOST_ROWS
from heaters_pipeline.video.detection.comparing import Comparison, Decision
from heaters_pipeline.video.detection.labels import Labels, match
from heaters_pipeline.video.media.timing import Timeline


def comparison_picture(
    timeline: Timeline, comparison: Comparison, labels: Labels | None, *, title: str
) -> bytes:
    """Draw the decisions one under the other, with the labels above them, as a PNG.

    Args:
        timeline: Of the video.
        comparison: What each method found.
        labels: What it was judged by.
        title: Taken literally.
    """
    return _drawn(timeline, comparison, labels, title, MOST_ROWS).png()


def small_comparison_picture(
    timeline: Timeline,
    comparison: Comparison,
    labels: Labels | None,
    *,
    title: str,
    max_bytes: int = 30_000,
) -> bytes:
    """The same with all of the time in one row, small enough to be kept in an event."""
    return _drawn(timeline, comparison, labels, title, 1).small_png(max_bytes)


def _drawn(
    timeline: Timeline, comparison: Comparison, labels: Labels | None, title: str, most_rows: int
) -> Canvas:
    lanes = [_labels_lane(timeline, labels)] if labels else []
    for position, decision in enumerate(comparison.decisions):
        cuts = _judged(decision) if decision.judgement else _shared(comparison, position)
        lanes.append(
            Lane(
                decision.name,
                _facts(decision),
                [CutMark(_seconds(timeline, frame), verdict) for frame, verdict in cuts],
                _spans(timeline, [(one.start, one.end) for one in decision.gradual]),
            )
        )
    duration = float(timeline.seconds_at(timeline.frames))
    return draw_comparison(
        duration, lanes, title=title, subtitle=length_of(timeline), most_rows=most_rows
    )


def _labels_lane(timeline: Timeline, labels: Labels) -> Lane:
    cuts = [CutMark(_seconds(timeline, frame), "labelled") for frame in labels.hard_cuts]
    gradual = [(one.start + 1, one.end) for one in labels.gradual]
    facts = f"{counted(len(cuts), 'cut')}, {len(gradual)} gradual"
    unjudged = [(start, end + 1) for start, end in labels.ambiguous]
    return Lane("labels", facts, cuts, _spans(timeline, gradual), _spans(timeline, unjudged))


def _judged(decision: Decision) -> list[tuple[int, Verdict]]:
    """Each cut with its verdict, and the labelled cuts that it lacks."""
    judgement = decision.judgement
    if judgement is None:
        return []
    right, wrong = set(judgement.matched.values()), set(judgement.wrong)
    verdicts: dict[int, Verdict] = dict.fromkeys(judgement.missed, "missed")
    gradual = {one.middle for one in decision.gradual}
    for frame in (*decision.cuts, *(gradual & (right | wrong))):
        verdicts[frame] = "right" if frame in right else "wrong" if frame in wrong else "unjudged"
    return sorted(verdicts.items())


def _shared(comparison: Comparison, position: int) -> Iterator[tuple[int, Verdict]]:
    """Each cut, and by how many of the other decisions it was found."""
    cuts = comparison.decisions[position].cuts
    others = [
        match(cuts, other.cuts) for at, other in enumerate(comparison.decisions) if at != position
    ]
    for frame in cuts:
        found = sum(frame in matched for matched in others)
        if found == len(others):
            yield frame, "by all"
        else:
            yield frame, "by some" if found else "by it alone"


def _facts(decision: Decision) -> str:
    facts = f"{counted(len(decision.cuts), 'cut')}, {len(decision.gradual)} gradual"
    if decision.judgement is None:
        return facts
    return f"{facts}, F1 {decision.judgement.counts.f1:.3f}"


def _spans(timeline: Timeline, spans: Sequence[tuple[int, int]]) -> list[tuple[float, float]]:
    return [(_seconds(timeline, start), _seconds(timeline, end)) for start, end in spans]


def _seconds(timeline: Timeline, frame: int) -> float:
    return float(timeline.seconds_at(min(frame, timeline.frames)))
