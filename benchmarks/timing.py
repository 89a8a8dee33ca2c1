"""Time whole processes, and print what they took."""

import os
import platform
import statistics
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import metadata


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process took, with those that it started and waited for.

    Attributes:
        cpu_seconds: Of all of them.
        wall_seconds: From start to end.
        peak_mb: Of the largest of them.
    """

    cpu_seconds: float
    wall_seconds: float
    peak_mb: float


def run(command: Sequence[str], env: Mapping[str, str] | None = None) -> Spent:
    """Run a command to its end.

    Raises:
        SystemExit: It failed.
    """
    started = time.perf_counter()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=env)
    _, status, usage = os.wait4(process.pid, 0)
    wall = time.perf_counter() - started
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"{' '.join(command)[:200]} ended with {process.returncode}")
    unit = 1 if sys.platform == "darwin" else 1024
    return Spent(usage.ru_utime + usage.ru_stime, wall, usage.ru_maxrss * unit / 1e6)


def median_of(runs: Sequence[Spent]) -> Spent:
    """The median times, and the highest peak."""
    return Spent(
        statistics.median(one.cpu_seconds for one in runs),
        statistics.median(one.wall_seconds for one in runs),
        max(one.peak_mb for one in runs),
    )


def print_table(rows: Sequence[Sequence[str]]) -> None:
    """Columns side by side."""
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)))


def versions(*packages: str) -> str:
    """Python, the cores and the packages, in a line."""
    named = (f"{package} {_version(package)}" for package in packages)
    return ", ".join([f"Python {platform.python_version()}", f"{os.cpu_count()} cores", *named])


def _version(package: str) -> str:
    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return "not installed"
