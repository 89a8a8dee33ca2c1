"""Claims on a video: who makes something for it, so that others wait instead of making it, too.

A claim saves work and decides nothing: objects and manifests are right whoever writes them, and two
that work at once, for whatever reason, only do the same twice. On one machine a lock on a local
file orders the runs. Between machines it is an object under ``claims/<video_id>/`` for each, since
not all servers know conditional writes:

- Who wants the video puts up its claim, then lists those of others.
- It works once no other claim says ``working`` and no waiting one has a smaller name. If there
  was any at first, that has to hold twice in a row, a pause apart, since another may just have
  come to the same conclusion.
- Who works renews its claim every few seconds. One that stays the same for longer is that of a
  dead process, and is removed by those who wait. They count by their own clock, from when they
  saw it first: no two clocks are ever compared.
- Writing takes time. So who has said that it works looks once more, and steps back if another
  says so, too; and each sign of life begins with a look at the own claim. Who finds it gone, or
  comes late and finds another at work, has lost the video and must not write for it any more.
- A claim of the same machine is known to be dead by the lock, without waiting.
"""

import fcntl
import hashlib
import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

from heaters_pipeline.errors import (
    ClaimLostError,
    ManifestError,
    ObjectNotFoundError,
    StoreError,
)
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.file_locks import abandoned_files, lock_file, unlock_file
from heaters_pipeline.storage.heartbeats import beating
from heaters_pipeline.storage.local_files import os_errors_explained
from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore
from heaters_pipeline.storage.records.json_records import SMALL_BYTES, read_json
from heaters_pipeline.storage.records.manifests import JSON_CONTENT_TYPE, Json, canonical_json

_logger = logging.getLogger(__name__)

OnWait = Callable[[str], None]
"""Called once with who is waited for, such as ``process 17 of worker-3``."""


@dataclass(frozen=True, slots=True)
class ClaimTimes:
    """How patient claims are, in seconds.

    Attributes:
        beat: Between two signs of life.
        dead: Without a sign of life until a claim counts for nothing; several beats.
        pause: Between two looks of who waits.
        arrival: Until what a killed process had sent has arrived, or never will.
    """

    beat: float = 8.0
    dead: float = 30.0
    pause: float = 1.0
    arrival: float = 1.0


DEFAULT_TIMES = ClaimTimes()
_LOCK_SUFFIX = ".lock"


