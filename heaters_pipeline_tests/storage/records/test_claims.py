"""One at a time works on a video, on one machine and between machines, and nobody waits forever."""

import os
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from pathlib import Path

import pytest

from heaters_pipeline.errors import ClaimLostError, StoreError, StoreUnavailableError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.claims import Claims, ClaimTimes
from heaters_pipeline.storage.s3.store import S3ObjectStore
from heaters_pipeline_tests.servers import S3Server

VIDEO_ID = "film"
TIMES = ClaimTimes(beat=0.1, dead=1.0, pause=0.05)
PATIENT = ClaimTimes(beat=0.2, dead=3600, pause=0.25)
WORKERS = 5

HOLDS = """
import sys
from pathlib import Path
from heaters_pipeline.storage.records.claims import Claims, ClaimTimes
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
store, folder = DirectoryObjectStore(Path(sys.argv[1])), Path(sys.argv[2])
with Claims(store, folder, ClaimTimes(beat=0.1)).held("film", print):
    print("working", flush=True)
    sys.stdin.read()
"""


@pytest.fixture(params=["directory", "moto", "rclone"])
def new_store(
    request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[], ObjectStore]:
    if request.param == "directory":
        return lambda: DirectoryObjectStore(tmp_path / "store")
    server: S3Server = request.getfixturevalue(f"{request.param}_s3")
    server.use(monkeypatch)
    bucket = server.new_bucket()
    return lambda: S3ObjectStore(bucket, "some/prefix")


@pytest.fixture
def store(tmp_path: Path) -> DirectoryObjectStore:
    return DirectoryObjectStore(tmp_path / "store")


def nobody(whom: str) -> None:
    raise AssertionError(f"waits for {whom}")


def left(store: ObjectStore) -> list[str]:
    return [found.key for found in store.list(keys.CLAIM_PREFIX)]


