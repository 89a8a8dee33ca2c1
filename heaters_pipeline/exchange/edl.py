"""Edit decision lists as CMX 3600 has them: the oldest format that editors share.

An event a scene, a straight cut each. Its out points are exclusive, as the format asks for. It has
no place for the frame rate, so a comment says it; the program that reads it asks for it.
"""

from heaters_pipeline.errors import printable
from heaters_pipeline.exchange.edit_list import EditList, Event
from heaters_pipeline.exchange.timecode import timecode

_LONGEST_TITLE = 70


def edl(edits: EditList) -> bytes:
    """The list as a CMX 3600 file, UTF-8 with CRLF line ends."""
    mode = "DROP FRAME" if edits.drop else "NON-DROP FRAME"
    lines = [f"TITLE: {edits.name[:_LONGEST_TITLE]}", f"FCM: {mode}", ""]
    for number, event in enumerate(edits.events(), start=1):
        lines += _event(edits, number, event)
        if number == 1:
            lines.append(f"* COMMENT: FRAME RATE {edits.rate_said}")
            lines += [f"* COMMENT: {note}" for note in edits.notes()]
    return "\r\n".join([*lines, ""]).encode()


def _event(edits: EditList, number: int, event: Event) -> list[str]:
    times = (event.source.start, event.source.end, event.record.start, event.record.end)
    labels = " ".join(timecode(edits.start_frame + at, edits.rate, drop=edits.drop) for at in times)
    lines = [
        f"{number:03d}  AX       {_channels(edits):<5} C        {labels}",
        f"* FROM CLIP NAME: {printable(edits.media_name)}",
        f"* COMMENT: {event.scene.name}",
    ]
    shift = event.record.start - event.source.start
    for marker in event.markers:
        at = edits.timecode(marker.start + shift)
        frames = marker.end - marker.start
        lines.append(f"* LOC: {at} YELLOW  {marker.kind} of {frames} frames")
    return lines


def _channels(edits: EditList) -> str:
    if edits.sound is None:
        return "V"
    return "B" if edits.sound.channels == 1 else "AA/V"
