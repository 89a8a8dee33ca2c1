"""Stores and Dagster databases of each older format work with the program of today.

``stores/`` has a home of each: what the program of that time left after ``heaters process`` of a
video of two scenes that ``make_video`` drew, with Dagster's SQLite files. Versions are those of
manifests: 1 and 2 have one for each stage, 3 and 4 one for each video. To keep the next one, run
the command once before the format changes, and pack ``dagster.yaml data history schedules``.
"""

import json
import subprocess
import tarfile
from pathlib import Path
from typing import Any

import dagster as dg
import pyarrow.parquet as pq
import pytest

from heaters_pipeline.report.catalog import build_catalog, record_versions
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.video_manifests import FORMAT_VERSION, read_video
from heaters_pipeline_tests.end_to_end.programs import find_program, neutral_environment

STORES = Path(__file__).with_name("stores")
VERSIONS = range(1, FORMAT_VERSION + 1)


class Home:
    """An unpacked home, in which commands of today are typed."""

    def __init__(self, folder: Path, version: int) -> None:
        self.folder = folder
        with tarfile.open(STORES / f"version{version}.tar.xz") as packed:
            packed.extractall(folder, filter="data")
        self.store = DirectoryObjectStore(folder / "data", settle_seconds=0)

    def heaters(self, *arguments: str) -> dict[str, Any]:
        """What a command says; it must succeed."""
        done = subprocess.run(
            [find_program("heaters"), *arguments, "--json"],
            cwd=self.folder,
            env={
                **neutral_environment(),
                "DAGSTER_HOME": str(self.folder),
                "HEATERS_STORE": "./data",
                "HEATERS_CACHE": str(self.folder / "cache"),
            },
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return dict(json.loads(done.stdout))

    def clips(self) -> dict[str, str]:
        """The clips with their versions, which a write changes."""
        return {found.key: found.version for found in self.store.list("clips/")}


@pytest.mark.parametrize("version", VERSIONS)
def test_the_catalog_of_an_older_store_has_what_its_records_say(
    tmp_path: Path, version: int
) -> None:
    store = Home(tmp_path, version).store
    (tmp_path / "tables").mkdir()
    made = build_catalog(store, record_versions(store), tmp_path / "tables")
    assert (made.video_rows, made.clip_rows, dict(made.unreadable)) == (1, 2, {})
    (video,) = pq.read_table(made.videos).to_pylist()
    assert json.loads(video["detection_settings"])["method"] == "adaptive"
    assert video["is_variable_frame_rate"] is None
    first, last = pq.read_table(made.clips).to_pylist()
    kinds = [each[f"{end}_transition"] for each in (first, last) for end in ("start", "end")]
    assert kinds == [None, "cut", "cut", None]
    assert (tmp_path / "data" / first["clip_filepath"]).as_uri() == first["uri"]
    assert (first["width"], first["made_at"], first["brightness"]) == (None, None, None)
    rate = first["frame_rate_numerator"] / first["frame_rate_denominator"]
    assert rate == pytest.approx(first["frames"] / first["duration_seconds"])


@pytest.mark.parametrize("version", VERSIONS)
def test_a_store_and_a_database_of_an_older_version_go_on(tmp_path: Path, version: int) -> None:
    home = Home(tmp_path, version)
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        old_runs = {run.run_id for run in instance.get_runs()}
        assert instance.get_dynamic_partitions("source_videos") == ["film"]
    assert old_runs
    clips = home.clips()
    assert len(clips) == 2
    (processed,) = home.heaters("process", "film")["videos"]
    assert processed["error"] is None
    # Nothing that is stored is lost. Clips of versions 1 and 2 had other defaults.
    assert clips.items() <= home.clips().items()
    assert len(home.clips()) == (2 if version >= 3 else 4)
    video = read_video(home.store, "film")
    assert video.is_finished
    assert json.loads(video.to_bytes())["format_version"] == FORMAT_VERSION
    assert not list(home.store.list("manifests/clips/"))
    with dg.DagsterInstance.from_config(str(tmp_path)) as instance:
        runs = instance.get_runs()
    assert old_runs < {run.run_id for run in runs}
    assert runs[0].status is dg.DagsterRunStatus.SUCCESS
    (after,) = home.heaters("status")["videos"]
    assert after["state"] == "spliced"
    assert home.heaters("verify", "film")["videos"]