class Claims:
    """The claims of this machine on the videos of a store.

    Args:
        store: Where the videos are.
        folder: Where this machine's locks are, on a local disk; created when needed.
        times: How patient.
    """

    def __init__(self, store: ObjectStore, folder: Path, times: ClaimTimes = DEFAULT_TIMES) -> None:
        self._store = store
        self._folder = folder
        self._times = times

    @contextmanager
    def held(self, video_id: str, on_wait: OnWait) -> Iterator["HeldClaim"]:
        """Work on a video inside, alone; what was seen of it before may be outdated then.

        Gives the claim, of which to ask before each write whether it is still held.

        Raises:
            StoreError: The claim cannot be written, or those of others cannot be looked for.
        """
        with self._alone_on_this_machine(video_id, on_wait) as (machine, lock):
            claim = HeldClaim(self._store, video_id, machine, self._times)
            try:
                with os_errors_explained(f"cannot write in {self._folder}"):
                    _note_claim(lock, self._store.url, claim.key)
                claim.write("waiting")
                with claim.beating():
                    self._wait_for_others(claim, on_wait)
                    yield claim
            finally:
                if claim.remove():
                    os.ftruncate(lock, 0)

    def tidy(self) -> None:
        """Remove the claims on the store's videos that past processes of this machine left.

        If there are any, it waits a moment first: what those processes had sent, be it the claim
        itself or a manifest, may still be on its way.

        Raises:
            StoreError: One cannot be removed.
        """
        waited = False
        for path in abandoned_files(self._folder, f"*{_LOCK_SUFFIX}"):
            url, _, key = path.read_text().rstrip("\n").partition("\n")
            if url in ("", self._store.url):
                if not waited:
                    time.sleep(self._times.arrival)
                waited = True
                if key:
                    self._store.delete(key)
                path.unlink(missing_ok=True)

    @contextmanager
    def _alone_on_this_machine(self, video_id: str, on_wait: OnWait) -> Iterator[tuple[str, int]]:
        """Hold the machine's lock of a video; gives the machine's name and the lock."""
        digest = hashlib.sha256(f"{self._store.url}\0{video_id}".encode()).hexdigest()[:40]
        path = self._folder / f"{digest}{_LOCK_SUFFIX}"
        with os_errors_explained(f"cannot lock {path}"):
            self._folder.mkdir(parents=True, exist_ok=True)
            machine = _machine_name(self._folder)
            descriptor = self._wait_for_lock(path, on_wait)
        try:
            yield machine, descriptor
        finally:
            # One that still names a claim is left for ``tidy``.
            if not os.pread(descriptor, 1, 0):
                path.unlink(missing_ok=True)
            unlock_file(descriptor)

    def _wait_for_lock(self, path: Path, on_wait: OnWait) -> int:
        told = False
        while True:
            try:
                return lock_file(path, os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if not told:
                    on_wait("another process of this machine")
                told = True
                time.sleep(self._times.pause)

    def _wait_for_others(self, own: "HeldClaim", on_wait: OnWait) -> None:
        others = _OtherClaims(self._store, own, self._times.dead)
        told, nobody_before = False, False
        while True:
            claims = others.look()
            before = [claim for claim in claims if claim.working or claim.key < own.key]
            if not claims or (nobody_before and not before):
                own.require()
                own.write("working")
                # Who took this one for dead while that was on its way works by now.
                before = [claim for claim in others.look() if claim.working]
                if not before:
                    return
                own.write("waiting")
            if before and not told:
                on_wait(before[0].owner)
                told = True
            nobody_before = not before
            time.sleep(self._times.pause)


class HeldClaim:
    """The claim that this process puts up."""

    def __init__(self, store: ObjectStore, video_id: str, machine: str, times: ClaimTimes) -> None:
        self.key = keys.claim_key(video_id, secrets.token_hex(16))
        self.prefix = keys.claim_prefix(video_id)
        self.machine = machine
        self._store = store
        self._video_id = video_id
        self._times = times
        self._lock = threading.Lock()
        self._state = ""
        self._beats = 0
        self._seen = 0.0
        self._lost = False

    @property
    def lost(self) -> bool:
        """Whether others may work by now."""
        return self._lost

    def require(self) -> None:
        """Make sure, before something is written, that nobody else works.

        Asks the store only if the last sign of life is long ago.

        Raises:
            ClaimLostError: Another took over.
        """
        with self._lock:
            if not self._lost and time.monotonic() - self._seen > self._times.dead / 2:
                self._look()
        if self._lost:
            raise ClaimLostError(
                f"another run took over {self._video_id}, since nothing was heard of this one for "
                f"{self._times.dead:.0f} s; it is tried again, and uses what the other has made"
            )

    def write(self, state: str | None = None) -> None:
        """Say how far it is. Each time the content is another, and so is the object's version.

        Args:
            state: ``waiting`` or ``working``; None for what was said before.
        """
        with self._lock:
            self._state = state or self._state
            self._beats += 1
            content: dict[str, Json] = {
                "state": self._state,
                "machine": self.machine,
                "host": socket.gethostname(),
                "process": os.getpid(),
                "beats": self._beats,
            }
            data = canonical_json(content) + b"\n"
            began = time.monotonic()
            self._store.write_bytes(self.key, data, content_type=JSON_CONTENT_TYPE)
            # What others saw last is as old as the request, at least.
            self._seen = began

    def beating(self) -> AbstractContextManager[None]:
        """Give signs of life inside, until the claim is lost."""

        def beat() -> bool:
            try:
                with self._lock:
                    self._look()
                if not self._lost:
                    self.write()
            except StoreError as error:
                _logger.warning("others may take this run for dead: %s", error)
            return not self._lost

        return beating(beat, self._times.beat, "claim")

    def _look(self) -> None:
        """Find out whether the claim is lost; the caller has the lock.

        A claim that was written again after it had been removed is there, but so is that of who
        removed it, and both say that they work.
        """
        late = time.monotonic() - self._seen > self._times.dead / 2
        gone = self._store.head(self.key) is None
        if not gone and late and self._state == "working":
            others = _OtherClaims(self._store, self, self._times.dead).look()
            gone = any(claim.working for claim in others)
        if gone:
            self._lost = True
            _logger.error("%s is gone: another run took over", self.key)
        elif late:
            self._seen = time.monotonic()

    def remove(self) -> bool:
        """Let others go on. If the store fails they find out by themselves, and it gives False."""
        try:
            self._store.delete(self.key)
        except StoreError as error:
            _logger.warning("%s stays; others wait until it counts as dead: %s", self.key, error)
            return False
        return True


@dataclass(frozen=True, slots=True)
class _Claim:
    """A claim of another machine.

    Attributes:
        key: Of its object.
        version: Of its object when it was read.
        working: Whether its owner works; else it waits.
        machine: The name of the owner's machine.
        owner: For people.
        since: When this version was seen first, by this process's clock.
    """

    key: str
    version: str
    working: bool
    machine: str
    owner: str
    since: float


class _OtherClaims:
    """The claims of other machines on a video, as one who waits sees them."""

    def __init__(self, store: ObjectStore, own: HeldClaim, dead_seconds: float) -> None:
        self._store = store
        self._own = own
        self._dead_seconds = dead_seconds
        self._known: dict[str, _Claim] = {}

    def look(self) -> list[_Claim]:
        """Those that live. Removes those that are dead."""
        found = [info for info in self._store.list(self._own.prefix) if info.key != self._own.key]
        claims = [claim for info in found if (claim := self._seen(info)) is not None]
        self._known = {claim.key: claim for claim in claims}
        living = []
        for claim in claims:
            # Who holds this machine's lock knows that no other process of it is alive.
            is_dead = (
                claim.machine == self._own.machine
                or time.monotonic() - claim.since >= self._dead_seconds
            )
            if is_dead:
                _logger.warning("%s of %s is dead and removed", claim.key, claim.owner)
                self._store.delete(claim.key)
            else:
                living.append(claim)
        return living

    def _seen(self, found: ObjectInfo) -> _Claim | None:
        known = self._known.get(found.key)
        if known is not None and known.version == found.version:
            return known
        try:
            content = read_json(self._store, found.key, max_bytes=SMALL_BYTES)
            return _Claim(
                key=found.key,
                version=found.version,
                working=content["state"] == "working",
                machine=str(content["machine"]),
                owner=f"process {content['process']} of {content['host']}",
                since=time.monotonic(),
            )
        except ObjectNotFoundError:
            return None
        except (ManifestError, KeyError, TypeError):
            # Of a newer version, or no claim at all: wait until it counts as dead.
            owner = f"who wrote {found.key}"
            return _Claim(found.key, found.version, True, "", owner, time.monotonic())


def _note_claim(lock: int, url: str, key: str) -> None:
    """Write into the lock's file which claim goes with it, so that a later run can remove it."""
    os.ftruncate(lock, 0)
    os.pwrite(lock, f"{url}\n{key}\n".encode(), 0)


def _machine_name(folder: Path) -> str:
    """A name for the processes that share the locks in a folder.

    Of a random word that lies there and the host's name: a folder may have been copied with the
    image of a machine.
    """
    descriptor = lock_file(folder / "machine", os.O_RDWR | os.O_CREAT, fcntl.LOCK_EX)
    try:
        word = os.pread(descriptor, 64, 0)
        if not word:
            word = secrets.token_hex(16).encode()
            os.pwrite(descriptor, word, 0)
    finally:
        unlock_file(descriptor)
    return f"{word.decode('ascii', 'replace')}@{socket.gethostname()}"
