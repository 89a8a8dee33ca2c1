"""``heaters prune``: what nothing has named for long, and its removal."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from heaters_pipeline import home
from heaters_pipeline.cli.terminal import megabytes, table_lines
from heaters_pipeline.errors import SettingsError, printable
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline.storage.records.claims import Claims
from heaters_pipeline.storage.records.pruning import Pruner, Removal
from heaters_pipeline.storage.records.video_keys import keys_of_video

KEYS_SHOWN = 5


def prune_videos(
    wanted: Sequence[Sequence[str]],
    *,
    older_than_days: float,
    delete: bool,
    on_video: Callable[[Mapping[str, Any]], None],
) -> dict[str, Any]:
    """Find what may be removed, and remove it if that is asked.

    Args:
        wanted: For each video the ids that it may have; none for all, with what is of no video.
        older_than_days: For how long nothing has to have named an object, by the store's clock.
        delete: Remove it.
        on_video: Given the document of each video of which something is found.
    Returns:
        The document of ``heaters prune --json``.
    Raises:
        SettingsError: There is no such video.
        StoreError: The store cannot be listed.
    """
    store = open_store(home.store_location(), base_folder=home.home_folder())
    claims = Claims(store, home.cache_folder() / "claims")
    pruner = Pruner(store, claims, timedelta(days=older_than_days))
    video_ids = [known for candidates in wanted for known in _known(store, candidates)]
    documents = []
    for removal in pruner.look(list(dict.fromkeys(video_ids)) or None):
        if delete:
            pruner.remove(removal)
        documents.append(_document(removal))
        on_video(documents[-1])
    return {
        "older_than_days": older_than_days,
        "deleted": delete,
        "kinds": _kinds(documents),
        "videos": documents,
        "warnings": pruner.warnings,
        "requests": dict(store.requests),
    }


def _known(store: ObjectStore, candidates: Sequence[str]) -> list[str]:
    """Those of the ids that a video may have of which anything is stored."""
    known = [video_id for video_id in candidates if any(keys_of_video(store, video_id))]
    if not known:
        raise SettingsError(
            f"nothing is stored of {candidates[0]}; heaters status lists all videos"
        )
    return known


def video_lines(document: Mapping[str, Any]) -> list[str]:
    """What a person reads of a video."""
    name = printable(document["video_id"]) or "unfinished writes"
    found = document["objects"] + document["leftovers"]
    lines = []
    if found:
        size = f", {megabytes(document['bytes'])}" if document["bytes"] else ""
        removed = f"; removed {document['removed']}" if document["removed"] else ""
        said = "no longer named by anything" if document["objects"] else "old"
        lines.append(f"{name}: {len(found)} {said}{size}{removed}")
        lines += [f"  {printable(key)}" for key in found[:KEYS_SHOWN]]
        if len(found) > KEYS_SHOWN:
            lines.append(f"  and {len(found) - KEYS_SHOWN} more")
    if document["kept"]:
        lines.append(f"{name}: nothing is removed now, since {document['kept']}")
    return lines + [f"{name}: {error}" for error in document["errors"]]


def summary_lines(document: Mapping[str, Any]) -> list[str]:
    """A table by kind, and what comes next."""
    rows: list[tuple[str, ...]] = [
        (kind, str(counts["found"]), megabytes(counts["bytes"]))
        for kind, counts in document["kinds"].items()
    ]
    found = sum(counts["found"] for counts in document["kinds"].values())
    days = f"{document['older_than_days']:g} days"
    waiting = _waiting_lines(document)
    if not found:
        return [*waiting, f"nothing to remove: no object has gone unnamed for {days}"]
    removed = sum(video["removed"] for video in document["videos"])
    end = (
        f"{removed} of {found} are removed"
        if document["deleted"]
        else (f"{found} can go: nothing has named them for {days}; --delete removes them")
    )
    return [*table_lines(("kind", "found", "size"), rows), *waiting, end]


def _waiting_lines(document: Mapping[str, Any]) -> list[str]:
    """What is named by nothing either, and when it will have been so for long enough."""
    videos = [video["waiting"] for video in document["videos"] if video["waiting"]["objects"]]
    if not videos:
        return []
    count = sum(video["objects"] for video in videos)
    size = megabytes(sum(video["bytes"] for video in videos))
    first = min(datetime.fromisoformat(video["since"]) for video in videos)
    due = first + timedelta(days=document["older_than_days"])
    objects = "1 object is" if count == 1 else f"{count} objects are"
    return [
        f"{objects} named by nothing any more, {size}, first seen so on {first:%Y-%m-%d}; "
        f"what stays so can go from {due:%Y-%m-%d} on"
    ]


def _document(removal: Removal) -> dict[str, Any]:
    return {
        "video_id": removal.video_id,
        "objects": [found.key for found in removal.objects],
        "leftovers": [leftover.name for leftover in removal.leftovers],
        "bytes": sum(found.size_bytes for found in removal.objects),
        "kinds": _sizes(removal),
        "waiting": {
            "objects": len(removal.waiting),
            "bytes": sum(found.size_bytes for found in removal.waiting),
            "since": removal.waiting_since and removal.waiting_since.isoformat(),
        },
        "removed": removal.removed,
        "kept": removal.kept,
        "errors": removal.errors,
    }


def _sizes(removal: Removal) -> dict[str, dict[str, int]]:
    kinds: dict[str, dict[str, int]] = defaultdict(lambda: {"found": 0, "bytes": 0})
    for found in removal.objects:
        counts = kinds[found.key.partition("/")[0]]
        counts["found"] += 1
        counts["bytes"] += found.size_bytes
    if removal.leftovers:
        kinds["unfinished writes"]["found"] = len(removal.leftovers)
    return dict(kinds)


def _kinds(documents: Sequence[Mapping[str, Any]]) -> dict[str, dict[str, int]]:
    sums: dict[str, dict[str, int]] = defaultdict(lambda: {"found": 0, "bytes": 0})
    for document in documents:
        for kind, counts in document["kinds"].items():
            for name, count in counts.items():
                sums[kind][name] += count
    return dict(sorted(sums.items()))
