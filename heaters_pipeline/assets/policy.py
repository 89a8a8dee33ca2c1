"""What all assets agree on: owners, groups in the lineage, which faults are tried again."""

import dagster as dg

from heaters_pipeline import home

OWNERS = ["team:heaters"]

INTAKE_GROUP = "intake"
DETECTION_GROUP = "scene_detection"
CLIPS_GROUP = "clips"
CATALOG_GROUP = "catalog"

STORE_KIND = "s3" if home.store_location().startswith("s3://") else "filesystem"
"""What the lineage shows of the store."""

RETRY_POLICY = dg.RetryPolicy(
    max_retries=5, delay=2, backoff=dg.Backoff.EXPONENTIAL, jitter=dg.Jitter.PLUS_MINUS
)
"""For faults that can pass: the store, the network. What cannot succeed never gets here, since
``stage_run`` turns it into a failure that is not retried."""
