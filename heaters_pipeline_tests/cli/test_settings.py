"""The settings of a run: the same in the command, its file and the launchpad."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import click
import dagster as dg
import pytest
import yaml

from heaters_pipeline.cli import main
from heaters_pipeline.cli.given_settings import read_settings
from heaters_pipeline.config import (
    ClipConfig,
    ComparisonConfig,
    DetectionConfig,
    KeyframeConfig,
    ScanConfig,
    SpriteConfig,
    StoryboardConfig,
    VerifyConfig,
)
from heaters_pipeline.definitions import defs
from heaters_pipeline.names import PROCESS_JOB
from heaters_pipeline.settings import SETTINGS
from heaters_pipeline.video.scoring.scores import ScoreSettings
from heaters_pipeline_tests.cli.heaters_command import Heaters

CONFIGS: dict[str, type[dg.Config]] = {
    "frame_scores": ScanConfig,
    "scenes": DetectionConfig,
    "clips": ClipConfig,
    "sprite_sheets": SpriteConfig,
    "keyframes": KeyframeConfig,
    "storyboards": StoryboardConfig,
}
OTHERS = {
    "ops": {
        "frame_scores": {"config": {"ignored_regions": ["0,0.9,1,1"]}},
        "scenes": {"config": {"threshold": 5, "max_duration_seconds": 0.6}},
        "clips": {"config": {"bit_depth": "source", "verify": "full"}},
        "sprite_sheets": {"config": {"columns": 3}},
    }
}
IMPORTED_BY_HELP = """
import contextlib, sys
from heaters_pipeline.cli import main
with contextlib.suppress(SystemExit):
    main()
