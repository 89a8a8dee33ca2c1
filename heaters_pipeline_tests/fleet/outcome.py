"""What a fleet left behind: each video done once, nothing lost or made twice, no file over."""

from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline_tests.fleet.machines import BUCKET, PREFIX, Fleet

_DONE = ("SUCCESS", "FAILURE", "CANCELED")
STAGES = ("clips", "sprite_sheets", "keyframes", "storyboards")


def clip_files(fleet: Fleet, video_id: str = "*") -> list[Path]:
    """The clips that lie in the bucket, which is a folder."""
    return [
        path
        for path in (fleet.folder / "s3" / BUCKET / PREFIX / "clips").glob(f"{video_id}/**/*")
        if path.is_file()
    ]


@dataclass(frozen=True, slots=True)
class Finished:
    """A clip as it lay in the bucket at a moment: a write makes another of it."""

    path: Path
    bytes: int
    inode: int
    modified_ns: int

    @classmethod
    def at(cls, path: Path) -> "Finished":
        """As it is now."""
        status = path.stat()
        return cls(path, status.st_size, status.st_ino, status.st_mtime_ns)


def made_again(before: list[Finished]) -> list[str]:
    """The clips that were whole at that moment and were written once more since.

    One that had not its last size then was being stored, and whoever did it was killed.
    """
    return [
        str(each.path)
        for each in before
        if each.path.stat().st_size == each.bytes and Finished.at(each.path) != each
    ]


def done_videos(fleet: Fleet) -> set[str]:
    """The videos with a run that succeeded."""
    return {partition for partition, status, _ in fleet.runs() if status == "SUCCESS"}


def is_at_rest(fleet: Fleet) -> bool:
    """Whether no run of any job is under way, waits, or is about to be tried again."""
    rows = fleet.query(
        'SELECT status, run_body LIKE \'%%"dagster/will_retry": "true"%%\' AND '
        "run_body NOT LIKE '%%\"dagster/auto_retry_run_id\"%%' FROM runs"
    )
    return all(status in _DONE and not comes_again for status, comes_again in rows)


def assert_each_video_is_done_once(fleet: Fleet, videos: dict[str, int]) -> None:
    """Each video has one successful run, all its clips, and not one object besides.

    Args:
        fleet: At rest.
        videos: How many scenes each has.
    """
    succeeded = Counter(partition for partition, status, _ in fleet.runs() if status == "SUCCESS")
    assert succeeded == dict.fromkeys(videos, 1)
    for video_id, scenes in videos.items():
        manifest = read_video(fleet.store, video_id)
        recorded = {item.key for item in manifest.stages["clips"].items}
        stored = {info.key for info in fleet.store.list(f"clips/{video_id}/")}
        assert len(recorded) == scenes, video_id
        assert stored == recorded, video_id
        assert set(STAGES) <= set(manifest.stages), video_id


def files_left(fleet: Fleet) -> list[str]:
    """What workers left that no longer runs: locks, work under way, unfinished uploads."""
    left = []
    for number in range(len(fleet.workers)):
        own = fleet.folder / f"worker{number}"
        for folder in ("cache/runs", "cache/scratch", "cache/objects/incoming", "tmp"):
            left += [str(path) for path in (own / folder).rglob("*") if path.is_file()]
    # Of what the server wrote for the pipeline; Dagster keeps what it saw of a step's output.
    left += [str(path) for path in (fleet.folder / "s3" / BUCKET / PREFIX).rglob("*.partial")]
    return left
