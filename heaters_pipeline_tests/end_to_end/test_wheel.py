"""The wheel that ``make build`` makes, in an environment that knows nothing of this checkout.

The environment borrows the packages that the pipeline needs from the one that runs the tests, by
a line in a ``.pth`` file. A line adds a folder alone, not what the ``.pth`` files in that folder
name, so that an editable installation of the pipeline is out of its sight.
"""

import os
import shutil
import subprocess
import sys
import sysconfig
import venv
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from heaters_pipeline.storage.digests import file_sha256
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline_tests.end_to_end.programs import CHECKOUT

PROJECT = """
[tool.dg]
directory_type = "project"

[tool.dg.project]
root_module = "mine"
code_location_target_module = "mine"
"""


@dataclass(frozen=True, slots=True)
class Installed:
    """The pipeline as its users install it.

    Attributes:
        environment: Folder of the Python environment.
        user: A folder in which its user works; everything else of theirs lies there, too.
    """

    environment: Path
    user: Path

    def run(self, *command: str | Path, folder: Path | None = None) -> str:
        """Run a program of the environment; return what it wrote, both streams together."""
        program, *arguments = command
        done = subprocess.run(
            [self.environment / "bin" / program, *arguments],
            cwd=folder or self.user,
            env={
                "PATH": os.pathsep.join((str(self.environment / "bin"), os.environ["PATH"])),
                "HOME": str(self.user),
                "XDG_DATA_HOME": str(self.user / "share"),
                "XDG_CACHE_HOME": str(self.user / "cache"),
            },
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        assert done.returncode == 0, done.stdout
        return done.stdout


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that ``make build`` makes of a copy of the checkout."""
    return _built(_copied(tmp_path_factory.mktemp("checkout")))


def _copied(checkout: Path) -> Path:
    """A copy of what ``make build`` looks at; nothing tells its commit."""
    shutil.copytree(CHECKOUT / "heaters_pipeline", checkout / "heaters_pipeline")
    for name in ("Makefile", "constraints.txt", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(CHECKOUT / name, checkout)
    return checkout


def _built(checkout: Path) -> Path:
    # The environment of the tests is there, and is not to be made again.
    installed = f"{sys.prefix}/installed-tests"
    _run(
        *("make", "--directory", checkout, "--old-file", installed),
        *("build", f"VENV={sys.prefix}"),
    )
    (path,) = (checkout / "dist").iterdir()
    return path


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """An environment with the wheel."""
    folder = tmp_path_factory.mktemp("installed")
    environment = folder / "environment"
    venv.create(environment, symlinks=True)
    _run(
        *(sys.executable, "-m", "pip", "--python", environment / "bin" / "python"),
        *("install", "--quiet", "--no-deps", "--no-index", "--disable-pip-version-check", wheel),
    )
    borrowed = sysconfig.get_path("purelib")
    (_packages(environment) / "borrowed.pth").write_text(f"{borrowed}\n")
    user = folder / "user"
    user.mkdir()
    return Installed(environment, user)


def _run(*command: str | Path) -> None:
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 0, done.stdout


def _packages(environment: Path) -> Path:
    (found,) = environment.glob("lib/python*/site-packages")
    return found


def _files(package: Path) -> Iterator[Path]:
    return (
        path.relative_to(package)
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    )


def test_the_wheel_is_the_same_byte_for_byte_wherever_and_whenever_it_is_built(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    checkout = _copied(tmp_path / "another place")
    for path in checkout.rglob("*"):
        path.chmod(0o700 if path.is_dir() else 0o600)
        os.utime(path, (10**9, 10**9))
    # What earlier builds and editable installations leave.
    leftover = checkout / "build" / "lib" / "heaters_pipeline" / "gone.py"
    leftover.parent.mkdir(parents=True)
    leftover.write_text("")
    (checkout / "heaters_pipeline.egg-info").mkdir()
    (checkout / "heaters_pipeline.egg-info" / "SOURCES.txt").write_text("heaters_pipeline/a.md\n")
    (checkout / "heaters_pipeline" / "a.md").write_text("notes")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    monkeypatch.setenv("LC_ALL", "C")
    assert file_sha256(_built(checkout)) == file_sha256(wheel)


def test_all_files_of_the_package_are_in_the_wheel(installed: Installed) -> None:
    package = _packages(installed.environment) / "heaters_pipeline"
    assert set(_files(package)) == set(_files(CHECKOUT / "heaters_pipeline"))
    assert (package / "py.typed").exists()
    said = installed.run("python", "-c", "import heaters_pipeline as it; print(it.__file__)")
    assert said == f"{package}/__init__.py\n"


def test_a_video_is_processed_and_a_home_is_made_once(installed: Installed, film: Path) -> None:
    home = installed.user / "share" / "heaters_pipeline"
    first = installed.run("heaters", "process", film)
    assert f"There is no dagster.yaml: runs and clips are kept in {home}\n" in first
    assert "film: done, 4 scenes, 4 clips" in first
    assert (home / "dagster.yaml").read_text() == (CHECKOUT / "dagster.yaml").read_text()
    assert len(list(DirectoryObjectStore(home / "data").list("clips/film/"))) == 4
    assert (home / ".dagster").is_dir()
    again = installed.run("heaters", "status")
    assert "There is no dagster.yaml" not in again
    assert [line.split()[:2] for line in again.splitlines() if "film" in line] == [["film", "done"]]


def test_a_project_of_ones_own_takes_the_definitions(installed: Installed) -> None:
    project = installed.user / "project"
    (project / "mine").mkdir(parents=True)
    (project / "pyproject.toml").write_text(PROJECT)
    (project / "mine" / "__init__.py").write_text(
        "from heaters_pipeline.definitions import defs as defs\n"
    )
    said = installed.run(
        "python", "-m", "dagster_dg_cli.cli", "check", "defs", "--no-check-yaml", folder=project
    )
    assert "All definitions loaded successfully" in said
