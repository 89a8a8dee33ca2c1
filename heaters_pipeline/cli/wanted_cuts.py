"""Where a person wants a video to be cut, as options of ``process`` and ``plan`` say it."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

if TYPE_CHECKING:
    from heaters_pipeline.intake.by_hand import ByHand, CutsFile
    from heaters_pipeline.workspace import Workspace

Command = TypeVar("Command", bound=Callable[..., Any])


def cuts_options(command: Command) -> Command:
    """Give a command the two options, as ``cuts`` and ``without_cuts``."""
    without = click.option(
        "--without-cuts", is_flag=True, help="Detect the cuts of each VIDEO again."
    )
    given = click.option(
        "--cuts",
        type=click.Path(exists=True, dir_okay=False, path_type=Path),
        metavar="FILE",
        help="Cut the one VIDEO where this file says, from now on, in place of detection: a .csv "
        "with a column start_frame, or .edl, .otio, .llc, .csv of other programs "
        "(docs/exchange.md).",
    )
    return given(without(command))


class WantedCuts:
    """What the options ask for.

    Args:
        file: Where to cut; None for where detection finds it.
    """

    def __init__(self, file: "CutsFile | None") -> None:
        self._file = file

    def keep(self, workspace: "Workspace", video_id: str) -> None:
        """Let it count for a video from now on.

        Raises:
            SettingsError: It is none of this video; what counted until now still does.
        """
        from heaters_pipeline.assets.deciding import require_cuts_of
        from heaters_pipeline.assets.stage import StageRun
        from heaters_pipeline.intake.by_hand import drop_cuts, give_cuts

        if self._file is None:
            drop_cuts(workspace.store, video_id)
        else:
            require_cuts_of(StageRun(workspace, "scenes", video_id), self._file)
            give_cuts(workspace.store, video_id, self._file)

    def suppose(self, by_hand: "ByHand", video_id: str) -> None:
        """Let it count for a video here, and write nothing."""
        by_hand.suppose_cuts(video_id, self._file)


def wanted_cuts(path: Path | None, without: bool, videos: int) -> WantedCuts | None:
    """What the options ask for; None if they leave it as it is.

    Args:
        path: A file that says where to cut.
        without: Whether cuts are to be detected again.
        videos: How many are wanted.
    Raises:
        click.UsageError: Both are asked for, or one file for several videos.
        SettingsError: The file cannot be read, or is of no kind in which cuts are given.
    """
    from heaters_pipeline.intake.by_hand import read_cuts_file

    if path and (videos > 1 or without):
        raise click.UsageError("--cuts is for one VIDEO, and excludes --without-cuts")
    if path is None:
        return WantedCuts(None) if without else None
    return WantedCuts(read_cuts_file(path))
