"""The totals of all runs on this machine for Prometheus: a text file, and a Pushgateway."""

import fcntl
import logging
import os
import socket
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from http.client import HTTPException
from pathlib import Path

from prometheus_client import push_to_gateway, write_to_textfile
from prometheus_client.core import Metric
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.registry import Collector

from heaters_pipeline.report.metrics.model import StageMetrics
from heaters_pipeline.storage.file_locks import lock_file, unlock_file

GATEWAY_JOB = "heaters"
_GATEWAY_TIMEOUT_SECONDS = 5

_logger = logging.getLogger(__name__)


class PrometheusTotals:
    """Totals in a file that the runs of a machine share.

    A run is over before Prometheus would ask it, and one file or group for each run would be
    counters that begin at 0 and go away. So each adds to the totals of those before it.
    """

    def __init__(self, path: Path, gateway: str | None) -> None:
        self._path = path
        self._gateway = gateway

    def add(self, run: StageMetrics) -> None:
        """Add what an attempt came to, and send the totals to the gateway.

        What goes wrong is only logged: videos are worth more than their metrics.
        """
        try:
            # Sent under the lock as well: older totals after newer ones would look like a restart.
            with self._locked():
                totals = _Totals(self._read())
                totals.add(_families(run))
                write_to_textfile(str(self._path), totals)
                self._push(totals)
        except OSError as error:
            _logger.warning("the metrics are not counted in %s: %s", self._path, error)
        except ValueError as error:
            _logger.warning(
                "%s holds no metrics (%s) and is left as it is; remove it to count from 0",
                self._path,
                error,
            )

    @contextmanager
    def _locked(self) -> Iterator[None]:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        lock_path = self._path.with_name(f".{self._path.name}.lock")
        lock = lock_file(lock_path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)
        try:
            yield
        finally:
            unlock_file(lock)

    def _read(self) -> list[Metric]:
        try:
            text = self._path.read_text("utf-8")
        except FileNotFoundError:
            return []
        try:
            return list(text_string_to_metric_families(text))
        except (IndexError, KeyError) as error:
            # The library stumbles over some damage in place of refusing it.
            raise ValueError("a line is damaged") from error

    def _push(self, totals: Collector) -> None:
        if self._gateway is None:
            return
        try:
            push_to_gateway(
                self._gateway,
                GATEWAY_JOB,
                totals,
                {"instance": socket.gethostname()},
                timeout=_GATEWAY_TIMEOUT_SECONDS,
            )
        except (OSError, HTTPException) as error:
            # The totals go on in the file, so that a later run sends all of them.
            _logger.warning(
                "no metrics are sent to %s in the rest of this run: %s", self._gateway, error
            )
            self._gateway = None


class _Totals(Collector):
    """Metrics that can be added to; those that it does not know stay as they are."""

    def __init__(self, metrics: Iterable[Metric]) -> None:
        self._metrics = {metric.name: metric for metric in metrics}

    def add(self, families: Iterable[Metric]) -> None:
        """Add counters and summaries; a gauge is replaced."""
        for family in families:
            known = self._metrics.get(family.name)
            values = {
                (sample.name, tuple(sorted(sample.labels.items()))): sample.value
                for sample in (known.samples if known else ())
            }
            for name, labels, value, *_ in family.samples:
                of = (name, tuple(sorted(labels.items())))
                values[of] = value if family.type == "gauge" else values.get(of, 0.0) + value
            family.samples.clear()
            for (name, pairs), value in sorted(values.items()):
                family.add_sample(name, dict(pairs), value)
            self._metrics[family.name] = family

    def collect(self) -> Iterable[Metric]:
        """All of them, as the library asks for them."""
        return list(self._metrics.values())


def _families(run: StageMetrics) -> Iterator[Metric]:
    """What an attempt counted, in the terms of Prometheus."""
    yield _counter(
        "heaters_items",
        "Units of a stage that were made, reused because they exist, or failed.",
        {(("stage", of), ("outcome", outcome)): n for (of, outcome), n in run.items.items()},
    )
    yield _counter(
        "heaters_clips_made",
        "Clips made.",
        {(): run.items.get(("clips", "made"), 0)},
    )
    yield _counter(
        "heaters_failures",
        "Units and whole attempts at a stage that failed, by kind of error.",
        {(("stage", of), ("kind", kind)): n for (of, kind), n in run.failures.items()},
    )
    yield _counter(
        "heaters_store_requests",
        "Requests to the store while stages were at work.",
        {(("operation", operation),): n for operation, n in run.store_requests.items()},
    )
    seconds = Metric("heaters_phase_seconds", "Seconds of the phases of a stage.", "summary")
    for phase, value in run.phase_seconds.items():
        labels = {"stage": run.stage, "phase": phase}
        seconds.add_sample("heaters_phase_seconds_count", labels, 1)
        seconds.add_sample("heaters_phase_seconds_sum", labels, value)
    yield seconds
    yield _gauge(
        "heaters_clips_per_minute",
        "Clips a minute when the stage last made any.",
        run.stage,
        run.clips_per_minute,
    )
    yield _gauge(
        "heaters_peak_memory_bytes",
        "Peak memory of the process in which the stage last made something or failed.",
        run.stage,
        run.peak_memory_bytes,
    )


def _counter(
    name: str, documentation: str, counts: Mapping[tuple[tuple[str, str], ...], int]
) -> Metric:
    metric = Metric(name, documentation, "counter")
    for labels, count in counts.items():
        metric.add_sample(f"{name}_total", dict(labels), count)
    return metric


def _gauge(name: str, documentation: str, stage: str, value: float | None) -> Metric:
    metric = Metric(name, documentation, "gauge")
    if value is not None:
        metric.add_sample(name, {"stage": stage}, value)
    return metric
