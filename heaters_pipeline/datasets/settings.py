"""What a data set is asked to be: its format, which clips it holds, how large its shards are."""

from dataclasses import dataclass

from heaters_pipeline.errors import SettingsError

DATASET_FORMATS = ("webdataset", "videofolder")


@dataclass(frozen=True, slots=True)
class DatasetSettings:
    """What a data set is asked to be.

    Attributes:
        format: One of ``DATASET_FORMATS``.
        where: A condition in SQL that its clips meet; None for all.
        with_rejected: Also clips that a person rejected.
        shard_megabytes: A shard has clips of no more than this, unless it is a single one; > 0.
        name: What the data set is called in ``croissant.json``.
        license: The address of its licence, or its name; None leaves it open.
    """

    format: str = "webdataset"
    where: str | None = None
    with_rejected: bool = False
    shard_megabytes: int = 256
    name: str = "clips"
    license: str | None = None

    def __post_init__(self) -> None:
        if self.format not in DATASET_FORMATS:
            raise SettingsError(
                f"there is no format {self.format!r}; choose of {', '.join(DATASET_FORMATS)}"
            )
        if self.shard_megabytes < 1:
            raise SettingsError(f"a shard has 1 MB or more, got {self.shard_megabytes}")

    @property
    def is_sharded(self) -> bool:
        """Whether several clips share a file."""
        return self.format == "webdataset"
