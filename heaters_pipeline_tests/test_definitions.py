"""What Dagster is given: it loads, it is described, and importing it does nothing."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

import heaters_pipeline
from heaters_pipeline.definitions import defs
from heaters_pipeline.jobs import CATALOG_JOB, COMPARE_JOB, DOWNLOAD_JOB, PROCESS_JOB
from heaters_pipeline.report.catalog import CLIP_COLUMNS, VIDEO_COLUMNS
from heaters_pipeline_tests.pipeline import STAGES

CHECKOUT = Path(__file__).resolve().parents[1]
ASSETS = {*STAGES, "method_comparison", "catalog"}
STAGES_WITHOUT_OBJECTS = ("source_videos", "scenes")

# Imports every module of the package twice: the first time for the libraries, which may do as
# they like, the second time while it is watched what the package itself does.
IMPORTS_EVERYTHING = """
import logging, os, pkgutil, sys
import heaters_pipeline

sys.dont_write_bytecode = True
forbidden = ("socket.", "subprocess.", "shutil.", "os.putenv", "os.unsetenv", "os.system",
             "os.exec", "os.mkdir", "os.remove", "os.rename", "os.chmod")
watching = False

def watch(event, arguments):
    writes = event == "open" and set(arguments[1] or "") & set("wax+")
    if watching and (writes or event.startswith(forbidden)):
        raise RuntimeError(f"an import did {event} {arguments}")

def settings():
    return dict(os.environ), list(logging.root.handlers), logging.root.level

names = [
    found.name
    for found in pkgutil.walk_packages(heaters_pipeline.__path__, "heaters_pipeline.")
    if not found.name.endswith("__main__")
]
for name in names:
    __import__(name)
for name in [name for name in sys.modules if name.startswith("heaters_pipeline")]:
    del sys.modules[name]
before = settings()
sys.addaudithook(watch)
watching = True
for name in names:
    __import__(name)
watching = False
assert settings() == before
print(len(names))
"""
IMPORTS_LOWER_FLOORS = """
import pkgutil, sys
import heaters_pipeline.cli
for package in ("video", "storage", "intake", "report"):
    path = [f"{heaters_pipeline.__path__[0]}/{package}"]
    for found in pkgutil.walk_packages(path, f"heaters_pipeline.{package}."):
        if not found.name.endswith("__main__"):
            __import__(found.name)
assert "heaters_pipeline.video.scoring.scores" in sys.modules
print([name for name in sys.modules if name.partition(".")[0].startswith("dagster")])
"""


@pytest.fixture(scope="module")
def graph() -> Any:
    return defs.resolve_asset_graph()


def run_python(*arguments: str, folder: Path) -> "subprocess.CompletedProcess[str]":
    """Run this Python apart, with nothing of this machine's settings."""
    ours = ("AWS_", "DAGSTER_", "HEATERS_")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(ours)}
    return subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**kept, "PYTHONPATH": str(CHECKOUT)},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )


def test_dagster_takes_the_workspace_for_valid(home: Path) -> None:
    done = run_python(
        "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml", folder=home
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Validation successful for code location heaters_pipeline.definitions" in done.stdout


def test_there_is_an_asset_a_stage_and_a_catalog_of_all(graph: Any) -> None:
    nodes = {key.to_user_string(): graph.get(key) for key in graph.get_all_asset_keys()}
    assert set(nodes) == ASSETS
    for name, node in nodes.items():
        assert (node.partitions_def is None) is (name == "catalog")
        assert node.description, name
        assert node.group_name != "default", name
        assert "python" in node.kinds, name
        assert len(node.kinds) >= 3, name
        assert node.is_executable


def test_lineage_is_the_documented_one(graph: Any) -> None:
    parents = {
        key.to_user_string(): {parent.to_user_string() for parent in graph.get(key).parent_keys}
        for key in graph.get_all_asset_keys()
    }
    assert parents == {
        "source_videos": set(),
        "frame_scores": {"source_videos"},
        "scenes": {"frame_scores"},
        "method_comparison": {"frame_scores"},
        "clips": {"source_videos", "frame_scores", "scenes"},
        "sprite_sheets": {"clips", "frame_scores"},
        "keyframes": {"clips"},
        "catalog": {"clips", "sprite_sheets", "keyframes"},
    }


def test_tables_say_what_their_columns_mean(graph: Any) -> None:
    for name in ("scenes", "method_comparison", "clips", "catalog"):
        schema = graph.get(dg.AssetKey(name)).metadata["dagster/column_schema"]
        assert schema.columns
        assert all(column.description for column in schema.columns)
    metadata = graph.get(dg.AssetKey("catalog")).metadata
    assert [column.name for column in metadata["dagster/column_schema"].columns] == [
        column.name for column in CLIP_COLUMNS
    ]
    assert [column.name for column in metadata["videos_columns"].columns] == [
        column.name for column in VIDEO_COLUMNS
    ]


def test_each_check_has_a_verdict_for_each_video_and_a_description(graph: Any) -> None:
    nodes = [graph.get(key) for key in graph.asset_check_keys]
    assert {(node.key.asset_key.to_user_string(), node.key.name) for node in nodes} == {
        ("scenes", "scenes_tile_the_video"),
        ("clips", "clips_have_their_frames"),
        ("sprite_sheets", "sprites_have_their_tiles"),
        *((stage, f"{stage}_exist") for stage in STAGES if stage not in STAGES_WITHOUT_OBJECTS),
    }
    assert all(node.description for node in nodes)
    assert all(node.partitions_def is not None for node in nodes)


def test_jobs_run_in_one_process_and_hold_what_they_say() -> None:
    selected = {
        DOWNLOAD_JOB: {"source_videos"},
        PROCESS_JOB: set(STAGES),
        COMPARE_JOB: {"method_comparison"},
        CATALOG_JOB: {"catalog"},
    }
    for name, assets in selected.items():
        job = defs.resolve_job_def(name)
        keys = job.asset_layer.executable_asset_keys
        assert {key.to_user_string() for key in keys} == assets
        assert job.executor_def is dg.in_process_executor
        assert job.description


def test_sensors_are_there() -> None:
    assert {one.name for one in defs.sensors or ()} == {
        "submitted_videos",
        "downloaded_videos",
        "changed_catalog",
    }


def test_importing_does_nothing(tmp_path: Path) -> None:
    done = run_python("-c", IMPORTS_EVERYTHING, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    package = Path(heaters_pipeline.__file__).parent
    modules = [path for path in package.rglob("*.py") if path.stem not in ("__init__", "__main__")]
    assert int(done.stdout) >= len(modules)
    assert not list(tmp_path.iterdir())


def test_the_lower_floors_and_the_command_line_do_not_import_dagster(tmp_path: Path) -> None:
    done = run_python("-c", IMPORTS_LOWER_FLOORS, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
