"""What editors read is what was written: exact at each rate, by OpenTimelineIO and its adapters."""

import csv
import io
from dataclasses import replace
from fractions import Fraction
from itertools import pairwise
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import opentimelineio as otio
import pytest

from heaters_pipeline.exchange.csv_table import csv_table
from heaters_pipeline.exchange.edit_list import EditList, ListedScene, Sound
from heaters_pipeline.exchange.edl import edl
from heaters_pipeline.exchange.fcp7_xml import fcp7_xml
from heaters_pipeline.exchange.fcpxml import fcpxml
from heaters_pipeline.exchange.otio_file import otio as otio_json
from heaters_pipeline.exchange.timecode import frame_number
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.exchange.edit_lists import (
    CASES,
    NTSC,
    Case,
    edit_list,
    spans,
    without,
)

STEREO = Sound(2, 48_000)


def clips_of(timeline: Any, kind: str = "Video") -> list[Any]:
    """The clips of the first track of a kind."""
    tracks = [each for each in timeline.tracks if each.kind == kind]
    return [each for each in tracks[0] if isinstance(each, otio.schema.Clip)]


def source_spans(timeline: Any, case: Case) -> list[tuple[int, int]]:
    """Frames of the video that a timeline plays; each time is a whole frame at the exact rate."""
    found = []
    for clip in clips_of(timeline):
        start, length = clip.source_range.start_time, clip.source_range.duration
        assert start.rate == length.rate == float(case.rate)
        assert start.value == int(start.value)
        first = int(start.value) - case.start_frame
        found.append((first, first + int(length.value)))
    return found


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_edl_has_each_frame_once(case: Case) -> None:
    edits = edit_list(case)
    text = edl(edits).decode()
    timeline = otio.adapters.read_from_string(text, "cmx_3600", rate=float(case.rate))
    assert source_spans(timeline, case) == spans(edits)
    assert "FCM: " + ("DROP" if ";" in case.start else "NON-DROP") + " FRAME" in text
    assert f"* COMMENT: FRAME RATE {case.rate}\r\n" in text
    events = [line.split() for line in text.splitlines() if line[:1].isdigit()]
    # Where nothing is left out the timeline is the source, at its own timecode.
    assert events[0][4] == events[0][6] == case.start
    assert all(event[4:6] == event[6:8] for event in events)
    assert all(before[5] == after[4] for before, after in pairwise(events))


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_otio_file_has_each_frame_once(case: Case) -> None:
    edits = edit_list(case, sound=STEREO)
    timeline = otio.adapters.read_from_string(otio_json(edits).decode(), "otio_json")
    assert source_spans(timeline, case) == spans(edits)
    assert timeline.global_start_time.value == case.start_frame
    assert [track.kind for track in timeline.tracks] == ["Video", "Audio"]
    (first, *_) = clips_of(timeline)
    assert first.media_reference.target_url == edits.media_uri
    assert first.available_range().start_time.value == case.start_frame
    assert first.available_range().duration.value == edits.frames
    said = timeline.metadata["heaters_pipeline"]
    assert said["start_timecode"] == case.start
    assert Fraction(said["frame_rate"]) == case.rate


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_fcpxml_has_each_frame_once_in_exact_fractions(case: Case) -> None:
    edits = edit_list(case, sound=STEREO)
    root = ET.fromstring(fcpxml(edits))

    def frames(element: ET.Element | None, name: str) -> int:
        text = element.attrib[name]
        assert text.endswith("s")
        number = Fraction(text[:-1]) * case.rate
        assert number.denominator == 1
        return int(number)

    assert Fraction(root.find(".//format").attrib["frameDuration"][:-1]) == 1 / case.rate
    asset, sequence = root.find(".//asset"), root.find(".//sequence")
    assert frames(asset, "start") == frames(sequence, "tcStart") == case.start_frame
    assert frames(asset, "duration") == frames(sequence, "duration") == edits.frames
    assert sequence.attrib["tcFormat"] == ("DF" if ";" in case.start else "NDF")
    found, at = [], case.start_frame
    for clip in root.iter("asset-clip"):
        assert frames(clip, "offset") == at
        first = frames(clip, "start") - case.start_frame
        found.append((first, first + frames(clip, "duration")))
        at += frames(clip, "duration")
    assert found == spans(edits)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_opentimelineio_reads_the_fcpxml(case: Case) -> None:
    edits = edit_list(case)
    read = otio.adapters.read_from_string(fcpxml(edits).decode(), "fcpx_xml")
    (timeline,) = read.find_children(descended_from_type=otio.schema.Timeline)
    assert [clip.name for clip in clips_of(timeline)] == [one.name for one in edits.scenes]
    # Its adapter cuts rates to whole numbers: 23 frames of each 24000/1001 are left.
    if case.rate.denominator == 1:
        lengths = [clip.source_range.duration.value for clip in clips_of(timeline)]
        assert lengths == [end - start for start, end in spans(edits)]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_an_fcp7_xml_has_each_frame_once(case: Case) -> None:
    edits = edit_list(case, sound=STEREO)
    content = fcp7_xml(edits)
    timeline = otio.adapters.read_from_string(content.decode(), "fcp_xml")
    found = []
    for clip in clips_of(timeline):
        start, length = clip.source_range.start_time, clip.source_range.duration
        assert start.rate == pytest.approx(float(case.rate), rel=1e-9)
        # The adapter adds the timecode with which the file starts.
        first = round(start.value) - case.start_frame
        found.append((first, first + round(length.value)))
    assert found == spans(edits)
    root = ET.fromstring(content)
    assert root.findtext("sequence/timecode/string") == case.start
    assert root.findtext(".//file/timecode/frame") == str(case.start_frame)
    displayed = {each.text for each in root.iter("displayformat")}
    assert displayed == {"DF" if ";" in case.start else "NDF"}
    assert {each.text for each in root.iter("ntsc")} == {
        "TRUE" if case.rate.denominator == 1001 else "FALSE"
    }
    # Picture and both channels of a scene are linked.
    assert len(root.findall("sequence/media/audio/track")) == 2
    ids = {item.attrib["id"] for item in root.iter("clipitem")}
    assert {link.text for link in root.iter("linkclipref")} == ids
    assert len(ids) == 3 * len(edits.scenes)


