"""A combined record never contradicts the manifests, whoever writes or is killed meanwhile."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from heaters_pipeline.storage.records.finished import (
    FORMAT_VERSION,
    FinishedVideo,
    read_finished,
    write_finished,
)
from heaters_pipeline.storage.records.notices import FINISHED_STAGES
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from heaters_pipeline.errors import ManifestError, StoreUnavailableError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.object_store import ObjectInfo
from heaters_pipeline.storage.records.manifests import Manifest, read_manifest, write_manifest

VIDEO_ID = "film"
KEY = keys.finished_key(VIDEO_ID)

pytestmark = pytest.mark.usefixtures("without_fsync")
PUBLISH_STEPS = 4
WRITE_STEPS = 5

Action = Callable[[DirectoryObjectStore], object]


@pytest.fixture(scope="module")
def without_fsync() -> Iterator[None]:
    """Processes are killed here, not machines, and hundreds of stores are written."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        yield


def manifest(stage: str, fingerprint: str) -> Manifest:
    return Manifest(stage, VIDEO_ID, fingerprint, {}, {}, {}, ())


def clips_record(fingerprint: str) -> FinishedVideo:
    """A record of one stage, which is enough for what is done at the same time."""
    return FinishedVideo(VIDEO_ID, {"clips": manifest("clips", fingerprint)}, {})


FINISHED = FinishedVideo(
    VIDEO_ID,
    {stage: manifest(stage, stage) for stage in FINISHED_STAGES},
    {"reports/film/scenes-1.png": b"\x89PNG"},
)


class KilledError(BaseException):
    """Stands for a kill: nothing in the pipeline catches it."""


class Turns:
    """Lets several threads take their steps in a given order."""

    def __init__(self, order: str) -> None:
        self._order = list(order)
        self._changed = threading.Condition()

    def take(self, actor: str, step: Callable[[], Any]) -> Any:
        """Do a step when it is the actor's turn; an actor without further turns is killed."""
        with self._changed:
            self._changed.wait_for(
                lambda: actor not in self._order or self._order[0] == actor, timeout=10
            )
            if actor not in self._order:
                raise KilledError
            self._order.pop(0)
            try:
                return step()
            finally:
                self._changed.notify_all()

    def leave(self, actor: str) -> None:
        """Give the turns that an actor does not need to the others."""
        with self._changed:
            self._order = [turn for turn in self._order if turn != actor]
            self._changed.notify_all()


class StepwiseStore(DirectoryObjectStore):
    """A folder store that takes each step when it is its turn."""

    def __init__(self, root: Path, actor: str, turns: Turns) -> None:
        super().__init__(root)
        self._actor = actor
        self._turns = turns

    def write_bytes(self, key: str, data: bytes, *, content_type: str) -> ObjectInfo:
        write = super().write_bytes
        done = self._turns.take(self._actor, lambda: write(key, data, content_type=content_type))
        assert isinstance(done, ObjectInfo)
        return done

    def read_bytes(self, key: str) -> bytes:
        read = super().read_bytes
        return bytes(self._turns.take(self._actor, lambda: read(key)))

    def delete(self, key: str) -> None:
        delete = super().delete
        self._turns.take(self._actor, lambda: delete(key))

    def list(self, prefix: str, *, start_after: str = "") -> Iterator[ObjectInfo]:
        listing = super().list
        yield from self._turns.take(self._actor, lambda: [*listing(prefix)])


def play(root: Path, order: str, actions: dict[str, Action]) -> DirectoryObjectStore:
    """Let each actor act on the same new folder, step by step in the given order."""
    store = DirectoryObjectStore(root)
    write_manifest(store, manifest("clips", "A"))
    turns = Turns(order)

    def act(actor: str) -> None:
        try:
            actions[actor](StepwiseStore(root, actor, turns))
        except KilledError:
            pass
        finally:
            turns.leave(actor)

    threads = [threading.Thread(target=act, args=(actor,)) for actor in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return store


def notices(store: DirectoryObjectStore) -> list[str]:
    return [found.key for found in store.list(keys.notice_prefix(VIDEO_ID))]


def assert_no_contradiction(store: DirectoryObjectStore) -> None:
    """A record that counts is there only if it says what the manifest says."""
    if notices(store) or store.head(KEY) is None:
        return
    recorded = json.loads(store.read_bytes(KEY))["manifests"]["clips"]["fingerprint"]
    current = read_manifest(store, "clips", VIDEO_ID)
    assert current is not None
    assert recorded == current.fingerprint


def orders(first: int, second: int) -> Iterator[str]:
    """Every order of so many steps of P and so many of W."""
    total = first + second
    for places in combinations(range(total), first):
        yield "".join("P" if at in places else "W" for at in range(total))


def publish(fingerprint: str) -> Action:
    return lambda store: write_manifest(store, manifest("clips", fingerprint))


def record(fingerprint: str) -> Action:
    return lambda store: write_finished(store, clips_record(fingerprint))


@pytest.mark.parametrize("steps", range(PUBLISH_STEPS + 1))
def test_whoever_is_killed_where_while_another_publishes_the_record_contradicts_nothing(
    tmp_path: Path, steps: int
) -> None:
    number = 0
    for written in range(WRITE_STEPS + 1):
        for order in orders(steps, written):
            number += 1
            actions = {"P": publish("B"), "W": record("A")}
            store = play(tmp_path / str(number), order, actions)
            assert_no_contradiction(store)
            if (steps, written) == (PUBLISH_STEPS, WRITE_STEPS):
                assert not notices(store), order


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    order=st.permutations(
        "P" * PUBLISH_STEPS + "R" * (PUBLISH_STEPS + WRITE_STEPS) + "W" * WRITE_STEPS
    ),
    kept=st.integers(4, 2 * PUBLISH_STEPS + 2 * WRITE_STEPS),
)
def test_three_at_once_contradict_nothing(
    tmp_path_factory: pytest.TempPathFactory, order: list[str], kept: int
) -> None:
    def run(store: DirectoryObjectStore) -> None:
        publish("B")(store)
        record("B")(store)

    actions = {"P": publish("C"), "R": run, "W": record("A")}
    store = play(tmp_path_factory.mktemp("store"), "".join(order[:kept]), actions)
    assert_no_contradiction(store)


