"""The command ``heaters``.

Dagster is imported only by the commands that need it, since that alone takes seconds.
"""

import os
import signal
import socket
import sqlite3
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

import click

from heaters_pipeline import __version__, home
from heaters_pipeline.cli.arguments import possible_ids, possible_sources, wanted_videos
from heaters_pipeline.cli.catalog_commands import catalog
from heaters_pipeline.cli.detection_commands import compare, detect, tune
from heaters_pipeline.cli.export_commands import export
from heaters_pipeline.cli.given_settings import GivenSettings, settings_yaml
from heaters_pipeline.cli.options import (
    CSV,
    FROM_LIST,
    JSON,
    Command,
    settings_options,
    show_result,
)
from heaters_pipeline.cli.quick_imports import without_collection
from heaters_pipeline.cli.removal_commands import dismiss, prune, remove
from heaters_pipeline.cli.review_commands import review
from heaters_pipeline.cli.serve_command import serve
from heaters_pipeline.cli.settings_commands import settings
from heaters_pipeline.cli.terminal import JsonRows, Watcher, print_json, stdout_for, table_lines
from heaters_pipeline.cli.wanted_cuts import cuts_options, wanted_cuts
from heaters_pipeline.cli.working_folder import at_home
from heaters_pipeline.errors import HeatersError, SettingsError, shortage
from heaters_pipeline.intake.sources import shown_video
from heaters_pipeline.settings import SETTINGS


class _Group(click.Group):
    """Ends with one line and exit code 1 for each error that has a message of its own."""

    command_class = Command

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HeatersError as error:
            raise click.ClickException(str(error)) from error
        except Exception as error:
            if (said := _refused_record(error) or shortage(error)) is None:
                raise
            raise click.ClickException(said) from error


def _refused_record(error: Exception) -> str | None:
    """What to do where Dagster's records cannot be written; None if the error is another."""
    causes: list[BaseException] = [error]
    while cause := causes[-1].__cause__ or causes[-1].__context__:
        causes.append(cause)
    for cause in causes:
        # Dagster names its folder as dagster.yaml does, from where the command works: the home.
        is_record = isinstance(cause, OSError) and str(cause.filename).startswith(".dagster")
        if isinstance(cause, sqlite3.OperationalError) or is_record:
            reason = getattr(cause, "strerror", None) or str(cause)
            advice = (
                "let the other program that works there, perhaps one that was stopped, go on or end"
                if "locked" in reason
                else "give this user the right to write there, free some space, or set "
                "DAGSTER_HOME to another folder"
            )
            return f"Dagster cannot keep its records in {home.home_folder()}: {reason}; {advice}"
    return None


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def main() -> None:
    """Turn videos into clips, sprite sheets and key frames, with nothing done twice.

    The store is HEATERS_STORE: a folder or s3://bucket/prefix, ./data beside dagster.yaml by
    default. S3 credentials, region and endpoint come from the usual AWS settings.
    """


@main.command()
@click.argument("videos", nargs=-1, metavar="[VIDEO...]")
@FROM_LIST
@cuts_options
@settings_options(*SETTINGS)
@JSON
def process(
    videos: tuple[str, ...],
    list_file: Path | None,
    cuts: Path | None,
    without_cuts: bool,
    given: GivenSettings,
    as_json: bool,
) -> None:
    """Run the whole pipeline for each VIDEO, here and now.

    VIDEO is a file, a folder (all videos in it), a pattern ("trips/*.mp4"), a link (http, https,
    s3), or a key that lies in the store already. What exists is reused. The runs are recorded in
    Dagster; heaters ui shows them.
    """
    wanted = wanted_videos(videos, list_file)
    to_cut = wanted_cuts(cuts, without_cuts, len(wanted))
    with stdout_for(as_json) as stdout, at_home():
        with without_collection():
            from heaters_pipeline.cli.processing import process_videos, summary_line

        def on_video(document: Mapping[str, Any]) -> None:
            # An error is what went wrong, and JSON leaves no other place for people.
            click.echo(summary_line(document), err=as_json or document["error"] is not None)

        with Watcher() as watcher:
            documents = process_videos(wanted, given, watcher, on_video, to_cut)
        if stdout:
            print_json({"videos": documents}, stdout)
    if any(document["error"] for document in documents):
        sys.exit(1)