@pytest.mark.parametrize("case", CASES, ids=str)
def test_a_table_has_frames_timecodes_and_seconds(case: Case) -> None:
    edits = edit_list(case)
    rows = list(csv.DictReader(io.StringIO(csv_table(edits).decode())))
    assert [(int(row["start_frame"]), int(row["end_frame"])) for row in rows] == spans(edits)
    assert rows[0]["start_timecode"] == case.start
    for row in rows:
        for side in ("start", "end"):
            number = frame_number(row[f"{side}_timecode"], case.rate) - case.start_frame
            assert number == int(row[f"{side}_frame"])
            off = Fraction(row[f"{side}_seconds"]) - number / case.rate
            assert abs(off) <= Fraction(1, 2_000_000)
    # It begins in one scene and ends in the next.
    gradual = [row["gradual_transitions"] for row in rows]
    assert gradual == ["", "dissolve 110-130", "dissolve 110-130", "", "", ""]
    assert {row["frame_rate"] for row in rows} == {edits.rate_said}


def test_what_is_left_out_moves_the_rest_up() -> None:
    case = Case(NTSC, "10:59:58;20")
    edits = without(edit_list(case), 2)
    timeline = otio.adapters.read_from_string(edl(edits).decode(), "cmx_3600", rate=float(NTSC))
    assert source_spans(timeline, case) == spans(edits)
    assert not [each for each in timeline.tracks[0] if isinstance(each, otio.schema.Gap)]
    assert otio.adapters.read_from_string(
        otio_json(edits).decode(), "otio_json"
    ).duration().value == sum(end - start for start, end in spans(edits))


def test_gradual_transitions_are_marked_where_they_lie() -> None:
    case = Case(NTSC, "01:00:00:00")
    edits = without(edit_list(case), 0)
    assert "* LOC: 01:00:03:19 YELLOW  dissolve of 20 frames" in edl(edits).decode()
    timeline = otio.adapters.read_from_string(otio_json(edits).decode(), "otio_json")
    markers = [
        [(one.name, one.marked_range.start_time.value - case.start_frame) for one in clip.markers]
        for clip in clips_of(timeline)
    ]
    assert markers[:3] == [[("dissolve", 110)], [], []]
    read = otio.adapters.read_from_string(edl(edits).decode(), "cmx_3600", rate=float(NTSC))
    assert [len(clip.markers) for clip in clips_of(read)][:3] == [1, 0, 0]
    marker = ET.fromstring(fcpxml(edits)).find(".//marker")
    assert marker.attrib["value"] == "dissolve"
    assert Fraction(marker.attrib["start"][:-1]) == (case.start_frame + 110) / NTSC
    assert ET.fromstring(fcp7_xml(edits)).findtext("sequence/marker/in") == "109"
    # Where the scene is left out in which it begins, the next one has the rest.
    rest = without(edit_list(case), 1)
    assert "* LOC: 01:00:00:01 YELLOW  dissolve of 10 frames" in edl(rest).decode()
    assert edl(rest).decode().count("* LOC") == 1


