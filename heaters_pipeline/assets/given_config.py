"""What of a run's config a person gave, and what of it the launchpad had filled in by itself."""

import json
from collections.abc import Mapping
from typing import Any

import dagster as dg

from heaters_pipeline.names import GIVEN_TAG
from heaters_pipeline.settings import SETTINGS
from heaters_pipeline.settings_files import Values


def given_config(context: dg.AssetExecutionContext) -> Values:
    """The settings that a run was given by hand.

    The launchpad begins with all defaults written out, so that a launch sends them whether anyone
    wrote them or not. A value that was its default when the run was launched was therefore given
    by nobody; the command and submissions say with a tag that each of theirs was.
    """
    ops: Mapping[str, Any] = dict(context.run.run_config).get("ops", {})  # type: ignore[assignment]
    config = {
        asset: dict(ops[asset].get("config") or {})
        for asset in SETTINGS
        if ops.get(asset, {}).get("config")
    }
    if not config or context.run.tags.get(GIVEN_TAG):
        return config
    shown = _shown_defaults(context, config)
    return {
        asset: chosen
        for asset, values in config.items()
        if (chosen := {name: each for name, each in values.items() if each != shown[asset][name]})
    }


def _shown_defaults(
    context: dg.AssetExecutionContext, config: Values
) -> Mapping[str, Mapping[str, Any]]:
    """The defaults of these values as they were when the run was launched."""
    # Dagster keeps what the job of each run was.
    job = context.instance.get_job_snapshot(str(context.run.job_snapshot_id))
    schema = job.config_schema_snapshot

    def below(type_key: str, name: str) -> str:
        return str(schema.get_config_snap(type_key).get_field(name).type_key)

    root = job.mode_def_snaps[0].root_config_key
    ops = below(str(root), "ops")
    shown: dict[str, dict[str, Any]] = {}
    for asset, values in config.items():
        fields = schema.get_config_snap(below(below(ops, asset), "config"))
        written = {name: fields.get_field(name).default_value_as_json_str for name in values}
        shown[asset] = {name: json.loads(each) for name, each in written.items() if each}
    return shown
