"""Results on standard output, errors and progress on standard error; bars on a terminal."""

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from heaters_pipeline.cli import processing
from heaters_pipeline.cli.local_runs import LocalRun
from heaters_pipeline.cli.terminal import Watcher, table_lines
from heaters_pipeline.intake.sources import shown_url
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.cli.heaters_command import Heaters
from heaters_pipeline_tests.end_to_end.programs import CHECKOUT
from heaters_pipeline_tests.web_server import Served, running_web_server

CHATTERS = """
import os, subprocess, sys
from heaters_pipeline.cli.terminal import only_json_on_stdout, print_json

with only_json_on_stdout() as stdout:
    os.write(1, b"a library\\n")
    print("Python", flush=True)
    print_json({"videos": []}, stdout)
    subprocess.run(["echo", "a child"])
print("afterwards")
"""


@contextmanager
def screen() -> Iterator[list[str]]:
    """Make standard error a terminal until the end of the block; then gives what appeared."""
    reader, terminal = os.openpty()
    before = os.dup(2)
    appeared: list[str] = []
    os.dup2(terminal, 2)
    try:
        yield appeared
        os.set_blocking(reader, False)
        with suppress(BlockingIOError):
            while part := os.read(reader, 1 << 16):
                appeared.append(part.decode())
    finally:
        os.dup2(before, 2)
        for descriptor in (before, terminal, reader):
            os.close(descriptor)


def test_people_read_results_on_stdout_and_errors_on_stderr(
    home: Path, film: Path, tmp_path: Path, heaters: Heaters
) -> None:
    ended = heaters("process", tmp_path / "missing.mp4", film)
    assert ended.code == 1
    assert ended.out.startswith("film: done, 4 scenes, 4 clips; made 14, reused 0 in ")
    assert ended.out.count("\n") == 1
    errors = [line for line in ended.err.splitlines() if line.startswith("missing: ")]
    assert len(errors) == 1
    assert "No such file or directory; check the path" in errors[0]
    assert "film.mp4: scoring frames" in ended.err


