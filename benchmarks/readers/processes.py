"""The processes of the readers, and what becomes of those that crash or hang."""

import json
import os
import re
import select
import signal
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import IO

from benchmarks.readers.reading import Question, Reading

_ROOT = Path(__file__).resolve().parents[2]
_MOST_SECONDS = 180
_ENDING_SECONDS = 10
_ERROR = re.compile(r"[\w.]*(Error|Exception)\b")


class ReaderError(Exception):
    """A reader gave no answer."""


class ReaderMissingError(Exception):
    """A reader is not installed."""


class ReaderProcess:
    """One reader, whose process is started again where a video ended it."""

    def __init__(self, name: str, python: Path) -> None:
        """Start it.

        Args:
            name: One of ``worker.READERS``.
            python: Of the environment that it is installed in.
        Raises:
            ReaderMissingError: It is not.
        """
        self.name = name
        self._python = python
        self._process: subprocess.Popen[str] | None = None
        self._log: IO[str] = tempfile.TemporaryFile("w+")  # noqa: SIM115
        self.version = self._start()

    def read(self, question: Question) -> Reading:
        """Read a video.

        Raises:
            ReaderError: It crashed, or gave no answer in time.
        """
        if self._process is None:
            self._start()
        return Reading.from_json(self._answer(question.to_json()))

    def close(self) -> None:
        """End the process, and what it started."""
        if self._process is not None and self._process.stdin is not None:
            # Nothing more to read: it cleans up and ends by itself.
            self._process.stdin.close()
            with suppress(subprocess.TimeoutExpired):
                self._process.wait(_ENDING_SECONDS)
        self._stop()
        self._log.close()

    def _stop(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    pipe.close()

    def _start(self) -> str:
        self._log.seek(0)
        self._log.truncate()
        self._process = subprocess.Popen(
            [str(self._python), "-m", "benchmarks.readers.worker", self.name],
            cwd=_ROOT,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
            # So that the browser of a reader ends with it.
            start_new_session=True,
        )
        try:
            content = json.loads(self._answer(""))
        except ReaderError as error:
            raise ReaderMissingError(str(error)) from error
        if "missing" in content:
            self._stop()
            raise ReaderMissingError(content["missing"])
        return str(content["version"])

    def _answer(self, line: str) -> str:
        process = self._process
        assert process is not None
        assert process.stdin is not None
        assert process.stdout is not None
        if line:
            process.stdin.write(line + "\n")
            process.stdin.flush()
        ready, _, _ = select.select([process.stdout], [], [], _MOST_SECONDS)
        answer = process.stdout.readline() if ready else ""
        if answer:
            return answer
        reason = self._last_words() if ready else f"no answer in {_MOST_SECONDS} s"
        self._stop()
        raise ReaderError(reason)

    def _last_words(self) -> str:
        self._log.seek(0)
        lines = [line.strip() for line in self._log if line.strip()]
        # Those of browsers are followed by a stack of calls.
        errors = [line for line in lines if _ERROR.match(line)]
        return [*lines, *errors][-1][:200] if lines else "it ended without a word"
