"""What the run of a stage counts, to be added to the totals of all runs."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from threading import Lock
from typing import Protocol


@dataclass(frozen=True, slots=True)
class StageMetrics:
    """What one attempt at a stage of a video comes to.

    Attributes:
        stage: The asset.
        items: How many units were ``made``, ``reused`` or ``failed``, by stage and outcome: an
            asset may do the work of an earlier stage, too.
        failures: How many units or whole attempts failed, by stage and kind of error.
        phase_seconds: Seconds by phase.
        store_requests: Requests by the store's name for the operation.
        clips_per_minute: None if it made none.
        peak_memory_bytes: Of the process so far; None if nothing was made and nothing failed,
            which says nothing about the memory that work takes.
    """

    stage: str
    items: Mapping[tuple[str, str], int]
    failures: Mapping[tuple[str, str], int]
    phase_seconds: Mapping[str, float]
    store_requests: Mapping[str, int]
    clips_per_minute: float | None
    peak_memory_bytes: int | None


class MetricsTotals(Protocol):
    """The totals of all runs."""

    def add(self, run: StageMetrics) -> None:
        """Add what an attempt came to. Never fails: what goes wrong is only logged."""
        ...


class RunCounts:
    """What an asset counts while it works. Threads may count at the same time."""

    def __init__(self) -> None:
        self._items: Counter[tuple[str, str]] = Counter()
        self._failures: Counter[tuple[str, str]] = Counter()
        self._lock = Lock()

    def add(self, stage: str, outcome: str, number: int = 1) -> None:
        """Count units of a stage that were ``made``, ``reused`` or ``failed``."""
        with self._lock:
            self._items[stage, outcome] += number

    def fail(self, stage: str, kind: str) -> None:
        """Count a failure, of a unit or of the whole attempt."""
        with self._lock:
            self._failures[stage, kind] += 1

    @property
    def items(self) -> dict[tuple[str, str], int]:
        """Units by stage and outcome."""
        with self._lock:
            return dict(self._items)

    @property
    def failures(self) -> dict[tuple[str, str], int]:
        """Failures by stage and kind."""
        with self._lock:
            return dict(self._failures)
