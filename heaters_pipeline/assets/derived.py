"""Work that goes through the clips of a video one by one: sprite sheets and key frames."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.assets.stage_work import StageWork
from heaters_pipeline.assets.units import Unit
from heaters_pipeline.errors import HeatersError
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.records.manifests import ManifestItem

P = ParamSpec("P")
T = TypeVar("T")

MakeItems = Callable[[Unit, Path], Sequence[ManifestItem]]
"""From a unit and a folder of its own: the stored items."""


def clips_of(run: StageRun) -> list[ManifestItem]:
    """The clips of the run's video, in order."""
    return list(run.workspace.require_manifest("clips", run.video_id).items)


def made_of_clip(
    run: StageRun,
    clip: ManifestItem,
    what: str,
    make: Callable[Concatenate[Path, P], T],
    /,
    *args: P.args,
    **by_name: P.kwargs,
) -> T:
    """What a function makes of a clip's file, in a child process where that is asked for.

    Args:
        run: Of the stage.
        clip: As it is recorded.
        what: It makes, for messages, such as "key frames".
        make: Given a local file with the clip's content.
        *args: The rest of what it is given.
        **by_name: The same.
    Raises: What ``make`` raises, ``Children.call``, and the store.
    """
    stored = run.workspace.objects(keys.objects_prefix("clips", run.video_id))
    with run.workspace.local_copy(clip.key, stored[clip.key].version) as path:
        doing = f"{what} of {clip.key} were made"
        return run.children.call(doing, make, path, *args, **by_name)


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
