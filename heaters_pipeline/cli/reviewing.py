"""What ``heaters review`` does: decisions taken in, and what became of them."""

from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Any

from heaters_pipeline.assets.deciding import decide_scenes
from heaters_pipeline.assets.records import source_of, track_of
from heaters_pipeline.assets.stage import StageRun
from heaters_pipeline.assets.tables import shown_decision
from heaters_pipeline.assets.video_settings import video_layers, video_settings
from heaters_pipeline.cli.terminal import table_lines
from heaters_pipeline.errors import ManifestError, SettingsError
from heaters_pipeline.report.catalog_facts import finished_videos
from heaters_pipeline.report.review import review_of
from heaters_pipeline.resources import open_workspace
from heaters_pipeline.storage import keys
from heaters_pipeline.storage.object_store import ObjectStore
from heaters_pipeline.storage.records.corrections import (
    MOST_BYTES,
    Corrections,
    Mark,
    add_decisions,
    read_corrections,
)
from heaters_pipeline.storage.records.video_manifests import read_video
from heaters_pipeline.workspace import Workspace

READERS = 16

OF_ANOTHER_SOURCE = "of another version of the source"
NO_SUCH_CLIP = "no clip has these frames any more"
OVERTAKEN = "a later decision counts"


def apply_file(path: Path, candidates: Sequence[str] | None) -> dict[str, Any]:
    """Add the decisions of a file to those in the store.

    Args:
        path: The file, absolute.
        candidates: The ids that the video may have; None for the one that the file names.
    Returns:
        The document of the video, with how many were ``added`` and ``known``.
    Raises:
        SettingsError: The file cannot be read, or there is no such video.
        ManifestError: It holds something else, or what is in the store cannot be read.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as error:
        raise SettingsError(f"cannot read {path}: {error.strerror}") from error
    if len(data) > MOST_BYTES:
        raise SettingsError(f"{path} has more than {MOST_BYTES} bytes, which no corrections have")
    given = Corrections.from_bytes(data, str(path))
    with closing(open_workspace()) as workspace:
        video_id = _recorded(workspace, candidates or [given.video_id])
        _, fresh = add_decisions(workspace.store, video_id, given.decisions)
        document = _document(workspace, video_id)
    return {**document, "added": len(fresh), "known": len(given.decisions) - len(fresh)}


def video_document(candidates: Sequence[str]) -> dict[str, Any]:
    """What people decided of a video, and what became of it.

    Raises:
        SettingsError: There is no such video, or it is not processed.
    """
    with closing(open_workspace()) as workspace:
        return _document(workspace, _recorded(workspace, candidates))


def waiting_videos() -> list[dict[str, Any]]:
    """How far people have reviewed each video of the catalog, by id.

    Of videos with decisions the record and the decisions are read, so that it is as they are now.
    One whose records cannot be read is listed with the ``error`` that says why.
    """
    store = open_workspace().store
    clips = {video_id: row.clips for video_id, row in finished_videos(store).items()}
    decided = {keys.corrected_video(found.key) for found in store.list(keys.CORRECTION_PREFIX)}
    with ThreadPoolExecutor(READERS) as pool:
        looked = pool.map(
            lambda one: _reviewed(store, one, clips[one]), sorted(clips.keys() & decided)
        )
        known = {row["video_id"]: row for row in looked if row is not None}
    return [
        known.get(video_id) or _row(video_id, "waiting", {"waiting": count})
        for video_id, count in sorted(clips.items())
    ]


def review_lines(document: Mapping[str, Any]) -> Iterator[str]:
    """The document of a video for people: a line a decision, then where it stands."""
    if document["decisions"]:
        shown = ("by", "at", "outcome", "why")
        rows = [
            (shown_decision(row), *(str(row[name]) for name in shown))
            for row in document["decisions"]
        ]
        yield from table_lines(("decision", *shown), rows)
    counts = document["counts"]
    states = ", ".join(f"{number} {state}" for state, number in counts.items())
    yield f"{document['video_id']}: {document['state']}; {len(document['clips'])} clips: {states}"
    if made := document["to_make"]:
        name = document["video_id"]
        yield f"new clips: {made}; heaters process {name} makes them, or the sensors do"


def _recorded(workspace: Workspace, candidates: Sequence[str]) -> str:
    for video_id in candidates:
        if workspace.video(video_id).is_finished:
            return video_id
    raise SettingsError(
        f"{candidates[0]} is no finished video of {workspace.store.url}: heaters status lists all, "
        "heaters process finishes one"
    )


def _document(workspace: Workspace, video_id: str) -> dict[str, Any]:
    run = StageRun(workspace, "scenes", video_id)
    source = source_of(run)
    # As the next run would do it.
    settings = video_settings(video_layers(workspace, video_id)).detection
    decided = decide_scenes(run, source, track_of(run), settings)
    corrections = workspace.by_hand.corrections(video_id)
    spans = [(span.start, span.end) for span in decided.scenes.scenes]
    marks = corrections.marks(source.sha256)
    clips = [
        {"start_frame": span[0], "end_frame": span[1], **_mark(marks.get(span, Mark()))}
        for span in spans
    ]
    counts = {
        state: sum(clip["review"] == state for clip in clips)
        for state in ("approved", "rejected", "waiting")
    }
    is_decided = bool(corrections.of_source(source.sha256)) and not counts["waiting"]
    made = {(item.start_frame, item.end_frame) for item in _clips(workspace, video_id)}
    return {
        "video_id": video_id,
        "state": "reviewed" if is_decided else "waiting",
        "counts": counts,
        "to_make": len(set(spans) - made),
        "decisions": list(_outcomes(corrections, source.sha256, decided.by_hand, set(spans))),
        "clips": clips,
    }


def _outcomes(
    corrections: Corrections,
    source_sha256: str,
    by_hand: Mapping[str, Any],
    spans: set[tuple[int, int]],
) -> Iterator[dict[str, Any]]:
    refusals = {row["id"]: row["refusal"] for row in by_hand.get("corrections", ())}
    latest = {(one.span, one.kind == "tag"): one.id for one in corrections.of_source(source_sha256)}
    for one in corrections.decisions:
        if one.source_sha256 != source_sha256:
            outcome = OF_ANOTHER_SOURCE
        elif one.is_edit:
            outcome = refusals[one.id] or "applied"
        elif one.span not in spans:
            outcome = NO_SUCH_CLIP
        else:
            is_last = latest[one.span, one.kind == "tag"] == one.id
            outcome = "applied" if is_last else OVERTAKEN
        yield {**one.to_json(), "outcome": outcome}


def _clips(workspace: Workspace, video_id: str) -> Sequence[Any]:
    return workspace.require_manifest("clips", video_id).items


def _mark(mark: Mark) -> dict[str, Any]:
    return {"review": mark.review, "tags": list(mark.tags)}


def _reviewed(store: ObjectStore, video_id: str, clips: int) -> dict[str, Any] | None:
    try:
        video = read_video(store, video_id)
        if not video.is_finished:
            return None
        review = review_of(video, read_corrections(store, video_id))
    except ManifestError as error:
        return _row(video_id, "unreadable", {"waiting": clips}, str(error))
    return _row(video_id, review.state, review.counts)


def _row(
    video_id: str, state: str, counts: Mapping[Any, int], error: str | None = None
) -> dict[str, Any]:
    shown = {name: counts.get(name, 0) for name in ("approved", "rejected", "waiting")}
    row = {"video_id": video_id, "state": state, "clips": sum(shown.values()), **shown}
    return {**row, "error": error}
