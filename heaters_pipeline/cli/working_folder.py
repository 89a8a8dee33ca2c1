"""The folder in which commands work: the one of ``dagster.yaml``."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import click

from heaters_pipeline import home
from heaters_pipeline.errors import SettingsError


@contextmanager
def at_home() -> Iterator[Path]:
    """Work in the folder of dagster.yaml, to which its relative paths belong."""
    folder = home.home_folder()
    if home.make_user_folder(folder):
        click.echo(f"There is no dagster.yaml: runs and clips are kept in {folder}", err=True)
    if not folder.is_dir():
        raise SettingsError(f"DAGSTER_HOME is {folder}, which is no folder; create it or unset it")
    os.environ["DAGSTER_HOME"] = str(folder)
    before = Path.cwd()
    os.chdir(folder)
    try:
        yield folder
    finally:
        os.chdir(before)
