"""The defaults that the launchpad shows: those of the store, as they were when it was loaded."""

import logging
from collections.abc import Iterable
from concurrent.futures import Future
from concurrent.futures import TimeoutError as FutureTimeoutError
from threading import Thread
from typing import Any

import dagster as dg

from heaters_pipeline.errors import HeatersError
from heaters_pipeline.resources import open_workspace
from heaters_pipeline.settings_files import SettingsFile, Values

MOST_SECONDS = 10.0
"""How long loading waits for a store. A run reads the settings itself, however long it takes."""

_logger = logging.getLogger(__name__)


def settings_to_show() -> Values:
    """What the store's settings say of all videos; nothing if they cannot be had now."""
    answer: Future[SettingsFile] = Future()

    def ask() -> None:
        try:
            answer.set_result(open_workspace().stored_settings.current())
        except HeatersError as error:
            answer.set_exception(error)

    # A daemon: a store that does not answer keeps no process from its end.
    Thread(target=ask, daemon=True).start()
    try:
        return answer.result(MOST_SECONDS).values
    except (HeatersError, FutureTimeoutError) as error:
        reason = str(error) or f"the store has not answered within {MOST_SECONDS:g} s"
        _logger.warning("the launchpad shows the defaults of the code: %s", reason)
        return {}


def show_as_defaults(assets: Iterable[dg.AssetsDefinition], values: Values) -> None:
    """Let the config of assets have other defaults; before any job of theirs is resolved.

    Args:
        assets: Those of the definitions.
        values: By asset, then by field.
    """
    for asset in assets:
        shown = values.get(asset.op.name)
        if not shown:
            continue
        whole = asset.op.config_schema.as_field()
        fields: Any = whole.config_type.fields if isinstance(whole.config_type, dg.Shape) else {}
        for name, value in shown.items():
            fields[name] = dg.Field(
                fields[name].config_type,
                default_value=value,
                is_required=False,
                description=fields[name].description,
            )
        # Worked out from the fields when the asset was declared, and Dagster has no way to say so
        # again: an asset cannot be given another config.
        whole._default_value = {**whole.default_value, **shown}
