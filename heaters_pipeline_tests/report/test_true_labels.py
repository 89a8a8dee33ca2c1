"""What people reviewed, as labels: what scenes part at is true, what nobody saw is not judged."""

from typing import Any

import pytest

from heaters_pipeline.report.review import true_labels
from heaters_pipeline.storage.records.manifests import Manifest
from heaters_pipeline.video.detection.labels import LabelledGradual, judge
from heaters_pipeline.video.detection.scenes import scenes_from
from heaters_pipeline.video.detection.settings import DetectionSettings
from heaters_pipeline.video.detection.transitions import Transition
from heaters_pipeline_tests.video.detection.test_scenes import EVEN, cut

DISSOLVE = Transition("dissolve", 60, 70)


def manifest(*transitions: Transition, **chosen: Any) -> Manifest:
    """What is recorded of the scenes of a video of 100 frames, ten a second."""
    settings = DetectionSettings(**{"min_duration_seconds": 0.5, **chosen})
    found = scenes_from(EVEN, transitions, settings)
    summary: dict[str, Any] = {
        "transitions": [
            {"kind": one.kind, "start_frame": one.start, "end_frame": one.end}
            for one in transitions
        ]
    }
    for name in ("scenes", "dropped", "excluded"):
        spans = getattr(found, name)
        summary[name] = [{"start_frame": span.start, "end_frame": span.end} for span in spans]
    inputs = {"settings": {"gradual": settings.gradual}}
    return Manifest("scenes", "film", "", inputs, {}, summary, ())


@pytest.mark.parametrize("gradual", ["split", "before", "after", "exclude"])
def test_cuts_and_gradual_transitions_at_which_scenes_part_are_true(gradual: str) -> None:
    labels = true_labels(manifest(cut(30), DISSOLVE, gradual=gradual), 100)
    assert labels.frames == 100
    assert labels.hard_cuts == (30,)
    assert labels.gradual == (LabelledGradual(59, 70, "dissolve"),)
    counts = judge(labels, [30, 65, 80]).counts
    assert (counts.right, counts.wrong, counts.missed, counts.gradual_hit) == (1, 1, 0, 1)


def test_what_was_merged_away_as_short_is_not_judged() -> None:
    labels = true_labels(manifest(cut(30), cut(32), cut(60)), 100)
    assert labels.hard_cuts == (32, 60)
    assert judge(labels, [30, 32, 60]).counts.wrong == 0
    assert judge(labels, [32, 60]).counts.missed == 0


def test_what_is_in_no_scene_is_not_judged() -> None:
    dropped = true_labels(manifest(cut(30), cut(33), short_scenes="drop"), 100)
    assert dropped.hard_cuts == ()
    assert judge(dropped, [30, 33]).counts.wrong == 0
    window = true_labels(manifest(cut(30), cut(60), start_seconds=4.0), 100)
    assert window.hard_cuts == (60,)
    assert judge(window, [10, 60]).counts.wrong == 0


def test_where_a_long_scene_was_divided_nothing_happens() -> None:
    labels = true_labels(manifest(max_duration_seconds=5.0), 100)
    assert labels.hard_cuts == ()
    assert judge(labels, [50]).counts.wrong == 1
