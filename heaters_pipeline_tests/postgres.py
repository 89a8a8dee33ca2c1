"""A pytest plugin: a PostgreSQL server on loopback, started once a session if a test asks for it.

PostgreSQL refuses to run as root, so that root starts it as the user ``postgres``, whom its
packages create; everyone else starts it as themselves. Only a temporary folder is written to.
"""

import os
import pwd
import secrets
import shutil
import signal
import subprocess
import tempfile
import uuid
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psycopg2
import pytest

from heaters_pipeline_tests.fleet.services import Service
from heaters_pipeline_tests.ports import free_port

_SUPERUSER = "heaters"
_ACCOUNT_FOR_ROOT = "postgres"
# A server that is thrown away need not survive a power cut.
_SETTINGS = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """How to reach a running PostgreSQL server.

    Attributes:
        port: Where it listens on 127.0.0.1.
        password: Of its superuser; the server asks for it on loopback, too.
    """

    port: int
    password: str = field(repr=False)

    def new_database(self) -> str:
        """Create an empty database and return its URL, as SQLAlchemy takes it."""
        name = f"test_{uuid.uuid4().hex[:12]}"
        with closing(self.connect("postgres")) as connection:
            connection.autocommit = True
            with connection.cursor() as cursor:
                cursor.execute(f'CREATE DATABASE "{name}"')
        address = f"{_SUPERUSER}:{self.password}@127.0.0.1:{self.port}"
        return f"postgresql+psycopg2://{address}/{name}"

    def connect(self, database: str) -> Any:
        """Open a connection; the caller closes it."""
        return psycopg2.connect(
            host="127.0.0.1",
            port=self.port,
            user=_SUPERUSER,
            password=self.password,
            dbname=database,
            connect_timeout=5,
        )


@pytest.fixture(scope="session")
def postgres_server() -> Iterator[PostgresServer]:
    """A real PostgreSQL server of this session's own."""
    # pytest's own temporary folders are closed to other users, and PostgreSQL's may be one.
    folder = Path(tempfile.mkdtemp(prefix="heaters-postgres-"))
    try:
        server, service = postgres_service(folder)
        service.start()
        try:
            yield server
        finally:
            # SIGINT is PostgreSQL's fast shutdown: it does not wait for clients to leave.
            service.stop(signal.SIGINT)
    finally:
        shutil.rmtree(folder)


def _find_programs() -> Path | None:
    """The folder that holds ``initdb`` and ``postgres``: by PATH, else Debian's newest."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    installed = Path("/usr/lib/postgresql").glob("*/bin")
    folders += sorted(installed, key=lambda folder: float(folder.parent.name), reverse=True)
    whole = (path for path in folders if all((path / x).exists() for x in ("initdb", "postgres")))
    return next(whole, None)


def _account() -> dict[str, Any]:
    """Whom to run as, as subprocess takes it; nothing if we are an ordinary user already."""
    if os.geteuid() != 0:
        return {}
    try:
        entry = pwd.getpwnam(_ACCOUNT_FOR_ROOT)
    except KeyError:
        pytest.skip(f"PostgreSQL does not run as root, and there is no user {_ACCOUNT_FOR_ROOT}")
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _hand_over(path: Path, account: dict[str, Any]) -> None:
    if "user" in account:
        shutil.chown(path, account["user"], account["group"])


def postgres_service(folder: Path) -> tuple[PostgresServer, Service]:
    """A new cluster in a folder that everyone may enter, and the server that is to be started."""
    programs, account = _find_programs(), _account()
    if programs is None:
        pytest.skip("PostgreSQL's initdb and postgres are missing: install the package postgresql")
    own = folder / "postgres"
    own.mkdir()
    folder.chmod(0o711)
    _hand_over(own, account)
    server = PostgresServer(free_port(), secrets.token_hex(16))
    data = own / "data"
    _create_cluster(programs, data, server.password, account)
    settings = {
        **_SETTINGS,
        "listen_addresses": "127.0.0.1",
        "port": str(server.port),
        "unix_socket_directories": str(own),
    }
    command = [str(programs / "postgres"), "-D", str(data)]
    command += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]

    def accepts() -> bool:
        try:
            server.connect("postgres").close()
        except psycopg2.OperationalError:
            return False
        return True

    return server, Service(
        "postgres",
        command,
        folder=own,
        environment=os.environ,
        is_ready=accepts,
        account=account,
    )


def _create_cluster(programs: Path, data: Path, password: str, account: dict[str, Any]) -> None:
    # In a folder that nobody else can enter; initdb may run as another user than we do.
    password_file = data.with_name("password")
    password_file.write_text(f"{password}\n")
    _hand_over(password_file, account)
    command = [str(programs / "initdb"), "--pgdata", str(data), "--username", _SUPERUSER]
    command += ["--auth", "scram-sha-256", "--pwfile", str(password_file)]
    command += ["--encoding", "UTF8", "--no-locale", "--no-sync"]
    done = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=data.parent,
        **account,
    )
    if done.returncode != 0:
        raise RuntimeError(f"initdb failed:\n{done.stdout}")
