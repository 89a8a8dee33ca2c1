"""Links lead to GitHub or GitLab from their checkouts, and else to the files of this machine."""

import os
import subprocess
from pathlib import Path
from typing import Any

import dagster as dg
import pytest

from heaters_pipeline import code_references
from heaters_pipeline.assets.clips import clips
from heaters_pipeline.code_references import Checkout, checkout_of, with_code_references

PACKAGE = Path(code_references.__file__).parent


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder, with nobody's settings."""
    no_settings = {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_SYSTEM": os.devnull}
    person = ("-c", "user.name=nobody", "-c", "user.email=nobody@example.com")
    subprocess.run(
        ["git", *person, *arguments],
        cwd=folder,
        env={**os.environ, **no_settings},
        check=True,
        capture_output=True,
    )


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A checkout of the branch ``main`` with a commit, from nowhere."""
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "--quiet", "--initial-branch=main")
    git(folder, "commit", "--quiet", "--allow-empty", "--message=Begin")
    return folder


def reference(asset: dg.AssetsDefinition) -> Any:
    (spec,) = asset.specs
    (found,) = spec.metadata["dagster/code_references"].code_references
    return found


@pytest.mark.parametrize(
    ("origin", "url"),
    [
        ("https://github.com/someone/videos.git", "https://github.com/someone/videos"),
        ("https://github.com/someone/videos", "https://github.com/someone/videos"),
        ("https://token@github.com/someone/videos.git", "https://github.com/someone/videos"),
        ("https://a:b@gitlab.com/group/part/videos", "https://gitlab.com/group/part/videos"),
        ("git@github.com:someone/videos.git", "https://github.com/someone/videos"),
        ("ssh://git@gitlab.com/someone/videos.git", "https://gitlab.com/someone/videos"),
        ("https://git.example.com/github.com/videos.git", None),
        ("https://github.com.example.com/someone/videos.git", None),
        ("../github.com/someone/videos.git", None),
    ],
)
def test_only_repositories_that_have_pages_are_linked(
    checkout: Path, origin: str, url: str | None
) -> None:
    git(checkout, "remote", "add", "origin", origin)
    git(checkout, "config", "branch.main.merge", "refs/heads/main")
    assert checkout_of(checkout) == (None if url is None else Checkout(url, "main"))


def test_a_worktree_and_a_detached_commit_are_known(checkout: Path, tmp_path: Path) -> None:
    git(checkout, "remote", "add", "origin", "git@github.com:someone/videos.git")
    git(checkout, "worktree", "add", "--quiet", "-b", "try/out", str(tmp_path / "beside"))
    found = checkout_of(tmp_path / "beside")
    assert found == Checkout("https://github.com/someone/videos", "try/out")
    git(checkout, "checkout", "--quiet", "--detach")
    detached = checkout_of(checkout)
    assert detached is not None
    assert len(detached.branch) == 40


def test_other_folders_are_no_checkouts(checkout: Path, tmp_path: Path) -> None:
    assert checkout_of(tmp_path) is None
    assert checkout_of(checkout) is None
    (checkout / ".git" / "config").write_text("this is no section\n")
    assert checkout_of(checkout) is None


def test_an_asset_is_linked_to_the_line_where_it_is_defined(checkout: Path) -> None:
    (local,) = with_code_references([clips], checkout / PACKAGE.name)
    path, line = reference(local).file_path, reference(local).line_number
    assert path == str(PACKAGE / "assets" / "clips.py")
    assert Path(path).read_text().splitlines()[line - 1] == "@dg.asset("
    git(checkout, "remote", "add", "origin", "https://token@github.com/someone/videos.git")
    (linked,) = with_code_references([clips], checkout / PACKAGE.name)
    page = "https://github.com/someone/videos/tree/main/heaters_pipeline/assets/clips.py"
    assert reference(linked).url == f"{page}#L{line}"
