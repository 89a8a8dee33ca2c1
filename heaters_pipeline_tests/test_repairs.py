"""The job ``repair_videos``: what people launch from the Dagster UI when a check is red."""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest

from heaters_pipeline.definitions import defs
from heaters_pipeline.repairs import REPAIR_JOB, repair_videos
from heaters_pipeline.status import run_error
from heaters_pipeline.storage.directory_store import DirectoryObjectStore
from heaters_pipeline_tests.cli.heaters_command import Heaters

VIDEO_ID = "film"


@pytest.fixture
def instance(
    home: Path, film: Path, heaters: Heaters, monkeypatch: pytest.MonkeyPatch
) -> Iterator[dg.DagsterInstance]:
    """The instance of a store in which the film was processed, with other than default settings."""
    # To which the paths of dagster.yaml are relative.
    monkeypatch.chdir(home)
    heaters("process", film, "--clips", "reencode", "--crf", "31")
    with dg.DagsterInstance.get() as instance:
        yield instance


def repair(instance: dg.DagsterInstance, *, deep: bool) -> str | None:
    """Launch the job; gives the error that people see."""
    result = defs.resolve_job_def(REPAIR_JOB).execute_in_process(
        instance=instance,
        tags={"dagster/partition": VIDEO_ID},
        run_config={"ops": {"repair": {"config": {"deep": deep}}}},
        raise_on_error=False,
    )
    return None if result.success else run_error(instance, result.run_id)


def materializations(instance: dg.DagsterInstance, asset: str) -> list[int]:
    """What each run of an asset says that it made, the latest first."""
    records = instance.fetch_materializations(dg.AssetKey(asset), limit=10).records
    found = [record.asset_materialization for record in records]
    return [int(str(event.metadata["made"].value)) for event in found if event is not None]


def test_it_makes_what_is_missing_with_the_recorded_settings(
    instance: dg.DagsterInstance, home: Path
) -> None:
    store = DirectoryObjectStore(home / "data")
    before = {found.key: found.version for found in store.list("clips/")}
    gone, *_ = before
    store.delete(gone)
    assert repair(instance, deep=False) is None
    after = {found.key: found.version for found in store.list("clips/")}
    assert {key for key in after if after[key] != before[key]} == {gone}
    assert materializations(instance, "clips") == [1, 4]


def test_deep_finds_what_has_its_size(instance: dg.DagsterInstance, home: Path) -> None:
    store = DirectoryObjectStore(home / "data")
    path = store.local_path(next(store.list("keyframes/")).key)
    assert path is not None
    content = path.read_bytes()
    path.write_bytes(bytes(len(content)))
    assert repair(instance, deep=False) is None
    assert path.read_bytes() != content
    assert repair(instance, deep=True) is None
    assert path.read_bytes() == content
    assert materializations(instance, "keyframes") == [1, 4]


def test_it_fails_with_what_only_a_person_can_mend(
    instance: dg.DagsterInstance, home: Path
) -> None:
    DirectoryObjectStore(home / "data").delete("source_videos/film.mp4")
    error = repair(instance, deep=False)
    assert error is not None
    assert error.startswith("film is not repaired: source_videos/film.mp4 is missing: upload it")


def test_the_launchpad_says_what_deep_means() -> None:
    (op,) = repair_videos.graph.node_defs
    config = op.config_schema.config_type
    assert "Read every object" in config.fields["deep"].description