class Shift:
    """Workers that want the same video at once; the most that worked at the same time."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._working = 0
        self.most = 0
        self.done = 0

    def work(self, claims: Claims) -> None:
        with claims.held(VIDEO_ID, lambda _: None):
            with self._lock:
                self._working += 1
                self.most = max(self.most, self._working)
            time.sleep(0.05)
            with self._lock:
                self._working -= 1
                self.done += 1


@pytest.mark.parametrize("machines", ["one", "many"])
def test_all_who_want_a_video_at_once_get_it_one_after_the_other(
    new_store: Callable[[], ObjectStore], tmp_path: Path, machines: str
) -> None:
    shift = Shift()
    # Signs of life may come late where six share two processors; nobody is dead here.
    claims = [
        Claims(new_store(), tmp_path / (str(number) if machines == "many" else "one"), PATIENT)
        for number in range(WORKERS)
    ]
    threads = [threading.Thread(target=shift.work, args=(each,)) for each in claims]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (shift.done, shift.most) == (WORKERS, 1)
    assert left(new_store()) == []


def test_who_comes_while_another_is_about_to_work_waits(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    second_looked = threading.Event()

    class First(DirectoryObjectStore):
        def write_bytes(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
            if b"working" in data:
                second_looked.wait(20)
            return super().write_bytes(key, data, content_type=content_type)

    class Second(DirectoryObjectStore):
        def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
            yield from [*super().list(prefix)]
            second_looked.set()

    shift = Shift()
    first = Claims(First(tmp_path / "store"), tmp_path / "a", PATIENT)
    second = Claims(Second(tmp_path / "store"), tmp_path / "b", PATIENT)
    # Between two that only wait, the second would be the first by its name.
    tokens, token_hex = iter(["machine-a", "2", "machine-b", "1"]), secrets.token_hex
    # Those of temporary files differ as ever, since the two may write at the same instant.
    monkeypatch.setattr(
        "secrets.token_hex", lambda count: next(tokens) if count == 16 else token_hex(count)
    )
    threads = []
    for claims in (first, second):
        threads.append(threading.Thread(target=shift.work, args=(claims,)))
        threads[-1].start()
        deadline = time.monotonic() + 20
        while len(list((tmp_path / "store").rglob("*.json"))) < 1:
            assert time.monotonic() < deadline
            time.sleep(0.01)
    for thread in threads:
        thread.join()
    assert (shift.done, shift.most) == (2, 1)


def test_who_is_alone_asks_little_and_waits_for_nobody(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    with Claims(store, tmp_path / "locks").held(VIDEO_ID, nobody):
        (key,) = left(store)
        assert key.startswith("claims/film/")
        with Claims(store, tmp_path / "locks").held("other", nobody):
            assert len(left(store)) == 2
    assert store.requests == {"write_bytes": 4, "list": 6, "delete": 2}
    assert left(store) == []
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["machine"]


def test_who_waits_says_for_whom_and_goes_on_when_it_ends(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    waited = threading.Event()
    heard: list[str] = []

    def on_wait(whom: str) -> None:
        heard.append(whom)
        waited.set()

    def second() -> None:
        with Claims(store, tmp_path / "b", PATIENT).held(VIDEO_ID, on_wait):
            heard.append("works")

    with ExitStack() as stack:
        stack.enter_context(Claims(store, tmp_path / "a", PATIENT).held(VIDEO_ID, nobody))
        thread = threading.Thread(target=second)
        thread.start()
        assert waited.wait(20)
        # Longer than a few looks, so that it would go on if it took signs of life for an end.
        time.sleep(0.5)
        assert len(heard) == 1
        assert heard[0].startswith(f"process {os.getpid()} of ")
    thread.join(20)
    assert heard[1:] == ["works"]


@pytest.mark.parametrize("machine", ["same", "other"])
def test_a_killed_process_blocks_nobody(
    store: DirectoryObjectStore, tmp_path: Path, machine: str
) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path / "store"), str(tmp_path / "same")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"working\n"
        process.kill()
    assert len(left(store)) == 1
    Claims(store, tmp_path / "other").tidy()
    Claims(DirectoryObjectStore(tmp_path / "another store"), tmp_path / "same").tidy()
    assert len(left(store)) == 1
    # On its own machine the lock tells, without any patience.
    on_wait, times = (nobody, PATIENT) if machine == "same" else (lambda _: None, TIMES)
    with Claims(store, tmp_path / machine, times).held(VIDEO_ID, on_wait):
        assert len(left(store)) == 1
    assert left(store) == []


def test_the_claim_of_a_killed_process_is_removed_and_that_of_a_living_one_is_not(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", HOLDS, str(tmp_path / "store"), str(tmp_path / "locks")]
    claims = Claims(store, tmp_path / "locks")
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"working\n"
        claims.tidy()
        assert len(left(store)) == 1
        process.kill()
    claims.tidy()
    assert left(store) == []
    assert [path.name for path in (tmp_path / "locks").iterdir()] == ["machine"]


def test_clocks_of_the_store_and_of_the_machine_decide_nothing(
    store: DirectoryObjectStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    shift = Shift()
    with ExitStack() as stack:
        stack.enter_context(Claims(store, tmp_path / "a", PATIENT).held(VIDEO_ID, nobody))
        for days in (-1, 1):
            monkeypatch.setattr(time, "time", lambda days=days: now + days * 86400)
            monkeypatch.setattr(time, "time_ns", lambda days=days: int((now + days * 86400) * 1e9))
            claims = Claims(store, tmp_path / str(days), PATIENT)
            threading.Thread(target=shift.work, args=(claims,)).start()
            time.sleep(0.3)
            assert shift.done == 0
    deadline = time.monotonic() + 20
    while shift.done < 2 and time.monotonic() < deadline:
        time.sleep(0.02)
    assert (shift.done, shift.most) == (2, 1)


def test_what_is_no_claim_counts_until_it_stood_still(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    store.write_bytes("claims/film/x.json", b"of a newer version", content_type="text/plain")
    heard: list[str] = []
    with Claims(store, tmp_path / "a", TIMES).held(VIDEO_ID, heard.append):
        assert heard == ["who wrote claims/film/x.json"]
        assert len(left(store)) == 1


def test_faults_while_working_cost_no_work(
    store: DirectoryObjectStore, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(DirectoryObjectStore):
        fails = False

        def write_bytes(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
            if self.fails:
                raise StoreUnavailableError("the store is restarting")
            return super().write_bytes(key, data, content_type=content_type)

        def delete(self, key: str) -> None:
            raise StoreUnavailableError("the store is restarting")

    failing = Failing(tmp_path / "store")
    with Claims(failing, tmp_path / "a", TIMES).held(VIDEO_ID, nobody):
        failing.fails = True
        time.sleep(0.3)
    assert "others may take this run for dead: the store is restarting" in caplog.text
    assert "stays; others wait until it counts as dead" in caplog.text
    assert len(left(store)) == 1
    # Who comes next on this machine removes it, also if it has nothing to claim.
    Claims(store, tmp_path / "a", TIMES).tidy()
    assert left(store) == []
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["machine"]


def test_who_may_not_write_claims_is_told(tmp_path: Path) -> None:
    class ReadOnly(DirectoryObjectStore):
        def write_bytes(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
            raise StoreError("permission is denied")

    claims = Claims(ReadOnly(tmp_path / "store"), tmp_path / "a", TIMES)
    with pytest.raises(StoreError, match="denied"), claims.held(VIDEO_ID, nobody):
        pass
    assert [path.name for path in (tmp_path / "a").iterdir()] == ["machine"]


class Held:
    """A store whose writes of "working" wait, as a slow network lets them, until they may go on."""

    def __init__(self, folder: Path) -> None:
        self.began, self.may_go_on = threading.Event(), threading.Event()
        held = self

        class Slow(DirectoryObjectStore):
            def write_bytes(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
                if b"working" in data and not held.may_go_on.is_set():
                    held.began.set()
                    assert held.may_go_on.wait(60)
                return super().write_bytes(key, data, content_type=content_type)

        self.store = Slow(folder)


def test_who_wrote_too_slowly_that_it_works_steps_back_before_another_who_does(
    tmp_path: Path,
) -> None:
    slow = Held(tmp_path / "store")
    shift = Shift()

    def work_unless_lost() -> None:
        # It may find its claim gone, too: what matters is that it never works beside the second.
        with suppress(ClaimLostError):
            shift.work(Claims(slow.store, tmp_path / "a", TIMES))

    first = threading.Thread(target=work_unless_lost)
    first.start()
    assert slow.began.wait(20)
    # The second takes the first for dead, since nothing more is heard of it.
    others = Claims(DirectoryObjectStore(tmp_path / "store"), tmp_path / "b", TIMES)
    with others.held(VIDEO_ID, lambda _: None):
        slow.may_go_on.set()
        deadline = time.monotonic() + 20
        while len(left(slow.store)) < 2 and time.monotonic() < deadline:
            time.sleep(0.01)
        first.join(0.5)
        assert shift.most == 0
    first.join(20)
    assert shift.most <= 1


def test_who_lost_its_claim_is_told_before_it_writes_and_puts_up_no_other(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    with Claims(store, tmp_path / "a", TIMES).held(VIDEO_ID, nobody) as claim:
        claim.require()
        (key,) = left(store)
        store.delete(key)
        deadline = time.monotonic() + 20
        while not claim.lost and time.monotonic() < deadline:
            time.sleep(0.01)
        with pytest.raises(ClaimLostError, match="another run took over film"):
            claim.require()
        assert left(store) == []


def test_who_comes_late_finds_the_other_at_work_although_its_own_claim_is_there(
    store: DirectoryObjectStore, tmp_path: Path
) -> None:
    # It was paused between its look and its write, so that the claim is up again.
    rare = ClaimTimes(beat=3600, dead=0.5, pause=0.05)
    with Claims(store, tmp_path / "a", rare).held(VIDEO_ID, nobody) as claim:
        (key,) = left(store)
        mine = store.read_bytes(key)
        with Claims(store, tmp_path / "b", TIMES).held(VIDEO_ID, lambda _: None) as other:
            store.write_bytes(key, mine, content_type="application/json")
            with pytest.raises(ClaimLostError):
                claim.require()
            other.require()
