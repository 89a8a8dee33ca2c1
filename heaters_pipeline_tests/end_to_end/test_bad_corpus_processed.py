"""The corpus of bad, odd and hostile files through the whole command, with what each one costs.

    HEATERS_SHARED=FOLDER make test-slow PYTEST_ARGS="-k corpus -s"

Of links the command follows what a person typed; the drop folder follows none that leads out of it.
So links are laid into the drop folder, and their keys are given.
"""

import json
import os
import re
import shutil
import socket
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from heaters_pipeline_tests.bad_corpus import index_of, make_corpus
from heaters_pipeline_tests.end_to_end.programs import find_program

MOST_CPU_SECONDS, MOST_MEGABYTES = 10, 1000
LIMITS = {
    "HEATERS_ISOLATION": "process",
    "HEATERS_MAX_MEMORY_MB": str(MOST_MEGABYTES),
    "HEATERS_MAX_CPU_SECONDS": str(MOST_CPU_SECONDS),
}
OF_A_VIDEO = re.compile(rb": failed: |; made \d+, reused \d+ in ")
"""What the line holds that the command says of each video, when it is done."""


@dataclass
class Trap:
    """Listens where playlists of the corpus point to.

    Attributes:
        port: Of loopback.
        requests: What came.
    """

    port: int
    requests: list[bytes] = field(default_factory=list)


@dataclass(frozen=True)
class Cost:
    """What the command used for one file, with all that Dagster does for it."""

    cpu_seconds: float
    megabytes: float


@contextmanager
def trap() -> Iterator[Trap]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        found = Trap(server.getsockname()[1])

        def listen() -> None:
            while True:
                try:
                    connection, _ = server.accept()
                except OSError:
                    return
                with connection:
                    connection.settimeout(1)
                    try:
                        found.requests.append(connection.recv(1000))
                    except OSError:
                        found.requests.append(b"")

        threading.Thread(target=listen, daemon=True).start()
        yield found


@pytest.fixture(scope="module")
def trapped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Trap]]:
    """The corpus, and who listens where it points to."""
    folder = tmp_path_factory.mktemp("corpus") / "files"
    with trap() as listener:
        make_corpus(folder, "--trap-port", str(listener.port))
        yield folder, listener


def cost_so_far(process: int) -> Cost:
    """CPU time since the start, with ended children, and most memory since it was last asked."""
    numbers = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[11:15]
    status = Path(f"/proc/{process}/status").read_text()
    most_kilobytes = int(status.partition("VmHWM:")[2].split()[0])
    Path(f"/proc/{process}/clear_refs").write_text("5")
    seconds = sum(map(int, numbers)) / os.sysconf("SC_CLK_TCK")
    return Cost(seconds, most_kilobytes / 1000)


def process(
    arguments: list[str | Path], folder: Path, environment: dict[str, str]
) -> tuple[list[dict[str, Any]], list[Cost], bytes]:
    """Process all of them by one command: its documents, what each took, what it said."""
    said, costs = b"", [Cost(0, 0)]
    with (
        (folder / "out").open("wb") as out,
        subprocess.Popen(
            [find_program("heaters"), "process", "--json", "--", *arguments],
            cwd=folder,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=out,
            stderr=subprocess.PIPE,
        ) as command,
    ):
        assert command.stderr is not None
        for line in command.stderr:
            said += line
            if OF_A_VIDEO.search(line):
                costs.append(cost_so_far(command.pid))
    assert command.returncode == 1, said
    taken = [
        Cost(now.cpu_seconds - before.cpu_seconds, now.megabytes) for before, now in pairwise(costs)
    ]
    return json.loads((folder / "out").read_text())["videos"], taken, said


def arguments_for(corpus: Path, entries: list[dict[str, Any]], store: Path) -> list[str | Path]:
    """What is typed for each entry; links that lead somewhere are laid into the drop folder."""
    dropped = store / "source_videos"
    (dropped / "links").mkdir(parents=True)
    arguments: list[str | Path] = []
    for entry in entries:
        path = corpus / entry["file"]
        if entry["kind"] == "symlink" and path.is_file():
            target = path.resolve()
            if entry["expect"] == "process":
                target = Path(shutil.copy(target, dropped / f"target-{target.name}"))
            (dropped / "links" / path.name).symlink_to(target)
            arguments.append(f"source_videos/links/{path.name}")
        else:
            arguments.append(path)
    return arguments


def verdict(document: dict[str, Any]) -> tuple[str, int | None]:
    """What became of a file, and how many frames its clips have."""
    if document["error"]:
        return "reject", None
    spans = [(clip["start_frame"], clip["end_frame"]) for clip in document["clips"]]
    return "process", sum(end - start for start, end in spans)


@pytest.mark.slow
@pytest.mark.parametrize("isolation", ["none", "process"])
def test_the_corpus_is_processed_or_refused_rightly(
    isolation: str, trapped: tuple[Path, Trap], home: Path, tmp_path: Path
) -> None:
    corpus, listener = trapped
    index = index_of(corpus)
    entries = index["files"]
    limits = LIMITS if isolation == "process" else {}
    arguments = arguments_for(corpus, entries, home / "data")
    documents, costs, said = process(arguments, tmp_path, limits)
    assert len(documents) == len(costs) == len(entries) > 150
    wrong = {}
    for entry, document, cost in zip(entries, documents, costs, strict=True):
        found, frames = verdict(document)
        wanted = frames if entry["frames"] is None else entry["frames"]
        if (found, frames) != (entry["expect"], wanted):
            wrong[entry["file"]] = f"{found}, {frames} frames; {document['error']}; {entry['odd']}"
        if cost.cpu_seconds > MOST_CPU_SECONDS or cost.megabytes > MOST_MEGABYTES:
            wrong[entry["file"]] = str(cost)
    most = Cost(max(one.cpu_seconds for one in costs), max(one.megabytes for one in costs))
    print(f"\n{len(entries) - len(wrong)} of {len(entries)} right; at most {most}")  # noqa: T201
    assert not wrong
    assert listener.requests == []
    assert b"Traceback" not in said
    secret = index["secret_marker"].encode()
    written = [path for path in tmp_path.rglob("*") if path.is_file() and not path.is_symlink()]
    assert secret not in said
    assert [path for path in written if secret in path.read_bytes()] == []
    assert not list(tmp_path.rglob("pwned*"))
