"""Bring up Dagster with very many videos in its records, as the pipeline would have left them.

    python -m benchmarks.large_instance [--videos 100000] [--store FOLDER] [--sqlite]

A small video is processed, and the rows that its run left in Dagster's database are copied under
other names, with other run ids, over the last 30 days: partitions, runs with their tags,
materializations, checks. One video of 50 has a partition and no run. Of all runs but the newest,
what a page of many videos never reads is left out: the events of steps, and pictures (170 of 250 kB
a run). Left as they are in all copies: times inside events, and the numbers of the events that
others were made of.

FOLDER is one that ``benchmarks.many_videos FOLDER --s3`` filled with as many videos; without it the
store is empty. PostgreSQL, the code server and the web server are started, no daemon. Prints the
address of the UI, and ends with Ctrl-C. ``benchmarks.ui_of_many`` measures what it shows.
"""

# ruff: noqa: S608 - names of tables and columns are this module's own and Dagster's.

import argparse
import re
import signal
import subprocess
import sys
import tempfile
import threading
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import requests
import sqlalchemy as db

from benchmarks.listing_server import serving
from benchmarks.many_videos import BUCKET, FRAMES_A_CLIP, HEATERS, TEMPLATE, video_name
from heaters_pipeline.names import PROCESS_JOB, SOURCE_VIDEOS
from heaters_pipeline_tests.end_to_end.programs import CHECKOUT, find_program, neutral_environment
from heaters_pipeline_tests.fleet.services import Service, answers
from heaters_pipeline_tests.ports import free_port
from heaters_pipeline_tests.postgres import postgres_service
from heaters_pipeline_tests.videos import make_video

LOCATION = "heaters_pipeline.definitions"
CLIPS = 20
WHOLE_RUNS = 1000
_WITHOUT_RUN = 50
_DAYS = 30
_AT_ONCE = 2000
_INSTANCE = """
telemetry: {enabled: false}
nux: {enabled: false}
"""
_POSTGRES = "storage: {postgres: {postgres_url: {env: HEATERS_POSTGRES_URL}}}\n"
_PICTURE = re.compile(r"data:image/[a-z]+;base64,[A-Za-z0-9+/=]+")
_IDS = {
    "id",
    "event_id",
    "evaluation_event_storage_id",
    "materialization_event_storage_id",
}
_OF_EVENTS = ("event_logs", "asset_check_executions", "asset_event_tags")
_OF_RUNS = ("runs", "run_tags")
_STEPS = (
    "dagster_event_type IS NULL OR dagster_event_type LIKE 'STEP_%' "
    "OR dagster_event_type LIKE 'RESOURCE_%' "
    "OR dagster_event_type IN ('LOGS_CAPTURED', 'ENGINE_EVENT')"
)


@dataclass(frozen=True, slots=True)
class Instance:
    """What runs.

    Attributes:
        url: Of the UI.
        environment: Of processes that use this instance and its store.
        services: Code server and web server.
        database_mb: What Dagster's records take up, in 10^6 bytes.
    """

    url: str
    environment: Mapping[str, str]
    services: tuple[Service, ...]
    database_mb: float


@contextmanager
def large_instance(
    videos: int, *, store: Path | None = None, sqlite: bool = False
) -> Iterator[Instance]:
    """Bring it up; it is gone at the end of the block.

    Args:
        videos: How many.
        store: Folder with a bucket of as many, or None for an empty store.
        sqlite: Whether Dagster's records lie in SQLite, as on a machine for itself.
    """
    with tempfile.TemporaryDirectory(prefix="heaters-many-") as name, ExitStack() as stack:
        # Else what was started here would go on.
        signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
        folder = Path(name)
        home = folder / "home"
        home.mkdir()
        environment = {
            **neutral_environment(),
            "DAGSTER_HOME": str(home),
            "HEATERS_CACHE": str(folder / "cache"),
            "HEATERS_STORE": str(folder / "store"),
        }
        settings = _INSTANCE
        if not sqlite:
            settings += _POSTGRES
            server, postgres = postgres_service(folder)
            stack.callback(postgres.stop, signal.SIGINT)
            postgres.start()
            environment["HEATERS_POSTGRES_URL"] = server.new_database()
        (home / "dagster.yaml").write_text(settings)
        run_id = _process_template(folder, environment)
        url = environment.get("HEATERS_POSTGRES_URL")
        history = home / "history"
        for tables, file in (
            (_OF_EVENTS, history / "runs/index.db"),
            (_OF_RUNS, history / "runs.db"),
        ):
            fill(url or f"sqlite:///{file}", tables, run_id, videos)
        if store is not None:
            environment |= stack.enter_context(serving(store)).environment
            environment["HEATERS_STORE"] = f"s3://{BUCKET}/store"
        services, address = _servers(folder, environment)
        for service in services:
            stack.callback(service.stop)
            service.start()
        _wait_until_loaded(address)
        yield Instance(address, environment, services, _size_mb(url, history))


