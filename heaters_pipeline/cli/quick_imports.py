"""Importing Dagster and what stands on it, as fast as that goes."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager

_NEW_OBJECTS = 50_000
"""After so many Python looks for garbage among the new ones, where it would after 700: lists of
100,000 videos are none, and looking through them took a third of ``heaters status``."""


@contextmanager
def without_collection() -> Iterator[None]:
    """Import in a block of this: Python looks for no garbage meanwhile, nor ever in what was made.

    Modules leave hardly any, and looking through their hundred thousands of objects again and again
    takes a fifth of a command that finds all done.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.freeze()
        gc.set_threshold(_NEW_OBJECTS)
        gc.enable()
