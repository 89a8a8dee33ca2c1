"""Where open GOPs begin among the samples of a track."""

import pytest

from heaters_pipeline.video.clips.sync_groups import sync_groups


def runs_of(box: bytes) -> list[tuple[int, int]]:
    numbers = [int.from_bytes(box[at : at + 4], "big") for at in range(20, len(box), 4)]
    return list(zip(numbers[::2], numbers[1::2], strict=True))


@pytest.mark.parametrize(
    ("points", "samples", "runs"),
    [
        ([3], 5, [(3, 0), (1, 1), (1, 0)]),
        ([0, 1, 4], 5, [(1, 1), (1, 1), (2, 0), (1, 1)]),
    ],
)
def test_each_sample_is_of_the_group_or_of_none(
    points: list[int], samples: int, runs: list[tuple[int, int]]
) -> None:
    description, groups = sync_groups(points, samples)
    assert description == b"\0\0\0\x19sgpd\1\0\0\0sync\0\0\0\1\0\0\0\1\x15"
    assert groups[:16] == len(groups).to_bytes(4, "big") + b"sbgp\0\0\0\0sync"
    assert int.from_bytes(groups[16:20], "big") == len(runs)
    assert runs_of(groups) == runs


def test_without_open_gops_nothing_is_said() -> None:
    assert sync_groups([], 5) == []
