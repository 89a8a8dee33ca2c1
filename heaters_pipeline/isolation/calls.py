"""Calls of functions that read files of others: in child processes, where that is asked for.

The environment asks for it (``HEATERS_ISOLATION``). FFmpeg is C, and reads whatever it is given: a
crash of it, or its hunger for memory and time, then ends a child, and becomes an error that says
what happened to which video. It is no sandbox: a child may do all that its parent may.
"""

import logging
import math
import os
import pickle
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from multiprocessing import Pipe
from types import TracebackType
from typing import Any, ParamSpec, Self, TypeVar

from heaters_pipeline.errors import InvalidVideoError
from heaters_pipeline.isolation.limits import Limits, isolation_limits
from heaters_pipeline.isolation.messages import Logged, Raised, Request, Returned, Told

P = ParamSpec("P")
T = TypeVar("T")

_FROM_OUTSIDE = frozenset({signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP})
"""Who ends a process with these is not the process."""

_UNTIL_DEAD_SECONDS = 10

_package_logger = logging.getLogger("heaters_pipeline")


def isolated(doing: str, function: Callable[P, T], /, *args: P.args, **by_name: P.kwargs) -> T:
    """Call a function in a child process of its own, if that is asked for; else here.

    Args:
        doing: What it does, for messages, such as "the frames of a.mp4 were scored".
        function: Of a module, which a child can import.
        *args: Can be pickled, as what it returns.
        **by_name: The same. Functions whose names begin with ``on_`` are called here, by the
            thread that called this one, while the child's waits; what they return is not passed on.
    Raises:
        InvalidVideoError: The child crashed, or used more than the limits: ``decoder_crashed``,
            ``memory_limit``, ``cpu_limit``, ``time_limit``.
        MemoryError: The child was ended from outside, as where memory is short.
        SettingsError: A variable of the environment is unusable.
        Exception: What the function raises.
    """
    with Children() as children:
        return children.call(doing, function, *args, **by_name)


class Children:
    """Child processes for many calls on one video, one call at a time each.

    A child costs some tenths of a second to start. For another video there are to be others: what
    one has done to a child's memory must not show in the next. Several threads may call.
    """

    def __init__(self) -> None:
        self._idle: list[_Child] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.end()

    def end(self) -> None:
        """End those that wait for a call; another call starts another."""
        while self._idle:
            self._idle.pop().end()

    def call(
        self, doing: str, function: Callable[P, T], /, *args: P.args, **by_name: P.kwargs
    ) -> T:
        """The same as ``isolated``, by a child that is kept for the next call."""
        limits = isolation_limits()
        if limits is None:
            return function(*args, **by_name)
        try:
            child = self._idle.pop()
        except IndexError:
            child = _Child()
        try:
            result: T = child.call(doing, limits, (function, args, by_name))
        except BaseException:
            child.end()
            raise
        self._idle.append(child)
        return result


class _Child:
    def __init__(self) -> None:
        self._connection, theirs = Pipe()
        with theirs:
            # Not by multiprocessing, whose children import the program of their parent: the
            # command and all of Dagster. -P: nothing is imported from the folder of a video.
            module = "heaters_pipeline.isolation.child"
            self._process = subprocess.Popen(
                [sys.executable, "-P", "-m", module, str(theirs.fileno())],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                pass_fds=[theirs.fileno()],
                # Ctrl-C goes to the parent, which ends its children.
                start_new_session=True,
            )

    def end(self) -> None:
        self._process.kill()
        self._process.wait()
        self._connection.close()

    def call(
        self,
        doing: str,
        limits: Limits,
        call: tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]],
    ) -> Any:
        function, args, by_name = call
        told = {
            name: value
            for name, value in by_name.items()
            if name.startswith("on_") and value is not None
        }
        passed = {name: value for name, value in by_name.items() if name not in told}
        request = Request(
            limits,
            _package_logger.getEffectiveLevel(),
            pickle.dumps((function, args, passed)),
            tuple(told),
        )
        until = time.monotonic() + limits.seconds
        try:
            self._send(request)
            while True:
                if not self._connection.poll(_left(until)):
                    raise _over("time_limit", doing, f"{limits.seconds:g} s", "HEATERS_MAX_SECONDS")
                match self._connection.recv():
                    case Logged(record):
                        logger = logging.getLogger(record.name)
                        if logger.isEnabledFor(record.levelno):
                            logger.handle(record)
                    case Told(name, arguments):
                        began = time.monotonic()
                        told[name](*arguments)
                        # The child has done nothing for it.
                        until += time.monotonic() - began
                        self._send(None)
                    case Returned(value):
                        return value
                    case Raised(error, is_limit):
                        if is_limit:
                            megabytes = f"{limits.memory_bytes / 1e6:g} MB of memory"
                            raise _over(
                                "memory_limit", doing, megabytes, "HEATERS_MAX_MEMORY_MB"
                            ) from error
                        raise error
        except (EOFError, ConnectionError) as error:
            raise self._death(doing, limits) from error

    def _send(self, message: Request | None) -> None:
        self._connection.send(message)

    def _death(self, doing: str, limits: Limits) -> Exception:
        code = self._process.wait(_UNTIL_DEAD_SECONDS)
        if -code == signal.SIGXCPU and limits.cpu_seconds < math.inf:
            seconds = f"{limits.cpu_seconds:g} s of CPU time"
            return _over("cpu_limit", doing, seconds, "HEATERS_MAX_CPU_SECONDS")
        how = f"signal {-code}, {signal.Signals(-code).name}" if code < 0 else f"exit code {code}"
        soft, _ = resource.getrlimit(resource.RLIMIT_AS)
        if -code in _FROM_OUTSIDE or soft != resource.RLIM_INFINITY:
            # FFmpeg also crashes where it gets no memory, of which somebody else set the limit.
            return MemoryError(f"the child process ended while {doing}: {how}")
        return InvalidVideoError(
            "decoder_crashed",
            f"the decoder crashed ({how}) while {doing}; the file is damaged or made to do that: "
            "convert it with another program, or leave it out",
        )


def _over(reason: str, doing: str, limit: str, variable: str) -> InvalidVideoError:
    return InvalidVideoError(
        reason,
        f"more than {limit} was needed while {doing}; raise {variable} if the file is sound",
    )


def _left(until: float) -> float | None:
    return None if until == math.inf else max(until - time.monotonic(), 0)
