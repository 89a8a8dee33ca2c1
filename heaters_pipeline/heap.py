"""How a process takes memory from the system."""

import ctypes

# Of mallopt(3).
_M_ARENA_MAX = -8


def use_one_heap() -> None:
    """Let all threads allocate from one heap, where the C library is glibc.

    By itself glibc gives threads heaps of their own, and what is freed in one of them serves no
    other: pictures that some threads make and others free keep a third of a run's memory for
    nothing. FFmpeg and numpy allocate seldom and much, so that waiting for one lock costs nothing.
    """
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(_M_ARENA_MAX, 1)
