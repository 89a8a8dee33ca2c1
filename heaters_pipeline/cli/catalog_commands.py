"""The command ``heaters catalog``."""

import click

from heaters_pipeline.cli.working_folder import at_home
from heaters_pipeline.errors import HeatersError


@click.command()
def catalog() -> None:
    """Bring the catalog up to date, here and now.

    The tables of all videos and clips, catalog/*.parquet, are made of what is recorded of each
    video; only the records of those that changed are read. The sensors do that by themselves while
    heaters ui runs.
    """
    with at_home():
        from heaters_pipeline.cli.instance import dagster_instance
        from heaters_pipeline.cli.local_runs import build_catalog
        from heaters_pipeline.names import CATALOG_ASSET

        with dagster_instance() as instance:
            run = build_catalog(instance, all_videos=True)
        made = run.stages.get(CATALOG_ASSET, {})
        if CATALOG_ASSET in run.completed:
            click.echo(f"catalog: {made['videos']} videos, {made['clips']} clips")
        if run.error:
            raise HeatersError(f"the catalog is not whole: {run.error}")
