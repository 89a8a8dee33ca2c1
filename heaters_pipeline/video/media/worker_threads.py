"""Do pieces of work in several threads, and hand out what came of them in the calling one.

Knows nothing of video. Order is not kept: who needs it, such as the scan, has threads of its own.
"""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from queue import SimpleQueue
from threading import Event, Lock, Semaphore, Thread
from typing import TypeVar

Part = TypeVar("Part")
Outcome = TypeVar("Outcome")


class StoppedError(Exception):
    """Ends a thread whose work nobody waits for any more."""


class Backpressure:
    """Holds workers back while the caller is behind, and ends them when it has gone."""

    def __init__(self, ahead: int) -> None:
        self._room = Semaphore(ahead)
        self._stop = Event()

    def wait_for_room(self) -> None:
        """Wait until one more outcome may be made.

        Raises:
            StoppedError: Nobody wants it any more.
        """
        self._room.acquire()
        self.raise_if_stopped()

    def raise_if_stopped(self) -> None:
        """Do nothing, as long as somebody waits for the outcome.

        Raises:
            StoppedError: Nobody wants it any more.
        """
        if self._stop.is_set():
            raise StoppedError

    def make_room(self) -> None:
        """Note that the caller is done with an outcome."""
        self._room.release()

    def stop(self, workers: int) -> None:
        """End so many workers at their next step."""
        self._stop.set()
        self._room.release(workers)


@dataclass(frozen=True, slots=True)
class _End:
    error: BaseException | None


@contextmanager
def run_in_threads(
    parts: Iterable[Part],
    worker: Callable[[Iterator[Part], Backpressure], Iterator[Outcome]],
    *,
    workers: int,
    ahead: int,
) -> Iterator[Iterator[Outcome]]:
    """Let workers in threads of their own share the parts of a work.

    Args:
        parts: Are handed out one by one, in order.
        worker: Run in each thread, with the parts that fall to it. It calls ``wait_for_room``
            before each outcome, and in long work ``raise_if_stopped`` now and then.
        workers: Number of threads.
        ahead: How many outcomes there may be that the caller is not done with.
    Returns:
        Gives the outcomes as they come. An error of a worker is raised there. However the block
        ends, the workers that are still at work are ended and waited for.
    """
    backpressure = Backpressure(ahead)
    done: SimpleQueue[Outcome | _End] = SimpleQueue()
    shared = _handed_out(parts)
    threads = [
        Thread(target=_run, args=(lambda: worker(shared(), backpressure), done), name=f"clip-{at}")
        for at in range(workers)
    ]
    for thread in threads:
        thread.start()
    try:
        yield _outcomes(done, workers, backpressure)
    finally:
        backpressure.stop(workers)
        for thread in threads:
            thread.join()


def _run(work: Callable[[], Iterator[Outcome]], done: SimpleQueue[Outcome | _End]) -> None:
    error: BaseException | None = None
    try:
        for outcome in work():
            done.put(outcome)
    except StoppedError:
        pass
    except BaseException as raised:  # noqa: BLE001 - raised again in the calling thread
        error = raised
    done.put(_End(error))


def _outcomes(
    done: SimpleQueue[Outcome | _End], running: int, backpressure: Backpressure
) -> Iterator[Outcome]:
    while running:
        found = done.get()
        if not isinstance(found, _End):
            yield found
            backpressure.make_room()
        elif found.error is not None:
            raise found.error
        else:
            running -= 1


def _handed_out(parts: Iterable[Part]) -> Callable[[], Iterator[Part]]:
    """Iterators for as many threads as there are, each part being given to one of them."""
    ahead, lock = iter(parts), Lock()

    def share() -> Iterator[Part]:
        while True:
            with lock:
                try:
                    part = next(ahead)
                except StopIteration:
                    return
            yield part

    return share
