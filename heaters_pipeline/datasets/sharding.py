"""Which clips go into which shard: decided by each clip alone, so that others change nothing. Pure.

Each clip has a point: 64 bits of a digest of its video, then 64 of one of its key. A shard is all
clips whose points begin with the same bits. As long as those are too large for a shard, they are
halved by their next bit. So where a clip goes depends on what is near it, never on how many others
there are: a clip that comes, goes or changes touches its own shard, which at most is halved, or
joined with its neighbour. Clips of a video stay together unless they are too large for a shard.
"""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

_BITS = 64


def shards_of(
    video_ids: Sequence[str],
    clip_keys: Sequence[str],
    sizes: NDArray[np.int64],
    max_bytes: int,
) -> Iterator[NDArray[np.int64]]:
    """Divide clips into shards.

    Args:
        video_ids: The video of each clip.
        clip_keys: Its key.
        sizes: Its bytes, int64, (clips,).
        max_bytes: What the clips of a shard have together at most, unless it is only one.
    Yields:
        For each shard the positions of its clips, ascending.
    """
    by_video = {each: _point(each) for each in set(video_ids)}
    first = np.array([by_video[each] for each in video_ids], np.uint64)
    second = np.array([_point(each) for each in clip_keys], np.uint64)
    order = np.lexsort((second, first))
    points = (first[order], second[order])
    before = np.concatenate([[0], np.cumsum(sizes[order])])
    waiting = [(0, len(order), 0)]
    while waiting:
        start, end, bit = waiting.pop()
        if start == end:
            continue
        small = before[end] - before[start] <= max_bytes
        if small or end - start == 1 or bit == 2 * _BITS:
            yield np.sort(order[start:end])
            continue
        column, place = points[bit // _BITS], np.uint64(_BITS - 1 - bit % _BITS)
        ones = (column[start:end] >> place) & np.uint64(1)
        middle = start + int(np.searchsorted(ones, 1))
        waiting += [(middle, end, bit + 1), (start, middle, bit + 1)]


def _point(text: str) -> int:
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[: _BITS // 8], "big")
