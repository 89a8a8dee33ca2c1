"""Names that Dagster and the store keep in their records: of jobs, assets, partitions and tags.

They lie below all who use them. A name that changes loses what was recorded under the old one.
"""

DOWNLOAD_JOB = "download_videos"
PROCESS_JOB = "process_videos"
COMPARE_JOB = "compare_methods"
CHECK_JOB = "check_videos"
REPAIR_JOB = "repair_videos"
REVIEW_JOB = "make_review_pages"
REVIEW_INDEX_JOB = "list_review_pages"
CATALOG_JOB = "build_catalog"
EXPORT_JOB = "export_videos"
DATASET_JOB = "export_dataset"
JOBS = (
    DOWNLOAD_JOB,
    PROCESS_JOB,
    COMPARE_JOB,
    CHECK_JOB,
    REPAIR_JOB,
    REVIEW_JOB,
    REVIEW_INDEX_JOB,
    CATALOG_JOB,
    EXPORT_JOB,
    DATASET_JOB,
)

SOURCE_ASSET = "source_videos"
COMPARISON_ASSET = "method_comparison"
REVIEW_ASSET = "review_pages"
REVIEW_INDEX_ASSET = "review_index"
CATALOG_ASSET = "catalog"
STORYBOARDS_ASSET = "storyboards"
"""Videos that were finished before there was this one are finished without it."""
VIDEO_STAGES = (
    SOURCE_ASSET,
    "frame_scores",
    "scenes",
    STORYBOARDS_ASSET,
    "clips",
    "sprite_sheets",
    "keyframes",
)
"""The assets that ``process_videos`` makes of a video, in order; the stages of its manifest."""

EXPORTS = "exports"
"""Files for other programs: their folder, and the manifest that names them."""

CATALOG_POOL = "catalog"
"""Of two runs that write the catalog at once, the one that looked first could end last."""

SOURCE_VIDEOS = "source_videos"
"""The dynamic partitions: one for each video."""

PARTITION_TAG = "dagster/partition"
"""Dagster's own tag on a run of one video."""

SOURCE_VERSION_TAG = "heaters/source_version"
"""On every run that processes a source object: which version of it. What the sensor knows of."""

SOURCE_KEY_TAG = "heaters/source_key"
"""On a run of an upload whose key its partition does not tell: else all uploads are listed."""

WORK_TAG = "heaters/work"
"""On every asset: what it spends its time with; ``decide`` decodes and encodes nothing."""

SUBMISSION_TAG = "heaters/submission"
"""On every run that a submission started: which version of it."""

CORRECTIONS_TAG = "heaters/corrections"
"""On every run that took in what people decided of a video: which version of that."""

UPLOADED_TAG = "heaters/uploaded"
"""On every run that a sensor started: when that version was put into the store."""

MAX_RETRIES_TAG = "dagster/max_retries"
"""Dagster's own tag: how often the daemon tries a run again whose process died."""

PROCESS_TAG = "heaters/process"
"""On every run at work: its process, whose lock on a file of this name says that it is alive."""

ALIVE_TAG = "heaters/alive"
"""On a run that lasts: its last sign of life, for those who cannot see the lock."""

DIED_TAG = "heaters/died"
"""On a run whose process was found dead. A sensor takes up the video again, a few times."""

SETTINGS_TAG = "heaters/settings"
"""On a run that changed settings of the store started: which version of them."""

GIVEN_TAG = "heaters/config"
"""On a run whose config holds nothing but what a person gave: all of it stays with the video."""

REPAIR_TAG = "heaters/repaired_by"
"""On the run that a repair started: the run of the repair."""

STEP_RETRIES_TAG = "heaters/step_retries"
"""On a run of which steps were tried again: how often, so that nobody counts its events."""

DISMISSED_TAG = "heaters/dismissed"
"""On a failed run that nobody wants to be told of any more: since when."""

INTERRUPTED = "the run was interrupted; what is finished is kept, start it again"
"""Why a run failed that somebody ended; what is recorded is compared with it."""
