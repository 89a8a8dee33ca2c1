"""The totals of all runs: they grow from run to run, and nothing about them stops a run."""

import logging
import socket
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.report.metrics.model import StageMetrics
from heaters_pipeline.report.metrics.opening import open_totals
from heaters_pipeline_tests.metrics import totals_in

RUN = StageMetrics(
    stage="clips",
    items={("clips", "made"): 3, ("clips", "reused"): 1, ("clips", "failed"): 1},
    failures={("clips", "clip"): 1},
    phase_seconds={"look": 0.25, "cut": 2.0},
    store_requests={"head": 2},
    clips_per_minute=90.0,
    peak_memory_bytes=4 * 10**8,
)
NOTHING_MADE = replace(
    RUN,
    items={("clips", "made"): 0, ("clips", "reused"): 4},
    failures={},
    phase_seconds={"look": 0.5},
    clips_per_minute=None,
    peak_memory_bytes=None,
)


class Gateway(HTTPServer):
    """Takes what is pushed, and answers what it is told to."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _GatewayHandler)
        self.answer = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
        self.pushed: list[tuple[str, str]] = []

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self.server_port}"


class _GatewayHandler(BaseHTTPRequestHandler):
    server: Gateway

    def do_PUT(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        self.server.pushed.append((self.path, body))
        self.wfile.write(self.server.answer)
        self.close_connection = True

    def log_message(self, format: str, *args: object) -> None:
        pass


@contextmanager
def running(server: HTTPServer) -> Iterator[None]:
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def gateway(monkeypatch: pytest.MonkeyPatch) -> Iterator[Gateway]:
    monkeypatch.setenv("no_proxy", "*")
    server = Gateway()
    with running(server):
        yield server


def test_the_file_says_what_each_metric_is(tmp_path: Path) -> None:
    path = tmp_path / "new" / "heaters.prom"
    open_totals(path, None).add(RUN)
    lines = path.read_text().splitlines()
    assert [line for line in lines if line.startswith("# TYPE")] == [
        "# TYPE heaters_items_total counter",
        "# TYPE heaters_clips_made_total counter",
        "# TYPE heaters_failures_total counter",
        "# TYPE heaters_store_requests_total counter",
        "# TYPE heaters_phase_seconds summary",
        "# TYPE heaters_clips_per_minute gauge",
        "# TYPE heaters_peak_memory_bytes gauge",
    ]
    assert 'heaters_failures_total{kind="clip",stage="clips"} 1.0' in lines
    assert 'heaters_clips_per_minute{stage="clips"} 90.0' in lines


def test_counters_grow_from_run_to_run_and_gauges_are_of_the_last_that_made_something(
    tmp_path: Path,
) -> None:
    path = tmp_path / "heaters.prom"
    for run in (RUN, RUN, NOTHING_MADE):
        # Each run is another process, which knows nothing but the file.
        open_totals(path, None).add(run)
    assert totals_in(path) == {
        "heaters_items_total clips made": 6,
        "heaters_items_total clips reused": 6,
        "heaters_items_total clips failed": 2,
        "heaters_clips_made_total": 6,
        "heaters_failures_total clips clip": 2,
        "heaters_store_requests_total head": 6,
        "heaters_phase_seconds_count clips look": 3,
        "heaters_phase_seconds_sum clips look": 1.0,
        "heaters_phase_seconds_count clips cut": 2,
        "heaters_phase_seconds_sum clips cut": 4.0,
        "heaters_clips_per_minute clips": 90,
        "heaters_peak_memory_bytes clips": 4 * 10**8,
    }
    open_totals(path, None).add(replace(RUN, clips_per_minute=60.0))
    assert totals_in(path)["heaters_clips_per_minute clips"] == 60


def test_runs_that_end_at_the_same_time_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "heaters.prom"
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda _: open_totals(path, None).add(RUN), range(40)))
    assert totals_in(path)["heaters_clips_made_total"] == 3 * 40
    # Nothing but the lock lies beside the file: node_exporter reads all that ends in .prom.
    assert {found.name for found in tmp_path.iterdir()} == {"heaters.prom", ".heaters.prom.lock"}


def test_what_a_newer_version_counts_stays(tmp_path: Path) -> None:
    path = tmp_path / "heaters.prom"
    newer = "# HELP other_total Of another.\n# TYPE other_total counter\nother_total 7.0\n"
    path.write_text(newer)
    open_totals(path, None).add(RUN)
    assert path.read_text().startswith(newer)
    assert totals_in(path)["heaters_clips_made_total"] == 3


@pytest.mark.parametrize(
    "content",
    [
        b"\0\0\0\0",
        b"heaters_items_total{stage= 3\n",
        b'a{b=, ="c"} 3\n',
        b"\xff\xfe",
        b"ftypisom {",
    ],
)
def test_a_file_that_holds_no_metrics_is_left_and_named(
    content: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "heaters.prom"
    path.write_bytes(content)
    open_totals(path, None).add(RUN)
    assert path.read_bytes() == content
    (warning,) = caplog.messages
    assert f"{path} holds no metrics" in warning
    assert "remove it to count from 0" in warning


def test_a_place_that_cannot_be_written_to_stops_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    path = tmp_path / "file" / "heaters.prom"
    open_totals(path, None).add(RUN)
    (warning,) = caplog.messages
    assert warning.startswith(f"the metrics are not counted in {path}: ")


def test_the_gateway_gets_the_totals_of_this_machine(tmp_path: Path, gateway: Gateway) -> None:
    path = tmp_path / "heaters.prom"
    for _ in range(2):
        open_totals(path, gateway.address).add(RUN)
    open_totals(path, f"http://{gateway.address}/").add(RUN)
    assert [place for place, _ in gateway.pushed] == [
        f"/metrics/job/heaters/instance/{socket.gethostname()}"
    ] * 3
    assert gateway.pushed[2][1] == path.read_text()
    assert totals_in(path)["heaters_clips_made_total"] == 9


@pytest.mark.parametrize(
    "answer",
    [
        b"HTTP/1.1 500 Broken\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        b"no HTTP at all\r\n\r\n",
        b"",
    ],
)
def test_a_gateway_that_fails_is_not_asked_again_and_gets_all_by_the_next_run(
    answer: bytes, tmp_path: Path, gateway: Gateway, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    path = tmp_path / "heaters.prom"
    whole, gateway.answer = gateway.answer, answer
    totals = open_totals(path, gateway.address)
    totals.add(RUN)
    totals.add(RUN)
    assert len(gateway.pushed) == 1
    (warning,) = caplog.messages
    assert f"no metrics are sent to {gateway.address} in the rest of this run: " in warning
    gateway.answer = whole
    open_totals(path, gateway.address).add(RUN)
    assert "heaters_clips_made_total 9.0" in gateway.pushed[1][1]


def test_a_gateway_that_is_not_there_stops_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("no_proxy", "*")
    with Gateway() as gone:
        address = gone.address
    path = tmp_path / "heaters.prom"
    open_totals(path, address).add(RUN)
    assert totals_in(path)["heaters_clips_made_total"] == 3
    assert address in caplog.text


def test_without_the_library_the_message_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delitem(sys.modules, "heaters_pipeline.report.metrics.prometheus", raising=False)
    monkeypatch.setitem(sys.modules, "prometheus_client", None)
    with pytest.raises(SettingsError, match="pip install prometheus_client"):
        open_totals(tmp_path / "heaters.prom", None)
