"""The child process: carries out one call after the other, within limits, and ends with its parent.

Run as a module, with the number of its socket.
"""

import errno
import logging
import math
import os
import pickle
import resource
import signal
import sys
import threading
import traceback
from collections.abc import Callable
from logging.handlers import QueueHandler
from multiprocessing.connection import Connection
from pathlib import Path
from queue import SimpleQueue
from typing import Any

from heaters_pipeline.errors import HeatersError, shortage
from heaters_pipeline.heap import use_one_heap
from heaters_pipeline.isolation.limits import Limits
from heaters_pipeline.isolation.messages import (
    Answer,
    Logged,
    Raised,
    Request,
    Returned,
    Told,
)

_NEARLY_ALL_BYTES = 64 << 20
"""So much is left at most where a thread could not be started for want of addresses: a stack
(8 MiB as a rule) and what malloc reserves for it."""

_KILLED_FIRST = "800"
"""Of 1000. Where memory is short, Linux ends this process rather than its parent."""


class _Parent:
    """The way to the parent."""

    def __init__(self, descriptor: int) -> None:
        self._connection = Connection(descriptor)
        self._received: SimpleQueue[Any] = SimpleQueue()
        self._sending = threading.Lock()
        self._asking = threading.Lock()
        threading.Thread(target=self._receive, daemon=True).start()

    def receive(self) -> Any:
        return self._received.get()

    def send(self, answer: Answer) -> None:
        with self._sending:
            self._connection.send(answer)

    def function(self, name: str) -> Callable[..., None]:
        """A function of the parent; it has returned when this one does."""

        def tell(*args: Any) -> None:
            with self._asking:
                self.send(Told(name, args))
                self.receive()

        return tell

    def _receive(self) -> None:
        while True:
            try:
                self._received.put(self._connection.recv())
            except (EOFError, OSError):
                # The parent is gone, or wants no more. The other threads would go on.
                os._exit(0)


class _ParentsLog(QueueHandler):
    def __init__(self, parent: _Parent) -> None:
        super().__init__(SimpleQueue())
        self._parent = parent

    def enqueue(self, record: logging.LogRecord) -> None:
        self._parent.send(Logged(record))


def main(descriptor: int) -> None:
    """Serve the parent at the other end of a socket."""
    # A parent may ignore it or hold it back, as while it ends itself, and children inherit that.
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, [signal.SIGTERM])
    use_one_heap()
    if sys.platform == "linux":
        Path("/proc/self/oom_score_adj").write_text(_KILLED_FIRST)
    parent = _Parent(descriptor)
    logging.getLogger().addHandler(_ParentsLog(parent))
    most_addresses: float | None = None
    while True:
        request: Request = parent.receive()
        logging.getLogger().setLevel(request.log_level)
        function, args, by_name = pickle.loads(request.call)  # noqa: S301 - from the parent
        told = {name: parent.function(name) for name in request.told}
        if most_addresses is None:
            most_addresses = _limit_addresses(request.limits)
        _limit_cpu(request.limits)
        try:
            answer: Answer = Returned(function(*args, **by_name, **told))
        except Exception as error:  # noqa: BLE001 - it is raised again, in the parent
            answer = _raised(error, most_addresses)
        parent.send(answer)


def _limit_addresses(limits: Limits) -> float:
    """Set the limit of memory, and return what all addresses may come to; infinite without one."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    wanted = _addresses("VmSize") + limits.memory_bytes
    outer = min(math.inf if each == resource.RLIM_INFINITY else each for each in (soft, hard))
    if wanted >= outer:
        # What is short then is not by our limit.
        return math.inf
    resource.setrlimit(resource.RLIMIT_AS, (int(wanted), hard))
    return wanted


def _limit_cpu(limits: Limits) -> None:
    if limits.cpu_seconds == math.inf:
        return
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    used = resource.getrusage(resource.RUSAGE_SELF)
    # In whole seconds; the soft limit alone, so that the next call can have its own.
    wanted = math.ceil(used.ru_utime + used.ru_stime + limits.cpu_seconds)
    if hard == resource.RLIM_INFINITY or wanted < hard:
        resource.setrlimit(resource.RLIMIT_CPU, (wanted, hard))


def _raised(error: Exception, most_addresses: float) -> Raised:
    is_short = shortage(error) is not None
    is_limit = is_short and most_addresses < math.inf
    if is_limit and isinstance(error, OSError | RuntimeError) and not _is_memory(error):
        # Also where the machine allows no more threads.
        is_limit = _addresses("VmPeak") > most_addresses - _NEARLY_ALL_BYTES
    if not isinstance(error, HeatersError):
        error.add_note("in the child process:\n" + "".join(traceback.format_exception(error)))
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - its own
    except Exception:  # noqa: BLE001 - others' errors may fail in any way
        said = "".join(traceback.format_exception(error))
        error = MemoryError(str(error)) if is_short else RuntimeError(said)
    return Raised(error, is_limit)


def _is_memory(error: OSError | RuntimeError) -> bool:
    return isinstance(error, OSError) and error.errno == errno.ENOMEM


def _addresses(name: str) -> int:
    """Bytes of addresses, ``VmSize`` now or ``VmPeak`` at most so far; 0 where no system says."""
    if sys.platform != "linux":
        return 0
    status = Path("/proc/self/status").read_text()
    line = next(line for line in status.splitlines() if line.startswith(f"{name}:"))
    return int(line.split()[1]) * 1024


if __name__ == "__main__":
    main(int(sys.argv[1]))