def test_a_record_is_read_as_it_was_written(tmp_path: Path) -> None:
    store = stored(tmp_path)
    assert read_finished(store, VIDEO_ID) == FINISHED
    assert read_finished(store, "other") is None
    assert not notices(store)


@pytest.mark.parametrize("stage", FINISHED_STAGES)
def test_every_manifest_that_is_published_removes_the_record(tmp_path: Path, stage: str) -> None:
    store = stored(tmp_path)
    write_manifest(store, manifest(stage, "other"))
    assert store.head(KEY) is None
    assert not notices(store)


def test_a_comparison_of_methods_leaves_the_record(tmp_path: Path) -> None:
    store = stored(tmp_path)
    write_manifest(store, manifest("method_comparison", "other"))
    assert read_finished(store, VIDEO_ID) == FINISHED


def test_a_record_of_other_manifests_than_those_in_the_store_is_not_left_there(
    tmp_path: Path,
) -> None:
    store = stored(tmp_path)
    older = {**FINISHED.manifests, "keyframes": manifest("keyframes", "older")}
    write_finished(store, replace(FINISHED, manifests=older))
    assert store.head(KEY) is None
    assert not notices(store)


def test_a_store_that_fails_to_remove_the_record_keeps_the_notice_and_the_manifest(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    class Failing(DirectoryObjectStore):
        def delete(self, key: str) -> None:
            raise StoreUnavailableError("the store is restarting")

    stored(tmp_path)
    write_manifest(Failing(tmp_path), manifest("clips", "other"))
    store = DirectoryObjectStore(tmp_path)
    assert read_manifest(store, "clips", VIDEO_ID) == manifest("clips", "other")
    (notice,) = notices(store)
    assert f"{notice} stays, so that the next runs of film read each manifest" in caplog.text


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"format_version": FORMAT_VERSION + 1}, f"reads up to {FORMAT_VERSION}"),
        ({"format": "heaters_pipeline/manifest"}, "it is not a heaters_pipeline/finished"),
        ({"manifests": {}}, "KeyError"),
        ({"manifests": None}, "TypeError"),
        ({"pictures": {"a": "no base64!"}}, "Error"),
        ({"pictures": []}, "AttributeError"),
        ({"video_id": "film", "manifests": "swapped"}, "another stage or video"),
        ({"manifests": "newer"}, "reads up to 2"),
    ],
)
def test_a_record_that_cannot_be_read_is_left_alone(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, change: dict[str, Any], why: str
) -> None:
    store = stored(tmp_path)
    content = json.loads(store.read_bytes(KEY))
    manifests = content["manifests"]
    if change.get("manifests") == "swapped":
        change = {"manifests": {**manifests, "clips": manifests["scenes"]}}
    if change.get("manifests") == "newer":
        change = {"manifests": {**manifests, "clips": {**manifests["clips"], "format_version": 3}}}
    data = json.dumps({**content, **change}).encode()
    store.write_bytes(KEY, data, content_type="application/json")
    with pytest.raises(ManifestError, match=why):
        FinishedVideo.from_bytes(data, VIDEO_ID)
    assert read_finished(store, VIDEO_ID) is None
    assert "the manifests of film are read one by one" in caplog.text


def stored(root: Path) -> DirectoryObjectStore:
    """A store with the manifests of a finished video and their record."""
    store = DirectoryObjectStore(root)
    for one in FINISHED.manifests.values():
        write_manifest(store, one)
    write_finished(store, FINISHED)
    return store
