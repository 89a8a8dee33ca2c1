"""The page of a video counts timecode as files for editing programs do."""

import csv
import io
from collections.abc import Iterator
from fractions import Fraction
from itertools import accumulate, cycle, islice, pairwise

import pytest
from playwright.sync_api import Page

from heaters_pipeline.exchange.csv_table import csv_table
from heaters_pipeline.exchange.edit_list import EditList, ListedScene
from heaters_pipeline.exchange.rates import EditClock, recorded_clock
from heaters_pipeline.report.review_page.page_data import timecode_json, times_json
from heaters_pipeline.report.review_page.page_html import read_text
from heaters_pipeline.video.media.timing import Span, Timeline
from heaters_pipeline_tests.browser import open_page

FRAMES = 20_000
"""More than ten minutes at 30 a second: drop-frame leaves out nothing in each tenth minute."""
MILLISECOND = Fraction(1, 1000)
NTSC_FILM, NTSC, NTSC_DOUBLE = (Fraction(n * 1000, 1001) for n in (24, 30, 60))


def timeline(rate: Fraction, time_base: Fraction = Fraction(1, 90_000)) -> Timeline:
    """Frames that follow each other evenly, but for a coarse clock."""
    pts = [round(frame / rate / time_base) for frame in range(FRAMES + 1)]
    return Timeline(tuple(pts[:-1]), pts[-1], time_base)


def uneven(*milliseconds: int) -> Timeline:
    """Frames that last so long in turn."""
    pts = tuple(accumulate(islice(cycle(milliseconds), FRAMES), initial=7))
    return Timeline(pts[:-1], pts[-1], MILLISECOND)


def exported(timeline: Timeline, clock: EditClock) -> list[str]:
    """The timecode of each frame in a CSV for which the video is cut there."""
    seconds = [timeline.seconds_at(frame) for frame in range(timeline.frames + 1)]
    scenes = [
        ListedScene("clip", Span(start, end), seconds[start], seconds[end])
        for start, end in pairwise(range(timeline.frames + 1))
    ]
    edits = EditList(
        name="film",
        media_name="film.mp4",
        media_uri=None,
        rate=clock.rate,
        is_constant=clock.is_constant,
        frames=timeline.frames,
        duration_seconds=seconds[-1],
        start_frame=clock.start_frame,
        drop=clock.drop,
        size_px=(16, 9),
        sound=None,
        scenes=tuple(scenes),
        transitions=(),
    )
    rows = csv.DictReader(io.StringIO(csv_table(edits).decode()))
    return [row["start_timecode"] for row in rows]


@pytest.fixture(scope="module")
def page() -> Iterator[Page]:
    with open_page() as opened:
        yield opened


@pytest.mark.parametrize(
    ("video", "said"),
    [
        (timeline(Fraction(25)), None),
        (timeline(Fraction(25), MILLISECOND), "10:59:58:20"),
        (timeline(Fraction(25)), "01:00:00;00"),
        (timeline(NTSC_FILM), "01:00:00:00"),
        (timeline(NTSC), None),
        (timeline(NTSC, MILLISECOND), "00:00:00;00"),
        (timeline(NTSC), "01:00:00:00"),
        (timeline(NTSC), "23:58:59;28"),
        (timeline(NTSC_DOUBLE), None),
        (timeline(NTSC_DOUBLE), "10:59:58;20"),
        (timeline(Fraction(120)), "00:00:00:00"),
        (timeline(Fraction(25, 2)), "10:00:00:01"),
        (uneven(33, 34, 33, 67), None),
        # Half of its frames begin halfway between two of 25 a second.
        (uneven(40, 40, 20, 40, 60), "10:00:00:00"),
    ],
)
def test_each_frame_has_the_timecode_that_exports_give_a_cut_there(
    page: Page, video: Timeline, said: str | None
) -> None:
    clock = recorded_clock(video, {"frame_rate": None, "start_timecode": said})
    data = {
        "frames": video.frames,
        "times": times_json(video),
        "timecode": timecode_json(clock),
    }
    of_each = "Array.from({ length: data.frames }, (_, at) => clock.timecode(at))"
    script = f"{read_text('page/times.js')}\nconst clock = clockOf(data);\nreturn {of_each};"
    shown = page.evaluate(f"(data) => {{ {script} }}", data)
    assert shown == exported(video, clock)
