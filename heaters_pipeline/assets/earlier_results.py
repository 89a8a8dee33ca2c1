"""What a run that makes nothing leaves out, since an earlier one shows it in the Dagster UI.

Pictures and tables are most of what a run leaves in Dagster's database, and a video that is done is
looked at again and again. Of the rest each number takes 150 bytes, and those that tell of work are
left out where none was done.
"""

from collections.abc import Mapping
from typing import Any

import dagster as dg

from heaters_pipeline.assets.stage import StageRun

SHOWN_BY = "pictures_and_tables"
"""The name of the link to the run that shows them."""
_DATA_VERSION_TAG = "dagster/data_version"
_MEMORY = "peak_memory_mb"
_OF_A_PHASE = "seconds/"
_TOLD = ("made", "reused", "skipped", "reason", f"{_OF_A_PHASE}total", "store_requests")
"""What each run says of itself, also if it is 0."""


def shown_once(run: StageRun, fingerprint: str, facts: Mapping[str, Any]) -> dict[str, Any]:
    """What a stage that was done says; all of it, unless an earlier run said it of the same result.

    Args:
        run: Of the stage.
        fingerprint: The data version of the result.
        facts: All of it, by name.
    """
    earlier = _earlier_run(run, fingerprint)
    if earlier is None:
        return dict(facts)
    told = {name: value for name, value in facts.items() if name in _TOLD or _is_news(name, value)}
    return {**told, SHOWN_BY: dg.MetadataValue.dagster_run(earlier)}


def _is_news(name: str, value: Any) -> bool:
    """Whether a fact is worth its place: no picture or table, no zero, nothing of work."""
    if isinstance(value, dg.MarkdownMetadataValue | dg.TableMetadataValue):
        return False
    return bool(value) and name != _MEMORY and not name.startswith(_OF_A_PHASE)


def _earlier_run(run: StageRun, fingerprint: str) -> str | None:
    """The run that shows the same result, as long as it is recorded."""
    if run.context is None:
        return None
    instance = run.context.instance
    wanted = dg.AssetRecordsFilter(dg.AssetKey(run.stage), asset_partitions=[run.video_id])
    for record in instance.fetch_materializations(wanted, limit=1).records:
        event = record.asset_materialization
        if event is None or (event.tags or {}).get(_DATA_VERSION_TAG) != fingerprint:
            return None
        shown_by = event.metadata.get(SHOWN_BY)
        run_id = record.run_id if shown_by is None else str(shown_by.value)
        return run_id if instance.has_run(run_id) else None
    return None