@main.command()
@click.argument("videos", nargs=-1, metavar="[VIDEO...]")
@FROM_LIST
@cuts_options
@settings_options(*SETTINGS)
@JSON
def plan(
    videos: tuple[str, ...],
    list_file: Path | None,
    cuts: Path | None,
    without_cuts: bool,
    given: GivenSettings,
    as_json: bool,
) -> None:
    """Say what process would do for each VIDEO, without doing it.

    By stage: valid objects are reused, unrecorded ones too if they hold what they should; missing
    and damaged ones are made; stale ones are left. Nothing is written, no run is started.
    """
    wanted = wanted_videos(videos, list_file)
    to_cut = wanted_cuts(cuts, without_cuts, len(wanted))
    with stdout_for(as_json) as stdout, at_home():
        with without_collection():
            from heaters_pipeline.cli.plan_documents import plan_lines
            from heaters_pipeline.cli.planning import plan_videos

        def on_video(document: Mapping[str, Any]) -> None:
            if document["error"] is not None:
                click.echo(f"{document['video_id']}: {document['error']}", err=True)
            elif not as_json:
                click.echo("\n".join(plan_lines(document)))

        documents = plan_videos(wanted, given, on_video, to_cut)
        if stdout:
            print_json({"videos": documents}, stdout)
    if any(document["error"] for document in documents):
        sys.exit(1)


@main.command()
@settings_options(*SETTINGS)
def config(given: GivenSettings) -> None:
    """Print all settings of a run, with what they mean, as a file for --config.

    The settings are those that are given, else the defaults. The launchpad of the Dagster UI takes
    the same file for process_videos.
    """
    click.echo(settings_yaml(given.config()))


@main.command()
@click.argument("videos", nargs=-1, metavar="[VIDEO...]")
@click.option("--deep", is_flag=True, help="Read each object and compare its SHA-256.")
@click.option("--repair", is_flag=True, help="Make again what is missing or damaged, no more.")
@JSON
def verify(videos: tuple[str, ...], deep: bool, repair: bool, as_json: bool) -> None:
    """Compare what is recorded of each VIDEO, or of all, with what is stored.

    By listing: which objects are missing, or of another size. --deep also finds other content of
    the same size. --repair makes just those again, with the settings that the video was made with.
    The exit code is 1 if faults are left.
    """
    wanted = [possible_ids(video) for video in videos]
    with stdout_for(as_json) as stdout, at_home(), JsonRows.kept() as rows:
        with without_collection():
            from heaters_pipeline.cli.verifying import (
                at_fault,
                summary_lines,
                verify_videos,
                video_lines,
            )

        def on_video(document: Mapping[str, Any]) -> None:
            if stdout:
                rows.add(document)
            if at_fault(document) or (not as_json and (videos or document["findings"])):
                click.echo("\n".join(video_lines(document)), err=at_fault(document))

        document = verify_videos(wanted, deep=deep, repair=repair, on_video=on_video)
        if stdout:
            rows.print(document, "videos", stdout)
        else:
            click.echo("\n".join(summary_lines(document)))
    if document["counts"]["at_fault"]:
        sys.exit(1)


@main.command()
@click.argument("videos", nargs=-1, metavar="[VIDEO...]")
@FROM_LIST
@settings_options(*SETTINGS)
def submit(videos: tuple[str, ...], list_file: Path | None, given: GivenSettings) -> None:
    """Queue each VIDEO for the sensors.

    VIDEO is what process takes. A link is recorded and downloaded by the pipeline; a file is put
    into the store at once; a key that lies in the store is processed again. Settings that are given
    stay with the video.
    """
    wanted = wanted_videos(videos, list_file)
    failed = False
    with at_home():
        from heaters_pipeline.assets.bringing import known_source
        from heaters_pipeline.cli.wanted_runs import given_values, stored_settings
        from heaters_pipeline.intake.queueing import queue_video
        from heaters_pipeline.resources import open_workspace

        stored_settings(wanted, given)
        store = open_workspace().store
        for video in wanted:
            try:
                known = partial(known_source, store)
                click.echo(queue_video(store, video, known, partial(given_values, given)))
            except HeatersError as error:
                failed = True
                click.echo(f"Error: {error}", err=True)
    if failed:
        sys.exit(1)


