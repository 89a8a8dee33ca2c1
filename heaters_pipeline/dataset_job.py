"""The job ``export_dataset``: clips of many videos as a data set for training, in the store."""

import dagster as dg
from pydantic import Field

from heaters_pipeline.assets.links import link
from heaters_pipeline.assets.stage import lasting_errors_fail
from heaters_pipeline.datasets.documents import CROISSANT, TABLE
from heaters_pipeline.datasets.exporting import export_dataset as write_dataset
from heaters_pipeline.datasets.in_store import place_in_store
from heaters_pipeline.datasets.settings import DATASET_FORMATS, DatasetSettings
from heaters_pipeline.names import DATASET_JOB
from heaters_pipeline.storage import keys
from heaters_pipeline.workspace import Workspace

_DEFAULTS = DatasetSettings()


class DatasetConfig(dg.Config):
    """What a data set is asked to be."""

    name: str = Field(
        default=_DEFAULTS.name,
        description="Of the data set, which lies in exports/_datasets/<name>/ of the store.",
    )
    format: str = Field(
        default=_DEFAULTS.format, description=f"One of {', '.join(DATASET_FORMATS)}."
    )
    videos: list[str] = Field(
        default=[], description="The partitions whose clips it holds; none for all videos."
    )
    where: str | None = Field(
        default=_DEFAULTS.where,
        description="A condition in SQL over the columns of the catalog, such as duration_seconds "
        "> 2 and video_codec = 'h264'. It needs DuckDB: the extra datasets.",
    )
    with_rejected: bool = Field(
        default=_DEFAULTS.with_rejected, description="Also clips that a person rejected."
    )
    shard_megabytes: int = Field(
        default=_DEFAULTS.shard_megabytes,
        description="How much of clips a shard of webdataset holds at most.",
    )
    license: str | None = Field(
        default=_DEFAULTS.license, description="Its licence, best as an address."
    )

    def settings(self) -> DatasetSettings:
        """The settings that the work is done with.

        Raises:
            SettingsError: One is outside what it may be.
        """
        return DatasetSettings(
            self.format,
            self.where,
            self.with_rejected,
            self.shard_megabytes,
            self.name,
            self.license,
        )


@dg.op(description="Writes the files of a data set that are not there yet.")
def write(
    context: dg.OpExecutionContext, config: DatasetConfig, workspace: dg.ResourceParam[Workspace]
) -> None:
    """Export what the config asks for.

    Raises:
        dagster.Failure: A setting is wrong, or a clip is not what is recorded.
    """

    def on_progress(done: int, total: int) -> None:
        workspace.require_claims()
        context.log.debug("%d of %d MB", done, total)

    with lasting_errors_fail():
        place = place_in_store(workspace.store, config.name)
        settings = config.settings()
        whom = keys.dataset_claim(config.name)
        workspace.claim(whom, lambda other: context.log.info("waits for %s", other))
        with workspace.scratch() as scratch:
            done = write_dataset(
                workspace.store,
                place,
                settings,
                scratch,
                wanted=[[video_id] for video_id in config.videos],
                on_progress=on_progress,
            )
    if done.unreadable:
        context.log.warning("left out, since they cannot be read: %s", dict(done.unreadable))
    context.add_output_metadata(
        {
            "clips": done.clips,
            "videos": done.videos,
            "rejected": done.rejected,
            "unfinished_videos": done.unfinished,
            "unreadable": dict(done.unreadable),
            "made": len(done.written),
            "reused": done.kept,
            "removed": len(done.removed),
            "dagster/uri": place.url,
            **{name: link(place.store, f"{place.prefix}{name}") for name in (TABLE, CROISSANT)},
        }
    )


@dg.job(
    name=DATASET_JOB,
    description="Writes clips of many videos as a data set for training into "
    "`exports/_datasets/<name>/` of the store; what is there already is not written again.",
    executor_def=dg.in_process_executor,
)
def export_dataset() -> None:
    """The op alone."""
    write()
