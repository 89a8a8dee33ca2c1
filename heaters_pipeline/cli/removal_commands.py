"""The commands that take away: ``prune``, ``remove`` and ``dismiss``."""

import sys
from collections.abc import Mapping
from typing import Any

import click

from heaters_pipeline.cli.arguments import ids_to_remove, possible_ids
from heaters_pipeline.cli.options import JSON, Command
from heaters_pipeline.cli.terminal import print_json, stdout_for
from heaters_pipeline.cli.working_folder import at_home


@click.command(cls=Command)
@click.argument("videos", nargs=-1, metavar="[VIDEO...]")
@click.option(
    "--older-than",
    "older_than_days",
    type=click.FloatRange(min=0),
    default=30.0,
    show_default=True,
    metavar="DAYS",
    help="For how long nothing has to have named an object.",
)
@click.option("--delete", is_flag=True, help="Remove what is found; else it is only listed.")
@JSON
def prune(videos: tuple[str, ...], older_than_days: float, delete: bool, as_json: bool) -> None:
    """List what runs made of each VIDEO, or of all, that nothing names any more.

    That is what other settings, replaced videos and killed runs left; settings that are changed
    back have to make it again then. What a manifest or the catalog names stays. How long nothing
    has named an object counts from when prune first saw it so: the first time it lists none that
    can go. Source videos, manifests and what others put into the store are never touched, and a
    video that a run works on is left for the next time.
    """
    with stdout_for(as_json) as stdout, at_home():
        from heaters_pipeline.cli.pruning import prune_videos, summary_lines, video_lines

        def on_video(document: Mapping[str, Any]) -> None:
            # What is not as it should be leaves standard output to the rest.
            for line in video_lines(document):
                click.echo(line, err=as_json or bool(document["errors"]))

        document = prune_videos(
            [possible_ids(video) for video in videos],
            older_than_days=older_than_days,
            delete=delete,
            on_video=on_video,
        )
        for warning in document["warnings"]:
            click.echo(f"Warning: {warning}", err=True)
        if stdout:
            print_json(document, stdout)
        else:
            click.echo("\n".join(summary_lines(document)))
    if any(video["errors"] for video in document["videos"]):
        sys.exit(1)


@click.command(cls=Command)
@click.argument("videos", nargs=-1, required=True, metavar="VIDEO...")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--keep-source", is_flag=True, help="Keep the source video; no sensor takes it.")
@JSON
def remove(videos: tuple[str, ...], yes: bool, keep_source: bool, as_json: bool) -> None:
    """Remove each VIDEO for good, with all that was made of it.

    The source and its subtitles, clips, pictures and records go, what people decided of it, its
    rows in the catalog, and its partition and runs in Dagster. With --keep-source, what people
    decided stays with the source. A video that a run works on is left as it is. What was cut off is
    finished by removing the video again.
    """
    wanted = [ids_to_remove(video) for video in videos]
    with stdout_for(as_json) as stdout, at_home():
        from heaters_pipeline.cli.instance import dagster_instance
        from heaters_pipeline.cli.removing import find_removable, remove_videos, removed_line
        from heaters_pipeline.resources import open_workspace

        def on_video(document: Mapping[str, Any]) -> None:
            click.echo(removed_line(document), err=as_json or document["error"] is not None)

        with dagster_instance() as instance:
            workspace = open_workspace()
            found = find_removable(workspace, instance, wanted)
            if not yes:
                click.echo("\n".join(one.line(keep_source=keep_source) for one in found), err=True)
                click.confirm("Remove this for good?", abort=True, err=True)
            ids = [one.video_id for one in found]
            documents = remove_videos(
                workspace, instance, ids, keep_source=keep_source, on_video=on_video
            )
        if stdout:
            print_json({"videos": documents}, stdout)
    if any(document["error"] for document in documents):
        sys.exit(1)


@click.command(cls=Command)
@click.argument("videos", nargs=-1, required=True, metavar="VIDEO...")
def dismiss(videos: tuple[str, ...]) -> None:
    """Show the failure of each VIDEO no more, until it fails again.

    Of a video of which nothing was made, the partition in Dagster goes, so that backfills leave it
    alone. What lies in the store stays there; heaters remove takes it away.
    """
    with at_home():
        from heaters_pipeline.cli.instance import dagster_instance
        from heaters_pipeline.cli.removing import dismiss_failure
        from heaters_pipeline.resources import open_workspace

        with dagster_instance() as instance:
            workspace = open_workspace()
            for video in videos:
                click.echo(dismiss_failure(workspace, instance, possible_ids(video)))
