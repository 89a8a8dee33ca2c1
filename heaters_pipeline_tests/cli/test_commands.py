"""The other commands of ``heaters``, what their help says, and what wrong arguments give."""

import socket
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest

from heaters_pipeline import __version__
from heaters_pipeline.cli import main
from heaters_pipeline.intake.sources import HttpLink
from heaters_pipeline.intake.submissions import read_submission, whole_link
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.cli.heaters_command import Ended, Heaters
from heaters_pipeline_tests.ports import free_port
from heaters_pipeline_tests.videos import make_video

COMMANDS = (
    "process",
    "plan",
    "config",
    "verify",
    "submit",
    "import",
    "status",
    "detect",
    "compare",
    "tune",
    "review",
    "serve",
    "settings",
    "catalog",
    "export",
    "prune",
    "remove",
    "dismiss",
    "ui",
)
LINK = "https://example.com/films/holiday.mp4?token=secret"


def test_help_names_every_command_and_every_option(heaters: Heaters) -> None:
    ended = heaters("--help")
    assert ended.code == 0
    assert "HEATERS_STORE" in ended.out
    assert isinstance(main, click.Group)
    assert tuple(main.commands) == COMMANDS
    for name, command in main.commands.items():
        assert name in ended.out
        shown = heaters(name, "-h")
        assert shown.code == 0
        assert "Usage: heaters " + name in shown.out
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                assert parameter.help
                assert parameter.opts[0] in shown.out
    assert heaters("--version").out == f"heaters, version {__version__}\n"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["process"], "Missing argument 'VIDEO...'"),
        (["process", "--fast", "film.mp4"], "No such option"),
        (["process", "--method", "guess", "film.mp4"], "'guess' is not one of 'adaptive'"),
        (["process", "--threshold", "high", "film.mp4"], "'high' is not a valid float"),
        (["process", "--gradual", "blur", "film.mp4"], "'blur' is not one of 'split', 'exclude'"),
        (["detect", "--short-scenes", "hide", "film.mp4"], "'hide' is not one of 'merge', 'drop'"),
        (["detect", "--long-scenes", "cut", "film.mp4"], "'cut' is not one of 'split', 'keep'"),
        (
            ["process", "--clips", "magic", "film.mp4"],
            "'magic' is not one of 'auto', 'copy', 'reencode'",
        ),
        (["process", "--crf", "good", "film.mp4"], "'good' is not a valid integer"),
        (["process", "--preset", "quick", "film.mp4"], "'quick' is not one of 'ultrafast'"),
        (["process", "--codec", "av1", "film.mp4"], "'av1' is not one of 'h264', 'hevc'"),
        (["process", "--bit-depth", "12", "film.mp4"], "'12' is not one of '8', 'source'"),
        (["process", "--interlaced", "weave", "film.mp4"], "'weave' is not one of 'deinterlace'"),
        (["detect", "--crf", "18", "film.mp4"], "No such option '--crf'"),
        (["detect"], "Missing argument 'FILE'"),
        (["submit"], "Missing argument 'VIDEO...'"),
        (["ui", "--port", "high"], "'high' is not a valid integer"),
        (["ui", "--port", "99999"], "99999 is not in the range 1<=x<=65535"),
        (["make"], "No such command 'make'"),
    ],
)
def test_what_click_cannot_take_is_code_2_and_says_what(
    heaters: Heaters, arguments: list[str], message: str
) -> None:
    ended = heaters(*arguments)
    assert (ended.code, ended.out) == (2, "")
    assert message in ended.err


