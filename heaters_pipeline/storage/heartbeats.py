"""Signs of life: something that is done now and then beside what a block does."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


@contextmanager
def beating(beat: Callable[[], bool], every_seconds: float, name: str) -> Iterator[None]:
    """Call ``beat`` in a thread of its own, first after a pause, until the block ends.

    Args:
        beat: Gives whether to go on.
        every_seconds: The pause between two calls.
        name: Of the thread.
    """
    ended = threading.Event()

    def run() -> None:
        while not ended.wait(every_seconds) and beat():
            pass

    thread = threading.Thread(target=run, name=name, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()
