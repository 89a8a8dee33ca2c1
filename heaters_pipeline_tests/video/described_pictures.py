"""MP4 files that say of their pictures what PyAV cannot write: crop, spheres, Dolby Vision."""

import struct
from pathlib import Path

from heaters_pipeline.video.media.picture_boxes import Crop

# Boxes on the way to a track's description, and what stands in them before other boxes.
_PARENTS = {b"moov": 0, b"trak": 0, b"mdia": 0, b"minf": 0, b"stbl": 0, b"stsd": 8}
_VIDEO = frozenset({b"avc1", b"hvc1", b"hev1", b"mp4v", b"vp09", b"av01", b"apch"})


def crop_mp4(path: Path, crop: Crop, size_px: tuple[int, int]) -> Path:
    """Add the box ``clap`` to a file whose index comes last, so that nothing moves."""
    return add_boxes(path, crop.clean_aperture(*size_px))


def add_boxes(path: Path, boxes: bytes) -> Path:
    """Add boxes to the description of a file's pictures; its index has to come last."""
    path.write_bytes(_with_box(path.read_bytes(), boxes))
    return path


def box(kind: bytes, payload: bytes) -> bytes:
    """One box."""
    return struct.pack(">I4s", len(payload) + 8, kind) + payload


def _with_box(content: bytes, box: bytes) -> bytes:
    written = b""
    at = 0
    while at < len(content):
        size, kind = struct.unpack_from(">I4s", content, at)
        body = content[at + 8 : at + size]
        if kind in _PARENTS:
            before = _PARENTS[kind]
            body = body[:before] + _with_box(body[before:], box)
        elif kind in _VIDEO:
            body += box
        written += struct.pack(">I4s", len(body) + 8, kind) + body
        at += size
    return written
