"""``heaters settings``: shown, set, taken out and edited, checked before anything is stored."""

import io
import sys
from pathlib import Path

import pytest
import yaml

from heaters_pipeline.cli.settings_editing import with_values, without
from heaters_pipeline.intake.submissions import read_submission
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.directory.store import DirectoryObjectStore
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline_tests.cli.heaters_command import Heaters

COMMENTED = """\
# Ours.
apply: new
ops:
  clips:
    config:
      crf: 18  # archive
      mode: 'copy'
videos:
  # The talks.
  - match: talks/*
    ops: {scenes: {config: {method: correl}}}
"""


def stored(home: Path) -> str:
    return (home / "data" / "settings.yaml").read_text()


def rows(heaters: Heaters, video: str) -> dict[str, tuple[object, str]]:
    document = heaters("settings", "show", video, "--json").document
    return {one["name"]: (one["value"], one["from"]) for one in document["settings"]}


def editor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: str) -> None:
    """What $EDITOR does with the file, as Python; ``path`` is its path."""
    script = tmp_path / "editor.py"
    script.write_text(f"import sys, pathlib\npath = pathlib.Path(sys.argv[1])\n{code}\n")
    monkeypatch.setenv("VISUAL", f"{sys.executable} {script}")


def test_what_is_set_is_in_the_file_and_is_shown_with_where_it_comes_from(
    home: Path, heaters: Heaters
) -> None:
    assert "There is no file://" in heaters("settings", "show").out
    ended = heaters("settings", "set", "clips.mode=reencode", "apply=all")
    assert ended.out == "clips.mode = reencode for all videos\napply = all\n"
    heaters("settings", "set", "--match", "talks/*", "scenes.method=correl")
    heaters("settings", "set", "--video", "source_videos/talks/a.mp4", "clips.crf=20")
    assert yaml.safe_load(stored(home)) == {
        "apply": "all",
        "ops": {"clips": {"config": {"mode": "reencode"}}},
        "videos": [
            {"match": "talks/*", "ops": {"scenes": {"config": {"method": "correl"}}}},
            {"match": "talks/a.mp4", "ops": {"clips": {"config": {"crf": 20}}}},
        ],
    }
    assert heaters("settings", "show").out.partition("\n")[2] == stored(home)
    shown = rows(heaters, "source_videos/talks/a.mp4")
    assert shown["clips.mode"] == ("reencode", "settings.yaml (line 7)")
    assert shown["clips.crf"] == (20, "settings.yaml videos[1] (line 18)")
    assert shown["scenes.method"] == ("correl", "settings.yaml videos[0] (line 13)")
    assert shown["frame_scores.scan"] == ("full", "as scenes.method needs it")
    assert shown["keyframes.strategy"] == ("midpoint", "default")
    heaters("settings", "unset", "--video", "source_videos/talks/a.mp4")
    heaters("settings", "unset", "clips.mode")
    assert yaml.safe_load(stored(home))["videos"] == [
        {"match": "talks/*", "ops": {"scenes": {"config": {"method": "correl"}}}}
    ]
    assert "ops" not in yaml.safe_load(stored(home))
    assert heaters("settings", "unset", "clips.mode").out == "settings.yaml says nothing of it\n"


def test_comments_order_and_quotes_of_the_file_stay(home: Path) -> None:
    changed = with_values(COMMENTED, {("clips", "crf"): 20}, None)
    assert changed == COMMENTED.replace("18", "20")
    ruled = with_values(COMMENTED, {("scenes", "threshold"): 0.6}, "talks/*")
    assert ruled == COMMENTED.replace("correl", "correl, threshold: 0.6")
    assert without(COMMENTED, [("clips", "mode")], None) == COMMENTED.replace(
        "      mode: 'copy'\n", ""
    )


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["crf=3"], "'crf' is no setting; write an asset and a name of heaters config"),
        (["clips.crv=3"], "clips has no 'crv'"),
        (["clips.crf"], "'clips.crf' sets nothing; write it as clips.mode=reencode"),
        (["clips.crf=99"], "settings.yaml: ops.clips.config.crf: crf must be from 0 to 51"),
        (["clips.crf=much"], "clips.crf: it should be a valid integer, got 'much'"),
        (["apply=some"], "settings.yaml: apply must be new or all, got 'some'"),
        (["scenes.threshold=5", "scenes.method=correl"], "the threshold of correl must be from"),
        (["apply=all", "--video", "film"], "apply counts for all videos"),
        (["clips.crf=9", "--video", "film", "--match", "*"], "exclude each other"),
    ],
)
def test_what_no_run_could_work_with_is_never_stored(
    home: Path, heaters: Heaters, arguments: list[str], said: str
) -> None:
    ended = heaters("settings", "set", *arguments)
    assert ended.code == 1
    assert said in ended.err
    assert ended.err.count("\n") == 1
    assert not (home / "data").exists()


