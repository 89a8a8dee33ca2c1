"""Runs of ``heaters process`` that are killed at random moments, and what that costs.

The runs are forked from a process that has imported everything, so that the kills fall into the
work and not into the start of Python.
"""

import hashlib
import itertools
import multiprocessing
import os
import random
import signal
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore

ITEM_PREFIXES = ("frame_scores/", "storyboards/", "clips/", "sprite_sheets/", "keyframes/")
_RUN_SECONDS = 120.0
_KEPT = ("source_videos/", "submissions/", "rejections/", "catalog/", "manifests/", "reports/")


@dataclass(frozen=True, slots=True)
class Moment:
    """When a run is killed, if it lasts that long; whichever comes first.

    Attributes:
        seconds: After so much time.
        writes: At the change of the store of this number, claims and removals
            included; 0 for never.
        stored: After that change; else before.
    """

    seconds: float = _RUN_SECONDS
    writes: int = 0
    stored: bool = False


@dataclass(frozen=True, slots=True)
class Undisturbed:
    """How long a run lasts that is not killed, in seconds and in changes of the store."""

    seconds: float
    writes: int

    def moment(self, numbers: random.Random) -> Moment:
        """A random moment of such a run: of its time, or of its work, which is shorter."""
        if numbers.random() < 0.5:
            return Moment(seconds=numbers.uniform(0, self.seconds))
        return Moment(writes=numbers.randint(1, self.writes), stored=numbers.random() < 0.5)


@dataclass(slots=True)
class Tally:
    """What kills cost.

    Attributes:
        kills: Runs that were killed.
        episodes: Times that the video was begun again and brought to its end.
        units: Units (a clip, the sheets of a clip, its pictures, the track) that were to be made.
        remade: Finished units that were made once more, by key.
        lost: Units whose storing had begun when a run was killed, by kill.
    """

    kills: int = 0
    episodes: int = 0
    units: int = 0
    remade: list[str] = field(default_factory=list)
    lost: list[int] = field(default_factory=list)

    def __str__(self) -> str:
        return (
            f"{self.kills} kills in {self.episodes} videos of {self.units} units: "
            f"{len(self.remade)} finished units made again, {sum(self.lost)} under way lost, "
            f"{max(self.lost, default=0)} at most by one kill"
        )


class Victim:
    """The command that is run again and again on a store that begins empty.

    Args:
        store: Where the results go.
        environment: Of the command; names the store.
        arguments: What is typed after ``heaters process``.
        log: A new file for what it writes.
    """

    def __init__(
        self,
        store: ObjectStore,
        environment: Mapping[str, str],
        arguments: Sequence[str],
        log: Path,
    ) -> None:
        self.store = store
        self._environment = dict(environment)
        self._arguments = list(arguments)
        self._log = log
        self._begun = log.with_suffix(".begun")
        self._context = multiprocessing.get_context("forkserver")
        self._context.set_forkserver_preload(
            ["heaters_pipeline.cli.processing", "heaters_pipeline.definitions"]
        )

    def undisturbed(self) -> Undisturbed:
        """Run the command to its end."""
        ended, seconds = self._run(Moment())
        assert ended
        return Undisturbed(seconds, len(self.begun()))

    def begun(self) -> list[str]:
        """What the last run changed in the store, in order: a key, or "" for a removal."""
        return self._begun.read_text().splitlines()

    def begun_items(self) -> list[str]:
        """Those of them that a manifest names as items."""
        return [key for key in self.begun() if key.startswith(ITEM_PREFIXES)]

    def output(self) -> str:
        """What the command wrote."""
        return self._log.read_text()

    def _run(self, moment: Moment) -> tuple[bool, float]:
        """Run the command, and say whether it came to its end, and how long it ran."""
        self._begun.write_text("")
        receiver, sender = self._context.Pipe(duplex=False)
        process = self._context.Process(
            target=_run,
            args=(self._arguments, self._environment, self._log, self._begun, moment, sender),
        )
        process.start()
        sender.close()
        receiver.recv_bytes()
        started = time.monotonic()
        process.join(moment.seconds)
        lasted = time.monotonic() - started
        if process.exitcode is None and process.pid is not None:
            os.kill(process.pid, signal.SIGKILL)
        process.join()
        assert process.exitcode in (0, -signal.SIGKILL), self.output()
        return process.exitcode == 0, lasted

    def run_to_its_end(
        self, moments: Iterator[Moment], expected: Collection[str], tally: Tally
    ) -> None:
        """Run and kill until a run ends by itself; count what that costs.

        Args:
            moments: When to kill.
            expected: The keys of all objects at the end; a unit is finished with the last of its.
            tally: Is added to.
        """
        ended = False
        while not ended:
            before = self._finished_units(expected)
            ended, _ = self._run(next(moments))
            after = self._finished_units(expected)
            tally.remade += [
                unit for unit, versions in before.items() if after.get(unit) != versions
            ]
            if not ended:
                tally.kills += 1
                tally.lost.append(len(self._begun_units() - after.keys()))
        tally.episodes += 1
        tally.units += len(after)

    def digests(self) -> dict[str, str]:
        """The SHA-256 of each object that does not tell when it was made, "" of the others."""
        return {
            found.key: ""
            if found.key.startswith(("manifests/", "catalog/"))
            else hashlib.sha256(self.store.read_bytes(found.key)).hexdigest()
            for found in self.store.list("")
            if not found.key.startswith(keys.CATALOG_CHANGE_PREFIX)
        }

    def _finished_units(self, expected: Collection[str]) -> dict[str, dict[str, str]]:
        """The versions of the objects of each unit that the store holds whole, by unit and key."""
        wanted = Counter(map(_unit_of, expected))
        found: dict[str, dict[str, str]] = defaultdict(dict)
        for prefix in ITEM_PREFIXES:
            for each in self.store.list(prefix):
                found[_unit_of(each.key)][each.key] = each.version
        return {unit: parts for unit, parts in found.items() if len(parts) == wanted[unit]}

    def _begun_units(self) -> set[str]:
        return {_unit_of(key) for key in self.begun_items()}


