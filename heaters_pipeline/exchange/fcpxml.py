"""FCPXML of Final Cut Pro X: version 1.8, which DaVinci Resolve reads, too.

All times are exact fractions of a second, multiples of the duration of a frame.
"""

from fractions import Fraction
from xml.etree import ElementTree as ET

from heaters_pipeline.errors import printable
from heaters_pipeline.exchange.edit_list import EditList, Event
from heaters_pipeline.exchange.media import media_address, xml_file


def fcpxml(edits: EditList) -> bytes:
    """The list as a project with one sequence."""
    root = ET.Element("fcpxml", version="1.8")
    resources = ET.SubElement(root, "resources")
    width, height = edits.size_px
    ET.SubElement(
        resources,
        "format",
        id="r1",
        frameDuration=f"{edits.rate.denominator}/{edits.rate.numerator}s",
        width=str(width),
        height=str(height),
    )
    ET.SubElement(resources, "asset", _asset(edits))
    event = ET.SubElement(ET.SubElement(root, "library"), "event", name=edits.name)
    project = ET.SubElement(event, "project", name=edits.name)
    sequence = ET.SubElement(
        project,
        "sequence",
        format="r1",
        duration=_frames(edits, edits.record_frames()),
        tcStart=_frames(edits, edits.start_frame),
        tcFormat=_mode(edits),
    )
    if notes := edits.notes():
        ET.SubElement(sequence, "note").text = "; ".join(notes)
    spine = ET.SubElement(sequence, "spine")
    for each in edits.events():
        _clip(edits, spine, each)
    return xml_file(root, "fcpxml")


def _asset(edits: EditList) -> dict[str, str]:
    attributes = {
        "id": "r2",
        "name": printable(edits.media_name),
        "src": media_address(edits),
        "start": _frames(edits, edits.start_frame),
        "duration": _frames(edits, edits.length),
        "hasVideo": "1",
        "format": "r1",
    }
    if edits.sound is not None:
        attributes |= {
            "hasAudio": "1",
            "audioSources": "1",
            "audioChannels": str(edits.sound.channels),
            "audioRate": str(edits.sound.sample_rate_hz),
        }
    return attributes


def _clip(edits: EditList, spine: ET.Element, event: Event) -> None:
    clip = ET.SubElement(
        spine,
        "asset-clip",
        ref="r2",
        name=event.scene.name,
        offset=_frames(edits, edits.start_frame + event.record.start),
        start=_frames(edits, edits.start_frame + event.source.start),
        duration=_frames(edits, len(event.source)),
        format="r1",
        tcFormat=_mode(edits),
    )
    for marker in event.markers:
        ET.SubElement(
            clip,
            "marker",
            start=_frames(edits, edits.start_frame + marker.start),
            duration=_frames(edits, marker.end - marker.start),
            value=marker.kind,
        )


def _mode(edits: EditList) -> str:
    return "DF" if edits.drop else "NDF"


def _frames(edits: EditList, frames: int) -> str:
    seconds = Fraction(frames) / edits.rate
    whole = seconds.denominator == 1
    return f"{seconds.numerator}s" if whole else f"{seconds.numerator}/{seconds.denominator}s"
