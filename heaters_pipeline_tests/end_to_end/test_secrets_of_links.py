"""A canary in links: it is sent to the server, and found nowhere else afterwards.

User, password, query and fragment of each link hold it, and so do a redirect and what a server
says. Links are processed by the command, and submitted to a real daemon. Looked at are the
terminal, the logs, Dagster's databases, the store, the catalog and the local copies.
"""

import os
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

from heaters_pipeline.cli.instance import dagster_instance
from heaters_pipeline.status import video_statuses
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.cli.heaters_command import Heaters
from heaters_pipeline_tests.end_to_end.programs import running
from heaters_pipeline_tests.web_server import Served, WebServer, running_web_server

CANARY = "kanarienvogel"
DEADLINE_SECONDS = 300
LETTER = b"Dear Sir or Madam,\nthis is a letter.\n" * 50

# What becomes of each link: a word of the message, or None if its video is processed.
LINKS = {
    "film": None,
    "moved": None,
    "missing": "there is no such file",
    "denied": "may not be downloaded",
    "letter": "letter",
    "inward": "HEATERS_ALLOWED_LINKS",
}


@pytest.fixture
def site(film: Path) -> Iterator[WebServer]:
    said = f"No such file: /missing.mp4?sig={CANARY} of {CANARY}-me"
    with running_web_server() as server:
        away = f"http://127.0.0.2/film.mp4?sig={CANARY}"
        for folder in ("process", "submit"):
            for name, served in {
                "film": Served(film.read_bytes()),
                "moved": Served(headers={"Location": f"there.mp4?sig={CANARY}"}, statuses=[302]),
                "there": Served(film.read_bytes()),
                "missing": Served(statuses=[404] * 9, reason=said),
                "denied": Served(statuses=[403] * 9),
                "letter": Served(LETTER),
                "inward": Served(headers={"Location": away}, statuses=[302] * 9),
            }.items():
                server.served[f"/{folder}/{name}.mp4"] = served
        yield server


def link(site: WebServer, folder: str, name: str) -> str:
    whole = site.url(f"/{folder}/{name}.mp4?X-Amz-Signature={CANARY}&id={CANARY}#{CANARY}")
    return whole.replace("//", f"//{CANARY}-me:{CANARY}-password@")


def test_no_secret_of_a_link_is_shown_or_kept(
    home: Path,
    site: WebServer,
    heaters: Heaters,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> None:
    monkeypatch.setenv("HEATERS_ALLOWED_LINKS", "127.0.0.1")
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    store = DirectoryObjectStore(home / "data")
    shown = []

    processed = [link(site, "process", name) for name in LINKS]
    typed = [f"ftp://me:{CANARY}@a.org/?{CANARY}", f"https://me:{CANARY}/a@a.org/?{CANARY}"]
    for command in (
        ["plan", *processed, *typed],
        ["process", *processed, *typed],
        ["process", *processed, "--json"],
        ["plan", *processed, "--json"],
        ["status", processed[0]],
        ["submit", *typed],
    ):
        ended = heaters(*command)
        shown.append(f"{ended.out}{ended.err}")
    for name, words in LINKS.items():
        assert f"{name}.mp4?…" in shown[1]
        assert words is None or words in shown[1]

    submitted = [link(site, "submit", name) for name in LINKS]
    shown.append(heaters("submit", *submitted).out)
    wanted = {video_id_of(line) for line in shown[-1].splitlines()}
    assert len(wanted) == len(LINKS)
    assert len(list(store.list(keys.LINK_PREFIX))) == len(LINKS)
    environment = {name: os.environ[name] for name in os.environ if name.startswith("HEATERS_")}
    log = tmp_path / "daemon.log"
    with running(
        ["dagster-daemon", "run", "-m", "heaters_pipeline.definitions"],
        folder=home,
        log=log,
        environment={**environment, "DAGSTER_HOME": str(home), "HEATERS_STORE": str(home / "data")},
    ) as daemon:
        daemon.wait_for(
            "all submissions done",
            lambda: set(states(home, store, wanted)) == {"spliced", "download_failed"},
            seconds=DEADLINE_SECONDS,
        )
    assert sorted(states(home, store, wanted)) == ["download_failed"] * 4 + ["spliced"] * 2

    for command in (["status"], ["status", "--json"], ["verify", "--json"], ["process", *wanted]):
        ended = heaters(*command)
        shown.append(f"{ended.out}{ended.err}")
    for words in filter(None, LINKS.values()):
        assert words in shown[-4]

    asked = [path for path, _ in site.requests if f"={CANARY}" in path]
    assert {path.split("/")[1] for path in asked} == {"process", "submit"}
    assert all(headers["Authorization"] for _, headers in site.requests)
    assert [text for text in shown if CANARY in text] == []
    assert [path for path in all_files(tmp_path) if CANARY.encode() in path.read_bytes()] == []
    assert [path for path in all_files(tmp_path) if CANARY in str(path)] == []
    assert len(list(home.glob(".dagster/history/runs/*.db"))) > len(LINKS)
    catalog = pd.read_parquet(home / "data" / keys.CATALOG_VIDEOS)
    assert len(catalog) == 4
    assert CANARY not in catalog.to_csv()
    assert not list(store.list(keys.LINK_PREFIX))


def video_id_of(line: str) -> str:
    return line.partition(":")[0]


def states(home: Path, store: DirectoryObjectStore, wanted: set[str]) -> list[str]:
    before = Path.cwd()
    os.chdir(home)
    try:
        with dagster_instance() as instance:
            return [found.state for found in video_statuses(store, instance, wanted)]
    finally:
        os.chdir(before)


def all_files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]
