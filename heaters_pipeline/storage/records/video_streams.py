"""Go through the objects of very many videos, video by video, and hold those of a few at a time."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from heapq import merge
from itertools import groupby, islice
from operator import itemgetter
from typing import TypeVar

from heaters_pipeline.storage.object_store import ObjectInfo, ObjectStore

Item = TypeVar("Item")
Result = TypeVar("Result")

_GROUPS_AT_ONCE = 50

_Group = tuple[bytes, str, str, list[ObjectInfo]]
"""Where a video stands in listings, its id, a folder, and its objects there."""


def objects_by_video(
    store: ObjectStore, folders: Sequence[str], video_ids: Iterable[str] = ()
) -> Iterator[tuple[str, dict[str, list[ObjectInfo]]]]:
    """What lies in ``<folder>/<video_id>/``, by folder, for one video after the other.

    All folders are listed at the same time, a little ahead of what is asked for.

    Args:
        store: Where it lies.
        folders: Which.
        video_ids: Videos that come as well if nothing of them lies there.
    """
    known: list[_Group] = sorted((_place(video_id), video_id, "", []) for video_id in video_ids)
    with ThreadPoolExecutor(len(folders)) as pool:
        streams = [_ahead(pool, _groups(store, folder)) for folder in folders]
        merged = merge(known, *streams, key=itemgetter(0))
        for (_, video_id), groups in groupby(merged, key=itemgetter(0, 1)):
            yield video_id, {folder: found for _, _, folder, found in groups if folder}


def mapped_ahead(
    pool: Executor, function: Callable[[Item], Result], items: Iterable[Item], *, ahead: int
) -> Iterator[Result]:
    """``pool.map`` that takes its items a few before their results are asked for."""
    coming: deque[Future[Result]] = deque()
    for item in items:
        coming.append(pool.submit(function, item))
        if len(coming) > ahead:
            yield coming.popleft().result()
    while coming:
        yield coming.popleft().result()


def _groups(store: ObjectStore, folder: str) -> Iterator[_Group]:
    inside = (found for found in store.list(f"{folder}/") if found.key.count("/") > 1)
    for video_id, found in groupby(inside, key=lambda each: each.key.split("/", 2)[1]):
        yield _place(video_id), video_id, folder, list(found)


def _place(video_id: str) -> bytes:
    """In which order listings have the folders of videos."""
    return f"{video_id}/".encode("utf-8", "surrogateescape")


def _ahead(pool: Executor, groups: Iterator[_Group]) -> Iterator[_Group]:
    def some() -> list[_Group]:
        return list(islice(groups, _GROUPS_AT_ONCE))

    coming = pool.submit(some)
    while found := coming.result():
        coming = pool.submit(some)
        yield from found
