"""Where FFmpeg lacks memory or threads, which says nothing about the file that it works on."""

import errno
from collections.abc import Iterator
from contextlib import contextmanager

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
