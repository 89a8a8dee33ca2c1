"""What the command line shows: progress for a person or a log, results as lines or as JSON."""

import json
import logging
import os
import shutil
import sys
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from tempfile import TemporaryFile
from textwrap import indent
from types import TracebackType
from typing import Any, TextIO

from heaters_pipeline.errors import printable

_SECONDS_BETWEEN_LINES = 10.0
_PACKAGE_LOGGER = logging.getLogger("heaters_pipeline")
_PHASE_NAMES = {
    "waiting": "waiting for another run of it",
    "copy": "copying",
    "download": "downloading",
    "decode": "scoring frames",
    "thresholds": "trying thresholds",
    "pictures": "taking pictures",
    "clips": "cutting clips",
    "sprite_sheets": "drawing sprite sheets",
    "keyframes": "taking key frames",
    "storyboards": "drawing the storyboard",
    "dataset": "writing the data set, in MB",
}


@contextmanager
def only_json_on_stdout() -> Iterator[TextIO]:
    """Give the real standard output and send everything else that is printed to standard error.

    Dagster, FFmpeg and whatever else prints would break the one document.
    """
    sys.stdout.flush()
    real = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    try:
        yield real
    finally:
        sys.stdout.flush()
        os.dup2(real.fileno(), 1)
        real.close()


@contextmanager
def stdout_for(as_json: bool) -> Iterator[TextIO | None]:
    """The stream for the one document, or None if people read."""
    with ExitStack() as stack:
        yield stack.enter_context(only_json_on_stdout()) if as_json else None


def print_json(document: Mapping[str, Any], stream: TextIO) -> None:
    """Print one document."""
    json.dump(document, stream, indent=2)
    stream.write("\n")
    stream.flush()


class JsonRows:
    """The rows of a JSON document, kept in a temporary file until the rest of it is known.

    Nothing is printed before, so that a program gets all of the document or none.
    """

    def __init__(self, file: TextIO) -> None:
        self._file = file

    @classmethod
    @contextmanager
    def kept(cls) -> "Iterator[JsonRows]":
        """Rows that are kept inside."""
        with TemporaryFile("w+") as file:
            yield cls(file)

    def add(self, row: Mapping[str, Any]) -> None:
        """Keep a row."""
        before = ",\n" if self._file.tell() else "\n"
        self._file.write(before + indent(json.dumps(row, indent=2), "    "))

    def print(self, document: Mapping[str, Any], name: str, stream: TextIO) -> None:
        """Print a document with the rows under a name, which has no rows of its own yet."""
        head, _, tail = json.dumps(document, indent=2).partition(f'"{name}": []')
        stream.write(f'{head}"{name}": [')
        if self._file.tell():
            self._file.seek(0)
            shutil.copyfileobj(self._file, stream)
            stream.write("\n  ")
        stream.write(f"]{tail}\n")
        stream.flush()


class Watcher:
    """Shows the progress of runs, bars on a terminal, else a line now and then; and warnings.

    Takes its own copy of standard error, since Dagster captures the process's while steps run.
    """

    def __init__(self) -> None:
        from rich.console import Console
        from rich.progress import (
            BarColumn,
            MofNCompleteColumn,
            Progress,
            TextColumn,
            TimeElapsedColumn,
        )

        self._stream = os.fdopen(os.dup(2), "w")
        self._console = Console(file=self._stream, highlight=False, soft_wrap=True)
        self._video = ""
        self._phase = ""
        self._said_at = 0.0
        self._progress = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            console=self._console,
            transient=True,
        )
        self._task: Any = None
        self._warnings = _Warnings(self)

    def __enter__(self) -> "Watcher":
        if self._console.is_terminal:
            self._progress.start()
        _PACKAGE_LOGGER.addHandler(self._warnings)
        return self

    def __exit__(
        self,
        error_type: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        _PACKAGE_LOGGER.removeHandler(self._warnings)
        if self._console.is_terminal:
            self._progress.stop()
        self._stream.close()

    def start(self, video: str) -> None:
        """Say which video is at work from now on."""
        self._video, self._phase = printable(video), ""

    def say(self, line: str) -> None:
        """Print a line above the bars."""
        self._console.print(line, markup=False)

    def warn(self, message: str) -> None:
        """Print what a person should know of the video at work."""
        about = f"{self._video}: " if self._video else ""
        self.say(f"{about}warning: {printable(message)}")

    def step(self, phase: str, done: int, total: int) -> None:
        """Take a phase's progress; the listener of the runs."""
        name = f"{self._video}: {_PHASE_NAMES.get(phase, phase)}"
        fresh, self._phase = phase != self._phase, phase
        if self._console.is_terminal:
            self._show(name, done, total, fresh)
            return
        now = time.monotonic()
        if fresh or now - self._said_at >= _SECONDS_BETWEEN_LINES:
            self._said_at = now
            self.say(f"{name} {done} of {total}" if total and not fresh else name)

    def clear(self) -> None:
        """Take the bar away."""
        if self._task is not None:
            self._progress.remove_task(self._task)
            self._task = None

    def _show(self, name: str, done: int, total: int, fresh: bool) -> None:
        if fresh:
            self.clear()
        if self._task is None:
            self._task = self._progress.add_task(name, total=total or None)
        self._progress.update(self._task, completed=done, total=total or None)


class _Warnings(logging.Handler):
    """Lets a watcher say what the pipeline warns of, which Dagster keeps from the terminal."""

    def __init__(self, watcher: Watcher) -> None:
        super().__init__(logging.WARNING)
        self._watcher = watcher

    def emit(self, record: logging.LogRecord) -> None:
        self._watcher.warn(record.getMessage())


def table_lines(header: tuple[str, ...], rows: list[tuple[str, ...]]) -> list[str]:
    """Rows as aligned text, one line each; the last column may be of any length."""
    rows = [tuple(map(printable, row)) for row in rows]
    widths = [max(len(row[at]) for row in [header, *rows]) for at in range(len(header) - 1)]
    return [
        "  ".join([*(cell.ljust(width) for cell, width in zip(row, widths, strict=False)), row[-1]])
        for row in [header, *rows]
    ]


def megabytes(size_bytes: int) -> str:
    """A size for people."""
    return f"{size_bytes / 1e6:.1f} MB"
