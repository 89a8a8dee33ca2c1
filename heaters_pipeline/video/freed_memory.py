"""Give memory back to the system once what was large is done with."""

import ctypes
import gc
import sys
from collections.abc import Callable
from typing import cast


def _trimmer() -> Callable[[int], int] | None:
    """The C library's function that returns free memory, which glibc alone has."""
    if sys.platform != "linux":
        return None
    return cast("Callable[[int], int] | None", getattr(ctypes.CDLL(None), "malloc_trim", None))


_trim = _trimmer()


def free_memory() -> None:
    """Let go of decoders and encoders that nobody uses any more, with the pictures they hold.

    Streams and containers of PyAV refer to each other, and Python finds such circles only now and
    then. What they held lies in pieces between what other threads hold, and glibc keeps that.
    Takes about a tenth of a second in a process with Dagster.
    """
    gc.collect()
    if _trim is not None:
        _trim(0)
