"""Cuts that other programs found are read as the frames that they mean, and garbage is refused."""

import json
from collections.abc import Callable
from fractions import Fraction

import opentimelineio
import pytest
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.exchange.csv_table import csv_table
from heaters_pipeline.exchange.edit_list import EditList
from heaters_pipeline.exchange.edl import edl
from heaters_pipeline.exchange.otio_file import otio
from heaters_pipeline.exchange.reading.cut_files import MOST_BYTES, read_cuts
from heaters_pipeline.video.media.timing import Timeline
from heaters_pipeline_tests.exchange.edit_lists import (
    CASES,
    CUTS,
    NTSC,
    Case,
    edit_list,
    timeline_of,
    without,
)

EVEN = Case(Fraction(25), "00:00:00:00")
HUNDRED = timeline_of(EVEN, 100)
VARIABLE = Timeline((0, 40, 80, 500, 540, 1000), 1040, Fraction(1, 1000))


def cuts(text: str, name: str, timeline: Timeline = HUNDRED, case: Case = EVEN) -> tuple[int, ...]:
    return read_cuts(text.encode(), name, timeline, case.rate, case.start_frame)


def refused(text: str, name: str, case: Case = EVEN) -> str:
    with pytest.raises(SettingsError) as caught:
        cuts(text, name, case=case)
    return str(caught.value)


@pytest.mark.parametrize("case", CASES, ids=str)
@pytest.mark.parametrize(
    ("write", "name"), [(csv_table, "a.csv"), (edl, "a.edl"), (otio, "a.otio")]
)
def test_what_was_exported_is_read_back(
    case: Case, write: Callable[[EditList], bytes], name: str
) -> None:
    timeline = timeline_of(case)
    edits = edit_list(case)
    read = read_cuts(write(edits), name, timeline, case.rate, case.start_frame)
    assert read == CUTS[1:-1]
    # Where a scene is left out both of its ends are cuts.
    read = read_cuts(write(without(edits, 2)), name, timeline, case.rate, case.start_frame)
    assert read == CUTS[1:-1]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_edl_of_opentimelineio_is_read(case: Case) -> None:
    timeline = opentimelineio.adapters.read_from_string(otio(edit_list(case)).decode(), "otio_json")
    text = opentimelineio.adapters.write_to_string(timeline, "cmx_3600", rate=float(case.rate))
    # It writes drop-frame timecode at 30000/1001 wherever that exists.
    assert cuts(text, "a.edl", timeline_of(case), case) == CUTS[1:-1]


PYSCENEDETECT = """\
Timecode List:,00:00:00.480,00:00:02.000
Scene Number,Start Frame,Start Timecode,Start Time (seconds),End Frame,End Timecode,\
End Time (seconds),Length (frames),Length (timecode),Length (seconds)
1,1,00:00:00.000,0.000,12,00:00:00.480,0.480,12,00:00:00.480,0.480
2,13,00:00:00.480,0.480,50,00:00:02.000,2.000,38,00:00:01.520,1.520
3,51,00:00:02.000,2.000,100,00:00:04.000,4.000,50,00:00:02.000,2.000
"""


def test_list_scenes_of_pyscenedetect_is_read() -> None:
    assert cuts(PYSCENEDETECT, "a-Scenes.csv") == (12, 50)
    _, _, without_first_row = PYSCENEDETECT.partition("\n")
    assert cuts(without_first_row, "a-Scenes.csv") == (12, 50)
    assert cuts(PYSCENEDETECT.replace("\n", "\r\n"), "A.CSV") == (12, 50)
    assert cuts(PYSCENEDETECT.replace(",", ";"), "a.csv") == (12, 50)


def test_list_scenes_is_read_by_its_times() -> None:
    _, header, *_ = PYSCENEDETECT.splitlines()
    # As PySceneDetect 0.7 writes it of a variable rate: frames of an average, and a wrong end.
    text = f"{header}\n1,1,x,0.000,12,x,0.500,0,x,0\n2,13,x,0.500,5,x,0.080,0,x,0\n"
    assert cuts(text, "a.csv", VARIABLE) == (3,)


def test_segments_of_losslesscut_are_seconds() -> None:
    assert cuts("0,0.48,a\n0.48,2,b\n2,,c\n", "a.csv") == (12, 50)
    assert cuts("\t0.48\tfirst\n00:00:02.000\t\t\n", "a.tsv") == (12, 50)
    # Segments leave gaps, whose ends are cuts as well.
    assert cuts("0.48,0.8,a\n2,2.4,b\n", "a.csv") == (12, 20, 50, 60)
    # What is rounded means the nearest frame.
    assert cuts("0.47999,0.5,x\n0.499,0.541,x\n", "a.csv", VARIABLE) == (3, 4)


