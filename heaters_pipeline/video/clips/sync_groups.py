"""Boxes of MP4 that say at which key frames of HEVC an open GOP begins. Pure.

Readers that know them (FFmpeg from 5.1 on) do not begin there for frames that are shown before.
ISO/IEC 14496-12, 8.9, and 14496-15, 8.4.4: the group ``sync`` tells the type of a key frame.
"""

import struct
from collections.abc import Sequence

from heaters_pipeline.video.media.nal_units import HEVC_CRA

_GROUPING = b"sync"


def sync_groups(open_points: Sequence[int], samples: int) -> list[bytes]:
    """The boxes ``sgpd`` and ``sbgp`` of a track; none where no open GOP begins.

    Args:
        open_points: Samples at which one does, counted from 0, rising.
        samples: How many the track has.
    """
    if not open_points:
        return []
    description = struct.pack(">B3x4sIIB", 1, _GROUPING, 1, 1, HEVC_CRA)
    runs: list[tuple[int, int]] = []
    before = 0
    for point in open_points:
        runs += [(point - before, 0)] * (point > before) + [(1, 1)]
        before = point + 1
    runs += [(samples - before, 0)] * (samples > before)
    body = b"".join(struct.pack(">II", *run) for run in runs)
    return [
        _box(b"sgpd", description),
        _box(b"sbgp", struct.pack(">B3x4sI", 0, _GROUPING, len(runs)) + body),
    ]


def _box(kind: bytes, payload: bytes) -> bytes:
    return struct.pack(">I4s", len(payload) + 8, kind) + payload
