"""Options that several commands of ``heaters`` share."""

from pathlib import Path
from typing import Any

import click

from heaters_pipeline.errors import SettingsError
from heaters_pipeline.video.transitions import METHODS


def _picture_path(
    context: click.Context, parameter: click.Parameter, value: Path | None
) -> Path | None:
    """Refuse a file that could not be written before the work for it is done."""
    if value is None:
        return None
    if value.suffix.lower() != ".png":
        raise click.BadParameter(f"{value} must end with .png", context, parameter)
    if not value.absolute().parent.is_dir():
        raise click.BadParameter(f"{value.parent} is no folder", context, parameter)
    return value


METHOD = click.option(
    "--method", type=click.Choice(METHODS), help="How changes between frames are judged."
)
THRESHOLD = click.option(
    "--threshold", type=float, help="Where a change is a cut. Default: the method's own."
)
MIN_DURATION = click.option(
    "--min-duration",
    type=float,
    metavar="SECONDS",
    help="Shorter scenes are joined to the one before.",
)
JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON document and nothing else."
)

LABELS = click.option(
    "--labels",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    metavar="FILE.json",
    help="What is true, by file name; docs/formats.md describes it.",
)
PLOT = click.option(
    "--plot",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE.png",
    callback=_picture_path,
    help="Draw a picture of it into this file.",
)


def save_plot(path: Path, png: bytes) -> None:
    """Write a picture, and say so.

    Raises:
        SettingsError: It cannot be written there.
    """
    try:
        path.write_bytes(png)
    except OSError as error:
        raise SettingsError(f"cannot write {path}: {error.strerror}; name another file") from error
    click.echo(f"The picture is in {path}", err=True)


def given(**options: Any) -> dict[str, Any]:
    """The options that were typed; the others keep the defaults of the settings."""
    return {name: value for name, value in options.items() if value is not None}