@pytest.mark.parametrize("command", ["process", "detect"])
@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ["--threshold", "101"],
            "--threshold: the threshold of adaptive must be from 1 to 100, got 101.0",
        ),
        (
            ["--method", "correl", "--threshold", "2"],
            "--threshold: the threshold of correl must be from -1 to 1, got 2.0",
        ),
        (
            ["--threshold", "nan"],
            "--threshold: the threshold of adaptive must be from 1 to 100, got nan",
        ),
        (
            ["--min-duration", "-1"],
            "--min-duration must be from 0 to 3,600, got -1.0",
        ),
        (
            ["--min-duration", "2", "--max-duration", "1"],
            "--max-duration must not be below --min-duration, got 1.0 and 2.0; raise the one or "
            "lower the other",
        ),
        (["--start", "-1"], "--start must be from 0 to 1,000,000, got -1.0"),
        (
            ["--start", "2", "--end", "2"],
            "--end must be above --start, got 2.0 and 2.0; leave it out for the end of the video",
        ),
    ],
)
def test_settings_out_of_bounds_are_code_1_with_one_line_and_nothing_is_begun(
    home: Path, film: Path, heaters: Heaters, command: str, options: list[str], message: str
) -> None:
    ended = heaters(command, str(film), *options, "--json")
    assert ended == Ended(1, "", f"Error: {message}\n")
    assert not (home / "data").exists()
    assert not (home / ".dagster").exists()


@pytest.mark.parametrize(
    ("command", "name", "value", "message"),
    [
        ("status", "HEATERS_STORE", "ftp://example.com", "'ftp://example.com' cannot be a store: "),
        ("import", "HEATERS_CACHE_GB", "much", "HEATERS_CACHE_GB is 'much'; give a number"),
        (
            "status",
            "DAGSTER_HOME",
            "/nonexistent/home",
            "DAGSTER_HOME is /nonexistent/home, which is no ",
        ),
    ],
)
def test_a_wrong_environment_is_code_1_with_one_line(
    home: Path,
    heaters: Heaters,
    monkeypatch: pytest.MonkeyPatch,
    command: str,
    name: str,
    value: str,
    message: str,
) -> None:
    monkeypatch.setenv(name, value)
    ended = heaters(command)
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"Error: {message}")
    assert ended.err.count("\n") == 1


def test_uploads_are_imported_and_shown_by_state(home: Path, heaters: Heaters) -> None:
    store = DirectoryObjectStore(home / "data", settle_seconds=0)
    for name in ("walk.mp4", "trip/day.mp4", "notes.txt"):
        store.write_bytes(f"source_videos/{name}", b"x", content_type="x")
    shown = heaters("status", "--state", "waiting", "--json").videos
    assert [video["video_id"] for video in shown][-1] == "walk"
    assert len(shown) == 2
    assert len(heaters("status", "--limit", "1", "--json").videos) == 1
    assert heaters("status").err == "2 videos: 2 waiting\n"
    assert heaters("status", "--state", "failed", "--json").videos == []
    wrong = heaters("status", "--state", "lost")
    assert (wrong.code, wrong.out) == (1, "")
    assert "'lost' is no state of a video" in wrong.err
    document = heaters("import", "walk", "--json").document
    assert document["objects"] == 1
    assert heaters("import", "none").out == (
        "none of 0 objects is a video that is still to be processed\n"
    )


def test_submit_puts_a_file_into_the_store_and_records_links_and_keys(
    home: Path, film: Path, heaters: Heaters
) -> None:
    store = DirectoryObjectStore(home / "data")
    ended = heaters("submit", film, LINK)
    assert ended.code == 0, ended.err
    stored, link = ended.out.splitlines()
    assert stored == "film: stored as source_videos/film.mp4, waits for the sensor"
    assert store.read_bytes("source_videos/film.mp4") == film.read_bytes()
    assert link.endswith(": queued to be downloaded")
    assert "secret" not in ended.out
    video_id = link.partition(":")[0]
    submission = read_submission(store, video_id)
    assert (submission.url, whole_link(store, submission)) == (HttpLink(LINK).origin, LINK)
    before = read_submission(store, video_id).submitted_at
    again = heaters("submit", "film", "source_videos/film.mp4", film, LINK)
    assert again.out.splitlines() == [
        "film: queued to be processed again",
        "film: queued to be processed again",
        "film: lies in the store already, queued to be processed again",
        link,
    ]
    assert read_submission(store, "film").url is None
    assert read_submission(store, video_id).submitted_at > before