def _process_template(folder: Path, environment: Mapping[str, str]) -> str:
    """Process the video whose records are copied; the id of its run."""
    film = folder / f"{TEMPLATE}.mp4"
    make_video(film, [FRAMES_A_CLIP] * CLIPS)
    subprocess.run([*HEATERS, "process", str(film)], check=True, env=dict(environment))
    listed = "import dagster as dg, sys; i = dg.DagsterInstance.get();"
    listed += "print(*[r.run_id for r in i.get_runs(dg.RunsFilter(job_name=sys.argv[1]))])"
    said = subprocess.run(
        [HEATERS[0], "-c", listed, PROCESS_JOB],
        check=True,
        env=dict(environment),
        stdout=subprocess.PIPE,
        text=True,
    )
    return said.stdout.strip()


def fill(url: str, tables: tuple[str, ...], run_id: str, videos: int) -> None:
    """Copy what a run left in some tables of a database, once for each video.

    Args:
        url: Of the database.
        tables: Of one database; of SQLite, Dagster has several.
        run_id: Of the run.
        videos: How many copies.
    """
    is_postgres = url.startswith("postgresql")
    # Else psycopg2 sends 100,000 rows one by one.
    batched = {"executemany_mode": "values_plus_batch", "executemany_batch_page_size": 1000}
    engine = db.create_engine(url, **(batched if is_postgres else {}))
    with engine.begin() as connection:
        _note_copies(connection, videos)
        last_ids = (connection.scalar(db.text(f"SELECT max(id) FROM {each}")) for each in tables)
        stride = max(last_ids) + 1
        for table in tables:
            _take_template(connection, table, run_id)
    values = {"run": run_id, "video": TEMPLATE, "stride": stride}
    for table in tables:
        statement = _copying(engine, table)
        for low in range(1, videos + 1, _AT_ONCE):
            with engine.begin() as connection:
                connection.execute(statement, {**values, "low": low, "high": low + _AT_ONCE - 1})
    with engine.begin() as connection:
        if "event_logs" in tables:
            _finish_assets(connection, run_id, videos, stride)
        for table in tables:
            connection.execute(db.text(f"DROP TABLE template_{table}"))
            if is_postgres:
                next_id = f"(SELECT max(id) FROM {table})"
                connection.execute(db.text(f"SELECT setval('{table}_id_seq', {next_id})"))
        connection.execute(db.text("DROP TABLE copies"))
    if is_postgres:
        # As autovacuum does it soon after.
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            connection.execute(db.text("VACUUM ANALYZE"))
    engine.dispose()


def _note_copies(connection: db.Connection, videos: int) -> None:
    """A row for each run: its number, id, video, time, age in seconds, and whether it is whole."""
    connection.execute(
        db.text(
            "CREATE TABLE copies (n INTEGER PRIMARY KEY, run_id TEXT, video TEXT,"
            " moment TIMESTAMP, age DOUBLE PRECISION, whole INTEGER)"
        )
    )
    now, apart = datetime.now(UTC).replace(tzinfo=None), _DAYS * 86400 / videos
    rows = [
        {
            "n": n,
            # The same in each database.
            "run_id": str(uuid.uuid5(uuid.NAMESPACE_OID, video_name(n))),
            "video": video_name(n),
            "moment": str(now - timedelta(seconds=(videos - n) * apart)),
            "age": (videos - n) * apart,
            "whole": int(n > videos - WHOLE_RUNS),
        }
        for n in range(1, videos + 1)
        if n % _WITHOUT_RUN
    ]
    names = ", ".join(f":{name}" for name in rows[0])
    connection.execute(db.text(f"INSERT INTO copies VALUES ({names})"), rows)


def _take_template(connection: db.Connection, table: str, run_id: str) -> None:
    """The rows of the run: as they are for whole copies, and those that the others have."""
    events = "(SELECT id FROM event_logs WHERE run_id = :run)"
    of_run = f"event_id IN {events}" if table == "asset_event_tags" else "run_id = :run"
    name = f"template_{table}"
    connection.execute(
        db.text(f"CREATE TABLE {name} AS SELECT t.*, 1 AS whole FROM {table} t WHERE {of_run}"),
        {"run": run_id},
    )
    columns = [column["name"] for column in db.inspect(connection).get_columns(table)]
    listed = ", ".join(f'"{column}"' for column in columns)
    connection.execute(
        db.text(f"INSERT INTO {name} ({listed}, whole) SELECT {listed}, 0 FROM {name}")
    )
    if table == "event_logs":
        connection.execute(db.text(f"DELETE FROM {name} WHERE whole = 0 AND ({_STEPS})"))
        rows = connection.execute(db.text(f"SELECT id, event FROM {name} WHERE whole = 0")).all()
        for event_id, event in rows:
            connection.execute(
                db.text(f"UPDATE {name} SET event = :event WHERE id = :id AND whole = 0"),
                {"event": _PICTURE.sub("data:,", event), "id": event_id},
            )


