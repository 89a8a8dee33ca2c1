"""The command ``heaters``, in this process or as a program of its own."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline.cli import main
from heaters_pipeline_tests.end_to_end.programs import CHECKOUT, find_program

# Runs the command and then tells what it imported.
TELLS_IMPORTS = """
import sys
from heaters_pipeline.cli import main
try:
    main()
finally:
    print(sorted(name for name in sys.modules if name.partition(".")[0] == "dagster"),
          file=sys.stderr)
"""


@dataclass(frozen=True, slots=True)
class Ended:
    """What a command left.

    Attributes:
        code: Its exit code.
        out: Its standard output.
        err: Its standard error.
    """

    code: int
    out: str
    err: str

    @property
    def document(self) -> dict[str, Any]:
        """Its standard output, which is one JSON document and nothing else."""
        content = json.loads(self.out)
        assert isinstance(content, dict)
        return content

    @property
    def videos(self) -> list[dict[str, Any]]:
        """The videos of the document."""
        assert list(self.document) == ["videos"]
        return list(self.document["videos"])


class Heaters:
    """Types commands. Standard output and error are those of the process, as they really are."""

    def __init__(self, capture: pytest.CaptureFixture[str]) -> None:
        self._capture = capture

    def __call__(self, *arguments: str | Path) -> Ended:
        """Run a command in this process."""
        self._capture.readouterr()
        with pytest.raises(SystemExit) as ended:
            main([str(argument) for argument in arguments], prog_name="heaters")
        out, err = self._capture.readouterr()
        return Ended(ended.value.code if isinstance(ended.value.code, int) else 0, out, err)


def heaters_program(
    *arguments: str | Path, folder: Path, script: str | None = None
) -> "subprocess.Popen[str]":
    """Start the command as people do, with the environment of this process.

    Args:
        arguments: What is typed after ``heaters``.
        folder: Where it is typed.
        script: Python that is run in its place, with the same arguments.
    """
    program = [find_program("heaters")] if script is None else [sys.executable, "-c", script]
    return subprocess.Popen(
        [*program, *(str(argument) for argument in arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT)},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