def test_an_edit_is_checked_and_never_lost(
    home: Path, heaters: Heaters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    editor(tmp_path, monkeypatch, "path.write_text('ops: {clips: {config: {crf: 20}}}')")
    assert heaters("settings", "edit").out == "settings.yaml is changed\n"
    before = stored(home)
    editor(tmp_path, monkeypatch, "path.write_text('ops: {clips: {config: {crf: 99}}}')")
    # Nobody answers whether to edit it again.
    monkeypatch.setattr("sys.stdin", io.StringIO())
    ended = heaters("settings", "edit")
    assert ended.code == 1
    assert "got 99 (line 1)" in ended.err
    assert stored(home) == before
    kept = Path(ended.err.rpartition("your edit is kept in ")[2].strip())
    assert kept.read_text() == "ops: {clips: {config: {crf: 99}}}"
    kept.unlink()


def test_two_editors_never_write_one_over_the_other(
    home: Path, heaters: Heaters, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    heaters("settings", "set", "clips.crf=20")
    file = home / "data" / "settings.yaml"
    other = "ops: {clips: {config: {crf: 30}}}"
    editor(
        tmp_path,
        monkeypatch,
        f"path.write_text('apply: all')\npathlib.Path({str(file)!r}).write_text({other!r})",
    )
    ended = heaters("settings", "edit")
    assert ended.code == 1
    assert "was changed meanwhile; your edit is kept in " in ended.err
    assert stored(home) == other
    Path(ended.err.rpartition("your edit is kept in ")[2].strip()).unlink()


def test_what_was_typed_stays_until_it_is_set_or_taken_out(
    home: Path, heaters: Heaters, film: Path
) -> None:
    store = DirectoryObjectStore(home / "data")
    (video,) = heaters("process", film, "--keyframes", "multi", "--json").videos
    assert len(video["keyframes"]) == 3 * len(video["clips"])
    assert read_video(store, "film").given == {"keyframes": {"strategy": "multi"}}
    assert rows(heaters, "film")["keyframes.strategy"] == ("multi", "given by hand before")
    (again,) = heaters("process", "film", "--json").videos
    assert again["counts"]["made"] == 0
    (plan,) = heaters("plan", "film", "--json").videos
    assert plan["counts"]["made"] == 0
    heaters("settings", "set", "keyframes.strategy=midpoint")
    assert heaters("plan", "film", "--json").videos[0]["counts"]["made"] == 0
    said = heaters("settings", "unset", "--video", "film").out
    assert "keyframes.strategy = multi, which film was given by hand, counts no longer" in said
    assert read_video(store, "film").given == {}
    assert heaters("plan", "film", "--json").videos[0]["counts"]["made"] == 4
    # What stands in a broken file decides nothing, and no run is begun.
    (home / "data" / "settings.yaml").write_text("ops:\n  clips: 3\n")
    ended = heaters("process", "film")
    assert (ended.code, ended.out) == (1, "")
    assert ended.err == "Error: settings.yaml: ops.clips must hold config, got 3 (line 2)\n"


def test_a_submission_takes_its_settings_along(home: Path, heaters: Heaters, film: Path) -> None:
    store = DirectoryObjectStore(home / "data")
    wrong = heaters("submit", film, "--crf", "99")
    assert wrong.code == 1
    assert not (home / "data").exists()
    link = "https://example.com/film.mp4"
    ended = heaters("submit", film, link, "--crf", "18", "--threshold", "5")
    assert ended.code == 0, ended.err
    for line in ended.out.splitlines():
        submitted = read_submission(store, line.partition(":")[0])
        assert submitted.settings == {"clips": {"crf": 18}, "scenes": {"threshold": 5.0}}
    (plan,) = heaters("plan", "film", "--json").videos
    assert plan["error"] is None
    (video,) = heaters("process", "film", "--json").videos
    assert video["error"] is None
    made = read_video(store, "film")
    assert made.given == submitted.settings
    assert made.stages["clips"].inputs["settings"]["crf"] == 18
    assert keys.submission_key("film") in {found.key for found in store.list("")}
