"""How far people have reviewed a video, and what is true of its cuts once they have. Pure."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

from heaters_pipeline.storage.records.corrections import Corrections, Mark, Review, edits_json
from heaters_pipeline.storage.records.manifests import Manifest
from heaters_pipeline.storage.records.video_manifests import VideoManifest
from heaters_pipeline.video.detection.labels import LabelledGradual, Labels
from heaters_pipeline.video.detection.scenes import breaks_of
from heaters_pipeline.video.detection.transitions import Transition


@dataclass(frozen=True, slots=True)
class ReviewedClip:
    """What people said of a clip that there is.

    Attributes:
        identifier: How people call it.
        span: Its start and end frame.
        mark: What they said.
    """

    identifier: str
    span: tuple[int, int]
    mark: Mark


@dataclass(frozen=True, slots=True)
class VideoReview:
    """How far people have reviewed a processed video.

    Attributes:
        video_id: The partition.
        clips: Those that there are, in order.
        decisions: How many decisions people took of this version of the source.
        is_applied: Whether the scenes are those that all of these decisions make.
    """

    video_id: str
    clips: tuple[ReviewedClip, ...]
    decisions: int
    is_applied: bool

    @property
    def state(self) -> Literal["waiting", "reviewed"]:
        """Whether the video waits for people: until they decided of each clip."""
        waits = not self.decisions or not self.is_applied or self.counts["waiting"]
        return "waiting" if waits else "reviewed"

    @property
    def counts(self) -> Counter[Review]:
        """Clips by what people said of them."""
        return Counter(clip.mark.review for clip in self.clips)


def review_of(video: VideoManifest, corrections: Corrections) -> VideoReview:
    """What people said so far of the clips that a video has.

    Args:
        video: Of which clips were made.
        corrections: Of it, as they are now.
    """
    clips, scenes = video.stages["clips"], video.stages["scenes"]
    source_sha256 = str(clips.inputs["source_sha256"])
    marks = corrections.marks(source_sha256)
    edits = edits_json(corrections.edits(source_sha256))
    return VideoReview(
        video.video_id,
        tuple(
            ReviewedClip(str(item.details["clip_identifier"]), span, marks.get(span, Mark()))
            for item in clips.items
            for span in [(item.start_frame, item.end_frame)]
        ),
        len(corrections.of_source(source_sha256)),
        edits == scenes.inputs.get("corrections", []) and video.is_finished,
    )


def true_labels(scenes: Manifest, frames: int) -> Labels:
    """What is true of the cuts of a video whose scenes people have reviewed.

    Scenes part at the labelled cuts and gradual transitions. What was found inside of a scene that
    is not shown by itself, since it is short, is not judged, nor are frames that are in no scene.

    Args:
        scenes: What is recorded of them.
        frames: Of the video.
    """
    summary = scenes.summary
    transitions = [
        Transition(row["kind"], row["start_frame"], row["end_frame"])
        for row in summary["transitions"]
    ]
    breaks = dict(breaks_of(frames, transitions, scenes.inputs["settings"]["gradual"]))
    spans = [(row["start_frame"], row["end_frame"]) for row in summary["scenes"]]
    gaps = {(before[1], after[0]) for before, after in pairwise(spans)}
    parting = [one for one in transitions if breaks.get(one) in gaps]
    others = [one for one in transitions if breaks.get(one) not in gaps]
    left_out = _spans(summary["dropped"], summary["excluded"])
    return Labels(
        frames,
        tuple(sorted(one.start for one in parting if one.kind == "cut")),
        tuple(
            LabelledGradual(one.start - 1, one.end, one.kind)
            for one in parting
            if one.kind != "cut"
        ),
        tuple(sorted({*((one.start - 1, one.end) for one in others), *left_out})),
    )


def _spans(*lists: Sequence[Any]) -> Iterator[tuple[int, int]]:
    for rows in lists:
        for row in rows:
            yield row["start_frame"], row["end_frame"]
