"""Threads of a process that carries out runs get no heaps of their own."""

import platform
import subprocess
import sys

import pytest

ALLOCATE_IN_THREADS = """
import ctypes, threading
import heaters_pipeline.definitions

libc = ctypes.CDLL(None)
libc.malloc.restype = libc.fopen.restype = ctypes.c_void_p
barrier = threading.Barrier(4)

def tell_heaps():
    stream = ctypes.c_void_p(libc.fopen(b"/dev/stderr", b"a"))
    libc.malloc_info(0, stream)
    libc.fclose(stream)

def allocate():
    # All at once, so that each finds the others at work.
    barrier.wait()
    for _ in range(2000):
        libc.malloc(ctypes.c_size_t(100))

tell_heaps()
threads = [threading.Thread(target=allocate) for _ in range(4)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
tell_heaps()
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="only glibc has heaps of threads")
def test_threads_of_a_run_get_no_heaps_of_their_own() -> None:
    told = subprocess.run(
        [sys.executable, "-c", ALLOCATE_IN_THREADS], check=True, capture_output=True, text=True
    )
    before, after = (
        part.count("<heap nr=") for part in told.stderr.split("</malloc>\n") if "<malloc" in part
    )
    assert after == before