def test_the_channels_of_an_edl_are_those_of_the_sound() -> None:
    case = Case(Fraction(25), "00:00:00:00")
    for sound, tracks in ((None, ["V"]), (Sound(1, 48_000), ["V", "A1"]), (STEREO, None)):
        text = edl(edit_list(case, sound=sound)).decode()
        timeline = otio.adapters.read_from_string(text, "cmx_3600", rate=25)
        assert [track.name for track in timeline.tracks] == (tracks or ["V", "A1", "A2"])


def variable(rate: Fraction = Fraction(30)) -> EditList:
    """Three scenes whose times are no frames of the grid; the second is shorter than one."""
    times = [Fraction(0), Fraction(1_017, 1000), Fraction(1_020, 1000), Fraction(2)]
    scenes = tuple(
        ListedScene(f"holiday_clip_{at + 1:03d}", Span(at, at + 1), times[at], times[at + 1])
        for at in range(3)
    )
    return replace(
        edit_list(Case(rate, "00:00:00:00")),
        is_constant=False,
        frames=3,
        duration_seconds=times[-1],
        scenes=scenes,
        transitions=(),
    )


def test_a_variable_rate_is_put_on_the_nearest_frames_and_said() -> None:
    edits = variable()
    timeline = otio.adapters.read_from_string(edl(edits).decode(), "cmx_3600", rate=30)
    case = Case(Fraction(30), "00:00:00:00")
    assert source_spans(timeline, case) == [(0, 31), (31, 60)]
    said, lost = edits.notes()
    assert "holiday has a variable frame rate" in said
    assert "nearest frames at 30 frames a second" in said
    assert lost == "scenes shorter than a frame at that rate are left out: 1"
    for content in (edl(edits), otio_json(edits), fcpxml(edits), fcp7_xml(edits)):
        assert said in content.decode()
    rows = list(csv.DictReader(io.StringIO(csv_table(edits).decode())))
    assert [row["is_constant_rate"] for row in rows] == ["false"] * 3
    assert [row["end_seconds"] for row in rows] == ["1.017000", "1.020000", "2.000000"]


def test_a_timecode_that_passes_midnight_is_said() -> None:
    case = Case(Fraction(25), "23:59:59:00")
    edits = edit_list(case, cuts=(0, 25, 50))
    assert edits.notes() == (
        "its timecode passes 24 hours, and begins again with 00:00:00:00 there",
    )
    assert "23:59:59:00 00:00:00:00" in edl(edits).decode()
    assert edit_list(case, cuts=(0, 25)).notes() == ()


def test_hostile_names_break_no_format(tmp_path: Path) -> None:
    name = '=1+1 "]]>&<\x1b[2J\u202e\udcff\n001  AX V C --\r.mov'
    edits = replace(edit_list(CASES[0], sound=STEREO), media_name=name, media_uri=None)
    events = [line for line in edl(edits).decode().split("\r\n") if line[:1].isdigit()]
    assert len(events) == len(edits.scenes)
    for content, adapter in ((otio_json(edits), "otio_json"), (fcp7_xml(edits), "fcp_xml")):
        assert len(clips_of(otio.adapters.read_from_string(content.decode(), adapter))) == 6
    for content in (edl(edits), otio_json(edits), fcpxml(edits), fcp7_xml(edits), csv_table(edits)):
        assert not {"\x1b", "\u202e"} & set(content.decode())
    asset = ET.fromstring(fcpxml(edits)).find(".//asset")
    assert asset.attrib["name"].startswith('=1+1 "]]>&<\\x1b[2J')


def test_tags_are_no_formulas() -> None:
    edits = edit_list(CASES[0])
    scenes = (replace(edits.scenes[0], tags=("=HYPERLINK(1)", "b"), review="approved"),)
    (row,) = csv.DictReader(io.StringIO(csv_table(replace(edits, scenes=scenes)).decode()))
    assert (row["review"], row["tags"]) == ("approved", "'=HYPERLINK(1); b")


def test_the_same_list_is_the_same_bytes() -> None:
    for write in (edl, otio_json, fcpxml, fcp7_xml, csv_table):
        assert write(edit_list(CASES[5])) == write(edit_list(CASES[5]))
