"""Chapters that FFmpeg reads: each begins and ends at the exact time of its scene."""

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
from heaters_pipeline.exchange.edit_list import EditList, ListedScene
from heaters_pipeline.video.media.timing import Span
from heaters_pipeline_tests.exchange.edit_lists import CASES, Case, edit_list
from heaters_pipeline_tests.videos import make_video

CUTS = (0, 7, 30, 50)


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


@pytest.mark.parametrize("case", [CASES[1], CASES[2], CASES[6], CASES[8]], ids=str)
def test_ffmpeg_takes_the_chapters_of_ffmetadata(tmp_path: Path, case: Case) -> None:
    edits = edit_list(case, cuts=CUTS)
    found = chapters_in(with_chapters(tmp_path, edits, ".mkv"))
    # Matroska counts nanoseconds.
    for (start, end, title), scene in zip(found, edits.scenes, strict=True):
        assert abs(start - scene.start_seconds) < Fraction(1, 10**8)
        assert abs(end - scene.end_seconds) < Fraction(1, 10**8)
        assert title == scene.name


def test_ffmetadata_has_exact_times_and_escapes_titles() -> None:
    edits = edit_list(CASES[2], cuts=CUTS)
    odd = replace(edits.scenes[0], name="a=b;c#d\\e\nf")
    text = ffmetadata(replace(edits, scenes=(odd, *edits.scenes[1:]))).decode()
    assert text.startswith(";FFMETADATA1\n[CHAPTER]\nTIMEBASE=1/24000\nSTART=0\nEND=7007\n")
    assert "title=a\\=b\\;c\\#d\\\\e\\\nf\n" in text


def test_times_without_a_common_tick_become_nanoseconds() -> None:
    edits = edit_list(CASES[0], cuts=CUTS)
    parts = [Fraction(1, 99_991), Fraction(1, 99_989)]
    scenes = tuple(
        ListedScene(str(at), Span(at, at + 1), at + part, at + part + 1)
        for at, part in enumerate(parts)
    )
    text = ffmetadata(replace(edits, scenes=scenes)).decode()
    assert "TIMEBASE=1/1000000000\nSTART=10001\n" in text
    assert f"START={1_000_000_000 + 10_001}\n" in text


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


def test_matroska_chapters_have_nanoseconds_and_lasting_numbers() -> None:
    edits = edit_list(CASES[4], cuts=CUTS)
    atoms = list(ET.fromstring(matroska_chapters(edits)).iter("ChapterAtom"))
    assert [atom.findtext("ChapterTimeStart") for atom in atoms] == [
        "00:00:00.000000000",
        "00:00:00.233566667",
        "00:00:01.001000000",
    ]
    assert atoms[0].findtext("ChapterTimeEnd") == atoms[1].findtext("ChapterTimeStart")
    assert [atom.findtext("ChapterDisplay/ChapterString") for atom in atoms] == [
        scene.name for scene in edits.scenes
    ]
    uids = [int(atom.findtext("ChapterUID") or 0) for atom in atoms]
    assert len(set(uids)) == 3
    assert all(0 < uid < 2**64 for uid in uids)
    assert matroska_chapters(edits) == matroska_chapters(edit_list(CASES[4], cuts=CUTS))
