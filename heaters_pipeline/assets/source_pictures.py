"""Pictures of a source's frames, made in one decode for the step at work and those after it."""

from collections.abc import Callable, Iterable
from itertools import count

from heaters_pipeline.assets.records import Source, local_source
from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.video.media.probe import shown_name
from heaters_pipeline.video.media.timing import Timeline
from heaters_pipeline.video.stills.picture_shelf import MadePicture, PictureShelf, Wanted
from heaters_pipeline.video.stills.source_pictures import make_pictures


def source_pictures(
    run: StageRun,
    source: Source,
    timeline: Callable[[], Timeline],
    wanted: Iterable[Wanted],
    later: Callable[[], Iterable[Wanted]] = tuple,
) -> PictureShelf | None:
    """The wanted pictures, which an earlier step of the run may have made.

    Args:
        run: Of the stage.
        source: The video.
        timeline: Gives that of its track; asked only where the source is decoded.
        wanted: What the stage needs now.
        later: What the steps after it will need; asked only where the source is decoded anyway.
    Returns:
        A shelf that has them; None where they would have to be decoded and the source is no longer
        in the store: what follows from the track, or from clips, can still be made.
    Raises:
        InvalidVideoError: The source cannot be read.
        StoreError: The disk failed, or the store.
    """
    shelf = run.workspace.shelf(source.pictures_name)
    missing = {one for one in wanted if one not in shelf}
    if not missing:
        return shelf
    found = run.workspace.store.head(source.key)
    if found is None or found.version != source.version:
        return None
    missing.update(one for one in later() if one not in shelf)
    made = count(1)

    def keep(one: Wanted, picture: MadePicture) -> None:
        shelf.add(one, picture)
        run.progress("pictures", next(made), len(missing))

    with local_source(run, source) as (path, info):
        run.children.call(
            f"pictures of {shown_name(path)} were made",
            make_pictures,
            path,
            info,
            timeline(),
            missing,
            on_picture=keep,
        )
    return shelf
