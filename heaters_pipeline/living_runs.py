"""Which runs are alive: each holds a lock and gives signs of life, else it is reported failed.

Dagster's default launcher learns of the death of a run only as long as the process that started it
lives, and of runs of a command never. On one machine a lock on a file tells at once; the system
drops it with the process. Who cannot see the lock counts, by its own clock, how long the run has
given no sign of life: no two clocks are compared. The daemon starts its code server anew every
minute, so that what was seen is kept in the cursor of the sensor, and not in a process.
"""

import json
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from fcntl import LOCK_EX
from pathlib import Path

import dagster as dg
from dagster import DagsterRun, DagsterRunStatus
from sqlalchemy.exc import SQLAlchemyError

from heaters_pipeline import home
from heaters_pipeline.names import ALIVE_TAG, DIED_TAG, JOBS, MAX_RETRIES_TAG, PROCESS_TAG
from heaters_pipeline.storage.file_locks import abandoned_files, lock_file, unlock_file
from heaters_pipeline.storage.heartbeats import beating

FOLDER = "runs"
"""Where the locks lie, in the folder of local copies."""
MAX_DEATHS = 3
"""How often the process of a run may die for a version before no sensor tries it again."""
BEAT_SECONDS = 45.0
SILENCE_SECONDS = 180.0
"""Without a sign of life until a run elsewhere counts as dead: 5 minutes after its last at most."""

run_process: ContextVar[str | None] = ContextVar("run_process", default=None)
"""The name of this process's lock, if who starts a run in it holds one already."""

_SUFFIX = ".lock"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_BEGUN = [
    DagsterRunStatus.NOT_STARTED,
    DagsterRunStatus.STARTING,
    DagsterRunStatus.STARTED,
    DagsterRunStatus.CANCELING,
]
_tagging = threading.Lock()
_logger = logging.getLogger(__name__)


def tag_run(instance: dg.DagsterInstance, run_id: str, tags: Mapping[str, str]) -> None:
    """Add tags to a run of this process, whose threads do so one after the other.

    Dagster reads all tags of a run and writes them back, so that of two at once one is lost.
    """
    with _tagging:
        instance.add_run_tags(run_id, dict(tags))


