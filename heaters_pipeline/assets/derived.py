"""Work that goes through the clips of a video one by one: sprite sheets and key frames."""

import os
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.assets.stage_work import StageWork
from heaters_pipeline.assets.units import Unit
from heaters_pipeline.errors import HeatersError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.manifests import ManifestItem

MakeItems = Callable[[Unit, Path], Sequence[ManifestItem]]
"""From a unit and a folder of its own: the stored items."""


def clips_of(run: StageRun) -> list[ManifestItem]:
    """The clips of the run's video, in order."""
    return list(run.workspace.require_manifest("clips", run.video_id).items)


@contextmanager
def local_clip(run: StageRun, clip: ManifestItem) -> Iterator[Path]:
    """A local file with a clip's content."""
    stored = run.workspace.objects(keys.objects_prefix("clips", run.video_id))
    with run.workspace.local_copy(clip.key, stored[clip.key].version) as path:
        yield path


def make_missing(work: StageWork, make: MakeItems) -> None:
    """Make each missing unit, several at a time; failures are recorded.

    Args:
        work: The stage's work, planned.
        make: Makes and stores the objects of one unit.
    """
    missing = work.missing
    if not missing:
        return
    run = work.run

    def one(unit: Unit, folder: Path) -> Sequence[ManifestItem]:
        folder.mkdir()
        return make(unit, folder)

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
