"""A pytest plugin: stores in which a video was processed, and what runs the pipeline on them.

Dagster takes seconds to import, so that only tests that use these fixtures do it.
"""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from heaters_pipeline_tests.videos import make_video

if TYPE_CHECKING:
    from heaters_pipeline_tests.cli.heaters_command import Heaters
    from heaters_pipeline_tests.pipeline import Pipeline
    from heaters_pipeline_tests.sensor_stage import Stage
    from heaters_pipeline_tests.uploads_daemon import Daemon

FILM_SCENES = (20, 25, 30, 20)
FILM_SIZE_PX = (128, 72)
"""Eight blocks wide: x264 gives the same bytes for the same frames each time, which it does not do
for other widths, where its code for rows of eight blocks takes what is behind the last one."""


@pytest.fixture(scope="session")
def film(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of four scenes with sound, whose I-frames do not stand at its cuts."""
    path = tmp_path_factory.mktemp("film") / "film.mp4"
    return make_video(
        path, FILM_SCENES, size_px=FILM_SIZE_PX, options={"g": "12", "bf": "2"}, audio="aac"
    )


@pytest.fixture(scope="session")
def processed_folder(film: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder store in which the film was processed; nobody may write to it."""
    from heaters_pipeline_tests.pipeline import folder_pipeline

    folder = tmp_path_factory.mktemp("processed")
    pipeline = folder_pipeline(folder / "store", folder)
    outcome = pipeline.process(source_videos={"origin": str(film)})
    pipeline.instance.dispose()
    assert outcome.success, outcome.error
    return folder / "store"


@pytest.fixture
def pipeline(tmp_path: Path) -> "Iterator[Pipeline]":
    """The pipeline on an empty folder store, ``tmp_path / "store"``."""
    from heaters_pipeline_tests.pipeline import folder_pipeline

    created = folder_pipeline(tmp_path / "store", tmp_path / "local")
    yield created
    created.instance.dispose()


@pytest.fixture
def config_is_all(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let each run work with its config alone, for tests of what settings decide."""
    from heaters_pipeline_tests.pipeline import Pipeline

    monkeypatch.setattr(Pipeline, "config_is_all", True)


@pytest.fixture
def processed(processed_folder: Path, pipeline: "Pipeline", tmp_path: Path) -> "Pipeline":
    """The pipeline on a store in which the film was processed.

    Its files are copies, so that their versions are others than those that were recorded.
    """
    shutil.copytree(processed_folder, tmp_path / "store", symlinks=True)
    return pipeline


@pytest.fixture(scope="session")
def schemas_read_once() -> Iterator[None]:
    """Let Dagster read the history of its tables once, which takes a third of a command's time.

    It does so for each database that it opens, of which it has one a run, from 89 files.
    """
    from alembic.script import ScriptDirectory

    read: Any = ScriptDirectory.from_config
    known: dict[str, Any] = {}

    def read_once(config: Any) -> Any:
        location = config.get_main_option("script_location")
        if location not in known:
            known[location] = read(config)
        return known[location]

    with pytest.MonkeyPatch.context() as monkeypatch:
        monkeypatch.setattr(ScriptDirectory, "from_config", read_once)
        yield


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, schemas_read_once: None) -> Path:
    """A folder with the project's dagster.yaml, and nothing of this machine's environment."""
    for name in [name for name in os.environ if name.startswith(("HEATERS_", "DAGSTER_"))]:
        monkeypatch.delenv(name)
    folder = tmp_path / "home"
    folder.mkdir()
    checkout = Path(__file__).resolve().parents[1]
    for name in ("dagster.yaml", "workspace.yaml"):
        shutil.copy(checkout / name, folder / name)
    monkeypatch.setenv("DAGSTER_HOME", str(folder))
    monkeypatch.setenv("HEATERS_CACHE", str(tmp_path / "cache"))
    return folder


@pytest.fixture
def heaters(capfd: pytest.CaptureFixture[str]) -> "Heaters":
    """Types commands."""
    from heaters_pipeline_tests.cli.heaters_command import Heaters

    return Heaters(capfd)


@pytest.fixture
def stage(tmp_path: Path) -> "Iterator[Stage]":
    """A folder store and an instance of Dagster for the ticks of sensors."""
    from heaters_pipeline_tests.sensor_stage import Stage

    created = Stage(tmp_path)
    yield created
    created.instance.dispose()


@pytest.fixture
def daemon(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> "Iterator[Daemon]":
    """A daemon that looks at ten objects a tick."""
    from heaters_pipeline import uploads_sensor
    from heaters_pipeline.storage.directory.store import DirectoryObjectStore
    from heaters_pipeline.storage.records.made_of import KnownManifests
    from heaters_pipeline_tests.uploads_daemon import Daemon

    monkeypatch.setattr(uploads_sensor, "_known_manifests", KnownManifests())
    monkeypatch.setattr(uploads_sensor, "OBJECTS_PER_TICK", 10)
    created = Daemon(DirectoryObjectStore(tmp_path / "store", settle_seconds=0), tmp_path)
    yield created
    created.instance.dispose()