@contextmanager
def living_process(cache_folder: Path) -> Iterator[dict[str, str]]:
    """Hold a lock by which others tell that this process is alive.

    Gives the tags with which runs of this process begin; none where no lock can be had. The daemon
    must not try such a run again by itself: a sensor does, from what the store holds.
    """
    name = f"{socket.gethostname()}-{os.getpid()}-{secrets.token_hex(4)}"
    path = _lock_path(cache_folder, name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = lock_file(path, os.O_RDWR | os.O_CREAT, LOCK_EX)
        os.write(descriptor, str(home.home_folder()).encode())
    except OSError as error:
        _logger.warning("nobody can tell whether this process is alive: %s", error)
        yield {}
        return
    token = run_process.set(name)
    try:
        yield {PROCESS_TAG: name, MAX_RETRIES_TAG: "0"}
    finally:
        run_process.reset(token)
        path.unlink(missing_ok=True)
        unlock_file(descriptor)


@contextmanager
def living_run(instance: dg.DagsterInstance, run: DagsterRun, cache_folder: Path) -> Iterator[None]:
    """Let others tell that a run is alive, which has just begun in this process."""
    if run_process.get() is not None:
        with _signs_of_life(instance, run.run_id):
            yield
        return
    with living_process(cache_folder) as tags:
        name = tags.get(PROCESS_TAG, f"{socket.gethostname()}-{os.getpid()}")
        tag_run(instance, run.run_id, {PROCESS_TAG: name})
        with _signs_of_life(instance, run.run_id):
            yield


def _signs_of_life(instance: dg.DagsterInstance, run_id: str) -> AbstractContextManager[None]:
    number = 0

    def beat() -> bool:
        nonlocal number
        number += 1
        try:
            tag_run(instance, run_id, {ALIVE_TAG: str(number)})
        except (SQLAlchemyError, dg.DagsterError) as error:
            _logger.warning("this run may be taken for dead: %s", error)
        return True

    return beating(beat, BEAT_SECONDS, "alive")


def report_dead_here(instance: dg.DagsterInstance, cache_folder: Path) -> list[DagsterRun]:
    """Report the runs failed whose process died on this machine; gives them as they were."""
    dead: list[DagsterRun] = []
    for path in abandoned_files(cache_folder / FOLDER, f"*{_SUFFIX}"):
        name = path.name.removesuffix(_SUFFIX)
        wanted = dg.RunsFilter(tags={PROCESS_TAG: name}, statuses=_BEGUN)
        for run in instance.get_runs(wanted):
            _report(instance, run, f"its process {name} died")
            dead.append(run)
        # Those of another instance that uses the same folder are left to it.
        if path.read_text() in ("", str(home.home_folder())):
            path.unlink(missing_ok=True)
    return dead


@dataclass(slots=True)
class SilentRuns:
    """The signs of life of the runs of other machines, as one machine sees them.

    Attributes:
        seen: By run, its last sign of life, and when it was seen first by this machine's clock.
    """

    seen: dict[str, tuple[tuple[str, str], float]] = field(default_factory=dict)

    @classmethod
    def remembered(cls, text: str | None) -> "SilentRuns":
        """What an earlier process of this machine saw; nothing if it was of another, or broken."""
        try:
            content = json.loads(text or "{}")
            seen = {
                run_id: ((str(process), str(alive)), float(since))
                for run_id, (process, alive, since) in content["seen"].items()
            }
            is_ours = content["clock"] == _clock()
        except (ValueError, TypeError, KeyError, AttributeError):
            return cls()
        return cls(seen) if is_ours else cls()

    def to_text(self) -> str:
        """What the next process of this machine goes on from."""
        seen = {run_id: (*sign, since) for run_id, (sign, since) in self.seen.items()}
        return json.dumps({"clock": _clock(), "seen": seen})

    def report(
        self,
        instance: dg.DagsterInstance,
        cache_folder: Path,
        *,
        now: float | None = None,
        silence_seconds: float = SILENCE_SECONDS,
    ) -> list[DagsterRun]:
        """Report the runs failed that gave no sign of life for too long; gives them."""
        now = time.monotonic() if now is None else now
        statuses = [DagsterRunStatus.STARTED, DagsterRunStatus.CANCELING]
        runs = [
            run
            for run in instance.get_runs(dg.RunsFilter(statuses=statuses))
            # Each of ours tells its process as soon as it has begun, unless it was killed before.
            if (PROCESS_TAG in run.tags or run.job_name in JOBS)
            and not _lock_path(cache_folder, run.tags.get(PROCESS_TAG, "")).exists()
        ]
        self.seen = {run.run_id: self._since(run, now) for run in runs}
        dead = [run for run in runs if now - self.seen[run.run_id][1] >= silence_seconds]
        for run in dead:
            process = run.tags.get(PROCESS_TAG, "without a name")
            why = f"its process {process} was silent for {silence_seconds:.0f} s"
            _report(instance, run, why)
        return dead

    def _since(self, run: DagsterRun, now: float) -> tuple[tuple[str, str], float]:
        sign = (run.tags.get(PROCESS_TAG, ""), run.tags.get(ALIVE_TAG, ""))
        known = self.seen.get(run.run_id)
        return known if known and known[0] == sign else (sign, now)


def _clock() -> str:
    """Which clock ``time.monotonic`` is: it begins anew with the machine, not with a process."""
    try:
        return _BOOT_ID.read_text().strip()
    except OSError:
        return f"{socket.gethostname()}-{os.getpid()}"


def died(tags: Mapping[str, str]) -> bool:
    """Whether the process of a run with these tags was found dead."""
    return DIED_TAG in tags


def _lock_path(cache_folder: Path, process: str) -> Path:
    return cache_folder / FOLDER / f"{process}{_SUFFIX}"


def _report(instance: dg.DagsterInstance, run: DagsterRun, why: str) -> None:
    current = instance.get_run_by_id(run.run_id)
    if current is None or current.is_finished:
        # Another looked at the same time, or Dagster itself noticed.
        return
    message = (
        f"{why}: it was killed, or its machine went down; what is finished is kept. The sensors "
        f"start the video again unless that happened {MAX_DEATHS} times; heaters process does, too"
    )
    _logger.warning("run %s: %s", run.run_id, message)
    instance.add_run_tags(run.run_id, {DIED_TAG: "true"})
    if current.status is DagsterRunStatus.CANCELING:
        instance.report_run_canceled(current, message)
    else:
        instance.report_run_failed(current, message)
