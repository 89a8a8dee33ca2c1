"""The command ``heaters export``."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import click

from heaters_pipeline.cli.arguments import possible_ids
from heaters_pipeline.cli.options import JSON, Command
from heaters_pipeline.cli.terminal import print_json, stdout_for
from heaters_pipeline.cli.working_folder import at_home
from heaters_pipeline.exchange.formats import FORMATS, ExportSettings

_DEFAULTS = ExportSettings()


@click.command(cls=Command)
@click.argument("videos", nargs=-1, required=True, metavar="VIDEO...")
@click.option(
    "--format",
    "formats",
    type=click.Choice(list(FORMATS)),
    multiple=True,
    default=_DEFAULTS.formats,
    show_default=True,
    help="What to write; may be given several times. docs/exchange.md says what each keeps, and "
    "which program reads it.",
)
@click.option(
    "--output",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default=Path(),
    show_default="the current folder",
    metavar="FOLDER",
    help="Where the files are written; it is made if it is missing.",
)
@click.option(
    "--with-rejected",
    is_flag=True,
    default=_DEFAULTS.with_rejected,
    help="Also clips that a person rejected.",
)
@click.option(
    "--start-timecode",
    metavar="HH:MM:SS:FF",
    help="Timecode of the first frame; ; before the frames for drop-frame. Default: what the "
    "source says, else 00:00:00:00.",
)
@JSON
def export(
    videos: tuple[str, ...],
    formats: tuple[str, ...],
    folder: Path,
    with_rejected: bool,
    start_timecode: str | None,
    as_json: bool,
) -> None:
    """Write the scenes of each VIDEO for editing programs, players and scripts.

    A file is named by the video and its content: the same scenes give the same file, which is not
    written again. VIDEO is a video's id, its key, or the file that was processed.
    """
    wanted = [possible_ids(video) for video in videos]
    settings = ExportSettings(formats, with_rejected, start_timecode)
    folder = folder.absolute()
    with stdout_for(as_json) as stdout, at_home():
        from heaters_pipeline.cli.exporting import export_videos, video_lines

        def on_video(document: Mapping[str, Any]) -> None:
            failed = document["error"] is not None
            if failed or not as_json:
                click.echo("\n".join(video_lines(document)), err=failed)

        documents = export_videos(wanted, settings, folder, on_video)
        if stdout:
            print_json({"videos": documents}, stdout)
    if any(document["error"] for document in documents):
        sys.exit(1)