def leftovers(folder: Path, kept: Collection[str] = ()) -> list[str]:
    """The files in a folder of local files that are no copies of what is stored, but for some."""
    return sorted(
        name
        for path in folder.rglob("*")
        if path.is_file()
        and not (name := str(path.relative_to(folder))).startswith(("objects/copies/", "settings/"))
        and name not in kept
    )


def _unit_of(key: str) -> str:
    """What is made in one piece: the objects of a clip share their stem up to the digest.

    Those of a storyboard, of which a video has one, begin with theirs.
    """
    folder, _, name = key.rpartition("/")
    pieces = 1 if folder.startswith("storyboards/") else 3
    return f"{folder}/{'-'.join(name.partition('.')[0].split('-')[:pieces])}"


def _run(
    arguments: Sequence[str],
    environment: Mapping[str, str],
    log: Path,
    begun: Path,
    moment: Moment,
    started: Connection,
) -> None:
    """The command, in a process of its own that writes down what it begins to store."""
    os.environ.update(environment)
    for descriptor in (1, 2):
        os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), descriptor)
    # In the forked process alone; in the tests' own the modules are as they are.
    from heaters_pipeline.cli import main
    from heaters_pipeline.storage.directory.store import DirectoryObjectStore
    from heaters_pipeline.storage.s3.client import S3Options
    from heaters_pipeline.storage.s3.store import S3ObjectStore

    notes = os.open(begun, os.O_WRONLY | os.O_CREAT | os.O_APPEND)

    counted = itertools.count(1)

    def noting(change: Callable[..., object], note: str) -> Callable[..., object]:
        def noted(store: ObjectStore, key: str, *rest: object, **options: object) -> object:
            os.write(notes, note.format(key).encode())
            is_last = next(counted) == moment.writes
            if is_last and not moment.stored:
                os.kill(os.getpid(), signal.SIGKILL)
            changed = change(store, key, *rest, **options)
            if is_last:
                os.kill(os.getpid(), signal.SIGKILL)
            return changed

        return noted

    for kind in (DirectoryObjectStore, S3ObjectStore):
        for name, note in (("put_file", "{}\n"), ("write_bytes", "{}\n"), ("delete", "\n")):
            setattr(kind, name, noting(getattr(kind, name), note))
    # So small that sources and clips are sent in parts.
    S3ObjectStore.__init__.__kwdefaults__["options"] = S3Options(multipart_threshold_bytes=50_000)
    started.send_bytes(b"started")
    main(["process", *arguments])
