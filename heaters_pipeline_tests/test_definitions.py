"""What Dagster is given: it loads, it is described, and importing it does nothing."""

import inspect
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import nullcontext
from datetime import timedelta
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

import heaters_pipeline
from heaters_pipeline import config
from heaters_pipeline.assets import stage_checks
from heaters_pipeline.assets.catalog import READABLE_CHECK
from heaters_pipeline.definitions import defs
from heaters_pipeline.names import (
    CATALOG_JOB,
    COMPARE_JOB,
    DOWNLOAD_JOB,
    PROCESS_JOB,
    REVIEW_INDEX_JOB,
    REVIEW_JOB,
)
from heaters_pipeline.report.catalog_columns import CLIP_COLUMNS, VIDEO_COLUMNS
from heaters_pipeline_tests.pipeline import STAGES

CHECKOUT = Path(__file__).resolve().parents[1]
ASSETS = {*STAGES, "method_comparison", "review_pages", "review_index", "catalog"}
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
    # The app of a worker is made of the instance that DAGSTER_HOME names.
    if not found.name.endswith(("__main__", "heaters_pipeline.worker"))
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
IMPORTS_LOWER_LAYERS = """
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
IMPORTS_DEFINITIONS = """
import sys
import heaters_pipeline.definitions
late = {"boto3", "botocore", "matplotlib", "pandas", "PIL", "requests"}
print(sorted(late & set(sys.modules)))
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


