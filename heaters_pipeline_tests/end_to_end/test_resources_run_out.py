"""Full disks, missing rights, too little memory: one clear line, and nothing half-made is left."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline.video.clips.write import inspect_clip
from heaters_pipeline_tests.cli.heaters_command import Ended, Heaters
from heaters_pipeline_tests.end_to_end.programs import CHECKOUT

ROOT_BUT_FOR_ITS_RIGHTS = ("setpriv", "--inh-caps=-all", "--bounding-set=-all")
"""Root may write everywhere; without its capabilities it is bound by what the folders say."""

RUN = "from heaters_pipeline.cli import main; main()"

# The limit counts from the clips on, so that the interpreter and its libraries fit in.
OUT_OF_MEMORY = """
import av
from heaters_pipeline.cli import main
from heaters_pipeline.video.clips.maker import ClipMaker

def encode(*_):
    import resource
    taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
    limits = resource.getrlimit(resource.RLIMIT_AS)
    resource.setrlimit(resource.RLIMIT_AS, (taken, limits[1]))
    try:
        bytearray(10**9)
    finally:
        resource.setrlimit(resource.RLIMIT_AS, limits)

ClipMaker.encode = encode
main()
"""

# Of addresses, which threads and their stacks take most of.
LIMITED_MEMORY = """
import resource
import sys
from heaters_pipeline.cli import main
import heaters_pipeline.definitions

taken = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize()
more = int(sys.argv.pop(1)) * 1_000_000
resource.setrlimit(resource.RLIMIT_AS, (taken + more, resource.getrlimit(resource.RLIMIT_AS)[1]))
main()
"""


def run(*arguments: str | Path, folder: Path, script: str = RUN, bound: bool = False) -> Ended:
    """Run the command as a program of its own.

    Args:
        arguments: What is typed after ``heaters``.
        folder: Where it is typed.
        script: Python that is run in its place.
        bound: Whether it has to keep to the rights of folders, root or not.
    """
    prefix = ROOT_BUT_FOR_ITS_RIGHTS if bound and os.geteuid() == 0 else ()
    ended = subprocess.run(
        [*prefix, sys.executable, "-c", script, *(str(argument) for argument in arguments)],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(CHECKOUT), "TMPDIR": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
    )
    return Ended(ended.returncode, ended.stdout, ended.stderr)


def message_of(ended: Ended) -> str:
    """The one line that a person is told; what else is said is progress."""
    assert ended.code == 1, ended
    assert "Traceback" not in ended.err, ended.err
    *progress, message = ended.err.strip().splitlines()
    assert all(line.startswith("film.mp4: ") for line in progress), ended.err
    assert message.startswith(("film: ", "Error: ")), message
    return message


def assert_nothing_half_made(store: Path, cache: Path, temporary: Path) -> None:
    """No temporary file is left, and each clip that is stored is whole."""
    assert not list((store / ".tmp").glob("*"))
    assert not list((cache / "scratch").glob("*"))
    assert not list(temporary.glob("*heaters*"))
    for path in (store / "clips").rglob("*.mp4"):
        facts = inspect_clip(path)
        assert facts.frames == len(facts.span)


@pytest.fixture
def places(home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the home, the store and the cache of a command."""
    monkeypatch.setenv("HEATERS_STORE", str(tmp_path / "store"))
    return tmp_path


@contextmanager
def small_disk(folder: Path, size_bytes: int) -> Iterator[Path]:
    """A file system of its own for a folder, in memory."""
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_bytes}", "tmpfs", str(folder)]
    if subprocess.run(mount, capture_output=True, check=False).returncode:
        pytest.skip("mounting a file system is not permitted here: run the tests as root")
    try:
        yield folder
    finally:
        subprocess.run(["umount", str(folder)], check=True)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("full", "pages", "words"),
    [
        ("store", 1, "no space is left there: free some, or take another disk"),
        ("store", 16, "no space is left there: free some, or take another disk"),
        ("cache", 1, "free some"),
    ],
    ids=["no room for the source", "no room for clips", "no room for scratch files"],
)
def test_a_full_disk(places: Path, film: Path, full: str, pages: int, words: str) -> None:
    room = film.stat().st_size // 4096 * (pages > 1) + pages
    with small_disk(places / full, room * 4096):
        message = message_of(run("process", film, folder=places))
        assert words in message
        assert str(places / full) in message
        assert_nothing_half_made(places / "store", places / "cache", places)
        kept = DirectoryObjectStore(places / "store").list("clips/")
        clips = {found.key: found.version for found in kept}
        room_again = ["mount", "-o", "remount,size=64m", str(places / full)]
        subprocess.run(room_again, check=True)
        ended = run("process", film, folder=places)
        assert ended.code == 0, ended.err
        after = DirectoryObjectStore(places / "store").list("clips/")
        assert clips.items() <= {found.key: found.version for found in after}.items()


@pytest.mark.parametrize("name", ["store", pytest.param("cache", marks=pytest.mark.slow), "home"])
def test_a_folder_that_may_not_be_written_to(
    places: Path, film: Path, heaters: Heaters, name: str
) -> None:
    folder = places / name
    folder.mkdir(exist_ok=True)
    folder.chmod(0o555)
    try:
        message = message_of(run("process", film, folder=places, bound=True))
    finally:
        folder.chmod(0o755)
    assert re.search("permission (is )?denied", message, re.IGNORECASE)
    assert str(folder) in message
    assert_nothing_half_made(places / "store", places / "cache", places)
    ended = heaters("process", film)
    assert ended.code == 0, ended.err


def test_too_little_memory(places: Path, film: Path, heaters: Heaters) -> None:
    ended = run("process", film, "--clips", "reencode", folder=places, script=OUT_OF_MEMORY)
    message = message_of(ended)
    assert "too little memory" in message
    assert "run fewer videos at a time" in message
    assert_nothing_half_made(places / "store", places / "cache", places)
    assert "clips" not in read_video(DirectoryObjectStore(places / "store"), "film").stages
    ended = heaters("process", film, "--clips", "reencode")
    assert ended.code == 0, ended.err


@pytest.mark.parametrize(
    "more_mb",
    [300, 900, *(pytest.param(mb, marks=pytest.mark.slow) for mb in range(100, 2600, 100))],
)
def test_a_limit_of_memory_is_never_taken_for_a_damaged_video(
    places: Path, film: Path, heaters: Heaters, more_mb: int
) -> None:
    way = ("process", film, "--clips", "reencode")
    ended = run(str(more_mb), *way, folder=places, script=LIMITED_MEMORY)
    assert "damaged" not in ended.err
    assert "could be decoded" not in ended.err
    if ended.code and "while writing logger call to event log" not in ended.err:
        # Else Dagster itself ran out of memory, and says so in its own words.
        assert "too little memory" in message_of(ended)
    store = DirectoryObjectStore(places / "store")
    assert not list(store.list(keys.REJECTION_PREFIX))
    assert_nothing_half_made(places / "store", places / "cache", places)
    made = {found.key: found.version for found in store.list("clips/")}
    ended = heaters(*way)
    assert ended.code == 0, ended.err
    assert made.items() <= {found.key: found.version for found in store.list("clips/")}.items()
