"""``heaters review``: what people decided of scenes and clips, taken in and shown."""

import sys
from pathlib import Path

import click

from heaters_pipeline.cli.arguments import possible_ids
from heaters_pipeline.cli.options import CSV, JSON, Command, show_result
from heaters_pipeline.cli.terminal import stdout_for, table_lines
from heaters_pipeline.cli.working_folder import at_home


class _Group(click.Group):
    command_class = Command


@click.group(cls=_Group)
def review() -> None:
    """Take in or show what people decided of scenes and clips.

    Their decisions lie in the store, in corrections/, a document a video: scenes split and merged,
    cuts moved, clips approved, rejected and tagged. Runs of the video make what they change.
    """


@review.command()
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--video", metavar="VIDEO", help="Whose they are: its id, key or file. Default: as FILE says."
)
@JSON
def apply(file: Path, video: str | None, as_json: bool) -> None:
    """Add the decisions of FILE to those of its video, and say what they change.

    What is in the store stays; a decision that is there already is not added again. Sensors start
    the run that makes what changes, or type heaters process VIDEO.
    """
    path = file.resolve()
    with stdout_for(as_json) as stdout, at_home():
        from heaters_pipeline.cli.reviewing import apply_file, review_lines

        document = apply_file(path, possible_ids(video) if video else None)
        added, known = document["added"], document["known"]
        lines = [f"{document['video_id']}: decisions: {added} added, {known} there already"]
        show_result(document, [], [*lines, *review_lines(document)], None, stdout)


@review.command()
@click.argument("video")
@CSV
@JSON
def show(video: str, csv: Path | None, as_json: bool) -> None:
    """Print all decisions on VIDEO, with what became of each, and its clips with their state."""
    with stdout_for(as_json) as stdout, at_home():
        from heaters_pipeline.cli.reviewing import review_lines, video_document

        document = video_document(possible_ids(video))
        show_result(document, document["clips"], review_lines(document), csv, stdout)


@review.command("list")
@click.option("--all", "all_videos", is_flag=True, help="Also those of which no clip waits.")
@CSV
@JSON
def list_(all_videos: bool, csv: Path | None, as_json: bool) -> None:
    """List the videos of the catalog that wait for people, with the number of their clips.

    A video waits until each of its clips was approved or rejected.
    """
    with stdout_for(as_json) as stdout, at_home():
        from heaters_pipeline.cli.reviewing import waiting_videos

        rows = [one for one in waiting_videos() if all_videos or one["state"] != "reviewed"]
        header = ("video_id", "state", "clips", "approved", "rejected", "waiting")
        lines = table_lines(header, [tuple(str(row[name]) for name in header) for row in rows])
        show_result({"videos": rows}, rows, lines, csv, stdout)
        unreadable = [f"{row['video_id']}: {row['error']}" for row in rows if row["error"]]
        for line in unreadable:
            click.echo(line, err=True)
    if unreadable:
        sys.exit(1)
