"""XML of Final Cut Pro 7 (``xmeml`` 5), which Premiere Pro and DaVinci Resolve read.

Its in and out points count frames of the file from 0; the file says with which timecode it starts.
"""

from xml.etree import ElementTree as ET

from heaters_pipeline.errors import printable
from heaters_pipeline.exchange.edit_list import EditList, Event, Sound
from heaters_pipeline.exchange.media import media_address, xml_file
from heaters_pipeline.exchange.timecode import frames_a_second

_FILE = "file-1"


def fcp7_xml(edits: EditList) -> bytes:
    """The list as a sequence with one video track, and audio tracks if there is sound."""
    root = ET.Element("xmeml", version="5")
    sequence = ET.SubElement(root, "sequence", id="sequence-1")
    _say(sequence, name=edits.name, duration=edits.record_frames())
    _rate(sequence, edits)
    _timecode(sequence, edits)
    media = ET.SubElement(sequence, "media")
    video = ET.SubElement(media, "video")
    _picture(ET.SubElement(video, "format"), edits)
    events = edits.events()
    _track(video, edits, events, "video", 1)
    if edits.sound is not None:
        audio = ET.SubElement(media, "audio")
        for channel in range(1, edits.sound.channels + 1):
            _track(audio, edits, events, "audio", channel)
    for event in events:
        _markers(sequence, event)
    if notes := edits.notes():
        information = ET.SubElement(sequence, "logginginfo")
        _say(information, lognote="; ".join(notes))
    return xml_file(root, "xmeml")


def _track(
    parent: ET.Element, edits: EditList, events: tuple[Event, ...], kind: str, channel: int
) -> None:
    track = ET.SubElement(parent, "track")
    for number, event in enumerate(events, start=1):
        item = ET.SubElement(track, "clipitem", id=_item_id(kind, channel, number))
        _say(item, name=event.scene.name, enabled="TRUE", duration=edits.length)
        _rate(item, edits)
        _say(item, start=event.record.start, end=event.record.end)
        _say(item, **{"in": event.source.start, "out": event.source.end})
        file = ET.SubElement(item, "file", id=_FILE)
        if kind == "video" and number == 1:
            _file(file, edits)
        if kind == "audio":
            _say(ET.SubElement(item, "sourcetrack"), mediatype="audio", trackindex=channel)
        _links(item, edits.sound, number)


def _links(item: ET.Element, sound: Sound | None, number: int) -> None:
    """Say which items are the picture and the sound of one scene."""
    if sound is None:
        return
    tracks = [("video", 1), *(("audio", each) for each in range(1, sound.channels + 1))]
    for kind, channel in tracks:
        _say(
            ET.SubElement(item, "link"),
            linkclipref=_item_id(kind, channel, number),
            mediatype=kind,
            trackindex=channel,
            clipindex=number,
        )


def _item_id(kind: str, channel: int, number: int) -> str:
    return f"{kind}-{channel}-{number}"


def _file(file: ET.Element, edits: EditList) -> None:
    _say(
        file,
        name=printable(edits.media_name),
        pathurl=media_address(edits),
        duration=edits.length,
    )
    _rate(file, edits)
    _timecode(file, edits)
    media = ET.SubElement(file, "media")
    _picture(ET.SubElement(media, "video"), edits)
    if edits.sound is not None:
        audio = ET.SubElement(media, "audio")
        _say(ET.SubElement(audio, "samplecharacteristics"), samplerate=edits.sound.sample_rate_hz)
        _say(audio, channelcount=edits.sound.channels)


def _picture(parent: ET.Element, edits: EditList) -> None:
    picture = ET.SubElement(parent, "samplecharacteristics")
    _rate(picture, edits)
    width, height = edits.size_px
    _say(picture, width=width, height=height)


def _rate(parent: ET.Element, edits: EditList) -> None:
    ntsc = "FALSE" if edits.rate.denominator == 1 else "TRUE"
    _say(ET.SubElement(parent, "rate"), timebase=frames_a_second(edits.rate), ntsc=ntsc)


def _timecode(parent: ET.Element, edits: EditList) -> None:
    element = ET.SubElement(parent, "timecode")
    _rate(element, edits)
    mode = "DF" if edits.drop else "NDF"
    _say(element, string=edits.timecode(0), frame=edits.start_frame, displayformat=mode)


def _markers(sequence: ET.Element, event: Event) -> None:
    shift = event.record.start - event.source.start
    for marker in event.markers:
        _say(
            ET.SubElement(sequence, "marker"),
            name=marker.kind,
            comment=f"in {event.scene.name}",
            **{"in": marker.start + shift, "out": marker.end + shift},
        )


def _say(parent: ET.Element, **texts: str | int) -> None:
    for name, text in texts.items():
        ET.SubElement(parent, name).text = str(text)
