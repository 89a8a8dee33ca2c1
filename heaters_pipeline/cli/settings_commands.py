"""``heaters settings``: the settings of the store, shown and changed."""

import click

from heaters_pipeline.cli.options import JSON, Command
from heaters_pipeline.cli.terminal import print_json, stdout_for
from heaters_pipeline.cli.working_folder import at_home
from heaters_pipeline.errors import SettingsError

_VIDEO = click.option(
    "--video", metavar="VIDEO", help="For this video alone: its id, its key, or its file."
)
_MATCH = click.option(
    "--match",
    metavar="PATTERN",
    help="For the videos with such a path under source_videos/, or such an id: talks/* or talks/.",
)


class _Group(click.Group):
    command_class = Command


@click.group(cls=_Group)
def settings() -> None:
    """Show or change the settings that all runs on the store use.

    They lie in the store, in settings.yaml, for all videos and for some of them. Options of a run
    win over them, and stay with its video.
    """


@settings.command()
@click.argument("video", required=False)
@JSON
def show(video: str | None, as_json: bool) -> None:
    """Print the settings of the store, or all that count for VIDEO.

    For a video each value stands with where it comes from.
    """
    with stdout_for(as_json) as stdout, at_home():
        from heaters_pipeline.cli.settings_work import all_lines, video_document, video_lines

        if video is None and stdout is None:
            click.echo("\n".join(all_lines()))
            return
        document = video_document(video)
        if stdout:
            print_json(document, stdout)
        else:
            click.echo("\n".join(video_lines(document)))


@settings.command("set")
@click.argument("values", nargs=-1, required=True, metavar="NAME=VALUE...")
@_VIDEO
@_MATCH
def set_values(values: tuple[str, ...], video: str | None, match: str | None) -> None:
    """Set what runs use from now on, such as clips.mode=reencode.

    NAME is an asset and one of its settings, as heaters config lists them, or apply (new or all).
    """
    _not_both(video, match)
    with at_home():
        from heaters_pipeline.cli.settings_work import set_in_store

        click.echo("\n".join(set_in_store(values, video, match)))


@settings.command()
@click.argument("names", nargs=-1, metavar="[NAME...]")
@_VIDEO
@_MATCH
def unset(names: tuple[str, ...], video: str | None, match: str | None) -> None:
    """Take NAMEs out of the settings of the store; with --video or --match, all if none is given.

    With --video, what runs of the video were given by hand counts no longer either.
    """
    _not_both(video, match)
    if not names and video is None and match is None:
        raise SettingsError("name the settings, such as clips.mode, or --video or --match")
    with at_home():
        from heaters_pipeline.cli.settings_work import unset_in_store

        click.echo("\n".join(unset_in_store(names, video, match)))


@settings.command()
def edit() -> None:
    """Edit the settings of the store in $EDITOR; they are checked before they are stored."""
    with at_home():
        from heaters_pipeline.cli.settings_work import edit_in_store

        click.echo(edit_in_store())


def _not_both(video: str | None, match: str | None) -> None:
    if video is not None and match is not None:
        raise SettingsError("--video and --match exclude each other")
