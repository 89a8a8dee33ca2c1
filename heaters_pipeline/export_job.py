"""The job ``export_videos``: the scenes of a video as files for other programs, in the store."""

from typing import Any

import dagster as dg
from pydantic import Field

from heaters_pipeline.assets.export_work import export_video
from heaters_pipeline.assets.links import link
from heaters_pipeline.assets.stage import lasting_errors_fail
from heaters_pipeline.errors import SettingsError
from heaters_pipeline.exchange.formats import FORMATS, WITH_SOURCE, ExportSettings
from heaters_pipeline.names import EXPORT_JOB
from heaters_pipeline.partitions import source_videos_partitions
from heaters_pipeline.workspace import Workspace

_DEFAULTS = ExportSettings()


class ExportConfig(dg.Config):
    """What is exported of a video."""

    formats: list[str] = Field(
        default=list(_DEFAULTS.formats), description=f"Which: {', '.join(FORMATS)}."
    )
    with_rejected: bool = Field(
        default=_DEFAULTS.with_rejected, description="Also clips that a person rejected."
    )
    start_timecode: str | None = Field(
        default=_DEFAULTS.start_timecode,
        description="Timecode of the first frame, HH:MM:SS:FF, or HH:MM:SS;FF for drop-frame. "
        "Default: what the source says, else 00:00:00:00.",
    )

    def settings(self) -> ExportSettings:
        """The settings that the work is done with.

        Raises:
            SettingsError: There is no such format, or it is one of files that no store should hold.
        """
        if WITH_SOURCE in self.formats:
            raise SettingsError(
                f"{WITH_SOURCE} is a second copy of the source, which heaters export writes "
                "where you want it; the store has no place for it"
            )
        return ExportSettings(tuple(self.formats), self.with_rejected, self.start_timecode)


@dg.op(description="Writes the scenes of a video for other programs, if they are not there yet.")
def export(
    context: dg.OpExecutionContext, config: ExportConfig, workspace: dg.ResourceParam[Workspace]
) -> None:
    """Export the video of the run's partition.

    Raises:
        dagster.Failure: Its scenes were not decided yet, or a setting is wrong.
    """
    with lasting_errors_fail():
        done = export_video(workspace, context.partition_key, config.settings())
        facts: dict[str, Any] = {
            "scenes": len(done.edits.scenes),
            "left_out": done.edits.left_out,
            "frame_rate": done.edits.rate_said,
            "start_timecode": done.edits.timecode(0),
            "made": len(done.missing),
            "reused": len(done.files) - len(done.missing),
            **{file.format: link(workspace.store, item.key) for item, file in done.files},
        }
    if notes := done.edits.notes():
        facts["notes"] = "; ".join(notes)
        context.log.warning(facts["notes"])
    context.add_output_metadata(facts)


@dg.job(
    name=EXPORT_JOB,
    partitions_def=source_videos_partitions,
    description="Writes the scenes of a video for editing programs, players and scripts into "
    "`exports/` of the store; what is there already is not written again.",
    executor_def=dg.in_process_executor,
)
def export_videos() -> None:
    """The op alone."""
    export()