def test_submitted_files_of_the_same_name_do_not_overwrite_each_other(
    home: Path, tmp_path: Path, heaters: Heaters
) -> None:
    contents = []
    for number, name in enumerate(("north", "south")):
        (tmp_path / name).mkdir()
        path = make_video(tmp_path / name / "day.mp4", (3 + number,))
        contents.append(path.read_bytes())
        assert heaters("submit", path).code == 0
    store = DirectoryObjectStore(home / "data")
    stored = [store.read_bytes(found.key) for found in store.list("source_videos/")]
    assert sorted(stored) == sorted(contents)


def test_one_bad_submission_does_not_keep_the_others_from_being_queued(
    home: Path, film: Path, tmp_path: Path, heaters: Heaters
) -> None:
    letter = tmp_path / "letter.mp4"
    letter.write_text("Dear Sir or Madam")
    ended = heaters("submit", letter, "unknown", tmp_path / "missing.mp4", film)
    assert ended.code == 1
    assert ended.out == "film: stored as source_videos/film.mp4, waits for the sensor\n"
    lines = ended.err.splitlines()
    assert len(lines) == 3
    assert all(line.startswith("Error: ") for line in lines)
    assert "letter.mp4" in lines[0]
    assert "unknown.mp4 is neither a file here nor a video in" in lines[1]
    assert "missing.mp4" in lines[2]
    store = DirectoryObjectStore(home / "data")
    assert [found.key for found in store.list("")] == ["source_videos/film.mp4"]


@pytest.mark.parametrize("has_workspace", [True, False])
def test_ui_becomes_dagster_on_loopback_in_the_home(
    home: Path,
    heaters: Heaters,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    has_workspace: bool,
) -> None:
    if not has_workspace:
        (home / "workspace.yaml").unlink()
    became: list[tuple[str, list[str], Path]] = []
    monkeypatch.setattr(
        "os.execv", lambda program, arguments: became.append((program, arguments, Path.cwd()))
    )
    monkeypatch.chdir(tmp_path)
    port = str(free_port())
    ended = heaters("ui", "--port", port)
    assert f"http://127.0.0.1:{port}" in ended.err
    target = (
        ["-w", str(home / "workspace.yaml")]
        if has_workspace
        else ["-m", "heaters_pipeline.definitions"]
    )
    command = [sys.executable, "-m", "dagster", "dev", *target, "-h", "127.0.0.1", "-p", port]
    assert became == [(sys.executable, command, home)]


def test_ui_refuses_a_port_that_is_taken(home: Path, heaters: Heaters) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = heaters("ui", "--port", str(port))
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"Error: the UI cannot use port {port} of 127.0.0.1: ")
    assert "choose another with --port" in ended.err
    assert ended.err.count("\n") == 1


def test_errors_without_a_message_of_their_own_are_not_hidden(
    home: Path, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> Callable[..., None]:
        raise ZeroDivisionError

    monkeypatch.setattr("heaters_pipeline.resources.open_workspace", broken)
    with pytest.raises(ZeroDivisionError):
        main(["import"])


def test_too_little_memory_is_one_line(
    home: Path, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> None:
    def short(*_: object) -> Callable[..., None]:
        raise MemoryError

    monkeypatch.setattr("heaters_pipeline.resources.open_workspace", short)
    ended = heaters("import")
    assert (ended.code, ended.out) == (1, "")
    assert "has too little memory: run fewer videos at a time" in ended.err
    assert ended.err.count("\n") == 1


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--crf", "52"], "--crf: crf must be from 0 to 51, got 52"),
        (
            ["--audio-bitrate", "7"],
            "--audio-bitrate must be from 8 to 512, got 7",
        ),
        (
            ["--codec", "hevc", "--interlaced", "keep"],
            "--codec, --interlaced: interlaced=keep needs codec=h264: HEVC",
        ),
        (["--ignore", "0,0,1"], "--ignore: '0,0,1' is no ignored region; write left,top,"),
    ],
)
def test_settings_of_clips_that_cannot_be_are_refused_before_anything_is_begun(
    home: Path, film: Path, heaters: Heaters, options: list[str], message: str
) -> None:
    ended = heaters("process", str(film), *options, "--json")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"Error: {message}")
    assert ended.err.count("\n") == 1
    assert not (home / "data").exists()
