"""Importing Dagster and what stands on it, as fast as that goes."""

import gc
from collections.abc import Iterator
from contextlib import contextmanager


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
        gc.enable()
