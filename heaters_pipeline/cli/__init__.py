"""The command ``heaters``: what it does, and what it shows."""

from heaters_pipeline.cli.commands import main

__all__ = ["main"]
