"""Chapters, a scene each, that begin with its first frame: FFmetadata, WebVTT, Matroska's XML.

Times count from the video's first frame. Chapters need no frame rate. They are whole milliseconds,
since players and muxers round chapters, and FFmpeg the frames of Matroska, to those: one that
begins before its frame shows the last frame of the scene before. None does at the first
millisecond at which its frame is shown.
"""

import hashlib
import re
from fractions import Fraction
from math import ceil
from xml.etree import ElementTree as ET

from heaters_pipeline.exchange.edit_list import EditList, ListedScene
from heaters_pipeline.exchange.media import xml_file


def ffmetadata(edits: EditList) -> bytes:
    """What ``ffmpeg -i video -i FILE -map_chapters 1 -codec copy`` writes into a file."""
    lines = [";FFMETADATA1"]
    for scene in edits.scenes:
        lines += [
            "[CHAPTER]",
            "TIMEBASE=1/1000",
            f"START={_milliseconds(scene.start_seconds)}",
            f"END={_milliseconds(scene.end_seconds)}",
            f"title={_escaped(scene.name)}",
        ]
    return "\n".join([*lines, ""]).encode()


def webvtt(edits: EditList) -> bytes:
    """A track of chapters for players of the web, ``<track kind="chapters">``."""
    cues = [
        f"{number}\n{_clock(scene.start_seconds)} --> {_clock(scene.end_seconds)}\n{scene.name}\n"
        for number, scene in enumerate(edits.scenes, start=1)
    ]
    return "\n".join(["WEBVTT\n", *cues]).encode()


def matroska_chapters(edits: EditList) -> bytes:
    """What ``mkvmerge --chapters`` and ``mkvpropedit --chapters`` read."""
    root = ET.Element("Chapters")
    edition = ET.SubElement(root, "EditionEntry")
    for scene in edits.scenes:
        atom = ET.SubElement(edition, "ChapterAtom")
        ET.SubElement(atom, "ChapterUID").text = str(_uid(edits, scene))
        ET.SubElement(atom, "ChapterTimeStart").text = _clock(scene.start_seconds)
        ET.SubElement(atom, "ChapterTimeEnd").text = _clock(scene.end_seconds)
        display = ET.SubElement(atom, "ChapterDisplay")
        ET.SubElement(display, "ChapterString").text = scene.name
        ET.SubElement(display, "ChapterLanguage").text = "und"
    return xml_file(root, 'Chapters SYSTEM "matroskachapters.dtd"')


def _uid(edits: EditList, scene: ListedScene) -> int:
    """The same number for the same chapter each time, and never 0."""
    digest = hashlib.sha256(f"{edits.name} {scene.span.start} {scene.span.end}".encode()).digest()
    return int.from_bytes(digest[:8]) | 1


def _clock(seconds: Fraction) -> str:
    whole, part = divmod(_milliseconds(seconds), 1000)
    return f"{whole // 3600:02d}:{whole // 60 % 60:02d}:{whole % 60:02d}.{part:03d}"


def _milliseconds(seconds: Fraction) -> int:
    return ceil(seconds * 1000)


def _escaped(text: str) -> str:
    return re.sub(r"([=;#\\\n])", r"\\\1", text)
