"""What the page shows of decisions is what the pipeline makes of them."""

import json
import random
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from playwright.sync_api import Page

from heaters_pipeline.report.review_page.page_html import read_text
from heaters_pipeline.video.detection.corrections import Corrected, Edit, correct
from heaters_pipeline.video.detection.scenes import SceneList, breaks_of
from heaters_pipeline.video.detection.transitions import Transition
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.browser import open_page
from heaters_pipeline_tests.corrections import SOURCE, decision

CASES = 300
MOST_EDITS = 12
FRAMES = 200
GRADUALS = ("split", "before", "after", "exclude")


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    """A page that knows what the review page does with decisions, and nothing else."""
    with open_page() as page:
        script = read_text("page/decisions.js")
        page.evaluate(f"(() => {{ {script}; globalThis.apply = applyDecisions; }})()")
        yield page


@dataclass(slots=True)
class Case:
    """A video, and edits that a person could make on its page one after the other."""

    found: SceneList
    transitions: tuple[Transition, ...]
    gradual: Any
    edits: list[Edit]

    @property
    def corrected(self) -> Corrected:
        return correct(self.found, self.transitions, self.edits, self.gradual)

    def to_json(self) -> dict[str, Any]:
        """The data of the page, and the decisions."""
        return {
            "data": {
                "source_sha256": SOURCE,
                "clips": [{"start": one.start, "end": one.end} for one in self.found.scenes],
                "transitions": [
                    {"kind": one.kind, "start": one.start, "end": one.end}
                    for one in self.transitions
                ],
            },
            "decisions": [
                decision(number, one.kind, one.frame, *([] if one.to is None else [one.to]))
                for number, one in enumerate(self.edits)
            ],
        }


def made_up(rng: random.Random) -> Case:
    """A film with cuts and gradual transitions, and some edits of it."""
    transitions = []
    at = 0
    while (at := at + rng.randint(8, 40)) < FRAMES - 20:
        end = at if rng.random() < 0.6 else at + rng.randint(2, 8)
        transitions.append(Transition("cut" if end == at else "dissolve", at, end))
        at = end
    gradual: Any = rng.choice(GRADUALS)
    parts = sorted(part for _, part in breaks_of(FRAMES, transitions, gradual))
    edges = [0, *(edge for part in parts for edge in part), FRAMES]
    scenes = tuple(Span(*pair) for pair in zip(edges[::2], edges[1::2], strict=True))
    excluded = tuple(Span(*part) for part in parts if part[0] < part[1])
    case = Case(SceneList(scenes, (), excluded), tuple(transitions), gradual, [])
    for _ in range(rng.randint(1, MOST_EDITS)):
        case.edits.append(some_edit(rng, case.corrected.scenes.scenes))
    return case


def some_edit(rng: random.Random, scenes: tuple[Span, ...]) -> Edit:
    """One that the keys of the page give: at a cut that is there, or of any frame."""
    cut = rng.choice(scenes).start
    if rng.random() < 0.4 or cut == 0:
        return Edit("split", rng.randrange(FRAMES))
    return (
        Edit("merge", cut) if rng.random() < 0.5 else Edit("move", cut, cut + rng.choice((-1, 1)))
    )


def spans(case: Case) -> list[list[int]]:
    return [[one.start, one.end] for one in case.corrected.scenes.scenes]


def applied(page: Page, cases: list[Case]) -> Any:
    """The scenes that the page has in the end, and how many decisions it did not use."""
    return page.evaluate(
        """(cases) => cases.map(({ data, decisions }) => {
          const { scenes, unused } = apply(data, decisions);
          return [scenes.map(({ start, end }) => [start, end]), unused.size];
        })""",
        [json.loads(json.dumps(case.to_json())) for case in cases],
    )


def test_the_scenes_are_those_that_a_run_would_make(page: Page) -> None:
    rng = random.Random(7)
    cases = [made_up(rng) for _ in range(CASES)]
    expected = [
        [spans(case), sum(why is not None for why in case.corrected.refusals)] for case in cases
    ]
    assert applied(page, cases) == expected
    assert sum(len(case.edits) for case in cases) > CASES


def test_edits_that_are_in_the_scenes_already_are_not_made_twice(page: Page) -> None:
    rng = random.Random(8)
    cases = [made_up(rng) for _ in range(CASES)]
    results = []
    for case in cases:
        done = rng.randint(0, len(case.edits))
        first = correct(case.found, case.transitions, case.edits[:done], case.gradual)
        content = case.to_json()
        content["data"] |= {
            "clips": [{"start": one.start, "end": one.end} for one in first.scenes.scenes],
            "edits_applied": done,
        }
        result = page.evaluate(
            """({ data, decisions }) =>
              apply(data, decisions).scenes.map(({ start, end }) => [start, end])""",
            content,
        )
        results.append(result)
    assert results == [spans(case) for case in cases]