LLC = """\
{
  version: 1, // of the format
  mediaFileName: 'it\\'s "mine".mp4',
  cutSegments: [
    { start: 0, end: 0.48, name: '', },
    { start: 0.48, end: 2, name: 'a, {b}: [c]' },
    /* a mark */
    { start: 2.4, name: "x" },
  ],
}
"""


def test_a_project_of_losslesscut_is_json5() -> None:
    assert cuts(LLC, "holiday-proj.llc") == (12, 50, 60)
    plain = {"version": 2, "cutSegments": [{"end": 0.48}, {"start": 2, "end": 9e-1 + 3.1}]}
    assert cuts(json.dumps(plain), "a.llc") == (12, 50)


def test_an_end_one_frame_early_makes_no_scene_of_one_frame() -> None:
    events = [("00:00:00:00", "00:00:00:11"), ("00:00:00:12", "00:00:01:24")]
    lines = [f"{at:03d}  AX V C {a} {b} {a} {b}" for at, (a, b) in enumerate(events, start=1)]
    # As PySceneDetect before 0.7 wrote it.
    assert cuts("TITLE: x\nFCM: NON-DROP FRAME\n" + "\n".join(lines), "a.edl") == (12, 49)


def test_an_edl_that_counts_from_the_first_frame_is_told_by_its_timecodes() -> None:
    case = Case(NTSC, "01:00:00;00")
    from_zero = edl(edit_list(Case(NTSC, "00:00:00;00"))).decode()
    assert cuts(from_zero, "a.edl", timeline_of(case), case) == CUTS[1:-1]


def test_an_edl_may_write_drop_frame_with_colons() -> None:
    case = Case(NTSC, "10:59:58;20")
    text = edl(edit_list(case)).decode().replace(";", ":")
    assert cuts(text, "a.edl", timeline_of(case), case) == CUTS[1:-1]


def test_an_edl_that_passes_midnight_is_read() -> None:
    case = Case(Fraction(25), "23:59:59:00")
    edits = edit_list(case, cuts=(0, 20, 30, 50))
    assert cuts(edl(edits).decode(), "a.edl", timeline_of(case, 50), case) == (20, 30)


def test_sound_and_black_are_no_scenes_and_dissolves_are() -> None:
    text = """TITLE: x
001  BL       V     C        00:00:00:00 00:00:01:00 01:00:00:00 01:00:01:00
002  AX       A     C        00:00:00:05 00:00:00:06 01:00:00:00 01:00:01:00
003  AX       V     C        00:00:00:00 00:00:00:12 01:00:01:00 01:00:01:12
004  AX       V     C        00:00:00:12 00:00:00:12 01:00:01:12 01:00:01:12
004  AX       V     D    012 00:00:00:12 00:00:02:00 01:00:01:12 01:00:03:00
M2   AX             000.0                01:00:01:12
* FROM CLIP NAME: x.mov
"""
    assert cuts(text, "a.edl") == (12, 50)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("a.mp4", "x", "cuts are read from files that end with .csv, .edl, .llc, .otio, .tsv"),
        ("a.csv", "", "a.csv, line 1: the file is empty"),
        ("a.csv", "a,b\n1,2\n", "line 1: 'a,b' begins no table that is known"),
        ("a.csv", '"a', "line 1: is no CSV"),
        ("a.csv", "start_frame,end_frame\n0,50\n50,x\n", "line 3: 'x' is no number of a frame"),
        ("a.csv", "start_frame,end_frame\n0,101\n", "line 2: there is no frame 101"),
        ("a.csv", "start_frame,end_frame\n50,20\n", "line 2: the scene ends at frame 20, before"),
        ("a.csv", "start_frame,end_frame\n50\n", "line 2: has no column end_frame"),
        ("a.csv", "start_frame,end_frame\n-1,50\n", "line 2: '-1' is no number of a frame"),
        ("a.csv", PYSCENEDETECT.replace(",2.000,100", ",soon,100"), "line 5: 'soon' is no time"),
        ("a.csv", "0,1e9,a\n", "line 1: '1e9' is no time"),
        ("a.csv", "0,99,a\n", "line 1: 99.000 s lies outside of the video, which has 4.000 s"),
        ("a.edl", "TITLE: nothing\n", "no line: has a video event"),
        (
            "a.edl",
            "001 AX V C 1 2 3 4\n",
            "'001 AX V C 1 2 3 4' is no event of a CMX 3600 list; export it again",
        ),
        (
            "a.edl",
            "001 AX V C 00:00:00:00 00:00:00:30 00:00:00:00 00:00:00:30\n",
            "line 1: there is no timecode 00:00:00:30 at 25 frames a second",
        ),
        (
            "a.edl",
            "001 A V C 00:00:00:00 00:00:00:03 00:00:00:00 00:00:00:03\n"
            "002 B V C 00:00:00:03 00:00:00:09 00:00:00:03 00:00:00:09\n",
            "are of several sources ('A', 'B')",
        ),
        ("a.edl", edl(edit_list(CASES[3])).decode(), "the list was made at 30000/1001"),
        ("a.otio", "{", "line 1: is no JSON"),
        ("a.otio", "[]", "its tracks: hold no video clips"),
        ("a.otio", "[" * 100_000, "its content: is no list of cuts"),
        ("a.otio", '{"tracks": ' + "9" * 5_000 + "}", "its content: is no list of cuts"),
        ("a.llc", "{cutSegments: 5}", "it has no cutSegments"),
        ("a.llc", "{cutSegments: [{start: 'x'}]}", "segment 1: has a time that is no number"),
        ("a.llc", "{cutSegments: [{start: 2, end: 1}]}", "segment 1: ends before it begins"),
        ("a.llc", "{cutSegments: [{start: 1e400}]}", "segment 1: has a time that is no number"),
        ("a.llc", f"{{cutSegments: [{{start: 1{'0' * 400}}}]}}", "segment 1: has a time"),
        ("a.llc", "{cutSegments: [{start: true}]}", "segment 1: has a time that is no number"),
        ("a.llc", "{\n\ncutSegments: [/* never closed", "line 3: is no JSON5"),
        ("\x1b[2J.csv", "", "\\x1b[2J.csv, line 1: the file is empty"),
    ],
)
def test_what_cannot_be_read_says_where_and_why(name: str, text: str, said: str) -> None:
    assert said in refused(text, name)