heavy = {"av", "boto3", "cv2", "dagster", "matplotlib", "numpy", "pandas", "pyarrow", "pydantic"}
print(sorted(heavy & set(sys.modules)), file=sys.stderr)
"""


def written(folder: Path, content: Any) -> Path:
    path = folder / "settings.yaml"
    path.write_text(content if isinstance(content, str) else yaml.safe_dump(content))
    return path


def options_of(command: str) -> dict[str, click.Option]:
    assert isinstance(main, click.Group)
    found = main.commands[command].params
    return {str(one.name): one for one in found if isinstance(one, click.Option)}


def test_the_command_and_the_launchpad_have_the_same_settings() -> None:
    schema = defs.resolve_job_def(PROCESS_JOB).run_config_schema.config_type
    ops = schema.fields["ops"].config_type.fields  # type: ignore[attr-defined]
    configs = {asset: op.config_type.fields["config"].config_type for asset, op in ops.items()}
    launchpad = {
        asset: set(config.fields)
        for asset, config in configs.items()
        if getattr(config, "fields", None)
    }
    # Where a video comes from is what stands behind heaters process.
    assert launchpad.pop("source_videos") == {"origin", "source_key", "title", "tags"}
    assert launchpad == {asset: {one.field for one in known} for asset, known in SETTINGS.items()}
    for asset, config in CONFIGS.items():
        for one in SETTINGS[asset]:
            field = config.model_fields[one.field]
            assert (field.annotation, field.default) == (one.kind, one.default), one
    assert ScanConfig().settings() == ScoreSettings()
    typed = set(options_of("process")) - {
        "as_json",
        "config_file",
        "cuts",
        "list_file",
        "without_cuts",
    }
    assert typed == {
        f"{asset}_{one.field}" for asset in SETTINGS for one in SETTINGS[asset] if one.option
    }
    # The command always decodes what a method needs: a person named it, and waits for it.
    assert set(ComparisonConfig.model_fields) - {"full_scan"} <= set(options_of("compare"))
    assert set(VerifyConfig.model_fields) <= set(options_of("verify"))


def test_the_options_that_people_use_most_stand_first_and_no_line_is_cut(heaters: Heaters) -> None:
    shown = heaters("process", "--help").out
    first = shown.partition("Most used options:\n")[2].partition("\n\n")[0]
    typed = [line.split()[0] for line in first.splitlines() if line.startswith("  --")]
    assert typed == ["--config", "--method", "--threshold", "--min-duration", "--clips"]
    for heading in ("Detection:", "Scenes:", "Encoding of clips:", "Other options:"):
        assert f"\n{heading}\n" in shown
    assert "..." not in heaters("--help").out.partition("Commands:")[2]


@pytest.mark.parametrize("content", [{"ops": {}}, OTHERS])
def test_what_is_printed_is_valid_in_the_launchpad_and_comes_back_the_same(
    heaters: Heaters, tmp_path: Path, content: dict[str, Any]
) -> None:
    ended = heaters("config", "--config", written(tmp_path, content), "--crf", "18")
    assert ended.code == 0, ended.err
    printed = yaml.safe_load(ended.out)
    assert {asset: list(op["config"]) for asset, op in printed["ops"].items()} == {
        asset: [one.field for one in known] for asset, known in SETTINGS.items()
    }
    assert printed["ops"]["clips"]["config"]["crf"] == 18
    for asset, op in content["ops"].items():
        assert op["config"].items() <= printed["ops"][asset]["config"].items()
    assert dg.validate_run_config(defs.resolve_job_def(PROCESS_JOB), printed)
    assert heaters("config", "--config", written(tmp_path, ended.out)).out == ended.out


def test_a_method_that_needs_every_frame_gets_a_full_scan_in_the_file(heaters: Heaters) -> None:
    printed = yaml.safe_load(heaters("config", "--method", "correl").out)
    assert printed["ops"]["frame_scores"]["config"]["scan"] == "full"


def test_detect_takes_its_part_of_the_file_and_what_is_typed_wins(
    film: Path, heaters: Heaters, tmp_path: Path
) -> None:
    path = written(tmp_path, OTHERS)
    decided = heaters("detect", film, "--config", path, "--json").document["detection_params"]
    assert (decided["threshold"], decided["max_duration_seconds"]) == (5.0, 0.6)
    typed = heaters("detect", film, "--config", path, "--threshold", "6", "--json").document
    assert typed["detection_params"] == {**decided, "threshold": 6.0}


def test_process_works_with_the_file(
    home: Path, film: Path, heaters: Heaters, tmp_path: Path
) -> None:
    path = written(tmp_path, {"ops": {"sprite_sheets": {"config": {"columns": 2}}}})
    (video,) = heaters("process", film, "--config", path, "--keyframes", "multi", "--json").videos
    assert video["error"] is None
    assert {sheet["columns"] for sheet in video["sprite_sheets"]} == {2}
    assert len(video["keyframes"]) == 3 * len(video["clips"])


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("", "FILE is empty; heaters config prints one to start from"),
        ("ops: [unclosed", "FILE is not YAML: line 1: expected ',' or ']', but got"),
        ("ops:\n  clips:\n   - a\n  b", "FILE is not YAML: line 4: could not find expected ':'"),
        (
            "ops:\n  clips: {config: {crf: 18}}\n  clips: {config: {mode: copy}}",
            "FILE is not YAML: line 3: clips stands there twice",
        ),
        ("? [ops]\n: 5", "FILE has no ('ops',); it takes ops, videos, apply (line 1)"),
        ("ops:", "FILE: ops must hold frame_scores, scenes, storyboards, clips, sprite_sheets, "),
        ("ops: {clips: }", "FILE: ops.clips must hold config, got nothing"),
        (
            "ops: {scenes: {config: {max_duration_seconds: 1, min_duration_seconds: 2}}}",
            "FILE: ops.scenes.config.max_duration_seconds, --min-duration",
        ),
        ("just words", "FILE must hold ops, videos, apply, got 'just words'"),
        ("threshold: 5", "FILE has no 'threshold'; it takes ops"),
        (
            "ops: {splice: {}}",
            "FILE: ops has no 'splice'; it takes frame_scores, scenes, storyboards, clips,",
        ),
        ("ops: {source_videos: {config: {origin: a}}}", "FILE: ops has no 'source_videos'"),
        ("ops: {scenes: {threshold: 5}}", "FILE: ops.scenes has no 'threshold'; it takes config"),
        ("ops: {scenes: {config: {treshold: 5}}}", "FILE: ops.scenes.config has no 'treshold'; "),
        (
            "ops: {scenes: {config: {threshold: high}}}",
            "FILE: ops.scenes.config.threshold: it should be a valid number, got 'high'",
        ),
        (
            "ops: {clips: {config: {crf: '18'}}}",
            "FILE: ops.clips.config.crf: it should be a valid integer, got '18'",
        ),
        (
            "ops: {clips: {config: {mode: cut}}}",
            "FILE: ops.clips.config.mode: it should be 'auto', 'copy' or 'reencode', got 'cut'",
        ),
        (
            "ops: {scenes: {config: {threshold: 101}}}",
            "FILE: ops.scenes.config.threshold: the threshold of adaptive must be from 1 to 100",
        ),
        (
            "ops: {sprite_sheets: {config: {columns: 0, rows: 2}}}",
            "FILE: ops.sprite_sheets.config.columns: columns is 0, it must lie between 1 and",
        ),
        (
            "ops: {scenes: {config: {max_duration_seconds: 1}}}",
            "FILE: ops.scenes.config.max_duration_seconds, --min-duration: max_duration_seconds "
            "must not be below --min-duration",
        ),
    ],
)
def test_what_is_wrong_in_a_file_is_said_with_its_place_before_anything_is_done(
    home: Path, film: Path, heaters: Heaters, tmp_path: Path, content: str, message: str
) -> None:
    path = written(tmp_path, content)
    ended = heaters("process", film, "--config", path, "--min-duration", "2", "--json")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err.startswith(f"Error: {message.replace('FILE', str(path))}")
    assert ended.err.count("\n") == 1
    assert not (home / "data").exists()
    assert not (home / ".dagster").exists()


def test_a_file_that_is_no_text_is_refused(heaters: Heaters, tmp_path: Path, film: Path) -> None:
    path = tmp_path / "settings.yaml"
    shutil.copy(film, path)
    ended = heaters("detect", film, "--config", path)
    assert (ended.code, ended.out) == (1, "")
    assert f"{path} is not YAML: it is no text in UTF-8" in ended.err
    assert heaters("detect", film, "--config", tmp_path / "none.yaml").code == 2


def test_numbers_are_read_as_the_launchpad_reads_them(tmp_path: Path) -> None:
    path = written(tmp_path, "ops: {scenes: {config: {threshold: 5, end_seconds: null}}}")
    assert read_settings(path).values == {"scenes": {"threshold": 5.0, "end_seconds": None}}


@pytest.mark.parametrize(
    "arguments", [["--help"], ["--version"], ["process", "--help"], ["plan", "--fast", "film.mp4"]]
)
def test_help_and_refusals_import_nothing_heavy(arguments: list[str]) -> None:
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED_BY_HELP, *arguments], capture_output=True, text=True
    )
    assert done.stderr.splitlines()[-1] == "[]"
