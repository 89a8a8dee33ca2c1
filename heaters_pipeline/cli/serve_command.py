"""The command ``heaters serve``."""

import secrets
import socket

import click

from heaters_pipeline import home
from heaters_pipeline.cli.working_folder import at_home
from heaters_pipeline.errors import SettingsError

HOST = "127.0.0.1"


@click.command()
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=3001,
    show_default=True,
    help="Port of the pages; 0 takes a free one.",
)
def serve(port: int) -> None:
    """Show the clips of all videos in the browser, to review them.

    Prints the address, which holds a token that is new each time. Other machines cannot reach it.
    Nothing of the store can be changed by it but corrections/, which the pages save. Ctrl-C ends
    it.
    """
    with at_home() as folder:
        # The server and what draws pages take half a second to import.
        import uvicorn

        from heaters_pipeline.cli.review_app import review_app
        from heaters_pipeline.storage.cache import LocalCache
        from heaters_pipeline.storage.open_store import open_store

        store = open_store(home.store_location(), base_folder=folder)
        cache = LocalCache(home.cache_folder() / "objects", max_bytes=home.cache_max_bytes())
        try:
            listener = socket.create_server((HOST, port))
        except OSError as error:
            reason = str(error.strerror or error).partition(" (while")[0]
            raise SettingsError(
                f"the pages cannot use port {port}: {reason}; choose another with --port"
            ) from error
        with listener:
            host = f"{HOST}:{listener.getsockname()[1]}"
            token = secrets.token_urlsafe(18)
            click.echo(f"http://{host}/{token}/")
            click.echo("Open this address to review; Ctrl-C ends it.", err=True)
            app = review_app(store, cache, host, token)
            config = uvicorn.Config(app, log_level="warning", access_log=False, ws="none")
            uvicorn.Server(config).run(sockets=[listener])
