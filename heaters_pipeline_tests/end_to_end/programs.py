"""Programs as a person starts them, with everything that they start; nothing of them is left."""

import os
import shutil
import signal
import sqlite3
import subprocess
import sysconfig
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from typing import TypeVar

CHECKOUT = Path(__file__).resolve().parents[2]

_STOP_SECONDS = 20
_LOG_CHARACTERS_SHOWN = 20_000

Found = TypeVar("Found")


class Program:
    """A running program and its output.

    Attributes:
        process: The program; its children are in its process group.
        log: Where its output and theirs goes.
    """

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self.log = log

    def wait_for(self, what: str, look: Callable[[], Found | None], *, seconds: float) -> Found:
        """Look again and again until something is found.

        Args:
            what: What is waited for, for the message.
            look: Returns None, or something false, while it is not there.
            seconds: How long to wait.
        Raises:
            AssertionError: It did not come, or the program ended; shows the program's output.
        """
        deadline = time.monotonic() + seconds
        while True:
            found = look()
            if found:
                return found
            code = self.process.poll()
            if code is not None:
                raise AssertionError(f"it ended with code {code} before {what}\n{self.output}")
            if time.monotonic() > deadline:
                raise AssertionError(f"not within {seconds:.0f} s: {what}\n{self.output}")
            time.sleep(0.5)

    def stand_still(self, folder: Path) -> None:
        """Stop it and all that it started, at a time when it keeps no database of others.

        Args:
            folder: Has the databases in it; whoever wants to write there waits half a minute.
        """
        while True:
            os.killpg(self.process.pid, signal.SIGSTOP)
            os.waitid(os.P_PID, self.process.pid, os.WSTOPPED | os.WEXITED | os.WNOWAIT)
            if not any(_is_locked(path) for path in folder.rglob("*.db")):
                return
            os.killpg(self.process.pid, signal.SIGCONT)
            time.sleep(0.05)

    @property
    def output(self) -> str:
        """The end of what it wrote."""
        return self.log.read_text(errors="replace")[-_LOG_CHARACTERS_SHOWN:]


@contextmanager
def running(
    command: Sequence[str], *, folder: Path, log: Path, environment: Mapping[str, str]
) -> Iterator[Program]:
    """Run a program of this Python environment until the end of the block.

    Args:
        command: Its name and its arguments.
        folder: Where it is started.
        log: Where its output goes.
        environment: What is added to the variables that tests run with; those of this machine
            that speak to AWS, Dagster or the pipeline are left out.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(
            [find_program(command[0]), *command[1:]],
            cwd=folder,
            env={**neutral_environment(), **environment},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield Program(process, log)
    finally:
        _stop(process)


def find_program(name: str) -> str:
    """A program of the Python environment that runs the tests, else one on PATH."""
    places = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", "")))
    found = shutil.which(name, path=places)
    if found is None:
        raise FileNotFoundError(f"{name} is neither beside this Python nor on PATH")
    return found


def neutral_environment() -> dict[str, str]:
    """The variables of the tests, without those that speak to AWS, Dagster or the pipeline."""
    ours = ("AWS_", "DAGSTER_", "HEATERS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    # The package is found where the tests found it, installed or not.
    paths = [str(CHECKOUT), *filter(None, [os.environ.get("PYTHONPATH")])]
    return {**kept, "PYTHONPATH": os.pathsep.join(paths), "PYTHONUNBUFFERED": "1"}


def _is_locked(database: Path) -> bool:
    with closing(sqlite3.connect(database, timeout=0)) as connection:
        try:
            connection.execute("BEGIN IMMEDIATE")
        except sqlite3.OperationalError as error:
            # "locking protocol": of a database in WAL mode that another process is just opening.
            if "lock" in str(error):
                return True
            raise
    return False


def _stop(process: "subprocess.Popen[bytes]") -> None:
    """Ask the program to end; what is left of it and of all that it started is forced to."""
    process.terminate()
    with suppress(subprocess.TimeoutExpired):
        process.wait(_STOP_SECONDS)
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()
