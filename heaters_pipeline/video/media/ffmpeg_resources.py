"""FFmpeg's memory and threads: errors that say they ran out, and memory that is given back.

That they ran out says nothing about the file that FFmpeg works on.
"""

import ctypes
import errno
import gc
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import cast

import av.codec.context
import av.error


def raise_if_shortage(
    error: av.error.FFmpegError, decoder: av.codec.context.CodecContext | None = None
) -> None:
    """Raise an error of FFmpeg as what it is if the machine is at fault.

    Args:
        error: What was raised.
        decoder: By which, if it was one: once it is open it starts no more threads, and says
            "try again" (EAGAIN) of damaged packets, too.
    Raises:
        MemoryError: FFmpeg got no memory, or could not start a thread.
    """
    if isinstance(error, MemoryError):
        raise error
    if error.errno == errno.EAGAIN and not (decoder and decoder.is_open):
        raise MemoryError("FFmpeg could not start its threads") from error


@contextmanager
def shortage_raised() -> Iterator[None]:
    """Raise what FFmpeg lacks inside the block as ``MemoryError``.

    Raises:
        MemoryError: FFmpeg got no memory, or could not start a thread.
    """
    try:
        yield
    except av.error.FFmpegError as error:
        raise_if_shortage(error)
        raise


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
