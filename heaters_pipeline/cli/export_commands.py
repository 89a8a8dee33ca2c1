"""The command ``heaters export``."""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from heaters_pipeline.cli.arguments import possible_ids
from heaters_pipeline.cli.options import FIRST, JSON, Command, HeadedOption
from heaters_pipeline.cli.terminal import print_json, stdout_for
from heaters_pipeline.cli.working_folder import at_home
from heaters_pipeline.datasets.settings import DATASET_FORMATS, DatasetSettings
from heaters_pipeline.exchange.formats import FORMATS, WITH_SOURCE, ExportSettings

_DEFAULTS = ExportSettings()


_DATASET = DatasetSettings()
_ALL_FORMATS = [*FORMATS, WITH_SOURCE, *DATASET_FORMATS]


def _of_datasets(name: str, help_text: str, **options: Any) -> Callable[..., Any]:
    """An option of data sets alone; None where it is not typed."""
    return click.option(name, cls=HeadedOption, heading="Data sets", help=help_text, **options)


@click.command(cls=Command)
@click.argument("videos", nargs=-1, metavar="[VIDEO...]")
@click.option(
    "--format",
    "formats",
    cls=HeadedOption,
    heading=FIRST,
    type=click.Choice(_ALL_FORMATS),
    multiple=True,
    default=_DEFAULTS.formats,
    show_default=True,
    help="What to write; may be given several times. docs/exchange.md says what each keeps, and "
    "which program reads it; docs/datasets.md has those for training: webdataset, videofolder.",
)
@click.option(
    "--output",
    "folder",
    cls=HeadedOption,
    heading=FIRST,
    type=click.Path(file_okay=False, path_type=Path),
    metavar="FOLDER",
    help="Where the files are written; it is made if it is missing. A data set has one of its own. "
    "Default: the current folder.",
)
@click.option(
    "--where",
    cls=HeadedOption,
    heading=FIRST,
    metavar="SQL",
    help='Only clips that meet a condition over the columns of the catalog, such as "duration_'
    "seconds > 2 and video_codec = 'h264'\". Needs DuckDB: the extra datasets.",
)
@click.option(
    "--with-rejected",
    cls=HeadedOption,
    heading=FIRST,
    is_flag=True,
    default=_DEFAULTS.with_rejected,
    help="Also clips that a person rejected.",
)
@click.option(
    "--start-timecode",
    cls=HeadedOption,
    heading="Editing programs",
    metavar="HH:MM:SS:FF",
    help="Timecode of the first frame; ; before the frames for drop-frame. Default: what the "
    "source says, else 00:00:00:00.",
)
@_of_datasets(
    "--shard-size",
    f"How much of clips a shard of webdataset holds at most. Default: {_DATASET.shard_megabytes}.",
    type=click.IntRange(min=1),
    metavar="MB",
)
@_of_datasets("--name", "What croissant.json calls it. Default: the name of its folder.")
@_of_datasets("--license", "Its licence, best as an address. Default: left open.")
@JSON
def export(
    videos: tuple[str, ...],
    formats: tuple[str, ...],
    folder: Path | None,
    where: str | None,
    with_rejected: bool,
    start_timecode: str | None,
    shard_size: int | None,
    name: str | None,
    license: str | None,
    as_json: bool,
) -> None:
    """Write the scenes of each VIDEO for editing programs, or clips as a data set for training.

    What is there already is not written again. VIDEO is a video's id, its key, or the file that was
    processed; a data set without any has the clips of all videos.
    """
    wanted = [possible_ids(video) for video in videos]
    typed = {"--shard-size": shard_size, "--name": name, "--license": license}
    if not set(formats) & set(DATASET_FORMATS):
        _refuse(typed, "is of data sets: choose --format webdataset or videofolder")
        if not videos:
            raise click.UsageError("Missing argument 'VIDEO...'")
        settings = ExportSettings(formats, with_rejected, start_timecode)
        _export_scenes(wanted, settings, (folder or Path()).absolute(), where, as_json)
        return
    if len(set(formats)) > 1 or folder is None:
        raise click.UsageError(
            "a data set has a folder of its own: give one format, and its folder with --output"
        )
    _refuse({"--start-timecode": start_timecode}, "is not of data sets, which have no timecode")
    if formats[0] != "webdataset":
        _refuse({"--shard-size": shard_size}, "is of webdataset: here each clip is a file")
    asked = DatasetSettings(
        formats[0],
        where,
        with_rejected,
        shard_size or _DATASET.shard_megabytes,
        name or folder.absolute().name or _DATASET.name,
        license,
    )
    _export_dataset(wanted, asked, folder.absolute(), as_json)


def _refuse(typed: Mapping[str, object], why: str) -> None:
    """Take no option that would do nothing."""
    for option, value in typed.items():
        if value is not None:
            raise click.UsageError(f"{option} {why}")


def _export_scenes(
    wanted: Sequence[Sequence[str]],
    settings: ExportSettings,
    folder: Path,
    where: str | None,
    as_json: bool,
) -> None:
    with stdout_for(as_json) as stdout, at_home():
        from heaters_pipeline.cli.exporting import export_videos, video_lines

        def on_video(document: Mapping[str, Any]) -> None:
            failed = document["error"] is not None
            if failed or not as_json:
                click.echo("\n".join(video_lines(document)), err=failed)

        documents = export_videos(wanted, settings, folder, where, on_video)
        if stdout:
            print_json({"videos": documents}, stdout)
    if any(document["error"] for document in documents):
        sys.exit(1)


def _export_dataset(
    wanted: Sequence[Sequence[str]], asked: DatasetSettings, folder: Path, as_json: bool
) -> None:
    with stdout_for(as_json) as stdout, at_home():
        from heaters_pipeline.cli.exporting_datasets import dataset_lines, export_into_folder

        document = export_into_folder(wanted, asked, folder)
        if stdout:
            print_json(document, stdout)
        else:
            click.echo("\n".join(dataset_lines(document)))
