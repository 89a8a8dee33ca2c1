"""Which clips share a shard: small ones, whole videos, untouched by what happens elsewhere."""

from random import Random

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from heaters_pipeline.datasets.sharding import shards_of

MOST = 100
Clip = tuple[str, int, int]
"""Video, position in it, and size."""

clips = st.lists(
    st.tuples(st.integers(0, 30).map(str), st.integers(0, 40), st.integers(1, 60)),
    unique_by=lambda clip: clip[:2],
    min_size=1,
    max_size=120,
)


def divided(found: list[Clip]) -> list[frozenset[Clip]]:
    shards = shards_of(
        [video for video, _, _ in found],
        [f"{video}/{at}" for video, at, _ in found],
        np.array([size for _, _, size in found], np.int64),
        MOST,
    )
    return [frozenset(found[at] for at in shard) for shard in shards]


def size(shard: frozenset[Clip]) -> int:
    return sum(each[2] for each in shard)


@given(clips)
def test_each_clip_is_in_one_shard_that_is_small_enough(found: list[Clip]) -> None:
    shards = divided(found)
    assert sorted(clip for shard in shards for clip in shard) == sorted(found)
    assert all(shard and (size(shard) <= MOST or len(shard) == 1) for shard in shards)


@given(clips)
def test_a_video_that_fits_into_a_shard_is_in_one(found: list[Clip]) -> None:
    shards = divided(found)
    for video in {clip[0] for clip in found}:
        whole = {clip for clip in found if clip[0] == video}
        if size(frozenset(whole)) <= MOST:
            assert sum(not whole.isdisjoint(shard) for shard in shards) == 1


@given(clips)
def test_a_clip_more_or_less_touches_its_own_shard_alone(found: list[Clip]) -> None:
    *others, clip = found
    with_it, without = set(divided(found)), set(divided(others)) if others else set()
    # What was one shard without the clip is one or more with it, or the other way round.
    assert frozenset().union(*(with_it - without)) == {clip}.union(*(without - with_it))
    assert min(len(with_it - without), len(without - with_it)) <= 1


@given(clips, st.randoms())
def test_the_order_in_which_clips_are_named_decides_nothing(
    found: list[Clip], random: Random
) -> None:
    mixed = list(found)
    random.shuffle(mixed)
    assert divided(mixed) == divided(found)
