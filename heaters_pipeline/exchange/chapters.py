"""Chapters, a scene each, with exact times: FFmetadata, WebVTT and the XML of Matroska.

Times count from the video's first frame. Chapters need no frame rate.
"""

import hashlib
import re
from fractions import Fraction
from math import lcm
from xml.etree import ElementTree as ET

from heaters_pipeline.exchange.edit_list import EditList, ListedScene
from heaters_pipeline.exchange.media import xml_file

_NANOSECONDS = 1_000_000_000
# FFmpeg reads both numbers of a time base as 32 bits.
_MOST_TICKS = 2**31 - 1


def ffmetadata(edits: EditList) -> bytes:
    """What ``ffmpeg -i video -i FILE -map_chapters 1 -codec copy`` writes into a file."""
    ticks = chapter_ticks(edits)
    lines = [";FFMETADATA1"]
    for scene in edits.scenes:
        lines += [
            "[CHAPTER]",
            f"TIMEBASE=1/{ticks}",
            f"START={round(scene.start_seconds * ticks)}",
            f"END={round(scene.end_seconds * ticks)}",
            f"title={_escaped(scene.name)}",
        ]
    return "\n".join([*lines, ""]).encode()


def chapter_ticks(edits: EditList) -> int:
    """Ticks a second in which each time is a whole number; else nanoseconds."""
    times = [time for each in edits.scenes for time in (each.start_seconds, each.end_seconds)]
    ticks = lcm(*(time.denominator for time in times))
    return ticks if ticks <= _MOST_TICKS else _NANOSECONDS


def webvtt(edits: EditList) -> bytes:
    """A track of chapters for players of the web, ``<track kind="chapters">``; milliseconds."""
    cues = [
        f"{number}\n{_clock(scene.start_seconds, 3)} --> {_clock(scene.end_seconds, 3)}\n"
        f"{scene.name}\n"
        for number, scene in enumerate(edits.scenes, start=1)
    ]
    return "\n".join(["WEBVTT\n", *cues]).encode()


def matroska_chapters(edits: EditList) -> bytes:
    """What ``mkvmerge --chapters`` and ``mkvpropedit --chapters`` read; nanoseconds."""
    root = ET.Element("Chapters")
    edition = ET.SubElement(root, "EditionEntry")
    for scene in edits.scenes:
        atom = ET.SubElement(edition, "ChapterAtom")
        ET.SubElement(atom, "ChapterUID").text = str(_uid(edits, scene))
        ET.SubElement(atom, "ChapterTimeStart").text = _clock(scene.start_seconds, 9)
        ET.SubElement(atom, "ChapterTimeEnd").text = _clock(scene.end_seconds, 9)
        display = ET.SubElement(atom, "ChapterDisplay")
        ET.SubElement(display, "ChapterString").text = scene.name
        ET.SubElement(display, "ChapterLanguage").text = "und"
    return xml_file(root, 'Chapters SYSTEM "matroskachapters.dtd"')


def _uid(edits: EditList, scene: ListedScene) -> int:
    """The same number for the same chapter each time, and never 0."""
    digest = hashlib.sha256(f"{edits.name} {scene.span.start} {scene.span.end}".encode()).digest()
    return int.from_bytes(digest[:8]) | 1


def _clock(seconds: Fraction, digits: int) -> str:
    scale = 10**digits
    whole, part = divmod(round(seconds * scale), scale)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{part:0{digits}d}"


def _escaped(text: str) -> str:
    return re.sub(r"([=;#\\\n])", r"\\\1", text)
