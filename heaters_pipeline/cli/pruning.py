"""``heaters prune``: what no manifest names and is old, and its removal."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import Any

from heaters_pipeline import home
from heaters_pipeline.cli.terminal import megabytes, table_lines
from heaters_pipeline.errors import printable
from heaters_pipeline.storage.open_store import open_store
from heaters_pipeline.storage.records.claims import Claims
from heaters_pipeline.storage.records.pruning import Pruner, Removal

KEYS_SHOWN = 5


def prune_videos(
    video_ids: Sequence[str] | None,
    *,
    older_than_days: float,
    delete: bool,
    on_video: Callable[[Mapping[str, Any]], None],
) -> dict[str, Any]:
    """Find what may be removed, and remove it if that is asked.

    Args:
        video_ids: Which; None for all, with what is of no video.
        older_than_days: How old an object has to be, by the store's clock.
        delete: Remove it.
        on_video: Given the document of each video of which something is found.
    Returns:
        The document of ``heaters prune --json``.
    Raises:
        StoreError: The store cannot be listed.
    """
    store = open_store(home.store_location(), base_folder=home.home_folder())
    claims = Claims(store, home.cache_folder() / "claims")
    pruner = Pruner(store, claims, timedelta(days=older_than_days))
    documents = []
    # Removed only after all was looked at: a listing that is read must not change meanwhile.
    for removal in list(pruner.look(video_ids)):
        if delete:
            pruner.remove(removal)
        documents.append(_document(removal))
        on_video(documents[-1])
    return {
        "older_than_days": older_than_days,
        "deleted": delete,
        "kinds": _kinds(documents),
        "videos": documents,
        "requests": dict(store.requests),
    }


def video_lines(document: Mapping[str, Any]) -> list[str]:
    """What a person reads of a video."""
    name = printable(document["video_id"]) or "unfinished writes"
    found = document["objects"] + document["leftovers"]
    lines = []
    if found:
        size = f", {megabytes(document['bytes'])}" if document["bytes"] else ""
        removed = f"; removed {document['removed']}" if document["removed"] else ""
        lines.append(f"{name}: {len(found)} old and named by no manifest{size}{removed}")
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
    if not found:
        return [f"nothing older than {days} that no manifest names"]
    removed = sum(video["removed"] for video in document["videos"])
    end = (
        f"{removed} of {found} are removed"
        if document["deleted"]
        else (f"{found} are older than {days} and named by no manifest; --delete removes them")
    )
    return [*table_lines(("kind", "found", "size"), rows), end]


def _document(removal: Removal) -> dict[str, Any]:
    return {
        "video_id": removal.video_id,
        "objects": [found.key for found in removal.objects],
        "leftovers": [leftover.name for leftover in removal.leftovers],
        "bytes": sum(found.size_bytes for found in removal.objects),
        "kinds": _sizes(removal),
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
