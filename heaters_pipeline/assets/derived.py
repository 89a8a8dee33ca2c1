"""Work that goes through the clips of a video one by one: sprite sheets and key frames."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path

from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.assets.stage_work import StageWork
from heaters_pipeline.assets.units import Unit
from heaters_pipeline.errors import HeatersError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.manifests import ManifestItem

MakeItems = Callable[[Unit, Path, Path], Sequence[ManifestItem]]
"""From a unit, its clip's file and a folder of its own: the stored items."""


def clips_of(run: StageRun) -> list[ManifestItem]:
    """The clips of the run's video, in order."""
    return list(run.workspace.require_manifest("clips", run.video_id).items)


def make_from_clips(work: StageWork, clip_keys: dict[str, str], make: MakeItems) -> None:
    """Make each missing unit from its clip, several at a time; failures are recorded.

    Args:
        work: The stage's work, planned.
        clip_keys: The key of each unit's clip, by the unit's identifier.
        make: Makes and stores the objects of one unit.
    """
    missing = work.missing
    if not missing:
        return
    run = work.run
    clips = run.workspace.objects(keys.objects_prefix("clips", run.video_id))

    def one(unit: Unit, folder: Path) -> Sequence[ManifestItem]:
        folder.mkdir()
        key = clip_keys[unit.identifier]
        with run.workspace.local_copy(key, clips[key].version) as clip:
            return make(unit, clip, folder)

    with (
        run.phase("make"),
        run.workspace.scratch() as scratch,
        ThreadPoolExecutor(os.cpu_count() or 1) as pool,
    ):
        futures = {
            pool.submit(one, unit, scratch / str(number)): unit
            for number, unit in enumerate(missing)
        }
        try:
            for done, future in enumerate(as_completed(futures), 1):
                try:
                    work.add(futures[future], future.result())
                except HeatersError as error:
                    work.fail(futures[future], error)
                run.progress(run.stage, done, len(missing))
        finally:
            pool.shutdown(cancel_futures=True)
