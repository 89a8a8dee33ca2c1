"""Methods are compared on one track: what each finds, and how far they agree."""

from dataclasses import replace

import numpy as np
import pytest

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.detection.comparing import compare, variant_name, variants_from
from heaters_pipeline.video.detection.labels import Counts, Labels
from heaters_pipeline.video.detection.settings import METHODS, DetectionSettings
from heaters_pipeline.video.scoring.method_scores import suffices
from heaters_pipeline_tests.video.detection.tracks import made_track

TRACK = made_track(200, {40: 0.9, 80: 0.5, 120: 0.9, 160: 0.3})


def test_variants_are_methods_with_or_without_a_threshold() -> None:
    variants = variants_from(["adaptive", " correl=0.3", "correl = 0.6", "correl"])
    assert variants == (
        DetectionSettings(),
        DetectionSettings("correl", 0.3),
        DetectionSettings("correl", 0.6),
        DetectionSettings("correl"),
    )
    assert [variant_name(one) for one in variants] == [
        "adaptive",
        "correl=0.3",
        "correl=0.6",
        "correl",
    ]
    assert variants_from(map(variant_name, variants)) == variants


@pytest.mark.parametrize(
    ("texts", "message"),
    [
        ([], "no method is named; take some of adaptive"),
        (["magic"], "method 'magic' is none of adaptive"),
        ([""], "method '' is none of adaptive"),
        (["correl=high"], "correl=high: 'high' is no threshold"),
        (["correl="], "'' is no threshold"),
        (["correl=2"], "the threshold of correl must be from -1 to 1"),
        (["correl=0.5", "correl=0.50"], "correl=0.50 is asked for twice"),
    ],
)
def test_variants_that_make_no_sense_are_refused(texts: list[str], message: str) -> None:
    with pytest.raises(SettingsError) as refused:
        variants_from(texts)
    assert message in str(refused.value)


def test_each_decision_is_that_of_its_method_alone() -> None:
    found = compare(TRACK, variants_from(["correl=0.2", "correl=0.55", "correl=0.8"]))
    assert [decision.cuts for decision in found.decisions] == [
        (40, 120),
        (40, 80, 120),
        (40, 80, 120, 160),
    ]
    assert [decision.scenes for decision in found.decisions] == [3, 4, 5]
    assert all(decision.judgement is None for decision in found.decisions)


def test_agreement_is_the_share_of_cuts_that_the_others_have() -> None:
    found = compare(TRACK, variants_from(["correl=0.2", "correl=0.8", "correl=-0.9"]))
    assert found.shared == ((1.0, 1.0, 0.0), (0.5, 1.0, 0.0), (None, None, None))
    assert [found.agreement(at) for at in range(3)] == [0.5, 0.25, None]


def test_one_decision_alone_agrees_with_nobody() -> None:
    assert compare(TRACK, [DetectionSettings()]).agreement(0) is None


def test_cuts_a_frame_apart_are_the_same_cut_but_only_once() -> None:
    scores = np.full(200, 1.0, np.float32)
    scores[[41, 42, 80]] = 0.0
    similarities = {**TRACK.similarities, "intersect": scores}
    track = replace(TRACK, similarities=similarities)
    found = compare(track, variants_from(["correl=0.2", "intersect=0.5"]))
    assert found.decisions[1].cuts == (41, 42, 80)
    assert found.shared[0][1] == pytest.approx(1 / 2)
    assert found.shared[1][0] == pytest.approx(1 / 3)


def test_labels_judge_each_decision() -> None:
    labels = Labels(200, (40, 81, 100))
    found = compare(TRACK, variants_from(["correl=0.2", "correl=0.55"]), labels)
    judged = [decision.judgement.counts for decision in found.decisions if decision.judgement]
    assert judged == [Counts(1, 1, 2), Counts(2, 1, 1)]


def test_every_method_decides_on_its_own_scores() -> None:
    assert len(compare(TRACK, variants_from(METHODS)).decisions) == len(METHODS)


def test_a_fast_track_suffices_for_adaptive_alone() -> None:
    every = [DetectionSettings(method) for method in METHODS]
    fast = replace(TRACK, scan="fast")
    assert suffices(TRACK, every)
    assert suffices(fast, [DetectionSettings("adaptive")])
    assert not suffices(fast, [DetectionSettings("adaptive"), DetectionSettings("correl")])
    # Between more frames than a fast scan decodes.
    assert not suffices(fast, [DetectionSettings("adaptive", threshold=2)])