@main.command("import")
@click.argument("prefix", default="")
@JSON
def import_(prefix: str, as_json: bool) -> None:
    """Queue all uploads under PREFIX that are new, or all there are, by one backfill.

    PREFIX is what their keys begin with, such as trips/2024; source_videos/ may be left out.
    Sensors start 50 runs every half minute, which for 10,000 uploads takes hours before the last
    one is in the queue. This adds their partitions at once, and the daemon starts the runs.
    """
    with stdout_for(as_json) as stdout, at_home():
        from heaters_pipeline.cli.importing import import_uploads
        from heaters_pipeline.cli.instance import dagster_instance
        from heaters_pipeline.resources import open_workspace

        with dagster_instance() as instance:
            done = import_uploads(open_workspace(), instance, prefix)
        if stdout:
            print_json(done.to_json(), stdout)
        else:
            click.echo("\n".join(done.lines))


@main.command()
@click.argument("video", required=False)
@click.option(
    "--state",
    "states",
    multiple=True,
    metavar="STATE",
    help="Only videos in this state, as the table shows it: failed, waiting, done and so on. "
    "May be given several times.",
)
@click.option(
    "--limit",
    type=click.IntRange(min=1),
    metavar="N",
    help="At most N videos: those where something happened last.",
)
@CSV
@JSON
def status(
    video: str | None, states: tuple[str, ...], limit: int | None, csv: Path | None, as_json: bool
) -> None:
    """Say in which state each video is, or VIDEO alone.

    VIDEO is a video's id, its key, or the file that was processed.
    """
    with stdout_for(as_json) as stdout, at_home():
        with without_collection():
            from heaters_pipeline.cli.instance import dagster_instance
            from heaters_pipeline.status import counted_states, states_of, video_statuses
            from heaters_pipeline.storage.open_store import open_store

        wanted = possible_sources(video) if video else {}
        chosen = states_of(states)
        with dagster_instance() as instance:
            # Without a workspace, which would import all that decodes.
            store = open_store(home.store_location(), base_folder=home.home_folder())
            statuses = video_statuses(store, instance, wanted, states=chosen, limit=limit)
        if video and not statuses and not chosen:
            raise SettingsError(f"there is no video {shown_video(video)}; heaters status lists all")
        documents = [one.to_json() for one in statuses] if stdout or csv else []
        header = ("video", "state", "scenes", "clips", "retries", "when", "last error")
        lines = [] if stdout else table_lines(header, [one.cells() for one in statuses])
        show_result({"videos": documents}, documents, lines, csv, stdout)
        if not video and not as_json:
            click.echo(counted_states(statuses), err=True)


for command in (
    detect,
    compare,
    tune,
    review,
    serve,
    settings,
    catalog,
    export,
    prune,
    remove,
    dismiss,
):
    main.add_command(command)


@main.command()
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    default=3000,
    show_default=True,
    help="Port of the Dagster UI.",
)
@click.option("--host", default="127.0.0.1", show_default=True, help="It has no login: keep it.")
def ui(port: int, host: str) -> None:
    """Start the Dagster UI with its daemon; sensors work while it runs."""
    _require_free(host, port)
    with at_home() as folder:
        workspace = folder / "workspace.yaml"
        target = (
            ["-w", str(workspace)]
            if workspace.is_file()
            else ["-m", "heaters_pipeline.definitions"]
        )
        command = [sys.executable, "-m", "dagster", "dev", *target]
        click.echo(f"Dagster starts on http://{host}:{port}; Ctrl-C ends it.", err=True)
        sys.stderr.flush()
        # What Dagster says to those who call it by name is nothing to its users.
        ignored = "ignore:Function `dev_command` is superseded"
        os.environ["PYTHONWARNINGS"] = ",".join(
            filter(None, (os.environ.get("PYTHONWARNINGS"), ignored))
        )
        # Signals then reach Dagster itself, which ends its children. It ends on SIGTERM only where
        # SIGINT is not ignored, as it is for what a shell starts in the background.
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        os.execv(sys.executable, [*command, "-h", host, "-p", str(port)])  # noqa: S606


def _require_free(host: str, port: int) -> None:
    """Refuse a port that cannot be had; Dagster would go on without its UI."""
    try:
        socket.create_server((host, port)).close()
    except OSError as error:
        reason = str(error.strerror or error).partition(" (while")[0]
        raise SettingsError(
            f"the UI cannot use port {port} of {host}: {reason}; choose another with --port"
        ) from error