def test_a_link_is_downloaded_and_processed(
    home: Path, film: Path, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATERS_ALLOWED_LINKS", "127.0.0.1")
    with running_web_server() as site:
        site.served["/films/holiday.mp4"] = Served(film.read_bytes())
        link = site.url("/films/holiday.mp4")
        (video,) = heaters("process", link, "--json").videos
        asked = len(site.requests)
        (again,) = heaters("process", link, "--json").videos
        assert len(site.requests) == asked
    assert video["video_id"].startswith("holiday-")
    assert (video["state"], video["source"]["origin"]) == ("spliced", link)
    assert again["counts"]["made"] == 0


def test_what_is_tried_again_is_said_at_once(
    home: Path, film: Path, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HEATERS_ALLOWED_LINKS", "127.0.0.1")
    monkeypatch.setattr("time.sleep", lambda _: None)
    with running_web_server() as site:
        site.served["/holiday.mp4"] = Served(film.read_bytes(), statuses=[503] * 6)
        ended = heaters("process", site.url("/holiday.mp4"))
        link = shown_url(site.url("/holiday.mp4"))
    assert ended.code == 0
    said = [line for line in ended.err.splitlines() if "warning" in line]
    failed = f"holiday.mp4: warning: the download of {link} broke off: the server answered 503"
    assert all(line.startswith(failed) for line in said)
    ends = [line.rpartition("; ")[2] for line in said]
    assert ends[:4] == [f"attempt {number} of 5 follows" for number in (2, 3, 4, 5)]
    assert ends[4:] == ["source_videos is tried again in some seconds", "attempt 2 of 5 follows"]


def test_what_names_no_video_is_said_and_the_others_go_on(
    home: Path, film: Path, heaters: Heaters
) -> None:
    ended = heaters("process", "ftp://example.com/film.mp4", "unknown", film, "--json")
    assert ended.code == 1
    wrong, unknown, good = ended.videos
    assert wrong["error"].startswith("ftp://example.com/film.mp4 cannot be brought in; give a file")
    assert wrong["state"] == "download_failed"
    assert unknown["error"].startswith("unknown is neither in file://")
    assert (good["state"], good["error"]) == ("spliced", None)


def test_a_missing_file_does_not_touch_its_namesake_in_the_store(
    home: Path, film: Path, tmp_path: Path, heaters: Heaters
) -> None:
    assert heaters("process", film).code == 0
    store = DirectoryObjectStore(home / "data")
    before = {found.key: found.version for found in store.list("")}
    ended = heaters("process", tmp_path / "film.mp4", "--json")
    assert ended.code == 1
    (video,) = ended.videos
    assert str(tmp_path / "film.mp4") in video["error"]
    assert {found.key: found.version for found in store.list("")} == before
    (status,) = heaters("status", "--json").videos
    assert (status["video_id"], status["state"]) == ("film", "spliced")


def test_a_catalog_that_fails_is_an_error_after_the_results(
    home: Path, film: Path, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    failed = LocalRun("", False, "the disk is full", frozenset(), {})
    monkeypatch.setattr(processing, "build_catalog", lambda _: failed)
    ended = heaters("process", film)
    assert ended.code == 1
    assert ended.out.startswith("film: done, ")
    assert ended.err.endswith(
        "Error: the videos are done, but the catalog failed: the disk is full\n"
    )


def test_whatever_is_printed_the_document_stands_alone() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CHATTERS], capture_output=True, text=True, cwd=CHECKOUT
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout == '{\n  "videos": []\n}\nafterwards\n'
    assert done.stderr.splitlines() == ["a library", "Python", "a child"]


def test_without_a_terminal_progress_is_a_line_a_phase(capfd: pytest.CaptureFixture[str]) -> None:
    with Watcher() as watcher:
        watcher.start("film.mp4")
        for done in range(100):
            watcher.step("clips", done, 100)
        for done in range(100):
            watcher.step("decode", done, 0)
        watcher.say("made [all] of it")
    assert capfd.readouterr().err.splitlines() == [
        "film.mp4: cutting clips",
        "film.mp4: scoring frames",
        "made [all] of it",
    ]


def test_without_a_terminal_a_long_phase_says_how_far_it_is(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("heaters_pipeline.cli.terminal._SECONDS_BETWEEN_LINES", 0)
    with Watcher() as watcher:
        watcher.start("film.mp4")
        for done in (1, 2):
            watcher.step("clips", done, 4)
        for done in (10, 20):
            watcher.step("decode", done, 0)
    assert capfd.readouterr().err.splitlines() == [
        "film.mp4: cutting clips",
        "film.mp4: cutting clips 2 of 4",
        "film.mp4: scoring frames",
        "film.mp4: scoring frames",
    ]


def test_on_a_terminal_there_are_bars_that_go_away(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("NO_COLOR", "FORCE_COLOR", "TTY_COMPATIBLE", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("COLUMNS", "100")
    with screen() as appeared, Watcher() as watcher:
        watcher.start("film [1].mp4")
        watcher.step("clips", 3, 4)
        watcher.step("keyframes", 1, 4)
        watcher.clear()
        watcher.say("film: spliced")
    text = "".join(appeared)
    assert "film [1].mp4: cutting clips" in text
    assert "film [1].mp4: taking key frames" in text
    assert "/4" in text
    # The cursor is hidden while the bars move, and shown again afterwards.
    assert text.rindex("\x1b[?25h") > text.rindex("\x1b[?25l")
    assert "film: spliced" in text


def test_a_table_is_aligned_and_its_last_column_may_be_long() -> None:
    rows = [("film", "spliced", ""), ("holiday", "new", "a long story")]
    assert table_lines(("video", "state", "error"), rows) == [
        "video    state    error",
        "film     spliced  ",
        "holiday  new      a long story",
    ]
