"""Temporary."""
from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.config import SourceConfig


def bring_in(run: StageRun, config: SourceConfig) -> str | None:
    return config.origin
