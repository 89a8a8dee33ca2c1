"""Workers share what there is to do, stay close to the caller, and end with it."""

import threading
import time
from collections.abc import Iterator

import pytest

from heaters_pipeline.video.media.worker_threads import Backpressure, run_in_threads


def squares(numbers: Iterator[int], backpressure: Backpressure) -> Iterator[int]:
    for number in numbers:
        backpressure.wait_for_room()
        yield number * number


def test_each_part_is_done_once() -> None:
    with run_in_threads(range(200), squares, workers=4, ahead=3) as outcomes:
        assert sorted(outcomes) == [number * number for number in range(200)]


def test_workers_wait_for_the_caller() -> None:
    begun: list[int] = []

    def worker(numbers: Iterator[int], backpressure: Backpressure) -> Iterator[int]:
        for number in numbers:
            backpressure.wait_for_room()
            begun.append(number)
            yield number

    with run_in_threads(range(50), worker, workers=3, ahead=4) as outcomes:
        for taken, _ in enumerate(outcomes):
            time.sleep(0.002)
            assert len(begun) <= taken + 4


def test_an_error_ends_the_other_workers() -> None:
    def worker(numbers: Iterator[int], backpressure: Backpressure) -> Iterator[int]:
        for number in numbers:
            backpressure.wait_for_room()
            if number == 5:
                raise MemoryError("too much")
            while number > 5:
                # Without being told it would go on for ever.
                backpressure.raise_if_stopped()
            yield number

    running = threading.active_count()
    with (
        pytest.raises(MemoryError, match="too much"),
        run_in_threads(range(20), worker, workers=2, ahead=8) as outcomes,
    ):
        list(outcomes)
    assert threading.active_count() == running


def test_a_caller_that_leaves_ends_the_workers() -> None:
    def leave_early() -> None:
        with run_in_threads(range(1000), squares, workers=3, ahead=2) as outcomes:
            next(outcomes)
            raise KeyboardInterrupt

    running = threading.active_count()
    with pytest.raises(KeyboardInterrupt):
        leave_early()
    assert threading.active_count() == running
