"""How much memory it takes to make clips, and so how many may be made at a time.

Arithmetic on measured figures; nothing is asked of the machine.
"""

import math
from collections.abc import Mapping

from heaters_pipeline.video.clips.settings import ClipSettings, Verify
from heaters_pipeline.video.media.probe import VideoInfo

# With what Python and its libraries take, a process stays below 600 MB for 1080p; a larger picture
# may take as much more as it is larger.
_BUDGET_BYTES = 450_000_000
_LEAST_PX = 1920 * 1080
# Of H.264, measured with 1080p but for slower and placebo, which are guessed: the encoder, mostly
# the pictures among which it looks ahead, and the decoder.
_BYTES_PER_PX: Mapping[str, int] = {
    "ultrafast": 50,
    "superfast": 85,
    "veryfast": 105,
    "faster": 140,
    "fast": 175,
    "medium": 210,
    "slow": 250,
    "slower": 380,
    "veryslow": 430,
    "placebo": 460,
}
_HEVC_BYTES_PER_PX = 380
# Of frames that wait for being held against what was encoded, and of the decoder.
_MEASURED_BYTES_PER_PX = 50
_BYTES_PER_PX_AND_THREAD = 13
# What a decoder holds; each copy that is checked has one, and two where all of it is.
_DECODER_BYTES_PER_PX = 27
# HEVC and presets slower than medium do not fit in; one encoder has so many threads all the same.
_THREADS_IN_ANY_CASE = 4


def copies_at_once(info: VideoInfo, verify: Verify, *, workers: int) -> int:
    """How many clips may be copied and checked at a time.

    Args:
        info: Of the source.
        verify: How closely they are checked.
        workers: Number of threads in all.
    """
    needed_per_px = _DECODER_BYTES_PER_PX * (2 if verify == "full" else 1)
    return max(1, min(workers, math.floor(_budget_bytes_per_px(info) / needed_per_px)))


def encoders_and_threads(
    info: VideoInfo,
    settings: ClipSettings,
    *,
    clips: int,
    workers: int,
    joins_hevc: bool = False,
) -> tuple[int, int]:
    """How many encoders to run at a time, and with how many threads each.

    As many threads as memory allows; and of these, as many encoders of one thread as possible,
    since they take less time, on the whole and by the clock, than one encoder of many.

    Args:
        info: Of the source.
        settings: Of the clips.
        clips: How many are to be made, at least one.
        workers: Number of threads in all.
        joins_hevc: Clips are joined of copied and encoded frames of HEVC, whatever the settings.
    """
    per_px = _budget_bytes_per_px(info)
    needed_per_px = _BYTES_PER_PX[settings.preset]
    if settings.codec == "hevc" or joins_hevc:
        needed_per_px = max(needed_per_px, _HEVC_BYTES_PER_PX)
    if joins_hevc:
        needed_per_px += _MEASURED_BYTES_PER_PX

    def threads_of(encoders: int) -> int:
        left = per_px / encoders - needed_per_px
        return min(workers // encoders, 1 + math.floor(left / _BYTES_PER_PX_AND_THREAD))

    ways = [(encoders * threads_of(encoders), encoders) for encoders in range(1, workers + 1)]
    threads, encoders = max(way for way in ways if way[1] <= clips)
    if encoders == 1:
        threads = max(threads, min(workers, _THREADS_IN_ANY_CASE))
    return encoders, threads // encoders


def _budget_bytes_per_px(info: VideoInfo) -> float:
    return _BUDGET_BYTES / min(info.width_px * info.height_px, _LEAST_PX)
