"""OpenTimelineIO: a timeline as ``.otio``, which is JSON.

Written without the library: the schemas are few and stable, their bytes do not change with a
version of it, and so a file of the same scenes keeps its name. Tests read it with the library.
OpenTimelineIO keeps rates as floats; the exact one stands in the metadata.
"""

import json
from collections.abc import Sequence
from typing import Any

from heaters_pipeline.errors import printable
from heaters_pipeline.exchange.edit_list import EditList, Event, Marker
from heaters_pipeline.exchange.media import media_address
from heaters_pipeline.video.media.timing import Span


def otio(edits: EditList) -> bytes:
    """The list as a timeline with one video track, and an audio track if there is sound."""
    kinds = ["Video"] if edits.sound is None else ["Video", "Audio"]
    events = edits.events()
    timeline = {
        "OTIO_SCHEMA": "Timeline.1",
        "name": edits.name,
        "global_start_time": _time(edits, edits.start_frame),
        "metadata": {
            "heaters_pipeline": {
                "frame_rate": edits.rate_said,
                "is_constant": edits.is_constant,
                "is_drop_frame": edits.drop,
                "start_timecode": edits.timecode(0),
                "notes": list(edits.notes()),
            }
        },
        "tracks": {
            "OTIO_SCHEMA": "Stack.1",
            "name": "tracks",
            "children": [_track(edits, kind, events) for kind in kinds],
        },
    }
    return (json.dumps(timeline, indent=2) + "\n").encode()


def _track(edits: EditList, kind: str, events: Sequence[Event]) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Track.1",
        "name": kind[0] + "1",
        "kind": kind,
        "children": [_clip(edits, kind, event) for event in events],
    }


def _clip(edits: EditList, kind: str, event: Event) -> dict[str, Any]:
    scene = event.scene
    return {
        "OTIO_SCHEMA": "Clip.2",
        "name": scene.name,
        "source_range": _range(edits, event.source),
        "markers": [_marker(edits, one) for one in event.markers] if kind == "Video" else [],
        "metadata": {
            "heaters_pipeline": {
                "start_frame": scene.span.start,
                "end_frame": scene.span.end,
                "start_seconds": str(scene.start_seconds),
                "end_seconds": str(scene.end_seconds),
                "review": scene.review,
                "tags": list(scene.tags),
            }
        },
        "media_references": {
            "DEFAULT_MEDIA": {
                "OTIO_SCHEMA": "ExternalReference.1",
                "name": printable(edits.media_name),
                "target_url": media_address(edits),
                "available_range": _range(edits, Span(0, edits.length)),
            }
        },
        "active_media_reference_key": "DEFAULT_MEDIA",
    }


def _marker(edits: EditList, marker: Marker) -> dict[str, Any]:
    return {
        "OTIO_SCHEMA": "Marker.2",
        "name": marker.kind,
        "color": "YELLOW",
        "marked_range": _range(edits, Span(marker.start, marker.end)),
    }


def _range(edits: EditList, source: Span) -> dict[str, Any]:
    """Frames of the source, which are counted by its timecode."""
    return {
        "OTIO_SCHEMA": "TimeRange.1",
        "start_time": _time(edits, edits.start_frame + source.start),
        "duration": _time(edits, len(source)),
    }


def _time(edits: EditList, frames: int) -> dict[str, Any]:
    return {"OTIO_SCHEMA": "RationalTime.1", "value": float(frames), "rate": float(edits.rate)}
