"""Chapters that FFmpeg writes into files: who goes to one sees the first frame of its scene."""

import re
import subprocess
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from xml.etree import ElementTree as ET

import av
import imageio_ffmpeg
import pytest

from heaters_pipeline.exchange.chapters import ffmetadata, matroska_chapters, webvtt
from heaters_pipeline.exchange.edit_list import EditList
from heaters_pipeline_tests.exchange.edit_lists import CASES, Case, edit_list
from heaters_pipeline_tests.videos import make_video

CUTS = (0, 7, 30, 50)
MANY_CUTS = (0, 7, 14, 30, 38, 49, 50, 61)


def chapters_in(path: Path) -> list[tuple[Fraction, Fraction, str]]:
    """What FFmpeg finds in a file: start and end in seconds, and the title."""
    with av.open(str(path)) as container:
        return [
            (
                each["start"] * each["time_base"],
                each["end"] * each["time_base"],
                each["metadata"].get("title", ""),
            )
            for each in container.chapters()
        ]


def with_chapters(tmp_path: Path, edits: EditList, suffix: str) -> Path:
    """A video of such scenes, into which the ffmpeg program writes the chapters of a file."""
    frames = [len(scene.span) for scene in edits.scenes]
    video = make_video(tmp_path / "video.mp4", frames, frame_rate=edits.rate)
    metadata = tmp_path / "chapters.txt"
    metadata.write_bytes(ffmetadata(edits))
    target = tmp_path / f"with{suffix}"
    command = [imageio_ffmpeg.get_ffmpeg_exe(), "-v", "error", "-i", video, "-i", metadata]
    subprocess.run([*command, "-map_chapters", "1", "-codec", "copy", target], check=True)
    return target


def frame_at(path: Path, seconds: Fraction) -> int:
    """The frame that is shown at a time."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        times = sorted(
            packet.pts * packet.time_base
            for packet in container.demux(stream)
            if packet.pts is not None
        )
    return sum(time <= seconds for time in times) - 1


@pytest.mark.parametrize("suffix", [".mkv", ".mp4", ".mov"])
@pytest.mark.parametrize("case", [CASES[1], CASES[2], CASES[6], CASES[8]], ids=str)
def test_who_goes_to_a_chapter_sees_its_first_frame(
    tmp_path: Path, case: Case, suffix: str
) -> None:
    edits = edit_list(case, cuts=MANY_CUTS)
    path = with_chapters(tmp_path, edits, suffix)
    found = chapters_in(path)
    assert [title for *_, title in found] == [scene.name for scene in edits.scenes]
    assert [frame_at(path, start) for start, *_ in found] == [*MANY_CUTS[:-1]]
    assert [end for _, end, _ in found][:-1] == [start for start, *_ in found][1:]


def test_ffmetadata_has_milliseconds_and_escapes_titles() -> None:
    edits = edit_list(CASES[2], cuts=CUTS)
    odd = replace(edits.scenes[0], name="a=b;c#d\\e\nf")
    text = ffmetadata(replace(edits, scenes=(odd, *edits.scenes[1:]))).decode()
    assert text.startswith(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/1000\nSTART=0\nEND=292\n")
    assert "title=a\\=b\\;c\\#d\\\\e\\\nf\n" in text


def test_webvtt_has_a_cue_a_scene() -> None:
    edits = edit_list(CASES[2], cuts=(0, 7, 200_000))
    assert webvtt(edits).decode() == (
        "WEBVTT\n\n"
        "1\n00:00:00.000 --> 00:00:00.292\nholiday_clip_001\n\n"
        "2\n00:00:00.292 --> 02:19:01.667\nholiday_clip_002\n"
    )
    cue = re.compile(r"\d+\n\d\d:\d\d:\d\d\.\d{3} --> \d\d:\d\d:\d\d\.\d{3}\n\S+\n")
    body = webvtt(edit_list(CASES[4])).decode().removeprefix("WEBVTT\n\n")
    assert all(cue.fullmatch(each + "\n") for each in body.rstrip("\n").split("\n\n"))


def test_matroska_chapters_have_lasting_numbers() -> None:
    edits = edit_list(CASES[4], cuts=CUTS)
    atoms = list(ET.fromstring(matroska_chapters(edits)).iter("ChapterAtom"))
    assert [atom.findtext("ChapterTimeStart") for atom in atoms] == [
        "00:00:00.000",
        "00:00:00.234",
        "00:00:01.001",
    ]
    assert atoms[0].findtext("ChapterTimeEnd") == atoms[1].findtext("ChapterTimeStart")
    assert [atom.findtext("ChapterDisplay/ChapterString") for atom in atoms] == [
        scene.name for scene in edits.scenes
    ]
    uids = [int(atom.findtext("ChapterUID") or 0) for atom in atoms]
    assert len(set(uids)) == 3
    assert all(0 < uid < 2**64 for uid in uids)
    assert matroska_chapters(edits) == matroska_chapters(edit_list(CASES[4], cuts=CUTS))