def _copying(engine: db.Engine, table: str) -> db.TextClause:
    """The statement that writes a part of the copies of a table."""
    columns = db.inspect(engine).get_columns(table)
    values = []
    for column in columns:
        name, kind = f't."{column["name"]}"', column["type"]
        if column["name"] in _IDS:
            values.append(f"{name} + m.n * :stride")
        elif isinstance(kind, db.DateTime):
            values.append("m.moment")
        elif isinstance(kind, db.Float):
            values.append(f"{name} - m.age")
        else:
            values.append(f"replace(replace({name}, :run, m.run_id), :video, m.video)")
    listed = ", ".join(f'"{column["name"]}"' for column in columns)
    return db.text(
        f"INSERT INTO {table} ({listed}) SELECT {', '.join(values)} FROM copies m"
        f" JOIN template_{table} t ON t.whole = m.whole WHERE m.n BETWEEN :low AND :high ORDER BY 1"
    )


def _finish_assets(connection: db.Connection, run_id: str, videos: int, stride: int) -> None:
    """The partitions, and the last materialization of each asset."""
    connection.execute(
        db.text("INSERT INTO dynamic_partitions (partitions_def_name, partition) VALUES (:d, :p)"),
        [{"d": SOURCE_VIDEOS, "p": video_name(n)} for n in range(1, videos + 1)],
    )
    last = connection.execute(
        db.text("SELECT n, run_id, video FROM copies ORDER BY n DESC LIMIT 1")
    ).one()
    row = "replace(replace({0}, :run, :last), :video, :name)"
    changed = ", ".join(f"{c} = {row.format(c)}" for c in ("last_materialization", "last_run_id"))
    connection.execute(
        db.text(f"UPDATE asset_keys SET {changed} WHERE last_run_id = :run"),
        {"run": run_id, "last": last.run_id, "video": TEMPLATE, "name": last.video},
    )


def _servers(folder: Path, environment: Mapping[str, str]) -> tuple[tuple[Service, ...], str]:
    code_port, ui_port = free_port(), free_port()
    workspace = folder / "workspace.yaml"
    workspace.write_text(
        (CHECKOUT / "deploy/workspace.yaml").read_text().replace("4000", str(code_port))
    )
    environment = {**environment, "HEATERS_CODE_HOST": "127.0.0.1"}
    code = ["dagster", "code-server", "start", "-m", LOCATION, "-h", "127.0.0.1"]
    web = ["dagster-webserver", "-w", str(workspace), "-h", "127.0.0.1", "-p", str(ui_port)]
    services = tuple(
        Service(
            command[0],
            [find_program(command[0]), *command[1:]],
            folder=folder,
            environment=environment,
            is_ready=answers(port),
        )
        for command, port in (([*code, "-p", str(code_port)], code_port), (web, ui_port))
    )
    return services, f"http://127.0.0.1:{ui_port}"


def _wait_until_loaded(address: str, seconds: float = 240) -> None:
    query = "{ repositoriesOrError { ... on RepositoryConnection { nodes { name } } } }"
    deadline = time.monotonic() + seconds
    while True:
        answer = requests.post(f"{address}/graphql", json={"query": query}, timeout=seconds).json()
        if (answer.get("data") or {}).get("repositoriesOrError", {}).get("nodes"):
            return
        if time.monotonic() > deadline:
            raise RuntimeError(f"the code was not loaded in {seconds:.0f} s: {answer}")
        time.sleep(1)


def _size_mb(url: str | None, history: Path) -> float:
    if url is None:
        return sum(path.stat().st_size for path in history.rglob("*") if path.is_file()) / 1e6
    engine = db.create_engine(url)
    with engine.connect() as connection:
        size = connection.execute(db.text("SELECT pg_database_size(current_database())"))
        return float(size.scalar_one()) / 1e6


def main() -> None:
    """Bring one up, and wait."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    add_arguments(parser)
    chosen = parser.parse_args()
    with large_instance(chosen.videos, store=chosen.store, sqlite=chosen.sqlite) as instance:
        print(f"{instance.url}, database of {instance.database_mb:.0f} MB", flush=True)
        for name in ("DAGSTER_HOME", "HEATERS_POSTGRES_URL", "HEATERS_STORE"):
            print(f"export {name}={instance.environment.get(name, '')}", flush=True)
        threading.Event().wait()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What says how large it is."""
    parser.add_argument("--videos", type=int, default=100_000)
    parser.add_argument("--store", type=Path, help="filled by benchmarks.many_videos --s3")
    parser.add_argument("--sqlite", action="store_true", help="at most 32,000 videos")


if __name__ == "__main__":
    main()