@pytest.mark.parametrize(
    "change",
    [
        {"value": float("nan"), "rate": 25},
        {"value": 1, "rate": 0},
        {"value": 1, "rate": "25"},
        {"value": 1e300, "rate": 25},
        {"value": 10**400, "rate": 25},
        None,
    ],
)
def test_times_of_otio_that_are_none_are_refused(change: object) -> None:
    content = json.loads(otio(edit_list(EVEN, cuts=(0, 50, 100))))
    clip = content["tracks"]["children"][0]["children"][1]
    clip["source_range"]["start_time"] = change
    assert "clip 2" in refused(json.dumps(content), "a.otio")


def test_a_timeline_of_several_sources_is_refused() -> None:
    content = json.loads(otio(edit_list(EVEN, cuts=(0, 50, 100))))
    clip = content["tracks"]["children"][0]["children"][1]
    clip["media_references"]["DEFAULT_MEDIA"]["target_url"] = "other.mov"
    assert "are of 2 sources" in refused(json.dumps(content), "a.otio")


def test_other_bytes_and_large_files_are_refused() -> None:
    with pytest.raises(SettingsError, match="is no UTF-8 text"):
        read_cuts(b"\xff\xfe0", "a.csv", HUNDRED, EVEN.rate, 0)
    with pytest.raises(SettingsError, match="a list of cuts is smaller"):
        read_cuts(b"0" * (MOST_BYTES[".csv"] + 1), "a.csv", HUNDRED, EVEN.rate, 0)


@pytest.mark.parametrize("name", ["a.csv", "a.tsv", "a.edl", "a.otio", "a.llc"])
@given(text=st.text(alphabet="0123456789:;,.\n\t[]{}'\"/*\\abV CAX\x00é", max_size=200))
def test_any_text_is_cuts_or_an_error(name: str, text: str) -> None:
    try:
        found = cuts(text, name)
    except SettingsError:
        return
    assert list(found) == sorted(set(found))
    assert all(0 < cut < 100 for cut in found)


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("a.llc", "/*"),
        ("a.llc", "'"),
        ("a.llc", "["),
        ("a.llc", "'a'"),
        ("a.edl", "1 "),
        ("a.edl", "1 A V C "),
        ("a.edl", "001 AX V C 00:00:00:00 "),
        ("a.csv", '"'),
        ("a.csv", "1,"),
        ("a.otio", '{"a":'),
    ],
)
def test_the_largest_files_of_garbage_are_refused(name: str, part: str) -> None:
    # A step for each pair of bytes would take days.
    most = MOST_BYTES[name[1:]]
    refused((part * (most // len(part) + 1))[:most], name)
