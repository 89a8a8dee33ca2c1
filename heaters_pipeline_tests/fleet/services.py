"""Servers and programs that tests start, kill and start again on the same port."""

import os
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

_START_SECONDS = 60


class Service:
    """A program that may be ended and started again; all that it started ends with it.

    Attributes:
        name: For messages, and the name of its log.
        log: Where its output goes, of all its lives.
        process: The living one, or the last; None before the first.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        is_ready: Callable[[], bool] | None = None,
        account: Mapping[str, Any] | None = None,
    ) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self.process: subprocess.Popen[bytes] | None = None
        self._command = list(command)
        self._folder = folder
        self._environment = dict(environment)
        self._is_ready = is_ready
        self._account = dict(account or {})

    def start(self) -> None:
        """Start it, and wait until it is ready.

        Raises:
            RuntimeError: It ended, or was not ready in a minute; shows its output.
        """
        with self.log.open("ab") as output:
            self.process = subprocess.Popen(
                self._command,
                cwd=self._folder,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                **self._account,
            )
        deadline = time.monotonic() + _START_SECONDS
        while self._is_ready is not None and not self._is_ready():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise RuntimeError(f"{self.name} did not start:\n{self.output}")
            time.sleep(0.1)

    @property
    def pid(self) -> int:
        """Of the program, and of the group of all that it started."""
        assert self.process is not None
        return self.process.pid

    @property
    def is_running(self) -> bool:
        """Whether it lives."""
        return self.process is not None and self.process.poll() is None

    @property
    def output(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-20_000:]

    def stop(self, ask: signal.Signals = signal.SIGTERM, *, seconds: float = 20) -> None:
        """Ask it to end, and force what is left of it afterwards."""
        if self.process is not None:
            self.process.send_signal(ask)
            with suppress(subprocess.TimeoutExpired):
                self.process.wait(seconds)
            self.kill()

    def kill(self) -> None:
        """End it and all that it started at once, as a machine that goes down does."""
        if self.process is not None:
            with suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.process.wait()


def answers(port: int) -> Callable[[], bool]:
    """Whether somebody listens on a port of loopback."""

    def look() -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    return look
