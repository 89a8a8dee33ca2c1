"""Where each asset is defined, for the links of the Dagster UI.

To the pages of GitHub or GitLab where this package is a checkout from there, else to the files
of this machine. Git's own files say which; nothing is run and nothing asked over a network.
"""

import configparser
import re
import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import dagster as dg

_PACKAGE = Path(__file__).resolve().parent
_PAGES = re.compile(
    r"(?:https://(?:[^/@]*@)?|ssh://git@|git@)(?P<host>github\.com|gitlab\.com)[/:]"
    r"(?P<path>[^/]+/.+?)(?:\.git)?/?"
)


@dataclass(frozen=True, slots=True)
class Checkout:
    """A checkout of git whose files have pages.

    Attributes:
        url: Of its repository's page.
        branch: What is checked out: a branch, or a commit.
    """

    url: str
    branch: str


def with_code_references(
    assets: Sequence[dg.AssetsDefinition], package: Path = _PACKAGE
) -> list[dg.AssetsDefinition]:
    """The assets with a link to where each is defined.

    Args:
        assets: Of a module of this package.
        package: Where it lies.
    """
    checkout = checkout_of(package.parent)
    with warnings.catch_warnings():
        # Links that Dagster gives up one day are no loss.
        warnings.simplefilter("ignore", dg.BetaWarning)
        linked = dg.with_source_code_references(assets)
        if checkout is not None:
            linked = dg.link_code_references_to_git(
                linked,
                git_url=checkout.url,
                git_branch=checkout.branch,
                file_path_mapping=dg.AnchorBasedFilePathMapping(_PACKAGE, package.name),
            )
    return [asset for asset in linked if isinstance(asset, dg.AssetsDefinition)]


def checkout_of(folder: Path) -> Checkout | None:
    """What is checked out in a folder; None if it is no checkout, or one without pages."""
    found = folder / ".git"
    if found.is_file():
        # A worktree: the file names the folder of git that has its HEAD.
        found = folder / found.read_text().removeprefix("gitdir:").strip()
    common = found / "commondir"
    shared = found / common.read_text().strip() if common.is_file() else found
    head, config = found / "HEAD", shared / "config"
    if not (head.is_file() and config.is_file()):
        return None
    # Git allows keys twice and without a value.
    settings = configparser.ConfigParser(strict=False, allow_no_value=True, interpolation=None)
    try:
        settings.read(config)
    except configparser.Error:
        return None
    origin = settings.get('remote "origin"', "url", fallback=None)
    pages = _PAGES.fullmatch(origin or "")
    if pages is None:
        return None
    branch = head.read_text().strip().removeprefix("ref: refs/heads/")
    return Checkout(f"https://{pages['host']}/{pages['path']}", branch)
