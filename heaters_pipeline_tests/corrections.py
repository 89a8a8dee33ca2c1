"""Corrections documents as people and pages write them."""

import json
from typing import Any

from heaters_pipeline.storage.records.corrections import Corrections

SOURCE = "5" * 64


def decision(number: int, kind: str, *where: int, source: str = SOURCE, **more: Any) -> Any:
    """A row of the document: an edit with its frame, or what is said of a span.

    Args:
        number: Makes its id, and the minute at which it was taken.
        kind: Of the decision.
        where: Frame, and where to; or start and end frame.
        source: The version of the source that was seen.
        more: Other fields, or other values of these.
    """
    of_clips = ("approve", "reject", "wait", "tag")
    names = ("start_frame", "end_frame") if kind in of_clips else ("frame", "to")
    return {
        "id": f"{number:032x}",
        "kind": kind,
        **dict(zip(names, where, strict=False)),
        "source_sha256": source,
        "by": "anna",
        "at": f"2026-11-30T{number // 60:02d}:{number % 60:02d}:00.000Z",
        "why": "",
        **more,
    }


def document(video_id: str, *rows: Any, **more: Any) -> bytes:
    """The file."""
    content = {
        "format": "heaters_pipeline/corrections",
        "format_version": 1,
        "video_id": video_id,
        "decisions": list(rows),
        **more,
    }
    return json.dumps(content).encode()


def corrections(video_id: str, *rows: Any) -> Corrections:
    """What the file says."""
    return Corrections.from_bytes(document(video_id, *rows), "corrections/a.json")