def test_the_definitions_load_nothing_that_only_some_runs_use(tmp_path: Path) -> None:
    done = run_python("-c", IMPORTS_DEFINITIONS, folder=tmp_path)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_dagster_takes_the_workspace_for_valid(home: Path) -> None:
    done = run_python(
        "-m", "dagster", "definitions", "validate", "-w", "workspace.yaml", folder=home
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Validation successful for code location heaters_pipeline.definitions" in done.stdout


@pytest.mark.parametrize(
    ("command", "expected"),
    [
        (("check", "defs", "--use-active-venv"), "All definitions loaded successfully"),
        (("list", "defs", "--json"), '"name": "clips_have_their_frames"'),
    ],
)
def test_the_tool_of_dagster_works_in_the_checkout_as_it_is(
    home: Path, command: tuple[str, ...], expected: str
) -> None:
    program = Path(sys.executable).with_name("dg")
    done = subprocess.run(
        [program, *command],
        cwd=CHECKOUT,
        # It sends statistics unless the instance says otherwise.
        env={**os.environ, "DAGSTER_HOME": str(home), "VIRTUAL_ENV": sys.prefix},
        capture_output=True,
        text=True,
        stdin=subprocess.DEVNULL,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert expected in done.stdout


def test_there_is_an_asset_a_stage_and_a_catalog_of_all(graph: Any) -> None:
    nodes = {key.to_user_string(): graph.get(key) for key in graph.get_all_asset_keys()}
    assert set(nodes) == ASSETS
    for name, node in nodes.items():
        assert (node.partitions_def is None) is (name in ("catalog", "review_index"))
        assert node.description, name
        assert node.group_name != "default", name
        # Each is Python: a third kind leaves no room for its name in the list of assets.
        assert len(node.kinds) == 2, name
        assert node.is_executable
        assert node.owners == ["team:heaters"], name
        assert node.tags["heaters/work"] in ("transfer", "decode", "decide", "encode"), name
        assert node.code_version, name


def test_the_catalog_is_written_by_one_run_at_a_time_and_looked_at_once_a_day(graph: Any) -> None:
    node = graph.get(dg.AssetKey("catalog"))
    assert node.pools == {"catalog"}
    schedule, *others = defs.schedules or ()
    assert isinstance(schedule, dg.ScheduleDefinition)
    # A person switches these on.
    assert [each.name for each in others] == ["check_videos_weekly", "renew_review_pages"]
    for each in others:
        assert isinstance(each, dg.ScheduleDefinition)
        assert each.default_status is dg.DefaultScheduleStatus.STOPPED
    assert (schedule.job_name, schedule.cron_schedule) == (CATALOG_JOB, "0 3 * * *")
    assert node.freshness_policy == dg.FreshnessPolicy.time_window(
        fail_window=timedelta(hours=48), warn_window=timedelta(hours=25)
    )


def test_what_the_ui_shows_as_markdown_is_none_of_sphinx(graph: Any) -> None:
    shown = [graph.get(key).description for key in graph.get_all_asset_keys()]
    shown += [graph.get(key).description for key in graph.asset_check_keys]
    for job in defs.resolve_all_job_defs():
        shown += [job.description, *(node.definition.description for node in job.nodes)]
    shown += [each.description for each in (*(defs.sensors or ()), *(defs.schedules or ()))]
    shown += [
        field.description
        for each in vars(config).values()
        if isinstance(each, type) and issubclass(each, dg.Config)
        for field in each.model_fields.values()
    ]
    assert len(shown) > 60
    assert not [text for text in shown if "``" in (text or "")]


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
        "storyboards": {"frame_scores", "scenes"},
        "clips": {"source_videos", "frame_scores", "scenes"},
        "sprite_sheets": {"clips", "frame_scores"},
        "keyframes": {"clips", "scenes"},
        "review_pages": {"scenes", "sprite_sheets", "keyframes"},
        "review_index": {"review_pages", "catalog"},
        "catalog": {"storyboards", "clips", "sprite_sheets", "keyframes"},
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


def test_each_check_has_a_description_and_no_partitions(graph: Any) -> None:
    nodes = [graph.get(key) for key in graph.asset_check_keys]
    assert {(node.key.asset_key.to_user_string(), node.key.name) for node in nodes} == {
        ("source_videos", "source_is_stored"),
        ("scenes", "scenes_tile_the_video"),
        ("storyboards", "storyboard_has_its_tiles"),
        ("clips", "clips_have_their_frames"),
        ("sprite_sheets", "sprites_have_their_tiles"),
        ("catalog", READABLE_CHECK),
        *((stage, f"{stage}_exist") for stage in STAGES if stage not in STAGES_WITHOUT_OBJECTS),
        ("catalog", "settings_are_sound"),
    }
    assert all(node.description for node in nodes)
    # With partitions, a page that shows an asset of 4,000 videos takes 40 s.
    assert all(node.partitions_def is None for node in nodes)


def test_jobs_run_in_one_process_and_hold_what_they_say() -> None:
    selected = {
        DOWNLOAD_JOB: {"source_videos"},
        PROCESS_JOB: set(STAGES),
        COMPARE_JOB: {"method_comparison"},
        REVIEW_JOB: {"review_pages"},
        REVIEW_INDEX_JOB: {"review_index"},
        CATALOG_JOB: {"catalog"},
    }
    for name, assets in selected.items():
        job = defs.resolve_job_def(name)
        keys = job.asset_layer.executable_asset_keys
        assert {key.to_user_string() for key in keys} == assets
        assert job.executor_def is dg.in_process_executor
        assert job.description


def test_warnings_that_are_not_shown_and_a_name_that_is_private_are_still_needed() -> None:
    """Once Dagster ends its previews, or gives the name, what stands in for them can go."""
    with pytest.warns(dg.BetaWarning, match="with_source_code_references"):
        dg.with_source_code_references([])
    with pytest.warns(dg.BetaWarning, match="AnchorBasedFilePathMapping"):
        mapping = dg.AnchorBasedFilePathMapping(CHECKOUT, ".")
    with pytest.warns(dg.BetaWarning, match="link_code_references_to_git"):
        dg.link_code_references_to_git([], "https://github.com/a/b", "main", mapping)
    private = vars(stage_checks)["Target"].__name__
    assert private == "AssetCheckEvaluationTargetMaterializationData"
    assert not hasattr(dg, private)
    sources = Path(heaters_pipeline.__file__).parent.rglob("*.py")
    private_to = [path.name for path in sources if "dagster._" in path.read_text()]
    # What forgetting.py takes is proven to be needed where it is tested.
    assert sorted(private_to) == [
        "backfills.py",
        "fleet_launcher.py",
        "forgetting.py",
        "run_origin.py",
        "source_keys.py",
        "stage_checks.py",
        "worker.py",
    ]
    # With an argument for the location, execute_job would do what run_origin.py does.
    assert "remote_job_origin" not in inspect.signature(dg.execute_job).parameters


def test_the_warning_that_pyproject_ignores_is_still_given() -> None:
    """Once Dagster no longer asks for the clock that Python 3.12 warns of, the filter can go."""

    @dg.op(out={})
    def check() -> Iterator[dg.AssetCheckEvaluation]:
        # One that no plan of the run spoke of, as those of check_videos are.
        yield dg.AssetCheckEvaluation(dg.AssetKey("film"), "sound", passed=True, metadata={})

    @dg.job
    def check_film() -> None:
        check()

    warned = (
        pytest.warns(DeprecationWarning, match="utcfromtimestamp")
        if sys.version_info >= (3, 12)
        else nullcontext()
    )
    with warned:
        assert check_film.execute_in_process(instance=dg.DagsterInstance.ephemeral()).success


def test_sensors_are_there() -> None:
    assert {one.name for one in defs.sensors or ()} == {
        "bring_in_submissions",
        "process_uploads",
        "update_catalog",
        "report_dead_runs",
        "apply_changed_settings",
        "apply_corrections",
        "make_pages_when_finished",
    }


def test_importing_does_nothing(tmp_path: Path) -> None:
    done = run_python("-c", IMPORTS_EVERYTHING, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    package = Path(heaters_pipeline.__file__).parent
    modules = [
        path
        for path in package.rglob("*.py")
        if path.stem not in ("__init__", "__main__", "worker")
    ]
    assert int(done.stdout) >= len(modules)
    assert not list(tmp_path.iterdir())


def test_the_lower_layers_and_the_command_line_do_not_import_dagster(tmp_path: Path) -> None:
    done = run_python("-c", IMPORTS_LOWER_LAYERS, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "[]"
